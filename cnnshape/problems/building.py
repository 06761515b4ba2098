"""Problems of building: the names, the wiring and the shared weights of layers and blocks."""

from __future__ import annotations

from cnnshape.problems.base import Problem, Warn
from cnnshape.problems.reading import BadName


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
    """A key such as from names a layer that there is not: the name is misspelt, most likely.

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


class UnknownInput(UnknownLayer, code="unknown-input"):
    """A layer in a block takes an input that this use of the block does not have.

    Example  input = [3, 32, 32]
             layers = [{ block = "pair", from = ["input", "input"] }]

             [blocks.pair]
             layers = [{ type = "add", from = ["input0", "input2"] }]
    Mend     Count from 0, as input0 and input1 (`from = ["input0", "input1"]`), or let more enter the block.
    """

    sentence = "there is no layer {name}; what enters this block here is {inputs}"


class UnnamedLayer(UnknownLayer, code="unnamed-layer"):
    """The name is what a layer is called on the screen because it has none: nothing may refer to that.

    Example  input = [3, 32, 32]
             layers = [
               "relu",
               { type = "add", from = ["relu1", "input"] },
             ]
    Mend     Give the layer a name, as { name = "act", type = "relu" }, and use that.
    """

    sentence = "there is no layer {name}; a layer of that kind has no name of its own: give it one"


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


class BadWiring(Problem):
    """A key names its layers wrongly: the inputs of a layer, the outputs of the net, or a reference."""


class UnsaidInput(BadWiring, code="unsaid-input"):
    """The net has several inputs, and its first layer does not say which of them it takes.

    Example  inputs = { left = [3, 32, 32], right = [3, 32, 32] }
             layers = [
               { name = "one", type = "relu" },
               { type = "add", from = ["one", "right"] },
             ]
    Mend     Name an input (`from = "left"`).
    """

    sentence = "the net has several inputs: say which, as from = {input}"


class FromNothing(BadWiring, code="from-nothing"):
    """A from names no result: its list is empty, its pattern is of a layer that is repeated no times, or all are left out.

    Example  input = [3, 32, 32]
             layers = [{ type = "concat", from = [] }]
    Mend     Name at least one result, as from = ["input"], which is enough for a concat (`from = ["input"]`).
    """

    sentence = "from names no result"


class SeveralResults(BadWiring, code="several-results"):
    """A pattern, as stack.*.skip, or a block that gives several results, stands where a single one is wanted.

    Example  input = [3, 32, 32]
             outputs = ["stack.*"]
             layers = [{ name = "stack", type = "relu", repeat = 3 }]
    Mend     Name one copy (`outputs = ["stack.2"]`), or the last one by the bare name (`outputs = ["stack"]`).
    """

    sentence = "{name} stands for {results} results, and one is wanted here"


class PatternWithoutRepeat(BadWiring, code="pattern-without-repeat"):
    """A pattern collects a result from each copy of a repeated layer or block, but what stands before its * has no repeat.

    Example  input = [3, 32, 32]
             layers = [
               { name = "first", type = "relu" },
               { type = "concat", from = "first.*" },
             ]
    Mend     Name the layer itself (`from = "first"`), or say repeat on it.
    """

    sentence = "{name} needs {front} to be a layer or block with repeat that stands earlier"


class UnsaidJoin(BadWiring, code="unsaid-join"):
    """A layer that joins several results does not say which: the one above it is not enough.

    Example  input = [3, 32, 32]
             layers = [
               { name = "first", type = "relu" },
               { type = "add" },
             ]
    Mend     Name all of them (`from = ["first", "input"]`).
    """

    sentence = '{type} joins several results: say which, as from = ["one", "other"]'


class RepeatedJoin(BadWiring, code="repeated-join"):
    """A repeated step takes more results than a copy gives, or fewer: each copy is fed by the one before.

    Example  input = [3, 32, 32]
             layers = [
               { name = "first", type = "relu" },
               { type = "add", from = ["input", "first"], repeat = 2 },
             ]
    Mend     Write the copies one by one, each with its from; or put the layer and what joins it into a block, and repeat
             that. A block may give several results, as many as enter it, as gives = ["high", "low"].
    """

    sentence = (
        "a copy must give as many results as the next one takes: {inputs} enter here, and each copy gives {gives}"
    )


class OptionalNoJoin(BadWiring, code="optional-no-join"):
    """Only a join can do without one of its inputs: "?NAME" stands for nothing where NAME is left out.

    Example  input = [3, 32, 32]
             layers = [
               { name = "first", type = "relu" },
               { type = "tanh", from = "?first" },
             ]
    Mend     Write the name without the question mark (`from = "first"`): where that layer is left out, it stands for what
             enters it.
    """

    sentence = '"?NAME" is for joins, and {of} is none'


class UnknownOutput(BadWiring, code="unknown-output"):
    """The claims are about an output that the net does not have.

    Example  input = [3, 32, 32]
             outputs = ["first"]
             layers = [{ name = "first", type = "relu" }]

             [claims]
             outputs = { frist = [3, 32, 32] }
    Mend     Write the name of an output, as outputs = { first = [3, 32, 32] }, or add the layer to the net's outputs.
    """

    sentence = "the net has no output {output}"


class WrongReference(BadWiring, code="wrong-reference"):
    """A setting has to name a layer of one type, and names another.

    Example  input = [3, 32, 32]
             layers = [
               { name = "pool", type = "max_pool", kernel_size = 2 },
               { name = "act", type = "relu" },
               { type = "max_unpool", indices = "act" },
             ]
    Mend     Name a layer of that type (`indices = "pool"`).
    """

    sentence = "{parameter} must name a {to}, and {name} is none"


class DuplicateLayer(BadName, code="duplicate-layer"):
    """Expressions give two layers or blocks the same name, so that nobody knows which is meant.

    Example  input = [3, 32, 32]
             layers = [{ name = "act{1}", type = "relu", repeat = 2 }]
    Mend     Make the names differ (`name = "act{i}"`).
    """

    sentence = "there are two layers named {name}"


class NameOfUnnamed(BadName, code="name-of-unnamed"):
    """A name made of expressions is what a layer above it, which has no name, is called already.

    Example  input = [3, 32, 32]
             layers = [
               "relu",
               { name = "relu{1}", type = "relu" },
             ]
    Mend     Choose another name (`name = "act{1}"`), or give one to the layer above.
    """

    sentence = "{name} is what an unnamed layer is called already: name that one"


class BadSharing(Problem):
    """A step shares the weights of a layer or block that has none for it."""


class SharesLeftOut(BadSharing, code="shares-left-out"):
    """A layer shares the weights of one that is left out: by when, or because it is repeated no times.

    Example  input = [3, 32, 32]
             layers = [
               { name = "one", type = "conv", out_channels = 3, kernel_size = 1, when = false },
               { name = "two", shares = "one" },
             ]
    Mend     Give the layer its type and settings instead of shares; or leave it out by the same condition
             (`when = false`).
    """

    sentence = "{name} is left out here, and has no weights"


class SharesNoLayer(BadSharing, code="shares-no-layer"):
    """A layer shares the weights of an input or of a block: it needs a single layer.

    Example  input = [3, 32, 32]
             layers = [
               { name = "one", type = "conv", out_channels = 3, kernel_size = 1 },
               { name = "two", type = "conv", out_channels = 3, kernel_size = 1, shares = "input" },
             ]
    Mend     Name a layer (`shares = "one"`), which may stand in a block, as in stage.conv.
    """

    sentence = "a layer shares with a layer, and {name} is none"


class SharesNoBlock(BadSharing, code="shares-no-block"):
    """A block shares the weights of a single layer: it needs the use of a block that is like it.

    Example  input = [3, 32, 32]
             layers = [
               { name = "one", type = "conv", out_channels = 3, kernel_size = 1 },
               { name = "two", block = "unit" },
               { name = "three", block = "unit", shares = "one" },
             ]

             [blocks.unit]
             layers = [{ type = "conv", out_channels = 3, kernel_size = 1 }]
    Mend     Name a step that uses the same block (`shares = "two"`).
    """

    sentence = "a block shares with the use of a block, and {name} is none"


class SharesNoWeight(BadSharing, code="shares-no-weight"):
    """A layer takes the weight of one whose weight it cannot have: one of another type, or without a weight.

    Example  input = [3, 32, 32]
             layers = [
               { name = "one", type = "linear", out_features = 32, allow = "linear-on-space" },
               { name = "two", type = "conv", shares_weight = "one" },
             ]
    Mend     Name a layer of the same type, or of a conv_transpose the conv that it undoes; or leave the key out, with a
             weight of its own.
    """

    sentence = "a {type} cannot have the weight of {name}, a {other}"


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


class JoinLeftOut(Warn, code="join-left-out"):
    """A join of different results is left out by when; the first of them goes on, and it is not the layer above.

    Example  input = [3, 32, 32]
             layers = [
               { name = "conv", type = "conv", out_channels = 3, kernel_size = 1 },
               { name = "sum", type = "add", from = ["input", "conv"], when = false },
               { type = "concat", from = ["sum", "conv"] },
             ]
    Mend     Name first what is to go on (`from = ["conv", "input"]`); or if it is meant, say so
             (`allow = "join-left-out"`).
    """

    sentence = "it is left out here, and {first}, the first of what it joins, goes on alone"
