"""An open text and all that is known of it: the examination, and the results of each step of its net.

In: a text with its URI, and the other open texts. Out: a View, which diagnostics, hints, hovers and actions read.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import accumulate, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pygls.uris import from_fs_path, to_fs_path

from cnnshape.diagnosis.door import Examination, examine
from cnnshape.editor.text import Text
from cnnshape.file.source import Source
from cnnshape.numbers.shape import CHANNELS_FIRST, LAYOUTS
from cnnshape.problems.place import value_at
from cnnshape.problems.reading import OnlyBlocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import KeyPath, Place, SourceText

HEADER: Final = re.compile(r"(?m)^[ \t]*\[\[?[ \t]*[A-Za-z_\"']")  # behind which a key is no longer the file's own
KEY: Final = re.compile(r"(?m)^[ \t]*(layers|blocks)[ \t]*[.=]")
TABLE: Final = re.compile(r"(?m)^[ \t]*\[\[?[ \t]*(layers|blocks)[ \t]*[.\]]")


class Document(NamedTuple):
    """An open text, as its client sent it."""

    uri: str
    version: int | None
    text: Text

    @property
    def path(self) -> Path | None:
        """The path of its file; None where it has none, as an untitled buffer."""
        return path_of(self.uri)

    @property
    def file(self) -> str:
        return str(self.path or self.uri.replace("\0", ""))


class Made(NamedTuple):
    """A copy of a step: a layer, or a use of a block, in one frame."""

    frame: str  # the name of the use that it stands in, "" for the net
    name: str
    place: Place
    output: Shape | None
    sure: bool  # False: which of the values within it gives is not known


class View:
    """An open text, examined among the other open ones; `problems` without that of a file that has blocks alone."""

    def __init__(self, document: Document, others: Sequence[Document]):
        self.document = document
        self.open = {other.path: other for other in [*others, document] if other.path}
        overlay = {path: other.text.text for path, other in self.open.items() if other is not document}
        self.examination: Examination = examine(document.text.text, document.file, overlay)
        self.net, self.report = self.examination.net, self.examination.report
        self.source = self.examination.architecture.file.source
        self.problems = tuple(one for one in self.examination.problems if not isinstance(one, OnlyBlocks))
        self.versions = {other.uri: other.version for other in [*others, document]}
        self.diagnosed = False  # the causes and fixes of the problems are worked out

    @cached_property
    def asked(self) -> frozenset[Path]:
        return frozenset(path.resolve() for path in self.examination.asked)

    @property
    def readable(self) -> bool:
        return isinstance(self.source, Source)

    @property
    def ours(self) -> bool:
        """Whether the text is an architecture or has blocks; of one that is no TOML, whether it has the look of one."""
        data = self.source.data
        return bool({"layers", "blocks"} & data.keys()) if self.readable else looks_ours(self.document.text.text)

    def diagnose(self) -> None:
        """Work out the causes and fixes of all problems, which takes a while."""
        for problem in self.problems[:1]:
            _ = problem.cause
        self.diagnosed = True

    # Files

    def document_of(self, file: str) -> Document | None:
        """Return the open document of a file, by its name in a place; None of one that is not open."""
        if file == self.document.file:
            return self.document
        return self.open.get(Path(file).resolve())

    def uri(self, source: SourceText) -> str:
        document = self.document_of(source.file)
        return document.uri if document else str(from_fs_path(str(Path(source.file).resolve())))

    def text(self, source: SourceText) -> Text:
        """Return the text of a source, with its client's lines; of an open one it has all characters, a mark as well."""
        document = self.document_of(source.file)
        return document.text if document else Text(source.text, self.document.text.encoding)

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The texts of all files of the net, by their names."""
        blocks = self.examination.architecture.file.blocks.values()
        found = [self.source, *(block.place.source for block in blocks)]
        return {source.file: source for source in found if isinstance(source, Source)}

    def source_of(self, document: Document) -> Source | None:
        """Return the text of a document as a file of the net; None where it is none."""
        return next((source for file, source in self.sources.items() if self.document_of(file) is document), None)

    # Steps

    @cached_property
    def steps(self) -> dict[tuple[str, KeyPath], list[Made]]:
        """The copies of each step of the net's files, by the file and the key path, in the order of running."""
        found: dict[tuple[str, KeyPath], list[Made]] = {}
        last: dict[tuple[Place, str, str], tuple[list[Place], LayerReport]] = {}  # of each use, its last row
        for row in self.report.layers if self.report else ():
            chain, titles = [*reversed(row.node.used_at), row.node.place], ["", *_titles(row)]
            for level, place in enumerate(chain[:-1]):
                last[place, titles[level], titles[level + 1]] = (chain[level + 1 :], row)
            made = Made(titles[-2], row.name, chain[-1], row.output, sure=True)
            found.setdefault((made.place.source.file, made.place.path), []).append(made)
        for (place, frame, title), (inside, row) in last.items():
            sure = all(map(_comes_last, inside))
            made = Made(frame, title, place, row.output if sure else None, sure)
            found.setdefault((place.source.file, place.path), []).append(made)
        return found


def path_of(uri: str) -> Path | None:
    """Return the path of a file; None of what is none, as an untitled buffer."""
    path = to_fs_path(uri)
    return Path(path).resolve() if path and "\0" not in path else None


def may_be_ours(text: str) -> bool:
    """Say whether a text is worth to be read: one with neither word is no architecture."""
    return "layers" in text or "blocks" in text


def looks_ours(text: str) -> bool:
    """Say whether a text that is no TOML has the look of an architecture."""
    return bool(TABLE.search(text) or KEY.search(HEADER.split(text, maxsplit=1)[0]))


def _titles(row: LayerReport) -> list[str]:
    """Return the names of the uses around a row's layer, the outermost first, and its own.

    A block cannot stand within itself, so that neighbouring parts of the name with one block are one use.
    """
    parts, blocks = row.name.split("."), row.node.blocks
    lengths = accumulate(len([*same]) for _, same in groupby(blocks))
    return [*(".".join(parts[:length]) for length in lengths), row.name]


def _comes_last(step: Place) -> bool:
    """Say whether the result of a step is surely its block's, where no layer runs behind it there."""
    block = value_at(step.source.data, step.path[:2])
    if not isinstance(block, dict) or block.get("gives"):
        return False
    if step.path[2:3] != ("layers",):  # it stands for those of a block that has none
        return True
    behind = block["layers"][int(step.path[-1]) + 1 :]  # left out by `when`: they hand on what enters them
    return not any(isinstance(entry, dict) and "from" in entry for entry in behind)


def layout_of(source: SourceText) -> str:
    """Return the layout in which a file writes shapes."""
    layout: Any = source.data.get("layout")
    return str(layout) if layout in LAYOUTS else CHANNELS_FIRST
