"""A model held against a net, with its problems and matches in a form for asserts."""

import torch
from torch import nn

import cnnshape

DIFFERS, MISSES, ADDS = "model-differs", "model-misses", "model-adds"


def compare(text, model, device="auto", **how):
    """A model held against a net, or the text of one."""
    net = cnnshape.loads(text) if isinstance(text, str) else text
    return cnnshape.verify(net, device, model=model, **how)


def found(comparison):
    """The problems, each as its code and its layer."""
    return [(problem.code, problem.layer) for problem in comparison.problems]


def here(comparison):
    """The problems at the checked input: models that were written for it alone have others elsewhere."""
    return [problem for problem in comparison.problems if problem.code != "other-size-differs"]


def verdicts(comparison):
    return {match.name: match.verdict for match in comparison.layers}


def matched(comparison):
    return {match.name: match.model for match in comparison.layers}


class Code(nn.Module):
    """A function as a model, with parameters of some shapes."""

    def __init__(self, function, *shapes):
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList(torch.zeros(shape) for shape in shapes)

    def forward(self, x):
        return self.function(x, *self.weights)
