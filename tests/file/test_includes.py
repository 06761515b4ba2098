"""Included files: where they are looked for, what they bring, what they see."""

from pathlib import Path

import pytest

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.file.reader import read


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with files in it; the working directory is another."""
    (tmp_path / "here" / "blocks").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.with_suffix(".toml").write_text(text)
        return tmp_path / "here" / "net.toml"

    return write


NET = 'input = [3, 32, 32]\ninclude = {}\nlayers = [{{ name = "b", block = "b" }}]\n'
BLOCK = '[blocks.b]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 3 }]\n'


@pytest.mark.parametrize("include", ['"b.toml"', '["b.toml"]', '"./b.toml"', '"blocks/../b.toml"'])
def test_a_file_beside_brings_its_blocks(folder, include):
    net = folder(here__net=NET.format(include), here__b=BLOCK)
    assert cnnshape.load(net).check().output == (8, 30, 30)
    assert cnnshape.load(str(net)).check().output == (8, 30, 30)


def test_a_file_below_and_one_in_the_working_directory(folder):
    assert cnnshape.load(folder(here__net=NET.format('"blocks/b.toml"'), here__blocks__b=BLOCK)).check().ok
    assert cnnshape.load(folder(here__net=NET.format('"c.toml"'), elsewhere__c=BLOCK)).check().ok
    assert cnnshape.loads(NET.format('"c.toml"')).check().ok  # a text has no folder but the working directory


@pytest.mark.parametrize(
    "name", ["../outside.toml", "blocks/../../outside.toml", "{folder}/outside.toml", "link.toml", "up/outside.toml"]
)
def test_nothing_is_read_outside(folder, name):
    net = folder(outside=BLOCK, here__net="")
    (net.parent / "link.toml").symlink_to("../outside.toml")
    (net.parent / "up").symlink_to("..")
    net.write_text(NET.format(f'"{name.format(folder=net.parent.parent)}"'))
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [problem.code for problem in error.value.problems] == ["include-outside"]
    assert "lies outside this file's folder and the working directory" in error.value.problems[0].message


@pytest.mark.parametrize("name", [".", "", "blocks", "../here", "circle"])
def test_a_folder_or_a_circle_of_links_is_no_file(folder, name):
    net = folder(here__net=NET.format(f'"{name}"'))
    (net.parent / "circle").symlink_to("circle")
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [problem.code for problem in error.value.problems] == ["include-not-found"]


def test_a_circle_of_links_in_the_working_directory_hides_no_file_beside(folder):
    net = folder(here__net=NET.format('"b.toml"'), here__b=BLOCK)
    Path("b.toml").symlink_to("b.toml")
    assert cnnshape.load(net).check().ok


def test_an_included_file_keeps_its_layout_and_constants(folder):
    net = folder(
        here__net="""
layout = "channels_last"
input = [32, 20, 3]
include = "b.toml"
constants = { width = 5 }
layers = [{ name = "own", type = "conv", out_channels = "width", kernel_size = 1 }, { block = "b", expect = [32, 20, 7] }]
""",
        here__b="""
