"""The text of facts, values and suggestions in a message: data of problems comes in, words go out."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from cnnshape.problems.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.problems.suggest import Suggestion

MAX_LENGTH: Final = 1_000  # characters of a word in a message
MAX_WORDS: Final = 20  # known words that a message lists
MAX_VALUE: Final = 60  # characters of a TOML value in a message


def said(fact: object) -> str:
    """Write a fact as people write it: 227, 3 x 224 x 224, [] for a shape without axes, a, b or c."""
    if isinstance(fact, bool):
        return "true" if fact else "false"
    if isinstance(fact, Place):
        return str(fact)
    if isinstance(fact, tuple):
        return " x ".join(map(said, fact)) if fact else "[]"
    if isinstance(fact, list):
        return " or ".join(filter(None, [", ".join(map(said, fact[:-1])), said(fact[-1])])) if fact else "none"
    text = f"{fact:,}" if isinstance(fact, int) and abs(fact) >= 10_000 else str(fact)  # noqa: PLR2004 -- 1000 to 9999 have no comma
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}..."


def flagged(name: str, value: bool) -> str:
    """Write a setting that is true or false: bias, no bias, not learned."""
    return name if value else f"{'not' if name == 'learned' else 'no'} {name}"


def suggested(sentence: str, suggestions: Iterable[Suggestion]) -> str:
    """Add suggestions to a sentence: "there is no layer type cnov; did you mean conv?"."""
    text = "; ".join([sentence.removesuffix("."), *map(_offered, suggestions)])
    return f"{text}." if sentence.endswith(".") and not text.endswith("?") else text


def _offered(suggestion: Suggestion) -> str:
    words = [said(word) for word in suggestion.words]
    match suggestion.kind:
        case "meant":
            return f"did you mean {words[0]}?"
        case "known":
            listed = words if len(words) <= MAX_WORDS else [*words[:MAX_WORDS], "..."]
            return f"there {'are' if len(words) > 1 else 'is only'} {', '.join(listed)}"
        case "advice":
            return words[0]


def few(words: list[str], most: int) -> list[str]:
    """Return the words; of more than `most`, the first ones and the number of the others."""
    return words if len(words) <= most else [*words[:most], f"{len(words) - most:,} more"]


def is_harmless(words: str) -> bool:
    """Say whether a text may leave the program as it is, and so may each part of it: `printable` changes none."""
    return words.isprintable() and ":" not in words and "#" not in words


def printable(words: str) -> str:
    """Return a text as it may leave the program: no character that moves a cursor, and no command of a build server.

    Unprintable characters become escapes. GitHub's runner obeys a line that begins with :: or has ##[ in it, whoever
    wrote it: a sign of each becomes an escape.
    """
    if is_harmless(words):  # as nearly all are
        return words
    if not words.isprintable():
        words = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in words)
    if words.lstrip().startswith("::"):
        words = words.replace(":", r"\x3a", 1)
    return words.replace("##[", r"#\x23[")


def shown(value: object) -> str:
    """Write a TOML value as a file would, cut to MAX_VALUE characters."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            text = '"' + value[:MAX_VALUE].replace("\\", "\\\\").replace('"', '\\"') + '"' * (len(value) <= MAX_VALUE)
        case list() | tuple():
            text = f"[{', '.join(map(shown, value[:MAX_VALUE]))}]"
        case dict():
            text = f"{{ {', '.join(f'{key} = {shown(entry)}' for key, entry in islice(value.items(), MAX_VALUE))} }}"
        case _:
            text = str(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 3]}..."
