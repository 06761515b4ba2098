"""Layers that keep the shape: torch's activations (glu halves an axis), softmax, dropout, identity."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from cnnshape.layers.base import ANY_SHAPE, Layer, attempt, axis_of, divided
from cnnshape.layers.parameters import Count, Dim, Real, Word
from cnnshape.layers.windows import Reads, cells, whole
from cnnshape.numbers.rules import N, Require, equal, unasked
from cnnshape.problems import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnnshape.layers.in_torch import Called
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem


class Activation(Layer):
    """Activations, softmax, dropout, identity."""

    family = "Layers that keep the shape"
    paint = "activation"
    by_name = True


class Pointwise(Activation):
    """A function of each value by itself."""

    ranks = ANY_SHAPE

    def output(self, require: Require, *inputs: Shape) -> Shape:
        return inputs[0]


class ReLU(Pointwise, type="relu", torch="ReLU"):
    """max(0, x)."""

    keeps = "output"


class ReLU6(Pointwise, type="relu6", torch="ReLU6"):
    """min(max(0, x), 6)."""

    keeps = "input"


class LeakyReLU(Pointwise, type="leaky_relu", torch="LeakyReLU"):
    """x, or negative_slope * x where it is negative."""

    keeps = "input"
    negative_slope = Real(0.01)


class PReLU(Activation, type="prelu", torch="PReLU"):
    """x, or a learned slope times x where it is negative: one slope, or one for each channel.

    Shape   (C, ...) -> the same
    Errors  slopes-differ: num_parameters is neither 1 nor C
    Counts  parameters: num_parameters
    Source  He et al. 2015 (arXiv:1502.01852); torch.nn.PReLU
    """

    num_parameters = Count(1)
    init = Real(0.25)
    arguments = "weight"

    def depth(self, c: N, require: Require) -> N:
        one_or_each = (self.num_parameters == 1) | equal(c, self.num_parameters)
        attempt(require, one_or_each, "slopes-differ", slopes=self.num_parameters, channels=c)
        return c

    def weights(self, x: Shape) -> N:
        return self.num_parameters

    def state(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (self.num_parameters,)}

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        slopes = torch.owned((self.num_parameters, *[1] * (x.dim() - 2)), trained=module.trained)
        return torch.noted("input", x, torch.pointwise(x, slopes))

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        return {"num_parameters": prod(given["weight"].shape)}


class RReLU(Pointwise, type="rrelu", torch="RReLU"):
    """x, or a slope between lower and upper, drawn at random in training, times x where it is negative."""

    lower = Real(0.125, finite=True)
    upper = Real(1.0 / 3, finite=True)

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        layer = cls(**given)
        return values.BoundsReversed(lower=layer.lower, upper=layer.upper) if layer.lower > layer.upper else None

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Keep the input, and the slopes that were drawn."""
        if not torch.training:
            return torch.applied("", x)
        y = torch.plain(x, x.shape)
        if y.grad:
            torch.keep_new(x.numel())
        return torch.noted("input", x, y)


class ELU(Pointwise, type="elu", torch="ELU"):
    """x, or alpha * (exp(x) - 1) where it is negative."""

    keeps = "input"
    alpha = Real(1.0)


class CELU(Pointwise, type="celu", torch="CELU"):
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1))."""

    keeps = "input"
    alpha = Real(1.0, nonzero=True)


class SELU(Pointwise, type="selu", torch="SELU"):
    """ELU with the two constants that normalise by themselves."""

    keeps = "input"


class GELU(Pointwise, type="gelu", torch="GELU"):
    """x times the normal distribution's probability up to x; approximate = "tanh" is the usual short form."""

    keeps = "input"
    approximate = Word("none", words=("none", "tanh"))


class SiLU(Pointwise, type="silu", torch="SiLU"):
    """x * sigmoid(x), also called swish."""

    keeps = "input"


class Mish(Pointwise, type="mish", torch="Mish"):
    """x * tanh(softplus(x))."""

    keeps = "input"


class Sigmoid(Pointwise, type="sigmoid", torch="Sigmoid"):
    """1 / (1 + exp(-x))."""

    keeps = "output"


class Tanh(Pointwise, type="tanh", torch="Tanh"):
    """The hyperbolic tangent."""

    keeps = "output"


