"""Problems of comparing: differences between a net and torch, or between a net and a live model."""

from __future__ import annotations

from cnnshape.problems.base import Problem, Warn


class Disagreement(Problem, code="disagrees-with-torch"):
    """Torch gives a layer another shape or number of parameters than cnnshape, or refuses what cnnshape takes.

    This is a bug in cnnshape: no file should have the problem, so there is no example.

    Mend     Please report it, with the few lines of torch code that the message ends in. Until it is mended, trust
             torch; --no-torch checks the file without asking it.
    """

    sentence = "cnnshape says {ours}, torch says {torch}. This is a bug in cnnshape, please report it with: {case}"


class ModelDiffers(Problem, code="model-differs"):
    """A layer of the model has other settings, parameters or shapes than the layer of the file that it stands for.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3, padding = 1 }]
    model.py
             from collections import OrderedDict

             from torch import nn

             net = nn.Sequential(OrderedDict(first=nn.Conv2d(3, 8, 3)))
    Mend     Decide which of the two is right, and change the other: here, the file (`padding = 0`) or the model, at the
             module that the message names.
    """

    sentence = "{file} in the file, but {model} in {module}"


class ModelMisses(Problem, code="model-misses"):
    """The model has no layer for one of the file's, at the place where it stands between the others.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3 }, { type = "relu" }]
    model.py
             from torch import nn

             net = nn.Sequential(nn.Conv2d(3, 8, 3))
    Mend     Add the layer to the model, or take it out of the file. A layer that the model has, but does not call, is
             missing too: look at its forward.
    """

    sentence = "{model} has no such layer: {what}"


class ModelAdds(Problem, code="model-adds"):
    """The model runs a layer that the file does not have.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3 }]
    model.py
             from collections import OrderedDict

             from torch import nn

             net = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 8, 3), act=nn.ReLU()))
    Mend     Add the layer to the file, at the place that the message names, or take it out of the model.
    """

    sentence = "the model has {what}{where}: the file has not"


class ModelFails(Problem, code="model-fails"):
    """The model raises an exception while it runs. What ran before is compared with the file all the same.

    Example  input = [3, 32, 32]
             layers = ["flatten"]
    model.py
             from torch import nn


             class Net(nn.Module):
                 def forward(self, x):
                     return x.view(len(x), 400)


             net = Net()
    Mend     Correct the module or the line that the message names; cnnshape check has the shapes that arrive there, if
             the file is right.
    """

    sentence = "the model raises in {module}: {message}"


class DependsOnData(Warn, code="depends-on-data"):
    """The model's shapes depend on the values of its tensors, as where a mask picks cells.

    The model was run once, with random values, and that run is compared with the file; others may give other shapes.

    Example  input = [3, 32, 32]
             layers = ["relu"]
    model.py
             from torch import nn


             class Net(nn.Module):
                 def forward(self, x):
                     return x.relu()[:, x.mean((0, 2, 3)) > -9]


             net = Net()
    Mend     Let the shapes follow from other shapes alone: multiply with a mask, rather than pick by it; or if it is
             meant, say so (`allow = "depends-on-data"`).
    """

    sentence = "the model's shapes depend on what its tensors hold ({function}): this is what one random input gave"


class OtherSizeDiffers(Warn, code="other-size-differs"):
    """The model is what the file says at the checked input, and not at another.

    It is run at two more inputs, one that the file accepts and one that it refuses. A model that pads or resizes by the
    size of what it gets does nothing of that at some sizes, and more than the file says at others.

    Example  input = [3, 32, 32]
             layers = [{ type = "max_pool", kernel_size = 2 }, { type = "upsample", scale_factor = 2 }]
    model.py
             from torch import nn
             from torch.nn import functional


             class Net(nn.Module):
                 def forward(self, x):
                     half = functional.max_pool2d(x, 2)
                     return functional.interpolate(half, x.shape[2:])


             net = Net()
    Mend     Say in the file what the code does: here, that it resizes to the side of the input (like = "input"). Or if only some
             sizes are meant, say so (`allow = "other-size-differs"`).
    """

    sentence = "at {size}, which the file {does}: {what}"


class BetweenLayers(Warn, code="between-layers"):
    """The model computes something between its layers that is no layer of the file: y * 2, x.flip(1).

    Numbers are changed there, or moved; the shapes alone do not tell.

    Example  input = [3, 32, 32]
             layers = ["relu"]
    model.py
             from torch import nn


             class Net(nn.Module):
                 def forward(self, x):
                     return x.relu().flip(1)


             net = Net()
    Mend     Write it into the file as a layer, if there is a type for it, or as a module of its own that stands there as
             opaque; or take it out of the model; or if the file need not speak of it, say so
             (`allow = "between-layers"`).
    """

    sentence = "the model has {what}{where}, which changes numbers or moves them, and is no layer of the file"


class UnusedInModel(Warn, code="unused-in-model"):
    """A module of the model has parameters that no layer used when the model was evaluated.

    It may be a head that only training uses, or one that the forward forgets.

    Example  input = [3, 32, 32]
             layers = ["relu"]
    model.py
             from torch import nn


             class Net(nn.Module):
                 def __init__(self):
                     super().__init__()
                     self.aux = nn.Conv2d(3, 4, 1)

                 def forward(self, x):
                     return x.relu()


             net = Net()
    Mend     Use the module in forward, or take it out of the model; or if it is for training alone, say so
             (`allow = "unused-in-model"`).
    """

    sentence = "the model has {what}, which no layer used when it was evaluated"
