"""Blocks: arguments, defaults, words, several inputs."""

from helpers.texts import CONV, HERE, check, codes, problems, rows

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


def test_an_argument_may_be_a_list():
    report = rows(f"""{HERE}
layers = [
  {{ name = "wide", block = "factorized", k = [7, 1] }},
  {{ name = "high", block = "outer", ks = [[1, 7], [3, "1 + 4"]], repeat = 2, at = "i" }},
  {{ name = "left", block = "factorized" }},
]
[blocks.outer]
arguments = ["ks", "at"]
layers = [{{ name = "in", block = "factorized", k = "ks[at]" }}]
[blocks.factorized]
defaults = {{ k = [5, "2 * 1"] }}
layers = [{{ name = "c", type = "conv", out_channels = 3, kernel_size = "k", padding = ["k[0] // 2", "k[-1] // 2"] }}]
""")
    assert [row.parameters for row in report.values()] == [9 * cells + 3 for cells in (7, 7, 15, 10)]
    assert [row.output for row in report.values()] == [(3, 32, 32)] * 3 + [(3, 32, 33)]


def test_lists_that_python_takes_for_equal_are_not_alike():
    conv = '{ type = "conv", out_channels = 3, kernel_size = 1, bias = "k[0]" }'
    text = f"""{HERE}layers = [{{ block = "b", k = [true] }}, {{ block = "b", k = [1] }}]
[blocks.b]
arguments = ["k"]
layers = [{conv}]"""
    assert codes(text) == ["wrong-kind"]


def test_fractions_are_handed_on_exactly():
    text = f"""{HERE}constants = {{ third = "1 / 3" }}
layers = [{{ block = "b", part = "third / 2" }}]
[blocks.b]
arguments = ["part"]
layers = [{{ type = "conv", out_channels = "6 * part", kernel_size = 1 }}, {{ type = "dropout", p = "part" }}]"""
    report = check(text)
    assert report.output == (1, 32, 32)
    assert report.layers[1].node.layer.p == 1 / 6


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
