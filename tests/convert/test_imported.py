"""cnnshape.trace, and what a model's code requires of sizes."""

import math

import pytest

pytest.importorskip("torch")

import torch
from models.kinds import NamesakesOfInputs
from models.written import MODELS
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as people write it

import cnnshape
from cnnshape.compare.recording import Guard
from cnnshape.convert.imported import imported, recorded
from cnnshape.convert.requirements import asks
from cnnshape.numbers.recorded import Operation, SideOf

SIDE = SideOf(1, 2)
SHAPES = {1: (1, 3, 224, 224)}


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, left, right):
        return torch.cat([self.conv(left), self.conv(right)], 1)


def test_a_model_with_several_inputs_is_traced_by_their_names():
    net = cnnshape.trace(Two(), {"left": (1, 16, 16), "right": (1, 16, 16)})
    assert net.inputs == {"left": (1, 16, 16), "right": (1, 16, 16)}
    assert (net.check().output, net.check().parameters) == ((8, 14, 14), 40)


def test_a_traced_net_is_written_and_loads_to_the_same_shapes_and_counts():
    for make, shape in MODELS.values():
        net = cnnshape.trace(make(), shape)
        report, again = net.check(), cnnshape.loads(cnnshape.dumps(net)).check()
        assert [row.output for row in again.layers] == [row.output for row in report.layers]
        assert (again.parameters, again.macs) == (report.parameters, report.macs)


def test_places_are_lines_of_the_code():
    net = cnnshape.trace(Two(), {"left": (1, 16, 16), "right": (1, 16, 16)})
    assert all(node.place.source.file.endswith("test_imported.py") for node in net.nodes)
    assert {node.place.start[0] for node in net.nodes} == {Two.forward.__code__.co_firstlineno + 1}


