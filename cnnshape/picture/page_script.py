"""The content of a page as JavaScript: plain data as JSON, and the layers' rules as functions of the sizes that enter."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from cnnshape.picture.page_reads import NOWHERE, POINT, REPEATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.picture.page_rules import PageRule


def as_json(value: Any) -> str:
    """Write a value so that no text in it ends the script element that it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def rules_script(rules: Iterable[PageRule]) -> str:
    """Write rules as an array; page_model.js says what each part is for."""
    return "[\n" + ",\n".join(map(_rule, rules)) + "\n]"


def _rule(rule: PageRule) -> str:
    sizes = ",".join(f"s{number}" for number in range(rule.sizes))
    results = ",".join(f"y{place}" for place in range(len(rule.output or rule.stated or ())))
    given = f"{sizes},{results}".strip(",")
    parts = {
        "refuses": _list(sizes, (condition.refused for condition in rule.conditions)),
        "says": _list(sizes, (_sentence(condition.sentence) for condition in rule.conditions)),
        "behind": as_json([condition.behind or None for condition in rule.conditions]),
        "whole": as_json(rule.whole),
        "gives": "null" if rule.output is None else _list(sizes, rule.output),
        "changed": "[" + ",".join(_changed(sizes, *entry) for entry in rule.changed) + "]",
        "stated": "null" if rule.stated is None else _list(sizes, rule.stated),
        "parameters": f"({given})=>{rule.parameters}",
        "macs": f"({given})=>{rule.macs}",
        **({} if rule.reads == f"[[{','.join([POINT] * (rule.sizes - 1))}]]" else {"reads": _reads(sizes, rule.reads)}),
        **({"unread": _list(given, rule.unread)} if rule.unread else {}),
        **({"leavesEmpty": "true"} if rule.leaves_empty else {}),
        **({"repeatsEnds": "true"} if rule.repeats_ends else {}),
        **({"folds": "true"} if rule.folds else {}),
    }
    return "{" + ",".join(f"{name}:{part}" for name, part in parts.items()) + "}"


def _reads(sizes: str, reads: str) -> str:
    return reads if reads in (REPEATED, NOWHERE) else f"({sizes})=>{reads}"


def _list(sizes: str, expressions: Iterable[str]) -> str:
    return f"({sizes})=>[{','.join(expressions)}]"


def _changed(sizes: str, which: tuple[int, ...], choices: tuple[str, ...]) -> str:
    several = ",".join(f"({sizes})=>{choice}" for choice in choices)
    return f"[{as_json(which)},{f'[{several}]' if choices else 'null'}]"


def _sentence(sentence: str) -> str:
    """Write a sentence with formulas in ⟦...⟧ as a template, which the page fills in."""
    parts = re.split("⟦(.*?)⟧", sentence)
    texts = (re.sub(r"[`\\$]", r"\\\g<0>", part).replace("<", "\\u003c") for part in parts[::2])
    formulas = (f"${{said({formula})}}" for formula in parts[1::2])
    return "`" + "".join(text + formula for text, formula in zip(texts, [*formulas, ""], strict=True)) + "`"
