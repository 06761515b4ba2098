"""Layers that normalise: over the batch, groups, instances, neighbouring channels, a whole shape."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from cnnshape.layers.base import ANY_SPACE, SPATIAL, Doubt, Layer, channels_of, more_than_one
from cnnshape.layers.parameters import Count, Flag, Inferred, InferredShape, Real, Word
from cnnshape.layers.windows import whole
from cnnshape.numbers.rules import N, Require, divides, product
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnnshape.layers.in_torch import Called
    from cnnshape.layers.windows import Reads
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem

SIGNAL: Final = 3  # axes of a signal with its batch and channels
COUNTER: Final = "num_batches_tracked"  # a tensor that older checkpoints lack, and nobody needs


class Normalization(Layer):
    """Normalisation over some of the axes."""

    family = "Layers that normalise"
    paint = "norm"
    by_name = True


class _Affine(Normalization):
    """A norm with a learned factor and, if `bias`, a learned offset for each of its features."""

    affine: Flag
    bias: Flag

    def features(self) -> N:
        """Return the number of values that have a factor of their own."""
        raise NotImplementedError

    def stated(self, x: Shape) -> Shape | None:
        return x if len(x) - 1 in self.ranks else None

    def learns(self) -> bool:
        """Say whether it has factors."""
        return self.affine

    def normalized(self, torch: Any, module: Any, x: Any, y: Any, groups: int) -> Any:
        """Return y, of blank tensor x, with x and the mean and deviation of each of its groups kept."""
        y.grad = x.grad or (torch.training and self.learns() and module.trained)
        if y.grad:
            torch.keep_new(groups)
            torch.keep_new(groups)
        return torch.noted("input", x, y)

    def weights(self, x: Shape) -> N:
        return self.features() if self.learns() else 0

    def biases(self) -> N:
        return self.features() if self.learns() and self.bias else 0

    def affine_shape(self) -> Shape:
        """Return the shape of the factors, and of the offsets."""
        return (self.features(),)

    def state(self, x: Shape) -> dict[str, Shape]:
        names = ["weight"] * self.learns() + ["bias"] * (self.learns() and self.bias)
        return dict.fromkeys(names, self.affine_shape())

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        affine, channels = given.get("weight") is not None, call.tensors[0].shape[1]
        flags = {"affine": affine, "elementwise_affine": affine, "bias": given.get("bias")}
        return flags | {"num_features": channels, "num_channels": channels}

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        found = super().compared(x, y)
        if not self.learns():
            found.pop("bias", None)
        return found


class _OfChannels(_Affine):
    """A norm of each channel by itself: by the values of a sample, or by running statistics."""

    num_features: Inferred
    track_running_stats: Flag

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        require(self.track_running_stats or more_than_one(*x[1:]), "one-value", shape=x)
        return x

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        return super().reads(*inputs) if self.track_running_stats else [whole(inputs[0])]

    def features(self) -> N:
        return self.num_features

    def state(self, x: Shape) -> dict[str, Shape]:
        statistics: dict[str, Shape] = dict.fromkeys(("running_mean", "running_var"), (self.num_features,))
        return super().state(x) | (statistics | {COUNTER: ()} if self.track_running_stats else {})

    def buffers(self, x: Shape) -> N:
        return 2 * self.num_features if self.track_running_stats else 0

    def fixed(self, x: Shape) -> frozenset[str]:
        return frozenset(("running_mean", "running_var", COUNTER))


class BatchNorm(_OfChannels, type="batch_norm", torch="BatchNorm{rank}d"):
    """Normalises each channel over the batch and space.

    Shape   (C, ...) -> the same
    Errors  one-value: a channel has one value a sample, and track_running_stats is false
    Warns   one-value-batch-norm: a channel has one value a sample: in training, batch size 1 fails (an error where
            the file's batch_size is 1; nothing is said where it is larger)
    Counts  parameters: 2C (affine), C without `bias`; buffers: 2C running statistics (track_running_stats)
    Source  Ioffe & Szegedy 2015 (arXiv:1502.03167); torch.nn.BatchNorm2d
    """

    num_features = Inferred(channels_of)
    eps = Real(1e-5, least=0)
    momentum = Real(0.1)
    affine = Flag(True)
    track_running_stats = Flag(True)
    bias = Flag(True)
    ranks = range(4)
    modules: ClassVar = {"SyncBatchNorm": {}}
    arguments = "running_mean running_var weight bias training momentum eps"

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        divides_by_zero = given.get("eps") == 0 and not cls(**given).track_running_stats
        return values.ZeroEps() if divides_by_zero else None

    def doubts(self, *inputs: Shape) -> Iterator[Doubt]:
        x = inputs[0]
        if all(side == 1 for side in x[1:]):
            yield Doubt("one-value-batch-norm", {"shape": x})

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        if torch.training and (x.numel() == x.shape[1] or self.eps == 0):
            why = "an eps of 0" if self.eps == 0 else "one value a channel"
            torch.not_stated(f"torch refuses {why} in training")
        return self.normalized(torch, module, x, torch.suggested(x, x.shape), self.num_features)


class GroupNorm(_Affine, type="group_norm", torch="GroupNorm"):
    """Normalises groups of channels, with space, sample by sample.

    Shape   (C, ...) -> the same
    Errors  groups-do-not-divide: C; one-value: a group has one value a sample (torch refuses a batch of one)
    Counts  parameters: 2C (affine), C without `bias`
    Source  Wu & He 2018 (arXiv:1803.08494); torch.nn.GroupNorm
    """

    num_groups = Count()
    num_channels = Inferred(channels_of)
    eps = Real(1e-5)
    affine = Flag(True)
    bias = Flag(True)
    arguments = "num_groups weight bias eps"

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        divisible = divides(self.num_groups, x[0])
        require(divisible, "groups-do-not-divide", parameter="num_channels", channels=x[0], groups=self.num_groups)
        require(more_than_one(x[0] // self.num_groups, *x[1:]), "one-value", shape=x)
        return x

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [whole(inputs[0])]

    def features(self) -> N:
        return self.num_channels

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Keep the input or, where its values do not lie as torch has them, a copy."""
        y = torch.suggested(x, x.shape)
        entering = x if x.lies_as(y) else x.copied(x.shape)
        return self.normalized(torch, module, entering, y, x.shape[0] * self.num_groups)


class InstanceNorm(_OfChannels, type="instance_norm", torch="InstanceNorm{rank}d"):
    """Normalises each channel over space, sample by sample.

    Shape   (C, W, ...) -> the same
    Errors  one-value: there is one spatial value (unless track_running_stats: then evaluation needs none)
    Counts  parameters: none; affine: 2C, C without `bias`; buffers: 2C with track_running_stats
    Source  Ulyanov, Vedaldi, Lempitsky 2016 (arXiv:1607.08022); torch.nn.InstanceNorm2d
    """

    num_features = Inferred(channels_of)
    eps = Real(1e-5)
    momentum = Real(0.1)
    affine = Flag(False)
    track_running_stats = Flag(False)
    bias = Flag(True)
    ranks = SPATIAL
    arguments = "running_mean running_var weight bias use_input_stats momentum eps"

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Keep a batch norm of all samples' channels: its factors and statistics are repeated for each sample."""
        if torch.training and prod(x.shape[2:]) == 1:
            torch.not_stated("torch refuses one value a channel in training")
        channels = x.shape[0] * x.shape[1]
        y = self.normalized(torch, module, x.contiguous(), torch.plain(x, x.shape), channels)
        for _ in range((self.affine + 2 * self.track_running_stats) * y.grad):
            torch.keep_new(channels)
        return y


class LocalResponseNorm(Normalization, type="local_response_norm", torch="LocalResponseNorm"):
    """Divides each value by a sum over `size` neighbouring channels.

    Shape   (C, W, ...) -> the same
    Source  Krizhevsky, Sutskever, Hinton 2012, section 3.3; torch.nn.LocalResponseNorm
    """

    size = Count()
    alpha = Real(1e-4)
    beta = Real(0.75)
    k = Real(1.0)
    ranks = ANY_SPACE

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return the elements of the channels that torch adds."""
        return self.size * product(x[1:])

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Run torch's steps: squares, their mean over channels that are padded, and a division by a power of it."""
        squares, signal = x * x, x.dim() == SIGNAL
        n, c, *sides = x.shape
        if not signal:
            sides = [sides[0], prod(sides[1:])]
            squares = squares.viewed_as(n, c, *sides)
        padded = torch.pad(squares.unsqueeze(1), [*[0, 0] * len(sides), self.size // 2, (self.size - 1) // 2])
        means = torch.avg_pool(padded, (n, 1, c, *sides)).select(1, 0)
        sums = (means if signal else means.viewed_as(*x.shape)) * self.alpha + self.k
        return x / torch.applied("input", sums)


def _normalized(layer: LayerNorm, x: Shape) -> Shape:
    return x[:1] if layer.over == "channels" else x[-1:] if layer.over == "last" else x


class OfShape(_Affine):
    """A norm over the channels, the last axis, or the whole shape of each sample."""

    normalized_shape: InferredShape
    elementwise_affine: Flag
    over: Word

    def enter(self, require: Require, *inputs: Shape) -> None:
        require(self.over is not None or len(inputs[0]) <= 1, "say-over", shape=inputs[0])
        super().enter(require, *inputs)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        space = len(inputs[0]) - 1
        kept = space - {"channels": 0, "last": 1}.get(self.over, space)
        return [[*super().reads(*inputs)[0][:kept], *whole(inputs[0])[kept:]]]

    def features(self) -> N:
        shape: Any = self.normalized_shape
        return UNKNOWN if shape is UNKNOWN else product(shape)

    def affine_shape(self) -> Shape:
        shape: Any = self.normalized_shape
        return shape

    def learns(self) -> bool:
        return self.elementwise_affine

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        return module(x.movedim(1, -1)).movedim(-1, 1) if self.over == "channels" else module(x)


class LayerNorm(OfShape, type="layer_norm", torch="LayerNorm"):
    """Normalises each sample over its channels (`over = "channels"`, as ConvNeXt), its whole shape (`"all"`) or the last axis.

    Shape   (C, W, ...) -> the same
    Errors  say-over: the input has space, and `over` is left out; declared-differs: normalized_shape is not what
            arrives: over a side, it is fixed by the declared input
    Counts  parameters: twice the values that are normalised together, half of it without `bias`
    Source  Ba, Kiros, Hinton 2016 (arXiv:1607.06450); torch.nn.LayerNorm
    """

    normalized_shape = InferredShape(_normalized)
    eps = Real(1e-5)
    elementwise_affine = Flag(True)
    bias = Flag(True)
    over = Word(None, words=("channels", "all", "last"), torch=False, compared=False)  # type: ignore[arg-type]  # must be said only for space
    arguments = "normalized_shape weight bias eps"

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return self.normalized(torch, module, x, torch.plain(x, x.shape), x.numel() // self.features())


class RMSNorm(OfShape, type="rms_norm", torch="RMSNorm"):
    """Divides each sample by its root mean square, over what a `layer_norm` would normalise.

    Shape   (C, W, ...) -> the same
    Errors  say-over: the input has space, and `over` is left out; declared-differs: normalized_shape is not what
            arrives: over a side, it is fixed by the declared input
    Counts  parameters: the values that are normalised together
    Source  Zhang & Sennrich 2019 (arXiv:1910.07467); torch.nn.RMSNorm
    """

    normalized_shape = InferredShape(_normalized)
    eps = Real(None)  # type: ignore[arg-type]  # the smallest step of the dtype
    elementwise_affine = Flag(True)
    bias = False  # it has none
    over = Word(None, words=("channels", "all", "last"), torch=False, compared=False)  # type: ignore[arg-type]  # must be said only for space
    arguments = "normalized_shape weight eps"

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Run torch's steps, which cuda has in one: the inverse of the root mean square, and two products."""
        groups = x.numel() // self.features()
        if torch.cuda:
            y = torch.plain(x, x.shape)
            y.grad = x.grad or (torch.training and self.learns() and module.trained)
            if y.grad:
                torch.keep_new(groups)
            return torch.noted("input", x, y)
        kept = len(self.affine_shape())
        squares = torch.applied("input", x)
        scale = torch.applied("output", squares.copied((*x.shape[: x.dim() - kept], *[1] * kept)))
        y = x * scale
        weight = torch.owned((1,) * (x.dim() - kept) + self.affine_shape(), trained=module.trained)
        return torch.laid_as(x, y * weight if self.learns() else y)
