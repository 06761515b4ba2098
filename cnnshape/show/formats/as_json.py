"""JSON, for programs: checked nets (docs/report.schema.json), valid sizes (docs/sizes.schema.json), the zoo's list.

Shapes are channels first, without the batch, whatever the file's layout; null is for a thing that there is not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.compare.comparison import Match
    from cnnshape.network.network import Network
    from cnnshape.network.receptive import ReceptiveField
    from cnnshape.network.report import LayerReport
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.sizeset import SizeSet
    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Cause, Fix
    from cnnshape.problems.place import Place
    from cnnshape.pytorch.crosscheck import Verdict
    from cnnshape.show.checked import Checked
    from cnnshape.show.fitted import Fitted
    from cnnshape.show.memory import Remembered
    from cnnshape.show.sizes.answer import Answer
    from cnnshape.show.zoo_list import ZooNetwork

VERSION: Final = 1  # of each document: another where a program that reads it would have to change


def _document(**content: Any) -> str:
    return written({"version": VERSION, **content})


def written(document: dict[str, Any]) -> str:
    """Write a document as JSON, which a log of GitHub may have in it."""
    text = json.dumps(document, indent=2)
    return text.replace("##[", r"##\u005b") + "\n"  # the same string; GitHub's runner would obey it in a log


# Checked nets


def check(checks: Sequence[Checked], _depth: int) -> str:
    """Write all layers, never folded, and all problems."""
    return _document(files=[_file(checked) for checked in checks])


def _file(checked: Checked) -> dict[str, Any]:
    net, report, verification = checked.net, checked.report, checked.verification
    verdicts = verification.layers if verification else [None] * len(report.layers)
    comparison = checked.comparison
    matches = comparison.layers if comparison else [None] * len(report.layers)
    found: dict[str, Any] = {
        "file": net.file,
        "name": net.name,
        "ok": checked.ok,
        "layout": net.layout,
        "inputs": {name: report.inputs.get(name) for name in net.inputs},
        "outputs": report.outputs,
        "parameters": report.parameters,
        "trainable": report.trainable,
        "parameters_with_buffers": report.parameters_with_buffers,
        "macs": report.macs,
        "stated": net.on_trust(),
        "layers": [_layer(*triple) for triple in zip(report.layers, verdicts, matches, strict=True)],
        "problems": _problems(checked.problems),
        "crosscheck": verification
        and {"device": verification.device, "torch": verification.torch, "ok": verification.ok},
        "no_crosscheck": None if verification else checked.unverified,
        "model": comparison
        and {
            "class": comparison.model,
            "device": comparison.device,
            "torch": comparison.torch,
            "ok": comparison.ok,
            "extra": comparison.extra,
            "elsewhere": [run._asdict() for run in comparison.elsewhere],
        },
    }
    if kept := checked.kept:
        found["kept"] = {"batch": kept.batch, "bytes": kept.saved, "reason": kept.reason or None}
        for layer, count in zip(found["layers"], kept.layers, strict=True):
            layer["kept"] = count
    return found


def _layer(layer: LayerReport, verdict: Verdict | None, match: Match | None) -> dict[str, Any]:
    return {
        "name": layer.name,
        "type": layer.type,
        "file": layer.node.place.source.file,
        "line": layer.line,
        "inputs": layer.inputs,
        "output": layer.output,
        "parameters": layer.parameters,
        "frozen": layer.node.frozen,
        "buffers": layer.buffers,
        "macs": layer.macs,
        "remainder": layer.remainder,
        "dropped": layer.dropped,
        "shares": layer.node.shares or None,
        "shares_weight": layer.node.shares_weight or None,
        "torch": verdict and {"verdict": verdict.verdict, "reason": verdict.reason or verdict.message or None},
        "model": match
        and {
            "verdict": match.verdict,
            "module": match.model or None,
            "reason": match.reason or None,
            "output": match.output,
            "parameters": match.parameters,
        },
    }


def _problems(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [_problem(problem) | {"follows": _index(problem.follows, problems)} for problem in problems]


def _index(problem: Problem | None, problems: Sequence[Problem]) -> int | None:
    return problems.index(problem) if problem is not None and problem in problems else None


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "suggestions": [suggestion._asdict() for suggestion in problem.suggestions],
        "layer": problem.layer or None,
        **_place(problem.place),
        "used_at": [_place(place) for place in problem.used_at],
        "cause": problem.cause and _cause(problem.cause),
        "fixes": [_fix(fix) for fix in problem.fixes],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "layer": cause.layer,
        "code": cause.code,
        "message": cause.message,
        "chain": cause.chain,
        "chains": [
            {"links": chain.links, "label": chain.label or None, "factors": chain.factors, "about": chain.about or None}
            for chain in cause.chains
        ],
        "notes": [*cause.notes, *filter(None, [cause.remark])],
        "facts": cause.facts,
        **_place(cause.place),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "summary": fix.summary,
        "edits": [edit._asdict() for edit in fix.edits],
        "effect": fix.effect._asdict(),
        "also": fix.also or None,
    }


def _place(place: Place | None) -> dict[str, Any]:
    (line, column), (end_line, end_column) = place.range if place else [(None, None)] * 2
    file = place.source.file if place else None
    return {"file": file, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


# Valid sizes


def sizes(answer: Answer) -> str:
    """Write the set as boxes, the layers that make it so, and each layer's output and receptive field."""
    net, question, valid, refusal = answer.net, answer.question, answer.sizes, answer.refusal
    return _document(
        file=net.file,
        name=net.name,
        ok=answer.ok,
        exact=question.exact,
        output=question.output,
        same=question.same,
        layer=question.layer,
        inputs=None if valid is None else valid.varied,
        axes=None if valid is None else valid.names,
        valid_sizes=None if valid is None else _valid(valid),
        no_closed_form=refusal and {"layer": refusal.layer or None, "reason": refusal.reason},
        layers=None if valid is None else _formulas(net, valid, answer.receptive_fields()),
        stated=net.on_trust(),
        tried=[{"inputs": one.inputs, "here": one.ours, "model": one.theirs} for one in answer.tried],
        problems=_problems(answer.problems),
    )


