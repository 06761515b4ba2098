"""Live models: those of the zoo's families agree, faults are answered, nothing is changed."""

import random
import re
import sys

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import DIFFERS, Code, compare, found, matched, verdicts
from helpers.paths import ARCHITECTURES
from models import classic, dense, images, mobile, residual
from models.planted import NET, STYLES, behind, parts, put
from torch import nn

import cnnshape
from cnnshape.testing import assert_shapes

# The zoo

ZOO = {
    "lenet5": classic.LeNet5,
    "alexnet": classic.AlexNet,
    "alexnet_two_gpu": classic.TwoTowers,
    "alexnet_torchvision": classic.TorchvisionAlexNet,
    "zfnet": classic.ZFNet,
    "vgg11": lambda: classic.VGG(11),
    "vgg16": classic.VGG,
    "vgg16_bn": lambda: classic.VGG(16, batch_norm=True),
    "network_in_network": classic.NetworkInNetwork,
    "c3d": classic.C3D,
    "resnet18": lambda: residual.ResNet(residual.BasicBlock, (2, 2, 2, 2)),
    "resnet50": lambda: residual.ResNet(residual.Bottleneck, (3, 4, 6, 3)),
    "wide_resnet50_2": lambda: residual.ResNet(residual.Bottleneck, (3, 4, 6, 3), wider=2),
    "resnext50_32x4d": lambda: residual.ResNet(residual.Bottleneck, (3, 4, 6, 3), wider=2, groups=32),
    "preact_resnet50": residual.PreActResNet50,
    "se_resnet50": residual.SEResNet50,
    "regnet_x_400mf": residual.RegNetX400MF,
    "r3d_18": residual.R3D18,
    "darknet53": residual.DarkNet53,
    "xception41": residual.Xception41,
    "densenet121": dense.DenseNet,
    "dpn68": dense.DPN68,
    "googlenet": dense.GoogLeNet,
    "googlenet_aux": lambda: dense.GoogLeNet(aux=True),
    "squeezenet1_0": dense.SqueezeNet,
    "mobilenet_v1": mobile.MobileNetV1,
    "mobilenet_v2": mobile.MobileNetV2,
    "mobilenet_v3_large": mobile.MobileNetV3Large,
    "mnasnet1_0": mobile.MnasNet,
    "efficientnet_b0": mobile.EfficientNetB0,
    "shufflenet_v2_x1_0": mobile.ShuffleNetV2,
    "convnext_tiny": mobile.ConvNeXt,
    "unet": images.UNet,
    "unet_original": images.OriginalUNet,
    "segnet": images.SegNet,
    "fcn8s": images.FCN8s,
    "fpn_resnet50": images.FPN,
    "dcgan_generator": images.Generator,
    "dcgan_discriminator": images.Discriminator,
    "wavenet": images.WaveNet,
}


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_agrees_with_models_as_people_write_them(name):
    with torch.device("meta"):
        model = ZOO[name]()
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    comparison = compare(net, model)
    assert comparison.problems == ()
    assert {match.verdict for match in comparison.layers} == {"agrees"}
    assert (comparison.extra, comparison.device) == ((), "meta")
    weighty = [(match.name, match.parameters) for match in comparison.layers if match.parameters]
    assert sum(count for _, count in weighty) == sum(p.numel() for p in model.parameters())
    assert weighty == [(row.name, row.parameters) for row in net.check().layers if row.parameters]


def test_a_real_run_on_the_cpu():
    comparison = compare(cnnshape.load(ARCHITECTURES / "squeezenet1_0.toml"), dense.SqueezeNet(), "cpu")
    assert (comparison.ok, comparison.device) == (True, "cpu")
    assert matched(comparison)["conv1"] == "0"
    assert matched(comparison)["fire2.expand3x3"] == "3.expand3x3"
    assert re.fullmatch(r"3\.cat\(\) \(dense\.py:\d+\)", matched(comparison)["fire2.concat"])


def test_at_another_input():
    net = cnnshape.load(ARCHITECTURES / "unet.toml")
    with torch.device("meta"):
        model = images.UNet()
    comparison = compare(net, model, input=(1, 48, 32))
    assert comparison.ok
    assert comparison.layers[-1].output == (2, 48, 32)


# Faults


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(16, 8, 3)

    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x))))


THREE = """
input = [3, 32, 32]
layers = [
  { name = "conv1", type = "conv", out_channels = 8, kernel_size = 3 },
  "relu",
  { name = "conv2", type = "conv", out_channels = 8, kernel_size = 3 },
  { name = "last", type = "relu" },
]
"""


