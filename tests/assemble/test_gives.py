"""Blocks that give several results: by name, to the next copy, to the next layer, through one that is left out."""

import pytest
from helpers.texts import codes, problems

import cnnshape

# Two streams, of c and d channels: each copy adds 1 channel to the first, and 2 to the second.
STREAMS = """input = [3, 8, 8]
layers = [
  {{ name = "one", type = "conv", out_channels = 4, kernel_size = 1 }},
  {{ name = "two", type = "conv", out_channels = 8, kernel_size = 1, from = "input" }},
  {{ name = "s", block = "pair", from = ["one", "two"]{} }},
  {{ name = "end", type = "concat", from = {} }},
]

[blocks.pair]
gives = ["high", "low"]
layers = [
  {{ name = "high", type = "conv", out_channels = "in_channels + 1", kernel_size = 1 }},
  {{ name = "low", type = "conv", out_channels = "in_channels + 2", kernel_size = 1, from = "input1" }},
]
"""


def entering(text, name="end"):
    """The channels of what enters a layer."""
    report = cnnshape.loads(text).check()
    assert {problem.code for problem in report.problems} <= {"unused-result"}
    return tuple(shape[0] for shape in next(row for row in report.layers if row.name == name).inputs)


@pytest.mark.parametrize(
    ("said", "sources", "channels"),
    [
        ("", '"s"', (5, 10)),
        ("", '["s.low", "s.high"]', (10, 5)),
        (", repeat = 3", '"s"', (7, 14)),
        (", repeat = 3", '["s.high", "s.low", "s.0.high", "s.1.low", "s.2.high"]', (7, 14, 5, 12, 7)),
        (", repeat = 3", '["s.1", "input"]', (6, 12, 3)),
        (", repeat = 3", '"s.*.low"', (10, 12, 14)),
        (", repeat = 2", '"s.*"', (5, 10, 6, 12)),
        (", repeat = 0", '"s"', (4, 8)),
        (", repeat = 0", '["s.low", "s.high"]', (8, 4)),
        (", when = false", '"s"', (4, 8)),
        (", when = false", '["s.low", "s.high", "?s.low"]', (8, 4, 8)),
        (', repeat = 3, when = "i < 2"', '["s.low", "s.high", "s.2.low", "s.1.low"]', (12, 6, 12, 12)),
        (', repeat = 3, when = "i > 0"', '["s.low", "s.0.low", "s"]', (12, 8, 6, 12)),
        (', repeat = 3, when = "i == 1"', '["s.0.high", "s.1.high", "s.2.high", "s.high"]', (4, 5, 5, 5)),
    ],
)
def test_what_names_stand_for(said, sources, channels):
    assert entering(STREAMS.format(said, sources)) == channels


def test_the_next_layer_takes_all():
    after = ', repeat = 2 },\n  { name = "t", block = "pair"'
    assert entering(STREAMS.format(after, '"t"')) == (7, 14)
    text = STREAMS.format(', repeat = 2 },\n  { name = "act", type = "relu"', '"act"')
    (problem,) = [problem for problem in problems(text) if problem.severity == "error"]
    assert (problem.code, problem.line, problem.facts["inputs"]) == ("wrong-number-of-inputs", 6, 2)


def test_the_same_within_a_block_and_its_copies():
    text = """input = [3, 8, 8]
layers = [
  { name = "a", block = "outer" },
  { name = "b", block = "outer", from = "input" },
  { name = "c", block = "outer", n = 0, from = "input" },
  { name = "end", type = "concat", from = ["a.s.low", "b.s.low", "b.s.0.high", "c.s.low", "a", "b", "c"] },
  { name = "more", type = "concat", from = ["b.s", "c.s", "a.s"] },
]
[blocks.outer]
defaults = { n = 2 }
layers = [
  { name = "one", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "s", block = "pair", from = ["one", "input"], repeat = "n" },
  { name = "both", type = "concat", from = "s" },
]
""" + STREAMS.split("\n\n")[1].replace("{{", "{").replace("}}", "}")
    assert entering(text) == (7, 7, 5, 3, 13, 13, 7)
    assert entering(text, "more") == (6, 7, 4, 3, 6, 7)
    net = cnnshape.loads(text)
    (first, second) = (node for node in net.nodes if node.name in {"a.both", "b.both"})
    (more,) = (node for node in net.nodes if node.name == "more")
    assert [net.nodes[v - 2].name for v in more.inputs[:2]] == ["b.s.1.high", "b.s.1.low"]
    assert [net.nodes[v - 2].name for v in (*first.inputs, *second.inputs)] == [
        "a.s.1.high",
        "a.s.1.low",
        "b.s.1.high",
        "b.s.1.low",
    ]


