"""Problems of the text of a file: its bytes, its TOML, its keys and names, and the files that it includes."""

from __future__ import annotations

from cnnshape.problems.base import Problem

# The text


class Unreadable(Problem):
    """A text that is not there, or is no TOML: nothing in it is known."""


class CannotRead(Unreadable, code="cannot-read"):
    """The system refuses the file: it is a folder, say, or another user's.

    Mend     Name an architecture file that you may read.
    """

    sentence = "This file cannot be read: {reason}."


class NoSuchFile(CannotRead, code="no-such-file"):
    """There is no file of this name, seen from the working directory.

    Command  cnnshape check alexnett.toml
    Mend     Look at the spelling, or change to the folder that the name is written from. A published net that comes
             with cnnshape is called zoo:NAME.
    """


class NotInZoo(Unreadable, code="not-in-zoo"):
    """The zoo, the published nets that come with cnnshape, has none of this name.

    Command  cnnshape check zoo:alexnett
    Mend     Look at the spelling; cnnshape zoo lists them all.
    """

    sentence = "there is no {name} in the zoo"


class FileTooLarge(Unreadable, code="file-too-large"):
    """The file is far larger than an architecture can be, and is not read.

    Mend     Look whether it is the file that you mean: weights, say, are no architecture. What repeats can be written
             once, as a block.
    """

    sentence = "This is larger than {most} bytes, the most that is read."


class NotUtf8(Unreadable, code="not-utf8"):
    """The file is no text in UTF-8, as TOML is: another encoding, or no text at all.

    Mend     Save the file as UTF-8; the place that is given is the first that is not.
    """

    sentence = "This is not UTF-8 text: no character has the byte {byte} here."


class NotToml(Unreadable, code="not-toml"):
    """The text breaks the rules of TOML, so that nothing in it is known.

    Example  input = [3, 32, 32]
             layers = [{ type = relu }]
    Mend     Correct the place that is given, or the line before it: most often a quote, a comma or a bracket is
             missing. TOML wants words in quotes, and writes true and false small.
    """

    sentence = "This is not TOML: {reason}."


class NestedTooDeeply(Unreadable, code="nested-too-deeply"):
    """Tables and arrays stand in each other to a depth that no architecture has.

    Mend     Look for brackets that are not closed. Shapes need two levels, layers three.
    """

    sentence = "Tables and arrays are nested more than {most} deep here."


class TooManyDigits(Unreadable, code="too-many-digits"):
    """A number in the file is longer than any that could be meant.

    Mend     Look for digits that were pasted twice.
    """

    sentence = "A number in this text has too many digits."


# Keys


class UnknownKey(Problem, code="unknown-key"):
    """A key means nothing where it stands: it is misspelt, or another layer type has it.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_chanels = 8, kernel_size = 3 }]
    Mend     Write it as the message suggests. docs/layers.md has the parameters of each layer type, docs/file.md all
             other keys.
    """

    sentence = "{key} is not a key of {of}"


class MisplacedKey(Problem, code="misplaced-key"):
    """A key of the net stands below a [table]: TOML gives every key there to that table.

    Example  input = [3, 32, 32]
             layers = ["relu"]

             [claims]
             parameters = 0
             allow = "unused-result"
    Mend     Move the key above the first line in brackets.
    """

    sentence = "{key} is a key of the net itself, but TOML gives it to {table} here: move it above the first [table]"


class MissingKey(Problem, code="missing-key"):
    """A key that must be given is not there.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8 }]
    Mend     Give it (`kernel_size = 3`). In docs/layers.md, parameters that have no default "must be given";
             layer_defaults gives one to all layers of a type.
    """

    sentence = "{of} needs {key}"


class MissingType(Problem, code="missing-type"):
    """A layer does not say what it is.

    Example  input = [3, 32, 32]
             layers = [{ name = "first" }]
    Mend     Give its type (`type = "relu"`), the block that is used here, or the layer whose weights it shares.
    """

    sentence = "a layer needs type (or block)"


class OnlyBlocks(Problem, code="only-blocks"):
    """The file has blocks for others to include, and no layers of its own: there is no net to check.

    Example  [blocks.unit]
             layers = ["relu"]
    Mend     Check the file that includes it; or add an input, and layers that use the blocks.
    """

    sentence = "a file of blocks is for others to include: to be checked, it needs layers"


class NoInputs(Problem, code="no-inputs"):
    """The table of inputs has none.

    Example  inputs = {}
             layers = ["relu"]
    Mend     Name them with their shapes (`inputs = { image = [3, 32, 32] }`), or give a single one as input.
    """

    sentence = "inputs must be a table of at least one input, as {{ left = [1, 64, 64] }}"


class NoOutputs(Problem, code="no-outputs"):
    """The list of outputs is empty, or what a block gives: a net or a block without a result.

    Example  input = [3, 32, 32]
             outputs = []
             layers = [{ name = "act", type = "relu" }]
    Mend     Name layers (`outputs = ["act"]`), or leave it out: the output is then the last layer.
    """

    sentence = "{key} must name one layer at least; left out, it is the last layer"


