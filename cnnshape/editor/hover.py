"""Hovers: where the numbers of a layer come from, the reference of a key, the figure behind a claim, the sizes of an input."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from cnnshape.editor.places import at, step_of
from cnnshape.editor.view import layout_of
from cnnshape.file.schema import BLOCK, CLAIM, NET, STEP, parameter_schema
from cnnshape.layers import TYPES
from cnnshape.network.explain import explain, explain_in
from cnnshape.network.receptive import receptive_fields
from cnnshape.numbers.shape import text
from cnnshape.problems.place import value_at
from cnnshape.problems.wording import few, printable, said
from cnnshape.show.sizes.answer import Question, answer
from cnnshape.show.sizes.facts import facts
from cnnshape.show.sizes.layer_rows import field

if TYPE_CHECKING:
    from cnnshape.editor.view import View
    from cnnshape.file.architecture import Block
    from cnnshape.file.source import Source
    from cnnshape.problems.place import KeyPath

MOST_COPIES = 4  # that are named


def hover(view: View, source: Source, offset: int) -> types.Hover | None:
    """Return what is to be said at an offset of a file of a view."""
    found = at(source, offset)
    words = _words(view, source, found.path, of_key=found.of_key) if found else ""
    if not found or not words:
        return None
    block = "\n".join(printable(line) for line in words.split("\n"))
    place = source.between(found.start, found.end)
    return types.Hover(
        types.MarkupContent(types.MarkupKind.Markdown, f"```text\n{block}\n```"), view.text(source).range(place)
    )


def _words(view: View, source: Source, path: KeyPath, *, of_key: bool) -> str:
    step, rest = step_of(path)
    if step and (not rest or rest[0] in ("name", "type", "block")):
        return explained(view, source, step) or summary(source, step)
    if step and rest[0] == "expect" and not of_key:
        return found_at(view, source, step)
    if step and len(rest) == 1:
        return key_of_step(view, source, step, str(rest[0]))
    if path[:1] == ("claims",) and len(path) > 1:
        return claimed(view, source, path) or str(CLAIM.get(str(path[1]), {}).get("description", ""))
    if path[0] in ("input", "inputs") and source is view.source:
        return sizes(view)
    keys = BLOCK if path[0] == "blocks" and len(path) == 3 else NET if len(path) == 1 else {}  # noqa: PLR2004
    return str(keys.get(str(path[-1]), {}).get("description", "")) if of_key else ""


def explained(view: View, source: Source, step: KeyPath) -> str:
    """Explain the first copy of a step, with its receptive field, and name the others; "" where there is none."""
    names = [made.name for made in view.steps.get((source.file, step), ())]
    if view.report is None:
        return ""
    if not names:
        return left_out(view, source, step)
    lines = [str(explain_in(view.report, view.net, names[0]))]
    with suppress(ValueError):  # which input is the image is not known
        axes = receptive_fields(view.net).get(names[0])
        lines += [f"  receptive field  {field(axes)}"] if axes else []
    if names[1:]:
        lines.append(f"{len(names)} in all: {', '.join(few(names, MOST_COPIES))}")
    return "\n".join(lines)


def left_out(view: View, source: Source, step: KeyPath) -> str:
    """Say why a step of the net is left out, and what it would be; "" of one in a block, or without a name."""
    name = value_at(source.data, (*step, "name"))
    if source is view.source and step[0] == "layers" and isinstance(name, str):
        with suppress(ValueError):  # nothing comes of it in any case
            return str(explain(view.net, name))
    return ""


def summary(source: Source, step: KeyPath) -> str:
    """Return what a layer type does, where nothing is known of the layer."""
    entry = value_at(source.data, step)
    kind = entry.get("type") if isinstance(entry, dict) else entry
    return TYPES[kind].summary() if isinstance(kind, str) and kind in TYPES else ""


def found_at(view: View, source: Source, step: KeyPath) -> str:
    """Write the shapes that come out of a step."""
    layout = layout_of(source)
    shapes = [text(made.output, layout) for made in view.steps.get((source.file, step), ()) if made.sure]
    return f"found: {', '.join(few([*dict.fromkeys(shapes)], MOST_COPIES))}" if shapes else ""


def key_of_step(view: View, source: Source, step: KeyPath, key: str) -> str:
    """Return the reference of a key of a layer or of a use of a block."""
    entry: Any = value_at(source.data, step)
    kind, block = (entry.get("type"), entry.get("block")) if isinstance(entry, dict) else (entry, None)
    if key in STEP:
        return f"{key}: {STEP[key]['description']}"
    if isinstance(kind, str) and kind in TYPES and key in TYPES[kind].parameters:
        return f"{key} of {kind}: {parameter_schema(TYPES[kind].parameters[key])['description']}"
    made: Block | None = view.examination.architecture.file.blocks.get(str(block))
    return f"{key}: an argument of block {block}" if made and key in made.parameters() else ""


def claimed(view: View, source: Source, path: KeyPath) -> str:
    """Write the figure that is found for a claim."""
    claim = next((one for one in view.net.claims if one.place.path == path), None)
    if claim is None or view.report is None or source is not view.source:
        return ""
    actual = view.report.actual(claim)
    return (
        f"found: {text(actual, view.net.layout) if claim.output is not None else said(actual)}"
        if actual is not None
        else ""
    )


def sizes(view: View) -> str:
    """Write the exact set of the input sizes that the net accepts."""
    found = [*facts(answer(view.net, Question()))] if view.report else []
    width = max((len(label) for label, _ in found), default=0) + 2
    return "\n".join(f"{label:{width}}{line}" for label, line in found) or str(NET["input"]["description"])
