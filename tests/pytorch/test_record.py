"""The recording of a run: every operation with its tensors, arguments, weights and line; numbers from shapes; guards."""

from __future__ import annotations

import inspect

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from torch import nn

import cnnshape
from cnnshape.compare.tracing import trace
from cnnshape.convert.imported import imported, others
from cnnshape.numbers.recorded import SideOf, evaluated, expression_of
from cnnshape.pytorch.live import Live
from cnnshape.pytorch.record import record, recorder


class Net(nn.Module):
    """A bit of all: modules, functions, sizes, weights of its own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.spare = nn.Linear(4, 5)
        self.gain = nn.Parameter(torch.ones(8, 1, 1))
        self.register_buffer("mean", torch.zeros(3, 1, 1))

    def forward(self, x):
        h, w = x.shape[-2:]
        x = self.conv(x - self.mean)
        if h % 32 != 0:
            x = F.pad(x, (0, 1))
        y = F.avg_pool2d(x, 2)
        y = F.interpolate(y, size=(h, w // 1))
        return (x + y) * self.gain


def named(run):
    return [op.name for op in run.ops]


def test_every_operation_is_there_in_order_with_its_values():
    run = record(Net(), {"input": (3, 64, 64)})
    assert named(run) == ["sub", "Conv2d", "avg_pool2d", "interpolate", "add", "mul"]
    assert [[tensor.value for tensor in op.inputs] for op in run.ops] == [[1, 0], [2], [3], [4], [3, 5], [6, 0]]
    assert [tensor.value for op in run.ops for tensor in op.outputs] == [2, 3, 4, 5, 6, 7]
    assert [(output.key, output.tensor.value, output.tensor.shape) for output in run.outputs] == [
        ("", 7, (1, 8, 64, 64))
    ]
    assert run.failure is None


def test_weights_are_told_apart_with_those_that_nothing_used():
    run = record(Net(), {"input": (3, 64, 64)})
    assert [op.weights for op in run.ops] == [("mean",), ("conv.weight", "conv.bias"), (), (), (), ("gain",)]
    assert [(name, w.shape, w.parameter) for name, w in run.weights.items() if "." not in name] == [
        ("gain", (8, 1, 1), True),
        ("mean", (3, 1, 1), False),
    ]
    assert run.unused(name for op in run.ops for name in op.weights) == {"spare": 25}


def test_a_computed_weight_is_no_parameter():
    class Standardised(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 3, 3, 3))

        def forward(self, x):
            return F.conv2d(F.conv2d(x, self.weight)[:, :3], self.weight - self.weight.mean())

    run = record(Standardised(), {"input": (3, 8, 8)})
    plain, _, computed = (op for op in run.ops)
    assert [(op.inputs[1].weights, op.inputs[1].computed) for op in (plain, computed)] == [
        (("weight",), False),
        (("weight",), True),
    ]
    assert plain.weights == computed.weights == ("weight",)


def test_arguments_have_the_expressions_of_sizes():
    run = record(Net(), {"input": (3, 64, 48)})
    interpolate = next(op for op in run.ops if op.name == "interpolate")
    size = interpolate.call.kwargs["size"]
    assert size == (64, 48)
    assert expression_of(size[0]) == SideOf(1, 2)
    sides = {SideOf(1, 2): 11, SideOf(1, 3): 13}
    assert [evaluated(expression_of(number), sides.__getitem__) for number in size] == [11, 13]


def test_all_ways_to_ask_for_a_size_are_recorded():
    asked = []

    class Asks(nn.Module):
        def forward(self, x):
            asked.extend([len(x), x.size(2), x.size(dim=-1), x.size()[1], x.shape[0], x.numel(), x.nelement()])
            asked.append(self.size_of(torch.zeros(3)))
            return x.view(x.size(0), -1)

        def size_of(self, made):
            return made.shape[0]

    run = record(Asks(), {"input": (2, 6, 5)})
    at = {SideOf(1, axis): size for axis, size in enumerate((1, 2, 6, 5))}
    assert [evaluated(expression_of(number), at.__getitem__) for number in asked] == asked == [1, 6, 5, 2, 1, 60, 60, 3]
    assert [type(expression_of(number)).__name__ for number in asked[-3:]] == ["Operation", "Operation", "int"]
    assert expression_of(run.ops[-1].call.args[1]) == SideOf(1, 0)


def test_guards_have_their_lines_and_their_place_in_the_order():
    run = record(Net(), {"input": (3, 64, 64)})
    [guard] = run.guards
    assert (guard.sign, guard.right, guard.outcome, guard.at) == ("!=", 0, False, 2)
    lines, first = inspect.getsourcelines(Net.forward)
    assert guard.line.file == __file__
    assert "h % 32" in lines[guard.line.line - first]


def test_comparisons_after_the_run_are_none_of_it():
    kept = []

    class Keeps(nn.Module):
        def forward(self, x):
            kept.append(x.shape[2])
            return x

    run = record(Keeps(), {"input": (2, 6, 5)})
    assert kept[0] > 3
    assert run.guards == ()


def test_the_line_is_that_of_the_users_code():
    lines, first = inspect.getsourcelines(Net.forward)
    for op in record(Net(), {"input": (3, 64, 64)}).ops:
        assert op.line.file == __file__
        assert {"Conv2d": "conv", "avg_pool2d": "avg_pool", "mul": "gain", "sub": "mean"}.get(op.name, "") in lines[
            op.line.line - first
        ]


def test_changes_in_place_are_new_values():
    class InPlace(nn.Module):
        def forward(self, x):
            y = x * 2
            y += x
            z = torch.zeros(1, 4, 6)
            z[:, :2] = y
            return F.relu_(z)

    run = record(InPlace(), {"input": (2, 6)})
    assert named(run) == ["mul", "add_", "__setitem__", "relu_"]
    assert [[tensor.value for tensor in op.inputs] for op in run.ops] == [[1], [2, 1], [0, 3], [4]]
    assert run.outputs[0].tensor.value == 5


def test_a_forward_that_asks_for_numbers_runs_on_the_cpu():
    class Asks(nn.Module):
        def forward(self, x):
            return x * 2 if x.mean() >= 0 else x

    assert named(record(Asks(), {"input": (2, 6)})) == ["mean", "ge", "mul"]


def test_a_model_on_meta_is_recorded_as_well():
    with torch.device("meta"):
        model = Net()
    assert len(record(model, {"input": (3, 64, 64)}).ops) == 6


def test_what_nothing_can_stand_for_ends_the_run_and_keeps_all_before_it():
    class Fails(nn.Module):
        def forward(self, x):
            y = x * 2
            a, b, c = y.shape[1:]
            return a + b + c

    run = record(Fails(), {"input": (2, 6)})
    assert named(run) == ["mul"]
    assert "not enough values to unpack" in run.failure.message
    lines, first = inspect.getsourcelines(Fails.forward)
    assert "a, b, c" in lines[run.failure.line.line - first]
    assert run.outputs == ()


class Broken(nn.Module):
    """Many faults."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3)
        self.bn = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.fc1, self.fc2 = nn.Linear(800, 120), nn.Linear(100, 10)
        self.last = nn.BatchNorm2d(10)

    def forward(self, x):
        x = F.relu(self.bn(self.conv1(x)))
        x = self.conv2(x)
        x = torch.cat([x, F.max_pool2d(x, 2)], 1)
        x = self.fc2(self.fc1(x.view(-1, 800)))
        return self.last(x)


