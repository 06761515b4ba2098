"""The cause of a problem: the layer where the numbers came to differ, the kind of cause, and the sentence.

The layers and the sentences are what the design of each net says of it; `broken/` has nets that torch refuses.
"""

import pytest
from helpers.broken_nets import FOLDER, TRUTH
from helpers.fixes import case
from helpers.nets import net

from cnnshape.assemble.network import assemble
from cnnshape.diagnosis.causes import Causes
from cnnshape.file.reader import read

ENCODER = """
  { name = "e0", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "p0", type = "max_pool", kernel_size = 2 },
  { name = "e1", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 },
  { name = "p1", type = "max_pool", kernel_size = 2 },
  { name = "m", type = "conv", out_channels = 32, kernel_size = 3, padding = 1 },
"""
LENET = """
  { name = "c1", type = "conv", out_channels = 6, kernel_size = 5 },
  { name = "p1", type = "max_pool", kernel_size = 2 },
  { name = "c2", type = "conv", out_channels = 16, kernel_size = 5 },
  { name = "p2", type = "max_pool", kernel_size = 2 },
  { name = "flat", type = "flatten" },
"""


def of(shape, layers, more=""):
    inputs = f"inputs = {shape}" if shape.startswith("{") else f"input = {shape}"
    return f"{inputs}\n{more}\nlayers = [\n{layers}\n]"


