"""A live model as FILE: made, run on shapes, and checked without a file; its problems stand at lines of its code."""

import json
import sys

import pytest
from helpers.cli import check as check_apart
from helpers.cli import process, run
from helpers.sizes import labelled

pytest.importorskip("torch")

NETS = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8, head=None):
        super().__init__()
        print("making it")
        self.conv = nn.Conv2d(3, width, 3)
        self.fc = nn.Linear(16, head or 10)

    def forward(self, x):
        x = self.conv(x).mean((2, 3))
        return self.fc(x)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 4, 3), nn.Conv2d(2, 4, 3)

    def forward(self, left, right):
        return self.a(left) + self.b(right)


class Batch(Two):
    def forward(self, batch):
        return super().forward(batch["left"], batch["right"])


class One(nn.Conv2d):
    def forward(self, batch):
        return super().forward(batch["image"])


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        raise ValueError("no weights")


class Asserts(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        y = self.conv(x)
        assert y.shape[2] % 7 == 0, "a multiple of 7"
        return y


chain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(5, 6))


def on_meta():
    with torch.device("meta"):
        return Net(16)


def pair():
    return (1, 2)


class Rolls(Asserts):
    def forward(self, x):
        x = self.conv(x)
        return x[:, :, 1:] if x.shape[3] % 2 else x


class Fours(Asserts):
    def forward(self, x):
        if x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError("sides in fours, please")
        return self.conv(x)
"""


@pytest.fixture(autouse=True)
def folder(own_folder):
    (own_folder / "nets.py").write_text(NETS)


def check(target, *inputs):
    return run("check", "--no-torch", target, *(part for given in inputs for part in ("--input", given)))


@pytest.mark.parametrize("target", ["nets:Net(16)", "nets.py:Net(width=16)", "nets:on_meta", "nets.py:on_meta()"])
def test_a_sound_model_has_its_table_and_its_counts(target):
    status, output = check(target, "3x32x32")
    assert status == 0, output
    assert "conv " in output
    assert f"{16 * 28 + 170:,}" in output


def test_a_broken_one_has_its_problems_at_the_lines_of_its_code():
    status, output = check("nets:Net", "3x32x32")
    assert status == 1
    assert "nets.py:14: error[" in output
    assert "14 |         return self.fc(x)" in output
    assert "in layer fc, made at nets.py:10" in output


def test_what_the_models_code_prints_stands_on_standard_error():
    result = check_apart("nets:Net(16)", "--format", "json", "--input", "3x32x32")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["files"][0]["problems"] == []
    assert "making it" in result.stderr


def test_sizes_and_explain_take_it_too():
    status, output = run("sizes", "nets:Net(16)", "--input", "3x32x32")
    assert status == 0, output
    assert "every size from 3" in output
    status, output = run("explain", "nets:Net(16)", "conv", "--input", "3x32x32")
    assert status == 0
    assert "30" in output


def test_sizes_at_which_the_models_code_raises_are_none_of_its_sizes():
    status, output = run("sizes", "nets:Fours", "--input", "3x8x8")
    assert status == 0
    assert "multiples of 4, from 4" in output


def test_the_sizes_that_were_tried_are_named():
    status, output = run("sizes", "nets:Fours", "--input", "3x8x8")
    assert status == 0
    tried = " ".join(labelled(output)["model"])
    assert tried.startswith("gives the same, or refuses as well, at 3x40x40, 3x9x9, 3x15x15, 3x5x5, 3x64x64,")
    assert tried.endswith(" 3x4x4, 3x3x3, 3x4x8, 3x8x4, 3x12x12")


def test_a_model_that_goes_another_way_at_other_sizes_has_no_sizes_that_are_said_to_be_its_own():
    status, output = run("sizes", "nets:Rolls", "--input", "3x8x8")
    assert status == 1
    assert "at 3x9x9: here it gives 4x7x7, and the model gives 4x6x7" in labelled(output)["differs"]
    assert output.rstrip().endswith("these are not the model's sizes: it differs at 8 of 13 that were tried")
    status, output = run("sizes", "nets:Rolls", "--input", "3x8x8", "--format", "json")
    found = json.loads(output)
    assert (status, found["ok"]) == (1, False)
    assert {"inputs": {"input": [3, 9, 9]}, "here": [[4, 7, 7]], "model": [[4, 6, 7]]} in found["tried"]


@pytest.mark.parametrize("target", ["nets:Two", "nets:Batch"])
def test_several_inputs_go_by_name_or_as_one_dict(target):
    status, output = check(target, "left=1x8x8", "right=2x8x8")
    assert status == 0, output
    assert "left" in output


def test_one_input_that_is_no_argument_is_an_entry_of_a_dict():
    status, output = check("nets:One(3, 4, 3)", "image=3x8x8")
    assert status == 0, output


def test_a_model_without_a_class_of_its_own_has_the_line_that_makes_it():
    status, output = check("nets:chain", "3x8x8")
    assert status == 1
    assert "nets.py:53: error[declared-differs]" in output


def test_what_ends_the_run_is_a_problem_at_its_line():
    status, output = check("nets:Asserts", "3x8x8")
    assert status == 1
    assert "nets.py:49: error[model-fails]" in output
    assert "a multiple of 7" in output


@pytest.mark.parametrize(
    ("target", "inputs", "said"),
    [
        ("nets:Net", [], "nets:Net is a live model: give its input without the batch, as --input 3x224x224"),
        ("nets:Net", ["3xa"], "--input"),
        ("nets:Net", ["1x8x8", "1x8x8"], "an input is given twice; of several, each has a name"),
        ("nets:Raises", ["3x8x8"], "nets:Raises: ValueError: no weights (nets.py:39)"),
        ("nets:Two", ["1x8x8"], "does not take the inputs input"),
        ("nets:Two", ["1x8x8"], "give --input left=SHAPE --input right=SHAPE"),
        ("nets:Two", ["one=1x8x8", "two=1x8x8", "three=1x8x8"], "does not take the inputs one, two, three"),
        ("nets:pair", ["1x8x8"], "nets:pair gives (1, 2), which is no torch.nn.Module"),
        ("nets:Nets", ["1x8x8"], "has no attribute 'Nets'; did you mean Net?"),
        ("nets.py:FOUR", ["1x8x8"], "has no attribute 'FOUR'; did you mean Fours?"),
        ("nyets:Net", ["1x8x8"], "No module named 'nyets': it is not installed, and not in this folder"),
        ("nets.py", [], "nets.py is Python, and a model in it is nets.py:Fours; there are Net, Two, Batch, "),
        ("nyets.py:Net", ["1x8x8"], "there is no file nyets.py"),
        ("nets:Net(width=open('x'))", ["1x8x8"], "arguments are literals"),
    ],
)
def test_what_cannot_be_used_is_2_with_a_clear_line(target, inputs, said):
    status, output = check(target, *inputs)
    assert status == 2, output
    assert said in output.replace("\n", " ")


def test_input_is_of_no_use_for_the_sizes_of_a_file():
    status, output = run("sizes", "zoo:alexnet", "--input", "3x8x8")
    assert status == 2
    assert "--input is for a live model, and zoo:alexnet is none" in output


def test_without_torch_a_live_model_is_2():
    code = "import sys; sys.modules['torch'] = None; from cnnshape.cli import main; main()"
    with process("check", "nets:Net", "--input", "3x8x8", code=code) as running:
        said = running.stderr.read()
    assert running.returncode == 2
    assert "nets:Net is a live model, and torch is not installed" in said


def test_without_torch_there_is_a_line_before_anything_is_imported(monkeypatch):
    monkeypatch.setattr("cnnshape.commands.live.find_spec", lambda _: None)
    status, output = check("nets:Net", "3x8x8")
    assert status == 2
    assert "torch is not installed" in output
    assert "nets" not in sys.modules


@pytest.mark.parametrize(
    ("factory", "made"),
    [
        ("def make():\n    model = Net()\n    model.fc = nn.Linear(256, 2)\n    return model\n", 202),
        (
            "def put(model, n):\n    setattr(model, 'fc', nn.Linear(n, 2))\n    return model\ndef make(): return put(Net(), 256)",
            0,
        ),
    ],
)
def test_a_layer_that_a_factory_puts_in_is_not_mended_in_the_class(own_folder, factory, made):
    lines = NETS.count("\n")
    (own_folder / "nets.py").write_text(NETS + "\n" * (199 - lines) + factory)
    status, output = check("nets.py:make", "3x8x8")
    assert status == 1
    assert "nets.py:14: error[declared-differs]: in_features is 256, but 8 arrives" in output
    assert "nets.py:10" not in output
    assert (f"fix 1   nets.py:{made}: nn.Linear(256, 2) -> nn.Linear(8, 2)" in output) == bool(made)


GIVEN = """\
from nets import Two
from torch import nn