def test_behind_what_raises_the_run_goes_on_with_what_it_declares():
    run = record(Broken(), {"input": (3, 32, 32)})
    assert run.failure is None
    assert [(op.name, op.path, op.outputs[0].shape) for op in run.ops if op.raised] == [
        ("BatchNorm2d", "bn", (1, 16, 30, 30)),
        ("Conv2d", "conv2", (1, 64, 28, 28)),
        ("cat", "", (1, 128, 28, 28)),
        ("view", "", (1, 800)),
        ("Linear", "fc2", (1, 10)),
        ("BatchNorm2d", "last", (1, 10)),
    ]
    assert [output.tensor.shape for output in run.outputs] == [(1, 10)]


def test_a_model_with_faults_is_left_as_it_was():
    model = Broken()
    record(model, {"input": (3, 32, 32)})
    assert all("forward" not in vars(module) for module in model.modules())


def test_further_runs_are_at_multiples_odd_and_larger():
    inputs = {"input": (3, 64, 64)}
    assert others(inputs) == [{"input": (3, 128, 192)}, {"input": (3, 71, 73)}, {"input": (3, 96, 96)}]
    first, again = recorder(Net(), inputs)
    shapes = [run.outputs[0].tensor.shape for run in (first, again(others(inputs)[0]))]
    assert shapes == [(1, 8, 64, 64), (1, 8, 128, 192)]


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_compiled_model_is_refused():
    with pytest.raises(TypeError, match="ScriptModule"):
        record(torch.jit.trace(nn.ReLU(), torch.ones(1)), {"input": (1,)})


def test_the_model_is_left_as_it_was():
    model = Net().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    record(model, {"input": (3, 64, 64)})
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert next(model.parameters()).device.type == "cpu"


def test_a_users_own_class_is_looked_into_whatever_its_name():
    class ChannelShuffle(nn.Module):
        def forward(self, x):
            return x.flip(1)

    class Conv2d(nn.Conv2d):
        pass

    run = record(nn.Sequential(ChannelShuffle(), Conv2d(2, 3, 1)), {"input": (2, 6, 6)})
    assert named(run) == ["flip", "Conv2d"]


