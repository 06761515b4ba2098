"""The model that a target names: of a file, of a package, of a library of models."""

from __future__ import annotations

import json
import sys

import pytest

pytest.importorskip("torch")

from torch import nn

from cnnshape.file.targets import live
from cnnshape.pytorch.model import file_of, named

NET = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, wide=4):
        super().__init__()
        self.fc = nn.Linear(3, wide)
"""
TORCHVISION = """\
from torch import nn

def list_models():
    return ["small", "models"]

def get_model(name, **config):
    if name not in list_models():
        raise ValueError(f"Unknown model {name}")
    return nn.Linear(len(name), config.get("num_classes", 1000))
"""


@pytest.fixture
def folder(own_folder):
    sys.path.insert(0, str(own_folder))
    return own_folder


def of(target):
    found = live(target)
    assert found is not None
    return named(found)


@pytest.fixture
def library(folder):
    """A package as torchvision is made: https://docs.pytorch.org/vision/stable/models.html, get_model and list_models."""
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from torch import nn\nfrom torchvision import models\nown = nn.ReLU()\n")
    (package / "models.py").write_text(TORCHVISION)
    known = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "torchvision"}
    yield
    for name in [*sys.modules]:
        if name.partition(".")[0] == "torchvision":
            del sys.modules[name]
    sys.modules.update(known)


@pytest.mark.usefixtures("library")
def test_a_library_makes_its_models_by_name():
    assert (of("torchvision:small").in_features, of("torchvision:small").out_features) == (5, 1000)
    assert of("torchvision:small(num_classes=10)").out_features == 10
    assert of("torchvision:models").in_features == 6  # also where the package has something else of that name


@pytest.mark.usefixtures("library")
def test_what_else_a_library_has_is_an_attribute_and_all_else_is_its_error():
    assert isinstance(of("torchvision:own"), nn.ReLU)
    with pytest.raises(
        ValueError, match=r"torchvision:resnet9000: ValueError: Unknown model resnet9000 \(models.py:8\)$"
    ):
        of("torchvision:resnet9000")
    with pytest.raises(
        ValueError, match=r"torchvision:smal: ValueError: Unknown model smal; did you mean small\? \(models"
    ):
        of("torchvision:smal")
    with pytest.raises(ValueError, match=r"torchvision:small\.a: ValueError: Unknown model small\.a \(models"):
        of("torchvision:small.a")


def test_a_library_that_is_not_installed_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    with pytest.raises(
        ValueError, match=r"^timm:resnet18: No module named 'timm': it is not installed: pip install timm$"
    ):
        of("timm:resnet18")


def test_what_else_a_file_has_is_no_suggestion(folder):
    (folder / "few.py").write_text(
        f"from json import loads\nfrom torch.nn import ReLU\nloaf = 3\nclass Loads: pass\n{NET}"
    )
    with pytest.raises(ValueError, match=r"'few' has no attribute 'load'; there is only Net$"):
        of("few.py:load")


def test_a_file_with_the_name_of_another_module_is_itself(folder):
    (folder / "json.py").write_text(NET)
    model = of("json.py:Net(wide=7)")
    assert model.fc.out_features == 7
    assert sys.modules["json"] is json
    assert sys.modules[type(model).__module__].__file__ == str(folder / "json.py")


def test_a_file_of_a_package_is_imported_as_part_of_it(folder):
    (folder / "zoo" / "deep").mkdir(parents=True)
    for package in ("zoo", "zoo/deep"):
        (folder / package / "__init__.py").touch()
    (folder / "zoo" / "width.py").write_text("WIDE = 9\n")
    (folder / "zoo" / "deep" / "nets.py").write_text("from ..width import WIDE\n" + NET.replace("=4", "=WIDE"))
    model = of("zoo/deep/nets.py:Net")
    assert model.fc.out_features == 9
    assert type(model).__module__ == "zoo.deep.nets"


def test_the_file_of_a_target_is_the_modules(folder):
    (folder / "nets.py").write_text(NET)
    of("nets:Net")
    assert file_of(live("nets:Net")) == (str(folder / "nets.py"), "Net")
    assert file_of(live("nets.py:Net")) == (str(folder / "nets.py"), "Net")
    assert file_of(live("sys:path")) == ("", "path")


def test_a_model_that_wants_more_than_literals_is_told_of_functions(folder):
    (folder / "configured.py").write_text(
        "class Net:\n    def __init__(self, config):\n        self.width = config.width\n"
    )
    with pytest.raises(ValueError, match="missing 1 required positional argument: 'config': give them in brackets"):
        of("configured:Net")


def test_a_file_whose_name_is_no_modules_is_itself(folder):
    (folder / "my-net.v2.py").write_text(NET)
    assert of("my-net.v2.py:Net(wide=6)").fc.out_features == 6
    assert "my-net" not in sys.modules


def test_a_script_that_parses_its_command_line_gets_an_empty_one(folder):
    (folder / "parses.py").write_text(
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--wide', type=int, default=5)\n"
        f"WIDE = parser.parse_args().wide\n{NET.replace('=4', '=WIDE')}"
    )
    given = sys.argv
    assert of("parses.py:Net").fc.out_features == 5
    assert sys.argv is given


def test_what_a_library_raises_stands_at_the_line_that_calls_it(folder):
    (folder / "configured.py").write_text("import json\n\n\ndef make():\n    return json.loads('{bad')\n")
    with pytest.raises(ValueError, match=r"configured:make: JSONDecodeError: .* \(configured\.py:5\)$"):
        of("configured:make")
