"""A fix: a change of the file that was tried, with its words and its effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.diagnosis.cause_words import listed
from cnnshape.diagnosis.text import edited, replacements
from cnnshape.file.source import SourceError
from cnnshape.problems.diagnosed import Change
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from cnnshape.diagnosis.operations import Operation
    from cnnshape.file.source import Source
    from cnnshape.network.network import Network
    from cnnshape.problems.diagnosed import Edit, Effect

WHOLE: Final = ("insert", "remove")  # edits whose words name their layer


class TriedFix(NamedTuple):
    """A change that mends a problem."""

    edits: tuple[Edit, ...]
    effect: Effect
    operations: tuple[Operation, ...]
    source: Source  # the text that was diagnosed
    also: str = ""  # what else it changes: the other uses of its block

    @property
    def changes(self) -> tuple[Change, ...]:
        """The places of the diagnosed text that change, in its order."""
        return tuple(
            Change(self.source.file, self.source.between(start, end), text)
            for start, end, text in replacements(self.source, self.operations) or ()
        )

    def apply(self, text: str) -> str:
        """Return the file's text with the change made; all else in it stays as it is.

        Raises ValueError where the text is another than the one that was diagnosed, and has no place for the change.
        """
        try:
            changed = edited(text, self.operations)
        except (LookupError, TypeError, SourceError):
            changed = None
        if changed is None:
            raise ValueError(f"this text has no place for {self.summary}")
        return changed

    @property
    def summary(self) -> str:
        """The edits in words, those of one layer together: fc1: in_features = 18432."""
        by_layer: dict[str | None, list[str]] = {}
        for edit in self.edits:
            by_layer.setdefault(None if edit.parameter in WHOLE else edit.layer, []).append(_words(edit))
        words = [f"{layer}: {', '.join(its)}" if layer else "; ".join(its) for layer, its in by_layer.items()]
        return "; ".join(words)


def also(net: Network, edits: tuple[Edit, ...], operations: tuple[Operation, ...]) -> str:
    """Say which other uses of a block change with the one that a fix is for; "" where there are none."""
    changed = {operation.path[:4] for operation in operations if operation.path[0] == "blocks"}
    layers = {edit.layer for edit in edits}
    uses: dict[str, None] = {}
    for node in net.nodes:
        use = node.name.rpartition(".")[0]
        if node.place.path[:4] in changed and not any(layer and layer.startswith(f"{use}.") for layer in layers):
            uses.setdefault(use)
    if not uses:
        return ""
    blocks = listed([str(name) for name in dict.fromkeys(path[1] for path in changed)])
    return f"in block {blocks}, so {listed([*uses])} as well"


def _words(edit: Edit) -> str:
    """Write one edit in words."""
    match edit.parameter:
        case "insert":
            on, around = edit.new.get("from"), ("type", "name", "from")
            settings = ", ".join(f"{key} = {shown(value)}" for key, value in edit.new.items() if key not in around)
            where = f"{f' on {on}' if isinstance(on, str) else ''} before {edit.layer}"
            return f"{_article(edit.new['type'])}{' with ' * bool(settings)}{settings}{where}"
        case "remove":
            return f"remove {edit.layer}"
        case "key":
            return f"{edit.new}, not {edit.old}"
        case "type":
            settings = "".join(f", {key} = {shown(value)}" for key, value in edit.new.items() if key != "type")
            return f"type = {shown(edit.new['type'])}{settings}"
    return f"{edit.parameter} = {shown(edit.new)}" if edit.new is not None else f"no {edit.parameter}"


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
