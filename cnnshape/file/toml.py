"""Values -> the text that TOML has for them, as the files of the zoo write it.

In: texts, numbers, lists, tables. Out: a key, or a value on one line.
"""

from __future__ import annotations

import re
from typing import Any, Final

BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
ESCAPED: Final = re.compile(r'[\x00-\x1f"\\\x7f]')
EXPONENT: Final = re.compile(r"e([+-])0*")


def key(name: str) -> str:
    """Write a key, in quotes where it needs them."""
    return name if BARE.fullmatch(name) else text(name)


def text(given: str) -> str:
    """Write a text in quotes; half a character, as a broken file name may have, becomes a question mark."""
    whole = given.encode("utf-8", "replace").decode()
    return f'"{ESCAPED.sub(_escape, whole)}"'


def _escape(match: re.Match[str]) -> str:
    return f"\\{match[0]}" if match[0] in '"\\' else f"\\u{ord(match[0]):04x}"


def value(given: Any) -> str:
    """Write a value on one line: true, 1e-6, "width", [3, 224, 224], { bias = false }."""
    if isinstance(given, str):
        return text(given)
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, float):
        return EXPONENT.sub(lambda match: f"e{match[1]}".rstrip("+"), repr(given))
    if isinstance(given, dict):
        return f"{{ {', '.join(f'{key(name)} = {value(entry)}' for name, entry in given.items())} }}" if given else "{}"
    if isinstance(given, (list, tuple)):
        return f"[{', '.join(map(value, given))}]"
    return str(given)  # a whole number; or a date of [training], whose text is TOML's
