"""Layers that work on each value, with a function, a number or a learned tensor; and token, which joins such a tensor.

A tensor of its own stands beside what enters; results of other layers are joined in joining.py.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final, SupportsFloat

from cnnshape.layers.activation import Hardtanh, ReLU
from cnnshape.layers.base import ANY_SHAPE, Layer, axis_of
from cnnshape.layers.in_torch import Called, Recognized
from cnnshape.layers.joining import Joining, broadcastable, joined, repeated_axes, with_a_parameter
from cnnshape.layers.parameters import AnyExtent, Count, Dim, Flag, Inferred, Real, Sizes, Word
from cnnshape.layers.windows import cells
from cnnshape.numbers.rules import N, Require, equal, product, unasked
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import reading, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnnshape.layers.windows import Reads
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem

PLAIN: Final = {  # with what their backward pass needs of "input" and "output"
    "abs": "input",
    "acos": "input",
    "acosh": "input",
    "asin": "input",
    "asinh": "input",
    "atan": "input",
    "atanh": "input",
    "ceil": "",
    "cos": "input",
    "cosh": "input",
    "erf": "input",
    "erfc": "input",
    "exp": "output",
    "exp2": "output",
    "expm1": "output",
    "floor": "",
    "frac": "",
    "log": "input",
    "log10": "input",
    "log1p": "input",
    "log2": "input",
    "nan_to_num": "input",
    "neg": "",
    "reciprocal": "output",
    "round": "",
    "rsqrt": "output",
    "sign": "",
    "sin": "input",
    "sinc": "input",
    "sinh": "input",
    "sqrt": "output",
    "square": "input",
    "tan": "output",
    "trunc": "",
}
OF_A_NUMBER: Final = {
    "add": "",
    "sub": "",
    "rsub": "",
    "mul": "",
    "div": "",
    "floor_divide": "",
    "remainder": "",
    "fmod": "",
    "pow": "input",
}
OTHERWISE: Final = {  # torch's other names of these, and Python's operators
    "absolute": "abs",
    "negative": "neg",
    "fix": "trunc",
    "special_expm1": "expm1",
    "special_exp2": "exp2",
    **{f"arc{name}": f"a{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tanh")},
    "radd": "add",
    "subtract": "sub",
    "multiply": "mul",
    "rmul": "mul",
    "divide": "div",
    "true_divide": "div",
    "truediv": "div",
    "floordiv": "floor_divide",
    "clip": "clamp",
    "clamp_min": "clamp",
    "clamp_max": "clamp",
}
POWERS: Final = {"square": 2.0, "sqrt": 0.5, "rsqrt": -0.5, "reciprocal": -1.0}


class Elementwise(Layer):
    """Functions of each value, and learned tensors that are multiplied or added."""

    family = "Layers that work on each value"
    paint = "pointwise"


class Function(Elementwise, type="function"):
    """Applies a function of torch to each value, alone (`exp`) or with a number (`pow`, and `value`).

    Shape   (C, ...) -> the same
    Source  torch.exp, torch.pow, and so on: rsub is value - x; clamp takes `min`, `max` or both
    """

    function = Word(words=(*PLAIN, *OF_A_NUMBER, "clamp"), named=False)
    value = Real(None)  # type: ignore[arg-type]  # not every function takes a number
    min = Real(None)  # type: ignore[arg-type]
    max = Real(None)  # type: ignore[arg-type]
    ranks = ANY_SHAPE
    functions = (*PLAIN, *OF_A_NUMBER, "clamp", *OTHERWISE, "rdiv")

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        function = given["function"]
        takes = {"clamp": ("min", "max")}.get(function, ("value",) * (function in OF_A_NUMBER))
        for name in ("value", "min", "max"):
            if name in given and name not in takes:
                return values.TakesNoNumber(function=function, parameter=name)
        if takes and not given.keys() & {*takes}:
            return reading.MissingKey(of=f'function "{function}"', key=" or ".join(takes))
        return None

    def output(self, require: Require, *inputs: Shape) -> Shape:
        return inputs[0]

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        if self.function == "clamp":
            return torch.clamp(tensors[0], min=self.min, max=self.max)
        return getattr(torch, self.function)(*tensors, *([] if self.value is None else [self.value]))

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        kept = {**PLAIN, **OF_A_NUMBER, "clamp": "input"}
        return torch.applied(kept[self.function], *tensors)

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of a result alone, or with numbers; files may well leave it out, unless it is a relu or relu6."""
        if "input" in call.kwargs:
            others = {key: value for key, value in call.kwargs.items() if key != "input"}
            call = call._replace(args=(call.kwargs["input"], *call.args), kwargs=others)
        if call.alive != [True] or not call.args or call.args[0] is not call.tensors[0]:
            return
        layer = cls.named(call)
        if layer:
            plain = layer.simplest((), ())
            yield Recognized(plain.type, plain, call.results, minor=plain.type not in {"relu", "relu6"})

    @classmethod
    def named(cls, call: Called) -> Layer | None:
        """Return the layer of a call by its name and numbers, None where they are not those of the function."""
        name = OTHERWISE.get(call.name, call.name)
        if name == "clamp":
            names = {"clamp_min": ("min",), "clamp_max": ("max",)}.get(call.name, ("min", "max"))
            limits = {key: float(limit) for key, limit in call.arguments(names).items() if limit is not None}
            return cls(function=name, **limits) if limits else None
        numbers = [*call.args[1:], *call.kwargs.values()]
        if not all(isinstance(number, SupportsFloat) for number in numbers):  # of numpy, too
            return None
        if name == "rdiv":
            return cls(function="reciprocal") if numbers == [1] else None
        if len(numbers) != (name in OF_A_NUMBER) or (name, numbers) == ("add", [0]):  # Python's sum() begins with 0 + x
            return None
        return cls(function=name, **({"value": float(numbers[0])} if numbers else {}))

    def simplest(self, x: Shape, y: Shape) -> Layer:
        """Return a relu, hardtanh or scale that does the same, or the same function by another name."""
        found = self.compared(x, y)
        match found:
            case {"function": "mul", "value": value}:
                return Scale(num_features=UNKNOWN, value=value)
            case {"function": "clamp", "min": 0, **rest} if not rest:
                return ReLU()
            case {"function": "clamp", "min": least, "max": most} if least < most:
                return Hardtanh(min_val=least, max_val=most).simplest(x, y)
        return self.replace(**found)

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the settings of the function by its commonest name: x ** 2 for a square, x + -1 for x - 1."""
        value: Any = self.value
        match self.function:
            case "neg":
                return {"function": "mul", "value": -1.0}
            case "sub":
                return {"function": "add", "value": -float(value)}
            case "div" if value and abs(value) != inf:
                return {"function": "mul", "value": 1 / value}
            case "square" | "sqrt" | "rsqrt" | "reciprocal":
                return {"function": "pow", "value": POWERS[self.function]}
        numbers = {name: getattr(self, name) for name in ("value", "min", "max")}
        return {"function": self.function} | {name: float(n) for name, n in numbers.items() if n is not None}


class TensorShape(AnyExtent):
    """The shape of a learned tensor, in the file's layout; [] for a single number."""

    kind = "a list of whole numbers from 1 up, one for each axis that arrives; [] or [1] for a single number"