class Keyed(nn.Module):
    """Its forward takes one dict."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, batch):
        return {"maps": self.conv(batch["image"])}


def test_a_model_that_takes_a_dict_is_held_against_its_file_as_it_is_called():
    found = imported(Keyed(), {"image": (3, 16, 16)}, "Keyed")
    assert found.differences == ()
    assert "at 8 of 8" in found.text
    assert [*found.net.outputs] == ["maps"]


def test_a_layer_of_which_nothing_comes_is_kept_and_may_be_unused():
    make, shape = MODELS["left"]
    net = cnnshape.trace(make(), shape)
    assert [node.name for node in net.nodes] == ["one", "other"]
    assert not cnnshape.loads(cnnshape.dumps(net)).check().problems


def test_a_layer_that_runs_again_counts_even_where_nothing_comes_of_it():
    class Pyramid(nn.Module):
        """Runs one encoder at two sizes, and takes the last map of one alone."""

        def __init__(self):
            super().__init__()
            self.near, self.far = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 8, 3)

        def encode(self, x):
            near = self.near(x)
            return near, self.far(near)

        def forward(self, x):
            near, _ = self.encode(x)
            return near, self.encode(nn.functional.max_pool2d(x, 2))[1]

    found = imported(Pyramid(), (3, 16, 16), "model")
    assert found.differences == ()
    of_near, of_far = 14 * 14 * 4 * 27 + 6 * 6 * 4 * 27, 12 * 12 * 8 * 36 + 4 * 4 * 8 * 36
    assert found.net.check().macs == of_near + of_far
    assert found.net.check().parameters == 4 * 27 + 4 + 8 * 36 + 8


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match=r"must be a torch\.nn\.Module"):
        cnnshape.trace(lambda x: x, (3, 8, 8))


@pytest.mark.parametrize(
    ("sign", "left", "right", "outcome", "settings"),
    [
        ("!=", Operation("%", (SIDE, 32)), 0, False, {"multiple_of": 32}),
        ("==", Operation("%", (Operation("-", (SIDE, 1)), 8)), 0, True, {"multiple_of": 8, "plus": 1}),
        ("<", SIDE, 7, False, {"at_least": 7}),
        (">", SIDE, 512, False, {"at_most": 512}),
        ("==", SIDE, 224, True, {"at_least": 224, "at_most": 224}),
        ("==", Operation("%", (SIDE, 2)), Operation("%", (SideOf(1, 3), 2)), True, None),
        ("==", Operation("//", (SIDE, 0)), 1, False, None),
        (">=", SIDE, 0, True, None),
        ("!=", Operation("%", (SIDE, 3)), 1, True, None),
        ("<", Operation("max", (SIDE, 20)), 25, True, {"at_most": 24}),
        (">", Operation("min", (SideOf(1, 3), 20)), 7, True, {"at_least": 8}),
        ("<", Operation("min", (SideOf(1, 3), 20)), 7, True, None),
        ("<", SIDE, math.inf, True, None),
        ("<", 3, 7, True, None),
    ],
)
def test_a_comparison_is_a_requirement_by_the_sides_at_which_it_holds(sign, left, right, outcome, settings):
    found = asks(Guard(sign, left, right, outcome, None, 0), SHAPES)
    assert [given for _, given in found] == ([settings] if settings else [])


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x)


class Picky(nn.Module):
    def forward(self, x):
        raise ValueError("other sides, please")


def test_a_model_that_does_not_take_the_inputs_is_refused():
    with pytest.raises(ValueError, match="missing a required argument: 'right'"):
        imported(Two(), (1, 16, 16), "Two")
    with pytest.raises(ValueError, match="Picky: ValueError: other sides, please"):
        imported(Picky(), (3, 16, 16), "Picky")


@pytest.mark.parametrize(("model", "shape", "tried"), [(nn.Linear(8, 3), (8,), 0), (Small(), (3, 3, 3), 7)])
def test_it_is_held_at_other_sides_that_there_are(model, shape, tried):
    found = imported(model, shape, "model")
    assert found.differences == ()
    assert (f"at {tried} of {tried}" in found.text) == (tried > 0)


OTHER = """
input = [3, 16, 16]
layers = [{ name = "conv", type = "conv", out_channels = 5, kernel_size = 3, bias = false }]
"""


def test_a_file_that_is_another_net_differs_in_all_that_is_counted(monkeypatch):
    monkeypatch.setattr("cnnshape.convert.imported.dumps", lambda _: OTHER)
    shapes, parameters, macs, outputs, sizes = imported(Small(), (3, 16, 16), "Small").differences
    assert "other shapes" in shapes
    assert "135 parameters, and the model uses 112." in parameters
    assert f"{14 * 14 * 135:,} multiply-accumulates, and torch counts {16 * 16 * 108:,}." in macs
    assert outputs.endswith("the outputs are [(5, 14, 14)], torch's [(4, 16, 16)].")
    assert sizes.startswith("DIFFERS at 8 of 8 other sizes")


def test_a_file_that_does_not_load_differs(monkeypatch):
    monkeypatch.setattr("cnnshape.convert.imported.dumps", lambda _: OTHER.replace('"conv", out', '"cnov", out'))
    assert imported(Small(), (3, 16, 16), "Small").differences[0].startswith("DIFFERS: the file does not load: ")


class Square(Small):
    def forward(self, x):
        assert x.shape[2] == x.shape[3]
        return self.conv(x)


class Wide(Small):
    def forward(self, x):
        return self.conv(x.transpose(2, 3) if x.shape[2] > x.shape[3] else x)


@pytest.mark.parametrize(("model", "shape"), [(Square(), (3, 16, 16)), (Wide(), (3, 16, 16)), (Wide(), (3, 16, 20))])
def test_a_comparison_of_two_sides_is_named_by_its_line(model, shape):
    line = type(model).forward.__code__.co_firstlineno + 1
    said = f"goes another way than the file, or raises: test_imported.py:{line}."
    assert said in imported(model, shape, "model").text
    assert said not in imported(Small(), shape, "model").text


class Pooled(Small):
    def forward(self, x):
        return F.avg_pool2d(self.conv(x), x.size(3))


@pytest.mark.parametrize("kernel", ["x.size(3)", "(x.size(2), x.size(3))"])
def test_a_square_window_as_large_as_one_side_is_named_by_its_line(kernel):
    model = Pooled()
    model.forward = eval(f"lambda x: F.avg_pool2d(model.conv(x), {kernel})", {"F": F, "model": model})
    found = imported(Pooled() if kernel == "x.size(3)" else model, (3, 16, 16), "model")
    assert [node.type for node in found.net.nodes] == ["conv", "global_avg_pool"]
    assert ("goes another way than the file" in found.text) == (kernel == "x.size(3)")
    assert found.differences == ()


class Viewed(nn.Module):
    """Its view makes several samples of one where the map is larger than the window."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.AvgPool2d(7), nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(self.pool(self.conv(x)).view(-1, 8))


