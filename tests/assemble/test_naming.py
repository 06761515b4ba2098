"""Names: what layers may be called, and what unnamed ones are called."""

import pytest
from helpers.texts import HERE, check, codes, names, problems

from cnnshape import loads


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


DOTTED = f"""{HERE}
allow = "unused-result"
layers = [
  {{ name = "downs.0", block = "pair" }},
  {{ name = "pools.0", type = "max_pool", kernel_size = 2 }},
  {{ name = "downs.1", block = "pair", repeat = 2 }},
  {{ name = "pools.1.deep", type = "max_pool", kernel_size = 2 }},
  {{ name = "sum", type = "add", from = ["%s", "%s"] }},
]
[blocks.pair]
layers = [{{ name = "one.a", type = "relu" }}, {{ name = "two", block = "inner" }}]
[blocks.inner]
layers = [{{ name = "b", type = "relu" }}]
"""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("pools.0", "pools.0"),
        ("downs.0", "downs.0.two.b"),
        ("downs.0.one.a", "downs.0.one.a"),
        ("downs.0.two.b", "downs.0.two.b"),
        ("downs.1", "downs.1.1.two.b"),
        ("downs.1.0.one.a", "downs.1.0.one.a"),
        ("downs.1.one.a", "downs.1.1.one.a"),  # of the last copy
        ("downs.1.two.b", "downs.1.1.two.b"),
    ],
)
def test_dotted_names_lead_to_their_layers(name, meant):
    net = loads(DOTTED % (name, name))
    values = {value: node.name for value, node in net.made()}
    assert values[net.nodes[-1].inputs[0]] == meant
    assert [row.name for row in net.check().layers[:3]] == ["downs.0.one.a", "downs.0.two.b", "pools.0"]


@pytest.mark.parametrize("name", ["downs", "pools", "pools.1", "downs.0.one", "downs.2", "downs.0.two.c", "pools.0.a"])
def test_a_part_of_a_dotted_name_is_no_layer(name):
    assert codes(DOTTED % (name, "input")) == ["unknown-layer"]


@pytest.mark.parametrize(
    "layers",
    [
        '{ name = "a", block = "b" }, { name = "a.relu1", type = "relu" }',
        '{ name = "a.relu1", type = "relu" }, { name = "a", block = "b" }',
        '{ name = "a", type = "relu", repeat = 2 }, { name = "a.1", type = "tanh" }',
        '{ name = "a.b", block = "b" }, { name = "a", block = "c" }',
    ],
)
def test_no_two_layers_have_one_dotted_name(layers):
    blocks = '[blocks.b]\nlayers = ["relu"]\n[blocks.c]\nlayers = [{ name = "b", block = "b" }]'
    assert codes(f"{HERE}layers = [{layers}]\n{blocks}") == ["duplicate-layer"]


def test_the_name_of_a_step_that_is_left_out_is_free():
    steps = '{ name = "{0}", type = "relu", when = false }, { name = "{1 - 1}", type = "conv", out_channels = 4, kernel_size = 1 }'
    layers = f'{steps}, {{ name = "sum", type = "add", from = ["0", "0"] }}'
    assert names(f"{HERE}layers = [{layers}]") == ["0", "sum"]
    assert check(f"{HERE}layers = [{layers}]").output == (4, 32, 32)
    assert codes(f"{HERE}layers = [{layers}]".replace("false", "true")) == ["duplicate-layer"]
