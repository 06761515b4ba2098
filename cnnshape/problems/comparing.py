"""What can differ between a net and torch, or a live model."""

from __future__ import annotations

from cnnshape.problems.base import Problem, Warn


class Disagreement(Problem, code="disagrees-with-torch"):
    """Cnnshape is wrong, or so it seems: this is a bug of ours."""

    sentence = "cnnshape says {ours}, torch says {torch}. This is a bug in cnnshape, please report it with: {case}"


class ModelDiffers(Problem, code="model-differs"):
    sentence = "{file} in the file, but {model} in {module}"


class ModelMisses(Problem, code="model-misses"):
    sentence = "{model} has no such layer: {what}"


class ModelAdds(Problem, code="model-adds"):
    sentence = "the model has {what}{where}: the file has not"


class ModelFails(Problem, code="model-fails"):
    sentence = "the model raises in {module}: {message}"


class DependsOnData(Warn, code="depends-on-data"):
    sentence = "the model's shapes depend on what its tensors hold ({function}): this is what one random input gave"
