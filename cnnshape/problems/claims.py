"""Problems of expectations and claims: shapes and published figures that are not those of the net."""

from __future__ import annotations

from cnnshape.problems.base import Problem


class ExpectDiffers(Problem, code="expect-differs"):
    """A layer gives another shape than the file expects of it.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3, expect = [8, 32, 32] }]
    Mend     If the layer is wrong, change it (`padding = 1`); if the expectation is, correct it
             (`expect = [8, 30, 30]`). Of several such problems the first is the cause, and the others most often follow
             from it.
    """

    sentence = "expected {expected}, but it is {actual}"


class ClaimDiffers(Problem, code="claim-differs"):
    """A published figure, or the shape of an output, is not that of the net which the file describes.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3 }]

             [claims]
             parameters = 216
    Mend     Look for the layer that makes the difference: a bias too many is as many parameters as a layer has channels
             (8 here), a layer too many, all of its own. If the net is right, correct the claim (`parameters = 224`).
    """

    sentence = "{claim} is claimed to be {claimed}, but it is {actual}"


class NoSizes(Problem, code="no-closed-form"):
    """The file claims the input sizes that the net accepts, and they cannot be given in closed form.

    A check never guesses; a layer is named whose rule, for a side that is not known, has no exact answer.

    Example  input = [3, 32, 32]
             layers = [{ type = "upsample", scale_factor = 0.7 }]

             [claims]
             valid_sizes = "every size from 2"
    Mend     Leave valid_sizes out of [claims]; or give the layer named a setting that is exact: a scale_factor such as
             0.5, 1.5 or 2, or a size.
    """

    sentence = "valid_sizes cannot be checked, since the set has no closed form: {why}"
