"""The memory of training, against torch: forwards, backward passes and steps that really run."""

import inspect
import itertools
import json
from random import Random

import pytest

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.file import zoo
from cnnshape.layers.activation import Tanh
from cnnshape.layers.rearranging import Permute

torch = pytest.importorskip("torch")

from helpers.tape import allocated, forward, kept  # noqa: E402 -- torch first

NAMES = sorted(name for name in zoo.files() if "/" not in name)
QUICK = {
    "lenet5",
    "lenet5_1998",
    "dcgan_discriminator",
    "dcgan_generator",
    "squeezenet1_0",
    "shufflenet_v2_x1_0",
    "crnn",
}
QUICK |= {"mobilenetv4_conv_small", "ghostnet_1_0", "regnet_x_400mf", "googlenet", "network_in_network", "repvgg_a0"}
MOST = 2_500_000_000  # bytes that a test may take
CNN = """
input = [3, 16, 16]
layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 3 },
  "batch_norm",
  "relu",
  "dropout",
  { type = "max_pool", kernel_size = 2 },
  "flatten",
  { name = "fc", type = "linear", out_features = 10 },
]
"""


def load(name):
    return cnnshape.load(f"zoo:{name}")


def net_of(layers, top="input = [6, 8, 8]"):
    return cnnshape.loads(f"{top}\nlayers = [\n{layers}\n]")


# What is kept


ZOO = [
    pytest.param(name, batch, marks=() if name in QUICK and batch < 8 else pytest.mark.slow, id=f"{name}-{batch}")
    for name in NAMES
    for batch in (1, 2, 8)
]


@pytest.mark.parametrize(("name", "batch"), ZOO)
def test_a_net_of_the_zoo_keeps_what_torch_keeps(name, batch):
    net = load(name)
    found = net.memory(batch)
    if found.saved is None:
        if name != "crnn":  # whose LSTM keeps a workspace of its own
            with pytest.raises(ValueError, match="more than 1 value per channel"):
                kept(net, batch)
        return
    if found.saved > MOST:
        pytest.skip(f"{found.saved:,} bytes")
    assert found.saved == kept(net, batch)


@pytest.mark.parametrize(
    "layers",
    [
        '"relu", "relu", "sigmoid"',  # nothing: the input needs no gradient
        '{ name = "a", type = "conv", out_channels = 6, kernel_size = 1 }, "relu", { type = "add", from = ["a", "a"] }',
        '"scale", { name = "a", type = "relu" }, { name = "b", type = "mul", from = ["a", "a"] }, "scale"',
        '"scale", { name = "a", type = "sigmoid" }, { type = "gelu", from = "a" }, { type = "tanh", from = "a" }',
        '{ type = "conv", out_channels = 6, kernel_size = 1, frozen = true }, "relu", "scale"',
        '"scale", { type = "conv", out_channels = 4, kernel_size = 3, learned = false }, { type = "batch_norm", frozen = true }',
        '{ name = "a", type = "conv", out_channels = 6, kernel_size = 1 }, "relu", { type = "conv", shares = "a" }, "relu"',
        """{ name = "a", type = "conv", out_channels = 6, kernel_size = 1 }, "gelu",
        { type = "conv", shares_weight = "a", out_channels = 6, kernel_size = 1 }""",
        """{ name = "a", type = "conv", out_channels = 6, kernel_size = 1, parametrization = "weight_norm" },
        { type = "conv", out_channels = 6, kernel_size = 1, parametrization = "spectral_norm" }, { type = "conv", shares = "a" }""",
        """"scale", { type = "crop", amount = 1 }, { type = "slice", dim = 2, step = 2 }, { type = "permute", dims = [3, 1, 2] },
        { type = "linear", out_features = 5 }, { type = "flatten" }, { type = "linear", out_features = 2 }""",
        """"scale", { type = "layer_norm", over = "channels" }, { type = "conv", out_channels = 4, kernel_size = 1 },
        "gelu", { type = "upsample", scale_factor = 2 }, "flatten", { type = "linear", out_features = 2 }""",
        """"scale", { type = "layer_norm", over = "channels" }, { type = "linear", out_features = 4, over = "channels" },
        "gelu", { type = "linear", out_features = 3, over = "channels" }, { type = "scale", parameter_shape = [-1] }""",
        """"scale", { type = "rms_norm", over = "channels" }, "relu", { type = "linear", out_features = 4, over = "channels" },
        { type = "linear", out_features = 3, over = "channels" }, "scale\"""",
        '"scale", { type = "select", dim = 2, index = 0 }, "scale"',
        '"scale", { name = "p", type = "max_pool", kernel_size = 2 }, "relu", { type = "max_unpool", indices = "p" }, "scale"',
    ],
)
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_net_keeps_what_torch_keeps(layers, batch):
    net = net_of(layers, 'input = [6, 8, 8]\nallow = ["unused-result", "linear-on-space"]')
    assert net.memory(batch).saved == kept(net, batch)


