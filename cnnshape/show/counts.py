"""Counts as they are written for people: 62,378,344; ? where one is not known; 3 layers, 1 row; bytes as MiB."""

from __future__ import annotations

from typing import Final

MIB: Final = 2**20


def number(value: int | None) -> str:
    """Write a number with its thousands apart, "?" for None."""
    return "?" if value is None else f"{value:,}"


def mebibytes(count: int | None) -> str:
    """Write bytes as MiB, "?" for None."""
    return "?" if count is None else f"{count / MIB:,.1f}"


def counted(count: int, noun: str) -> str:
    """Write a number with its noun, in the plural but for 1: 2 columns."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
