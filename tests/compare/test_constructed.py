"""The line where a module is made, as the source shows it."""

from __future__ import annotations

import pytest

from cnnshape.compare.constructed import constructed
from cnnshape.compare.recording import Module
from cnnshape.layers import TYPES

SOURCE = """\
from collections import OrderedDict
from torch import nn

class Base(nn.Module):
    def __init__(self):
        self.stem = nn.Conv2d(3, 8, 3)

class Net(Base):
    def __init__(self, wide):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(8, 4), nn.Linear(4, 2)
        self.head: nn.Module = nn.Linear(2, 1)
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3),
            nn.Sequential(nn.ReLU(), nn.Conv2d(
                8, 8, 3)),
            *[nn.ReLU() for _ in range(3)],
            nn.Tanh(),
        )
        self.listed = nn.ModuleList([nn.Conv2d(8, 8, 1), nn.Conv2d(8, 9, 1)])
        self.named = nn.Sequential(OrderedDict([("a", nn.ReLU()), ("b", nn.Tanh())]))
        self.dict = nn.ModuleDict({"x": nn.ReLU(), "y": nn.Tanh()})
        self.ordered = nn.Sequential(OrderedDict({"x": nn.GELU()}))
        self.add_module("added", nn.Linear(1, 2))
        if wide:
            self.twice = nn.Linear(1, 1)
        else:
            self.twice = nn.Linear(2, 2)
        self.made = make()
        self.loop = nn.ModuleList()
        for i in range(3):
            self.loop.append(nn.Linear(i, i))

class Several(nn.Module):
    def __init__(self):
        self.listed = nn.ModuleList([nn.Conv2d(8, w, 1) for w in (3, 4)])
        self.chain = nn.Sequential(nn.ReLU(), *(nn.Sequential(nn.Linear(a, b)) for a, b in pairs))
        self.keyed = nn.ModuleDict({key: nn.Tanh() for key in "ab"})
        self.unsure = nn.Sequential(*layers, nn.ReLU())
        self.passed = nn.Sequential(*layers)
        self.plain = nn.Sequential(nn.ReLU())

def outer():
    class Net(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(5, 5)
    return Net()

def chain():
    layers = [nn.ReLU()]
    net = nn.Sequential(nn.ReLU(), nn.Linear(3, 4))
    return net

def direct(n):
    return nn.Sequential(nn.ReLU(), nn.Linear(5, 6))

def either(n):
    if n:
        return nn.Sequential(nn.ReLU())
    return nn.Sequential(nn.Tanh())

def renamed(deep):
    net = nn.Sequential(nn.ReLU())
    net = nn.Sequential(net, nn.Tanh())
    return net

def nothing():
    net = nn.ReLU()
    return

model = nn.Sequential(nn.ReLU(), nn.Linear(1, 2))

class Declared(nn.Module):
    stem: nn.Module

    def __init__(self, name):
        self.stem: nn.Module
        self.single = nn.Sequential(nn.Linear(5, 6))
        self.of_one = nn.Sequential(Residual(nn.ReLU()))
        self.add_module(name, nn.Linear(1, 2))
        self.unsure = nn.Sequential(OrderedDict([(name, nn.ReLU()), ("b", nn.Tanh())]))
        stem = nn.Linear(9, 9)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(SOURCE)
    return str(path)


@pytest.mark.parametrize(
    ("path", "line", "text"),
    [
        ("stem", 6, "nn.Conv2d(3, 8, 3)"),
        ("fc1", 11, "nn.Linear(8, 4)"),
        ("fc2", 11, "nn.Linear(4, 2)"),
        ("head", 12, "nn.Linear(2, 1)"),
        ("features.0", 14, "nn.Conv2d(3, 8, 3)"),
        ("features.1.1", 15, ""),
        ("listed.1", 20, "nn.Conv2d(8, 9, 1)"),
        ("named.b", 21, "nn.Tanh()"),
        ("dict.y", 22, "nn.Tanh()"),
        ("ordered.x", 23, "nn.GELU()"),
        ("added", 24, "nn.Linear(1, 2)"),
        ("made", 29, "make()"),
    ],
)
def test_its_line_and_its_text(file, path, line, text):
    made = constructed({"": Module("Net", "", file)}, path)
    assert made is not None
    assert made[:2] == ((file, line), text)
    source = SOURCE.split("\n")[line - 1]
    assert source[made.column - 1 :].startswith(text or "nn.Conv2d")


@pytest.mark.parametrize(
    "path", ["features.5", "features.2", "twice", "loop.1", "made.0", "nowhere", "dict.z", "fc1.x"]
)
def test_where_the_source_does_not_show_it_there_is_none(file, path):
    assert constructed({"": Module("Net", "", file)}, path) is None


def test_the_innermost_class_of_the_user_says_it(file):
    modules = {
        "": Module("Other", "", ""),
        "net": Module("outer.<locals>.Net", "", file),
        "net.inner": Module("Linear", "linear", ""),
    }
    assert constructed(modules, "net.inner") == ((file, 46), "nn.Linear(5, 5)", 26, frozenset())


@pytest.mark.parametrize(
    ("path", "text"), [("single.0", "nn.Linear(5, 6)"), ("of_one.0", "Residual(nn.ReLU())"), ("unsure.b", "nn.Tanh()")]
)
def test_a_container_of_one_and_a_key_beside_an_unknown_one(file, path, text):
    made = constructed({"": Module("Declared", "", file)}, path)
    assert made is not None
    assert made.text == text


@pytest.mark.parametrize(
    ("path", "text", "varying"),
    [
        ("listed.0", "nn.Conv2d(8, w, 1)", "w"),
        ("listed.1", "nn.Conv2d(8, w, 1)", "w"),
        ("chain.0", "nn.ReLU()", ""),
        ("chain.2.0", "nn.Linear(a, b)", "ab"),
        ("keyed.b", "nn.Tanh()", {"key"}),
        ("unsure.1", None, ""),
        ("passed.0", None, ""),
        ("plain.1", None, ""),
        ("listed.x", None, ""),
    ],
)
def test_one_call_makes_all_modules_of_a_comprehension(file, path, text, varying):
    made = constructed({"": Module("Several", "", file)}, path)
    assert (made and made[1]) == text
    assert made is None or made.varying == {*varying}


@pytest.mark.parametrize("path", ["stem", "other", "unsure.name", "unsure.0"])
def test_what_is_declared_alone_or_named_by_a_variable_is_not_shown(file, path):
    assert constructed({"": Module("Declared", "", file)}, path) is None


@pytest.mark.parametrize("kind", ["Nowhere", "Nowhere.Block", "outer.<locals>.Other", "outer"])
def test_a_class_that_the_text_does_not_show(file, kind):
    assert constructed({"": Module(kind, "", file)}, "stem") is None


@pytest.mark.parametrize(("name", "line"), [("chain", 51), ("direct", 55), ("model", 71)])
def test_a_model_of_torchs_own_classes_is_made_in_a_function_or_at_the_top(file, name, line):
    made = constructed({"": Module("Sequential", "", "")}, "1", (file, name))
    assert made is not None
    assert made.line == (file, line)


OTHER_ROOTS = [("FILE", name) for name in ("either", "nowhere", "renamed", "nothing")]


@pytest.mark.parametrize("root", [None, ("", "chain"), *OTHER_ROOTS])
def test_a_model_made_elsewhere(file, root):
    root = root and (root[0] and file, root[1])
    assert constructed({"": Module("Sequential", "", "")}, "0", root) is None


def test_a_file_that_is_gone_or_no_python(tmp_path):
    (tmp_path / "x.py").write_text("class (")
    assert constructed({"": Module("Net", "", str(tmp_path / "x.py"))}, "fc") is None
    assert constructed({"": Module("Net", "", str(tmp_path / "gone.py"))}, "fc") is None


REPLACED = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, n=10):
        self.conv = nn.Conv2d(3, 4 * 2, kernel_size=(3, 3))
        self.fc = nn.Linear(8, n)
        self.act = nn.ReLU()
        self.other = nn.Linear(8, n)
        self.late = nn.LazyLinear(4)
        self.head = nn.Linear(n, *[2])

def factory():
    model = Net()
    model.fc = nn.Linear(256, 2)
    return model

def unsure(small=True):
    model = Net()
    if small:
        model.fc = nn.Linear(n, 2)
    model.parts[1] = nn.Linear(3, 4)
    return model

def called(model, n):
    model.other = nn.Linear(n, 10)

class Around(nn.Module):
    def __init__(self):
        self.net = Net()
        self.net.fc = nn.Linear(3, 2)

model = Net()
model.fc = nn.Linear(256 - 1, 2 + 1)
other = Net()
other.fc = head
"""


