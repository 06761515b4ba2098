"""Names: what layers may be called, and what unnamed ones are called."""

import pytest
from helpers.texts import HERE, check, codes, names, problems


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


def test_no_two_unnamed_layers_are_called_the_same():
    uses = ", ".join(['{ block = "b1" }', *['{ block = "b" }'] * 11])
    blocks = '[blocks.b]\nlayers = ["relu"]\n[blocks.b1]\nlayers = ["relu"]'
    found = names(f"{HERE}layers = [{uses}]\n{blocks}")  # the first is b11, and so would the eleventh b be
    assert len(found) == len({*found}) == 12


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


def test_templates_hold_expressions():
    text = f"""{HERE}constants = {{ base = 7, deep = true }}
layers = [
  {{ name = "layer{{base + 1}}-{{deep}}", type = "relu" }},
  {{ name = "copy{{i + 1}}of{{in_channels}}", type = "relu", repeat = 2 }},
  {{ type = "add", from = ["layer{{base + 1}}-true", "copy1of3"] }},
]"""
    assert names(text) == ["layer8-true", "copy1of3", "copy2of3", "add1"]
