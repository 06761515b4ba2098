"""The lines of a diagnosis: cause, chains, fixes with their effects, and what follows; each thing is said once."""

from typing import NamedTuple

import pytest
from helpers.broken_nets import FOLDER, net_of
from helpers.screen import shown

from cnnshape.assemble.network import assemble
from cnnshape.diagnosis.causes import Causes
from cnnshape.file.reader import read
from cnnshape.problems.base import Diagnosed
from cnnshape.problems.claims import ClaimDiffers, ExpectDiffers
from cnnshape.problems.diagnosed import Cause, Chain, Effect, Link
from cnnshape.problems.shapes import DeclaredDiffers, ShapesDiffer
from cnnshape.show.problem_lines import details, told

WIDTHS = [60, 80, 100, 160]


class Fix(NamedTuple):
    summary: str
    effect: Effect
    also: str = ""


def diagnosed(name, *fixes):
    """The first problem of a net of the corpus, with its cause and these fixes."""
    (file,) = FOLDER.glob(f"{name}-*.toml")
    net = assemble(read(file))
    report = net.check()
    cause = Causes(net, report).of(report.problems[0])
    return report.problems[0].diagnosed([Diagnosed(cause, fixes)], 0)


def below(problem, *followers):
    """The lines below the line of the file."""
    return [*details(problem, followers)]


def test_a_declared_number_has_both_chains_aligned():
    problem = diagnosed(
        "01",
        Fix("fc1: in_features = 18432", Effect((20,), 79_494_292, 2_517_450_752)),
        Fix("input = [3, 224, 224]", Effect((20,), 106_757_268, 3_426_500_608)),
    )
    assert below(problem) == [
        "cause   the input: 25,088 = 512*7*7 is what sides from 224 to 255 give",
        "        192 → 96 → 48 → 24 → 12 → 6    512*6*6 = 18,432   what arrives",
        "        224 → 112 → 56 → 28 → 14 → 7   512*7*7 = 25,088   what fc1 was made for",
        "fix 1   fc1: in_features = 18432   79,494,292 parameters, 2,517,450,752 MACs",
        "fix 2   input = [3, 224, 224]      106,757,268 parameters, 3,426,500,608 MACs",
    ]


def test_a_join_has_the_shapes_under_its_entries_and_the_line_of_the_cause():
    like = Fix(
        'up2.grow: like = "input1", no scale_factor',
        Effect((1, 100, 100), 9, 9),
        "in block join, so up1 and up0 as well",
    )
    problem = diagnosed("17", Fix("input = [1, 104, 104]", Effect((1, 104, 104), 9, 9)), like)
    first, *lines = told(problem)
    assert first.endswith("error[shapes-differ]: the shapes do not fit: 32 x 24 x 24 and 32 x 25 x 25")
    assert lines[:3] == [
        '    32 |   { name = "cat", type = "concat", from = ["thin", "input1"] },',
        "       |                                            ^^^^^^  ^^^^^^^^ 32x25x25",
        "       |                                            32x24x24",
    ]
    assert lines[3].startswith("    in layer up2.cat, used at ")
    assert lines[3].endswith(":12:3")
    assert lines[4:] == [
        "    cause   p2 (line 10) halves 25 and drops a row: doubled again it is 24",
        "            100 → 50 → 25 → 12 → 24, and the other way 100 → 50 → 25",
        "            the net halves three times: each side must be a multiple of 2*2*2 = 8",
        "    fix 1   input = [1, 104, 104]                        output 104x104",
        '    fix 2   up2.grow: like = "input1", no scale_factor   output 100x100; in block join, so up1 and',
        "                                                         up0 as well",
    ]


def test_a_branch_and_its_shortcut_have_names():
    assert below(diagnosed("05"))[1:] == [
        "cause   the branch halves the side (b) and makes 256 channels (c); the shortcut does neither",
        "        branch     128x48x48 → 64x24x24 (b) → 256x24x24 (c)",
        '        shortcut   128x48x48, since proj is left out: when = "project", and project is false',
    ]


