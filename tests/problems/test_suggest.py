"""Suggestions: the word that was meant, or the words that there are."""

import re

import pytest

from cnnshape.file.keys import STEP_KEYS
from cnnshape.file.reader import read_text
from cnnshape.layers import TYPES
from cnnshape.numbers.shape import LAYOUTS
from cnnshape.problems.foreign import OURS, WITHOUT
from cnnshape.problems.suggest import MAX_LISTED, _plain, advice, close, did_you_mean, meant, suggest, suggest_word
from cnnshape.problems.wording import suggested


def test_a_word_that_is_near_is_suggested_alone():
    assert suggest_word("cnov", TYPES, "type") == (("meant", ("conv",)),) == did_you_mean("conv")


def test_words_that_are_few_are_all_suggested():
    assert suggest("left", ["a", "b", "a"]) == (("known", ("a", "b")),)
    assert suggest("left", ()) == ()


def test_a_line_holds_twelve_words():
    names = [chr(ord("a") + i) * 9 for i in range(MAX_LISTED + 1)]
    assert MAX_LISTED == 12
    assert suggest("0", names) == ()
    assert suggest("0", names[1:]) == (("known", tuple(names[1:])),)


def test_of_many_words_the_last_are_compared():
    names = [f"conv{'x' * 40}", *map(str, range(100, 400))]
    assert suggest(names[0] + "y", names) == ()
    assert suggest(names[0] + "y", names[::-1]) == did_you_mean(names[0])


def test_words_of_torch_and_of_others_are_known():
    assert meant("AdaptiveAvgPool2d", ("avg_pool", "adaptive_avg_pool"), "type") == "adaptive_avg_pool"
    assert meant("Conv2DTranspose", TYPES, "type") == meant("conv_transpose2d", TYPES, "type") == "conv_transpose"
    assert meant("Dense", ("linear",), "type") == "linear"
    assert meant("Dense", ("conv", "sense"), "type") == ""  # not where it is none of the options
    assert meant("output", ("outputs",), "key") == "outputs"  # but a letter too few is that


KERAS = {
    "Conv2D": "conv", "Conv2DTranspose": "conv_transpose", "Dense": "linear", "MaxPooling2D": "max_pool",
    "AveragePooling1D": "avg_pool", "GlobalAveragePooling2D": "global_avg_pool", "GlobalMaxPooling2D": "global_max_pool",
    "BatchNormalization": "batch_norm", "LayerNormalization": "layer_norm", "GroupNormalization": "group_norm",
    "ZeroPadding2D": "pad", "Cropping2D": "crop", "UpSampling2D": "upsample", "Concatenate": "concat", "Add": "add",
    "Multiply": "mul", "Subtract": "sub", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "SpatialDropout2D": "dropout",
    "Flatten": "flatten", "Reshape": "reshape", "Softmax": "softmax",
}  # fmt: skip
CAFFE = {
    "Convolution": "conv", "Deconvolution": "conv_transpose", "Pooling": "max_pool", "InnerProduct": "linear",
    "LRN": "local_response_norm", "Eltwise": "add", "TanH": "tanh", "Interp": "upsample", "Concat": "concat",
}  # fmt: skip
DARKNET = {
    "convolutional": "conv", "maxpool": "max_pool", "route": "concat", "shortcut": "add", "connected": "linear",
    "batchnorm": "batch_norm", "upsample": "upsample", "reorg": "pixel_unshuffle",
}  # fmt: skip
ONNX = {
    "Gemm": "linear", "GlobalAveragePool": "global_avg_pool", "AveragePool": "avg_pool", "MaxUnpool": "max_unpool",
    "InstanceNormalization": "instance_norm", "ReduceMean": "global_avg_pool", "Resize": "upsample", "Clip": "hardtanh",
    "LogSoftmax": "log_softmax", "HardSwish": "hardswish", "Transpose": "permute", "Mul": "mul", "Div": "div",
}  # fmt: skip
PAPERS = {
    "fc": "linear", "deconv": "conv_transpose", "gap": "global_avg_pool", "bn": "batch_norm", "swish": "silu",
    "zero_pad": "pad", "ReflectionPad2d": "pad", "mean": "global_avg_pool", "cnov": "conv", "upsampel": "upsample",
}  # fmt: skip


@pytest.mark.parametrize(("word", "ours"), [*(KERAS | CAFFE | DARKNET | ONNX | PAPERS).items()])
def test_types_as_others_write_them(word, ours):
    assert ours in TYPES
    if word not in TYPES:
        assert suggest_word(word, TYPES, "type") == did_you_mean(ours)