def test_what_torch_does_not_show_is_an_operation_without_a_name():
    unseen = torch.zeros(1, 2, 6)

    class Hidden(nn.Module):
        def forward(self, x):
            y = x * 2
            return y + unseen  # neither a parameter nor made here: of code that torch does not show

    run = Live(Hidden(), "cpu", None).recording({"input": (2, 6)})
    assert named(run) == ["mul", "", "add"]
    hidden = run.ops[1]
    assert (hidden.call, hidden.layer, [tensor.value for tensor in hidden.inputs]) == (None, None, [2])
    assert [len(call.inputs) for call in trace(run).calls] == [1, 2]


def test_a_tensor_that_is_given_another_shape_keeps_its_value():
    class Resized(nn.Module):
        def forward(self, x):
            y = x * 2
            y.resize_(1, 12)
            return y + 1

    run = Live(Resized(), "cpu", None).recording({"input": (2, 6)})
    assert run.ops[-1].inputs[0].shape == (1, 12)


def test_parameters_that_the_first_run_makes_have_their_names():
    run = record(nn.Sequential(nn.LazyConv2d(4, 3)), {"input": (3, 8, 8)})
    assert run.ops[0].weights == ("0.weight", "0.bias")
    assert run.weights["0.weight"].shape == (4, 3, 3, 3)


def test_parameters_that_the_first_run_makes_are_those_of_the_others():
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
    first, again = recorder(model, {"input": (3, 8, 8)})
    other = again({"input": (3, 9, 8)})
    assert first.weights["1.weight"].shape == other.weights["1.weight"].shape == (10, 192)
    assert (first.failure is None, other.failure is None) == (True, False)
    assert torch.nn.parameter.is_lazy(model[1].weight)


def test_a_constant_of_anothers_shape_has_nothing_of_it():
    class Constant(nn.Module):
        def forward(self, x):
            return x + torch.zeros_like(x)

    run = record(Constant(), {"input": (2, 6)})
    assert [[tensor.value for tensor in op.inputs] for op in run.ops] == [[1, 0]]


def test_numbers_of_another_run_are_plain():
    kept = []

    class Keeps(nn.Module):
        def forward(self, x):
            kept.append(x.shape[2])
            return x.view(1, -1, kept[0])

    model = Keeps()
    record(model, {"input": (2, 6)})
    run = record(model, {"input": (2, 6)})
    assert expression_of(run.ops[-1].call.args[3]) == 6


def test_a_module_without_tensors_that_raises_ends_the_run():
    class Empty(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 1)

        def forward(self, x):
            return self.conv(None)

    assert record(Empty(), {"input": (2, 6, 6)}).failure


def test_what_no_device_runs_ends_the_run():
    class Asks(nn.Module):
        def forward(self, x):
            raise RuntimeError("no device has room for this")

    assert "no device has room" in record(Asks(), {"input": (2, 6)}).failure.message


