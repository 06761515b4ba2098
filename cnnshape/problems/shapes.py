"""Problems of shapes: refusals by the size rules, and doubts of layers about inputs that torch accepts."""

from __future__ import annotations

from cnnshape.problems.base import Problem, Warn


class WindowTooLarge(Problem, code="window-too-large"):
    """The window (the kernel, spread out by dilation) is larger than the side with its padding, and fits nowhere.

    Torch says that the kernel size can't be greater than the actual input size.

    Example  input = [3, 4, 4]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 5 }]
    Mend     Lower the kernel (`kernel_size = 3`) or its dilation, add padding (`padding = 1`), or let a larger side
             enter (`input = [3, 5, 5]`): too many poolings above are the usual cause.
    """

    sentence = "a window of {extent} does not fit a side of {side} with padding {padding}"
    at = ("kernel_size", "dilation")


class WindowTooWide(Problem, code="window-too-wide"):
    """The window (the kernel, spread out by dilation) has more cells than torch counts.

    It has 32 bits for them. Beyond, some of its layers refuse, and others go round and give a wrong shape.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 5, dilation = 2_000_000_000 }]
    Mend     Look for a number that is meant otherwise (`dilation = 2`).
    """

    sentence = "a window of {extent} cells is more than torch counts in 32 bits"
    at = ("dilation", "kernel_size")
    torch_refuses = False  # the cross-check does not ask


class NothingLeft(Problem, code="nothing-left"):
    """More is cut off a side than it has: by a pad with negative numbers, or the padding of a conv_transpose.

    Example  input = [3, 4, 4]
             layers = [{ type = "conv_transpose", out_channels = 8, kernel_size = 3, padding = 4 }]
    Mend     Cut less (`padding = 1`), or let a larger side enter (`input = [3, 8, 8]`). The padding of a conv_transpose
             is what a convolution would have added, and is cut off the result.
    """

    sentence = "a side of {side} becomes {result}: nothing is left"
    at = ("scale_factor", "amount", "stop", "start", "padding", "kernel_size", "out_shape")


class NoElements(NothingLeft, code="no-elements"):
    """A side becomes 0: the result has no elements.

    Torch makes such a tensor without a word, and everything behind it works on nothing.

    Example  input = [3, 4, 4]
             layers = [{ type = "pad", padding = -2 }]
    Mend     Cut or shrink less (`padding = -1`), or let a larger side enter (`input = [3, 5, 5]`).
    """

    sentence = "a side of {side} becomes {result}: there is no element left"
    torch_refuses = False  # it makes a tensor without elements


class PaddingOverHalf(Problem, code="padding-over-half"):
    """A pool is padded by more than half its kernel: a window could lie in the padding alone, and see no value.

    Example  input = [3, 8, 8]
             layers = [{ type = "max_pool", kernel_size = 3, padding = 2 }]
    Mend     Lower the padding to half the kernel (`padding = 1`), enlarge the kernel (`kernel_size = 4`), or pad in a
             layer of its own, of type pad, before the pool.
    """

    sentence = "padding {padding} is more than {half}, half the kernel_size {kernel_size}"
    at = ("padding",)


class PaddingExceedsSide(Problem, code="padding-exceeds-side"):
    """Padding that repeats the side's own cells, mirrored or from its other end, needs more cells than the side has.

    Example  input = [3, 4, 4]
             layers = [{ type = "pad", padding = 4, mode = "reflect" }]
    Mend     Pad less (`padding = 3`), let a larger side enter (`input = [3, 5, 5]`), or take a mode without this limit
             (`mode = "replicate"`).
    """

    sentence = "{mode} padding of {padding} needs a side of at least {least}; it is {side}"
    at = ("padding", "like", "multiple", "kernel_size")