def test_sizes_at_which_it_mixes_samples_are_refused():
    found = imported(Viewed(), (3, 14, 14), "model")
    assert found.differences == ()
    assert found.net.check().output == (5,)
    assert not found.net.check(input=(3, 28, 14)).ok


class Idle(nn.Module):
    """Each block has a layer that its forward never uses."""

    class Block(Small):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.norm, self.idle = nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1)

        def forward(self, x):
            return x + self.norm(self.conv(x)).relu()

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*[self.Block() for _ in range(4)])

    def forward(self, x):
        return self.blocks(x)


def test_parameters_that_no_forward_uses_leave_the_blocks_as_they_are():
    text = imported(Idle(), (3, 16, 16), "model").text
    assert 'allow = ["unused-in-model"]' in text
    assert "repeat = 4" in text


class TimeFirst(Small):
    def forward(self, x):
        return self.conv(x).mean(2).permute(2, 0, 1)


class Lost(Small):
    def forward(self, x):
        return self.conv(x).mean((2, 3)).squeeze()


@pytest.mark.parametrize(("model", "output"), [(TimeFirst(), (16, 4)), (Lost(), (4,))])
def test_what_it_returns_is_compared_without_its_batch_wherever_that_is(model, output):
    found = imported(model, (3, 16, 16), "model")
    assert found.net.check().output == output
    assert found.differences == ()


