"""Layers that resize or cut: upsample, pad, crop, slice, select."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from cnnshape.layers.base import ANY_SPACE, SPATIAL, Layer, attempt, axis_of
from cnnshape.layers.following import Following
from cnnshape.layers.in_torch import Called, Recognized, padded_tensor
from cnnshape.layers.parameters import (
    Count,
    Dim,
    Ends,
    Factor,
    Flag,
    PerAxis,
    Real,
    Reference,
    Whole,
    Word,
    ends,
    per_axis,
)
from cnnshape.layers.sliding import fit
from cnnshape.layers.windows import Reads, cells, sampled, spread
from cnnshape.numbers import rules
from cnnshape.numbers.rules import (
    MAX_DYADIC,
    N,
    Require,
    covering,
    divides,
    halves,
    limited,
    padded,
    repeated,
    scaled,
    unasked,
)
from cnnshape.numbers.shape import LARGEST, Shape
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnnshape.problems.base import Problem


class Shaping(Layer):
    """Layers without weights that change a shape."""

    family = "Layers that resize or cut"
    paint = "resized"
    by_name = True


LIMITS: Final = ("at_least", "at_most")
MODES: Final = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}  # the spatial axes that a mode is for


class Upsample(Following, Shaping, type="upsample", torch="Upsample"):
    """Resizes by interpolation: to a `size`, by a `scale_factor`, to the size of another layer (`like`), or into limits.

    Shape   (C, W, ...) -> (C, W', ...), W' = size, or floor(W * scale_factor), or the side of `like`, or that times
            scale_factor, rounded down; W, or W * scale_factor, within limits: at_least where that is more, at_most where
            that is less
    Errors  no-elements: W' < 1; mode-needs-axes: "linear" is 1-D, "bilinear" and "bicubic" 2-D, "trilinear" 3-D;
            shapes-differ: `like` has another number of axes
    Source  torch.nn.Upsample
    """

    paint = "enlarged"
    size = PerAxis(None, compared=False)
    scale_factor = Factor(compared=False)
    mode = Word("nearest", words=("nearest", "nearest-exact", "area", *MODES))
    align_corners = Flag(None)  # type: ignore[arg-type]  # torch's default
    recompute_scale_factor = Flag(None)  # type: ignore[arg-type]  # torch's default
    like = Reference()
    at_least = PerAxis(None, torch=False, compared=False)
    at_most = PerAxis(None, torch=False, compared=False)
    ranks = SPATIAL
    fits = True
    functions = ("interpolate",)

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        keys = ["size", "scale_factor", "like", *LIMITS]
        ways = [name for name in keys if name in given]
        limited = {*ways} & {*LIMITS} and not {*ways} & {"size", "like"}
        if len(ways) != 1 and ways != ["scale_factor", "like"] and not limited:
            return values.NeedsOneOf(of=cls.type, keys=keys)
        if given.get("recompute_scale_factor") and ways != ["scale_factor"]:
            return values.KeysExclude(of=cls.type, one="recompute_scale_factor", other=ways[-1])
        mode = given.get("mode", "nearest")
        if given.get("align_corners") is not None and mode not in MODES:
            return values.OnlyForMode(parameter="align_corners", modes=[*MODES], mode=mode)
        return None

    def enter(self, require: Require, *inputs: Shape) -> None:
        super().enter(require, *inputs)
        axes = MODES.get(self.mode, len(inputs[0]) - 1)
        require(axes == len(inputs[0]) - 1, "mode-needs-axes", mode=self.mode, needs=axes, axes=len(inputs[0]) - 1)

    def stated(self, x: Shape) -> Shape | None:
        known = super().stated(x)
        given = per_axis(UNKNOWN if self.size is None else self.size, len(x) - 1)
        return known and (x[0], *(given if len(given) == len(x) - 1 else known[1:]))

    def reached(self, w: N, target: N, require: Require, *, scale_factor: Any = None, **_: Any) -> N:
        return target if scale_factor is None else self.side(target, require, scale_factor=scale_factor)

    def side(  # noqa: PLR0913 -- the ways to say which side comes out
        self, w: N, require: Require, *, size: N = None, scale_factor: Any = None, at_least: N = 1, at_most: N = LARGEST
    ) -> N:
        if size is not None:
            return size
        if scale_factor is None:
            return limited(w, at_least, at_most)
        least = self.at_least is not None  # 1 is a limit of what is rounded down
        w = scaled(w, unasked if least else require, factor=scale_factor)
        return limited(rules.at_least(w, at_least) if least else w, 1, at_most)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        x, y = inputs[0], self.output(unasked, *inputs)
        by_sides = self.by_sides() or self.recompute_scale_factor
        factors = [None if by_sides else axis.get("scale_factor") for axis in self.axes(len(x) - 1)]
        return [[self.resampled(*axis) for axis in zip(x[1:], y[1:], factors, strict=True)]]

    def module(self, torch: Any, *inputs: Shape) -> Any:
        return None if self.by_sides() else super().module(torch, *inputs)

    def by_sides(self) -> bool:
        """Say whether its sides follow from others, which torch's module cannot be told."""
        return self.like is not None or self.at_least is not None or self.at_most is not None

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the settings; whether the factor is computed anew makes a difference where it was rounded."""
        found = super().compared(x, y)
        anew = bool(found.pop("recompute_scale_factor", None))
        if self.scale_factor is not None and self.like is None and len(x) == len(y):
            factors = per_axis(self.scale_factor, len(x) - 1)
            if any(w * factor != out for w, out, factor in zip(x[1:], y[1:], factors, strict=False)):
                found["recompute_scale_factor"] = anew
        return found | {"align_corners": bool(found["align_corners"])} if "align_corners" in found else found

    def resampled(self, w: int, out: int, factor: float | None) -> Reads | None:
        """Return the reach of a position: torch puts the centre of cell j at (j + 1/2) * times/by - 1/2."""
        if self.mode == "area":
            return spread(w, out)
        by, times = (out, w) if factor is None else factor.as_integer_ratio()
        if max(by, times) > MAX_DYADIC and factor is not None:
            return None  # torch rounds
        if self.mode == "nearest":
            return sampled(times, 0, by)
        if self.mode == "nearest-exact":
            return sampled(2 * times, times, 2 * by)
        before, after = (1, 2) if self.mode == "bicubic" else (0, 1)
        if self.align_corners:
            return sampled(w - 1 if out > 1 else 0, 0, max(out - 1, 1), before=before, after=after)
        return sampled(2 * times, times - by, 2 * by, before=before, after=after)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.interpolate(x, module.shape_of(x)[2:], self.mode)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        if not self.by_sides():
            return module(tensors[0])
        _, *size = self.output(unasked, *(tuple(tensor.shape[1:]) for tensor in tensors))
        interpolate = torch.nn.functional.interpolate
        return interpolate(tensors[0], size=size, mode=self.mode, align_corners=self.align_corners)


class Pad(Following, Shaping, type="pad"):
    """Adds cells at the ends of each spatial axis, and channels of zeros; negative numbers cut cells off.

    Shape   (C, W, ...) -> (before + C + after, W', ...), of `channels`; W' = before + W + after, of `padding`; or the
            side of `like`, half the cells before; or the next multiple of `multiple`, or the larger of W and `at_least`,
            all cells after. Of an odd number, one more comes after; `where` is "both" ends, or "after"
    Errors  nothing-left: more is cut than there is; no-elements: W' = 0; padding-exceeds-side: before or after >= W
            with mode "reflect", > W with "circular"; padding-exceeds-rest: the other end is cut off first;
            shapes-differ: `like` has another number of axes
    Source  torch.nn.functional.pad
    """

    padding = Ends(0, least=-LARGEST)
    mode = Word("constant", words=("constant", "reflect", "replicate", "circular"), torch=False, sides=True)
    value = Real(0.0)
    channels = Ends(0, least=0, spatial=False)
    like = Reference()
    multiple = PerAxis(None, torch=False, compared=False)
    at_least = PerAxis(None, torch=False, compared=False)
    where = Word(None, words=("both", "after"), torch=False, compared=False, sides=True)  # type: ignore[arg-type]
    ranks = ANY_SPACE
    adds = True
    fits = True
    modules: ClassVar = {
        "ZeroPad{rank}d": {},
        "ConstantPad{rank}d": {},
        "ReflectionPad{rank}d": {"mode": "reflect"},
        "ReplicationPad{rank}d": {"mode": "replicate"},
        "CircularPad{rank}d": {"mode": "circular"},
    }
    arguments = "pad mode value"

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        """Return the padding of all spatial axes, and that of the channels: torch is told of the last axes alone."""
        pad, space = [*given["pad"]], 2 * (len(call.tensors[0].shape) - 2)
        pad += [0] * (space - len(pad))
        channels = pad[space : space + 2] if space else []
        found = {"padding": pad[:space] if space else pad, "value": given.get("value") or 0.0}
        return found | {"channels": channels} if channels else found

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        mode = given.get("mode", "constant")
        if given.get("value") and mode != "constant":
            return values.OnlyForMode(parameter="value", modes=["constant"], mode=mode)
        ways = [name for name in ("padding", "like", "multiple", "at_least") if name in given]
        if len(ways) > 1:
            return values.KeysExclude(of=cls.type, one=ways[0], other=ways[1])
        return (
            values.NeedsOneOf(of="where", keys=["like", "multiple", "at_least"])
            if "where" in given and ways in ([], ["padding"])
            else None
        )

    def enter(self, require: Require, *inputs: Shape) -> None:
        super().enter(require, *inputs)
        rank = len(inputs[0]) - 1
        require(self.mode == "constant" or rank in SPATIAL, "too-many-axes", axes=rank, most=SPATIAL[-1])

    def depth(self, c: N, require: Require) -> N:
        before, after = self.added()
        return before + c + after

    def added(self) -> tuple[N, N]:
        """Return the channels added before and after; a single number is added after."""
        return self.channels if isinstance(self.channels, tuple) else (0, self.channels)

    def side(self, w: N, require: Require, *, padding: Any = 0, multiple: N = None, at_least: N = 1) -> N:
        if multiple is not None:
            return self.reached(w, covering(w, stride=multiple) * multiple, require)
        if self.at_least is not None:
            return self.reached(w, limited(w, at_least, LARGEST), require)
        before, after = ends(padding)
        return padded(w, require, before=before, after=after, mode=self.mode)

    def reached(self, w: N, target: N, require: Require, **_: Any) -> N:
        """Return the side that w is padded to, or cut to; mode "reflect" and the others need cells to repeat."""
        _, after = self.split(target - w)
        repeated(w, require, padding=after, mode=self.mode)
        return target

    def split(self, cells: N) -> tuple[N, N]:
        """Return the cells before and after, of those that are added in all; negative ones are cut off."""
        centred = self.where == "both" or (self.where is None and self.like is not None)
        return halves(cells) if centred else (0, cells)

    def pairs(self, x: Shape, y: Shape) -> list[tuple[N, N]]:
        """Return the cells before and after each spatial axis, from input x to output y."""
        if not self.follows_sides():
            return [ends(axis["padding"]) for axis in self.axes(len(x) - 1)]
        return [self.split(side - w) for w, side in zip(x[1:], y[1:], strict=True)]

    def follows_sides(self) -> bool:
        """Say whether its cells are as many as sides need."""
        return any(way is not None for way in (self.like, self.multiple, self.at_least))

    def leaves_empty(self, rank: int) -> bool:
        return not self.repeats_ends() and (
            self.follows_sides() or any(ends(axis["padding"])[1] > 0 for axis in self.axes(rank))
        )

    def repeats_ends(self) -> bool:
        return self.mode != "constant"

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [[cells(-before) for before, _ in self.pairs(inputs[0], self.output(unasked, *inputs))]]

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the settings with the padding in cells, which `like` and `multiple` do not show."""
        found = super().compared(x, y)
        if "padding" in found and len(x) == len(y) and fit(self, len(x) - 1):
            found["padding"] = tuple(self.pairs(x, y))
        return found | {"channels": self.added()} if "channels" in found else found

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        inputs = [tuple(tensor.shape[1:]) for tensor in tensors]
        pairs = self.pairs(inputs[0], self.output(unasked, *inputs))
        x = padded_tensor(torch, tensors[0], pairs, mode=self.mode, value=self.value)
        return torch.nn.functional.pad(x, [0, 0] * len(pairs) + list(self.added())) if self.channels else x


PARTS: Final = ("getitem", "narrow", "chunk", "split", "tensor_split")  # torch's functions that take parts out


def _parts(call: Called) -> Iterator[tuple[Any, dict[int, tuple[int, int, int]]]]:
    """Yield each part that a call takes: the tensor, and for each axis that is cut, but the batch, (start, stop, step).

    Axes are counted with the batch first.
    """
    x = call.tensors[0].shape
    if call.name == "getitem":
        index = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
        if all(isinstance(part, slice) or part is Ellipsis for part in index):
            at = index.index(...) if ... in index else len(index)
            index = (*index[:at], *[slice(None)] * (len(x) - len(index) + 1), *index[at + 1 :])[: len(x)]
            cuts = {axis: part.indices(x[axis]) for axis, part in enumerate(index) if call.counted(axis)}
            made = {call.counted(axis): cut for axis, cut in cuts.items() if cut != (0, x[axis], 1)}
            yield from ((part, made) for part in call.results)
        return
    given = call.arguments(("dim", "start") if call.name == "narrow" else ("sections", "dim"))
    axis, start = given.get("dim", 0) % len(x), given.get("start", 0)
    for part in call.results:
        yield part, {call.counted(axis): (start, start + part.shape[axis], 1)} if call.counted(axis) else {}
        start += part.shape[axis]


END: Final = "end"  # of a side: where a part begins that goes on to it


class Crop(Following, Shaping, type="crop"):
    """Cuts the middle out, or what begins at `offset`, or the end; of an odd number to cut, the greater half goes off the end.

    Shape   (C, W, ...) -> (C, W', ...), W' = `size`, or the side of `like`, or W - 2 * `amount`
    Errors  crop-grows: W' > W - `offset`; odd-crop: `exact`, and W - W' is odd; no-elements: W' < 1; shapes-differ:
            `like` has another number of axes
    Source  Ronneberger, Fischer, Brox 2015 (arXiv:1505.04597); torchvision.transforms.functional.center_crop
    """

    size = PerAxis(None, torch=False, compared=False)
    like = Reference()
    amount = PerAxis(None, least=0, torch=False, compared=False)
    offset = PerAxis(None, least=0, words=(END,), torch=False, follows=True)
    exact = Flag(False, torch=False, compared=False, sides=True)
    ranks = ANY_SPACE
    fits = True
    cuts = True
    functions = PARTS

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield each part that is cut along several spatial axes."""
        for part, cuts in _parts(call):
            if len(cuts) > 1 and 1 not in cuts:
                starts = tuple(cuts.get(axis, (0,))[0] for axis in range(2, len(part.shape)))
                yield Recognized(cls.type, cls(size=tuple(part.shape[2:]), offset=starts), [part])

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        if len(given.keys() & {"size", "like", "amount"}) != 1:
            return values.NeedsOneOf(of=cls.type, keys=["size", "like", "amount"])
        centred = "offset" in given and ("amount" in given or given.get("exact"))
        return values.OffsetNotCentred() if centred else None

    def reached(self, w: N, target: N, require: Require, **axis: Any) -> N:
        return self.side(w, require, size=target, **axis)

    def side(self, w: N, require: Require, *, size: N = None, amount: N = 0, offset: N = 0) -> N:
        if size is None:
            require(w - 2 * amount >= 1, "no-elements", side=w, result=w - 2 * amount)
            return w - 2 * amount
        attempt(self.inside, w, require, size=size, offset=0 if offset == END else offset)
        return size

    def inside(self, w: N, require: Require, *, size: N, offset: N) -> None:
        """Refuse a part that a side of w does not have, or that is not its very middle where `exact` asks for that."""
        require(w >= offset + size, "crop-grows", side=w, size=size, offset=offset)
        if self.exact:
            require(divides(2, w - size), "odd-crop", side=w, size=size)

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the offset of the part; that of the middle, or of the end, follows from the sides."""
        if self.offset in {None, END}:
            return {"offset": tuple(begin for begin, _ in self.between(x, y))} if len(x) == len(y) else {}
        return {"offset": per_axis(self.offset, len(x) - 1)}

    def parts(self, *inputs: Shape) -> list[tuple[int, int]]:
        """Return (begin, size) of the part, for each spatial axis."""
        return self.between(inputs[0], self.output(unasked, *inputs))

    def between(self, x: Shape, y: Shape) -> list[tuple[int, int]]:
        """Return (begin, size) of the part, for each spatial axis, from input x to output y."""
        sides = zip(x[1:], y[1:], per_axis(self.offset, len(x) - 1), strict=True)
        return [(_begin(w, size, offset), size) for w, size, offset in sides]

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [[cells(begin) for begin, _ in self.parts(*inputs)]]

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        for axis, part in enumerate(self.parts(*(tuple(tensor.shape[1:]) for tensor in tensors)), start=2):
            x = x.narrow(axis, *part)
        return x


def _begin(w: N, size: N, offset: N) -> N:
    """Return the first cell of a part of a side: of its middle, of its end, or the offset."""
    if offset is None:
        return (w - size) // 2
    return w - size if offset == END else offset


class Slice(Shaping, type="slice"):
    """Takes a part of one axis.

    Shape   axis `dim`: A -> ceil((stop - start) / step), as in Python; negative numbers count from the end
    Errors  slice-out-of-range: start or stop lies outside the axis (torch would clamp); no-elements: it takes nothing;
            no-such-axis
    Source  Python's slice, on a torch.Tensor
    """

    dim = Dim(1, torch=False)
    start = Whole(0, torch=False, sides=True)
    stop = Whole(None, torch=False, sides=True)  # type: ignore[arg-type]  # to the end
    step = Count(1, torch=False, sides=True)
    fits = True
    cuts = True
    functions = PARTS

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield each part that is cut along one axis."""
        if call.name not in cls.functions:
            yield from super().of_call(call)
            return
        for part, cuts in _parts(call):
            for axis, (start, stop, step) in cuts.items() if len(cuts) == 1 else ():
                yield Recognized(cls.type, cls(dim=axis, start=start, stop=stop, step=step), [part])

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        axis = axis_of(self.dim, x, require)
        length = x[axis]
        start = _from_front(self.start, length)
        stop = length if self.stop is None else _from_front(self.stop, length)
        inside = (start >= 0) & (stop >= 0) & (length >= start) & (length >= stop)
        require(inside, "slice-out-of-range", length=length, start=self.start, stop=self.stop)
        result = (stop - start + self.step - 1) // self.step
        require(result >= 1, "no-elements", side=length, result=result)
        return (*x[:axis], result, *x[axis + 1 :])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        x = inputs[0]
        along = axis_of(self.dim, x, unasked)
        start = _from_front(self.start, x[along])
        return [[cells(start, step=self.step) if axis == along else cells() for axis in range(1, len(x))]]

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        found = super().compared(x, y)
        if len(found) < len(self.parameters):  # of a user's own module, which does not tell all settings
            return {}
        if not 0 < found["dim"] <= len(x):
            return {"dim": found["dim"]}
        part = range(x[found["dim"] - 1])[self.start : self.stop : self.step]
        return found | {"start": part.start, "stop": part.stop}

    def simplest(self, x: Shape, y: Shape) -> Layer:
        """Return a crop, where it takes consecutive cells of a spatial axis."""
        settings = self.compared(x, y)
        axis = settings.get("dim", 0) - 1
        if axis < 1 or self.step != 1:
            return self
        return Crop(size=y[1:], offset=tuple(settings["start"] if at == axis else 0 for at in range(1, len(x))))

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        axis = self.dim if self.dim > 0 else x.dim() + self.dim
        part = [slice(None)] * x.dim()
        part[axis] = slice(self.start, self.stop, self.step)
        return x[tuple(part)]


class Select(Shaping, type="select"):
    """Takes one place of an axis, which is then left out.

    Shape   (x1, x2, ...) -> the same without axis `dim`; [] of one axis
    Errors  no-such-axis; no-such-place: `index` (negative from the end) lies outside the axis
    Source  torch.select, x[:, index]
    """

    dim = Dim(torch=False)
    index = Whole(torch=False, sides=True)
    by_name = False  # what a user's own module runs tells the place
    keeps_rank = False
    cuts = True
    functions = ("getitem", "unbind")

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield each place that is taken of one axis, and no more than that."""
        for part, axis, index in _places(call) if call.results else ():
            yield Recognized(cls.type, cls(dim=axis, index=index), [part])

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        axis = axis_of(self.dim, x, require)
        inside = (x[axis] > self.index) & (x[axis] + self.index >= 0)
        require(inside, "no-such-place", length=x[axis], index=self.index)
        return (*x[:axis], *x[axis + 1 :])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        x = inputs[0]
        taken = axis_of(self.dim, x, unasked)
        place = cells(_from_front(self.index, x[taken]), step=0)
        others = None if taken == 0 else cells()  # the next axis becomes the channels
        return [[place if axis == taken else others for axis in range(1, len(x))]]

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        found = super().compared(x, y)
        if len(found) < len(self.parameters) or not 0 < found["dim"] <= len(x):
            return found
        return found | {"index": _from_front(found["index"], x[found["dim"] - 1])}

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        """Say whether the axis has one place."""
        x = inputs[0]
        return x is not None and x[axis_of(self.dim, x, unasked)] == 1

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return tensors[0].select(self.dim, self.index)


def _places(call: Called) -> Iterator[tuple[Any, int, int]]:
    """Yield each place that a call takes: the tensor, the axis but for the batch (counted as 0), and the index."""
    x = call.tensors[0].shape
    if call.name == "unbind":
        axis = call.counted(call.arguments(["dim"]).get("dim", 0) % len(x))
        yield from ((part, axis, index) for index, part in enumerate(call.results) if axis)
    elif call.name == "select":
        axis, index = call.arguments(["dim", "index"]).values()
        if axis := call.counted(axis % len(x)):
            yield call.results[0], axis, index
    else:
        keys = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
        at = next((place for place, key in enumerate(keys) if key is ...), None)
        if at is not None:
            keys = (*keys[:at], *[slice(None)] * (len(x) - len(keys) + 1), *keys[at + 1 :])
        numbers = [axis for axis, key in enumerate(keys) if isinstance(key, int) and not isinstance(key, bool)]
        others = [key.indices(n) == (0, n, 1) for key, n in zip(keys, x, strict=False) if isinstance(key, slice)]
        axis = call.counted(numbers[0]) if len(numbers) == 1 and len(others) == len(keys) - 1 else 0
        if axis and all(others):
            yield call.results[0], axis, keys[numbers[0]]


def _from_front(index: N, length: N) -> N:
    """Return an index counted from the front; a negative one counts from the end."""
    return index if index >= 0 else length + index