class PaddingExceedsRest(PaddingExceedsSide, code="padding-exceeds-rest"):
    """Circular padding at one end needs more cells than are left once cells are cut off the other end.

    Torch looks at the side before the cut, and along some axes gives memory that nobody wrote.

    Example  input = [3, 32, 32]
             layers = [{ type = "pad", padding = [[-20, 20], 0], mode = "circular" }]
    Mend     Add no more cells than are left (`padding = [[-20, 12], 0]`); or pad in one layer, and cut in a second.
    """

    sentence = "circular padding of {padding} needs as many cells, and only {side} are left once others are cut off"
    torch_refuses = False  # along some axes: it then gives memory that nobody wrote


class SameNeedsStride1(Problem, code="same-needs-stride-1"):
    """Padding "same" keeps a side as it is, and a stride above 1 makes it smaller: torch refuses both together.

    Example  input = [3, 8, 8]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = "same" }]
    Mend     Write what TensorFlow has for any stride (`padding = "same_upper"`), give the padding as a number, half the
             kernel rounded down (`padding = 1`), or leave the stride at 1 (`stride = 1`).
    """

    sentence = 'padding = "same" needs stride 1, not {stride}; write "same_upper", as TensorFlow has it, or a number'
    at = ("padding", "stride")


class OutputPaddingTooLarge(Problem, code="output-padding-too-large"):
    """The output_padding of a transposed convolution is not smaller than its stride or its dilation.

    A convolution gives the same side for as many inputs as its stride; output_padding says which of these comes out.

    Example  input = [3, 8, 8]
             layers = [{ type = "conv_transpose", out_channels = 8, kernel_size = 3, stride = 2, output_padding = 2 }]
    Mend     Lower it (`output_padding = 1`), or raise the stride (`stride = 3`).
    """

    sentence = "output_padding {output_padding} must be smaller than stride {stride} or dilation {dilation}"
    at = ("output_padding",)


class LikeOutOfRange(Problem, code="like-out-of-range"):
    """A transposed convolution cannot give the side of the layer that `like` names, whatever its output_padding.

    A convolution gives the same side for as many inputs as its stride; one of these must be the side wanted. Torch says
    so of an output_size.

    Example  input = [3, 16, 16]
             layers = [
               { name = "down", type = "conv", out_channels = 8, kernel_size = 4, stride = 4 },
               { type = "conv_transpose", out_channels = 8, kernel_size = 2, stride = 2, like = "input" },
             ]
    Mend     Give it the stride of the convolution that made the side smaller (`stride = 4`), or name a layer with a side
             that it can reach.
    """

    sentence = "a side of {side}, as like has it, cannot come out: it must be from {least} to {most}"
    at = ("like", "kernel_size", "stride")


class WindowBelowStride(Problem, code="window-below-stride"):
    """A transposed convolution is to give S times its side, by cutting F - S cells off, and its window F is too small.

    Keras pads with zeros then. The window is the kernel, spread out by dilation.

    Example  input = [3, 8, 8]
             layers = [
               { type = "conv_transpose", out_channels = 8, kernel_size = 2, stride = 3, padding = "same_upper" },
             ]
    Mend     Enlarge the kernel (`kernel_size = 3`), lower the stride (`stride = 2`), or give the padding as a number
             (`padding = 0`), and an output_padding beside it.
    """

    sentence = 'padding = "{padding}" needs a window of the stride {stride} or more, not {extent}'
    at = ("padding", "kernel_size", "stride")
    torch_refuses = False


class GroupsDoNotDivide(Problem, code="groups-do-not-divide"):
    """The channels cannot be dealt out in groups of equal size, since their number is no multiple of the groups.

    A convolution in groups divides both what enters and out_channels; a group_norm what enters.

    Example  input = [3, 8, 8]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3, groups = 2 }]
    Mend     Choose a number of groups that divides the channels (`groups = 1`), or change the channels
             (`input = [4, 8, 8]`).
    """

    sentence = "{groups} groups do not divide {channels} channels ({parameter})"
    at = ("groups", "num_groups")


