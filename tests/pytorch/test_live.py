"""The run of a live model: how it fails, what it returns, on which device, wrapped or compiled."""

import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import ADDS, DIFFERS, Code, compare, found, matched, verdicts
from helpers.paths import ARCHITECTURES
from models import classic, dense
from models.planted import NET, STYLES, parts
from torch import nn

import cnnshape


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(16, 8, 3)

    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x))))


THREE = """
input = [3, 32, 32]
layers = [
  { name = "conv1", type = "conv", out_channels = 8, kernel_size = 3 },
  "relu",
  { name = "conv2", type = "conv", out_channels = 8, kernel_size = 3 },
  { name = "last", type = "relu" },
]
"""


def test_a_model_that_raises_in_a_layer():
    comparison = compare(THREE, Raises())
    assert verdicts(comparison) == {"conv1": "agrees", "relu1": "agrees", "conv2": "fails", "last": "not run"}
    differs, fails = comparison.problems
    assert (differs.layer, fails.layer, fails.code) == ("conv2", "conv2", "model-fails")
    assert "in_channels 8" in differs.message
    assert "in_channels 16" in differs.message
    assert "the model raises in conv2: RuntimeError: Given groups=1" in fails.message
    assert "(test_live.py:" in fails.message


def test_a_model_that_raises_in_its_own_code_or_in_a_function():
    class Own(Raises):
        def forward(self, x):
            x = F.relu(self.conv1(x))
            raise KeyError("threshold")

    class Function(Raises):
        def forward(self, x):
            return F.max_pool2d(F.relu(self.conv1(x)), 64)

    own, function = compare(THREE, Own()), compare(THREE, Function())
    assert found(own) == [("model-fails", "relu1")]
    assert "the model raises in Own(): KeyError: 'threshold' (test_live.py:" in own.problems[0].message
    assert verdicts(own) == {"conv1": "agrees", "relu1": "agrees", "conv2": "not run", "last": "not run"}
    assert "the model raises in max_pool2d(): " in function.problems[-1].message


def test_errors_that_the_model_catches_itself_do_not_matter():
    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.wrong, self.conv = nn.Sequential(nn.Conv2d(1, 1, 3)), nn.Conv2d(3, 8, 3)

        def forward(self, x):
            try:
                x = self.wrong(x)
            except RuntimeError:
                x = self.conv(x)
            return F.relu(x)

    comparison = compare(
        'input = [3, 8, 8]\nlayers = [{ name = "conv", type = "conv", out_channels = 8, kernel_size = 3 }, "relu"]',
        Tries(),
    )
    assert matched(comparison)["conv"] == "conv"
    assert [problem.message for problem in comparison.problems] == [
        "the model has 10 parameters in wrong.0, which no layer used when it was evaluated"
    ]


class Named(NamedTuple):
    flat: torch.Tensor
    maps: torch.Tensor