constants = { width = 7 }
[blocks.b]
layers = [{ type = "conv", out_channels = "width", kernel_size = 1, expect = [7, 32, 20] }]
""",
    )
    assert cnnshape.load(net).check().problems == ()


def test_blocks_of_an_included_file_see_only_their_own_names(folder):
    net = folder(
        here__net=NET.format('"b.toml"') + "constants = { width = 5 }\n", here__b=BLOCK.replace("8", '"width"')
    )
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [(p.code, Path(p.file).name) for p in error.value.problems] == [("unknown-name", "b.toml")]


def test_blocks_of_an_included_file_use_each_other_and_what_that_file_includes(folder):
    net = folder(
        here__net='input = [3, 32, 32]\ninclude = "b.toml"\nlayers = [{ block = "outer" }]',
        here__b='include = "c.toml"\n[blocks.outer]\nlayers = [{ block = "middle" }]\n[blocks.middle]\nlayers = [{ block = "inner" }]',
        here__c='[blocks.inner]\nlayers = [{ type = "max_pool", kernel_size = 2 }]',
    )
    assert cnnshape.load(net).check().output == (3, 16, 16)


def test_what_an_included_file_includes_is_for_itself(folder):
    net = folder(
        here__net='input = [3, 32, 32]\ninclude = ["b.toml"]\nlayers = [{ block = "inner" }]\n[blocks.other]\nlayers = ["relu"]',
        here__b='include = "c.toml"\n[blocks.outer]\nlayers = [{ block = "inner" }]',
        here__c='[blocks.inner]\nlayers = ["relu"]',
    )
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [problem.code for problem in error.value.problems] == ["unknown-block"]


def test_the_included_file_of_an_included_file_stands_beside_that(folder):
    net = folder(
        here__net=NET.format('"blocks/b.toml"'),
        here__blocks__b='include = "c.toml"\n[blocks.b]\nlayers = [{ block = "c" }]',
        here__blocks__c='[blocks.c]\nlayers = ["relu"]',
    )
    assert cnnshape.load(net).check().output == (3, 32, 32)


DEFAULTS = "layer_defaults.conv = {{ {} }}\n"


@pytest.mark.parametrize(
    ("main", "included", "layer", "side"),
    [
        ("", "", "", 32),  # the type's own padding is 0
        ("padding = 1", "", "", 34),
        ("padding = 1", "padding = 2", "", 36),
        ("padding = 1", "padding = 2", "padding = 3", 38),
        ("padding = 1", "stride = 2", "", 17),  # setting by setting
        ("padding = 1", "", "padding = 3", 38),
    ],
)
def test_defaults_of_the_type_then_the_main_file_then_the_included_then_the_layer(folder, main, included, layer, side):
    conv = f'{{ type = "conv", out_channels = 8, kernel_size = 1{", " * bool(layer)}{layer} }}'
    net = folder(
        here__net=DEFAULTS.format(main) + NET.format('"b.toml"'),
        here__b=DEFAULTS.format(included) + f"[blocks.b]\nlayers = [{conv}]",
    )
    assert cnnshape.load(net).check().output == (8, side, side)


def test_the_defaults_of_an_included_file_are_for_its_own_blocks(folder):
    conv = '{ type = "conv", out_channels = 8, kernel_size = 1 }'
    net = folder(
        here__net=f'input = [3, 32, 32]\ninclude = "b.toml"\nlayers = [{{ block = "b" }}, {conv}]',
        here__b=DEFAULTS.format("padding = 1") + f"[blocks.b]\nlayers = [{conv}]",
    )
    assert cnnshape.load(net).check().output == (8, 34, 34)


def test_a_mistake_in_a_file_that_is_included_twice_counts_once(folder):
    net = folder(
        here__net='input = [3, 32, 32]\ninclude = ["b.toml", "c.toml"]\nlayers = [{ block = "b" }, { block = "c" }]',
        here__b='include = "d.toml"\n[blocks.b]\nlayers = [{ block = "d" }]',
        here__c='include = "d.toml"\n[blocks.c]\nlayers = [{ block = "d" }]',
        here__d='[blocks.d]\nlayers = ["relu"]\n[blocks.e]\nlayers = ["rleu"]',
    )
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [(p.code, Path(p.file).name, p.line) for p in error.value.problems] == [("unknown-type", "d.toml", 4)]


def twins(folder, text, *, defaults=""):
    """The block b of two nets that include a file with this text; the second net may have defaults."""
    net = folder(here__net=NET.format('"b.toml"'), here__b=text, here__c="[blocks.c]\nlayers = []")
    other = net.with_name("other.toml")
    other.write_text(defaults + net.read_text())
    return [read(path).file.blocks["b"] for path in (net, other)]


def test_the_blocks_of_an_included_file_are_read_once(folder):
    """By identity: what a block was built to is kept with it, for all nets that use it."""
    first, second = twins(folder, BLOCK)
    assert first is second


def test_with_other_defaults_they_are_other_blocks(folder):
    first, second = twins(folder, BLOCK, defaults="layer_defaults.conv = { bias = false }\n")
    assert first is not second


def test_so_are_those_of_one_that_includes_others(folder):
    first, second = twins(folder, f'include = "c.toml"\n{BLOCK}')
    assert first is second


OUTER = 'include = "c.toml"\n[blocks.b]\nlayers = [{ block = "c" }]'
INNER = '[blocks.c]\nlayers = [{{ type = "conv", out_channels = {}, kernel_size = 1 }}]'


def test_a_file_that_includes_others_is_read_again_when_they_change(folder):
    """The text that includes them is the same."""
    found = []
    for channels in (8, 16, 8):
        net = folder(here__net=NET.format('"b.toml"'), here__b=OUTER, here__c=INNER.format(channels))
        found.append(cnnshape.load(net).check().output)
    assert found == [(8, 32, 32), (16, 32, 32), (8, 32, 32)]


def test_an_included_file_with_a_problem_is_read_each_time(folder):
    net = folder(here__net=NET.format('"b.toml"'), here__b='[blocks.b]\nlayers = ["rleu"]')
    assert [[p.code for p in read(net).problems] for _ in range(2)] == [["unknown-type"], ["unknown-type"]]


def test_a_file_includes_what_the_working_directory_has_each_time(tmp_path, monkeypatch):
    """Names and texts are the same in both."""
    found = []
    for name, channels in (("one", 8), ("other", 16)):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        Path("b.toml").write_text(OUTER)
        Path("c.toml").write_text(INNER.format(channels))
        found.append(cnnshape.loads(NET.format('"b.toml"')).check().output)
    assert found == [(8, 32, 32), (16, 32, 32)]