@pytest.mark.parametrize(
    ("of", "key", "ours"),
    [
        ("conv", "filters", "out_channels"),
        ("conv", "num_output", "out_channels"),
        ("linear", "num_output", "out_features"),
        ("linear", "units", "out_features"),
        ("lstm", "units", "hidden_size"),
        ("conv", "strides", "stride"),
        ("conv", "size", "kernel_size"),
        ("max_pool", "pool_size", "kernel_size"),
        ("conv", "kernel_shape", "kernel_size"),
        ("conv", "pads", "padding"),
        ("conv", "dilation_rate", "dilation"),
        ("conv", "rate", "dilation"),
        ("dropout", "rate", "p"),
        ("dropout", "ratio", "p"),
        ("conv", "use_bias", "bias"),
        ("conv", "group", "groups"),
        ("group_norm", "groups", "num_groups"),
        ("batch_norm", "epsilon", "eps"),
        ("leaky_relu", "alpha", "negative_slope"),
        ("concat", "axis", "dim"),
        ("softmax", "axis", "dim"),
        ("reshape", "target_shape", "shape"),
        ("permute", "perm", "dims"),
        ("upsample", "scales", "scale_factor"),
        ("upsample", "interpolation", "mode"),
        ("local_response_norm", "local_size", "size"),
        ("crop", "cropping", "amount"),
        ("relu", "bottom", "from"),
        ("relu", "times", "repeat"),
        ("conv", "kernelSize", "kernel_size"),
        ("conv", "out_chanels", "out_channels"),
        ("relu", "nmae", "name"),
    ],
)
def test_keys_as_others_write_them(of, key, ours):
    keys = (*TYPES[of].parameters, *STEP_KEYS)
    assert suggest_word(key, keys, "key") == did_you_mean(ours)


def test_a_word_without_one_of_ours_is_said_otherwise_and_never_guessed():
    keys = (*TYPES["conv"].parameters, *STEP_KEYS)
    assert suggest_word("activation", keys, "key") == advice("an activation is a layer of its own, behind this one")
    assert suggest_word("SeparableConv2D", TYPES, "type")[0].kind == "advice"
    assert meant("activation", keys, "key") == ""  # dilation is spelt much like it
    assert meant("rate", (*TYPES["relu"].parameters, *STEP_KEYS), "key") == ""  # as repeat is
    assert meant("separable_conv", TYPES, "type") == ""


@pytest.mark.parametrize(
    ("word", "words", "ours"),
    [
        ("SAME", TYPES["conv"].parameters["padding"].words, "same"),
        ("SAME", TYPES["max_pool"].parameters["padding"].words, "same_upper"),
        ("SAME_LOWER", TYPES["conv"].parameters["padding"].words, "same_lower"),
        ("VALID", TYPES["conv"].parameters["padding"].words, "valid"),
        ("edge", TYPES["pad"].parameters["mode"].words, "replicate"),
        ("wrap", TYPES["pad"].parameters["mode"].words, "circular"),
        ("mirror", TYPES["conv"].parameters["padding_mode"].words, "reflect"),
        ("constant", TYPES["conv"].parameters["padding_mode"].words, "zeros"),
        ("cubic", TYPES["upsample"].parameters["mode"].words, "bicubic"),
        ("NHWC", LAYOUTS, "channels_last"),
        ("nchw", LAYOUTS, "channels_first"),
        ("bilinaer", TYPES["upsample"].parameters["mode"].words, "bilinear"),
    ],
)
def test_values_as_others_write_them(word, words, ours):
    assert suggest_word(word, words, "value") == did_you_mean(ours)


def test_the_words_of_others_stand_for_words_of_ours():
    parameters = [parameter for kind in TYPES.values() for parameter in kind.parameters.values()]
    words = {*LAYOUTS, *(word for parameter in parameters for word in parameter.words)}
    assert OURS["type"].keys() <= TYPES.keys()
    assert OURS["key"].keys() <= {*STEP_KEYS, *(parameter.name for parameter in parameters)}
    assert OURS["value"].keys() <= words
    for kind in ("type", "key", "value"):
        others = [*WITHOUT[kind], *(word for listed in OURS[kind].values() for word in listed.split())]
        assert all(re.fullmatch("[a-z0-9]+", word) and not re.search("[123]d", word) for word in others)
    assert not {*OURS["type"], *map(_plain, TYPES)} & {
        word for listed in OURS["type"].values() for word in listed.split()
    }


def test_how_near_a_word_must_be_can_be_said():
    assert close("batch", ["batch_size"]) == "batch_size"
    assert close("batch", ["batch_size"], cutoff=0.8) == ""


def test_suggestions_stand_behind_the_sentence():
    assert suggested("no such type", ()) == "no such type"
    assert suggested("no such type", suggest_word("cnov", TYPES, "type")) == "no such type; did you mean conv?"
    assert suggested("no such layer", suggest("x", ["left"])) == "no such layer; there is only left"
    assert suggested("no such layer", suggest("x", ["left", "right"])) == "no such layer; there are left, right"
    assert suggested("no such type", advice("write block")) == "no such type; write block"
    assert advice("") == did_you_mean("") == ()


def test_a_problem_has_its_suggestions_as_data():
    text = 'input = [3, 32, 32]\nlayers = [{ block = "relu" }, { block = "b" }]\n[blocks.a]\nlayers = []'
    first, second = read_text(text).problems
    assert first.suggestions == advice('it is a layer type: write type = "relu"')
    assert second.suggestions == (("known", ("a",)),)
