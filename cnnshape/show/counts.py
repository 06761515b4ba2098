"""Counts as they are written for people: 62,378,344; ? where one is not known; 3 layers, 1 row."""

from __future__ import annotations


def number(value: int | None) -> str:
    """Write a number with its thousands apart, "?" for None."""
    return "?" if value is None else f"{value:,}"


def counted(count: int, noun: str) -> str:
    """Write a number with its noun, in the plural but for 1: 2 columns."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
