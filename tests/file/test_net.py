"""The net's own keys: inputs, outputs, warnings that are allowed, claims, training."""

import pytest
from helpers.texts import HERE, check, codes

import cnnshape

# Several inputs and outputs


def test_several_inputs_are_used_by_name():
    report = check("""
inputs = { left = [1, 64, 64], right = [2, 64, 64], input = [3, 64, 64], input1 = [4, 64, 64] }
layers = [{ type = "concat", from = ["right", "left", "input1", "input"] }]""")
    assert report.inputs == {"left": (1, 64, 64), "right": (2, 64, 64), "input": (3, 64, 64), "input1": (4, 64, 64)}
    assert report.output == (10, 64, 64)


def test_an_input_that_nobody_uses_is_no_problem_of_a_layer():
    assert check('inputs = { a = [1, 8], b = [1, 8] }\nlayers = [{ type = "relu", from = "a" }]').output == (1, 8)


def test_the_output_is_the_last_layer_unless_said():
    layers = 'layers = [{ name = "a", type = "relu" }, { name = "b", type = "max_pool", kernel_size = 2 }, "relu"]'
    assert check(HERE + layers).outputs == {"relu1": (3, 16, 16)}
    report = check(f'{HERE}outputs = ["b", "a", "input"]\n{layers}'.replace(', "relu"]', "]"))
    assert list(report.outputs.items()) == [("b", (3, 16, 16)), ("a", (3, 32, 32)), ("input", (3, 32, 32))]
    assert report.output == (3, 32, 32)
    assert check(f'{HERE}outputs = "b"\n{layers}'.replace(', "relu"]', "]")).outputs == {"b": (3, 16, 16)}


@pytest.mark.parametrize(
    "step", ['block = "b"', 'block = "b", repeat = 2', 'block = "b", when = false', 'type = "relu", repeat = 0']
)
def test_the_output_of_a_named_block_has_its_name(step):
    assert list(
        check(f'{HERE}layers = ["relu", {{ name = "end", {step} }}]\n[blocks.b]\nlayers = ["relu"]').outputs
    ) == ["end"]


def test_outputs_in_blocks_have_dotted_names():
    report = check("""
input = [3, 32, 32]
outputs = ["refine.flow", "refine"]
layers = [{ name = "refine", block = "refine" }]
[blocks.refine]
layers = [{ name = "flow", type = "conv", out_channels = 2, kernel_size = 1 }, { name = "last", type = "relu" }]
[claims.outputs]
"refine.flow" = [2, 32, 32]
refine = [2, 32, 32]
""")
    assert report.outputs == {"refine.flow": (2, 32, 32), "refine": (2, 32, 32)}


# Warnings that are allowed


@pytest.mark.parametrize("allow", ['"unused-result"', '["unused-result"]', '["dropped-rows", "unused-result"]'])
def test_a_warning_is_silenced_by_its_code(allow):
    layers = 'layers = [{{ name = "a", type = "relu"{} }}, {{ type = "relu", from = "input" }}]'
    assert codes(HERE + layers.format("")) == ["unused-result"]
    assert codes(HERE + layers.format(f", allow = {allow}")) == []
    assert codes(f"{HERE}allow = {allow}\n" + layers.format("")) == []


def test_a_warning_of_the_check_is_silenced_too():
    linear = '{{ type = "linear", out_features = 4{} }}'
    assert codes(f"{HERE}layers = [{linear.format('')}]") == ["linear-on-space"]
    allow = 'allow = "linear-on-space"'
    assert codes(f"{HERE}{allow}\nlayers = [{linear.format('')}]") == []
    assert codes(f"{HERE}layers = [{linear.format(', ' + allow)}]") == []
    assert codes(f'{HERE}layers = [{{ block = "b", {allow} }}]\n[blocks.b]\nlayers = [{linear.format("")}]') == []


def test_a_warning_of_another_layer_stays():
    allowed, other = '{ type = "tanh", from = "input", allow = "unused-result" }', '{ type = "relu", from = "input" }'
    assert codes(f"{HERE}layers = [{allowed}, {other}, {other}]") == ["unused-result"]


def test_an_error_cannot_be_allowed():
    assert codes(f'{HERE}allow = ["window-too-large"]\nlayers = ["relu"]') == ["unknown-warning"]


# Claims and training


def test_claims_that_hold():
    check("""
input = [3, 32, 32]
layers = [{ name = "conv", type = "conv", out_channels = 8, kernel_size = 11, stride = 4 }]
[claims]
parameters = 2912
macs = 104544
output = [8, 6, 6]
outputs = { conv = [8, 6, 6] }
valid_sizes = "every size from 11"
""")


def test_training_is_facts_and_free():
    net = cnnshape.loads("""
input = [3, 32, 32]
layers = ["relu"]
[training]
batch_size = 128
epochs = 90
augmentation = ["flip", "crop"]
optimizer = { name = "sgd", momentum = 0.9, learning_rate = 1e-2, weight_decay = 5e-4, nesterov = true }
""")
    assert net.training["batch_size"] == 128
    assert net.training["optimizer"]["momentum"] == 0.9
    assert net.training["augmentation"] == ["flip", "crop"]


def test_training_is_the_nets_own(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(
        'input = [1, 2]\nlayers = ["relu"]\n[training]\nbatch_size = 8\ncrops = ["flip"]\noptimizer = { name = "sgd", more = [{ a = 1 }] }\n'
    )
    nets = [cnnshape.load(file) for _ in range(2)]  # the file is parsed once
    nets[0].training["batch_size"] = 4
    nets[0].training["crops"].append("turn")
    nets[0].training["optimizer"]["name"] = "adam"
    nets[0].training["optimizer"]["more"][0]["a"] = 2
    optimizer = {"name": "sgd", "more": [{"a": 1}]}
    assert nets[1].training == {"batch_size": 8, "crops": ["flip"], "optimizer": optimizer}