class DeclaredDiffers(Problem, code="declared-differs"):
    """A number that follows from what arrives, such as in_channels or in_features, is written down as another.

    Example  input = [16, 6, 6]
             layers = ["flatten", { type = "linear", in_features = 400, out_features = 10 }]
    Mend     Leave the number out, and it is inferred; or write what arrives (`in_features = 576`). If the number is the
             one you want, a layer above gives another shape than you think (here `input = [16, 5, 5]` would do).
    """

    torch_refuses = False  # not always: a norm without weights looks at nothing

    @property
    def sentence(self) -> str:  # type: ignore[override]
        left_out = "left out, {declared} at the declared input" if "left_out" in self.facts else "{declared}"
        return f"{{parameter}} is {left_out}, but {{arrives}} arrives"

    @property
    def at(self) -> tuple[str, ...]:  # type: ignore[override]  # the one that differs
        return (self.facts["parameter"],)


class NoSpace(Problem, code="no-space"):
    """A layer that works on space, such as a convolution or a pool, gets a flat vector.

    Torch takes it for one signal without a batch, and gives another result than a batch of vectors would have.

    Example  input = [512]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 1 }]
    Mend     Put the layer before the flatten, take a linear layer instead, or give what enters its space back with a
             reshape (as with `input = [512, 1, 1]`).
    """

    sentence = "the layer works on space, but what arrives has none: it is flat"
    torch_refuses = False  # it takes (N, C) for one signal without a batch


class NoAxes(Problem, code="no-axes"):
    """A result without axes, one number a sample, enters a layer that works on channels.

    Torch would take the batch for the channels, or refuse.

    Example  input = [1]
             layers = [{ type = "reshape", shape = [] }, { type = "linear", out_features = 8 }]
    Mend     Put the layer before the one that takes the last axis away, or leave an axis of 1 there.
    """

    sentence = "the layer needs channels, but what arrives has no axes: it is one number a sample"
    torch_refuses = False  # not always: it takes the batch for the channels


class TooFewAxes(Problem, code="too-few-axes"):
    """The layer works on more spatial axes than what arrives has: a pixel_shuffle needs an image, for one.

    Example  input = [4, 100]
             layers = [{ type = "pixel_shuffle", upscale_factor = 2 }]
    Mend     Let what it needs enter (`input = [4, 10, 10]`; a reshape makes rows and columns of one axis), or take a
             layer for fewer axes.
    """

    sentence = "the layer needs at least {least} spatial axes; what arrives has {axes}"
    torch_refuses = False


class AxisNamedTwice(Problem, code="axis-named-twice"):
    """A list of axes has one of them twice, perhaps once counted from the end.

    Example  input = [3, 8, 8]
             layers = [{ type = "reduce", how = "mean", dim = [3, -1] }]
    Mend     Name each axis once (`dim = [2, 3]`).
    """

    sentence = "[{dims}] names an axis twice"
    at = ("dim", "dims")


class AxesLeftOut(Problem, code="axes-left-out"):
    """A permute does not name all axes: each has a place in the result.

    Example  input = [3, 8, 8]
             layers = [{ type = "permute", dims = [2, 1] }]
    Mend     Name every axis, also those that stay (`dims = [2, 1, 3]`).
    """

    sentence = "dims names {given} axes, and there are {axes}"
    at = ("dims",)


class NoSuchPlace(Problem, code="no-such-place"):
    """A select takes a place that the axis does not have.

    Example  input = [3, 32, 32]
             layers = [{ type = "select", dim = 1, index = 3 }]
    Mend     Count from 0 (`index = 2`), or from the end (`index = -1`).
    """

    sentence = "an axis of {length} has no place {index}"
    at = ("index",)


class TooManyAxes(Problem, code="too-many-axes"):
    """What arrives has more spatial axes than the layer works on: torch goes up to three, as in a volume.

    Example  input = [1, 8, 8, 8, 8]
             layers = [{ type = "max_pool", kernel_size = 2 }]
    Mend     Merge axes with a flatten or a reshape before it, or leave one out (`input = [1, 8, 8, 8]`). The batch is
             no axis of an input here.
    """

    sentence = "the layer takes at most {most} spatial axes; what arrives has {axes}"


