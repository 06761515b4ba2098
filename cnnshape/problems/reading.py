"""What can be wrong with the text of a file: its bytes, its TOML, its keys and names, and the files that it includes."""

from __future__ import annotations

from cnnshape.problems.base import Problem

# The text


class Unreadable(Problem):
    """A text of which nothing is known: it is not there, or no TOML."""


class CannotRead(Unreadable, code="cannot-read"):
    """The system refuses the file: it is a folder, say, or another user's."""

    sentence = "This file cannot be read: {reason}."


class NoSuchFile(CannotRead, code="no-such-file"):
    """There is no file of this name."""


class NotInZoo(Unreadable, code="not-in-zoo"):
    """The zoo has no network of this name."""

    sentence = "there is no {name} in the zoo"


class FileTooLarge(Unreadable, code="file-too-large"):
    """A file of this size is no architecture."""

    sentence = "This is larger than {most} bytes, the most that is read."


class NotUtf8(Unreadable, code="not-utf8"):
    """TOML is UTF-8 text; another encoding, or no text at all, is refused at the first byte that shows it."""

    sentence = "This is not UTF-8 text: no character has the byte {byte} here."


class NotToml(Unreadable, code="not-toml"):
    """The text breaks the rules of TOML; the parser's own words say how."""

    sentence = "This is not TOML: {reason}."


class NestedTooDeeply(Unreadable, code="nested-too-deeply"):
    """Tables and arrays stand in each other to a depth that no architecture has."""

    sentence = "Tables and arrays are nested more than {most} deep here."


class TooManyDigits(Unreadable, code="too-many-digits"):
    """A number is longer than any that could be meant."""

    sentence = "A number in this text has too many digits."


# Keys


class UnknownKey(Problem, code="unknown-key"):
    """The key means nothing here: it is misspelt, or of another layer type."""

    sentence = "{key} is not a key of {of}"


class MisplacedKey(Problem, code="misplaced-key"):
    """TOML gives every key below a [table] to that table, also those that are the net's own."""

    sentence = "{key} is a key of the net itself, but TOML gives it to {table} here: move it above the first [table]"


class MissingKey(Problem, code="missing-key"):
    """A key that must be given is not there."""

    sentence = "{of} needs {key}"


class MissingType(Problem, code="missing-type"):
    """A layer says its type, or the block that it uses, or a layer that it shares with."""

    sentence = "a layer needs type (or block)"


class OnlyBlocks(Problem, code="only-blocks"):
    """The file has blocks for others to include, and no net that could be checked."""

    sentence = "a file of blocks is for others to include: to be checked, it needs layers"


class NoInputs(Problem, code="no-inputs"):
    """The table of inputs is empty."""

    sentence = "inputs must be a table of at least one input, as {{ left = [1, 64, 64] }}"


class NoOutputs(Problem, code="no-outputs"):
    """The list of outputs is empty."""

    sentence = "outputs must name one layer at least; left out, it is the last layer"


class UnknownType(Problem, code="unknown-type"):
    """There is no layer type of this name."""

    sentence = "there is no layer type {type}"


# Names


class BadName(Problem):
    """What cannot be a name, or not of this."""


class NotAName(BadName, code="not-a-name"):
    """A layer, a block or an input is named by letters, digits, _ and -."""

    sentence = "{name} is no name: use letters, digits, _ and -"


class NameTooLong(BadName, code="name-too-long"):
    """The name is longer than any table could show."""

    sentence = "{name} is no name: it has more than {most} characters"


class NameOfInput(BadName, code="name-of-input"):
    """`input`, `input0`, ... stand for what enters, wherever a layer is named."""

    sentence = "{name} is what enters the net or the block, and no layer's name"


class NotAnIdentifier(BadName, code="not-an-identifier"):
    """A constant or an argument is named as an expression can write it."""

    sentence = "{name} is no name for an expression (letters, digits and _)"


class ReservedName(BadName, code="reserved-name"):
    """A constant or an argument cannot be called as a key of the file, or a word of the language of expressions."""

    sentence = "{name} means something here already: choose another name"


class NameTaken(BadName, code="name-taken"):
    """An argument is called as another one of its block, or as a constant of the file."""

    sentence = "{name} is an argument or a constant already"


# Included files


class BadInclude(Problem):
    """An include that names no file that may be read."""


class IncludeNotFound(BadInclude, code="include-not-found"):
    """Included files are looked for in the folder of the file, then in the working directory."""

    sentence = "there is no file {name} in this file's folder or the working directory"


class IncludeOutside(BadInclude, code="include-outside"):
    """A file may read what is at or below its own folder and the working directory, and nothing else."""

    sentence = "{name} lies outside this file's folder and the working directory"


class IncludeNotInZoo(BadInclude, code="include-not-in-zoo"):
    """The zoo has no blocks of this name."""

    sentence = NotInZoo.sentence


class NotAFileName(BadInclude, code="not-a-file-name"):
    """The system knows no files of such names."""

    sentence = "{name} is no file's name"


class IncludeCircle(BadInclude, code="include-circle"):
    """The file is included by one that it includes."""

    sentence = "a file cannot include itself: {circle}"