def test_a_pool_that_keeps_its_side_within_limits_is_a_layer():
    pool = '{ type = "adaptive_max_pool", output_size = "keep", at_least = 9, at_most = 12 }'
    net = net_of(f'"scale", {pool}, "scale"', "input = [4, 5]")
    assert net.memory(2).saved == kept(net, 2)


def test_what_hangs_on_a_result_that_nobody_uses_is_freed():
    dead = '{ name = "a", type = "scale" }, { type = "conv", out_channels = 9, kernel_size = 3 }, "gelu", '
    net = net_of(dead + '{ name = "b", type = "tanh", from = "a" }', 'input = [6, 8, 8]\nallow = "unused-result"')
    found = net.memory(2)
    assert found.saved == kept(net, 2) == 2 * 2 * 6 * 8 * 8 * 4
    assert found.layers["conv1"] == found.layers["gelu1"] == 0
    assert found.gradients == 6 * 4 < found.parameters


def test_several_inputs_and_outputs():
    net = net_of(
        '{ name = "a", type = "conv", out_channels = 3, kernel_size = 3, from = "left" },\n'
        '{ name = "b", type = "conv", out_channels = 3, kernel_size = 3, from = "right" },\n'
        '{ name = "c", type = "mul", from = ["a", "b"] }, { name = "d", type = "relu", from = "a" }',
        'inputs = { left = [1, 8, 8], right = [2, 8, 8] }\noutputs = ["c", "d"]',
    )
    found, (_, result, storages) = net.memory(4), forward(net, 4)
    assert found.saved == sum(storages.values())
    others = [tensor.untyped_storage() for tensor in result.values()]
    assert found.output == sum(one.nbytes() for one in others if one._cdata not in storages)


@pytest.mark.parametrize("last", ["sigmoid", "flatten", "tanhshrink", "identity", "max_pool"])
def test_an_output_that_is_kept_counts_once(last):
    settings = {"max_pool": ", kernel_size = 2"}.get(last, "")
    net = net_of(f'"scale", {{ type = "{last}"{settings} }}')
    found, (_, result, storages) = net.memory(2), forward(net, 2)
    both = storages | {result.untyped_storage()._cdata: result.untyped_storage().nbytes()}
    assert found.saved + found.output == sum(both.values())


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ('{ type = "lstm", hidden_size = 3, over = 2 }', "it keeps a workspace of its own"),
        ('{ type = "opaque", out_shape = "keep", num_parameters = 5 }', "its layers are not known"),
        ('{ type = "attention", num_heads = 2, over = 2, dropout = 0.1 }', "with dropout, what it keeps is not known"),
    ],
)
def test_behind_a_layer_that_keeps_the_unknown_nothing_is_stated(layer, why):
    net = net_of(f'"scale", {layer}, "scale"', "input = [6, 8]")
    found, kind = net.memory(2), layer.split('"')[1]
    assert found.reason == f"not stated behind {kind}1: {why}"
    assert found.saved is found.peak is found.output is None
    assert found.layers == {"scale1": 2 * 6 * 8 * 4, f"{kind}1": None, "scale2": None}
    assert found.parameters == 4 * net.check().parameters == found.gradients
    assert net.largest_batch(found.step) is None
    assert net.largest_batch(found.step - 1) == 0


def test_what_torch_refuses_in_training_is_not_stated():
    net = net_of('"global_avg_pool", "batch_norm"')
    assert net.memory(1).reason == "not stated behind batch_norm1: torch refuses one value a channel in training"
    assert net.memory(2).saved == kept(net, 2)


# Parameters, buffers, gradients


@pytest.mark.parametrize("name", ["alexnet", "googlenet_aux", "crnn", "shufflenet_v2_x1_0", "nf_resnet50", "segnet"])
def test_parameters_and_buffers_are_those_of_the_module(name):
    net = load(name)
    module, found = cnnshape.build(net), net.memory(2)
    assert found.parameters == sum(one.nbytes for one in module.parameters())
    assert found.buffers == sum(one.nbytes for one in module.buffers())


