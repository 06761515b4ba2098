"""Steps: repeated, left out by `when`, and what is expected of them."""

import pytest
from helpers.texts import CONV, HERE, check, codes, names, problems, rows


def test_repeat_chains_copies():
    report = rows(
        HERE
        + 'layers = [{ name = "x", type = "conv", out_channels = "in_channels + i", kernel_size = 3, repeat = 4 }, "relu"]'
    )
    assert [(row.name, row.output) for row in report.values()] == [
        ("x.0", (3, 30, 30)),
        ("x.1", (4, 28, 28)),
        ("x.2", (6, 26, 26)),
        ("x.3", (9, 24, 24)),
        ("relu1", (9, 24, 24)),
    ]


@pytest.mark.parametrize(
    ("count", "shape"), [("0", (3, 32, 32)), ("1", (3, 16, 16)), ("3", (3, 4, 4)), ('"n - 1"', (3, 8, 8))]
)
def test_the_bare_name_is_the_last_copy_or_what_enters(count, shape):
    report = check(f"""{HERE}constants = {{ n = 3 }}
layers = [
  {{ name = "x", type = "max_pool", kernel_size = 2, repeat = {count}, expect = {list(shape)} }},
  {{ type = "relu", from = "x" }},
]""")
    assert report.output == shape


def test_unnamed_and_templated_copies():
    text = 'layers = [{ type = "relu", repeat = 2 }, { name = "x{2 * i}", type = "relu", repeat = 3 }, { block = "b", repeat = 2 }]'
    assert names(f'{HERE}{text}\n[blocks.b]\nlayers = ["tanh"]') == [
        "relu1",
        "relu2",
        "x0",
        "x2",
        "x4",
        "b1.tanh1",
        "b2.tanh1",
    ]


@pytest.mark.parametrize(
    ("when", "shape"),
    [("true", (8, 32, 32)), ("false", (3, 32, 32)), ('"n > 1"', (8, 32, 32)), ('"in_channels > 3"', (3, 32, 32))],
)
def test_when_makes_a_layer_the_identity(when, shape):
    report = check(f"""{HERE}constants = {{ n = 2 }}
layers = [
  {{ name = "x", type = "conv", out_channels = 8, kernel_size = 1, when = {when}, expect = {list(shape)} }},
  {{ type = "relu", from = "x" }},
]""")
    assert report.output == shape
    assert len(report.layers) == 1 + (shape[0] == 8)


def test_when_makes_a_block_the_identity_on_its_first_input():
    report = check(f"""{HERE}
layers = [
  {CONV.format("a", 4)},
  {CONV.format("b", 5)},
  {{ name = "skipped", block = "join", from = ["a", "b"], when = false, allow = "join-left-out", expect = [4, 32, 32] }},
  {{ type = "concat", from = ["skipped", "b"] }},
]
[blocks.join]
layers = [{{ type = "concat", from = ["input0", "input1"] }}]
""")
    assert report.output == (9, 32, 32)


def test_when_is_asked_of_each_copy():
    text = (
        HERE + 'layers = [{ name = "x", type = "max_pool", kernel_size = 2, repeat = 5, when = "i % 2 == 1" }, "relu"]'
    )
    assert names(text) == ["x.1", "x.3", "relu1"]
    assert check(text).output == (3, 8, 8)


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
def test_expect_speaks_of_the_final_result_in_the_layout_of_its_file(layout):
    c, sides = "8", "16, 10"
    shape = f"[{c}, {sides}]" if layout == "channels_first" else f"[{sides}, {c}]"
    text = f"""layout = "{layout}"
input = {"[3, 32, 20]" if layout == "channels_first" else "[32, 20, 3]"}
layers = [
  {{ name = "a", block = "b", expect = {shape} }},
  {{ type = "relu", repeat = 2, expect = {shape} }},
  {{ name = "c", block = "b", repeat = 0, expect = {shape} }},
  {{ name = "d", block = "b", when = false, expect = {shape} }},
  {{ name = "e", block = "empty", expect = {shape} }},
]
[blocks.b]
layers = [{{ type = "conv", out_channels = 8, kernel_size = 3, padding = 1 }}, {{ type = "max_pool", kernel_size = 2, expect = {shape} }}]
[blocks.empty]
layers = []
"""
    assert check(text).output == (8, 16, 10)
    for wrong in ("[8, 16, 11]", "[16, 10]", "[3, 32, 20]"):
        for where in ("repeat = 2", "repeat = 0", "when = false", 'block = "empty"'):
            (problem,) = problems(text.replace(f"{where}, expect = {shape}", f"{where}, expect = {wrong}"))
            assert problem.code == "expect-differs"


LEFT_OUT = """input = [3, 32, 32]
layers = [
  {{ name = "conv", type = "conv", out_channels = 3, kernel_size = 3, padding = 1 }},
  {{ name = "sum", {}, when = false }},
  {{ name = "end", type = "relu"{} }},
]
[blocks.join]
layers = [{{ type = "add", from = ["input0", "input1"] }}]
"""


@pytest.mark.parametrize("join", ['type = "add"', 'block = "join"'])
@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ('["input", "conv"]', {3: "unused-result", 4: "join-left-out"}),
        ('["conv", "input"]', {}),
        ('["input", "input"]', {3: "unused-result"}),
        ('["conv", "conv"]', {}),
    ],
)
def test_a_join_that_is_left_out_says_what_goes_on(join, sources, expected):
    found = problems(LEFT_OUT.format(f"{join}, from = {sources}", ""))
    assert {problem.line: problem.code for problem in found} == expected
    for problem in found:
        assert problem.code != "join-left-out" or problem.facts["first"] == "input"


def test_what_goes_on_is_named_as_the_frame_has_it():
    text = f"""{HERE}layers = [{{ name = "outer", block = "b", repeat = 2 }}]
[blocks.b]
layers = [
  {{ name = "a", type = "relu" }},
  {{ name = "b", type = "tanh" }},
  {{ type = "add", from = ["a", "b"], when = false }},
]"""
    found = problems(text)
    assert {(problem.code, problem.facts.get("first")) for problem in found} == {
        ("join-left-out", "a"),
        ("unused-result", None),
    }


@pytest.mark.parametrize("where", ["layer", "block", "file"])
def test_a_join_may_be_left_out_on_purpose(where):
    allow = 'allow = ["join-left-out", "unused-result"]'
    join = '{{ type = "add", from = ["input", "x"], when = false{} }}'.format(f", {allow}" if where == "layer" else "")
    text = f"""{HERE}{allow if where == "file" else ""}
layers = [{{ block = "b"{f", {allow}" if where == "block" else ""} }}]
[blocks.b]
layers = [{{ name = "x", type = "relu", allow = "unused-result" }}, {join}]"""
    assert codes(text) == []


def test_what_enters_a_block_and_is_not_used_there_is_unused():
    text = f"""{HERE}layers = [
  {{ name = "a", type = "relu" }},
  {{ name = "b", block = "first", from = ["input", "a"] }},
]
[blocks.first]
layers = ["relu"]"""
    assert [(problem.code, problem.layer) for problem in problems(text)] == [("unused-result", "a")]