class UnknownType(Problem, code="unknown-type"):
    """There is no layer type of this name.

    Example  input = [3, 32, 32]
             layers = [{ type = "cnov", out_channels = 8, kernel_size = 3 }]
    Mend     Write it as cnnshape does (`type = "conv"`): torch's class in snake case, without the dimension.
             docs/layers.md has them all.
    """

    sentence = "there is no layer type {type}"


# Names


class BadName(Problem):
    """A name that is not allowed here."""


class NotAName(BadName, code="not-a-name"):
    """A layer, a block, an input or an output has a name with other characters than letters, digits, _ and -.

    The name of a layer may have dots between these (`downs.0`), as the path of a model's module has.

    Example  input = [3, 32, 32]
             layers = [{ name = "my layer", type = "relu" }]
    Mend     Use those alone (`name = "my_layer"`).
    """

    sentence = "{name} is no name: use letters, digits, _ and -"


class NameTooLong(BadName, code="name-too-long"):
    """A name is longer than any table could show.

    Mend     Shorten it to 100 characters, 1,000 with dots. What stands in braces may make a name longer than it looks.
    """

    sentence = "{name} is no name: it has more than {most} characters"


class NameOfInput(BadName, code="name-of-input"):
    """A layer has the name input, or input0, ...: these stand for what enters the net or the block.

    Example  input = [3, 32, 32]
             layers = [{ name = "input", type = "identity" }]
    Mend     Call it otherwise (`name = "entry"`).
    """

    sentence = "{name} is what enters the net or the block, and no layer's name"


class NotAnIdentifier(BadName, code="not-an-identifier"):
    """The name of a constant or an argument cannot stand in an expression: out-channels would be a subtraction.

    Example  input = [3, 32, 32]
             constants = { out-channels = 8 }
             layers = ["relu"]
    Mend     Use letters, digits and _, and begin with no digit (`constants = { out_channels = 8 }`).
    """

    sentence = "{name} is no name for an expression (letters, digits and _)"


class ReservedName(BadName, code="reserved-name"):
    """A constant or an argument has the name of a key of the file, or of a word of the language of expressions.

    Example  input = [3, 32, 32]
             constants = { repeat = 4 }
             layers = ["relu"]
    Mend     Choose another name (`constants = { copies = 4 }`).
    """

    sentence = "{name} means something here already: choose another name"


class NameTaken(BadName, code="name-taken"):
    """An argument of a block has the name of another one, or of a constant of the file.

    Example  input = [3, 32, 32]
             constants = { width = 8 }
             layers = [{ block = "unit", width = 4 }]

             [blocks.unit]
             arguments = ["width"]
             layers = [{ type = "conv", out_channels = "width", kernel_size = 1 }]
    Mend     Call one of the two otherwise (`constants = { base = 8 }`).
    """

    sentence = "{name} is an argument or a constant already"


# Included files


class BadInclude(Problem):
    """An include that names no file that may be read."""


class IncludeNotFound(BadInclude, code="include-not-found"):
    """There is no file of this name to include, seen from the file's folder or from the working directory.

    Example  input = [3, 32, 32]
             include = "blokcs.toml"
             layers = ["relu"]
    Mend     Look at the spelling, and write the name as seen from the file's own folder. Blocks that come with cnnshape
             are called zoo:blocks/NAME.
    """

    sentence = "there is no file {name} in this file's folder or the working directory"


class IncludeOutside(BadInclude, code="include-outside"):
    """A file may include what lies at or below its own folder or the working directory, and nothing else.

    So a file from elsewhere cannot have other files of yours read.

    Example  input = [3, 32, 32]
             include = "../blocks.toml"
             layers = ["relu"]
    Mend     Put the included file there, or run cnnshape from a folder that has both.
    """

    sentence = "{name} lies outside this file's folder and the working directory"


class IncludeNotInZoo(BadInclude, code="include-not-in-zoo"):
    """The zoo, the files that come with cnnshape, has no blocks of this name.

    Example  input = [3, 32, 32]
             include = "zoo:blocks/resnett"
             layers = ["relu"]
    Mend     Look at the spelling (`include = "zoo:blocks/resnet"`).
    """

    sentence = NotInZoo.sentence


class NotAFileName(BadInclude, code="not-a-file-name"):
    r"""The system knows no files of such names.

    Example  input = [3, 32, 32]
             include = "blocks\u0000.toml"
             layers = ["relu"]
    Mend     Name a file; what reads as nothing may be a character that is not shown.
    """

    sentence = "{name} is no file's name"


class IncludeCircle(BadInclude, code="include-circle"):
    """A file includes itself, directly or by others that it includes.

    Example  input = [3, 32, 32]
             include = "net.toml"
             layers = ["relu"]
    Mend     Take the include out that closes the circle; blocks that both need go to a file of their own.
    """

    sentence = "a file cannot include itself: {circle}"