def test_a_window_has_the_sides_that_work():
    assert below(diagnosed("19")) == [
        "cause   five pools have left one row: p6 has nothing to halve",
        "        32 → 16 → 8 → 4 → 2 → 1",
        "        with head's 256 features, sides from 64 to 127 work",
    ]


def test_an_input_in_another_order_is_shown():
    problem = diagnosed(
        "12", Fix('layout = "channels_last"', Effect((51,), 9, 9)), Fix("input = 3", Effect((51,), 9, 9))
    )
    assert below(problem) == [
        "cause   the input is written channels last, and the file is read channels first",
        "        3 | input = [16, 128, 171, 3]",
        "          |                        ^ the 3 channels that conv1 wants",
        'fix 1   layout = "channels_last"',
        "fix 2   input = 3",
    ]


def test_sides_that_differ_are_told_along_their_axis():
    assert "155 → 77 → 38 → 19 → 38 → 76, and the other way 155 → 77" in below(diagnosed("03"))[1]


def problem_with(cause, *fixes, kind=ShapesDiffer, **facts):
    return kind(layer="a", **facts).diagnosed([Diagnosed(cause, fixes)], 0)


def test_long_chains_stand_below_each_other_and_are_broken():
    links = tuple(Link(f"p{side}", (side, side)) for side in range(1000, 900, -4))
    problem = problem_with(Cause("x", "rounds", "x rounds", (Chain(links), Chain(links[:2]))), one=(1,), other=(2,))
    lines = below(problem)
    assert lines[0] == "in layer a"
    assert max(map(len, lines)) <= 96
    assert lines[-1] == "        and the other way 1000 → 996"
    assert [line for line in lines if "1000" in line] == ["        " + line.strip() for line in lines if "1000" in line]


def test_sides_without_an_axis_are_whole():
    chain = Chain((Link("input", (8, 9)), Link("p", (4, 4))), factors=(3, 4, 4))
    problem = problem_with(Cause("x", "count", "no number", (chain,)), one=(1,), other=(2,))
    assert below(problem)[2] == "        8x9 → 4x4   3*4*4 = 48"


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_table_too_wide_has_its_last_column_below(width):
    chain = Chain((Link("input", (8, 8)), Link("p", (4, 4))), factors=(3, 4, 4), about="what arrives at the layer")
    problem = problem_with(Cause("x", "count", "no number", (chain,)), one=(1,), other=(2,))
    lines = [*details(problem, (), width)]
    assert max(map(len, lines)) <= max(width, 40)
    assert "what" in " ".join(lines)


def test_effects_are_those_that_differ():
    def of(*effects):
        fixes = [Fix(f"f{number}", Effect(*effect)) for number, effect in enumerate(effects)]
        return [
            line.partition("   ")[2].partition("   ")[2]
            for line in below(problem_with(None, *fixes, one=(1,), other=(2,)))[1:]
        ]

    assert of(((3, 8, 8), 10, 20)) == ["output 8x8, 10 parameters"]
    assert of(((3,), 10, 20)) == ["10 parameters, 20 MACs"]
    assert of(((3,), 10, 20), ((3,), 10, 20)) == ["", ""]
    assert of(((3,), 10, 20), ((5,), 10, 20)) == ["output 3", "output 5"]
    assert of(((3, 8), 10, 20), ((4, 8), 10, 20)) == ["output 8 with 3 channels", "output 8 with 4 channels"]
    assert of((None, None, None)) == [""]


def test_problems_that_follow_are_one_line():
    first = problem_with(None, Fix("one", Effect((3,), 1, 1)), Fix("two", Effect((3,), 1, 1)), one=(1, 2), other=(1, 3))
    others = [
        ShapesDiffer(layer="cat2", one=(4, 20, 20), other=(4, 21, 21)),
        DeclaredDiffers(layer="fc", parameter="in_features", declared=112, arrives=88),
        ExpectDiffers(layer="out", expected=(3,), actual=(3, 4)),
        ClaimDiffers(claim="parameters", claimed=10_000, actual=2),
    ]
    lines = below(first, *others)
    assert lines[-2:] == [
        "and so  cat2 (20 and 21), fc (112 and 88), out (3 and 3 x 4), claim-differs (10,000 and 2): any",
        "        of these fixes mends them as well",
    ]
    alone = below(problem_with(None, Fix("one", Effect((3,), 1, 1)), one=(1,), other=(2,)), others[1])
    assert alone[-1] == "and so  fc (112 and 88): the fix mends it as well"


