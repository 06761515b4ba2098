"""Other constants give the net that the text with these constants gives."""

import pickle
from pathlib import Path

import pytest
from helpers.nets import net
from helpers.paths import ARCHITECTURES
from helpers.varied import NETS, found, truth
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnshape
from cnnshape import ArchitectureError, loads
from cnnshape.diagnosis.door import network
from cnnshape.file.reader import read_text
from cnnshape.problems.base import errors

SMALL = """
constants = { width = 16, depth = 2, wide = "2 * width" }
input = [3, 32, 32]
layers = [
  { name = "stem", type = "conv", out_channels = "width", kernel_size = 3 },
  { name = "l1", block = "b", n = "depth" },
  "relu",
  { name = "fc", type = "conv", out_channels = "wide", kernel_size = 1 },
]
[blocks.b]
arguments = ["n"]
layers = [{ type = "conv", out_channels = "width", kernel_size = 3, repeat = "n" }]
"""


@pytest.fixture(autouse=True)
def in_the_zoo(monkeypatch):
    """Texts include blocks of the zoo."""
    monkeypatch.chdir(ARCHITECTURES)


@pytest.mark.parametrize("name", NETS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_it_is_the_net_of_the_text_with_the_values_written_in(name, data):
    case = NETS[name]
    values = data.draw(case.assignments())
    shape = data.draw(st.sampled_from(case.inputs))
    one = network(read_text(case.line({})))
    text = case.line(values)
    assert found(one.totals(values, input=shape)) == truth(text, shape)
    written = net(text)
    problems = [(problem.code, problem.message) for problem in written.check().problems]
    if errors(written.problems):
        with pytest.raises(ArchitectureError) as error:
            one.with_constants(values)
        assert [(problem.code, problem.message) for problem in error.value.problems] == problems
        return
    other = one.with_constants(values)
    assert [node[:4] for node in other.nodes] == [node[:4] for node in written.nodes]
    assert [(problem.code, problem.message) for problem in other.check().problems] == problems


def test_constants_are_varied_once_more():
    one = loads(SMALL)
    assert one.with_constants({"l1.n": 4}, width=8).with_constants(depth=9).check().parameters == (
        one.totals({"l1.n": 4, "width": 8}).parameters
    )
    assert one.with_constants(width=8).with_constants(width=16) == one.with_constants() == one


def test_nothing_is_read_from_the_disk(tmp_path):
    (tmp_path / "blocks.toml").write_text(SMALL[SMALL.index("[blocks") :].replace('"width"', "5"))
    file = tmp_path / "net.toml"
    file.write_text(SMALL[: SMALL.index("[blocks")].replace("input", 'include = ["blocks.toml"]\ninput'))
    one = cnnshape.load(file)
    for gone in tmp_path.iterdir():
        gone.unlink()
    tmp_path.rmdir()
    there = pickle.loads(pickle.dumps(one))
    assert one.with_constants(depth=1).check().parameters == there.totals(depth=1).parameters == 448 + 725 + 192
    assert there.with_constants(depth=1) == one.with_constants(depth=1)


def test_places_and_fixes_are_those_of_the_text_with_the_values():
    text = SMALL.replace('{ name = "fc",', '{ name = "fc", in_channels = 16,').replace("depth = 2", "depth = 0")
    one = loads(text).with_constants(width=1000)
    written = text.replace("width = 16", "width = 1000")
    (problem,) = one.check().problems
    (same,) = loads(written).check().problems
    assert (str(problem.place), problem.cause, [fix.summary for fix in problem.fixes]) == (
        str(same.place),
        same.cause,
        [fix.summary for fix in same.fixes],
    )
    assert problem.fixes
    assert problem.place.source.text == written
    assert pickle.loads(pickle.dumps(one)).check().problems[0].place.source.text == written


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"widht": 3}, "'widht' is no constant; did you mean width?"),
        ({"l1.m": 3}, "'m' is nothing that l1 can be given; there is only n"),
        ({"stem.kernelsize": 3}, "'kernelsize' is nothing that stem can be given; did you mean kernel_size?"),
        ({"l2.n": 3}, "'l2' is no layer of the net; there are stem, l1, fc"),
        ({"width": None}, "width is a number, a truth value, a text or a list of them, not None"),
        ({"width": [1, {}]}, "width is a number, a truth value, a text or a list of them, not {}"),
    ],
)
@pytest.mark.parametrize("how", ["with_constants", "totals"])
def test_a_name_or_a_value_that_no_file_has_is_a_type_error(given, message, how):
    with pytest.raises(TypeError) as error:
        getattr(loads(SMALL), how)(given)
    assert str(error.value) == message


def test_a_file_without_constants_has_none():
    with pytest.raises(TypeError, match=r"^'width' is no constant$"):
        loads('input = [3, 8, 8]\nlayers = ["relu"]').totals(width=3)


def test_a_net_of_a_model_is_not_varied(torch):
    model = cnnshape.trace(torch.nn.Conv2d(3, 8, 3), (3, 8, 8))
    assert model.totals(input=(3, 9, 9)).output == (8, 7, 7)
    with pytest.raises(TypeError, match="<model> is no architecture file, and has no constants to vary"):
        model.with_constants(width=3)


def test_numbers_of_other_kinds_are_numbers():
    numpy = pytest.importorskip("numpy")
    assert loads(SMALL).totals(width=numpy.int64(8)) == loads(SMALL).totals(width=8)


def test_totals_raise_for_an_input_that_the_net_does_not_have():
    with pytest.raises(ValueError, match="must be a shape of positive numbers"):
        loads(SMALL).totals(input=(3, 0, 4), width=3)


def test_a_folder_of_its_own_is_no_matter(tmp_path, monkeypatch):
    monkeypatch.chdir(ARCHITECTURES.parent)
    one = cnnshape.load(Path("architectures/efficientnet_b1.toml"))
    monkeypatch.chdir(tmp_path)
    assert one.totals(width=1.0, depth=1.0).parameters == 5_288_548, "EfficientNet-B0"
    assert one.totals(width=1.2, depth=1.4).parameters == 12_233_232, "EfficientNet-B3"
