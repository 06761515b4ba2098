"""FILE as people write it: a path, a folder, a glob, a name of the zoo."""

import os

import pytest

from cnnshape.file.targets import files, is_net, live

NET = 'input = [1, 8, 8]\nlayers = ["relu"]\n'
BLOCKS = '[blocks.b]\nlayers = ["relu"]\n'


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with nets, blocks, other TOML files, and folders that are not its own."""
    for name, text in {
        "one.toml": NET,
        "nets/two.cnn.toml": NET,
        "nets/deep/three.toml": NET,
        "nets/broken.toml": "layers = [\n",
        "nets/latin.toml": "# caf\udce9\nlayers = []\n",
        "nets/blocks.toml": BLOCKS,
        "pyproject.toml": '[project]\nname = "x"\n',
        "other.toml": "a = [\n",
        ".venv/hidden.toml": NET,
        "env/pyvenv.cfg": "",
        "env/lib/installed.toml": NET,
        "a[1].toml": NET,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, errors="surrogateescape")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("one.toml", ["one.toml"]),
        ("missing.toml", ["missing.toml"]),
        ("nets", ["nets/broken.toml", "nets/latin.toml", "nets/two.cnn.toml", "nets/deep/three.toml"]),
        (".", ["a[1].toml", "one.toml", *(f"nets/{n}.toml" for n in ("broken", "latin", "two.cnn", "deep/three"))]),
        ("nets/*.toml", ["nets/broken.toml", "nets/latin.toml", "nets/two.cnn.toml"]),
        ("**/*.cnn.toml", ["nets/two.cnn.toml"]),
        ("a[1].toml", ["a[1].toml"]),  # the file's own name
        ("zoo:lenet*", ["zoo:lenet5", "zoo:lenet5_1998"]),
        ("zoo:lenet6", ["zoo:lenet6"]),
        ("x" * 10_000, ["x" * 10_000]),
        ("\0", ["\0"]),
    ],
)
def test_files(project, target, found):
    assert [*files(target)] == [os.path.normpath(name) for name in found]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("env/lib/..", "has no architecture file"),
        ("nets/*.tml", "no architecture file matches nets/*.tml"),
        ("nets/blocks*", "no architecture file matches nets/blocks*"),
        ("zoo:lenet6*", "no architecture file matches zoo:lenet6*"),
    ],
)
def test_none(project, target, why):
    (project / "env" / "lib" / "installed.toml").unlink()
    with pytest.raises(ValueError, match=why.replace("*", r"\*")):
        next(files(target))


def test_a_file_that_may_not_be_read(project, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert not is_net("nets/broken.toml", named=False)
    assert is_net("nets/broken.toml", named=True)  # and its problem is told


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("nets:UNet", ("nets", "UNet", (), {}, False)),
        ("my.nets:models.UNet()", ("my.nets", "models.UNet", (), {}, True)),
        ("nets.py:UNet", ("nets.py", "UNet", (), {}, False)),
        (r"C:\code\nets.py:UNet(1)", (r"C:\code\nets.py", "UNet", (1,), {}, True)),
        ('nets:UNet("small", depth=-4)', ("nets", "UNet", ("small",), {"depth": -4}, True)),
        ('nets:UNet("a:b(c.py:d)", [1, (2, None)])', ("nets", "UNet", ("a:b(c.py:d)", [1, (2, None)]), {}, True)),
        ("timm:resnet50.a1-in1k", ("timm", "resnet50.a1-in1k", (), {}, False)),
    ],
)
def test_a_live_model(target, expected):
    assert live(target) == (target, *expected)


@pytest.mark.parametrize(
    "target",
    ["zoo:alexnet", "net.toml", r"C:\nets\net.toml", "C:net.toml", "-", "nets", "a*:b", "nets:", ":x", "a b:c d"],
)
def test_all_else_is_files(target):
    assert live(target) is None


def test_a_file_with_a_colon_in_its_name_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert live("nets:UNet") is not None
    (tmp_path / "nets:UNet").write_text("")
    assert live("nets:UNet") is None


@pytest.mark.parametrize(
    "call", ["(", "(x)", "(open('x'))", "(*[1])", "(**{})", "(1)(2)", "(1) + 2", "(a=b)", "() or f()", "(1,"]
)
def test_arguments_are_literals_alone(call):
    with pytest.raises(ValueError, match="arguments are literals, positional or named"):
        live(f"nets:UNet{call}")


MODELS = """\
import torch.nn as nn
from torch.nn import Module
SIZE = 3
LAYERS = list((8, 16))

class Net(nn.Module): ...
class Deep(Net): ...
class Loss:
    def forward(self): ...
class Data: ...

def deep(n):
    net = Deep()
    return net

def chain():
    return nn.Sequential()

def train():
    Net()

def helper():
    return list()

model = Deep()
raise SystemExit
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            MODELS,
            "nets.py is Python, and a model in it is nets.py:model; there are Net, Deep, Loss, deep, chain, model",
        ),
        ("import torch\n", "nets.py is Python, and a model in it is nets.py:NAME"),
        ("def (", "nets.py is Python, and a model in it is nets.py:NAME"),
        ("\0", "nets.py is Python, and a model in it is nets.py:NAME"),
        (None, "there is no file nets.py"),
    ],
)
def test_a_file_of_python_without_a_name_says_which_there_are(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "nets.py").write_text(text)
    with pytest.raises(ValueError, match=f"^{said}$"):
        next(files("nets.py"))


def test_a_folder_may_end_as_python_does(tmp_path):
    (tmp_path / "nets.py").mkdir()
    (tmp_path / "nets.py" / "net.toml").write_text(NET)
    assert [*files(str(tmp_path / "nets.py"))] == [str(tmp_path / "nets.py" / "net.toml")]
