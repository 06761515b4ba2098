"""What can be wrong with how the layers and blocks of a file stand together: names, wiring, shared weights."""

from __future__ import annotations

from cnnshape.problems.base import Problem, Warn
from cnnshape.problems.reading import BadName
from cnnshape.problems.values import BadValue


class UnknownBlock(Problem, code="unknown-block"):
    sentence = "there is no block {block}"


class UnknownLayer(Problem, code="unknown-layer"):
    sentence = "there is no layer {name}"


class LaterLayer(UnknownLayer, code="later-layer"):
    sentence = "there is no layer {name} before this one; a layer takes what stands above it"


class DuplicateName(Problem, code="duplicate-name"):
    sentence = "there are two {what} named {name}; the other is at {other}"


class BlockCircle(Problem, code="block-circle"):
    sentence = "a block cannot use itself: {circle}"


class BadWiring(Problem, code="bad-wiring"):
    sentence = "{why}"


class BadStep(BadValue, code="bad-value"):
    sentence = "{why}"


class BadStepName(BadName, code="bad-name"):
    sentence = "{why}"


class SharedDiffers(Problem, code="shared-differs"):
    sentence = "{setting} is {here} here, and {there} in {other}, whose weights it shares"


class UnusedResult(Warn, code="unused-result"):
    sentence = "nothing uses this layer's result, and it is no output"