def test_a_block_may_give_one_result_that_is_not_its_last_or_an_input():
    text = """input = [3, 8, 8]
layers = [
  { name = "s", block = "b", expect = [4, 8, 8], repeat = 2 },
  { name = "t", block = "through", from = ["s", "input"] },
  { name = "end", type = "concat", from = "t" },
]
[blocks.b]
gives = "first"
layers = [
  { name = "first", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "second", type = "conv", out_channels = 9, kernel_size = 1, allow = "unused-result" },
]
[blocks.through]
gives = ["input1", "act"]
layers = [{ name = "act", type = "relu" }]
"""
    assert entering(text) == (3, 4)


def test_a_block_that_shares_gives_as_much():
    text = STREAMS.format(
        ' },\n  { name = "t", shares = "s", from = ["one", "two"], repeat = 1 },\n  { name = "u", shares = "s", from = ["one", "two"]',
        '["t", "u", "u.low"]',
    )
    assert entering(text) == (5, 10, 5, 10, 10)
    assert cnnshape.loads(text).check().parameters == 4 * 4 + 8 * 4 + 5 * 5 + 10 * 9


def test_all_results_of_the_last_step_are_outputs():
    text = STREAMS.format(", repeat = 2", '"s"').replace('  { name = "end", type = "concat", from = "s" },\n', "")
    assert cnnshape.loads(text).check().outputs == {"s.1.high": (6, 8, 8), "s.1.low": (12, 8, 8)}


@pytest.mark.parametrize(
    ("said", "code", "line"),
    [
        (", expect = [5, 8, 8]", "several-results", 5),
        (' },\n  { type = "upsample", like = "s", from = "one"', "several-results", 6),
        (' },\n  { name = "r", block = "pair", from = "one", repeat = 2', "repeated-join", 6),
        (' },\n  { name = "r", type = "add", from = ["one", "two"], repeat = 0', "repeated-join", 6),
    ],
)
def test_where_one_is_wanted(said, code, line):
    found = problems(STREAMS.format(said, '"s"'))
    assert [(problem.code, problem.line) for problem in found if problem.severity == "error"] == [(code, line)]


def test_a_repeat_that_takes_another_number_than_it_gives():
    (problem,) = problems(
        STREAMS.format(", repeat = 2", '"s"').replace('["one", "two"]', '"two"').replace('"input1"', '"input"')
    )
    assert (
        problem.message == "a copy must give as many results as the next one takes: 1 enter here, and each copy gives 2"
    )


@pytest.mark.parametrize("kind", ["pair", "{kind}"])
def test_a_broken_copy_gives_as_many_as_it_would(kind):
    text = STREAMS.format(", repeat = 3, width = 9", '["s.low", "s"]').replace('"pair", from', f'"{kind}", from')
    words = '[blocks.net]\nwords = { kind = "pair" }\nlayers = [{ name = "s", block = "{kind}", width = 9, from = ["input", "input"], repeat = 3 }, { type = "concat", from = ["s.low", "s"] }]\n'
    if kind != "pair":
        text = f'input = [3, 8, 8]\nlayers = [{{ block = "net" }}]\n{words}' + text[text.index("[blocks.pair]") :]
    assert set(codes(text)) == {"unknown-key"}


@pytest.mark.parametrize(
    ("gives", "code"), [('["high", "lo"]', "unknown-layer"), ("[]", "no-outputs"), ("[3]", "not-a-string")]
)
def test_what_a_block_gives_must_be_there(gives, code):
    text = STREAMS.format("", '"s"').replace('gives = ["high", "low"]', f"gives = {gives}")
    found = [problem for problem in problems(text) if problem.severity == "error"]
    assert (found[0].code, found[0].line) == (code, 10)


@pytest.mark.parametrize("left_out", ["when = false", "repeat = 0"])
def test_a_use_without_a_name_hands_on_all_as_well(left_out):
    text = STREAMS.format(f' }},\n  {{ block = "pair", {left_out} }},\n  {{ name = "t", block = "pair"', '"t"')
    assert entering(text) == (6, 12)


def test_a_copy_behind_a_broken_one_has_all_its_inputs():
    text = STREAMS.format(', repeat = 3, n = "8 // i"', '"s"').replace(
        'gives = ["high"', 'arguments = ["n"]\ngives = ["high"'
    )
    assert codes(text) == ["division-by-zero"]