OF_BLOCKS = """
input = [4, 8, 8]
layers = [
  { name = "b.first", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "a.one", type = "conv", out_channels = 4, kernel_size = 3, padding = 1, parametrization = "weight_norm" },
  { name = "b.second", type = "conv", shares = "a.one" },
  { name = "a.two", type = "conv", out_channels = 4, kernel_size = 1, frozen = true },
  { name = "b.third", type = "batch_norm" },
  { name = "c", type = "conv", out_channels = 4, kernel_size = 3, gain = true, learned = true },
  { name = "dead", type = "conv", out_channels = 7, kernel_size = 1 },
  { name = "half", type = "instance_norm", affine = true, track_running_stats = true, from = "c" },
]
allow = "unused-result"
"""


def test_gradients_and_states_are_those_of_a_step():
    net = cnnshape.loads(OF_BLOCKS)
    module, result, _ = forward(net, 2)
    result.sum().backward()
    optimizer = torch.optim.Adam(module.parameters())
    optimizer.step()
    gradients = [one.grad.nbytes for one in module.parameters() if one.grad is not None]
    states = [tensor.nbytes for state in optimizer.state.values() for tensor in state.values()]
    found = net.memory(2, "adam")
    assert (found.gradients, found.optimizer) == (sum(gradients), sum(states))
    assert found.temporaries == max(2 * size + before for before, size in zip([0, *gradients], gradients, strict=False))
    assert found.fixed == found.parameters + found.buffers + found.optimizer
    assert found.peak == max(
        found.fixed + found.saved + found.output, found.fixed + found.gradients + found.temporaries
    )
    assert found.step == found.fixed + found.gradients + found.temporaries


# Optimisers

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}, ("momentum", "weight_decay", "nesterov", "maximize")),
    "adam": (torch.optim.Adam, {}, ("amsgrad", "weight_decay", "maximize")),
    "adamw": (torch.optim.AdamW, {}, ("amsgrad", "weight_decay", "maximize")),
    "rmsprop": (torch.optim.RMSprop, {}, ("momentum", "centered", "weight_decay", "maximize")),
    "adagrad": (torch.optim.Adagrad, {}, ("weight_decay", "maximize")),
}
NUMBERS = {"momentum": 0.9, "weight_decay": 0.1}
WAYS = ({}, {"foreach": True}, {"foreach": False}, {"fused": True})  # of which rmsprop is never fused
SCALARS = 16  # bytes of the numbers of a step, which are tensors on their way


def chosen():
    for name, (make, _, options) in OPTIMIZERS.items():
        ways = [how for how in WAYS if how.keys() <= inspect.signature(make).parameters.keys()]
        for bits, how in itertools.product(range(2 ** len(options)), ways):
            given = {option: NUMBERS.get(option, True) for place, option in enumerate(options) if bits >> place & 1}
            if "nesterov" not in given or "momentum" in given:
                yield pytest.param(name, given, how, id="-".join([name, *given, *map(str, how.items())]))


@pytest.mark.parametrize(("name", "given", "how"), [*chosen()])
def test_an_optimizer_holds_what_it_holds_in_torch(name, given, how):
    make, needed, _ = OPTIMIZERS[name]
    net = net_of(
        '{ type = "conv", out_channels = 9, kernel_size = 3 }, { type = "conv", out_channels = 11, kernel_size = 3 }, "batch_norm",'
        '{ type = "conv", out_channels = 11, kernel_size = 3, bias = false }, "flatten", { type = "linear", out_features = 40 },'
        '{ type = "linear", out_features = 40 }, { type = "linear", out_features = 3 }'
    )
    module = forward(net, 2)[0]
    optimizer = make(module.parameters(), **needed, **given, **how)
    for _ in range(2):
        optimizer.zero_grad()
        module(torch.rand(2, 6, 8, 8)).sum().backward()
        optimizer.step()
    states = [
        one.nbytes for state in optimizer.state.values() for one in state.values() if isinstance(one, torch.Tensor)
    ]
    found = net.memory(2, {"name": name, **given, **how})
    assert found.optimizer == sum(states)
    assert found.temporaries <= allocated(optimizer) <= found.temporaries + SCALARS