def _valid(valid: ValidSizes) -> dict[str, Any]:
    needed = _needed(valid)
    return {
        "equal_sides": _set(valid.square),
        "axes": valid.axes and [_set(side) for side in valid.axes],
        "boxes": [[_set(side) for side in box] for box in valid.boxes],
        "needed": needed,
        "contradiction": [] if valid or needed is None else [constraint["layer"] for constraint in needed],
    }


def _needed(valid: ValidSizes) -> list[dict[str, str]] | None:
    """Return the layers that make the set smaller, each with its condition; None where one has no closed form."""
    from cnnshape.network.requirements import NoClosedForm
    from cnnshape.numbers.boxes import words
    from cnnshape.show.sizes.facts import equation

    try:
        return [
            {
                "layer": constraint.layer,
                "needs": equation(constraint) or words(constraint.boxes, valid.names),
                "leaves": words(constraint.left, valid.names),
            }
            for constraint in valid.constraints
        ]
    except NoClosedForm:
        return None


def _set(sizes: SizeSet) -> dict[str, Any]:
    """Return the text of a set and its content: spans below `start`, then spans of remainders by the period."""
    names = ("finite", "start", "period", "residues")
    return {"text": str(sizes)} | {name: getattr(sizes, name) for name in names}


def _formulas(net: Network, valid: ValidSizes, fields: dict[str, tuple[ReceptiveField | None, ...]]) -> list[Any]:
    """Return each layer's output, numbers or formulas of the sides, and receptive field."""
    return [
        {
            "name": node.name,
            "output": None if (shape := valid.outputs[node.name]) is None else [_number(size) for size in shape],
            "receptive_field": [receptive(field) for field in fields[node.name]],
        }
        for node in net.nodes
    ]


def _number(size: Any) -> int | str:
    return size if isinstance(size, int) else str(size)


def receptive(field: ReceptiveField | None) -> dict[str, Any] | None:
    """Return what is said of a receptive field along one axis; None where it is not known."""
    if field is None:
        return None
    part = field.parts[0] if len(field.parts) == 1 else None
    return {
        "whole_image": field.is_whole,
        "extent": field.extent,
        "support": field.support,
        "stride": None if field.stride is None else str(field.stride),
        "period": field.period,
        "residues": part
        and [{"first": cells.first, "extent": cells.extent, "support": cells.support} for cells in part.cells],
    }


# The zoo


def zoo(networks: Sequence[ZooNetwork]) -> str:
    return _document(networks=[entry._asdict() for entry in networks])


# A checkpoint held to a net


def fit(fitted: Fitted) -> str:
    """Write every tensor that does not fit, and the values that would make them fit."""
    found = fitted.fit
    return _document(
        file=fitted.net.file,
        checkpoint=fitted.checkpoint,
        ok=found.ok,
        table=found.table,
        prefix=found.prefix,
        unwrapped=found.unwrapped or None,
        tensors=found.tensors,
        **{
            kind: [
                {"name": one.name, "layer": one.layer or None, "file_shape": one.ours, "checkpoint_shape": one.theirs}
                for one in found.findings
                if one.kind == kind
            ]
            for kind in ("missing", "unexpected", "different")
        },
        values=[
            {"layer": mend.layer, "change": str(mend), "name": mend.name, "value": mend.value, **_place(mend.place)}
            for mend in found.mends
        ],
        fits_as_well=found.copies,
        beside=found.beside,
        trusted=[one._asdict() for one in found.trusted],
        same_order=found.same_order,
        other_names=dict(found.other_names),
    )


# The memory of training


def memory(remembered: Remembered) -> str:
    """Write the bytes of everything, and of each layer; null for what is not known."""
    found, sought = remembered.memory, remembered.sought
    return _document(
        file=remembered.net.file,
        name=remembered.net.name,
        inputs=remembered.report.inputs,
        batch=found.batch,
        device=found.device,
        optimizer_name=remembered.optimizer,
        saved=found.saved,
        output=found.output,
        parameters=found.parameters,
        buffers=found.buffers,
        optimizer=found.optimizer,
        fixed=found.fixed,
        gradients=found.gradients,
        temporaries=found.temporaries,
        peak=found.peak,
        inference=found.inference,
        layers=found.layers,
        reason=found.reason or None,
        fit={"limit": remembered.limit, f"largest_{sought}": remembered.found} if sought else None,
    )