class NeedsMoreAxes(Problem, code="needs-more-axes"):
    """A parameter is given that torch's layer does not have for this number of spatial axes.

    Example  input = [2, 100]
             layers = [{ type = "avg_pool", kernel_size = 2, divisor_override = 3 }]
    Mend     Leave the parameter out, or let an image enter (`input = [2, 10, 10]`).
    """

    sentence = "{parameter} is not for {axes} spatial axis"
    at = ("divisor_override",)


class AxesDiffer(Problem, code="axes-differ"):
    """A list has another number of entries than there are spatial axes: it has one for each.

    Example  input = [2, 100]
             layers = [{ type = "conv", out_channels = 8, kernel_size = [3, 3] }]
    Mend     Write one number, which holds for all axes (`kernel_size = 3`), or an entry for each (`kernel_size = [3]`).
             The channels, and the batch, have none.
    """

    sentence = "{parameter} has {given} entries, but there are {axes} spatial axes"
    torch_refuses = False  # it mostly takes a list of one for all axes

    @property
    def at(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.facts["parameter"],)


class ModeNeedsAxes(Problem, code="mode-needs-axes"):
    """A mode of interpolation is for another number of spatial axes: each is named for how many it works on.

    Example  input = [2, 100]
             layers = [{ type = "upsample", scale_factor = 2, mode = "bilinear" }]
    Mend     Take "linear" for one axis (`mode = "linear"`), "bilinear" or "bicubic" for two, "trilinear" for three; or
             "nearest", which is for any (`mode = "nearest"`).
    """

    sentence = "mode {mode} is for {needs} spatial axes; there are {axes}"
    at = ("mode",)


class InputAxesDiffer(Problem, code="input-axes-differ"):
    """The net is checked at an input with another number of axes than the file declares.

    Example  input = [3, 32, 32]
             layers = ["relu"]
    Command  cnnshape check net.toml --input 1x3x64x64
    Mend     Write the shape without the batch, and in the file's layout: --input 3x64x64.
    """

    sentence = "the net is built for {name} of {one}, and {other} has another number of axes"


class ShapesDiffer(Problem, code="shapes-differ"):
    """Results that are joined, or a result and a learned tensor, have shapes that do not fit each other.

    An add, sub or mul wants equal shapes; a concat, equal axes but for the one along which it joins.

    Example  input = [3, 32, 32]
             layers = [
               { name = "conv", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
               { type = "add", from = ["conv", "input"] },
             ]
    Mend     Make the shapes alike: padding keeps the sides, a convolution of kernel_size 1 on the shortcut gives it the
             same channels. Or join them otherwise (`type = "concat"`).
    """

    sentence = "the shapes do not fit: {one} and {other}"
    at = ("shape", "from", "like", "indices")


class RanksDiffer(ShapesDiffer, code="ranks-differ"):
    """Results that are joined, or a result and a learned tensor, have not the same number of axes.

    Torch lines up the last axes, so that channels meet columns, and repeats the rest over the batch.

    Example  input = [3, 32, 32]
             layers = [
               { name = "gate", type = "global_avg_pool" },
               { name = "flat", type = "flatten" },
               { type = "mul", from = ["input", "flat"] },
             ]
    Mend     Keep the axes of 1 (`from = ["input", "gate"]`), or bring them back with a reshape.
    """

    sentence = "the shapes have not the same number of axes: {one} and {other}"
    torch_refuses = False  # it lines up the last axes, and repeats the others over the batch


