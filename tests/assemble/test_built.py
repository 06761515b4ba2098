"""From a text to the net, end to end: what stays as it was built, unused results, and one problem for one mistake."""

import pytest
from helpers.texts import CONV, HERE, check, codes, problems

import cnnshape


def test_a_result_that_nobody_uses_is_warned_of_once_for_all_copies():
    text = f"""{HERE}
layers = [{{ name = "s", block = "b", repeat = 4 }}]
[blocks.b]
layers = [{{ name = "lost", type = "tanh" }}, {{ type = "relu", from = "input" }}]
"""
    (problem,) = problems(text)
    assert (problem.code, problem.severity, problem.layer) == ("unused-result", "warning", "s.0.lost")
    assert [place.path for place in problem.used_at] == [("layers", 0)]
    assert check(text.replace("repeat = 4", 'repeat = 4, allow = "unused-result"')).ok


def test_a_result_that_is_used_from_outside_is_used():
    check(f"""{HERE}
layers = [{{ name = "s", block = "b" }}, {{ type = "add", from = ["s", "s.lost"] }}]
[blocks.b]
layers = [{{ name = "lost", type = "tanh" }}, {{ type = "relu", from = "input" }}]
""")
    check(f"""{HERE}outputs = ["s", "s.lost"]
layers = [{{ name = "s", block = "b" }}]
[blocks.b]
layers = [{{ name = "lost", type = "tanh" }}, {{ type = "relu", from = "input" }}]
""")
    check(
        HERE
        + 'layers = [{ name = "a", type = "relu" }, { type = "max_pool", kernel_size = 2, from = "input" }, { type = "upsample", like = "a" }]'
    )


def test_numbers_that_were_inferred_stay():
    net = cnnshape.loads(
        HERE
        + 'layers = [{ type = "conv", out_channels = 8, kernel_size = 3 }, "batch_norm", "flatten", { type = "linear", out_features = 10 }]'
    )
    assert net.check().ok
    (problem,) = net.check((3, 33, 32)).problems
    assert (problem.code, problem.layer) == ("declared-differs", "linear1")
    assert problem.facts == {
        "parameter": "in_features",
        "declared": 7200,
        "arrives": 8 * 31 * 30,
        "left_out": True,
    }
    assert [problem.layer for problem in net.check((4, 32, 32)).problems] == ["conv1"]
    assert net.check((3, 34, 30)).problems[0].layer == "linear1"


def test_expressions_with_in_channels_stay():
    net = cnnshape.loads(
        HERE
        + 'layers = [{ type = "conv", out_channels = "2 * in_channels", kernel_size = 1 }, { type = "relu", when = "in_channels > 9" }]'
    )
    assert len(net.nodes) == 1
    assert net.check((4, 32, 32)).layers[0].result.output == (6, 32, 32)


def test_expect_and_claims_speak_of_the_declared_input():
    net = cnnshape.loads(
        HERE + 'layers = [{ type = "max_pool", kernel_size = 2, expect = [3, 16, 16] }]\n[claims]\noutput = [3, 16, 16]'
    )
    assert net.check().problems == ()
    assert net.check((3, 64, 64)).problems == ()
    assert net.check((3, 64, 64)).output == (3, 32, 32)


def test_a_net_that_fails_at_its_declared_input_answers_for_others():
    net = cnnshape.loads(
        f'input = [3, 8, 8]\nlayers = [{CONV.format("a", 4)}, {{ name = "b", type = "conv", out_channels = 5, kernel_size = 11 }}, "batch_norm"]'
    )
    assert [(problem.code, problem.layer) for problem in net.check().problems] == [("window-too-large", "b")]
    report = net.check((3, 20, 20))
    assert report.problems == ()
    assert report.output == (5, 10, 10)
    assert report.parameters == (27 + 1) * 4 + (4 * 121 + 1) * 5 + 2 * 5


