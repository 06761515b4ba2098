"""The content of a page as JavaScript: plain data as JSON, and the layers' rules as functions of the sizes that enter."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from cnnshape.picture.page.reads import NOWHERE, POINT, REPEATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.picture.page.arithmetic import Arithmetic
    from cnnshape.picture.page.rules import PageRule


def as_json(value: Any) -> str:
    """Write a value so that no text in it ends the script element that it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def rules_script(rules: Iterable[PageRule], arithmetic: Iterable[Arithmetic]) -> str:
    """Write rules as an array, each with its arithmetic; model.js says what each part is for."""
    return "[\n" + ",\n".join(map(_rule, rules, arithmetic)) + "\n]"


def _rule(rule: PageRule, arithmetic: Arithmetic) -> str:
    sizes = ",".join(f"s{number}" for number in range(rule.sizes))
    results = ",".join(f"y{place}" for place in range(len(rule.output or rule.stated or ())))
    given = f"{sizes},{results}".strip(",")
    conditions, changed = rule.conditions, rule.changed
    parts = {"gives": "null" if rule.output is None else _list(sizes, rule.output)}
    if conditions:
        parts["refuses"] = _list(sizes, (condition.refused for condition in conditions))
        parts["says"] = _list(sizes, (_sentence(condition.sentence, "said") for condition in conditions))
    if any(condition.behind for condition in conditions):
        parts["behind"] = as_json([condition.behind or None for condition in conditions])
    if rule.whole:
        parts["whole"] = as_json(rule.whole)
    if any(which for which, _ in changed):
        parts["changed"] = as_json([which for which, _ in changed])
    if any(choices for _, choices in changed):
        parts["choices"] = "[" + ",".join(_choices(sizes, choices) for _, choices in changed) + "]"
    if rule.stated is not None:
        unknown = {*rule.stated} == {"NaN"}
        parts["stated"] = str(len(rule.stated)) if unknown else _list(sizes, rule.stated)
    for name, number in (("parameters", rule.parameters), ("macs", rule.macs)):
        if number != "0":
            parts[name] = f"({given})=>{number}"
    if rule.reads != f"[[{','.join([POINT] * (rule.sizes - 1))}]]":
        parts["reads"] = _reads(sizes, rule.reads)
    if any((*arithmetic.sizes, *arithmetic.counts)):
        parts["arithmetic"] = _arithmetic(given, arithmetic)
    if rule.unread:
        parts["unread"] = _list(given, rule.unread)
    flags = {"leavesEmpty": rule.leaves_empty, "repeatsEnds": rule.repeats_ends, "folds": rule.folds}
    parts |= {name: "true" for name, flag in flags.items() if flag}
    return "{" + ",".join(f"{name}:{part}" for name, part in parts.items()) + "}"


def _reads(sizes: str, reads: str) -> str:
    return reads if reads in (REPEATED, NOWHERE) else f"({sizes})=>{reads}"


def _list(sizes: str, expressions: Iterable[str]) -> str:
    return f"({sizes})=>[{','.join(expressions)}]"


def _choices(sizes: str, choices: tuple[str, ...]) -> str:
    return "[" + ",".join(f"({sizes})=>{choice}" for choice in choices) + "]" if choices else "null"


def _arithmetic(given: str, arithmetic: Arithmetic) -> str:
    sizes, counts = (
        "[" + ",".join("null" if text is None else _sentence(text) for text in texts) + "]" for texts in arithmetic
    )
    return f"({given})=>[{sizes},{counts}]"


def _sentence(sentence: str, function: str = "") -> str:
    """Write a sentence with formulas in ⟦...⟧ as a template, which the page fills in by a function of each."""
    parts = re.split("⟦(.*?)⟧", sentence)
    texts = (re.sub(r"[`\\$]", r"\\\g<0>", part).replace("<", "\\u003c") for part in parts[::2])
    formulas = (f"${{{function}({formula})}}" for formula in parts[1::2])
    return "`" + "".join(text + formula for text, formula in zip(texts, [*formulas, ""], strict=True)) + "`"
