"""Wiring: which values names stand for, plain, dotted, and with a * for all copies."""

import pytest
from helpers.texts import CONV, HERE, check, codes, problems, rows

import cnnshape


def test_a_layer_takes_the_one_before_unless_it_says_otherwise():
    report = rows(f"""{HERE}
layers = [
  {CONV.format("a", 4)},
  {CONV.format("b", 5)},
  {{ name = "c", type = "concat", from = ["b", "input", "a", "b"] }},
  {{ name = "d", type = "relu", from = "a", allow = "unused-result" }},
  {{ name = "e", type = "relu", from = "c" }},
]""")
    assert report["b"].inputs == ((4, 32, 32),)
    assert report["c"].inputs == ((5, 32, 32), (3, 32, 32), (4, 32, 32), (5, 32, 32))
    assert report["c"].output == (17, 32, 32)
    assert report["e"].inputs == ((17, 32, 32),)


def test_an_input_that_a_block_does_not_have():
    block = '[blocks.sum]\nlayers = [{ type = "add", from = ["input", "input2"] }]'
    (problem,) = problems(f'{HERE}layers = [{{ block = "sum", from = ["input", "input"] }}]\n{block}')
    assert problem.message == "there is no layer input2; what enters this block here is input0 and input1"


def test_layers_in_a_block_are_used_from_outside_by_dotted_names():
    report = rows(f"""{HERE}
layers = [
  {{ name = "stage", block = "stage" }},
  {{ name = "skip", type = "concat", from = ["stage", "stage.a", "stage.in.a", "stage.in"] }},
]
[blocks.stage]
layers = [{CONV.format("a", 4)}, {{ name = "in", block = "inner" }}, {CONV.format("b", 6)}]
[blocks.inner]
layers = [{CONV.format("a", 5)}, "relu"]
""")
    assert report["skip"].inputs == tuple((c, 32, 32) for c in (6, 4, 5, 5))


def test_copies_are_used_by_their_numbers():
    report = rows(f"""{HERE}
layers = [
  {{ name = "s", block = "b", repeat = 3 }},
  {{ name = "t", type = "concat", from = ["s.0", "s.1.c", "s.2", "s", "s.c"], dim = 1, allow = "unused-result" }},
]
[blocks.b]
layers = [{{ name = "c", type = "conv", out_channels = "in_channels + 1", kernel_size = 1 }}, "relu"]
""")
    assert report["t"].inputs == tuple((c, 32, 32) for c in (4, 5, 6, 6, 6))
    assert list(report)[:4] == ["s.0.c", "s.0.relu1", "s.1.c", "s.1.relu1"]


STACK = """
[blocks.stack]
layers = [{ name = "skip", type = "conv", out_channels = "in_channels + 1", kernel_size = 1 }, { name = "pool", type = "max_pool", kernel_size = 1 }]
"""


@pytest.mark.parametrize(
    ("source", "channels"),
    [
        ('"stack.*.skip"', (4, 5, 6)),
        ('["stack.*.skip"]', (4, 5, 6)),
        ('["input", "stack.*.skip", "stack.0"]', (3, 4, 5, 6, 4)),
        ('"stack.*"', (4, 5, 6)),
    ],
)
def test_a_star_collects_one_result_of_each_copy(source, channels):
    text = f'{HERE}layers = [{{ name = "stack", block = "stack", repeat = 3 }}, {{ type = "concat", from = {source} }}]{STACK}'
    assert cnnshape.loads(text).check().layers[-1].inputs == tuple((c, 32, 32) for c in channels)


def test_a_star_finds_nothing_of_no_copies():
    text = f'{HERE}layers = [{{ name = "stack", block = "stack", repeat = {{}} }}, {{ type = "concat", from = {{}} }}]{STACK}'.replace(
        "{}", "%s"
    )
    assert cnnshape.loads(text % (0, '["input", "stack.*.skip"]')).check().output == (3, 32, 32)
    assert codes(text % (0, '"stack.*.skip"')) == ["from-nothing"]


