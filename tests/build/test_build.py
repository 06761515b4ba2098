"""Names, wiring, blocks, repeats, conditions, shared weights: what net the file's words make."""

import pytest
from helpers.texts import HERE, check, codes, problems, rows

import cnnshape
from cnnshape.build.blocks import MAX_BLOCK_NESTING
from cnnshape.build.ledger import MAX_STEPS

CONV = '{{ name = "{}", type = "conv", out_channels = {}, kernel_size = 3, padding = 1 }}'


def names(text):
    return [node.name for node in cnnshape.loads(text).nodes]


# Names


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


@pytest.mark.parametrize(
    "name",
    [
        "half",
        "in",
        "0",
        "007",
        "-",
        "_",
        "a-b",
        "True",
        "None",
        "class",
        "relu",
        "conv",
        "inputs",
        "Input",
        "from",
        "été",
        "x" * 100,
    ],
)
def test_names_may_be_what_they_like(name):
    report = check(
        f'{HERE}layers = [{{ name = "{name}", type = "relu" }}, {{ type = "add", from = ["{name}", "input"] }}]'
    )
    assert report.layers[0].name == name


@pytest.mark.parametrize("name", ["half", "in", "0", "a-b", "relu", "input", "i", "from"])
def test_blocks_may_be_called_as_they_like(name):
    assert (
        check(f'{HERE}layers = [{{ block = "{name}" }}]\n[blocks.{name}]\nlayers = ["relu"]').layers[0].name
        == f"{name}1.relu1"
    )


def test_layers_blocks_and_arguments_have_names_of_their_own():
    report = check(f"""{HERE}
layers = [{{ name = "width", block = "width", width = 5 }}, {{ type = "relu", from = "width" }}]
[blocks.width]
arguments = ["width"]
layers = [{{ name = "width", type = "conv", out_channels = "width", kernel_size = 1 }}]
""")
    assert report.layers[0].name == "width.width"
    assert report.output == (5, 32, 32)


def test_unnamed_layers_are_called_by_their_type_and_a_number():
    text = (
        HERE
        + 'layers = ["relu", { name = "relu2", type = "relu" }, "relu", { block = "b" }, "tanh", { block = "b" }]\n'
    )
    block = '[blocks.b]\nlayers = ["relu", "tanh", "relu"]'
    inside = ["relu1", "tanh1", "relu2"]
    expected = [
        "relu1",
        "relu2",
        "relu3",
        *(f"b1.{name}" for name in inside),
        "tanh1",
        *(f"b2.{name}" for name in inside),
    ]
    assert names(text + block) == expected


def test_nothing_may_refer_to_the_name_of_an_unnamed_layer():
    assert codes(HERE + 'layers = ["relu", { type = "add", from = ["relu1", "input"] }]') == ["unnamed-layer"]
    text = 'layers = [{ block = "b" }, { type = "add", from = ["b1.x", "input"] }]\n[blocks.b]\nlayers = [{ name = "x", type = "relu" }]'
    assert codes(HERE + text) == ["unnamed-layer"]


def test_an_unnamed_layer_gets_no_name_that_another_has():
    text = 'layers = ["relu", { name = "relu1", type = "tanh" }, { type = "add", from = ["relu1", "input"] }]'
    assert names(HERE + text) == ["relu2", "relu1", "add1"]


def test_no_template_makes_the_name_of_an_unnamed_layer():
    first, second = 'type = "relu"', 'name = "relu{i + 1}", type = "relu", repeat = 1'
    assert names(f"{HERE}layers = [{{ {second} }}, {{ {first} }}]") == ["relu1", "relu2"]
    line = f"layers = [{{ {first} }}, {{ {second} }}]"
    (problem,) = problems(HERE + line)
    assert (problem.code, problem.column) == ("name-of-unnamed", 1 + line.index('"relu{'))
    uses = "layers = [{ name = 'b{1}', block = 'b' }, { block = 'b' }]"
    assert names(f'{HERE}{uses}\n[blocks.b]\nlayers = ["relu"]') == ["b1.relu1", "b2.relu1"]