def test_all_parameters_are_taken_at_once_on_cuda():
    net = load("alexnet")
    found = net.memory(2, "adam", device="cuda")
    assert found.temporaries == found.gradients
    assert net.memory(2, {"name": "adam", "fused": True}, device="cuda").temporaries == 0


def test_a_mask_is_of_bytes_on_cuda():
    net = cnnshape.loads(CNN)
    assert net.memory(2).saved - net.memory(2, device="cuda").saved == 3 * 2 * 8 * 14 * 14


def test_the_optimizer_is_the_files():
    net = cnnshape.loads(f'{CNN}\n[training]\nbatch_size = 6\noptimizer = {{ name = "Adam", amsgrad = true }}')
    found = net.memory()
    assert (found.batch, found.optimizer) == (6, net.memory(2, {"name": "adam", "amsgrad": True}).optimizer)
    assert net.memory(2, "none").optimizer == 0
    assert cnnshape.loads(CNN).memory().optimizer == 0
    assert cnnshape.loads(CNN).memory().batch == 1


# The largest batch


@pytest.mark.parametrize("name", ["lenet5", "dcgan_discriminator", "googlenet", "yolov8n", "shufflenet_v2_x1_0"])
@pytest.mark.parametrize("optimizer", ["none", "adam"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_largest_batch_is_the_last_that_fits(name, optimizer, device):
    net = load(name)
    for limit in (10**7, 10**9, 3 * 10**9 + 1):
        batch = net.largest_batch(limit, optimizer, device=device)
        assert batch == 0 or net.memory(batch, optimizer, device=device).peak <= limit
        assert net.memory(batch + 1, optimizer, device=device).peak > limit


def test_the_largest_batch_at_the_very_bytes():
    net = cnnshape.loads(CNN)
    for batch in (1, 2, 3, 50):
        peak = net.memory(batch).peak
        assert net.largest_batch(peak) == batch
        assert net.largest_batch(peak - 1) == batch - 1


def test_a_net_that_keeps_nothing_is_bound_by_its_output():
    net = net_of('{ type = "linear", out_features = 8, frozen = true }')
    assert net.memory(4).saved == 0
    assert net.largest_batch(net.memory(4).peak) == 4
    assert net.largest_batch(0) == 0


def test_a_layer_type_of_ones_own_that_says_nothing_is_not_stated(monkeypatch):
    monkeypatch.setattr(Tanh, "keeps", None)
    assert net_of('"tanh"').memory(2).reason == "not stated behind tanh1: what it keeps is not known"
    monkeypatch.setattr(Permute, "call", lambda _, torch, __, x: torch.flip(x, (1,)))
    found = net_of('{ type = "permute", dims = [1, 2, 3] }').memory(2)
    assert found.reason == "not stated behind permute1: what torch keeps of flip is not known"


# An evaluation


@pytest.mark.parametrize(
    ("layers", "values"),
    [
        ('"relu"', 2),
        ('"relu", "relu", "relu"', 2),
        ('"flatten", "identity", "dropout"', 1),
        ('{ name = "a", type = "relu" }, { name = "b", type = "relu" }, { type = "add", from = ["a", "b"] }', 3),
        ('{ name = "a", type = "relu" }, { type = "crop", amount = 3 }, { type = "slice", stop = 1 }', 2),
        ('{ name = "a", type = "relu" }, { name = "b", type = "relu", from = "input" }', 2),
    ],
)
def test_the_live_set_of_an_evaluation(layers, values):
    net = net_of(layers, 'input = [6, 8, 8]\nallow = "unused-result"')
    assert net.memory(3).inference == values * 3 * 6 * 8 * 8 * 4


# What is refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"batch": 0}, "batch must be a whole number from 1 up, not 0"),
        ({"batch": 2.5}, "batch must be a whole number from 1 up, not 2.5"),
        ({"batch": True}, "batch must be"),
        ({"device": "mps"}, "device must be one of cpu, cuda, not 'mps'"),
        ({"optimizer": "lion"}, "nothing is known of the optimizer 'lion'; it must be one of sgd, adam"),
        ({"optimizer": {"momentum": 0.9}}, "optimizer must be a name, or a table with one"),
        ({"optimizer": 3}, "optimizer must be a name"),
        ({"input": (3, 0, 4)}, "input must be a shape of positive numbers"),
    ],
)
def test_a_wrong_argument_is_a_value_error(arguments, words):
    with pytest.raises(ValueError, match=words):
        cnnshape.loads(CNN).memory(**arguments)