def test_a_model_that_raises_in_a_layer():
    comparison = compare(THREE, Raises())
    assert verdicts(comparison) == {"conv1": "agrees", "relu1": "agrees", "conv2": "fails", "last": "not run"}
    differs, fails = comparison.problems
    assert (differs.layer, fails.layer, fails.code) == ("conv2", "conv2", "model-fails")
    assert "in_channels 8" in differs.message
    assert "in_channels 16" in differs.message
    assert "the model raises in conv2: RuntimeError: Given groups=1" in fails.message
    assert "(test_live.py:" in fails.message


def test_a_model_that_raises_in_its_own_code_or_in_a_function():
    class Own(Raises):
        def forward(self, x):
            x = F.relu(self.conv1(x))
            raise KeyError("threshold")

    class Function(Raises):
        def forward(self, x):
            return F.max_pool2d(F.relu(self.conv1(x)), 64)

    own, function = compare(THREE, Own()), compare(THREE, Function())
    assert found(own) == [("model-fails", "relu1")]
    assert "the model raises in Own(): KeyError: 'threshold' (test_live.py:" in own.problems[0].message
    assert verdicts(own) == {"conv1": "agrees", "relu1": "agrees", "conv2": "not run", "last": "not run"}
    assert "the model raises in max_pool2d(): " in function.problems[-1].message


def test_errors_that_the_model_catches_itself_do_not_matter():
    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.wrong, self.conv = nn.Sequential(nn.Conv2d(1, 1, 3)), nn.Conv2d(3, 8, 3)

        def forward(self, x):
            try:
                x = self.wrong(x)
            except RuntimeError:
                x = self.conv(x)
            return F.relu(x)

    comparison = compare(
        'input = [3, 8, 8]\nlayers = [{ name = "conv", type = "conv", out_channels = 8, kernel_size = 3 }, "relu"]',
        Tries(),
    )
    assert matched(comparison)["conv"] == "conv"
    assert [problem.message for problem in comparison.problems] == [
        "the model has 10 parameters in wrong.0, which no layer used when it was evaluated: the file has not"
    ]


