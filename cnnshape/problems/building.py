"""What can be wrong with how the layers and blocks of a file stand together: names, wiring, shared weights."""

from __future__ import annotations

from cnnshape.problems.base import Problem, Warn
from cnnshape.problems.reading import BadName
from cnnshape.problems.values import BadValue


class UnknownBlock(Problem, code="unknown-block"):
    """There is no block of this name, neither in the file nor in those that it includes.

    Example  input = [3, 32, 32]
             layers = [{ block = "unti" }]

             [blocks.unit]
             layers = ["relu"]
    Mend     Write the name of a block that there is (`block = "unit"`), include the file that has it, or say type where
             a layer is meant.
    """

    sentence = "there is no block {block}"


class UnknownLayer(Problem, code="unknown-layer"):
    """A key such as from names a layer that there is not: the name is misspelt, or the layer has none.

    Example  input = [3, 32, 32]
             layers = [
               { name = "first", type = "relu" },
               { type = "add", from = ["fisrt", "input"] },
             ]
    Mend     Write the name of a layer above (`from = ["first", "input"]`), and give one to the layer that you mean. A
             layer in a block is named with the block's, as in stage1.conv2.
    """

    sentence = "there is no layer {name}"


class LaterLayer(UnknownLayer, code="later-layer"):
    """A layer takes the result of one that stands below it, or its own: data flows down the file.

    Example  input = [3, 32, 32]
             layers = [
               { type = "relu", from = "second" },
               { name = "second", type = "relu", from = "input" },
             ]
    Mend     Name a layer above (`from = "input"`), or move the other one up. A circle cannot be checked: unroll it with
             repeat.
    """

    sentence = "there is no layer {name} before this one; a layer takes what stands above it"


class DuplicateName(Problem, code="duplicate-name"):
    """Two layers, blocks, inputs or outputs have the same name, so that nobody knows which is meant.

    Example  input = [3, 32, 32]
             layers = [
               { name = "act", type = "relu" },
               { name = "act", type = "tanh" },
             ]
    Mend     Rename one (`name = "act2"`), and what refers to it.
    """

    sentence = "there are two {what} named {name}; the other is at {other}"


class BlockCircle(Problem, code="block-circle"):
    """A block uses itself, directly or by other blocks within it: it would never end.

    Example  input = [3, 32, 32]
             layers = [{ block = "unit" }]

             [blocks.unit]
             layers = ["relu", { block = "unit" }]
    Mend     Take the use out that closes the circle; what is to stand several times in a row is a repeat.
    """

    sentence = "a block cannot use itself: {circle}"


class BadWiring(Problem, code="bad-wiring"):
    """What enters a layer, or leaves the net, is not said as it can be.

    Example  inputs = { left = [3, 32, 32], right = [3, 32, 32] }
             layers = [{ type = "relu" }]
    Mend     Do as the message says (`from = "left"`): a from names inputs, layers above, or results of a block.
    """

    sentence = "{why}"


class BadStep(BadValue, code="bad-value"):
    """A setting of a layer or a block is right in itself, and wrong where it stands.

    Example  input = [3, 32, 32]
             layers = [
               { name = "first", type = "relu" },
               { type = "relu", from = ["input", "first"], repeat = 2 },
             ]
    Mend     Do as the message says (`from = "first"`).
    """

    sentence = "{why}"


class BadStepName(BadName, code="bad-name"):
    """The name of a layer cannot stand beside another's.

    Example  input = [3, 32, 32]
             layers = [{ name = "act{1}", type = "relu", repeat = 2 }]
    Mend     Make the names differ (`name = "act{i}"`).
    """

    sentence = "{why}"


class SharedDiffers(Problem, code="shared-differs"):
    """A layer that uses the weights of another has settings that these weights do not fit.

    Example  input = [3, 32, 32]
             layers = [
               { name = "one", type = "conv", out_channels = 3, kernel_size = 3 },
               { name = "two", type = "conv", out_channels = 3, kernel_size = 5, shares = "one" },
             ]
    Mend     Leave out what the two have in common, or write the same (`kernel_size = 3`); or give the layer weights of
             its own, without shares.
    """

    sentence = "{setting} is {here} here, and {there} in {other}, whose weights it shares"


class UnusedResult(Warn, code="unused-result"):
    """Nothing takes the result of this layer, and it is no output of the net: it is computed for nothing.

    Example  input = [3, 32, 32]
             layers = [
               { name = "gate", type = "sigmoid" },
               { type = "relu", from = "input" },
             ]
    Mend     Let a layer take it with from, or name it in outputs; or if it is meant, say so
             (`allow = "unused-result"`).
    """

    sentence = "nothing uses this layer's result, and it is no output"