class Listed(Two):
    def forward(self, features):
        fine, coarse = features
        return super().forward(fine, coarse)


class Keywords(Two):
    def forward(self, **batch):
        return super().forward(batch["left"], batch["right"])


class Named(Two):
    def forward(self, *, left, right=None):
        return self.a(left) if right is None else super().forward(left, right)


class Silent(nn.Module):
    pass
"""


@pytest.mark.parametrize("target", ["given:Listed", "given:Keywords", "given:Named"])
def test_several_inputs_go_as_one_list_as_keywords_or_by_names_that_must_be_said(own_folder, target):
    (own_folder / "given.py").write_text(GIVEN)
    for command in ("check", "sizes", "import"):
        status, output = run(command, target, "--input", "left=1x8x8", "--input", "right=2x8x8")
        assert status == 0, output
    for left, code in (("2x8x8", "declared-differs"), ("1x9x8", "shapes-differ")):
        status, output = check(target, f"left={left}", "right=2x8x8")
        assert status == 1
        assert output.count("error[") == 1
        assert f"error[{code}]" in output


def test_one_input_goes_to_the_one_name_that_must_be_said(own_folder):
    (own_folder / "given.py").write_text(GIVEN)
    assert check("given:Named", "1x8x8")[0] == 0
    status, output = check("given:Silent", "1x8x8")
    assert (status, "given:Silent: Silent has no forward" in output) == (2, True)


def test_what_a_layer_raises_that_nothing_can_stand_for_is_told_in_its_words(own_folder):
    (own_folder / "given.py").write_text(
        f"{GIVEN}\nclass Wrong(Two):\n    def forward(self, x):\n        return self.a('left')\n"
    )
    status, output = check("given:Wrong", "1x8x8")
    assert status == 1
    assert "the model raises in a: TypeError: conv2d() received an invalid combination" in output


PRINTS = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        print("making it")
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(144, 2)

    def forward(self, x):
        print("running it")
        return self.fc(self.conv(x))
"""


@pytest.mark.parametrize("file", ["prints.py", "prints-it.v2.py", "json.py"])
def test_a_report_with_fixes_that_were_run_has_nothing_that_the_model_prints(own_folder, file):
    (own_folder / file).write_text(PRINTS)
    found = check_apart(f"{own_folder / file}:Net", "--input", "3x8x8", "--format", "json")
    problem = json.loads(found.stdout)["files"][0]["problems"][0]
    assert "self.conv(x).flatten(1)" in str(problem)
