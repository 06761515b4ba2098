"""Imports published models, and prints model by model whether shapes, parameters and multiply-accumulates are torch's.

    python benchmarks/import_models.py [torchvision | timm | NAME...]

Nothing is committed of these libraries; one that is not installed is skipped. torchvision runs without its compiled
operators: `pip install --no-deps torchvision timm`.
"""

import sys
import time
from collections import Counter
from importlib.util import find_spec

import torch

from cnnshape.convert.imported import imported
from cnnshape.layers.stated import Opaque

# torchvision's compiled operators, which no classifier runs
BOXES = "Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width"
OFFSETS = ("input", "weight", "offset", "mask", "bias")
STEPS = ("stride_h", "stride_w", "pad_h", "pad_w", "dilation_h", "dilation_w", "groups", "offset_groups")
OPERATORS = [
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    f"roi_align({BOXES}, int sampling_ratio, bool aligned) -> Tensor",
    f"roi_pool({BOXES}) -> (Tensor, Tensor)",
    f"ps_roi_align({BOXES}, int sampling_ratio) -> (Tensor, Tensor)",
    f"ps_roi_pool({BOXES}) -> (Tensor, Tensor)",
    f"deform_conv2d({', '.join([*(f'Tensor {n}' for n in OFFSETS), *(f'int {n}' for n in STEPS)])}, bool use_mask) -> Tensor",
]
# a spread of timm: a model of each kind, fifty of a hundred without attention
TIMM = [
    "resnet50d",
    "resnest50d",
    "seresnet50",
    "ecaresnet50d",
    "skresnet18",
    "resnext50_32x4d",
    "res2net50_26w_4s",
    "regnety_016",
    "regnetx_016",
    "efficientnet_b0",
    "tf_efficientnet_b0",
    "tf_efficientnetv2_s",
    "efficientnet_lite0",
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "tf_mobilenetv3_small_100",
    "mnasnet_100",
    "fbnetc_100",
    "ghostnet_100",
    "ghostnetv2_100",
    "hrnet_w18",
    "dpn68",
    "dla34",
    "densenet121",
    "inception_v4",
    "inception_resnet_v2",
    "xception41",
    "nasnetalarge",
    "pnasnet5large",
    "convnext_tiny",
    "convnextv2_atto",
    "convnext_atto",
    "convmixer_768_32",
    "vit_tiny_patch16_224",
    "deit_tiny_patch16_224",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "pvt_v2_b0",
    "poolformer_s12",
    "poolformerv2_s12",
    "mixer_s16_224",
    "gmlp_s16_224",
    "resmlp_12_224",
    "cait_xxs24_224",
    "xcit_nano_12_p16_224",
    "levit_128s",
    "coat_tiny",
    "beit_base_patch16_224",
    "maxvit_tiny_tf_224",
    "coatnet_0_rw_224",
    "edgenext_xx_small",
    "mobilevit_xxs",
    "mobilevitv2_050",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "fastvit_t8",
    "repvgg_a0",
    "repvit_m0_9",
    "mobileone_s0",
    "vgg11",
    "vgg16_bn",
    "cspresnet50",
    "cspdarknet53",
    "darknet53",
    "selecsls42b",
    "legacy_seresnet18",
    "legacy_senet154",
    "nf_resnet50",
    "dm_nfnet_f0",
    "eca_nfnet_l0",
    "rexnet_100",
    "hardcorenas_a",
    "lcnet_050",
    "tinynet_a",
    "vovnet39a",
    "ese_vovnet19b_dw",
    "botnet26t_256",
    "halonet26t",
    "lambda_resnet26t",
    "bat_resnext26ts",
    "focalnet_tiny_srf",
    "inception_next_tiny",
    "hgnet_tiny",
    "hgnetv2_b0",
    "starnet_s1",
    "mambaout_femto",
    "nextvit_small",
    "twins_pcpvt_small",
    "visformer_tiny",
    "convit_tiny",
    "crossvit_tiny_240",
    "tnt_s_patch16_224",
    "volo_d1_224",
    "davit_tiny",
    "eva02_tiny_patch14_224",
    "resnetv2_50",
    "resnetv2_50x1_bit",
    "gcresnet50t",
    "sequencer2d_s",
    "caformer_s18",
    "efficientvit_b0",
    "efficientvit_m0",
    "tiny_vit_5m_224",
    "hiera_tiny_224",
    "rdnet_tiny",
]


def main(*wanted):
    print(f"{'model':34} layers  opaque  seconds  found")
    results = Counter()
    for name, make, shape in models(wanted):
        results[line(name, make, shape)] += 1
    print(", ".join(f"{count} {result}" for result, count in results.items()))


def models(wanted):
    """Yield each model that is wanted: its name, a function that makes it, the shape that enters."""
    if find_spec("torchvision"):
        library = torch.library.Library("torchvision", "DEF")
        for operator in OPERATORS:
            library.define(operator)
        from torchvision import models as published

        for name in published.list_models(module=published):
            if not wanted or "torchvision" in wanted or name in wanted:
                side = 299 if "inception" in name else 224
                yield name, lambda name=name: published.get_model(name, weights=None), (3, side, side)
    if find_spec("timm"):
        import timm

        for name in (name for name in TIMM if not wanted or "timm" in wanted or name in wanted):
            settings = timm.models.get_pretrained_cfg(name)
            yield f"timm:{name}", lambda name=name: timm.create_model(name), tuple(settings.input_size)


def line(name, make, shape):
    """Print the line of a model; return whether it is exact."""
    model = make().eval()
    start = time.perf_counter()
    try:
        found = imported(model, shape, name)
    except ValueError as error:
        print(f"{name:34} {error}")
        return "not imported"
    seconds = time.perf_counter() - start
    opaque = sum(isinstance(node.layer, Opaque) for node in found.net.nodes)
    exact = [difference for difference in found.differences if "other sizes" not in difference]
    said = " ".join(found.differences) or "exact"
    print(f"{name:34} {len(found.net.nodes):6} {opaque:7} {seconds:8.2f}  {said}", flush=True)
    return "not exact" if exact else "exact, with an opaque layer" if opaque else "exact"


if __name__ == "__main__":
    main(*sys.argv[1:])
