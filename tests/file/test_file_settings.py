"""Settings: expressions where numbers are expected, constants, defaults of types."""

import pytest
from helpers.texts import HERE, check, problems, rows

# Expressions and constants


EXPRESSIONS = {
    "2 + 3 * 4": 14,
    "(2 + 3) * 4": 20,
    "17 // 5": 3,
    "17 % 5": 2,
    "2 ** 5": 32,
    "9 - 2 - 1": 6,
    "-3 + 5": 2,
    "4 if in_channels == 3 else 5": 4,
    "4 if in_channels > 3 else 5": 5,
    "7 if true and not false else 8": 7,
    "7 if false or in_channels < 3 else 8": 8,
    "min(4, 2, 9)": 2,
    "max(4, 2, 9)": 9,
    "round(1.33 * 12)": 16,
    "width / 4 * 3": 6,
    "sizes[1] + sizes[2][0]": 9,
    "4 if deep - 2 else 5": 5,
    "in_channels": 3,
    "width": 8,
    "4 * width + deep": 34,
    "width if wide else 1": 8,
    "6 if 1 <= deep < 3 != 4 else 7": 6,
}


@pytest.mark.parametrize(("text", "value"), EXPRESSIONS.items())
def test_a_string_where_a_number_is_expected_is_an_expression(text, value):
    constants = 'constants = { width = 8, deep = "width // 4", wide = true, sizes = [3, "deep", [7]] }\n'
    net = f'{HERE}{constants}layers = [{{ type = "conv", out_channels = "{text}", kernel_size = 1 }}]'
    assert check(net).output == (value, 32, 32)


def test_a_string_where_a_truth_value_is_expected_is_an_expression():
    conv = '{{ type = "conv", out_channels = 8, kernel_size = 1, bias = "{}" }}'
    with_bias, without = (check(f"{HERE}layers = [{conv.format(text)}]").parameters for text in ("1 < 2", "not true"))
    assert with_bias - without == 8


def test_lists_hold_expressions():
    conv = '{ type = "conv", out_channels = 8, kernel_size = ["k", 1], padding = ["k // 2", 0] }'
    assert check(f"{HERE}constants = {{ k = 5 }}\nlayers = [{conv}]").output == (8, 32, 32)


def test_in_channels_is_that_of_the_first_input():
    report = rows("""
input = [3, 32, 32]
layers = [
  { name = "wide", type = "conv", out_channels = 10, kernel_size = 1 },
  { name = "half", type = "conv", out_channels = "in_channels // 2", kernel_size = 1 },
  { name = "both", type = "concat", from = ["half", "wide"], expect = ["in_channels + 10", 32, 32] },
  { name = "same", type = "conv", out_channels = "in_channels", kernel_size = 1, groups = "in_channels" },
]""")
    assert report["half"].output[0] == 5
    assert report["same"].output[0] == 15
    assert report["same"].parameters == 30


def test_constants_serve_input_expect_claims_and_defaults():
    report = check("""
input = [3, "side", "side // 2"]
constants = { side = 32, width = 8, kernel = 3, biased = "width > 9" }
layer_defaults.conv = { kernel_size = "kernel", bias = "biased" }
layers = [{ name = "conv", type = "conv", out_channels = "width", expect = ["width", "side - 2", 14] }]
[claims]
output = ["width", 30, 14]
""")
    assert report.parameters == 8 * 3 * 9


# Defaults of types


def test_layer_defaults_give_way_to_what_the_layer_says():
    report = rows("""
input = [3, 32, 32]
layer_defaults.conv = { kernel_size = 3, padding = 1, bias = false }
layer_defaults.max_pool = { kernel_size = 2 }
layers = [
  { name = "plain", type = "conv", out_channels = 8 },
  { name = "own", type = "conv", out_channels = 8, kernel_size = 5, padding = 2, bias = true },
  { name = "pool", type = "max_pool" },
  { name = "transposed", type = "conv_transpose", out_channels = 8, kernel_size = 1 },
]""")
    assert report["plain"].parameters == 3 * 9 * 8
    assert report["own"].parameters == (8 * 25 + 1) * 8
    assert report["pool"].output == (8, 16, 16)
    assert report["transposed"].parameters == (8 + 1) * 8  # another type


def test_a_shape_may_be_a_list_by_name():
    text = 'constants = { sides = [3, 32, 20] }\ninput = "sides"\nlayers = [{ type = "relu", expect = "sides" }]'
    assert check(text).output == (3, 32, 20)


def test_a_list_is_bounded():
    assert check(f"{HERE}constants = {{ k = {[[1] * 499] * 2} }}\nlayers = ['relu']").ok
    for k in ([1] * 1001, [[1] * 500] * 2):
        (problem,) = problems(f"{HERE}constants = {{ k = {k} }}\nlayers = ['relu']")
        assert (problem.code, problem.facts["most"]) == ("too-large", 1000)


@pytest.mark.parametrize("when", ["0", "1", '"n"', '"n - 2"', '"n > 2 or n"'])
def test_a_whole_number_is_a_condition(when):
    report = check(f"{HERE}constants = {{ n = 2 }}\nlayers = [{{ type = 'relu', when = {when} }}, 'tanh']")
    assert len(report.layers) == 1 + (when not in {"0", '"n - 2"'})


@pytest.mark.parametrize(("n", "code"), [('"1 / 2"', "wrong-kind"), ("-1", "out-of-range"), ("[3]", "wrong-kind")])
def test_a_shape_of_constants_is_held_to_what_a_shape_is(n, code):
    (problem,) = problems(f'constants = {{ n = {n} }}\ninput = [3, "n"]\nlayers = ["relu"]')
    assert (problem.code, problem.line) == (code, 2)
    assert ("makes it whole" in problem.message) == ("/" in n)