class ParameterShape(Sizes):
    """The shape that a model keeps a learned tensor in, with the batch's axis if it has one: torch's, whatever the layout."""

    kind = "a list of whole numbers, one of which may be -1; it differs from the tensor's shape in axes of 1 alone"
    laid_out = sides = False


def _features(layer: _Tensor, x: Shape) -> N:
    return x[0] if layer.by_channel or layer.num_features is not None else UNKNOWN


class _Tensor(Elementwise):
    """A learned tensor beside what enters: a number for each channel, or of a stated shape, whose axes of 1 are repeated."""

    num_features: Inferred
    shape: TensorShape
    parameter_shape: ParameterShape
    num_parameters: Count
    expanded = False  # over the batch, before it is joined

    @property
    def by_channel(self) -> bool:
        """Whether it has a number for each channel."""
        return self.shape is None

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        if "num_parameters" in given and "shape" not in given:
            return reading.MissingKey(of="num_parameters", key="shape")
        pairs = [("shape", "num_features"), ("shape", "value")]
        pairs += [("parameter_shape", other) for other in ("value", "num_parameters")]
        wrong = next((pair for pair in pairs if given.keys() >= {*pair}), None)
        return values.KeysExclude(of=cls.type, one=wrong[0], other=wrong[1]) if wrong else None

    def completed(self, x: Shape | None) -> Any:
        return super().completed(x) if self.by_channel else self

    def output(self, require: Require, *inputs: Shape) -> Shape:
        (x,) = inputs
        self.is_kept(x, require)
        if not self.shape or (len(self.shape) <= len(x) and all(size == 1 for size in self.shape)):
            return x
        require(len(self.shape) == len(x), "ranks-differ", one=x, other=self.shape)
        return joined(x, self.shape, require, {"shapes-differ": broadcastable})

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        (x,), y = inputs, self.output(unasked, *inputs)
        return [repeated_axes(x[1:], y[1:])]

    def weights(self, x: Shape) -> N:
        return self.values(x) if self.num_parameters is None else self.num_parameters

    def values(self, x: Shape) -> N:
        """How many numbers the tensor has."""
        return self.num_features if self.by_channel else product((1, *self.shape))

    def tensor_shape(self, x: Shape) -> Shape:
        return (self.num_features, *[1] * (len(x) - 1)) if self.by_channel else self.shape

    def kept_shape(self, x: Shape) -> Shape:
        """Return the shape of the parameter: with the batch's axis where `shape` is stated, unless a model has it otherwise."""
        shape = self.tensor_shape(x)
        if self.parameter_shape is not None:
            rest = product((1, *shape)) // abs(product((1, *self.parameter_shape)))
            return tuple([rest if size == -1 else size for size in self.parameter_shape])
        stated = not self.by_channel and any(size != 1 for size in shape)
        return (1, *shape) if stated or self.expanded else shape

    def is_kept(self, x: Shape, require: Require) -> None:
        """Require that the parameter has the tensor's axes, but for those of 1."""
        shape = self.tensor_shape(x)
        if self.parameter_shape is not None and UNKNOWN not in shape:
            kept = self.kept_shape(x)
            same = [size for size in shape if size != 1] == [size for size in kept if size != 1]
            require(same, "declared-differs", parameter="parameter_shape", declared=kept, arrives=shape)

    def state(self, x: Shape) -> dict[str, Shape]:
        return {"": self.kept_shape(x)} if self.num_parameters is None else {}

    def also(self) -> Sequence[Mapping[str, str]]:
        """Return names of a factor or an offset that is the parameter of a module of its own."""
        return [{"": name} for name in ("weight", "gamma", "scale", "bias", "beta")]

    def module(self, torch: Any, *inputs: Shape) -> Any:
        """Return a table of the parameter alone, or of the numbers that it is made of; None where nothing is learned."""
        shape = self.kept_shape(inputs[0]) if self.num_parameters is None else (self.num_parameters,)
        return torch.nn.ParameterDict({"weight": torch.nn.Parameter(torch.ones(shape))}) if shape != (0,) else None

    def tensor(self, module: Any, x: Any) -> Any:
        """Return the tensor: the learned one, constants, or learned numbers over and over, as the file does not say where they are."""
        if self.num_parameters is None:
            return self.joinable(module["weight"], x.shape[1:])
        if not self.num_parameters:
            return x.new_ones((1, *self.shape))
        values = product((1, *self.shape))
        times = -(-values // self.num_parameters)
        return module["weight"].repeat(times)[:values].reshape((1, *self.shape))

    def joinable(self, parameter: Any, x: Shape) -> Any:
        """Return the parameter in a shape in which torch joins it with x and the batch."""
        shape, kept = (1, *self.tensor_shape(x)), self.kept_shape(x)
        if kept == shape or (not self.expanded and (*[1] * (len(shape) - len(kept)), *kept) == shape):
            return parameter
        if sum(size != 1 for size in shape) == 1:
            shape = tuple([size if size == 1 else -1 for size in shape])
        sizes = shape if self.expanded else shape[1:]
        return parameter.reshape(*sizes) if sizes else parameter.reshape(sizes)

    def with_tensor(self, torch: Any, x: Any, tensor: Any) -> Any:
        """Return what enters and the tensor, joined."""
        raise NotImplementedError

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return self.with_tensor(torch, tensors[0], self.tensor(module, tensors[0]))

    def inner(self, torch: Any, module: Any, name: str) -> Any:
        """Return the parameter on a tape: see network/tape.py."""
        shape = self.kept_shape(module.entering[0]) if self.num_parameters is None else (self.num_parameters,)
        return torch.owned(shape, trained=module.trained)

    def construct(self, torch: Any, parts: Any, *inputs: Shape) -> Any:
        """Return the parameter itself, or a module for a tensor that is made of others."""
        if self.num_parameters is None:
            shape = self.kept_shape(inputs[0])
            numbers = torch.ones if isinstance(self, Scale) else torch.zeros
            return torch.nn.Parameter(numbers(*shape) if shape else numbers(shape))
        return self.made(parts)

    def made(self, parts: Any, **settings: Any) -> Any:
        """Return the module of generated code for a tensor that is made of others."""
        kind = getattr(parts, f"Made{type(self).__name__}")
        return kind(*self.shape, num_parameters=self.num_parameters, **settings)

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        if module is None:
            return self.call(torch, module, *tensors)
        if self.num_parameters is not None:
            return module(tensors[0])
        return self.with_tensor(torch, tensors[0], self.joinable(module, tensors[0].shape[1:]))

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the number of its values, however it is stated."""
        count = self.values(x)
        return {} if count is UNKNOWN else {"num_features": count}

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of a result and a parameter; that of constants, which files may well leave out, where the shape changes."""
        if call.alive.count(True) == 1:
            others = [tensor for tensor, alive in zip(call.tensors, call.alive, strict=True) if not alive]
            count = sum(product((1, *tensor.shape)) for tensor in others)
            changed = (
                others
                and call.results
                and tuple(call.results[0].shape) != tuple(call.tensors[call.alive.index(True)].shape)
            )
            if call.weighted or changed:
                yield Recognized(cls.type, cls(num_features=count), call.results, minor=not call.weighted)


class Scale(_Tensor, type="scale"):
    """Multiplies with learned factors, one for each channel or of a stated `shape`, or with a fixed `value`.

    Shape   (C, ...) -> the same; with `shape`, an axis of 1 is repeated
    Errors  shapes-differ: an axis of `shape` is neither equal nor 1; ranks-differ; declared-differs: `parameter_shape`
            has other axes, but for those of 1
    Counts  parameters: C; with `shape`, the product of its sizes, or `num_parameters`; with `value`, none
    Source  Touvron et al. 2021, LayerScale (arXiv:2103.17239); in torch a parameter of the layer's name, (C, 1, ...),
            or (1, *`shape`), or of `parameter_shape`
    """

    num_features = Inferred(_features)
    value = Real(None)  # type: ignore[arg-type]  # learned
    shape = TensorShape(None)  # type: ignore[arg-type]  # by channel
    parameter_shape = ParameterShape(None, torch=False, compared=False)  # type: ignore[arg-type]  # as the tensor's
    num_parameters = Count(None, least=0, torch=False, compared=False)  # type: ignore[arg-type]  # as many as it has
    functions = ("mul", "multiply", "rmul", "div", "divide", "true_divide", "truediv")

    @property
    def by_channel(self) -> bool:
        return super().by_channel and self.value is None

    def values(self, x: Shape) -> N:
        return super().values(x) if self.value is None else 0

    def state(self, x: Shape) -> dict[str, Shape]:
        return super().state(x) if self.value is None else {}

    def module(self, torch: Any, *inputs: Shape) -> Any:
        return super().module(torch, *inputs) if self.value is None else None

    def construct(self, torch: Any, parts: Any, *inputs: Shape) -> Any:
        return super().construct(torch, parts, *inputs) if self.value is None else None

    def tensor(self, module: Any, x: Any) -> Any:
        return super().tensor(module, x) if self.value is None else self.value

    def with_tensor(self, torch: Any, x: Any, tensor: Any) -> Any:
        return x * tensor

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        return super().compared(x, y) if self.value is None else {"value": float(self.value)}


class Bias(_Tensor, type="bias"):
    """Adds learned numbers, one for each channel or of a stated `shape`.

    Shape   (C, ...) -> the same; with `shape`, an axis of 1 is repeated
    Errors  shapes-differ: an axis of `shape` is neither equal nor 1; ranks-differ; declared-differs: `parameter_shape`
            has other axes, but for those of 1
    Counts  parameters: C; with `shape`, the product of its sizes, or `num_parameters`: those of which it is made, as of
            a table that an index picks from; 0 for constants
    Source  torch.add, of a torch.nn.Parameter of the layer's name: (C, 1, ...), (1, *`shape`), or `parameter_shape`
    """

    num_features = Inferred(_features)
    shape = TensorShape(None)  # type: ignore[arg-type]  # by channel
    parameter_shape = ParameterShape(None, torch=False, compared=False)  # type: ignore[arg-type]  # as the tensor's
    num_parameters = Count(None, least=0, torch=False, compared=False)  # type: ignore[arg-type]  # as many as it has
    functions = ("add", "radd", "sub", "subtract", "rsub")

    def with_tensor(self, torch: Any, x: Any, tensor: Any) -> Any:
        return x + tensor


class Token(_Tensor, type="token"):
    """Puts a learned tensor beside what enters along axis `dim`: behind it, or `before` it, as class tokens are.

    Shape   (C, W, ...), and `shape` with other sizes along `dim` alone -> those along `dim` added up
    Errors  shapes-differ: another axis is not equal, or there are more; no-such-axis; declared-differs:
            `parameter_shape` has other axes, but for those of 1
    Counts  parameters: the product of the sizes of `shape`, or `num_parameters`: 0 for constants
    Source  torch.cat, with a torch.nn.Parameter of the layer's name, (1, *`shape`), or of `parameter_shape`;
            Dosovitskiy et al. 2021, ViT (arXiv:2010.11929)
    """

    shape = TensorShape()
    parameter_shape = ParameterShape(None, torch=False, compared=False)  # type: ignore[arg-type]  # as the tensor's
    dim = Dim(1, torch=False)
    before = Flag(False, torch=False)
    num_parameters = Count(None, least=0, torch=False, compared=False)  # type: ignore[arg-type]  # as many as it has
    expanded = True
    family = "Layers that join a learned tensor"
    paint = Joining.paint
    functions = ("cat", "concatenate", "concat")

    def output(self, require: Require, *inputs: Shape) -> Shape:
        (x,) = inputs
        axis = axis_of(self.dim, x, require)
        self.is_kept(x, require)
        require(len(self.shape) == len(x), "shapes-differ", one=x, other=self.shape)
        fitted = joined(x, self.shape, require, {"shapes-differ": equal}, skip=axis)
        return (*fitted[:axis], x[axis] + self.shape[axis], *fitted[axis + 1 :])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        (x,) = inputs
        along = axis_of(self.dim, x, unasked)
        return [[None if axis == along else cells() for axis in range(1, len(x))]]

    def made(self, parts: Any, **settings: Any) -> Any:
        return super().made(parts, **settings, dim=self.dim, **({"before": True} if self.before else {}))

    def with_tensor(self, torch: Any, x: Any, tensor: Any) -> Any:
        own = tensor.expand(x.shape[0], *[-1] * len(self.shape))
        return torch.cat([own, x] if self.before else [x, own], self.dim)

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        return super().compared(x, y) | {"before": self.before}

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of one result and a parameter before or behind it."""
        if with_a_parameter(call):
            own = call.tensors[call.alive.index(False)]
            dim = call.arguments(("dim",)).get("dim", 0)
            shape, before = tuple(own.shape[1:]), not call.alive[0]
            yield Recognized(cls.type, cls(shape=shape, dim=dim, before=before), call.results)