def test_a_broken_net_raises_its_problems():
    net = cnnshape.loads(CNN)
    with pytest.raises(ArchitectureError, match="declared-differs"):
        net.memory(2, input=(3, 18, 18))
    with pytest.raises(ArchitectureError, match="declared-differs"):
        net.largest_batch(10**9, input=(3, 18, 18))


def test_another_input_is_another_memory():
    net = net_of('{ type = "conv", out_channels = 8, kernel_size = 3 }, "relu"')
    assert net.memory(2, input=(6, 20, 12)).saved == 4 * 2 * (6 * 20 * 12 + 8 * 18 * 10)


# Random nets of views and gates


def random_net(chance):
    """A net of layers that take parts, exchange axes, and join values that lie anyhow."""
    shapes = {"input": (chance.choice([2, 4, 6]), chance.choice([4, 5, 8]), chance.choice([4, 6, 8]))}
    lines = []

    def add(kind, sources, shape, **settings):
        name = f"n{len(lines)}"
        lines.append({"name": name, "type": kind, "from": sources, **settings})
        shapes[name] = shape

    for _ in range(chance.randrange(4, 14)):
        one = chance.choice([*shapes][-4:])
        shape = shapes[one]
        alike = [name for name, other in shapes.items() if other == shape]
        axis = chance.randrange(len(shape))
        match chance.choice(
            ["part", "part", "permute", "gate", "add", "conv", "norm", "point", "move", "reduce", "learned"]
        ):
            case "part" if shape[axis] > 2:
                step = chance.choice([1, 1, 2])
                left = (*shape[:axis], len(range(1, shape[axis], step)), *shape[axis + 1 :])
                add("slice", one, left, dim=axis + 1, start=1, step=step)
            case "permute":
                order = chance.sample(range(len(shape)), len(shape))
                add("permute", one, tuple(shape[axis] for axis in order), dims=[axis + 1 for axis in order])
            case "gate":
                add("sigmoid", one, shape)
                add(chance.choice(["mul", "mul", "div"]), [one, f"n{len(lines) - 1}"], shape)
            case "add":
                add(chance.choice(["add", "sub", "mul"]), [one, chance.choice(alike)], shape)
            case "conv" if len(shape) == 3:
                out = chance.choice([2, 4])
                add("conv", one, (out, *shape[1:]), out_channels=out, kernel_size=chance.choice([1, 3]), padding="same")
            case "norm":
                if shape[0] > 1:
                    add("group_norm", one, shape, num_groups=1)
                    add("layer_norm", f"n{len(lines) - 1}", shape, over=chance.choice(["channels", "last", "all"]))
            case "point":
                add(
                    chance.choice(["relu", "gelu", "dropout", "softmax", "softsign", "log_sigmoid", "tanhshrink"]),
                    one,
                    shape,
                )
            case "move":
                add("stack", [one, chance.choice(alike)], (2, *shape), dim=1)
                add("flatten", f"n{len(lines) - 1}", (2 * shape[0], *shape[1:]), end_dim=2)
            case "reduce" if len(shape) > 1:
                add(
                    "reduce",
                    one,
                    shape[:axis] + shape[axis + 1 :],
                    how=chance.choice(["mean", "max", "norm"]),
                    dim=axis + 1,
                )
            case "learned":
                add(chance.choice(["scale", "bias"]), one, shape)
                add("linear", f"n{len(lines) - 1}", (*shape[:-1], 3), out_features=3)
    add("relu", one, shape)
    outputs = chance.sample([line["name"] for line in lines], chance.choice([1, 1, 2]) if len(lines) > 1 else 1)
    body = ",\n".join(
        f"{{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in line.items())} }}" for line in lines
    )
    allow = ["unused-result", "linear-on-space"]
    return f"input = {[*shapes['input']]}\noutputs = {json.dumps(outputs)}\nallow = {json.dumps(allow)}\nlayers = [\n{body}\n]\n"


@pytest.mark.parametrize("seed", range(60))
def test_a_random_net_keeps_what_torch_keeps(seed):
    chance = Random(seed)
    text = random_net(chance)
    net = cnnshape.loads(text)
    net.raise_for_layers()
    for batch in (1, 2, 3):
        assert net.memory(batch).saved == kept(net, batch), f"{text}batch {batch}"
    saved = [net.memory(batch).saved for batch in (2, 3, 9)]
    assert saved[2] - saved[1] == 6 * (saved[1] - saved[0])