class Softplus(Pointwise, type="softplus", torch="Softplus"):
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x is above threshold."""

    keeps = "input"
    beta = Real(1.0)
    threshold = Real(20.0)


class Softsign(Pointwise, type="softsign", torch="Softsign"):
    """x / (1 + |x|)."""

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return x / (torch.applied("input", x) + 1)


class Softshrink(Pointwise, type="softshrink", torch="Softshrink"):
    """x moved towards 0 by lambd, and 0 within it."""

    keeps = "input"
    lambd = Real(0.5, least=0, finite=True)


class Hardshrink(Pointwise, type="hardshrink", torch="Hardshrink"):
    """x, and 0 within lambd of it."""

    keeps = "input"
    lambd = Real(0.5)


class Tanhshrink(Pointwise, type="tanhshrink", torch="Tanhshrink"):
    """x - tanh(x)."""

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return x - torch.applied("output", x)


class Hardtanh(Pointwise, type="hardtanh", torch="Hardtanh"):
    """x held between min_val and max_val."""

    keeps = "input"
    min_val = Real(-1.0)
    max_val = Real(1.0)

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return ReLU6() if (self.min_val, self.max_val) == (0, 6) else self

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        layer = cls(**given)
        above = layer.max_val > layer.min_val
        return None if above else values.EmptyRange(min_val=layer.min_val, max_val=layer.max_val)


class Hardsigmoid(Pointwise, type="hardsigmoid", torch="Hardsigmoid"):
    """x / 6 + 1/2, held between 0 and 1."""

    keeps = "input"


class Hardswish(Pointwise, type="hardswish", torch="Hardswish"):
    """x * hardsigmoid(x)."""

    keeps = "input"


class Threshold(Pointwise, type="threshold", torch="Threshold"):
    """x, or value where x is not above threshold."""

    keeps = "input"
    threshold = Real()
    value = Real()


class LogSigmoid(Pointwise, type="log_sigmoid", torch="LogSigmoid"):
    """log(sigmoid(x))."""

    functions = ("logsigmoid",)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Keep the input and, on the CPU, exp(-|x|)."""
        y = torch.plain(x, x.shape)
        if y.grad and not torch.cuda:
            torch.keep_new(x.numel())
        return torch.noted("input", x, y)


class GLU(Activation, type="glu", torch="GLU"):
    """The first half of an axis times the sigmoid of the second half.

    Shape   axis `dim` (the last, if left out): A -> A / 2
    Errors  not-divisible: A is odd; no-such-axis
    Source  Dauphin et al. 2017 (arXiv:1612.08083); torch.nn.GLU
    """

    dim = Dim(-1)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        axis = axis_of(self.dim, x, require)
        return (*x[:axis], attempt(divided, x[axis], 2, require), *x[axis + 1 :])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        x = inputs[0]
        halved = axis_of(self.dim, x, unasked)
        ways = [cells(0, 2, apart=w // 2) if axis == halved else cells() for axis, w in enumerate(x)]
        return [ways[1:]]

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        axis = self.dim % x.dim()
        half = x.narrow(axis, 0, x.shape[axis] // 2)
        return torch.noted("input", x, torch.pointwise(half, half))


class _OverAxis(Activation):
    """A function that normalises along one axis."""

    dim: Dim

    def output(self, require: Require, *inputs: Shape) -> Shape:
        attempt(axis_of, self.dim, inputs[0], require)
        return inputs[0]

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        x = inputs[0]
        over = axis_of(self.dim, x, unasked)
        return [[way if axis == over else cells() for axis, way in enumerate(whole(x), start=1)]]

    def module(self, torch: Any, *inputs: Shape) -> Any:
        return getattr(torch.nn, self.torch)(self.dim)  # always said: torch's own default warns, and may be another

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.noted("output", x, torch.plain(x, x.shape))


class Softmax(_OverAxis, type="softmax", torch="Softmax"):
    """exp(x) / sum(exp(x)) along axis `dim`, the channels if left out.

    Shape   the same
    Errors  no-such-axis
    Source  torch.nn.Softmax
    """

    dim = Dim(1)
    modules: ClassVar = {"Softmax2d": {"dim": 1}}


class LogSoftmax(_OverAxis, type="log_softmax", torch="LogSoftmax"):
    """log(softmax(x)) along axis `dim`, the channels if left out.

    Shape   the same
    Errors  no-such-axis
    Source  torch.nn.LogSoftmax
    """

    dim = Dim(1)


class Softmin(_OverAxis, type="softmin", torch="Softmin"):
    """softmax(-x) along axis `dim`, the channels if left out.

    Shape   the same
    Errors  no-such-axis
    Source  torch.nn.Softmin
    """

    dim = Dim(1)


class Dropout(Pointwise, type="dropout", torch="Dropout"):
    """In training, each value with probability p replaced by 0."""

    paint = "drop"
    p = Real(0.5, least=0, most=1)
    modules: ClassVar[Mapping[str, Any]] = {"Dropout{rank}d": {}, "AlphaDropout": {}, "FeatureAlphaDropout": {}}
    functions = ("alpha_dropout", "feature_dropout", "feature_alpha_dropout")
    inert = True

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        return self.p == 0

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Keep the mask: of float32, on cuda of bytes; one 0 where all is dropped."""
        if self.p == 0 or not torch.training:
            return x
        y = torch.pointwise(x)
        if y.grad:
            torch.keep_new(*((1,) if self.p == 1 else (x.numel(), 1) if torch.cuda else (x.numel(),)))
        return y


class Identity(Pointwise, type="identity", torch="Identity"):
    """The input itself."""

    inert = True

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        return True

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return x