class Same(nn.Module):
    """What gives the very tensor that it gets, in evaluation."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.none = nn.Identity()

    def forward(self, x):
        return F.dropout(self.drop(self.none(x)), 0.5, self.training) + x


def test_what_gives_back_its_tensor_is_an_operation_with_a_value_of_its_own():
    run = record(Same(), {"input": (2, 6)})
    assert named(run) == ["Identity", "Dropout", "dropout", "add"]
    assert [[tensor.value for tensor in op.inputs] for op in run.ops] == [[1], [2], [3], [4, 1]]


def test_a_tensor_whose_data_is_given_another_shape_keeps_its_value():
    class Resized(nn.Module):
        def forward(self, x):
            y = x * 2
            y.data = torch.zeros(1, 12)
            return y + 1

    run = Live(Resized(), "cpu", None).recording({"input": (2, 6)})
    assert run.ops[-1].inputs[0].shape == (1, 12)
    assert run.ops[-1].inputs[0].value == run.ops[0].outputs[0].value


def test_a_weight_that_the_first_run_makes_may_be_tied():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.code = nn.LazyLinear(3)

        def forward(self, x):
            return F.linear(torch.tanh(self.code(x)), self.code.weight.t())

    run = record(Tied(), {"input": (6,)})
    assert named(run) == ["Linear", "tanh", "linear"]
    assert run.ops[-1].weights == ("code.weight",)
    assert run.outputs[0].tensor.shape == (1, 6)


def test_an_inner_module_whose_error_is_caught_is_left():
    class Inner(nn.Module):
        def forward(self, x):
            raise ValueError("not here")

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.fc = nn.Sequential(Inner()), nn.Linear(6, 2)

        def forward(self, x):
            try:
                return self.inner(x)
            except ValueError:
                return self.fc(x * 2)

    run = record(Outer(), {"input": (6,)})
    assert [(op.name, op.path) for op in run.ops] == [("mul", ""), ("Linear", "fc")]
    assert run.failure is None


def test_an_early_exit_that_is_no_exception_leaves_the_module_too():
    class Enough(BaseException):
        pass

    class Early(nn.Module):
        def forward(self, x):
            raise Enough(x + 1)

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.early = Early()

        def forward(self, x):
            try:
                return self.early(x)
            except Enough as found:
                return found.args[0]

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.outer = Outer()

        def forward(self, x):
            return self.outer(x) * 2

    run = record(Net(), {"input": (6,)})
    assert [(op.name, op.path) for op in run.ops] == [("add", "outer.early"), ("mul", "")]
    assert run.failure is None


def test_an_attribute_that_raises_goes_by_its_own_name():
    class Turned(nn.Module):
        def forward(self, x):
            return x[0].mT

    run = record(Turned(), {"input": (5,)})
    assert run.failure is not None
    assert run.failure.module == "mT()"


class Words(nn.Module):
    """Words as indices, beside an image where there is one; an embedding takes no other numbers."""

    def __init__(self):
        super().__init__()
        self.words, self.kind = nn.Embedding(9, 6), nn.Embedding(5, 6)
        self.conv = nn.Conv2d(3, 6, 3)

    def forward(self, image, words, kinds):
        x = self.conv(image).mean((2, 3))
        return x + (self.words(words[:, 1:]) + self.kind(kinds)[:, 1:]).sum(1)


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_inputs_that_are_indices_are_whole_numbers(device):
    live = Live(Words(), device, None)
    for words in (8, 12):
        found = live.recording({"image": (3, 9, 9), "words": (words,), "kinds": (words,)})
        assert found.failure is None
        dtypes = {name: tensor.dtype for name, tensor in found.inputs.items()}
        assert dtypes == {"image": "float32", "words": "int64", "kinds": "int64"}
    assert live.recording({"image": (1, 9, 9), "words": (8,), "kinds": (8,)}).failure


def test_numbers_of_a_layer_are_no_indices():
    model = nn.Sequential(nn.Linear(4, 3), nn.Embedding(9, 6))
    assert "indices" in record(model, {"input": (4,)}).ops[-1].raised
    assert record(model, {"input": (4,)}).inputs["input"].dtype == "float32"


def test_the_file_of_a_model_of_indices_is_held_to_it():
    made = imported(Words(), {"image": (3, 9, 9), "words": (8,), "kinds": (8,)}, "Words")
    assert made.differences == ()
    assert made.net.check().parameters == sum(weight.numel() for weight in Words().parameters())
    assert cnnshape.loads(made.text).check().output == (6,)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_part_that_torch_compiles_is_watched():
    compiled = torch.compile(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()))
    ops = record(nn.Sequential(compiled, nn.Flatten()), {"input": (3, 8, 8)}).ops
    assert [op.type for op in ops] == ["conv", "relu", "flatten"]


class Residual(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), act, nn.Conv2d(4, 4, 3, padding=1))
        self.act = act

    def forward(self, x):
        return self.act(x + self.body(x))


class SharedActivation(nn.Module):
    """All its modules have one activation, as a default argument makes it."""

    def __init__(self):
        super().__init__()
        act = nn.ReLU(True)
        self.first, self.blocks = Residual(act), nn.Sequential(*(Residual(act) for _ in range(3)))
        self.act = act

    def forward(self, x):
        return self.act(self.blocks(self.first(x)).square())


def test_an_activation_that_many_modules_share_goes_by_the_module_that_runs():
    recording = record(SharedActivation(), {"input": (4, 8, 8)})
    paths = [op.path for op in recording.ops if op.type == "relu"]
    inner = ["first", "blocks.0", "blocks.1", "blocks.2"]
    assert paths == [*(f"{path}.{name}" for path in inner for name in ("body.1", "act")), "act"]
    file = cnnshape.dumps(cnnshape.trace(SharedActivation(), (4, 8, 8)))
    assert 'block = "residual", repeat = 3 }' in file


def test_layers_that_share_weights_go_by_the_first():
    conv = nn.Conv2d(4, 4, 1)
    model = nn.Sequential(nn.Sequential(conv), nn.Sequential(conv))
    assert [op.path for op in record(model, {"input": (4, 8, 8)}).ops] == ["0.0", "0.0"]


def test_places_that_are_only_given_the_type_of_the_input_have_nothing_of_it():
    class Grid(nn.Module):
        def forward(self, x):
            rows = torch.arange(x.shape[2]).type_as(x) + 0.5
            return x - rows.to(x)[:, None]

    recording = record(Grid(), {"input": (3, 8, 8)})
    assert [op.name for op in recording.ops] == ["sub"]
    assert [tensor.value for tensor in recording.ops[0].inputs] == [1, 0]
    assert imported(Grid(), (3, 8, 8), "grid").differences == ()