# Blocks

UNIT = """
[blocks.unit]
arguments = ["width"]
defaults = { kernel = 3, bias = false, inner = "width // 2 + in_channels" }
words = { act = "relu", mode = "zeros" }
layers = [
  { name = "a", type = "conv", out_channels = "inner", kernel_size = "kernel", padding = "kernel // 2", bias = "bias", padding_mode = "{mode}" },
  { type = "{act}" },
  { name = "b", type = "conv", out_channels = "width", kernel_size = 1, bias = "bias" },
]
"""


def test_a_block_is_a_function_with_arguments():
    report = rows(f"""{HERE}
layers = [
  {{ name = "x", block = "unit", width = 8 }},
  {{ name = "y", block = "unit", width = "2 * in_channels", kernel = 5, bias = "1 < 2", act = "prelu", mode = "reflect" }},
  {{ name = "z", block = "unit", width = 4, inner = 6 }},
]
{UNIT}""")
    assert list(report) == ["x.a", "x.relu1", "x.b", "y.a", "y.prelu1", "y.b", "z.a", "z.relu1", "z.b"]
    assert report["x.a"].output == (7, 32, 32)  # 8 // 2 + 3
    assert report["x.a"].parameters == 3 * 9 * 7
    assert report["y.a"].output == (16, 32, 32)  # 16 // 2 + 8
    assert report["y.a"].parameters == (8 * 25 + 1) * 16
    assert report["y.b"].output == (16, 32, 32)
    assert report["z.a"].output == (6, 32, 32)


def test_words_are_handed_on():
    report = check(
        f"""{HERE}
layers = [{{ block = "outer", act = "tanh" }}, {{ block = "outer" }}]
[blocks.outer]
words = {{ act = "gelu", name = "in" }}
layers = [{{ name = "{{act}}", block = "inner", act = "{{act}}" }}]
[blocks.inner]
words = {{ act = "relu" }}
layers = ["{{act}}"]
""".replace('name = "in" ', 'other = "in" ')
    )
    assert [(row.name, row.type) for row in report.layers] == [
        ("outer1.tanh.tanh1", "tanh"),
        ("outer2.gelu.gelu1", "gelu"),
    ]


def test_words_name_blocks_and_what_enters():
    report = check(f"""{HERE}
layers = [
  {{ name = "first", type = "conv", out_channels = 4, kernel_size = 1 }},
  {{ name = "second", type = "conv", out_channels = 5, kernel_size = 1 }},
  {{ block = "any", kind = "pool", from = ["first", "second"], where = "input1" }},
]
[blocks.any]
words = {{ kind = "pool", where = "input" }}
layers = [{{ block = "{{kind}}", from = "{{where}}", times = 2 }}]
[blocks.pool]
arguments = ["times"]
layers = [{{ type = "max_pool", kernel_size = "times" }}]
""")
    assert report.output == (5, 16, 16)


def test_templates_hold_expressions():
    text = f"""{HERE}constants = {{ base = 7, deep = true }}
layers = [
  {{ name = "layer{{base + 1}}-{{deep}}", type = "relu" }},
  {{ name = "copy{{i + 1}}of{{in_channels}}", type = "relu", repeat = 2 }},
  {{ type = "add", from = ["layer{{base + 1}}-true", "copy1of3"] }},
]"""
    assert names(text) == ["layer8-true", "copy1of3", "copy2of3", "add1"]


def test_a_block_takes_several_inputs():
    report = check(f"""{HERE}
layers = [
  {CONV.format("a", 4)},
  {CONV.format("b", 5)},
  {{ name = "join", block = "join", from = ["a", "b", "input"] }},
]
[blocks.join]
defaults = {{ width = "in_channels" }}
layers = [
  {{ name = "one", type = "conv", out_channels = "width", kernel_size = 1 }},
  {{ name = "all", type = "concat", from = ["input", "input0", "input1", "input2", "one"] }},
]
""")
    assert report.layers[2].inputs == ((4, 32, 32),)
    assert report.output == (4 + 4 + 5 + 3 + 4, 32, 32)


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