def test_what_was_to_be_inferred_behind_the_failure_is_inferred_at_the_other_input():
    net = cnnshape.loads(
        'input = [3, 8, 8]\nlayers = [{ name = "a", type = "conv", out_channels = 4, kernel_size = 11 }, "flatten", { name = "fc", type = "linear", out_features = 10 }, { name = "fc2", type = "linear", out_features = 2 }]'
    )
    report = net.check((3, 20, 20))
    assert report.problems == ()
    assert [row.output for row in report.layers] == [(4, 10, 10), (400,), (10,), (2,)]
    assert report.layers[2].parameters == 400 * 10 + 10
    assert report.layers[3].parameters == 22
    assert report.parameters == (3 * 121 + 1) * 4 + 4_010 + 22


@pytest.mark.parametrize(
    ("layers", "code"),
    [
        ('{ block = "unit", from = "nowhere" }', "unknown-layer"),
        ('{ name = "a", block = "nut" }, { type = "add", from = ["a", "a.r"] }', "unknown-block"),
        ('{ name = "a", block = "unit", p = 1 }, { type = "add", from = ["a.r", "input"] }', "unknown-key"),
        ('{ name = "a", block = "unit", when = "1 / 2" }, { block = "unit", shares = "a" }', "wrong-kind"),
        (
            '{ name = "a", block = "unit", repeat = -1 }, { type = "concat", from = ["a.0", "a.*.r", "a.r"] }',
            "out-of-range",
        ),
        ('{ name = "a", block = "nut", repeat = 2 }, { type = "concat", from = ["a.*.r", "a.1.r"] }', "unknown-block"),
        ('{ name = "x{1 // 0}", type = "relu" }, { type = "concat", from = ["x1", "x.*"] }', "division-by-zero"),
        ('{ name = "a", block = "unit", shares = "b", repeat = 2 }', "unknown-layer"),
        ('{ name = "a", block = "unit", repeat = 3 }, { type = "concat", from = "a.*.q" }', "unknown-layer"),
    ],
)
def test_what_follows_from_a_mistake_is_not_said_as_well(layers, code):
    block = '[blocks.unit]\nlayers = [{ name = "r", type = "relu" }]'
    assert codes(f"{HERE}layers = [{layers}]\n{block}") == [code]


BLOCK_C = '[blocks.b]\nlayrs = [{ name = "c", type = "conv", out_channels = 8, kernel_size = 1 }]'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('layout = "NHWC"\nlayers = [{ type = "relu", expect = [32, 32, 3] }]', "unknown-word"),
        ('layot = "channels_last"\nlayers = [{ type = "relu", expect = [32, 32, 3] }]', "unknown-key"),
        ('layrs = ["relu"]\n[claims]\nparameters = 3\noutput = [8]', "unknown-key"),
        (f'layers = [{{ name = "a", block = "b", expect = [8, 32, 32] }}]\n{BLOCK_C}', "unknown-key"),
        (
            f'layers = [{{ name = "a", block = "b" }}, {{ type = "add", from = ["a.c", "a"] }}]\n{BLOCK_C}',
            "unknown-key",
        ),
        ('layers = [{ nmae = "a", type = "relu" }, { type = "add", from = ["a", "input"] }]', "unknown-key"),
        ('layers = [{ name = "a", type = "maxpol" }, { type = "max_unpool", indices = "a" }]', "unknown-type"),
    ],
)
def test_what_follows_from_a_misspelt_word_is_not_said_as_well(text, code):
    assert codes(HERE + text) == [code]


def test_blocks_of_an_include_that_is_wrong_are_not_missed_as_well():
    uses = 'layers = [{ block = "unit" }, { block = "unit{1}" }, { name = "a", block = "other" }, { shares = "a" }]'
    assert codes(f'include = "nowhere.toml"\n{HERE}{uses}') == ["include-not-found"]


def test_a_result_without_axes_has_no_channels():
    text = 'input = [1]\nlayers = [{ type = "reshape", shape = [] }, { type = "linear", out_features = "in_channels + %d" }]'
    assert codes(text % 0) == ["out-of-range"]
    assert codes(text % 1) == ["no-axes"]


def test_too_many_copies_are_refused_before_they_are_built():
    with pytest.raises(cnnshape.ArchitectureError) as caught:
        cnnshape.loads('input = [3, 8, 8]\nlayers = [{ type = "relu", repeat = 100_000_000 }]')
    (problem,) = caught.value.problems
    assert (problem.code, problem.layer) == ("too-large", "")  # of no copy