class NeedsBroadcast(ShapesDiffer, code="needs-broadcast"):
    """One result has an axis of 1 where the other has more: torch would repeat it, which is rarely meant in a sum.

    Example  input = [3, 32, 32]
             layers = [
               { name = "mean", type = "global_avg_pool" },
               { type = "sub", from = ["input", "mean"] },
             ]
    Mend     If it is meant, say so (`broadcast = true`); if not, make the shapes equal. A mul repeats such axes as it
             is.
    """

    sentence = "the shapes differ: {one} and {other}; broadcast = true would repeat the axes of 1"
    torch_refuses = False


class CropGrows(Problem, code="crop-grows"):
    """A crop is to give more cells than there are, or than there are from its offset on.

    Example  input = [3, 32, 32]
             layers = [{ type = "crop", size = 40 }]
    Mend     Crop to less (`size = 32`), begin nearer to the front, or use a pad, which adds cells.
    """

    at = ("offset", "size", "like")
    torch_refuses = False  # torchvision's center_crop pads

    @property
    def sentence(self) -> str:  # type: ignore[override]
        return "a side of {side} cannot be cropped to {size}" + " from cell {offset} on" * (self.facts["offset"] != 0)


class OddCrop(Problem, code="odd-crop"):
    """A crop with `exact = true` would have to cut one cell more at the end than at the front.

    Example  input = [3, 32, 32]
             layers = [{ type = "crop", size = 31, exact = true }]
    Mend     Crop to a size that leaves an even number to cut (`size = 30`), or allow the odd cell to go off the end
             (`exact = false`).
    """

    sentence = "cropping {side} to {size} is not even on both sides, and exact = true asks for that"
    at = ("exact",)
    torch_refuses = False


class SliceOutOfRange(Problem, code="slice-out-of-range"):
    """A slice begins or ends outside the axis. Torch would take what there is, as Python does, and hide the mistake.

    Example  input = [3, 32, 32]
             layers = [{ type = "slice", start = 1, stop = 4 }]
    Mend     Keep within the axis (`stop = 3`), leave stop out to go to its end, or slice another axis (`dim = 2`).
    """

    sentence = "start {start} or stop {stop} lies outside an axis of {length}"
    at = ("stop", "start")
    torch_refuses = False  # it clamps, as Python does


class NoSuchAxis(Problem, code="no-such-axis"):
    """A parameter names an axis that what arrives does not have. Axis 0 is the batch, 1 the channels, then comes space.

    Example  input = [3, 32, 32]
             layers = [{ type = "softmax", dim = 4 }]
    Mend     Name an axis that is there (`dim = 1`), or count from the last one (`dim = -1`).
    """

    sentence = "axis {dim} does not exist: axes go from 1 (the channels) to {most}"
    at = ("dim", "dims", "start_dim", "end_dim", "over")
    torch_refuses = False  # 0 is its batch


class AxesReversed(Problem, code="axes-reversed"):
    """A flatten is to end at an axis before the one that it starts from.

    Example  input = [3, 32, 32]
             layers = [{ type = "flatten", start_dim = 3, end_dim = 2 }]
    Mend     Start from the lower axis (`start_dim = 2`), or end at a later one (`end_dim = 3`).
    """

    sentence = "start_dim {start_dim} stands behind end_dim {end_dim}"
    at = ("start_dim", "end_dim")


class ElementsDiffer(Problem, code="elements-differ"):
    """A reshape is to give another number of elements than arrives: it moves none, adds none and drops none.

    Example  input = [16, 6, 6]
             layers = [{ type = "reshape", shape = [400] }]
    Mend     Write a shape with the same product (`shape = [576]`), or -1 for one entry, which becomes what is left
             (`shape = [-1]`).
    """

    sentence = "{elements} elements cannot be read as {shape}"
    at = ("shape", "unflattened_size", "like")


class ColumnsDiffer(Problem, code="columns-differ"):
    """A fold is to put as many windows into its image as columns arrive, and the image has another number of them.

    Torch says that it expected the size of the input's dimension 2 to match the calculated number of sliding blocks.

    Example  input = [8, 12]
             layers = [{ type = "fold", output_size = [4, 6], kernel_size = 2 }]
    Mend     Write the size of the image that was unfolded (`output_size = [4, 5]`: 3 * 4 windows), or name its layer
             as like; and the window as the unfold has it.
    """

    sentence = "{columns} columns are put into an image of {windows} windows"
    at = ("output_size", "like", "kernel_size")


