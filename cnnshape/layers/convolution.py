"""Layers that multiply with learned weights: convolution, transposed convolution, linear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from cnnshape.layers.base import SPATIAL, Doubt, Layer, attempt, channels_of, last_of, sees_all, volume
from cnnshape.layers.following import Following
from cnnshape.layers.in_torch import padded_tensor
from cnnshape.layers.parameters import SAME_ENDS, Count, Flag, Inferred, Padding, Reference, WindowSetting, Word
from cnnshape.layers.sliding import Sliding, added, countable, fit
from cnnshape.layers.windows import Reads, cells, painted, whole
from cnnshape.numbers.rules import (
    N,
    Require,
    covering,
    cut_off,
    divides,
    extent,
    halves,
    padded,
    product,
    repeated,
    transposed,
    unasked,
    window,
)
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnnshape.layers.in_torch import Called, Recognized
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem


PARAMETRIZATIONS: Final = ("none", "weight_norm", "spectral_norm")
MADE_OF: Final = ("parametrizations.weight.original", "parametrizations.weight.0.")  # the numbers behind a weight
OLDER: Final = {  # their names before there were parametrizations
    "weight_norm": ({f"{MADE_OF[0]}0": "weight_g", f"{MADE_OF[0]}1": "weight_v"},),
    "spectral_norm": ({MADE_OF[0]: "weight_orig", f"{MADE_OF[1]}_u": "weight_u", f"{MADE_OF[1]}_v": "weight_v"},),
}


class Learned(Layer):
    """Convolution, transposed convolution, linear: a weight, learned or fixed, perhaps made of other parameters."""

    family = "Layers that multiply with learned weights"
    paint = "filters"
    bias: Flag
    learned: Flag
    parametrization: Word
    weighs: ClassVar[tuple[str, ...]]  # the settings that the weight decides

    @classmethod
    def of_weight(cls, other: Layer) -> dict[str, Any] | None:
        return {name: getattr(other, name) for name in cls.weighs} if type(other) is cls else None

    def beside_weight(self) -> tuple[N, N]:
        """Return the parameters and the buffers that are left where another layer has the weight: the biases."""
        biases = self.biases()
        return (biases, 0) if self.learned else (0, biases)

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        if given.get("learned", True):
            return None
        made = [name for name, none in (("parametrization", "none"), ("gain", False)) if given.get(name, none) != none]
        return values.KeysExclude(of=cls.type, one="learned = false", other=made[0]) if made else None

    def rows(self) -> N:
        """Return the size of the weight's first axis: a weight_norm has a factor for each of its parts."""
        raise NotImplementedError

    def parts(self) -> N:
        """Return the number of parts of the weight between which a spectral_norm distinguishes."""
        return self.rows()

    def factors(self) -> N:
        """Return the number of parameters that the weight is made of, beside one for each of its values."""
        return self.rows() if self.parametrization == "weight_norm" else 0

    def weight_shape(self, x: Shape) -> Shape:
        """Return the shape of torch's weight, at input x."""
        raise NotImplementedError

    def state(self, x: Shape) -> dict[str, Shape]:
        weight, (first, second) = self.weight_shape(x), MADE_OF
        match self.parametrization:
            case "weight_norm":
                found = {f"{first}0": (weight[0], *[1] * (len(weight) - 1)), f"{first}1": weight}
            case "spectral_norm":
                found = {
                    first: weight,
                    f"{second}_u": (self.parts(),),
                    f"{second}_v": (product(weight) // self.parts(),),
                }
            case _:
                found = {"weight": weight}
        return found | ({"bias": (self.biases(),)} if self.bias else {})

    def also(self) -> Sequence[Mapping[str, str]]:
        """Return the names of torch's older hooks."""
        return OLDER.get(self.parametrization, ())

    def counts(self, x: Shape, y: Shape) -> tuple[N, N]:
        parameters, macs = super().counts(x, y)
        return parameters + self.factors() if self.learned else 0, macs

    def buffers(self, x: Shape) -> N:
        """Return the numbers of a fixed weight and bias, or those of a spectral_norm's two vectors."""
        if not self.learned:
            return self.weights(x) + self.biases()
        return self.parts() + self.weights(x) // self.parts() if self.parametrization == "spectral_norm" else 0

    def module(self, torch: Any, *inputs: Shape) -> Any:
        """Return torch's module, parametrised; None for a fixed one, whose numbers are no parameters."""
        if not self.learned:
            return None
        module = super().module(torch, *inputs)
        if self.parametrization == "none":
            return module
        return getattr(torch.nn.utils.parametrizations, self.parametrization)(module)

    def construct(self, torch: Any, parts: Any, *inputs: Shape) -> Any:
        """Return the module; the numbers of a fixed one are buffers."""
        if self.learned:
            return self.module(torch, *inputs)
        return parts.fixed(self.replace(learned=True).module(torch, *inputs))

    def fixed(self, x: Shape) -> frozenset[str]:
        if not self.learned:
            return frozenset(self.state(x))
        return frozenset(f"{MADE_OF[1]}{end}" for end in ("_u", "_v"))

    def weight_on(self, torch: Any, module: Any) -> Any:
        """Return the weight on a tape (network/tape.py), which keeps what it is made with."""
        shape = self.weight_shape(module.entering[0])
        weight = torch.owned(shape, trained=self.learned and module.weight_trained)
        if self.parametrization == "none":
            return weight
        beside = (
            (shape[0],) if self.parametrization == "weight_norm" else (1, self.parts(), product(shape) // self.parts())
        )
        for count in beside if weight.grad else ():
            torch.keep_new(count)
        return torch.plain(weight, shape)

    def bias_trained(self, module: Any) -> bool:
        """Say whether the module on a tape has a bias that is trained."""
        return bool(self.bias and self.learned and module.trained)

    def ready(self, torch: Any, module: Any, x: Any) -> Any:
        """Return the module that runs on a tensor: the one given, or that of a fixed one."""
        return (
            module if module is not None else self.replace(learned=True).module(torch, tuple(x.shape[1:])).to(x.device)
        )

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return self.ready(torch, module, tensors[0])(tensors[0])

    @classmethod
    def of_module(cls, module: Any, **said: Any) -> Self:
        learned = any("weight" in name for name, _ in module.named_parameters())
        return super().of_module(module, **said).replace(learned=learned, parametrization=_parametrization(module))

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        """Return whether the weight comes from parameters; how it is made of them, the counts show."""
        computed = call.alive.count(True) > 1
        return {"learned": UNKNOWN if computed else call.weighted, "parametrization": UNKNOWN, "gain": UNKNOWN}

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        found = super().compared(x, y)
        if "parametrization" not in vars(self):
            found.pop("parametrization")
        return found


def _parametrization(module: Any) -> str:
    """Return how the weight of a live module is made, by torch's parametrizations or its older hooks."""
    steps = {type(step).__name__ for step in getattr(getattr(module, "parametrizations", None), "weight", ())}
    if "_WeightNorm" in steps or hasattr(module, "weight_g"):
        return "weight_norm"
    return "spectral_norm" if "_SpectralNorm" in steps or hasattr(module, "weight_u") else "none"


class _Filters(Learned):
    """Filters in groups, with a kernel: the base of convolution and transposed convolution."""

    in_channels: Inferred
    out_channels: Count
    groups: Count
    bias: Flag
    ranks = SPATIAL
    weight_axes: ClassVar[tuple[str, str]]  # the first two axes of torch's weight; the second has one group alone
    weighs: ClassVar[tuple[str, ...]] = (
        "in_channels",
        "out_channels",
        "kernel_size",
        "groups",
        "learned",
        "parametrization",
    )

    @classmethod
    def of_weight(cls, other: Layer) -> dict[str, Any] | None:
        """Return what the weight decides: that of a convolution is one of a transposed convolution the other way round."""
        if not isinstance(other, _Filters) or type(other) is cls or getattr(other, "gain", False):
            return super().of_weight(other)
        found = {name: getattr(other, name, False) for name in cls.weighs}
        return {**found, "in_channels": other.out_channels, "out_channels": other.in_channels}

    def depth(self, c: N, require: Require) -> N:
        if self.groups != 1:
            for name in ("in_channels", "out_channels"):
                count: Any = getattr(self, name)
                divisible = divides(self.groups, count)
                facts = {"parameter": name, "channels": count, "groups": self.groups}
                attempt(require, divisible, "groups-do-not-divide", **facts)  # out_channels is known nevertheless
        return self.out_channels

    def stated(self, x: Shape) -> Shape | None:
        known = super().stated(x)
        return known and (self.out_channels, *known[1:])

    def weight_shape(self, x: Shape) -> Shape:
        first, second = (getattr(self, name) for name in self.weight_axes)
        kernel = (axis["kernel_size"] for axis in self.axes(len(x) - 1))
        return (first, second // self.groups, *kernel)

    def weights(self, x: Shape) -> N:
        groups = self.groups
        if groups != 1 and not (divides(groups, self.in_channels) and divides(groups, self.out_channels)):
            return UNKNOWN  # the layer refuses
        per_filter = self.in_channels // groups * volume(self.axes(len(x) - 1), "kernel_size")
        return self.out_channels * per_filter

    def biases(self) -> N:
        return self.out_channels if self.bias else 0

    def rows(self) -> N:
        return getattr(self, self.weight_axes[0])

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        first, second, *kernel_size = given["weight"].shape
        channels = zip(cls.weight_axes, (first, second * given.get("groups", 1)), strict=True)
        found = {**dict(channels), "kernel_size": tuple(kernel_size), "bias": given.get("bias")}
        return super().told(given, call) | found


class Conv(_Filters, Sliding, type="conv", torch="Conv{rank}d"):
    """Slides `out_channels` filters over the input.

    Shape   (C, W, ...) -> (out_channels, W', ...), W' = floor((W - F + 2P) / S) + 1, with F = D(K - 1) + 1;
            padding "same": W' = W, "valid": P = 0, "same_upper", "same_lower": W' = ceil(W / S), the odd cell after, before
    Errors  window-too-large: F > W + 2P; window-too-wide: F >= 2**31; groups-do-not-divide: C, out_channels;
            same-needs-stride-1; padding-exceeds-side: P >= W with padding_mode "reflect", P > W with "circular";
            one-weight: with `gain`, a filter has one weight
    Counts  parameters: out_channels * C/groups * K... (+ out_channels); macs: weights * output positions;
            weight_norm and gain: out_channels more; not learned: none, as many buffers; spectral_norm: buffers,
            out_channels + C/groups * K...
    Source  Dumoulin & Visin 2016, relationships 6 and 15 (arXiv:1603.07285); torch.nn.Conv2d
    """

    in_channels = Inferred(channels_of)
    out_channels = Count()
    kernel_size = WindowSetting()
    stride = WindowSetting(1)
    padding = Padding("same", "valid")
    dilation = WindowSetting(1)
    groups = Count(1)
    bias = Flag(True)
    padding_mode = Word("zeros", words=("zeros", "reflect", "replicate", "circular"), sides=True)
    learned = Flag(True, torch=False)
    parametrization = Word("none", words=PARAMETRIZATIONS, torch=False, named=False)
    gain = Flag(False, torch=False)
    arguments = "weight bias stride padding dilation groups"
    weight_axes = ("out_channels", "in_channels")
    weighs = (*_Filters.weighs, "gain")

    def enter(self, require: Require, *inputs: Shape) -> None:
        super().enter(require, *inputs)
        if self.gain:
            require(self.weights(inputs[0]) // self.out_channels >= 2, "one-weight")  # noqa: PLR2004 -- more than one

    def state(self, x: Shape) -> dict[str, Shape]:
        gain = {"gain": (self.out_channels, *[1] * len(x))} if self.gain else {}
        return super().state(x) | gain

    def factors(self) -> N:
        return super().factors() + (self.out_channels if self.gain else 0)

    def side(  # noqa: PLR0913 -- torch's parameters
        self, w: N, require: Require, *, kernel_size: N, stride: N, padding: Any, dilation: N
    ) -> N:
        covered = extent(kernel_size, dilation)
        if padding in SAME_ENDS:
            _, after = halves(cut_off(w, extent=covered, stride=stride))
            repeated(w, require, padding=after, mode=self.padding_mode)
            return covering(w, stride=stride)
        before, after = added(w, padding, covered=covered, stride=stride)
        if self.padding_mode != "zeros":  # torch pads in a step of its own, which has its own conditions
            padded(w, require, before=before, after=after, mode=self.padding_mode)
        if padding == "same":
            require(stride == 1, "same-needs-stride-1", stride=stride)
            return w
        return window(w, require, extent=covered, stride=stride, padding=before)

    def leaves_empty(self, rank: int) -> bool:
        if isinstance(self.padding, str) or self.repeats_ends():  # words add less than F
            return False
        return any(axis["padding"] >= extent(axis["kernel_size"], axis["dilation"]) for axis in self.axes(rank))

    def repeats_ends(self) -> bool:
        return self.padding_mode != "zeros"

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return the elements of the padded input, where padding is a separate step, and of the unrolled windows."""
        axes = self.axes(len(x) - 1)
        sides = [
            axis["stride"] * w + axis["dilation"] * axis["kernel_size"] for w, axis in zip(y[1:], axes, strict=True)
        ]
        apart = self.padding_mode != "zeros" or self.padding in SAME_ENDS
        elements = 2 * x[0] * product(sides) if apart else 0
        return elements if onednn is not False else elements + x[0] * volume(axes, "kernel_size") * product(y[1:])

    def uses(self, x: Shape, y: Shape) -> N:
        return product(y[1:])

    def module(self, torch: Any, *inputs: Shape) -> Any:
        """Return torch's module, with its gains beside the weight; `call` pads where the padding follows the side."""
        bare = self.replace(padding=0, padding_mode="zeros") if self.padding in SAME_ENDS else self
        module = super(Conv, bare).module(torch, *inputs)
        if self.gain:
            gains = torch.ones(self.out_channels, *[1] * len(inputs[0]))
            module.register_parameter("gain", torch.nn.Parameter(gains))
        return module

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        x = self.padded_input(torch, tensors[0], mode=mode)
        if not self.gain:
            return self.ready(torch, module, x)(x)
        filters = module.weight.reshape(1, self.out_channels, -1)
        standard = torch.nn.functional.batch_norm(filters, None, None, weight=module.gain.flatten(), training=True)
        return module._conv_forward(x, standard.reshape_as(module.weight), module.bias)  # noqa: SLF001 -- in padding_mode

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return self.convolved(torch, module, x, module.weight)

    def convolved(self, torch: Any, module: Any, x: Any, weight: Any) -> Any:
        """Return a blank tensor convolved: torch pads before it, unless with as many zeros at both ends, and keeps that."""
        shape, ends = module.shape_of(x), self.steps_before(x.shape[1:])
        if ends:
            x = padded_tensor(torch, x, ends, mode="constant" if self.padding_mode == "zeros" else self.padding_mode)
        return torch.convolution(x, weight, shape, trained=self.bias_trained(module))

    def steps_before(self, x: Shape) -> Sequence[tuple[N, N]]:
        """Return the cells before and after each spatial axis that torch's module adds in a step before it; () for none."""
        if self.padding in SAME_ENDS or (self.padding_mode == "zeros" and self.padding != "same"):
            return ()
        if self.padding_mode != "zeros":
            return self.ends(x)
        uneven = [(max(0, before - after), max(0, after - before)) for before, after in self.ends(x)]
        return uneven if any(map(any, uneven)) else ()

    def construct(self, torch: Any, parts: Any, *inputs: Shape) -> Any:
        if not self.gain:
            return super().construct(torch, parts, *inputs)
        bare = self.replace(gain=False)
        return parts.standardized(bare.construct(torch, parts, *inputs))

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        return module(self.padded_in_code(parts, tensors[0], tensors[0].dim() - 2, mode=mode))

    @classmethod
    def of_module(cls, module: Any, **said: Any) -> Self:
        return super().of_module(module, **said).replace(gain=False)  # torch has no class with gains

    def fills_as(self, pad: Any, *, padded: bool) -> bool:
        return not padded if pad.mode != "constant" else pad.value == 0 and (not padded or self.padding_mode == "zeros")

    def behind(self, pad: Any, x: Shape, padded: Shape) -> Self | None:
        whole = super().behind(pad, x, padded)
        return whole and whole.replace(padding_mode="zeros" if pad.mode == "constant" else pad.mode)

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        found = super().compared(x, y)
        if not any(found["padding"]):
            del found["padding_mode"]
        return found

    def simplest(self, x: Shape, y: Shape) -> Layer:
        """Return a linear layer where one window covers the input, or the windows are patches without overlap."""
        if self.groups != 1 or self.gain is True or not 1 < len(x) == len(y) or any(self.compared(x, y)["padding"]):
            return self
        axes = self.axes(len(x) - 1)
        patches = all(axis["kernel_size"] == axis["stride"] and axis["dilation"] == 1 for axis in axes)
        if not patches and not sees_all(axes, x, y):
            return self
        inside = self.in_channels * volume(axes, "kernel_size")
        made = {name: value for name, value in vars(self).items() if name in {"learned", "parametrization"}}
        return Linear(in_features=inside, out_features=self.out_channels, bias=self.bias, **made)


class ConvTranspose(Following, _Filters, type="conv_transpose", torch="ConvTranspose{rank}d"):
    """Undoes the shape of a convolution: each input cell paints a kernel on the output (also called deconvolution).

    Shape   (C, W, ...) -> (out_channels, W', ...), W' = S(W - 1) - 2P + F + OP, with F = D(K - 1) + 1; or the side of
            `like`, as with torch's output_size; padding "same_upper", "same_lower": W' = S * W, as in Keras: F - S cells
            are cut off, the odd one at the end, at the beginning
    Errors  nothing-left: W' < 0; no-elements: W' = 0; output-padding-too-large: OP >= max(S, D);
            groups-do-not-divide: C, out_channels; like-out-of-range: the side of `like` needs another OP than 0 to S - 1;
            shapes-differ: `like` has another number of axes; window-below-stride: F < S with padding "same_upper";
            window-too-wide: F >= 2**31
    Counts  parameters: out_channels * C/groups * K... (+ out_channels); macs: weights * *input* positions;
            weight_norm: C more; not learned: none, as many buffers; spectral_norm: buffers,
            out_channels/groups + C * K...
    Source  Dumoulin & Visin 2016, relationship 14 (arXiv:1603.07285); torch.nn.ConvTranspose2d
    """

    paint = "enlarged"
    in_channels = Inferred(channels_of)
    out_channels = Count()
    kernel_size = WindowSetting()
    stride = WindowSetting(1)
    padding = Padding()
    output_padding = WindowSetting(0, least=0)
    groups = Count(1)
    bias = Flag(True)
    dilation = WindowSetting(1)
    padding_mode = Word("zeros", words=("zeros",))
    learned = Flag(True, torch=False)
    parametrization = Word("none", words=PARAMETRIZATIONS, torch=False, named=False)
    like = Reference()
    arguments = "weight bias stride padding output_padding groups dilation"
    weight_axes = ("in_channels", "out_channels")

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        padding = given.get("padding")
        decides = [*(["like"] if "like" in given else []), *([f'padding "{padding}"'] if padding in SAME_ENDS else [])]
        decides += ["output_padding"] if "output_padding" in given else []
        if len(decides) > 1:
            return values.KeysExclude(of=cls.type, one=decides[0], other=decides[1])
        return super().inconsistent(given)

    def parts(self) -> N:
        return self.out_channels // self.groups

    def enter(self, require: Require, *inputs: Shape) -> None:
        super().enter(require, *inputs)
        countable(self.axes(len(inputs[0]) - 1), require)

    def side(  # noqa: PLR0913 -- torch's parameters
        self, w: N, require: Require, *, kernel_size: N, stride: N, padding: Any, output_padding: N, dilation: N
    ) -> N:
        covered = extent(kernel_size, dilation)
        if padding in SAME_ENDS:
            require(covered >= stride, "window-below-stride", extent=covered, stride=stride, padding=padding)
            return w * stride
        fits = (output_padding < stride) | (output_padding < dilation)
        require(fits, "output-padding-too-large", output_padding=output_padding, stride=stride, dilation=dilation)
        return transposed(w, require, extent=covered, stride=stride, padding=padding, output_padding=output_padding)

    def reached(  # noqa: PLR0913 -- torch's parameters
        self, w: N, target: N, require: Require, *, kernel_size: N, stride: N, padding: N, dilation: N, **_: N
    ) -> N:
        """Return the side of `like`, which an output_padding below the stride must give."""
        least = transposed(w, unasked, extent=extent(kernel_size, dilation), stride=stride, padding=padding)
        in_range = (target >= least) & (target < least + stride)
        require(in_range, "like-out-of-range", side=target, least=least, most=least + stride - 1)
        return target

    def leaves_empty(self, rank: int) -> bool:
        gaps = (axis["dilation"] > 1 or axis["kernel_size"] < axis["stride"] for axis in self.axes(rank))
        return self.like is not None or any(axis["output_padding"] for axis in self.axes(rank)) or any(gaps)

    def reach(  # noqa: PLR0913 -- torch's parameters
        self, w: int, *, kernel_size: int, stride: int, padding: Any, output_padding: int, dilation: int
    ) -> Reads:
        cut, _ = _cut(padding, extent(kernel_size, dilation), stride)
        return painted(kernel_size=kernel_size, stride=stride, padding=cut, dilation=dilation)

    def uses(self, x: Shape, y: Shape) -> N:
        return product(x[1:])

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return the elements of the painted kernels, before they are added."""
        axes = self.axes(len(x) - 1)
        in_place = onednn and all(axis["output_padding"] < axis["stride"] for axis in axes)
        return 0 if onednn is None or in_place else y[0] * volume(axes, "kernel_size") * product(x[1:])

    def module(self, torch: Any, *inputs: Shape) -> Any:
        """Return torch's module; `call` cuts what it gives where the padding is none of torch's."""
        bare = self.replace(padding=0) if self.padding in SAME_ENDS else self
        return super(ConvTranspose, bare).module(torch, *inputs)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x, *like = tensors
        module = self.ready(torch, module, x)
        if like:
            if like[0].dim() != x.dim():  # torch takes (2, 5, 5) for (N, C, W), and lets it pass in 1-D
                raise ValueError("the sides of a result with other axes")
            return module(x, output_size=like[0].shape[2:])
        if self.padding not in SAME_ENDS:
            return module(x)
        ends = [(-before, -after) for before, after in self.trims(x.dim() - 2)]
        return padded_tensor(torch, module(x), ends)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        bare = self.replace(padding=0) if self.padding in SAME_ENDS else None
        shape = (x.shape[0], *bare.bare_output(x.shape[1:])) if bare else module.shape_of(x)
        return torch.convolution(x, module.weight, shape, trained=self.bias_trained(module))

    def trims(self, rank: int) -> Sequence[tuple[N, N]]:
        """Return the cells that `padding` cuts off before and after each spatial axis."""
        return [
            _cut(axis["padding"], extent(axis["kernel_size"], axis["dilation"]), axis["stride"])
            for axis in self.axes(rank)
        ]

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the settings with output_padding as the sides show it: `like`, and torch's output_size, say it so."""
        found = super().compared(x, y)
        rank = len(x) - 1
        if len(y) - 1 == rank and fit(self, rank):
            padding = tuple(before for before, _ in self.trims(rank))
            plain = self.replace(padding=padding, output_padding=0)
            usual = [plain.side(w, unasked, **axis) for w, axis in zip(x[1:], plain.axes(rank), strict=True)]
            more = tuple(side - least for side, least in zip(y[1:], usual, strict=True))
            found |= {"padding": padding, "output_padding": more}
        return found


def _cut(padding: Any, covered: N, stride: N) -> tuple[N, N]:
    """Return the cells that a transposed convolution cuts off before and after a side."""
    return halves(covered - stride, more_after=padding == "same_upper") if padding in SAME_ENDS else (padding, padding)


def _features(layer: Linear, x: Shape) -> N:
    return x[0] if layer.over == "channels" else last_of(layer, x)


class Linear(Learned, type="linear", torch="Linear"):
    """Multiplies the last axis with a matrix (also called fully connected, or dense).

    Shape   (..., in_features) -> (..., out_features); `over = "channels"`: (in_features, ...) -> (out_features, ...)
    Errors  declared-differs: in_features is not the axis
    Warns   linear-on-space: there are two spatial axes or more, and `over` is "last": is a flatten missing?
    Counts  parameters: in_features * out_features (+ out_features); macs: in_features * out_features * positions;
            weight_norm: out_features more; not learned: none, as many buffers; spectral_norm: buffers,
            out_features + in_features
    Source  torch.nn.Linear
    """

    paint = "dense"
    in_features = Inferred(_features)
    out_features = Count(sides=True)
    bias = Flag(True)
    over = Word("last", words=("last", "channels"), torch=False, compared=False, sides=True)
    learned = Flag(True, torch=False)
    parametrization = Word("none", words=PARAMETRIZATIONS, torch=False, named=False)
    arguments = "weight bias"
    weighs = ("in_features", "out_features", "learned", "parametrization")

    def output(self, require: Require, *inputs: Shape) -> Shape:
        (x,) = inputs
        return (self.out_features, *x[1:]) if self.over == "channels" else (*x[:-1], self.out_features)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        (x,) = inputs
        return [[cells() for _ in x[1:]] if self.over == "channels" else [*(cells() for _ in x[1:-1]), *whole(x)[-1:]]]

    def weight_shape(self, x: Shape) -> Shape:
        return (self.out_features, self.in_features)

    def weights(self, x: Shape) -> N:
        return self.in_features * self.out_features

    def biases(self) -> N:
        return self.out_features if self.bias else 0

    def rows(self) -> N:
        return self.out_features

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer; a weight of one axis makes another, whose result has an axis less."""
        if len(call.arguments(["weight"])["weight"].shape) > 1:
            yield from super().of_call(call)

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        outside, inside = given["weight"].shape
        found = {"in_features": inside, "out_features": outside, "bias": given.get("bias")}
        return super().told(given, call) | found

    def uses(self, x: Shape, y: Shape) -> N:
        return product((1, *(x[1:] if self.over == "channels" else x[:-1])))

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        ready = self.ready(torch, module, x)
        return ready(x.movedim(1, -1)).movedim(-1, 1) if self.over == "channels" else ready(x)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.linear(x, module.weight, trained=self.bias_trained(module))

    def doubts(self, *inputs: Shape) -> Iterator[Doubt]:
        if self.over == "last" and len(inputs[0]) > 2:  # noqa: PLR2004 -- one spatial axis is a sequence, and this each of its steps
            yield Doubt("linear-on-space", {"axes": len(inputs[0])})