def test_stars_in_stars():
    report = check(f"""{HERE}
layers = [{{ name = "s", block = "outer", repeat = 2 }}, {{ type = "add", from = ["s.*.t.*.u"] }}]
[blocks.outer]
layers = [{{ name = "t", block = "inner", repeat = 3 }}]
[blocks.inner]
layers = [{{ name = "u", type = "relu" }}]
""")
    assert len(report.layers[-1].inputs) == 6


@pytest.mark.parametrize(
    ("name", "channels"),
    [("s.0.t.0.u", 4), ("s.0.t.u", 5), ("s.1.t.0.u", 6), ("s.t.u", 7), ("s.t.0.u", 6), ("s.0.t", 5)],
)
def test_bare_names_within_names_are_the_last_copies(name, channels):
    report = cnnshape.loads(f"""{HERE}
layers = [{{ name = "s", block = "outer", repeat = 2 }}, {{ name = "one", type = "relu", from = "{name}" }}]
[blocks.outer]
layers = [{{ name = "t", block = "inner", repeat = 2 }}]
[blocks.inner]
layers = [{{ name = "u", type = "conv", out_channels = "in_channels + 1", kernel_size = 1 }}]
""").check()
    assert report.output == (channels, 32, 32)


def test_a_star_of_what_is_no_repeat():
    text = HERE + 'layers = [{ name = "a", type = "relu" }, { type = "concat", from = "a.*" }]'
    assert codes(text) == ["pattern-without-repeat"]


@pytest.mark.parametrize(
    "name", ["conv.foo", "b.conv.foo", "b.conv.0", "conv.conv", "stack.0.conv.foo", "stack.conv.foo", "block1.conv"]
)
def test_nothing_is_inside_a_layer_or_an_unnamed_block(name):
    conv = '{ name = "conv", type = "conv", out_channels = 3, kernel_size = 1 }'
    text = f"""
        input = [3, 8, 8]
        layers = [
          {conv}, {{ name = "b", block = "block" }}, {{ name = "stack", block = "block", repeat = 2 }},
          {{ block = "block" }}, {{ type = "relu", from = "{name}" }},
        ]
        [blocks.block]
        layers = [{conv}]
        """
    assert {"unknown-layer", "unnamed-layer"} & {*codes(text)}


# What is left out

BRANCHES = """input = [3, 32, 32]
constants = {{ a = {}, b = {} }}
layers = [
  {{ name = "one", type = "conv", out_channels = 3, kernel_size = 1, when = "a" }},
  {{ name = "two", type = "conv", out_channels = 3, kernel_size = 1, from = "input", repeat = "b" }},
  {{ name = "sum", type = "add", from = {} }},
  {{ name = "end", type = "relu", from = "sum" }},
]
"""


@pytest.mark.parametrize(
    ("a", "b", "sources", "read"),
    [
        ("true", 1, '["?one", "?two", "input"]', ("one", "two.0", "input")),
        ("false", 1, '["?one", "?two", "input"]', ("two.0", "input")),
        ("true", 0, '["input", "?one", "?two"]', ("input", "one")),
        ("true", 0, '["one", "two"]', ("one", "input")),  # without a mark, it stands for what enters it
        ("true", 2, '["?one", "?two"]', ("one", "two.1")),
        ("true", 3, '["?one", "?two.*"]', ("one", "two.0", "two.1", "two.2")),
        ("false", 2, '["?one", "?two.*"]', ("two.0", "two.1")),
        ("false", 2, '["?input", "one"]', ("input", "input")),
    ],
)
def test_an_entry_with_a_question_mark_is_absent_where_its_layer_is(a, b, sources, read):
    net = cnnshape.loads(BRANCHES.format(a, b, sources))
    names = ["nothing", "input", *(node.name for node in net.nodes)]
    (join,) = (node for node in net.nodes if node.name == "sum")
    assert tuple(names[value] for value in join.inputs) == read


