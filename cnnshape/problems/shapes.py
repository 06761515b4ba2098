"""What can be wrong with shapes: the conditions of the size rules, and what torch takes and people rarely mean."""

from __future__ import annotations

from cnnshape.problems.base import Problem, Warn


class WindowTooLarge(Problem, code="window-too-large"):
    sentence = "a window of {extent} does not fit a side of {side} with padding {padding}"
    at = ("kernel_size", "dilation")


class NothingLeft(Problem, code="nothing-left"):
    sentence = "a side of {side} becomes {result}: nothing is left"
    at = ("scale_factor", "amount", "stop", "start", "padding", "kernel_size")


class NoElements(NothingLeft, code="no-elements"):
    sentence = "a side of {side} becomes {result}: there is no element left"
    torch_refuses = False  # it makes a tensor without elements


class PaddingOverHalf(Problem, code="padding-over-half"):
    sentence = "padding {padding} is more than {half}, half the kernel_size {kernel_size}"
    at = ("padding",)


class PaddingExceedsSide(Problem, code="padding-exceeds-side"):
    sentence = "{mode} padding of {padding} needs a side that is not smaller, and for reflect larger; it is {side}"
    at = ("padding", "kernel_size")


class PaddingExceedsRest(PaddingExceedsSide, code="padding-exceeds-rest"):
    sentence = "circular padding of {padding} needs as many cells, and only {side} are left once others are cut off"
    torch_refuses = False  # along some axes: it then gives memory that nobody wrote


class SameNeedsStride1(Problem, code="same-needs-stride-1"):
    sentence = 'padding = "same" needs stride 1, not {stride}; give the padding as a number'
    at = ("padding", "stride")


class OutputPaddingTooLarge(Problem, code="output-padding-too-large"):
    sentence = "output_padding {output_padding} must be smaller than stride {stride} or dilation {dilation}"
    at = ("output_padding",)


class GroupsDoNotDivide(Problem, code="groups-do-not-divide"):
    sentence = "{groups} groups do not divide {channels} channels ({parameter})"
    at = ("groups", "num_groups")


class DeclaredDiffers(Problem, code="declared-differs"):
    sentence = "{parameter} is {declared}, but {arrives} arrives"
    torch_refuses = False  # not always: a norm without weights looks at nothing

    @property
    def at(self) -> tuple[str, ...]:  # type: ignore[override]  # the one that differs
        return (self.facts["parameter"],)


class NoSpace(Problem, code="no-space"):
    sentence = "the layer works on space, but what arrives has none: it is flat"
    torch_refuses = False  # it takes (N, C) for one signal without a batch


class TooFewAxes(Problem, code="too-few-axes"):
    sentence = "the layer needs at least {least} spatial axes; what arrives has {axes}"
    torch_refuses = False


class TooManyAxes(Problem, code="too-many-axes"):
    sentence = "the layer takes at most {most} spatial axes; what arrives has {axes}"


class NeedsMoreAxes(Problem, code="needs-more-axes"):
    sentence = "{parameter} is not for {axes} spatial axis"
    at = ("divisor_override",)


class AxesDiffer(Problem, code="axes-differ"):
    sentence = "{parameter} has {given} entries, but there are {axes} spatial axes"
    torch_refuses = False  # it mostly takes a list of one for all axes

    @property
    def at(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.facts["parameter"],)


class ModeNeedsAxes(Problem, code="mode-needs-axes"):
    sentence = "mode {mode} is for {needs} spatial axes; there are {axes}"
    at = ("mode",)


class InputAxesDiffer(Problem, code="input-axes-differ"):
    sentence = "the net is built for {name} of {one}, and {other} has another number of axes"


class ShapesDiffer(Problem, code="shapes-differ"):
    sentence = "the shapes do not fit: {one} and {other}"
    at = ("from", "like", "indices")


class RanksDiffer(ShapesDiffer, code="ranks-differ"):
    sentence = "the shapes have not the same number of axes: {one} and {other}"
    torch_refuses = False  # it lines up the last axes, and repeats the others over the batch


class NeedsBroadcast(ShapesDiffer, code="needs-broadcast"):
    sentence = "the shapes differ: {one} and {other}; broadcast = true would repeat the axes of 1"
    torch_refuses = False


class CropGrows(Problem, code="crop-grows"):
    at = ("offset", "size", "like")
    torch_refuses = False  # torchvision's center_crop pads

    @property
    def sentence(self) -> str:  # type: ignore[override]
        return "a side of {side} cannot be cropped to {size}" + " from cell {offset} on" * (self.facts["offset"] != 0)


class OddCrop(Problem, code="odd-crop"):
    sentence = "cropping {side} to {size} is not even on both sides, and exact = true asks for that"
    at = ("exact",)
    torch_refuses = False


class SliceOutOfRange(Problem, code="slice-out-of-range"):
    sentence = "start {start} or stop {stop} lies outside an axis of {length}"
    at = ("stop", "start")
    torch_refuses = False  # it clamps, as Python does


class NoSuchAxis(Problem, code="no-such-axis"):
    sentence = "axis {dim} does not exist: axes go from 1 (the channels) to {most}"
    at = ("dim", "start_dim", "end_dim")
    torch_refuses = False  # 0 is its batch


class AxesReversed(Problem, code="axes-reversed"):
    sentence = "start_dim {start_dim} stands behind end_dim {end_dim}"
    at = ("start_dim", "end_dim")


class ElementsDiffer(Problem, code="elements-differ"):
    sentence = "{elements} elements cannot be read as {shape}"
    at = ("shape",)


class NotDivisible(Problem, code="not-divisible"):
    sentence = "{number} is not a multiple of {divisor}"
    at = ("upscale_factor", "downscale_factor", "dim")


class SlopesDiffer(Problem, code="slopes-differ"):
    sentence = "num_parameters must be 1 or the {channels} channels, not {slopes}"
    at = ("num_parameters",)


class OneValue(Problem, code="one-value"):
    sentence = "there is a single value to normalise in each channel or group of {shape}"


class SayOver(Problem, code="say-over"):
    sentence = 'the input {shape} has space: say over = "channels" or over = "all"'
    torch_refuses = False


class UnpoolOutOfRange(Problem, code="unpool-out-of-range"):
    sentence = "side {target} cannot be restored: it must be within {stride} of {usual}"
    at = ("kernel_size", "stride", "indices")


class WindowInPadding(Problem, code="window-in-padding"):
    sentence = (
        "with padding {padding} and dilation {dilation}, a window of the max_pool may see no cell of a side of {side},"
        " and has no place to put its value back to"
    )
    at = ("indices",)
    torch_refuses = False  # not where the wrong place happens to exist


class WrongNumberOfInputs(Problem, code="wrong-number-of-inputs"):
    sentence = "{type} takes {takes}, but {inputs} arrive"
    at = ("from",)
    torch_refuses = False


class TooManyElements(Problem, code="too-many-elements"):
    sentence = "the result {shape} has more than 2**63 elements"
    torch_refuses = False  # the cross-check does not try


class LinearOnSpace(Warn, code="linear-on-space"):
    sentence = "linear works on the last of {axes} axes alone: is a flatten missing?"


class OneValueBatchNorm(Warn, code="one-value-batch-norm"):
    sentence = "each channel of {shape} has one value a sample: training with batch size 1 fails"


class DroppedRows(Warn, code="dropped-rows"):
    sentence = "the windows do not reach the last {dropped} of the image (rows, columns)"