class NotDivisible(Problem, code="not-divisible"):
    """An axis is to be divided into equal parts, and its length is no multiple of their number.

    Example  input = [3, 32, 32]
             layers = [{ type = "pixel_shuffle", upscale_factor = 2 }]
    Mend     Let a multiple arrive: for a pixel_shuffle, channels in the number of the factor squared
             (`input = [12, 32, 32]`); or choose another factor (`upscale_factor = 1`).
    """

    sentence = "{number} is not a multiple of {divisor}"
    at = ("upscale_factor", "downscale_factor", "dim", "kernel_size")


class HeadsDoNotDivide(Problem, code="heads-do-not-divide"):
    """The features cannot be dealt out to the heads of an attention, since their number is no multiple of the heads.

    Example  input = [6, 49]
             layers = [{ type = "attention", num_heads = 4, over = 2 }]
    Mend     Choose a number of heads that divides the features (`num_heads = 3`), or change the features
             (`input = [8, 49]`).
    """

    sentence = "{heads} heads do not divide {features} features"
    at = ("num_heads",)


class OverAllButOne(Problem, code="over-all-but-one"):
    """An attention must be told all axes of its positions: the one that is left has their features.

    Example  input = [64, 7, 7]
             layers = [{ type = "attention", num_heads = 8, over = 2 }]
    Mend     Name every axis but that of the features, once: for an image `over = [2, 3]`, as attention along one axis
             alone is no layer of torch.
    """

    sentence = "over must name each axis of {shape} once, but that of the features, not {over}"
    at = ("over",)
    torch_refuses = False  # it has positions along one axis


class SlopesDiffer(Problem, code="slopes-differ"):
    """A prelu learns one slope for all channels, or one for each; it is given another number.

    Example  input = [3, 32, 32]
             layers = [{ type = "prelu", num_parameters = 2 }]
    Mend     Write 1 (`num_parameters = 1`), or the number of channels that arrive (`num_parameters = 3`).
    """

    sentence = "num_parameters must be 1 or the {channels} channels, not {slopes}"
    at = ("num_parameters",)


class OneValue(Problem, code="one-value"):
    """A norm that takes mean and variance of each sample would take them of a single value, and give 0 for anything.

    Example  input = [8, 1, 1]
             layers = ["instance_norm"]
    Mend     Put the norm before the pooling that leaves one cell, or let a larger side enter (`input = [8, 2, 2]`).
    """

    sentence = "there is a single value to normalise in each channel or group of {shape}"


class OneWeight(Problem, code="one-weight"):
    """A conv with gain normalises the weights of each filter, and a filter has one weight: it would be 0 for anything.

    Example  input = [8, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 1, groups = 8, gain = true }]
    Mend     Leave the gain out, or let a filter have more weights: a larger kernel (`kernel_size = 3`), or fewer groups
             (`groups = 4`).
    """

    sentence = "gain normalises the weights of each filter, and a filter has one weight"
    at = ("gain",)


class SayOver(Problem, code="say-over"):
    """A layer_norm on an input with space does not say over which axes: both ways are common, and they differ.

    Example  input = [3, 32, 32]
             layers = [{ type = "layer_norm" }]
    Mend     Say it: over the channels of each position, as in ConvNeXt (`over = "channels"`), or over the whole shape,
             as in torch.nn.LayerNorm (`over = "all"`).
    """

    sentence = 'the input {shape} has space: say over = "channels" or over = "all"'
    torch_refuses = False


