"""Common functions on the meta device the short way: they give, and refuse, as torch does on the CPU."""

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.cli import process
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnshape.pytorch.plain_runs import PlainRuns
from cnnshape.pytorch.quick import QUICK, quick
from cnnshape.pytorch.record import record

SHAPES = {1: (4, 8), 2: (4, 8, 6), 3: (4, 8, 6, 5)}


@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("channels", [4, 3, 1])
@pytest.mark.parametrize("settings", [{}, {"affine": False}, {"track_running_stats": False}])
def test_a_norm_on_meta_gives_and_refuses_as_on_the_cpu(rank, channels, settings):
    norm = getattr(nn, f"BatchNorm{rank}d")(channels, **settings).eval()
    try:
        expected = tuple(norm(torch.ones(1, *SHAPES[rank])).shape[1:])
    except RuntimeError:
        expected = None
    assert PlainRuns(norm).shapes({"input": SHAPES[rank]}) == (expected and [expected])
    recording = record(nn.Sequential(norm), {"input": SHAPES[rank]})
    assert (expected is None) == any(op.raised for op in recording.ops)
    assert expected is None or recording.outputs[0].tensor.shape[1:] == expected


def test_a_norm_called_as_a_function_is_run_the_short_way_too():
    class Called(nn.Module):
        def forward(self, x):
            return nn.functional.batch_norm(x, torch.zeros(4), torch.ones(4))

    assert PlainRuns(Called()).shapes({"input": (4, 8, 6)}) == [(4, 8, 6)]
    assert record(Called(), {"input": (4, 8, 6)}).outputs[0].tensor.shape == (1, 4, 8, 6)


X, Y, GATE, ROW, CUBE = (2, 4, 6, 5), (2, 4, 6, 5), (4, 1, 1), (5,), (2, 4, 6, 5, 3)
EACH = [F.relu, torch.relu, torch.Tensor.relu, F.relu6, F.hardswish, F.hardsigmoid, F.gelu, F.leaky_relu, F.elu, F.mish]
OF_TWO = [
    torch.add, torch.Tensor.add, torch.Tensor.__add__, torch.Tensor.__radd__, torch.mul, torch.Tensor.mul,
    torch.Tensor.__mul__, torch.Tensor.__rmul__, torch.sub, torch.Tensor.sub, torch.Tensor.__sub__, torch.div,
    torch.Tensor.div, torch.Tensor.__truediv__,
]  # fmt: skip
OTHERS = (Y, GATE, ROW, (6, 5), (3, 1, 1), (7, 2, 4, 6, 5), 2, 0.5, True)
CALLS = [
    *((function, (X,), {}) for function in (*EACH, torch.tanh, torch.Tensor.tanh)),
    *((function, (X,), {"inplace": True}) for function in (F.relu, F.relu6, F.hardswish, F.leaky_relu, F.elu, F.mish)),
    *((function, (X, True), {}) for function in (F.relu, F.relu6, F.hardswish)),
    (F.leaky_relu, (X, 0.1, True), {}),
    *((F.gelu, (X,), {"approximate": how}) for how in ("tanh", "none", "wrong")),
    *((function, (X, other), {}) for function in OF_TWO for other in OTHERS),
    *((torch.add, (one, other), {}) for one, other in ((GATE, X), (ROW, X), (CUBE, X), (GATE, ROW))),
    *((torch.cat, ([X, other], dim), {}) for other in (Y, (2, 3, 6, 5), GATE) for dim in (0, 1, -1, 4)),
    (torch.cat, ([X, Y, (2, 1, 6, 5)],), {"dim": 1}),
    (torch.cat, ([X, Y],), {}),
    *((F.linear, (x, (7, 5)), {}) for x in (X, ROW, GATE, CUBE)),
    *((F.linear, (X, (7, 5), bias), {}) for bias in ((7,), (1,), (3,), None)),
    (F.linear, (X, (5,)), {}),
    *((F.adaptive_avg_pool2d, (x, size), {}) for x in (X, CUBE, (4, 6, 5)) for size in (1, (1, 1), 2, (1, 2))),
    *((F.adaptive_avg_pool2d, (X, size), {}) for size in (1.0, True, (1.0, 1.0))),
    *((torch.mean, (X, dim), {}) for dim in (0, (2, 3), [-1], 4, (1, 1))),
    (torch.Tensor.mean, (X, (2, 3)), {"keepdim": True}),
    (torch.Tensor.mean, (X, (2, 3), True), {}),
    (torch.Tensor.mean, (X,), {}),
    *((F.layer_norm, (X, shape), {}) for shape in ((5,), (6, 5), (6,), (4,), ())),
    *((F.layer_norm, (X, (5,), weight, weight), {}) for weight in ((5,), (4,), None)),
]