@pytest.mark.parametrize(("a", "b", "left"), [("true", 0, "one"), ("false", 1, "two.0")])
def test_a_join_of_one_input_hands_it_on(a, b, left):
    report = rows(BRANCHES.format(a, b, '["?one", "?two"]'))
    assert list(report) == [left, "end"]
    text = BRANCHES.format(a, b, '["?one", "?two"], expect = [3, 32, 31]')
    assert codes(text) == ["expect-differs"]
    again = text.replace("32, 31", "32, 32").replace('from = "sum"', 'from = ["?sum", "input"]').replace("relu", "add")
    net = cnnshape.loads(again)
    assert [len(node.inputs) for node in net.nodes] == [1, 2]  # the sum is there, though it is no layer


def test_a_concat_of_one_input_hands_it_on_as_well():
    text = BRANCHES.format("false", 1, '["?one", "?two"]').replace('"add"', '"concat"')
    assert list(rows(text)) == ["two.0", "end"]


def test_none_left_is_an_error():
    (problem,) = problems(BRANCHES.format("false", 0, '["?one", "?two"]'))
    assert (problem.code, problem.line) == ("from-nothing", 6)


def test_a_join_of_one_has_no_weights_to_share():
    text = BRANCHES.format("true", 0, '["?one", "?two"]').replace('type = "relu"', 'shares = "sum"')
    assert codes(text) == ["shares-left-out"]


@pytest.mark.parametrize("name", ["?on", "?one.x", "?two.*.x"])
def test_what_may_be_absent_must_be_there(name):
    assert codes(BRANCHES.format("true", 1, f'["{name}", "input"]')) == ["unknown-layer"]


@pytest.mark.parametrize("use", ['type = "relu", from = "?one"', 'block = "b", from = ["input", "?one"]'])
def test_only_a_join_does_without_an_input(use):
    text = f'{HERE}layers = [{{ name = "one", type = "relu" }}, {{ {use} }}]\n[blocks.b]\nlayers = ["relu"]'
    assert codes(text) == ["optional-no-join"]


def test_copies_that_are_left_out_are_absent_from_a_pattern():
    text = f"""{HERE}
layers = [
  {{ name = "s", block = "b", repeat = 3, allow = "unused-result" }},
  {{ name = "marked", type = "concat", from = "?s.*.c" }},
  {{ type = "concat", from = ["marked", "s.*.c"] }},
]
[blocks.b]
layers = [{{ name = "c", type = "conv", out_channels = "in_channels + 1", kernel_size = 1, when = "in_channels != 5" }}, {{ name = "d", type = "conv", out_channels = "in_channels + 1", kernel_size = 1 }}]
"""
    report = rows(text)
    assert list(report)[:4] == ["s.0.c", "s.0.d", "s.1.d", "s.2.c"]
    assert report["marked"].inputs == ((4, 32, 32), (7, 32, 32))


def test_a_name_that_cannot_be_known_is_said_once():
    text = f'{HERE}layers = [{{ block = "b" }}]\n[blocks.b]\ndefaults = {{ n = 0 }}\nlayers = [{{ name = "x1", type = "relu" }}, {{ type = "add", from = ["x{{1 // n}}", "input"] }}]'
    assert codes(text) == ["division-by-zero"]


def test_what_follows_from_a_wrong_name_or_from_nothing_is_not_said_as_well():
    one = '{ name = "one", type = "relu", when = false }'
    assert codes(f'{HERE}layers = [{one}, {{ type = "tanh", from = "?one" }}]') == ["from-nothing"]
    assert codes(f'{HERE}layers = [{one}, {{ type = "add", from = ["x", "input"], when = false }}]') == [
        "unknown-layer"
    ]


def test_a_join_of_one_in_the_copy_of_a_block():
    text = f"""{HERE}layers = [{{ name = "a", block = "b" }}, {{ name = "b", block = "b" }}, {{ shares = "b.sum" }}]
[blocks.b]
layers = [
  {{ name = "x", type = "prelu", when = false }},
  {{ name = "sum", type = "add", from = ["?x", "input"] }},
  {{ type = "relu" }},
]"""
    assert codes(text) == ["shares-left-out"]