class UnpoolOutOfRange(Problem, code="unpool-out-of-range"):
    """The window of a max_unpool cannot give the side that entered its max_pool.

    Example  input = [3, 32]
             layers = [
               { name = "pool", type = "max_pool", kernel_size = 2 },
               { type = "max_unpool", indices = "pool", kernel_size = 4 },
             ]
    Mend     Leave kernel_size, stride and padding out: they are then the max_pool's (here `kernel_size = 2`).
    """

    sentence = "side {target} cannot be restored: it must be within {stride} of {usual}"
    at = ("kernel_size", "stride", "indices")


class IndexOutOfRange(Problem, code="index-out-of-range"):
    """A max_unpool with `output_size = "default"` may get an index of its max_pool that is no cell of its result.

    The indices count the cells of what entered the max_pool, row by row. The result is smaller where the windows left
    rows over, and then has fewer cells; whether torch raises depends on where the largest values are.

    Example  input = [3, 4, 5]
             layers = [
               { name = "pool", type = "max_pool", kernel_size = 2 },
               { type = "max_unpool", indices = "pool", output_size = "default" },
             ]
    Mend     Leave output_size out, and the side that entered the max_pool comes back; or let a side enter at which the
             windows fit (`input = [3, 4, 4]`).
    """

    sentence = "an index of the max_pool, which counts the cells of {one}, may lie behind the last cell of {other}"
    at = ("output_size",)


class WindowInPadding(Problem, code="window-in-padding"):
    """A window of the max_pool, spread out by dilation, may see padding alone, and has no cell to restore.

    Example  input = [3, 1]
             layers = [
               { name = "pool", type = "max_pool", kernel_size = 2, dilation = 2, padding = 1 },
               { type = "max_unpool", indices = "pool" },
             ]
    Mend     Lower the dilation or the padding of the max_pool, or let a larger side enter (`input = [3, 3]`).
    """

    sentence = (
        "with padding {padding} and dilation {dilation}, a window of the max_pool may see no cell of a side of {side},"
        " and has no place to put its value back to"
    )
    at = ("indices",)
    torch_refuses = False  # not where the wrong place happens to exist


class WrongNumberOfInputs(Problem, code="wrong-number-of-inputs"):
    """The layer takes another number of inputs than arrive.

    Example  input = [3, 32, 32]
             layers = [
               { name = "act", type = "tanh" },
               { type = "relu", from = ["act", "input"] },
             ]
    Mend     Name as many as the layer takes (`from = "act"`), or join them first, with an add (`type = "add"`) or a
             concat. In a net with several inputs, the first layer must say which enters it.
    """

    sentence = "{type} takes {takes}, but {inputs} arrive"
    at = ("from",)
    torch_refuses = False


class TooManyElements(Problem, code="too-many-elements"):
    """The result has more elements than torch can count: a factor is far too large.

    Example  input = [3, 3_000_000_000, 3_000_000_000]
             layers = [{ type = "conv", out_channels = 4, kernel_size = 1 }]
    Mend     Look for the number that is meant otherwise, in the input (`input = [3, 3_000, 3_000]`), in a scale_factor,
             or in a repeat that doubles each time.
    """

    sentence = "the result {shape} has more than 2**63 elements"
    torch_refuses = False  # the cross-check does not try


class AnotherOrder(Warn, code="another-order"):
    """An input has the look of another order of axes: a picture's channels at the wrong end, or a batch in front.

    Of three numbers, the last is 1, 3 or 4 (with `layout = "channels_last"`: the first), and both others are larger than
    4; of four, the second is 1, 3 or 4, and both behind it are larger than 4.

    Example  input = [224, 224, 3]
             layers = ["relu"]
    Mend     Write the channels first (`input = [3, 224, 224]`), or say that they are last
             (`layout = "channels_last"`); a batch is left out. Or if it is meant, say so (`allow = "another-order"`).
    """

    sentence = "{name} {shape} is read as {axes}"