def test_a_problem_that_follows_says_from_what():
    first = ShapesDiffer(layer="cat1", one=(1,), other=(2,))
    second = ShapesDiffer(layer="cat2", one=(1,), other=(2,)).diagnosed([Diagnosed(follows=first)], 0)
    assert below(second)[-1].strip() == "follows from cat1: the fixes there mend it as well"


def test_suggestions_that_a_fix_says_are_left_out():
    text = 'input = [64, 64, 3]\nlayers = [{ name = "c", type = "conv", in_channels = 3, out_channels = 8, kernel_size = 3 }]'
    (warning, *_) = net_of(text).check().problems
    assert "write 3 x 64 x 64" in next(told(warning.diagnosed([Diagnosed()], 0)))
    mended = warning.diagnosed([Diagnosed(None, (Fix('layout = "channels_last"', Effect((8, 62, 62), 1, 1)),))], 0)
    assert next(told(mended)).endswith("is read as 64 channels, 64 high, 3 wide")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["01", "05", "12", "13", "17", "19"])
def test_screens_are_no_wider_than_they_are(name, width):
    (file,) = FOLDER.glob(f"{name}-*.toml")
    lines = shown(file, width=width)
    first = next(place for place, line in enumerate(lines) if "error[" in line)
    for line in lines[first + 1 :]:
        assert len(line) <= width or "used at" in line or line.startswith("cnnshape check --fix"), line
    assert [line for line in lines if "cnnshape check --fix" in line].__len__() == 1


def test_problems_folded_are_said_once():
    (file,) = FOLDER.glob("13-*.toml")
    lines = shown(file, width=100)
    assert sum("error[" in line for line in lines) == 1
    assert any(line.startswith("    and so  squeeze (112 and 88)") for line in lines)
    assert lines[-1] == "✗ 2 errors"


def test_hostile_names_are_printable(tmp_path):
    text = 'input = [3, 8, 8]\nlayers = [{ name = "a", type = "conv", out_channels = 8, kernel_size = 3 },\n{ type = "add", from = ["a", "input"] }] # \x1b[31m'
    file = tmp_path / "net.toml"
    file.write_text(text.replace("\x1b", ""), encoding="utf-8")
    assert all(line.isprintable() for line in shown(file, width=80))


def test_a_row_without_a_last_column_leaves_no_line_below():
    links = (Link("input", (8, 8)), Link("p", (4, 4)))
    chains = (Chain(links, factors=(3, 4, 4), about="what arrives"), Chain(links, factors=(3, 4, 4)))
    problem = problem_with(Cause("x", "count", "no number", chains), one=(1,), other=(2,))
    lines = [line.strip() for line in details(problem, (), 20)]
    assert " ".join(lines).count("what arrives") == 1
    assert all(lines)


def test_a_chain_along_an_axis_leaves_out_what_keeps_it():
    chain = Chain((Link("input", (8, 9)), Link("p", (8, 4)), Link("q", (4, 2))), axis=0)
    problem = problem_with(Cause("x", "rounds", "x rounds", (chain,)), one=(1,), other=(2,))
    assert "        8 → 4" in below(problem)


def test_a_remark_is_a_note_below_the_fixes():
    cause = Cause("x", "input-size", "the input: 112", remark="if 256x256 is meant, an expectation is to be rewritten")
    lines = below(problem_with(cause, Fix("one", Effect((3,), 1, 1)), one=(1,), other=(2,)))
    assert lines[-1] == "note    if 256x256 is meant, an expectation is to be rewritten"
    assert lines[-2].startswith("fix 1")