def made(value, device):
    """Make tensors of the shapes in arguments; a list of numbers is an argument as it is."""
    if isinstance(value, list) and isinstance(value[0], tuple):
        return [made(each, device) for each in value]
    return torch.ones(value, device=device) if isinstance(value, tuple) else value


def arguments(function, args, device):
    numbers = {F.adaptive_avg_pool2d: (1,), torch.mean: (1,), torch.Tensor.mean: (1,), F.layer_norm: (1,)}.get(
        function, ()
    )
    return [arg if place in numbers else made(arg, device) for place, arg in enumerate(args)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS)
def test_what_it_answers_is_what_the_cpu_gives(function, args, kwargs):
    given = arguments(function, args, "meta")
    found = quick(function, tuple(given), kwargs)
    try:
        expected = function(*arguments(function, args, "cpu"), **kwargs)
    except (RuntimeError, IndexError, TypeError, ValueError):
        assert found is None
        return
    if found is not None:
        assert (found.shape, found.stride(), found.dtype) == (expected.shape, expected.stride(), expected.dtype)
        in_place = kwargs.get("inplace") or (function in EACH and any(arg is True for arg in args))
        assert (found is given[0]) == bool(in_place)


def test_every_function_has_a_call_that_it_answers():
    answered = {
        function
        for function, args, kwargs in CALLS
        if quick(function, tuple(arguments(function, args, "meta")), kwargs) is not None
    }
    assert answered | {F.batch_norm} == QUICK.keys()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(2, 3),
        torch.ones(2, 3, dtype=torch.int64, device="meta"),
        torch.ones(2, 3, device="meta").t(),
        torch.ones(1, 3, device="meta").expand(2, 3),
    ],
)
def test_torch_is_asked_of_numbers_and_of_tensors_that_are_not_dense(tensor):
    assert quick(torch.relu, (tensor,), {}) is None
    assert quick(torch.add, (tensor, 1), {}) is None


def test_a_result_that_goes_into_a_given_tensor_is_torchs_to_make():
    x, y = torch.ones(2, 5, device="meta"), torch.empty(0, device="meta")
    assert quick(torch.tanh, (x,), {"out": y}) is None


def test_statistics_go_together():
    x, mean = torch.ones(2, 3, 4, 4, device="meta"), torch.ones(3, device="meta")
    assert quick(F.batch_norm, (x, mean, None), {}) is None


def test_tensors_of_other_types_are_torchs_to_join():
    half, whole = torch.ones(2, 5, dtype=torch.float16, device="meta"), torch.ones(2, 5, device="meta")
    assert quick(torch.add, (half, whole), {}) is None
    assert quick(torch.cat, ([half, whole],), {}) is None
    assert quick(F.linear, (half, whole), {}) is None


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(8, 5)
        self.up = nn.ConvTranspose2d(4, 4, 2, 2)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = torch.cat([x + self.up(F.max_pool2d(x, 2)), x * 2], 1)
        return self.fc(torch.matmul(x.mean((2, 3)), torch.ones(8, 8, device=x.device)))


def test_multiply_accumulates_are_those_of_torchs_counter():
    model = Plain()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.ones(1, 3, 8, 8))
    assert PlainRuns(model).macs({"input": (3, 8, 8)}) == counter.get_total_flops() // 2


NETS = """
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(8, 5)
        self.norm, self.up = nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 4, 2, 2)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        y = self.up(F.max_pool2d(x, 1))
        x = torch.cat([x + x, x * 2], 1)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1)), y
"""
CODE = """
import atexit, sys
from cnnshape.cli import main
atexit.register(lambda: print("compiler", "torch._dynamo" in sys.modules, file=sys.stderr))
main()
"""


@pytest.mark.skipif(torch.__version__ < "2.13", reason="an older torch imports its compiler elsewhere")
def test_the_import_of_a_plain_model_does_not_import_torchs_compiler(own_folder):
    (own_folder / "nets.py").write_text(NETS)
    with process("import", f"{own_folder}/nets.py:Net", "--input", "3x8x8", code=CODE) as running:
        said = running.stderr.read()
    assert (running.returncode, said.splitlines()[-1:]) == (0, ["compiler False"])