def test_real_numbers_are_handed_on_as_they_are():
    report = check(f"""{HERE}constants = {{ rate = 0.2, slope = inf }}
layers = [{{ block = "b", p = "rate" }}, {{ block = "b", p = 0.3, on = false }}]
[blocks.b]
arguments = ["p"]
defaults = {{ on = true }}
layers = [{{ type = "dropout", p = "p if on else 0" }}, {{ type = "elu", alpha = "slope" }}]""")
    layers = [row.node.layer for row in report.layers]
    assert [layer.p for layer in layers[::2]] == [0.2, 0]
    assert layers[1].alpha == float("inf")


def test_in_channels_is_a_name_where_it_is_not_known():
    text = """
layers = [{ type = "conv", out_channels = 3, kernel_size = 33 }, "flatten", { block = "b" }]
[blocks.b]
words = { act = "linear" }
layers = [{ type = "{act}", out_features = "in_channels" }]"""
    assert codes(HERE + text) == ["window-too-large"]


@pytest.mark.parametrize(
    ("layers", "code"),
    [
        ('{ block = "unit", from = "nowhere" }', "unknown-layer"),
        ('{ name = "a", block = "nut" }, { type = "add", from = ["a", "a.r"] }', "unknown-block"),
        ('{ name = "a", block = "unit", p = 1 }, { type = "add", from = ["a.r", "input"] }', "unknown-key"),
        ('{ name = "a", block = "unit", when = "1" }, { block = "unit", shares = "a" }', "wrong-kind"),
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


def test_an_empty_block_gives_what_enters():
    assert check(
        f'{HERE}layers = [{{ name = "x", block = "none", expect = [3, 32, 32] }}, "relu"]\n[blocks.none]\nlayers = []'
    ).output == (3, 32, 32)


def test_defaults_may_use_those_above_them_and_what_is_given():
    report = check(f"""{HERE}
layers = [{{ block = "b", a = 2 }}]
[blocks.b]
defaults = {{ a = 1, b = "a + 1", c = "a * b" }}
layers = [{{ type = "conv", out_channels = "c", kernel_size = 1 }}]
""")
    assert report.output == (6, 32, 32)


def test_arguments_go_by_name_and_a_truth_value_is_no_number():
    text = f"""{HERE}
layers = [
  {{ name = "x", block = "b", p = 5, q = 7 }},
  {{ name = "y", block = "b", from = "input", q = 5, p = 7 }},
  {{ name = "z", block = "b", from = "input", q = 5, p = 1 }},
  %s
  {{ type = "concat", from = ["x", "y", "z"] }},
]
[blocks.b]
arguments = ["p", "q"]
layers = [
  {{ name = "c", type = "conv", out_channels = "p", kernel_size = 1 }},
  {{ type = "conv", out_channels = "q", kernel_size = 1 }},
]
"""
    report = rows(text % "")
    assert [report[f"{name}.c"].output[0] for name in "xyz"] == [5, 7, 1]
    assert [report[f"{name}.conv1"].output[0] for name in "xyz"] == [7, 5, 5]
    (problem,) = problems(text % '{ name = "w", block = "b", from = "input", q = 5, p = true },')
    assert (problem.code, problem.message) == ("wrong-kind", "out_channels must be a whole number from 1 up, not true")


# Repeats


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


# Conditions


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
  {{ name = "skipped", block = "join", from = ["a", "b"], when = false, expect = [4, 32, 32] }},
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


# Shared weights

TOWERS = """
inputs = { left = [1, 28, 28], right = [1, 28, 28] }
layers = [
  { name = "left_tower", block = "tower", width = 8, from = "left" },
  { name = "right_tower", %s, from = "right", shares = "left_tower" },
  { type = "concat", from = ["left_tower", "right_tower"] },
]
[blocks.tower]
arguments = ["width"]
words = { act = "relu" }
layers = [
  { name = "conv", type = "conv", out_channels = "width", kernel_size = 3 },
  { type = "batch_norm" },
  { type = "{act}" },
  { name = "in", block = "inner", repeat = 2 },
]
[blocks.inner]
layers = [{ type = "conv", out_channels = "in_channels", kernel_size = 3 }, "prelu"]
"""
ONE_TOWER = (9 + 1) * 8 + 2 * 8 + 2 * ((8 * 9 + 1) * 8 + 1)


@pytest.mark.parametrize(
    "said",
    ['block = "tower"', 'block = "tower", width = 8', "width = 8", 'act = "relu"', 'block = "tower", width = "2 ** 3"'],
)
def test_a_block_that_shares_is_counted_once(said):
    report = check(TOWERS % said)
    assert report.parameters == ONE_TOWER
    assert report.output == (16, 22, 22)
    shared = [row for row in report.layers if row.name.startswith("right_tower")]
    assert [row.parameters for row in shared] == [0] * len(shared)
    assert [row.macs for row in shared] == [row.macs for row in report.layers if row.name.startswith("left_tower")]
    assert [row.node.shares for row in shared] == [row.name.replace("right", "left") for row in shared]


def test_a_block_that_shares_may_leave_everything_out():
    assert check((TOWERS % "").replace('"right_tower", ,', '"right_tower",')).parameters == ONE_TOWER


def test_a_layer_that_shares():
    report = check(f"""{HERE}
layers = [
  {{ name = "a", type = "conv", out_channels = 3, kernel_size = 3, padding = 1, bias = false }},
  {{ name = "b", shares = "a" }},
  {{ name = "c", type = "conv", shares = "b", kernel_size = [3, 3], in_channels = 3 }},
  {{ name = "d", shares = "a", repeat = 3 }},
]""")
    assert report.parameters == 81
    assert report.output == (3, 32, 32)
    assert {row.node.shares for row in report.layers[1:]} == {"a"}
    assert sum(row.macs for row in report.layers) == 6 * 81 * 32 * 32


def test_all_copies_share_with_the_one_named():
    text = f"""{HERE}
layers = [
  {{ name = "a", block = "b", repeat = 2 }},
  {{ name = "c", block = "b", shares = "{{}}", repeat = 3 }},
]
[blocks.b]
layers = [{{ name = "x", type = "conv", out_channels = 3, kernel_size = 3, padding = 1 }}]
"""
    for named, owner in {"a.0": "a.0.x", "a.1": "a.1.x", "a": "a.1.x"}.items():
        report = check(text.replace("{}", named))
        assert report.parameters == 2 * 84
        assert {row.node.shares for row in report.layers[2:]} == {owner}


def test_a_layer_shares_with_one_in_a_block():
    report = check(f"""{HERE}
layers = [{{ name = "s", block = "b" }}, {{ name = "again", shares = "s.x" }}]
[blocks.b]
layers = [{{ name = "x", type = "conv", out_channels = 3, kernel_size = 3, padding = 1 }}, "relu"]
""")
    assert report.parameters == 84


def test_settings_of_a_layer_that_shares_are_those_of_the_other_not_the_defaults():
    report = check(f"""{HERE}layer_defaults.conv = {{ padding = 1, kernel_size = 3 }}
layers = [{{ name = "a", type = "conv", out_channels = 3, padding = 2, kernel_size = 5 }}, {{ shares = "a" }}]""")
    assert report.output == (3, 32, 32)


@pytest.mark.parametrize(
    "said", ['type = "conv", when = false', 'type = "conv", repeat = 0', 'block = "b", when = false']
)
def test_what_is_left_out_has_no_weights_to_share(said):
    settings = "" if "block" in said else ", out_channels = 3, kernel_size = 3"
    (problem,) = problems(f"""{HERE}
layers = [
  {{ name = "before", type = "conv", out_channels = 3, kernel_size = 3 }},
  {{ name = "a", {said}{settings} }},
  {{ shares = "a" }},
]
[blocks.b]
layers = ["relu"]""")
    assert (problem.code, problem.line, problem.message) == (
        "shares-left-out",
        6,
        "a is left out here, and has no weights",
    )


def test_a_layer_that_shares_restores_its_own_pool():
    report = check(f"""{HERE}
layers = [
  {{ name = "p1", type = "max_pool", kernel_size = 2 }},
  {{ name = "p2", type = "max_pool", kernel_size = 2 }},
  {{ name = "u2", type = "max_unpool", indices = "p2" }},
  {{ name = "u1", type = "max_unpool", indices = "p1" }},
]""")
    assert report.output == (3, 32, 32)


# What is expected


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


# Warnings


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


# A net is built at its declared input


def test_numbers_that_were_inferred_stay():
    net = cnnshape.loads(
        HERE
        + 'layers = [{ type = "conv", out_channels = 8, kernel_size = 3 }, "batch_norm", "flatten", { type = "linear", out_features = 10 }]'
    )
    assert net.check().ok
    (problem,) = net.check((3, 33, 32)).problems
    assert (problem.code, problem.layer) == ("declared-differs", "linear1")
    assert problem.facts == {"parameter": "in_features", "declared": 7200, "arrives": 8 * 31 * 30}
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


def test_what_was_to_be_inferred_behind_the_failure_is_not():
    net = cnnshape.loads(
        'input = [3, 8, 8]\nlayers = [{ name = "a", type = "conv", out_channels = 4, kernel_size = 11 }, "flatten", { name = "fc", type = "linear", out_features = 10 }, { name = "fc2", type = "linear", out_features = 2 }]'
    )
    report = net.check((3, 20, 20))
    assert report.problems == ()
    assert [row.output for row in report.layers] == [(4, 10, 10), (400,), (10,), (2,)]
    assert report.layers[2].parameters is None
    assert report.layers[3].parameters == 22
    assert report.parameters is None


# Limits


@pytest.mark.parametrize(
    "layer",
    [
        'type = "relu"',
        'block = "empty"',
        'type = "relu", when = false',
        'name = "x", type = "relu"',
        'name = "x{i}", block = "empty"',
    ],
)
def test_too_many_copies_are_refused(layer):
    text = f"{HERE}layers = [{{ {layer}, repeat = %s }}]\n[blocks.empty]\nlayers = []"
    (problem,) = problems(text % 10**9)
    assert problem.code == "too-large"
    assert f"{MAX_STEPS:,}" in problem.message
    assert check(text % 100).ok


def test_blocks_within_blocks_are_bounded():
    def nest(depth):
        blocks = "".join(f'[blocks.b{i}]\nlayers = [{{ block = "b{i + 1}" }}]\n' for i in range(1, depth))
        return f'{HERE}layers = [{{ block = "b1" }}]\n{blocks}[blocks.b{depth}]\nlayers = ["relu"]'

    assert check(nest(MAX_BLOCK_NESTING)).ok
    assert codes(nest(MAX_BLOCK_NESTING + 1)) == ["too-large"]


def test_expressions_and_connections_are_bounded():
    long = "1" + " + i - i" * 100
    assert codes(
        f'{HERE}layers = [{{ type = "conv", out_channels = "{long}", kernel_size = 1, repeat = 40_000 }}]'
    ) == ["too-large"]
    many = ", ".join(['"s.*"'] * 1000)
    assert codes(
        f'{HERE}layers = [{{ name = "s", type = "relu", repeat = 1000 }}, {{ type = "add", from = [{many}] }}]'
    ) == ["too-large"]


def test_words_do_not_grow_without_bound():
    blocks = "".join(
        f'[blocks.b{i}]\nwords = {{ w = "x" }}\nlayers = [{{ block = "b{i + 1}", w = "{{w}}{{w}}{{w}}{{w}}" }}]\n'
        for i in range(20)
    )
    text = f'{HERE}layers = [{{ block = "b0" }}]\n{blocks}[blocks.b20]\nwords = {{ w = "x" }}\nlayers = ["{{w}}"]'
    (problem,) = problems(text)
    assert problem.code == "word-too-long"
    assert "longer than 1000 characters" in problem.message


def test_no_more_problems_are_listed_than_anybody_reads():
    found = problems(HERE + "layers = [" + '"rleu", ' * 2000 + "]")
    assert len(found) == 501
    assert {problem.code for problem in found[:-1]} == {"unknown-type"}
    assert (found[-1].code, found[-1].message) == ("too-large", "there are too many problems: 500 are the limit")


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


# A block that was built before, with the same arguments and shapes, is copied


COPIED = """
input = [4, 16, 16]
outputs = ["last", "same.sum", "inside"]
layers = [
  { name = "a", block = "pair", width = 4 },
  { name = "b", block = "pair", width = 4, allow = ["dropped-rows"] },
  { name = "c", block = "pair", width = 4, from = "a" },
  { name = "same", block = "join", from = ["a", "a"] },
  { name = "other", block = "join", from = ["a", "b"] },
  { name = "again", block = "join", from = ["c", "c"] },
  { name = "stack", block = "outer", repeat = 3, expect = [4, 16, 16] },
  { block = "outer" },
  { block = "outer" },
  { name = "inside", type = "add", from = ["stack.1.one.conv", "stack.two.1.conv", "b.conv", "other.sum"] },
  { name = "all", type = "concat", from = ["stack.*.one.conv", "again.sum"] },
  { name = "twin", block = "outer", shares = "stack.0", from = "a" },
  { name = "tied", block = "tied", repeat = 3, from = "a" },
  { name = "lost", block = "pair", width = 4 },
  { name = "pool1", type = "max_pool", kernel_size = 2, from = "a" },
  { name = "up1", block = "up" },
  { name = "pool2", type = "max_pool", kernel_size = 3, stride = 2, padding = 1, from = "a" },
  { name = "up2", block = "up" },
  { name = "last", type = "concat", from = ["twin", "all", "tied", "tied.0.two", "up1", "up2", "skip"] },
]
[blocks.pair]
arguments = ["width"]
layers = [
  { name = "conv", type = "conv", out_channels = "width", kernel_size = 1, expect = [4, 16, 16] },
  { type = "conv", out_channels = "width", kernel_size = 1 },
]
[blocks.tied]
layers = [
  { name = "one", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "two", type = "conv", shares = "one" },
]
[blocks.up]
layers = [{ type = "max_unpool", indices = "input" }]
[blocks.join]
layers = [{ name = "sum", type = "add", from = ["input0", "input1"] }, "relu"]
[blocks.outer]
layers = [
  { type = "relu", when = false, expect = [4, 16, 16] },
  { name = "one", block = "pair", width = 4 },
  { name = "two", block = "pair", width = 4, repeat = 2 },
  { name = "none", type = "relu", when = false },
]
"""


@pytest.mark.parametrize(
    "text",
    [
        COPIED,
        COPIED.replace("skip", "a"),
        COPIED.replace('skip"', 'a"').replace('"relu"]', '"relu", { type = "relu", from = "sum" }]'),
        COPIED.replace("skip", "stack.9.one.conv"),
    ],
)
def test_a_copied_block_is_as_if_built(monkeypatch, text):
    copied = built(text)
    monkeypatch.setattr("cnnshape.build.blocks.MAX_EXPANSIONS", 0)
    assert copied == built(text)


def built(text):
    net = cnnshape.build.network.build(cnnshape.file.reader.read_text(text))
    report = net.check()
    nodes = [node._replace(place=str(node.place), used_at=[*map(str, node.used_at)]) for node in net.nodes]
    expectations = [e._replace(place=str(e.place), used_at=[*map(str, e.used_at)]) for e in net.expectations]
    problems = [(*map(str, [problem, *problem.used_at]),) for problem in report.problems]
    return nodes, net.outputs, expectations, problems, [row.output for row in report.layers]