class LinearOnSpace(Warn, code="linear-on-space"):
    """A linear layer on an image works on each of its rows by itself, which is rarely meant: torch takes it.

    On one spatial axis there is no warning: in a sequence, a linear layer works on each step.

    Example  input = [3, 32, 32]
             layers = [{ type = "linear", out_features = 10 }]
    Mend     Put a flatten before it, behind a global_avg_pool too; or if it is meant, say so
             (`allow = "linear-on-space"`).
    """

    sentence = "linear works on the last of {axes} axes alone: is a flatten missing?"


class OneValueBatchNorm(Warn, code="one-value-batch-norm"):
    """A batch norm sees one value of each channel a sample: torch raises in training with a batch of one.

    It is an error where the file's [training] says `batch_size = 1`, and nothing where it says a larger one. In
    evaluation all is well.

    Example  input = [8, 1, 1]
             layers = [{ type = "batch_norm" }]
    Mend     Put the norm before the pooling that leaves one cell (as with `input = [8, 2, 2]`); or train with larger
             batches, and say so: with a batch_size above 1 in [training], or here (`allow = "one-value-batch-norm"`).
    """

    sentence = "each channel of {shape} has one value a sample: training with batch size 1 fails"


class DroppedRows(Warn, code="dropped-rows"):
    """The last rows or columns that enter are read by no window, since the stride does not come out even.

    They hold something of the image: rows of padding do not count. It is said with --strict alone: many published nets
    drop a row.

    Example  input = [3, 224, 224]
             layers = [{ type = "conv", out_channels = 96, kernel_size = 11, stride = 4 }]
    Command  cnnshape check net.toml --strict
    Mend     Add padding (`padding = 2`), or let a side enter at which the windows fit (`input = [3, 227, 227]`;
             cnnshape sizes --exact lists them); or if it is meant, say so (`allow = "dropped-rows"`).
    """

    sentence = "the windows do not reach the last {dropped} of what enters (rows, columns)"


class RequirementFails(Problem, code="requirement-fails"):
    """A side is not what the file requires, as the model's own code does; its layers would take it.

    Example  input = [3, 240, 224]
             layers = [{ type = "require", multiple_of = 32 }, { type = "max_pool", kernel_size = 2 }]
    Mend     Let another side enter (`input = [3, 256, 224]`); or, if the code does not ask for that, leave the require out.
    """

    torch_refuses = False  # the code does, and no layer

    @property
    def sentence(self) -> str:  # type: ignore[override]
        multiple = "not {plus} more than a multiple of" if self.facts.get("plus") else "no multiple of"
        kinds = {"multiple_of": multiple, "at_least": "less than", "at_most": "more than"}
        return f"a side of {{side}} is {kinds[self.facts['key']]} {{number}}, which the model requires"

    @property
    def at(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.facts["key"],)


class SeenElsewhere(Problem, code="seen-elsewhere"):
    """What comes out of an opaque is stated for another shape than enters.

    Numbers for its sides hold for one input alone, the one that enters where the net is declared; the channels, in any
    case, are those of its weights.

    Example  input = [8, 16, 16]
             layers = [{ type = "opaque", out_shape = [4, 8, 8], seen = [8, 32, 32] }]
    Mend     Say how the sides follow from those that enter (`out_shape = [4, "h//2", "w//2"]`), or let the shape enter
             that the figures are of (`seen = [8, 16, 16]`).
    """

    sentence = "the figures are stated for {one}, and {other} enters"
    at = ("seen", "out_shape")
    torch_refuses = False  # it knows no such layer


class UnknownSide(Problem, code="unknown-side"):
    """A formula of an opaque names an axis that what enters does not have.

    An image has c, h and w; a sequence c and l; a volume c, d, h and w.

    Example  input = [8, 100]
             layers = [{ type = "opaque", out_shape = [4, "h//2"] }]
    Mend     Name the axes that there are (`out_shape = [4, "l//2"]`).
    """

    sentence = "{entry} is no axis of what enters, nor made of them; there are {axes}"
    at = ("out_shape",)
    torch_refuses = False