def conv(name, channels=8, kernel=3, **more):
    settings = {"padding": kernel // 2} | more
    given = "".join(f", {key.rstrip('_')} = {value}" for key, value in settings.items())
    return f'{{ name = "{name}", type = "conv", out_channels = {channels}, kernel_size = {kernel}{given} }},\n'


def linear(name, arrives=None, features=10):
    declared = "" if arrives is None else f", in_features = {arrives}"
    return f'{{ name = "{name}", type = "linear", out_features = {features}{declared} }},\n'


def pool(name, kernel=2, kind="max_pool", **more):
    given = "".join(f", {key} = {value}" for key, value in more.items())
    return f'{{ name = "{name}", type = "{kind}", kernel_size = {kernel}{given} }},\n'


def join(name, *names, kind="add"):
    written = ", ".join(f'"{one}"' for one in names)
    return f'{{ name = "{name}", type = "{kind}", from = [{written}] }},\n'


FLAT = '{ name = "flat", type = "flatten" },\n'
UP = '{ name = "up", type = "upsample", scale_factor = 2 },\n'

# text, the cause's layer and code, and words of its sentence, its chains or its notes
CASES = {
    "declared for a larger input": (
        of("[1, 28, 28]", LENET + linear("fc", 400)),
        None,
        "input-size",
        ["400 = 16*5*5 is what sides from 32 to 35 give"],
    ),
    "declared for a width alone": (
        of("[3, 64, 100]", conv("c") + pool("p", 4) + FLAT + linear("fc", 8 * 16 * 16)),
        None,
        "input-size",
        ["8*16*16 is what sides of 64 by 64 to 67 give"],
    ),
    "declared for other channels": (
        of("[3, 32, 32]", LENET.replace("= 16", "= 32") + linear("fc", 400)),
        "c2",
        "channels",
        ["400 = 16*5*5 is that of 16 channels, and c2 makes 32"],
    ),
    "declared, and no multiple of the channels": (
        of("[3, 32, 32]", LENET + linear("fc", 405)),
        "fc",
        "count",
        ["405 is no multiple of the 16 channels that flat makes flat"],
    ),
    "declared, and no square": (  # an input of 20x64 gives it
        of("[3, 32, 32]", LENET + linear("fc", 16 * 26)),
        "fc",
        "count",
        ["416 = 16*26 is that of 26 cells, and flat makes 5*5 of each channel flat"],
    ),
    "declared, and half of the cells are odd": (
        of("[3, 8, 8]", UP + FLAT + linear("fc", 3 * 6)),
        "fc",
        "count",
        ["18 = 3*6 is what no input gives"],
    ),
    "declared as the channels, without a pool": (
        of("[3, 32, 32]", conv("c", 64) + pool("p") + FLAT + linear("fc", 64)),
        "fc",
        "count",
        ["64 is the number of channels, and flat makes 64*16*16 of them flat"],
    ),
    "declared as the channels, behind a fixed pool": (
        of("[3, 16, 16]", conv("c", 64) + pool("p", 7, "avg_pool") + FLAT + linear("fc", 64)),
        "p",
        "fixed-window",
        ["p has a window of 7 for a side of 16, and leaves 2, not 1; fc was made for the 64 channels"],
    ),
    "declared as the channels, the map a single cell": (
        of("[3, 32, 32]", conv("c", 64) + '{ name = "gap", type = "global_avg_pool" },' + FLAT + linear("fc", 32)),
        "c",
        "channels",
        ["fc was made for 32 channels, and c makes 64"],
    ),
    "a flatten that is missing": (
        of("[3, 8, 8]", conv("c", 4) + linear("fc", 256)),
        "fc",
        "rank",
        ["256 = 4*8*8 is all of what arrives, and fc works on its last axis alone"],
    ),
    "a linear on channels": (
        of("[40, 100]", conv("c", 64) + linear("fc", 64)),
        "fc",
        "order",
        ["fc works on the last axis of 64x100, and the 64 it was made for are its channels"],
    ),
    "a linear on a side of another input": (
        of("[8, 100]", linear("fc", 128)),
        None,
        "input-size",
        ["128 is what a side of 128 gives, and the input has 100"],
    ),
    "a linear behind a recurrence": (
        of(
            "[40, 100]",
            '{ name = "turn", type = "permute", dims = [2, 1] },'
            '{ name = "l", type = "lstm", hidden_size = 32, over = 1 },' + linear("fc", 64),
        ),
        "l",
        "channels",
        ["l makes 32 features, and fc was made for 64"],
    ),
    "a linear behind a linear": (
        of("[10]", linear("a", features=50) + '"relu",\n' + linear("b", 60)),
        "a",
        "channels",
        ["a makes 50 features, and b was made for 60"],
    ),
    "grey for colours": (
        of("[1, 64, 64]", conv("a", in_channels=3)),
        None,
        "input-channels",
        ["the input has 1 channel (grey), and a was made for 3 (RGB)"],
    ),
    "another number of channels enters": (
        of("[3, 64, 64]", conv("a", in_channels=16)),
        None,
        "channels",
        ["the input has 3 channels, and a was made for 16"],
    ),
    "channels last": (
        of("[64, 64, 3]", conv("a", in_channels=3)),
        None,
        "order",
        ["the input is written channels last, and the file is read channels first"],
    ),
    "channels last, and no number says so": (
        of("[64, 64, 3]", conv("a", kernel=5, padding=0)),
        None,
        "order",
        ["the input is written channels last"],
    ),
    "channels first in a file of the other layout": (
        of("[3, 64, 64]", conv("a", in_channels=3), 'layout = "channels_last"'),
        None,
        "order",
        ["the input is written channels first, and the file is read channels last"],
    ),
    "a batch": (
        of("[8, 3, 64, 64]", conv("a", in_channels=3)),
        None,
        "order",
        ["the input is written with a batch"],
    ),
    "frames of a video, or a batch: nothing else is wrong": (
        of("[6, 3, 32, 32]", conv("a")),
        None,
        "order",
        ["the input seems to be written with a batch"],
    ),
    "a concat counted as one part": (
        of(
            "[3, 32, 32]",
            conv("a", 64)
            + conv("b", 32, from_='"input"')
            + join("j", "a", "b", kind="concat")
            + conv("c", in_channels=64),
        ),
        "j",
        "channels",
        ["j joins 64 + 32 = 96 channels, and c was made for 64"],
    ),
    "a residual of other channels": (
        of("[3, 32, 32]", conv("s", 32) + conv("a", 64) + '"relu",\n' + conv("b", 64) + join("sum", "b", "s")),
        "b",
        "channels",
        ["b makes 64 channels, and s has 32"],
    ),
    "two branches, and a declared number votes": (
        of(
            "[3, 32, 32]",
            conv("a", 64) + conv("b", 32, from_='"input"') + join("j", "b", "a") + conv("c", in_channels=64),
        ),
        "b",
        "channels",
        ["b makes 32 channels, and a has 64"],
    ),
    "two branches alike, the later one is named": (
        of("[3, 32, 32]", conv("a", 64) + conv("b", 32, from_='"input"') + join("j", "a", "b")),
        "b",
        "channels",
        ["b makes 32 channels, and a has 64"],
    ),
    "an input against a branch": (
        of("[3, 32, 32]", conv("a", 64) + join("j", "input", "a")),
        "a",
        "channels",
        ["a makes 64 channels, and the input has 3"],
    ),
    "two inputs of other channels": (
        of("{ left = [3, 8, 8], right = [4, 8, 8] }", join("j", "left", "right")),
        None,
        "channels",
        ["the input right has 4 channels, and the input left has 3"],
    ),
    "channels that follow from what enters": (
        of("[3, 8, 8]", conv("a", 8) + conv("b", '"2 * in_channels"') + conv("c", in_channels=32)),
        "a",
        "channels",
        ["a makes 16 channels, and c was made for 32"],
    ),
    "the way up of an odd side": (
        of(
            "[1, 27, 27]",
            conv("c1", stride=2, padding=0)
            + conv("c2", stride=2, padding=0)
            + '{ name = "u1", type = "conv_transpose", out_channels = 8, kernel_size = 3, stride = 2 },'
            + '{ name = "u2", type = "conv_transpose", out_channels = 1, kernel_size = 2, stride = 2, expect = [1, 27, 27] }',
        ),
        "u2",
        "mirror",
        ["the way down had 27 before 13, and u2 makes 26 of it"],
    ),
    "channels that are expected": (
        of("[1, 28, 28]", conv("c", 16) + '"relu",\n' + pool("p", expect="[32, 14, 14]")),
        "c",
        "channels",
        ["c makes 16 channels, and 32 are expected"],
    ),
    "expectations of another input": (
        of("[3, 256, 256]", conv("c", 16, stride=2, expect="[16, 112, 112]") + pool("p", expect="[16, 56, 56]")),
        None,
        "input-size",
        [
            "the input: 112 is what sides from 223 to 224 give",
            "if 256x256 is meant, two expectations are to be rewritten",
        ],
    ),
    "an expectation behind one that is met": (
        of("[3, 64, 64]", conv("c1", padding=0, expect="[8, 62, 62]") + conv("c2", padding=0, expect="[8, 62, 62]")),
        "c2",
        "rounds",
        ["c2 makes 60 of 62: its window covers 3 and its padding is 0; 1 would keep the side"],
    ),
    "a stride too many": (
        of("[3, 64, 64]", conv("c1", stride=2) + conv("c2", stride=2, expect="[8, 32, 32]")),
        "c2",
        "strides",
        ["16 is half the 32 expected; c2 is the last layer with a stride"],
    ),
    "a stride too few": (
        of("[3, 60, 60]", conv("c1", stride=2, expect="[8, 10, 10]")),
        "c1",
        "strides",
        ["30 is 3 times the 10 expected"],
    ),
    "a claimed output": (
        of("[3, 64, 64]", conv("c") + pool("p", 4)) + "\n[claims]\noutput = [16, 16, 16]",
        "c",
        "channels",
        ["c makes 8 channels, and 16 are expected"],
    ),
    "a claimed output by name": (
        of("[3, 64, 64]", conv("c") + pool("p", 4), 'outputs = ["c", "p"]') + "\n[claims.outputs]\nc = [9, 64, 64]",
        "c",
        "channels",
        ["c makes 8 channels, and 9 are expected"],
    ),
    "an expectation of an input": (
        of("[3, 64, 64]", '{ name = "same", type = "relu", expect = [4, 64, 64] }'),
        None,
        "channels",
        ["the input has 3 channels, and 4 are expected"],
    ),
    "a skip from before a pool": (
        of(
            "[3, 64, 64]",
            ENCODER
            + UP
            + join("j1", "up", "e0", kind="concat")
            + conv("d1")
            + '{ name = "up0", type = "upsample", scale_factor = 2 },'
            + join("j0", "up0", "e0", kind="concat"),
        ),
        "j1",
        "strides",
        ["from names e0, of 64, which is joined twice; e1, of 32, is joined nowhere"],
    ),
    "a missing way up": (
        of("[3, 64, 64]", ENCODER + UP + join("j1", "up", "e0", kind="concat")),
        "p1",
        "strides",
        ["the way to up halves the side, 64 to 32 (p0, p1 and up); the way to e0 keeps the side"],
    ),
    "a way up too many": (
        of("[3, 64, 64]", UP + join("j", "up", "input", kind="concat")),
        "up",
        "strides",
        ["up doubles the side, 64 to 128"],
    ),
    "a like of another level": (
        of(
            "[3, 64, 64]",
            ENCODER + '{ name = "up", type = "upsample", like = "e0" },' + join("j", "up", "e1", kind="concat"),
        ),
        "up",
        "resize",
        ["up makes a side of 64, as e0 has it, and e1 has 32"],
    ),
    "a layer that shrinks behind a like": (
        of(
            "[3, 64, 64]",
            ENCODER
            + '{ name = "up", type = "upsample", like = "e1" },'
            + conv("thin", padding=0)
            + join("j", "thin", "e1", kind="concat"),
        ),
        "thin",
        "rounds",
        ["thin makes 30 of 32"],
    ),
    "a size": (
        of(
            "[3, 50, 50]",
            pool("p") + '{ name = "up", type = "upsample", size = 48 },' + join("j", "up", "input", kind="concat"),
        ),
        "up",
        "resize",
        ["up sets the side to 48, and input has 50"],
    ),
    "a factor that is not exact": (
        of(
            "[3, 50]",
            '{ name = "down", type = "upsample", scale_factor = 0.3 },{ name = "up", type = "upsample", scale_factor = 3.3 },'
            + join("j", "up", "input", kind="concat"),
        ),
        "up",
        "resize",
        ["up makes 49 of 15: 3.3 times 15 is 49.5, rounded down"],
    ),
    "two inputs of other sides": (
        of(
            "{ left = [3, 64, 64], right = [3, 60, 64] }",
            conv("a", from_='"left"', stride=2) + conv("b", from_='"right"', stride=2) + join("j", "a", "b"),
        ),
        None,
        "input-size",
        ["the inputs left and right meet here, and have sides of 64 and 60"],
    ),
    "two towers, one without a stride": (
        of(
            "{ left = [3, 64, 64], right = [3, 64, 64] }",
            conv("a", from_='"left"', stride=2) + conv("b", from_='"right"') + join("j", "a", "b"),
        ),
        "a",
        "strides",
        ["a halves the side, 64 to 32; the way to b keeps the side"],
    ),
    "two inputs in another order": (
        of("{ left = [3, 8], right = [8, 3] }", join("j", "left", "right")),
        None,
        "order",
        ["the inputs left and right have their axes in another order"],
    ),
    "a permute on one way": (
        of("[6, 8]", '{ name = "turn", type = "permute", dims = [2, 1] },' + join("j", "turn", "input")),
        "turn",
        "order",
        ["turn turns 6x8 to 8x6, and the other way does not"],
    ),
    "a strided conv against its shortcut": (
        of(
            "[8, 13, 13]",
            conv("a", stride=2, padding=0) + conv("b", kernel=1, stride=2, from_='"input"') + join("j", "a", "b"),
        ),
        "a",
        "rounds",
        ["a halves 13 and makes 6, not 6.5"],
    ),
    "a shortcut that strides on a single cell": (
        of(
            "[3, 1]",
            '{ name = "wide", type = "pad", padding = 1 },'
            + conv("c", 8, 1)
            + conv("s", 3, 1, stride=2, from_='"input"')
            + join("j", "c", "s"),
        ),
        "s",
        "strides",
        ["s halves the side, 1 to 1; the way to c keeps the side"],
    ),
    "a pool in ceil_mode": (
        of("[8, 25]", pool("p", ceil_mode="true") + conv("c") + UP + join("j", "up", "input", kind="concat")),
        "p",
        "rounds",
        ["p halves 25 and makes 13: doubled again it is 26", "each side must be a multiple of 2"],
    ),
    "a window that is put back before the way up": (
        of(
            "[4, 14]",
            conv("a", 4, stride=2)
            + conv("b", 4, 7, padding=0)
            + '{ name = "back", type = "conv_transpose", out_channels = 4, kernel_size = 7 },'
            + '{ name = "up", type = "conv_transpose", out_channels = 4, kernel_size = 3, stride = 2, padding = 1 },'
            + join("j", "up", "input"),
        ),
        "up",
        "rounds",
        ["up makes 13 of 7, and 2 times 7 is 14"],
    ),
    "two pools and one way up": (
        of(
            "[1, 30, 64, 64]",
            pool("p")
            + pool("p2")
            + '{ name = "up", type = "upsample", scale_factor = 4 },'
            + join("j", "up", "input", kind="concat"),
        ),
        "p2",
        "rounds",
        [
            "p2 halves 15 and drops a slice: times 4 again it is 28",
            "the net halves twice: each side must be a multiple of 2*2 = 4",
        ],
    ),
    "a division by three": (
        of(
            "[1, 20]",
            pool("p", 3)
            + '{ name = "up", type = "upsample", scale_factor = 3 },'
            + join("j", "up", "input", kind="concat"),
        ),
        "p",
        "rounds",
        ["p divides 20 by 3 and drops two cells: tripled again it is 18"],
    ),
    "three branches, the odd one": (
        of(
            "[4, 16, 16]",
            conv("a")
            + conv("b", padding=0, from_='"input"')
            + conv("c", from_='"input"')
            + join("j", "a", "b", "c", kind="concat"),
        ),
        "b",
        "rounds",
        ["b makes 14 of 16"],
    ),
    "a shrinking branch of other channels": (
        of("[4, 16, 16]", conv("a", 8, padding=0) + join("j", "a", "input")),
        "a",
        "rounds",
        ["the branch makes 14 of 16 and makes 8 channels (a); the shortcut does neither"],
    ),
    "a vector before a conv": (
        of("[784]", conv("a")),
        None,
        "rank",
        ["the input, 784, is flat, and a works on space"],
    ),
    "a line before a shuffle": (
        of("[4, 100]", '{ name = "a", type = "pixel_shuffle", upscale_factor = 2 }'),
        None,
        "rank",
        ["the input, 4x100, has 1 spatial axis, and a works on 2 spatial axes or more"],
    ),
    "a flatten before a conv": (
        of("[3, 8, 8]", FLAT + '"relu",\n' + conv("a")),
        "flat",
        "rank",
        ["flat makes 192 of 3x8x8, and a works on space"],
    ),
    "features before a conv": (
        of("[100]", linear("grow", features=2048) + conv("a")),
        "a",
        "rank",
        ["grow makes 2048 features, which are flat, and a works on space"],
    ),
    "axes that a stack adds": (
        of("[3, 8, 8, 8]", '{ name = "s", type = "stack", from = ["input", "input"], dim = 1 },' + conv("a")),
        "s",
        "rank",
        ["s makes 2x3x8x8x8 of 3x8x8x8, more axes than a works on"],
    ),
    "an input with too many axes": (
        of("[3, 8, 8, 8, 8]", conv("a")),
        None,
        "rank",
        ["the input has 5 axes, 3x8x8x8x8, and a batch is none of them"],
    ),
    "a linear on a map": (
        of("[3, 8, 8]", linear("fc")),
        "fc",
        "rank",
        ["what arrives is 3x8x8, and fc works on its last axis alone"],
    ),
    "lists of another rank": (
        of(
            "[16, 64]",
            conv("c", kernel=3, padding="[1, 1]") + '{ name = "p", type = "max_pool", kernel_size = [2, 2] }',
        ),
        None,
        "rank",
        ["the input, 16x64, has 1 spatial axis, and all lists of the net have 2 entries"],
    ),
    "a reshape of other elements": (
        of("[3, 32, 32]", LENET.replace(FLAT.strip(), "") + '{ name = "r", type = "reshape", shape = [1024] }'),
        "r",
        "count",
        ["c2 makes 400 = 16*5*5 numbers, and r asks for 1024"],
    ),
    "a reshape for another input": (
        of("[1, 32, 32]", conv("c", 16) + pool("p") + '{ name = "r", type = "reshape", shape = [3136] }'),
        None,
        "input-size",
        ["the input: 3136 elements are what sides from 28 to 29 give"],
    ),
    "a reshape with a rest": (
        of("[10]", linear("a", features=100) + '{ name = "r", type = "reshape", shape = [8, -1] }'),
        "a",
        "count",
        ["a makes 100 numbers, and r asks for a multiple of 8"],
    ),
    "a reshape of the input": (
        of("[10]", '{ name = "r", type = "reshape", shape = [3, 3] }'),
        None,
        "count",
        ["the input has 10 numbers, and r asks for 3*3 = 9"],
    ),
    "heads": (
        of("[6, 49]", conv("c", 50, 1) + '{ name = "a", type = "attention", num_heads = 8, over = 2 }'),
        "a",
        "groups",
        ["c makes 50 channels, and a has 8 heads"],
    ),
    "a depthwise conv": (
        of("[3, 32, 32]", conv("c", 20) + conv("a", 32, groups=32)),
        "a",
        "groups",
        ["c makes 20 channels, and a has 32 groups, as many as its out_channels"],
    ),
    "slopes": (
        of("[3, 32, 32]", conv("c", 20) + '{ name = "a", type = "prelu", num_parameters = 32 }'),
        "c",
        "channels",
        ["c makes 20 channels, and a was made for 32"],
    ),
    "a shuffle of the input": (
        of("[3, 32, 32]", '{ name = "a", type = "pixel_shuffle", upscale_factor = 2 }'),
        None,
        "channels",
        ["the input has 3 channels, and a takes a multiple of 2*2 = 4"],
    ),
    "an odd side to be divided": (
        of("[3, 30, 30]", conv("c", stride=2) + '{ name = "a", type = "pixel_unshuffle", downscale_factor = 2 }'),
        None,
        "input-size",
        ["30 has become 15, which is no multiple of 2"],
    ),
    "an odd side of the input": (
        of("[3, 30, 31]", '{ name = "a", type = "pixel_unshuffle", downscale_factor = 2 }'),
        None,
        "input-size",
        ["a side of 31 is no multiple of 2"],
    ),
    "a norm in a block": (
        of("[3, 32, 32]", '{ name = "one", block = "b", width = 8 },')
        + '\n[blocks.b]\narguments = ["width"]\nlayers = [{ name = "c", type = "conv", out_channels = "2 * width", kernel_size = 1 },'
        '{ name = "n", type = "batch_norm", num_features = "width" }]',
        "one.c",
        "channels",
        ["one.c makes 16 channels, and one.n was made for 8"],
    ),
    "a crop that grows": (
        of(
            "[3, 64, 64]",
            conv("a", padding=0) + conv("b", padding=0) + '{ name = "c", type = "crop", from = "b", like = "a" }',
        ),
        "b",
        "rounds",
        ["b makes 60 of 62"],
    ),
    "a transposed conv that cannot reach": (
        of(
            "[3, 64, 64]",
            pool("a")
            + pool("b")
            + '{ name = "c", type = "conv_transpose", out_channels = 8, kernel_size = 2, stride = 2, like = "input" }',
        ),
        "b",
        "strides",
        ["the way to b divides the side by 4, 64 to 16 (a and b); the way to input keeps the side"],
    ),
    "a window on what others have left": (
        of("[3, 10]", conv("c", dilation=4, padding=0) + conv("d", kernel=4, padding=0)),
        "d",
        "shrunk",
        ["c has left two of 10: d has a window of 4".replace("two", "2"), "sides from 12 work"],
    ),
    "a window on a single cell": (
        of("[3, 4]", pool("p") + pool("q") + pool("r")),
        "r",
        "shrunk",
        ["two pools have left one cell: r has nothing to halve", "sides from 8 work"],
    ),
    "a window on the input": (
        of("[3, 4, 9]", conv("c", kernel=5, padding=0)),
        "c",
        "shrunk",
        ["the input has a side of 4, too small for a window of 5"],
    ),
    "padding that repeats": (
        of("[3, 8, 8]", pool("c", 4) + '{ name = "p", type = "pad", padding = 3, mode = "reflect" }'),
        "p",
        "shrunk",
        ["c has left 2 of 8: p needs more"],
    ),
    "down and up again, against a pool": (
        of("[8, 64]", pool("a") + UP + pool("b", **{"from": '"input"'}) + join("j", "up", "b")),
        "b",
        "strides",
        ["b halves the side, 64 to 32; the way to up keeps the side, 64 to 64 (a and up)"],
    ),
    "a pad on one way": (
        of("[3, 9]", '{ name = "wide", type = "pad", padding = 1 },' + join("j", "wide", "input")),
        "wide",
        "rounds",
        ["wide makes 11 of 9"],
    ),
    "a reshape to the sides in another order": (
        of("[6, 8]", '{ name = "r", type = "reshape", shape = [8, 6] },' + join("j", "r", "input")),
        "r",
        "resize",
        ["r sets the side to 6, and input has 8"],
    ),
    "two ways that both stride, and differ in channels as well": (
        of(
            "[8, 13, 13]",
            conv("a", 16, stride=2, padding=0) + conv("b", kernel=1, stride=2, from_='"input"') + join("j", "a", "b"),
        ),
        "a",
        "rounds",
        ["a halves 13 and makes 6, not 6.5"],
    ),
    "declared behind a side that is set": (
        of("[3, 8, 8]", conv("c") + '{ name = "up", type = "upsample", size = 7 },' + FLAT + linear("fc", 8 * 36)),
        "fc",
        "count",
        ["288 = 8*36 is what no input gives"],
    ),
    "declared for a width alone, since the height is tripled": (
        of(
            "[3, 4, 6]",
            conv("c") + '{ name = "up", type = "upsample", scale_factor = [3, 1] },' + FLAT + linear("fc", 8 * 12 * 4),
        ),
        "fc",
        "input-size",
        ["384 = 8*12*4 is what"],
    ),
    "a wanted number of channels in the middle": (
        of("[64, 3, 32]", conv("a", in_channels=3)),
        None,
        "channels",
        ["the input has 64 channels, and a was made for 3"],
    ),
    "two expectations that fail beside each other": (
        of(
            "[3, 60, 60]",
            conv("a", stride=2, expect="[8, 15, 15]") + conv("b", stride=2, from_='"input"', expect="[8, 10, 10]"),
            'outputs = ["a", "b"]',
        ),
        "a",
        "strides",
        ["30 is 2 times the 15 expected"],
    ),
    "a way up as the way down, and one step less is expected": (
        of(
            "[3, 64, 64]",
            pool("p0") + pool("p1") + UP + '{ name = "u", type = "upsample", scale_factor = 2, expect = [3, 32, 32] }',
        ),
        "u",
        "strides",
        ["64 is 2 times the 32 expected"],
    ),
}

NONE = {  # nothing behind the layer's own setting is known
    "a padding of its own": of("[3, 8, 8]", pool("p", 3, padding=2)),
    "groups of out_channels alone": of("[4, 8, 8]", conv("c", 6, groups=4)),
    "a gate that needs broadcast": of(
        "[4, 8, 8]", '{ name = "g", type = "global_avg_pool" },' + join("j", "g", "input")
    ),
    "a list too long, once": of("[4, 8, 8]", '{ name = "p", type = "max_pool", kernel_size = [2, 2, 2] }'),
    "parameters that are claimed": of("[3, 8, 8]", conv("c")) + "\n[claims]\nparameters = 1",
    "an unknown type": of("[3, 8, 8]", '{ type = "cnov" }'),
    "an expectation of another rank": of("[3, 8, 8]", '{ type = "relu", expect = [3, 8] }'),
    "a product of matrices": of("[3, 8, 9]", '{ name = "m", type = "matmul", from = ["input", "input"] }'),
    "a learned tensor": of("[3, 8, 8]", '{ name = "s", type = "scale", shape = [4, 1, 1] }'),
    "features of an input beyond all sizes": of("[8, 100]", linear("fc", 2_000_000)),
    "a window on a side that is set": of(
        "[3, 8, 8]", '{ name = "up", type = "upsample", size = 3 },' + conv("c", kernel=5, padding=0)
    ),
    "a set side to be divided": of(
        "[3, 8, 8]",
        '{ name = "up", type = "upsample", size = 7 },{ name = "a", type = "pixel_unshuffle", downscale_factor = 2 }',
    ),
    "two inputs of other ranks": of("{ left = [3, 8, 8], right = [3, 8] }", join("j", "left", "right")),
    "channels that are doubled on one way": of(
        "[3, 8, 8]", conv("a") + conv("b", '"2 * in_channels"') + join("j", "a", "b")
    ),
    "a transposed conv that cannot keep the side": of(
        "[3, 64, 64]",
        conv("a")
        + '{ name = "c", type = "conv_transpose", out_channels = 8, kernel_size = 2, stride = 2, like = "input" }',
    ),
    "a group of one value": of("[8]", '{ name = "n", type = "group_norm", num_groups = 8 }'),
    "a side that nothing gives": of("[3, 64, 64]", conv("c", stride=2, expect="[8, 19, 19]") + conv("d")),
}


def causes(text):
    graph = net(text)
    report = graph.check()
    found = Causes(graph, report)
    return report, [found.of(problem) for problem in report.problems]


@pytest.mark.parametrize("name", CASES)
def test_cause(name):
    text, layer, code, words = CASES[name]
    report, found = causes(text)
    assert report.problems
    cause = found[0]
    assert cause is not None
    assert (cause.layer, cause.code) == (layer, code), cause.message
    said = [cause.message, *cause.notes, cause.remark]
    assert all(any(word in line for line in said) for word in words), said
    assert cause.place is not None
    for chain in cause.chains:
        assert chain.links
        assert all(one.sides != other.sides for one, other in zip(chain.links, chain.links[1:], strict=False))


@pytest.mark.parametrize("name", NONE)
def test_no_cause_is_made_up(name):
    report, found = causes(NONE[name])
    assert report.problems
    assert found[0] is None


@pytest.mark.parametrize("name", TRUTH["broken"])
def test_the_corpus_has_its_causes(name):
    graph = assemble(read(FOLDER / f"{name}.toml"))
    report = graph.check()
    truth, found = TRUTH["broken"][name], Causes(graph, report)
    shows = truth["shows"] if isinstance(truth["shows"], list) else [truth["shows"]]
    there = [found.of(problem) for problem in report.problems if problem.layer in shows and problem.severity == "error"]
    assert there
    assert any(cause and cause.layer in truth["causes"] for cause in there)


def test_chains_say_what_arrives_and_what_a_number_was_made_for():
    _, (cause,) = causes(CASES["declared for a larger input"][0])
    arrives, made = cause.chains
    assert [side for _, (side, _) in arrives.links] == [28, 24, 12, 8, 4]
    assert [side for _, (side, _) in made.links] == [32, 28, 14, 10, 5]
    assert (arrives.factors, made.factors) == ((16, 4, 4), (16, 5, 5))
    assert cause.chain == arrives.links
    assert [layer for layer, _ in cause.chain] == ["input", "c1", "p1", "c2", "p2"]


def test_a_shortcut_that_is_left_out_is_said():
    name = next(name for name in TRUTH["broken"] if name.startswith("05-"))
    graph = assemble(read(FOLDER / f"{name}.toml"))
    cause = Causes(graph, graph.check()).of(graph.check().problems[0])
    assert cause.chains[1].about == 'since proj is left out: when = "project", and project is false'
    assert [link.sides for link in cause.chains[0].links] == [(128, 48, 48), (64, 24, 24), (256, 24, 24)]


def test_a_layer_at_fault_is_not_the_cause_of_another_problem():
    text = of("[3, 8, 8]", '{ name = "r", type = "reshape", shape = [3, 7, 7] },' + join("j", "r", "input"))
    report, (of_reshape, of_join) = causes(text)
    assert [problem.layer for problem in report.problems] == ["r", "j"]
    assert (of_reshape.layer, of_join) == ("r", None)


def test_an_order_is_that_of_the_input_which_enters():
    layers = conv("a", kernel=5, padding=0, from_='"right"') + conv("b", in_channels=3, from_='"left"')
    report, found = causes(of("{ left = [64, 64, 3], right = [3, 4, 4] }", layers, 'outputs = ["a", "b"]'))
    assert [problem.layer for problem in report.problems][1:] == ["a", "b"]
    assert [cause.code for cause in found] == ["order", "shrunk", "order"]
    assert found[1].message == "the input right has a side of 4, too small for a window of 5"


def test_an_input_that_is_given_has_no_place_in_the_file():
    graph = net(of("[3, 64, 64]", conv("a", in_channels=3)))
    report = graph.check((64, 64, 3))
    (cause,) = (Causes(graph, report).of(problem) for problem in report.problems if problem.layer == "a")
    assert (cause.code, cause.marks) == ("order", ())


def test_sizes_with_gaps_are_not_said_to_be_all_from_first_to_last(torch):
    layers = pool("p") + UP + join("j", "up", "input") + pool("q", 4) + FLAT + linear("fc", 9)
    _, found = causes(of("[3, 13]", layers))
    assert (found[0].layer, found[0].code, found[0].notes) == ("p", "rounds", ())

    def runs(side):
        x = torch.zeros(1, 3, side)
        up = torch.nn.functional.interpolate(torch.nn.functional.max_pool1d(x, 2), scale_factor=2)
        return up.shape == x.shape and torch.nn.functional.max_pool1d(up, 4).numel() == 9

    assert [side for side in range(8, 20) if runs(side)] == [12, 14]


def test_a_number_that_an_oblong_input_gives_is_not_said_to_be_impossible():
    text = CASES["declared, and no square"][0]
    assert net(text).check((3, 20, 64)).problems == ()
    _, (cause,) = causes(text)
    assert "no input" not in cause.message


def test_a_layer_behind_one_that_failed_has_a_cause_of_its_own():
    layers = (
        '{ name = "j", type = "concat", dim = 2, from = ["a", "input"] },'
        '{ name = "crop", type = "crop", like = "input", from = "j" },'
        + conv("c", 3, 2, padding=0, groups=2, expect="[8, 2, 8, 2]")
    )
    report, found = causes(of("[1, 16, 8, 13]", conv("a", 4, stride=3) + layers))
    (cause,) = (one for problem, one in zip(report.problems, found, strict=True) if problem.code == "expect-differs")
    assert cause.layer == "c"


def cause_of(text):
    given = case(text)
    return Causes(given.net, given.report).of(given.problem)


def test_no_layer_makes_the_channels_that_are_expected():
    text = """input = [3, 32, 32]
    layers = [
      { name = "p", type = "max_pool", kernel_size = 2, expect = [8, 8, 8] },
    ]"""
    cause = cause_of(text)
    assert cause.message == "p has the 3 channels of the input: no layer before it makes the 8 expected"
    assert (cause.layer, cause.code) == ("p", "channels")


def test_a_side_that_is_half_the_expected_one_is_no_matter_of_the_one_layer_that_is_uneven():
    text = """input = [100, 1, 1]
    layers = [
      { name = "a", type = "conv_transpose", out_channels = 8, kernel_size = 4 },
      { name = "b", type = "conv_transpose", out_channels = 3, kernel_size = 4, stride = 2, padding = 1, expect = [3, 16, 16] },
    ]"""
    assert cause_of(text).message == "8 is half the 16 expected; b is the last layer with a stride"