def linear(inputs, outputs):
    return TYPES["linear"](in_features=inputs, out_features=outputs)


CONV = TYPES["conv"](in_channels=3, out_channels=8, kernel_size=3)


@pytest.mark.parametrize(
    ("path", "root", "layer", "line"),
    [
        ("conv", "Net", CONV, 5),
        ("conv", "Net", CONV.replace(out_channels=16), None),
        ("conv", "Net", CONV.replace(kernel_size=(3, 5)), None),
        ("act", "Net", TYPES["relu"](), 7),
        ("act", "Net", linear(3, 4), None),  # another class
        ("late", "Net", linear(8, 4), 9),
        ("head", "Net", linear(8, 4), 10),  # its numbers are not spelt out
        ("fc", "factory", linear(256, 2), 14),
        ("fc", "Net", linear(256, 2), None),  # by whatever calls the class: two lines may
        ("fc", "Net", linear(8, 4), None),  # its own, or that of `other`
        ("fc", "unsure", linear(7, 2), None),
        ("parts.1", "unsure", linear(3, 4), 21),
        ("other", "Net", linear(8, 10), None),
        ("other", "Net", linear(8, 4), 8),
        ("fc", "model", linear(255, 3), 33),
        ("fc", "other", linear(255, 3), None),
        ("net.fc", "Around", linear(3, 2), 30),
    ],
)
def test_a_call_with_other_numbers_is_not_the_one_and_a_layer_put_in_from_outside_is(tmp_path, path, root, layer, line):
    file = str(tmp_path / "nets.py")
    (tmp_path / "nets.py").write_text(REPLACED)
    inner = {"net": Module("Net", "", file)} if root == "Around" else {}
    modules = {
        "": Module(root if root == "Around" else "Net", "", file),
        **inner,
        path: Module(layer.torch.format(rank=2), layer.type, ""),
    }
    made = constructed(modules, path, (file, root), layer)
    assert (made and made.line) == (line and (file, line))


def test_of_two_lines_that_may_make_it_none_is_shown(tmp_path):
    (tmp_path / "nets.py").write_text(REPLACED)
    file = str(tmp_path / "nets.py")
    modules = {"": Module("Net", "", file), "fc": Module("Linear", "linear", "")}
    assert constructed(modules, "fc", None, linear(8, 2)) is None
