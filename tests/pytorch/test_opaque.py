"""A part of a model that no layer type says: what torch and a live model say of it."""

import pytest

pytest.importorskip("torch")

from helpers.comparing import ADDS, DIFFERS, MISSES, compare, found, matched, verdicts
from helpers.paths import FILES
from models.stated import Fourier

import cnnshape

TEXT = (FILES / "good" / "fourier.toml").read_text()


def test_a_module_is_taken_as_a_whole():
    comparison = compare(TEXT, Fourier())
    assert comparison.problems == ()
    assert matched(comparison)["halved"] == "merge"
    assert matched(comparison)["blocks.1.filter"] == "blocks.1.filter"


@pytest.mark.parametrize(
    ("written", "instead", "problems", "said"),
    [
        ("num_parameters = 144", "num_parameters = 143", [(DIFFERS, "halved")], "143 parameters in the file, but 144"),
        (
            '(h + 1)//2", "w//2',
            'h//2", "w//4',
            [(DIFFERS, "halved")],
            "output 16x12x8 in the file, but output 16x12x16",
        ),
        (
            'submodule = "merge"',
            'submodule = "other"',
            [(MISSES, "halved"), (ADDS, "blocks.1.sum")],
            "no such layer: opaque",
        ),
    ],
)
def test_what_the_file_states_is_held(written, instead, problems, said):
    assert written in TEXT
    comparison = compare(TEXT.replace(written, instead), Fourier())
    assert found(comparison)[: len(problems)] == problems
    assert said in comparison.problems[0].message


def test_torch_goes_on_behind_it_and_does_not_judge_it():
    net = cnnshape.loads(TEXT)
    verification = cnnshape.verify(net, "cpu")
    assert verification.ok
    skipped = {verdict.name for verdict in verification.layers if verdict.verdict == "skipped"}
    assert skipped == {"blocks.0.filter", "blocks.1.filter", "halved"} == {*net.on_trust()}
    assert {v.verdict for v in verification.layers if v.name not in skipped} == {"agrees"}


def test_what_it_refuses_is_no_word_of_torchs():
    net = cnnshape.loads('input = [3, 8, 8]\nlayers = [{ name = "part", type = "opaque", out_shape = [4, 2, 2] }]')
    (verdict,) = cnnshape.verify(net, "cpu", input=(3, 9, 8)).layers
    assert verdict.verdict == "stricter"


def test_a_part_that_raises_is_named():
    net = cnnshape.loads(TEXT.replace("input = [3, 24, 32]", "input = [3, 24, 33]"))
    model = Fourier()
    model.merge.conv = None
    comparison = compare(net, model)
    assert verdicts(comparison)["halved"] == "fails"