class Windows(nn.Module):
    """It pads as TensorFlow does, and wants a map of whole windows: few sizes near the declared one are taken."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, x):
        more = [max((-(-side // 2) - 1) * 2 + 3 - side, 0) for side in x.shape[:-3:-1]]
        x = self.conv(torch.nn.functional.pad(x, [n for each in more for n in (each // 2, each - each // 2)]))
        assert x.shape[2] % 28 == 0, "whole windows"
        assert x.shape[3] % 28 == 0, "whole windows"
        return x


def test_a_model_that_takes_few_sizes_is_run_at_some_of_them():
    model = Windows()
    sizes = cnnshape.trace(model, (3, 56, 56)).valid_sizes()
    assert str(sizes.square) == "0 or 55 modulo 56, from 55"
    for side in (54, 55, 56, 57, 111, 112, 113):
        if side in sizes.square:
            model(torch.empty(1, 3, side, side))
        else:
            with pytest.raises(AssertionError, match="whole windows"):
                model(torch.empty(1, 3, side, side))


def test_the_least_of_several_sides_is_a_requirement_of_each():
    both = Operation("min", (SIDE, SideOf(1, 3)))
    each = [(SIDE, {"at_least": 7}), (SideOf(1, 3), {"at_least": 7})]
    assert asks(Guard("<", both, 7, False, None, 0), SHAPES) == each
    assert asks(Guard("<", both, SIDE, False, None, 0), SHAPES) == []


class Long(nn.Module):
    def __init__(self, allowed):
        super().__init__()
        self.allowed, self.conv = allowed, nn.Conv1d(2, 4, 3, padding=1)

    def forward(self, x):
        if not self.allowed(x.shape[2]):
            raise ValueError("another length, please")
        return self.conv(x)


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(lambda side: side == 3000, id="one"),
        pytest.param(lambda side: side % 1000 == 0, id="multiples"),
        pytest.param(lambda side: side % 1500 == 0, id="multiples of half of the declared"),
        pytest.param(lambda side: 2 * side % 3000 == 0, id="of twice"),
        pytest.param(lambda side: 2 * side >= 4001, id="least"),
        pytest.param(lambda side: (side - 1) // 2 < 2000, id="most"),
        pytest.param(lambda side: side <= 70000, id="far"),
    ],
)
def test_lengths_that_the_code_refuses_are_found_at_any_number(allowed):
    """A length that the imported file accepts, the model takes; and the other way round where `require` has a word."""
    sizes = cnnshape.trace(Long(allowed), (2, 3000)).valid_sizes()
    turns = {at + more for at in (500, 1000, 1500, 2000, 2500, 3000, 4000, 6000, 70000) for more in range(-4, 8)}
    for side in sorted(turns | {*range(1, 40)}):
        assert ((side,) in sizes) == allowed(side), side


class Halves(Small):
    def forward(self, x):
        x = self.conv(x)
        return x[:, :, ::2] if x.shape[2] > 300 else x


def test_a_comparison_that_a_far_side_turns_is_found():
    required = recorded(Halves(), (3, 32, 24)).required
    line = Halves.forward.__code__.co_firstlineno + 2
    assert [each.line for each in required.elsewhere] == [line]
    assert {"input": (3, 301, 24)} in required.inputs
    assert recorded(Small(), (3, 32, 24)).required.inputs == ()


class Least(Small):
    def forward(self, x):
        x = self.conv(x[:, :, ::2, ::2])
        if min(x.shape[2:]) < 5:
            raise ValueError("too small")
        return x


def test_a_least_side_far_from_the_declared_one_is_required():
    sizes = cnnshape.trace(Least(), (3, 64, 64)).valid_sizes()
    assert str(sizes.square) == "every size from 9"
    Least()(torch.empty(1, 3, 9, 9))
    with pytest.raises(ValueError, match="too small"):
        Least()(torch.empty(1, 3, 8, 8))


def test_a_line_that_turns_nothing_new_is_not_tried_for_each_layer_that_runs_it():
    shapes = []

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Conv2d(3, 3, 3, padding=1) for _ in range(20)])

        def forward(self, x):
            shapes.append(x.shape)
            for layer in self.layers:
                x = layer(x) if x.shape[2] % 5 != 3 else x * 2
            return x

    recorded(Deep(), (3, 20, 20))
    assert len(shapes) < 20


def test_a_layer_keeps_its_name_beside_an_input():
    for kind in (NamesakesOfInputs, InOneDict):
        model = kind().eval()
        made = imported(model, dict(reversed(kind.input.items())), "model")
        net = cnnshape.loads(made.text)
        assert made.differences == ()
        assert [*net.inputs] == ["mask_", "image"]
        assert "# The input mask is mask_ here, as a layer of the model is mask." in made.text.splitlines()
        assert {node.name for node in net.nodes} >= {"mask", "add", "mask_2"}
        assert cnnshape.verify(net, model=model).ok


class InOneDict(NamesakesOfInputs):
    def forward(self, batch):
        return super().forward(batch["image"], batch["mask"])


def test_names_of_inputs_that_give_way_are_unlike():
    model = NamesakesOfInputs().eval()
    model.forward = lambda mask, mask_: NamesakesOfInputs.forward(model, mask, mask_)
    net = cnnshape.loads(imported(model, {"mask": (3, 9, 9), "mask_": (3, 9, 9)}, "model").text)
    assert [*net.inputs] == ["mask__", "mask_"]
    assert cnnshape.verify(net, model=model).ok