class Returns(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.conv, self.form = nn.Conv2d(3, 8, 3), form

    def forward(self, x):
        features = self.conv(x)
        return self.form(features, features.mean((2, 3)))


HEADS = """
input = [3, 8, 8]
{outputs}
layers = [
  {{ name = "maps", type = "conv", out_channels = 8, kernel_size = 3 }},
  {{ name = "vector", type = "global_avg_pool" }},
  {{ name = "flat", type = "flatten" }},
]
"""
TWO_HEADS = HEADS.format(outputs='outputs = ["maps", "flat"]')


@pytest.mark.parametrize(
    "form",
    [
        lambda maps, flat: (maps, flat),
        lambda maps, flat: [flat, {"x": maps}],
        lambda maps, flat: {"flat": flat, "maps": maps},
        lambda maps, flat: {"a": flat, "b": (maps, None, 3)},
    ],
    ids=["tuple", "nested", "named", "dict"],
)
def test_a_model_that_returns_several_tensors(form):
    assert compare(TWO_HEADS, Returns(form)).ok


def test_what_is_returned_has_the_files_shapes_or_it_is_a_problem():
    one = HEADS.format(outputs="")
    assert compare(one, Returns(lambda maps, flat: {"features": maps, "logits": flat})).ok
    (problem,) = compare(one, Returns(lambda maps, flat: flat[:, :, None])).problems
    assert (problem.code, problem.layer) == (DIFFERS, "flat")
    assert "output 8 in the file, but 8x1 in what Returns returns" in problem.message
    (problem,) = compare(one, Returns(lambda maps, flat: None)).problems
    assert "but no tensor in what Returns returns" in problem.message
    (problem,) = compare(TWO_HEADS, Returns(lambda maps, flat: flat)).problems
    assert problem.layer == "maps"


class Masked(nn.Module):
    def forward(self, x, mask):
        return F.relu(x) * mask


def test_inputs_that_the_model_needs_and_the_file_does_not_declare():
    comparison = compare('input = [3, 8, 8]\nlayers = ["relu"]', Masked())
    (problem,) = comparison.problems
    assert (problem.code, verdicts(comparison)) == ("model-fails", {"relu1": "not run"})
    said = "forward(x, mask) does not take the inputs of the file, input: missing a required argument: 'mask'"
    assert said in problem.message
    two = "inputs = { x = [3, 8, 8], mask = [1, 8, 8] }\nlayers = [\n"
    two += '  { name = "r", type = "relu", from = "x" },\n  { type = "mul", from = ["r", "mask"] },\n]'
    assert compare(two, Masked()).ok


def test_shapes_that_depend_on_the_data_get_a_warning():
    class Picks(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            x = self.fc(x)
            return x[:, x[0] > -100.0]

    text = 'input = [4]\nlayers = [{ name = "fc", type = "linear", out_features = 2 }]'
    comparison = compare(text, Picks())
    (problem,) = comparison.problems
    assert (problem.code, problem.severity) == ("depends-on-data", "warning")
    assert "(getitem() at test_live.py:" in problem.message
    assert comparison.ok
    assert compare(f'allow = "{problem.code}"\n{text}', Picks()).problems == ()


def test_lazy_modules_stay_lazy():
    model = STYLES["named"](parts())
    assert compare(NET, model).ok
    assert isinstance(model.fc1, nn.LazyLinear)
    assert model.fc1.has_uninitialized_params()
    assert model.fc1._forward_pre_hooks


def test_a_model_on_another_device_runs_there_or_where_it_is_asked_to():
    model = classic.LeNet5()
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    assert compare(net, model).device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert compare(net, model, "meta").ok
    assert {p.device.type for p in model.parameters()} == {"cpu"}
    model.lost = torch.zeros(10)
    model.fc3.register_forward_hook(lambda module, args, output: output + model.lost)
    comparison = compare(net, model, "meta")
    assert [problem.code for problem in comparison.problems] == ["model-fails"]
    assert "meta" in comparison.problems[0].message


def test_a_model_that_has_shapes_alone_stays_so():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    with torch.device("meta"):
        model = classic.LeNet5()
    assert compare(net, model).device == "meta"
    assert compare(net, model, "cpu").ok
    assert all(p.is_meta for p in model.parameters())


def test_a_model_without_parameters_and_one_that_is_a_single_layer():
    assert compare(
        'input = [3, 8, 8]\nlayers = ["relu", "global_avg_pool"]', nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    ).ok
    comparison = compare(
        'input = [3, 8, 8]\nlayers = [{ type = "conv", out_channels = 2, kernel_size = 3 }]', nn.Conv2d(3, 2, 3)
    )
    assert comparison.ok
    empty = compare("input = [3, 8, 8]\nlayers = ['relu']", nn.Identity())
    assert found(empty) == [(DIFFERS, "relu1")]


def test_constants_that_nobody_registered_are_no_layers():
    class Normalizes(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean, self.conv = torch.zeros(3, 1, 1), nn.Conv2d(3, 8, 3)

        def forward(self, x):
            return F.relu(self.conv((x - self.mean) / torch.full((3, 1, 1), 0.5)))

    text = 'input = [3, 8, 8]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 3 }, "relu"]'
    assert compare(text, Normalizes()).problems == ()


def test_a_batch_that_is_squeezed_away():
    text = 'input = [1, 8, 8]\nlayers = ["flatten", { type = "linear", out_features = 2 }]'
    (problem,) = compare(text, nn.Sequential(Code(lambda x: x.flatten().squeeze()), nn.Linear(64, 2))).problems
    assert "output 64 in the file, but output without axes in 0.flatten()" in problem.message


def test_an_exported_model_is_the_same():
    model = torch.export.export(classic.LeNet5().eval(), (torch.zeros(1, 1, 32, 32),)).module()
    comparison = compare(cnnshape.load(ARCHITECTURES / "lenet5.toml"), model)
    assert comparison.ok
    assert matched(comparison)["C1"] == "conv1"


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_what_torch_jit_has_made_its_own_cannot_be_seen():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    model = classic.LeNet5()
    with pytest.raises(TypeError, match=r"the model is a ScriptModule: give what torch\.jit made it of"):
        cnnshape.verify(net, model=torch.jit.script(model))
    model.conv2 = torch.jit.script(model.conv2)
    with pytest.raises(TypeError, match="conv2 is a ScriptModule"):
        cnnshape.verify(net, model=model)


def test_a_model_that_ends_the_program_has_failed():
    (problem,) = compare('input = [1]\nlayers = ["relu"]', Code(lambda x: sys.exit(3))).problems
    assert "the model raises in Code(): SystemExit: 3 (test_live.py:" in problem.message


def test_what_is_no_model_is_refused():
    net = cnnshape.loads(NET)
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, not <class"):
        cnnshape.verify(net, model=nn.ReLU)
    with pytest.raises(ValueError, match="there is no device 'tpu'"):
        cnnshape.verify(net, "tpu", model=nn.ReLU())


class Rectified(nn.Module):
    """The user's own module, which holds another as torch's wrappers do, and does more than to call it."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(F.relu(x))


def test_a_module_of_the_users_is_no_wrapper():
    text = 'input = [3, 8, 8]\nlayers = ["relu", { type = "conv", out_channels = 4, kernel_size = 3 }]'
    assert compare(text, Rectified(nn.Conv2d(3, 4, 3)), "cpu").ok


def test_a_wrapped_model_is_unwrapped():
    model = nn.DataParallel(classic.LeNet5())
    comparison = compare(cnnshape.load(ARCHITECTURES / "lenet5.toml"), model)
    assert comparison.ok
    assert matched(comparison)["C1"] == "conv1"
    assert comparison.model == "LeNet5"


def test_half_precision_and_double():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    assert compare(net, classic.LeNet5().double()).ok
    assert compare(net, classic.LeNet5().bfloat16()).ok


def test_nets_without_anything_in_common_end():
    with torch.device("meta"):
        model = dense.DenseNet()
    comparison = compare(cnnshape.load(ARCHITECTURES / "unet.toml"), model, input=(3, 64, 64))
    assert not comparison.ok


# The model is left as it was


class Busy(nn.Module):
    """Changes whatever a forward can change."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.drop = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout()
        self.frozen = nn.BatchNorm2d(4).eval()
        self.register_buffer("runs", torch.zeros(()))
        self.register_buffer("replaced", torch.zeros(3))
        self.seen, self.count, self.log, self.plain = None, 0, [], torch.zeros(3)

    def train(self, mode=True):
        raise AssertionError("the mode is the user's")

    def forward(self, x):
        self.runs += 1
        self.count += 1
        self.plain += 1
        self.log.append(x)
        self.replaced = torch.full((3,), 7.0, device=x.device)
        self.register_buffer("late", torch.ones(3))
        self.made, self.training = nn.ReLU(), True
        self.register_forward_hook(lambda module, args, output: None)
        with torch.no_grad():
            self.conv.weight.data = torch.renorm(self.conv.weight.data, 2, 0, 1e-3)
            self.conv.bias.add_(1)
        x = self.frozen(self.bn(self.conv(x)))
        self.seen = torch.ones(4, device=x.device) + random.random() + float(np.random.rand())  # noqa: NPY002
        return self.drop(x + torch.rand(1, device=x.device)) * self.seen.view(1, 4, 1, 1)


def copied(value):
    copy = value.clone if isinstance(value, torch.Tensor) else getattr(value, "copy", lambda: value)
    return id(value), copy()


def picture(model):
    """All of a model that could change, and the random states."""
    return {
        "state": {
            name: (id(tensor), tensor._version, tensor.clone())
            for name, tensor in model.state_dict(keep_vars=True).items()
        },
        "attributes": [{name: copied(value) for name, value in vars(module).items()} for module in model.modules()],
        "modes": [module.training for module in model.modules()],
        "hooks": [[dict(hooks) for name, hooks in vars(m).items() if "hooks" in name] for m in model.modules()],
        "global hooks": [
            dict(hooks)
            for name, hooks in vars(torch.nn.modules.module).items()
            if name.startswith("_global") and isinstance(hooks, dict)
        ],
        "gradients": [(id(p.grad), p.grad.clone()) for p in model.parameters() if p.grad is not None],
        "requires": [p.requires_grad for p in model.parameters()],
        "devices": [p.device for p in model.parameters()],
        "random": (random.getstate(), np.random.get_state(), torch.get_rng_state()),  # noqa: NPY002
        "random on cuda": torch.cuda.get_rng_state_all(),
    }


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


BUSY = """
input = [1, 8, 8]
layers = [
  { name = "conv", type = "conv", out_channels = 4, kernel_size = 3 },
  { name = "bn", type = "batch_norm" },
  { name = "frozen", type = "batch_norm" },
  { name = "drop", type = "dropout" },
]
"""


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("device", ["auto", "cpu", "meta"])
def test_the_model_is_left_exactly_as_it_was(device, raises):
    model = Busy()
    model.register_forward_pre_hook(lambda module, args: None)
    model.conv.weight.grad = torch.ones_like(model.conv.weight)
    if raises:
        model.drop.register_forward_hook(lambda module, args, output: output @ torch.zeros(99))
    before = picture(model)
    comparison = compare(BUSY, model, device)
    after = picture(model)
    assert same(before, after), [key for key in before if not same(before[key], after[key])]
    assert comparison.ok is not raises


def test_a_cuda_that_is_not_used_yet_is_not_seeded(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("it would be seeded"))
    assert compare(BUSY, Busy(), "cpu").ok


def test_the_picture_shows_a_change():
    model = Busy()
    before = picture(model)
    model(torch.zeros(1, 1, 8, 8))
    after = picture(model)
    assert [key for key in before if not same(before[key], after[key])] == [
        "state",
        "attributes",
        "modes",
        "hooks",
        "random",
    ]


def test_what_is_built_on_the_first_run_is_gone():
    class Builds(nn.Module):
        def forward(self, x):
            if not hasattr(self, "conv"):
                self.conv = nn.Conv2d(1, 4, 3)
            return self.conv(x)

    model = Builds()
    comparison = compare('input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 4, kernel_size = 3 }]', model)
    assert not [*model.modules()][1:]
    assert "40 parameters in the file, but none of the model's parameters in Conv2d()" in comparison.problems[0].message


def test_modules_that_nobody_registered_are_seen_and_left_as_they_were():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Conv2d(1, 4, 3), {"norm": nn.Sequential(nn.BatchNorm2d(4))}]

        def forward(self, x):
            return self.layers[1]["norm"](self.layers[0](x))

    model = Listed()
    norm = model.layers[1]["norm"][0]
    comparison = compare(BUSY.partition('  { name = "frozen"')[0] + "]", model)
    assert found(comparison) == [(DIFFERS, "conv"), (DIFFERS, "bn")]
    assert (norm.training, norm.num_batches_tracked.item()) == (True, 0)


def test_what_a_model_keeps_of_the_run_serves_training():
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.grid = nn.Conv2d(1, 1, 1), None

        def forward(self, x):
            if self.grid is None:
                self.grid = torch.ones(x.shape)
            return self.conv(x) * self.grid

    model = Keeps()
    compare('input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 1, kernel_size = 1 }]', model)
    model(torch.zeros(1, 1, 8, 8)).sum().backward()
    assert model.conv.weight.grad is not None


def test_gradients_within_forward_work():
    class Energy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 1)

        def forward(self, x):
            with torch.enable_grad():
                x = x.requires_grad_()
                slope, _ = torch.autograd.grad(self.fc(x).sum(), (x, self.fc.weight))
            return slope

    comparison = compare('input = [4]\nlayers = [{ name = "fc", type = "linear", out_features = 1 }]', Energy())
    assert verdicts(comparison) == {"fc": "differs"}  # what is returned is another shape; nothing raised
    assert "4 in what Energy returns" in comparison.problems[0].message


# In test code


def test_assert_shapes_says_nothing_where_all_agrees():
    cnnshape.assert_shapes(classic.LeNet5(), ARCHITECTURES / "lenet5.toml")
    assert_shapes(classic.LeNet5(), str(ARCHITECTURES / "lenet5.toml"), input=(1, 33, 33), device="meta")


def test_assert_shapes_shows_both_sides_layer_by_layer():
    net = cnnshape.loads(NET)
    model = STYLES["numbered"](
        behind("act3", pool9=nn.MaxPool2d(2))(put(conv1=nn.Conv2d(3, 16, 3, padding=1))(parts()))
    )
    with pytest.raises(AssertionError) as caught:
        assert_shapes(model, net)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Sequential is not what <string> says"
    table = [re.split(r"  +", line) for line in lines[1 : lines.index("")]]
    assert table[0] == ["layer", "expected", "actual"]
    assert ["conv1", "conv -> 16x32x32, 432 parameters", "0 -> 16x32x32, 448 parameters", "differs"] in table
    assert ["conv4", "conv -> 32x16x16, 9,248 parameters", "9 -> 32x8x8, 9,248 parameters", "follows"] in table
    assert ["bn1", "batch_norm -> 16x32x32, 32 parameters", "1 -> 16x32x32, 32 parameters"] in table
    assert [row for row in table if row[0] == "..."] == [["...", "5 that agree"], ["...", "2 that agree"]]
    assert table[-1] == ["", "8", "extra"]
    assert sum("error[model-" in line for line in lines) == 2


def test_assert_shapes_holds_the_file_to_its_word_too(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text('input = [4]\nlayers = [{ type = "linear", out_features = 2 }]\nclaims.parameters = 11\n')
    with pytest.raises(AssertionError, match="parameters is claimed to be 11, but it is 10"):
        assert_shapes(nn.Linear(4, 2), file)
    file.write_text("layers = 3")
    with pytest.raises(AssertionError, match="error"):
        assert_shapes(nn.Linear(4, 2), file)


def test_assert_shapes_with_a_file_that_leaves_all_its_layers_out():
    net = cnnshape.loads('input = [4]\nlayers = [{ name = "a", type = "relu", repeat = 0 }]')
    assert_shapes(nn.Identity(), net)
    with pytest.raises(AssertionError, match="output 4 in the file, but 2 in what Linear returns"):
        assert_shapes(nn.Linear(4, 2), net)
