"""Models as people write them agree with the files of the zoo."""

import re

import pytest

pytest.importorskip("torch")

import torch
from helpers.comparing import compare, matched
from helpers.paths import ARCHITECTURES
from models import classic, dense, images, mobile, recurrent, residual

import cnnshape

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
    "crnn": recurrent.CRNN,
}

OTHERWISE = {  # elsewhere than at the declared input: these pool to 7x7 first, or by windows of 7x7, or pad
    **dict.fromkeys(["vgg11", "vgg16", "vgg16_bn"], r"at 3x32x225, which the file refuses \(in_features is .*25,088"),
    **dict.fromkeys(["se_resnet50", "mobilenet_v1"], "at 3x32x31, which the file accepts: the model raises in "),
    "unet": r"at 1x63x48, which the file refuses \(the shapes do not fit: 512 x 7 x 6 and 512 x 6 x 6\): UNet gives 2x63x48",
}


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_agrees_with_models_as_people_write_them(name):
    with torch.device("meta"):
        model = ZOO[name]()
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    comparison = compare(net, model)
    assert [problem.code for problem in comparison.problems] == ["other-size-differs"] * (name in OTHERWISE)
    assert all(re.match(OTHERWISE[name], problem.message) for problem in comparison.problems)
    assert [run.agrees for run in comparison.elsewhere].count(False) == (name in OTHERWISE)
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