class Placed(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


@dataclass
class Fields:
    classes: torch.Tensor
    features: torch.Tensor


class Returns(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.conv, self.form = nn.Conv2d(3, 8, 3), form

    def forward(self, x):
        features = self.conv(x)
        return self.form(features, features.mean((2, 3)))


HEADS = """
input = [3, 8, 8]
{outputs}
layers = [
  {{ name = "maps", type = "conv", out_channels = 8, kernel_size = 3 }},
  {{ name = "vector", type = "global_avg_pool" }},
  {{ name = "flat", type = "flatten" }},
]
"""
TWO_HEADS = HEADS.format(outputs='outputs = ["maps", "flat"]')


@pytest.mark.parametrize(
    "form",
    [
        lambda maps, flat: (maps, flat),
        lambda maps, flat: [maps, {"x": flat}],
        lambda maps, flat: {"flat": flat, "maps": maps},
        lambda maps, flat: {"a": flat, "b": (maps, None, 3)},
        lambda maps, flat: Named(flat=flat, maps=maps),
        lambda maps, flat: Placed(first=maps, second=flat),
        lambda maps, flat: Fields(flat, maps),
    ],
    ids=["tuple", "nested", "named", "dict", "named tuple", "tuple with other names", "dataclass"],
)
def test_a_model_that_returns_several_tensors(form):
    assert compare(TWO_HEADS, Returns(form)).problems == ()


WRONG_RESULTS = {
    "the other order": (lambda maps, flat: (flat, maps), "maps", "flat, maps"),
    "a list in the other order": (lambda maps, flat: [flat, {"x": maps}], "maps", "flat, maps as x"),
    "a named tuple in the other order": (
        lambda maps, flat: Placed(flat, maps),
        *("maps", "flat as first, maps as second"),
    ),
    "wrong names": (lambda maps, flat: {"maps": flat, "flat": maps}, "maps", "flat as maps, maps as flat"),
    "one name wrong": (lambda maps, flat: {"maps": flat, "x": maps}, "maps", "flat as maps, maps as x"),
    "one more": (lambda maps, flat: (maps, flat, torch.relu(maps)), "flat", "maps, flat, relu() (test_live.py:"),
    "one more, of the model's input": (lambda maps, flat: (maps, flat, torch.ones(3)), "flat", "maps, flat, nothing"),
    "one more under a name": (lambda maps, flat: {"maps": maps, "flat": flat, "x": maps}, "flat", "flat, maps as x"),
    "one twice": (lambda maps, flat: (maps, flat, flat), "flat", "maps, flat, flat"),
    "one twice, the other not": (lambda maps, flat: (maps, maps), "flat", "maps, maps"),
    "a constant": (lambda maps, flat: (maps, torch.ones(1, 8)), "flat", "maps, nothing"),
}


@pytest.mark.parametrize("what", WRONG_RESULTS)
def test_order_and_number_of_results_are_held_and_in_a_dict_the_names(what):
    form, layer, theirs = WRONG_RESULTS[what]
    problem, *adds = compare(TWO_HEADS, Returns(form)).problems
    assert (problem.code, problem.layer, problem.severity) == (DIFFERS, layer, "error")
    assert problem.message.startswith("outputs maps, flat in the file, but ")
    assert theirs in problem.message
    assert [problem.code for problem in adds] == [ADDS] * (what == "one more")


def test_a_result_that_is_not_the_last_layers_is_a_difference():
    class Forgets(nn.Module):
        def forward(self, x):
            y = F.relu(x)
            F.sigmoid(y)
            return y

    (problem,) = compare('input = [3, 8, 8]\nlayers = ["relu", "sigmoid"]', Forgets()).problems
    assert re.fullmatch(
        r"output sigmoid1 in the file, but relu\(\) \(test_live.py:\d+\) in .* returns", problem.message
    )


def test_what_is_returned_has_the_files_shapes_or_it_is_a_problem():
    one = HEADS.format(outputs="")
    assert compare(one, Returns(lambda maps, flat: {"logits": flat})).ok
    (problem,) = compare(one, Returns(lambda maps, flat: {"features": maps, "logits": flat})).problems
    assert "output flat in the file, but conv as features, flat as logits in what Returns returns" in problem.message
    (problem,) = compare(one, Returns(lambda maps, flat: flat[:, :, None])).problems
    assert (problem.code, problem.layer) == (DIFFERS, "flat")
    assert "output 8 in the file, but 8x1 in what Returns returns" in problem.message
    (problem,) = compare(one, Returns(lambda maps, flat: None)).problems
    assert "but no tensor in what Returns returns" in problem.message
    (problem,) = compare(TWO_HEADS, Returns(lambda maps, flat: flat)).problems
    assert problem.layer == "maps"


class Masked(nn.Module):
    def forward(self, x, mask):
        return F.relu(x) * mask


def test_inputs_that_the_model_needs_and_the_file_does_not_declare():
    comparison = compare('input = [3, 8, 8]\nlayers = ["relu"]', Masked())
    (problem,) = comparison.problems
    assert (problem.code, verdicts(comparison)) == ("model-fails", {"relu1": "not run"})
    said = "forward(x, mask) does not take the inputs input: missing a required argument: 'mask'"
    assert said in problem.message
    two = "inputs = { x = [3, 8, 8], mask = [1, 8, 8] }\nlayers = [\n"
    two += '  { name = "r", type = "relu", from = "x" },\n  { type = "mul", from = ["r", "mask"] },\n]'
    assert compare(two, Masked()).ok


def test_shapes_that_depend_on_the_data_get_a_warning():
    class Picks(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            x = self.fc(x)
            return x[:, x[0] > -100.0]

    text = 'input = [4]\nlayers = [{ name = "fc", type = "linear", out_features = 2 }]'
    comparison = compare(text, Picks())
    (problem,) = comparison.problems
    assert (problem.code, problem.severity) == ("depends-on-data", "warning")
    assert "(getitem() at test_live.py:" in problem.message
    assert comparison.ok
    assert compare(f'allow = "{problem.code}"\n{text}', Picks()).problems == ()


def test_the_tensor_that_says_which_cells_to_take_is_no_source_of_them():
    class Chosen(nn.Module):
        def forward(self, x):
            return F.relu(x)[:, x.mean((0, 2, 3)).argsort()]

    text = 'input = [3, 8, 8]\nlayers = ["relu"]'
    assert DIFFERS not in [problem.code for problem in compare(text, Chosen()).problems]


def test_lazy_modules_stay_lazy():
    model = STYLES["named"](parts())
    assert compare(NET, model).ok
    assert isinstance(model.fc1, nn.LazyLinear)
    assert model.fc1.has_uninitialized_params()
    assert model.fc1._forward_pre_hooks


def test_a_model_on_another_device_runs_there_or_where_it_is_asked_to():
    model = classic.LeNet5()
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    assert compare(net, model).device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert compare(net, model, "meta").ok
    assert {p.device.type for p in model.parameters()} == {"cpu"}
    model.lost = torch.zeros(10)
    model.fc3.register_forward_hook(lambda module, args, output: output + model.lost)
    comparison = compare(net, model, "meta")
    assert [problem.code for problem in comparison.problems] == ["model-fails"]
    assert "meta" in comparison.problems[0].message


def test_a_model_that_has_shapes_alone_stays_so():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    with torch.device("meta"):
        model = classic.LeNet5()
    assert compare(net, model).device == "meta"
    assert compare(net, model, "cpu").ok
    assert all(p.is_meta for p in model.parameters())


def test_a_model_without_parameters_and_one_that_is_a_single_layer():
    assert compare(
        'input = [3, 8, 8]\nlayers = ["relu", "global_avg_pool"]', nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    ).ok
    comparison = compare(
        'input = [3, 8, 8]\nlayers = [{ type = "conv", out_channels = 2, kernel_size = 3 }]', nn.Conv2d(3, 2, 3)
    )
    assert comparison.ok
    empty = compare("input = [3, 8, 8]\nlayers = ['relu']", nn.Identity())
    assert found(empty) == [(DIFFERS, "relu1")]


def test_constants_that_nobody_registered_are_no_layers():
    class Normalizes(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean, self.conv = torch.zeros(3, 1, 1), nn.Conv2d(3, 8, 3)

        def forward(self, x):
            return F.relu(self.conv((x - self.mean) / torch.full((3, 1, 1), 0.5)))

    text = 'input = [3, 8, 8]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 3 }, "relu"]'
    (problem,) = compare(text, Normalizes()).problems
    assert "the model has sub() and div() (test_live.py:" in problem.message
    assert problem.severity == "warning"


def test_a_batch_that_is_squeezed_away():
    text = 'input = [1, 8, 8]\nlayers = ["flatten", { type = "linear", out_features = 2 }]'
    (problem,) = compare(text, nn.Sequential(Code(lambda x: x.flatten().squeeze()), nn.Linear(64, 2))).problems
    assert "output 64 in the file, but output without axes in 0.flatten()" in problem.message


def test_an_exported_model_is_the_same():
    model = torch.export.export(classic.LeNet5().eval(), (torch.zeros(1, 1, 32, 32),)).module()
    comparison = compare(cnnshape.load(ARCHITECTURES / "lenet5.toml"), model)
    assert comparison.ok
    assert matched(comparison)["C1"] == "conv1"


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_what_torch_jit_has_made_its_own_cannot_be_seen():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    model = classic.LeNet5()
    with pytest.raises(TypeError, match=r"the model is a ScriptModule: give what torch\.jit made it of"):
        cnnshape.verify(net, model=torch.jit.script(model))
    model.conv2 = torch.jit.script(model.conv2)
    with pytest.raises(TypeError, match="conv2 is a ScriptModule"):
        cnnshape.verify(net, model=model)


class Forgets(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        x = F.relu(self.conv1(x))


def test_a_model_that_forgets_its_return_has_failed_where_its_forward_begins():
    line = Forgets.forward.__code__.co_firstlineno
    (problem,) = cnnshape.trace(Forgets(), (3, 32, 32)).check().problems
    assert problem.code == "model-fails"
    assert (
        problem.message == "the model raises in Forgets(): TypeError: forward returns None, as it does without a return"
    )
    assert (Path(problem.place.source.file).name, problem.place.start[0]) == ("test_live.py", line)


def test_a_forward_that_is_no_function_has_no_line():
    model = Forgets()
    model.forward = partial(model.forward)
    (problem,) = cnnshape.trace(model, (3, 32, 32)).check().problems
    assert "forward returns None" in problem.message


def test_a_model_that_ends_the_program_has_failed():
    (problem,) = compare('input = [1]\nlayers = ["relu"]', Code(lambda x: sys.exit(3))).problems
    assert "the model raises in Code(): SystemExit: 3 (test_live.py:" in problem.message


def test_what_is_no_model_is_refused():
    net = cnnshape.loads(NET)
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, not <class"):
        cnnshape.verify(net, model=nn.ReLU)
    with pytest.raises(ValueError, match="there is no device 'tpu'"):
        cnnshape.verify(net, "tpu", model=nn.ReLU())


class Rectified(nn.Module):
    """The user's own module, which holds another as torch's wrappers do, and does more than to call it."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(F.relu(x))


def test_a_module_of_the_users_is_no_wrapper():
    text = 'input = [3, 8, 8]\nlayers = ["relu", { type = "conv", out_channels = 4, kernel_size = 3 }]'
    assert compare(text, Rectified(nn.Conv2d(3, 4, 3)), "cpu").ok


def test_a_wrapped_model_is_unwrapped():
    model = nn.DataParallel(classic.LeNet5())
    comparison = compare(cnnshape.load(ARCHITECTURES / "lenet5.toml"), model)
    assert comparison.ok
    assert matched(comparison)["C1"] == "conv1"
    assert comparison.model == "LeNet5"


def test_half_precision_and_double():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    assert compare(net, classic.LeNet5().double()).ok
    assert compare(net, classic.LeNet5().bfloat16()).ok


def test_nets_without_anything_in_common_end():
    with torch.device("meta"):
        model = dense.DenseNet()
    comparison = compare(cnnshape.load(ARCHITECTURES / "unet.toml"), model, input=(3, 64, 64))
    assert not comparison.ok


class Threaded(nn.Module):
    """Runs its two branches in threads of its own."""

    def __init__(self, pool=None):
        super().__init__()
        self.a, self.b, self.pool = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, padding=1), [pool]

    def forward(self, x):
        branches = [lambda: F.relu(self.a(x)), lambda: torch.sigmoid(self.b(x))]
        if self.pool[0]:
            a, b = self.pool[0].map(lambda branch: branch(), branches)
        else:
            with ThreadPoolExecutor(2) as pool:
                a, b = pool.map(lambda branch: branch(), branches)
        return a + b


TWO_BRANCHES = """
input = [3, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "ra", type = "relu" },
  { name = "b", type = "conv", out_channels = 4, kernel_size = 3, padding = 1, from = "input" },
  { name = "sb", type = "sigmoid" },
  { type = "add", from = ["ra", "sb"] },
]
"""


def test_layers_that_run_in_threads_are_seen():
    comparison = compare(TWO_BRANCHES, Threaded(), "cpu")
    assert comparison.problems == ()
    assert matched(comparison)["b"] == "b"
    assert matched(comparison)["sb"].startswith("sigmoid() (test_live.py:")
    assert found(compare(TWO_BRANCHES.replace('"sigmoid"', '"tanh"'), Threaded(), "cpu")) == [(DIFFERS, "sb")]
    assert threading.getprofile() is None


def test_a_thread_that_was_there_before_is_not_and_that_is_said():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        (problem,) = compare(TWO_BRANCHES, Threaded(pool), "cpu").problems
        assert "UnseenThread: b ran in a thread that began before, and cannot be seen" in problem.message
    with ThreadPoolExecutor(2) as pool:
        comparison = compare(TWO_BRANCHES, Threaded(pool), "cpu")
        assert comparison.problems == ()
        assert {run.skipped for run in comparison.elsewhere if run.accepted} == {
            "at no other size: its threads go on from the first run"
        }
        assert pool.submit(lambda: torch.ones(2).add(1).sum().item()).result() == 4
