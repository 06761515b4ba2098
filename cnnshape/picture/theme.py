"""The colours of a picture: a paint for each family of layer types, on light and on dark paper."""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "input": "#e3e6ea",
    "filters": "#f6c344",
    "enlarged": "#5fb3b3",
    "dense": "#b08bd6",
    "pool": "#e0645c",
    "activation": "#f08a3c",
    "norm": "#6aa84f",
    "drop": "#9aa5b1",
    "pointwise": "#c9a27a",
    "join": "#8fb8de",
    "rearranged": "#c5b8a5",
    "resized": "#7fc7c0",
    "recurrence": "#d68fb5",
    "attending": "#a5c663",
    "stated": "#d8c9e8",
    "other": "#bdbdbd",
    "block": "#7ea6e0",
    "fails": "#e02b2b",
    "unknown": "#ffffff",
}
DARK: Final = {
    "input": "#5b6470",
    "filters": "#d9a62b",
    "enlarged": "#3f8f8f",
    "dense": "#8f6bb8",
    "pool": "#c24b44",
    "activation": "#d2702a",
    "norm": "#558b3e",
    "drop": "#707b87",
    "pointwise": "#a3805a",
    "join": "#5f8fbd",
    "rearranged": "#8f8472",
    "resized": "#4f9f98",
    "recurrence": "#b06a90",
    "attending": "#7f9e43",
    "stated": "#9c8bb0",
    "other": "#8c8c8c",
    "block": "#527cba",
    "fails": "#e5484d",
    "unknown": "#1c2128",
}
INK: Final = {"paper": "#ffffff", "ink": "#1f2328", "faint": "#59636e", "line": "#57606a", "edge": "#24292f"}
DARK_INK: Final = {"paper": "#15191f", "ink": "#e6edf3", "faint": "#9aa5b1", "line": "#8b949e", "edge": "#0b0e12"}


RULES: Final = {
    **{f".{paint}": f"fill:var(--{paint})" for paint in LIGHT},
    ".paper": "fill:var(--paper)",
    ".shade.top": "fill:#fff;fill-opacity:.35",
    ".shade.side": "fill:#000;fill-opacity:.16",
    ".edge": "fill:none;stroke:var(--edge);stroke-width:.7;stroke-linejoin:round;stroke-opacity:.75",
    ".arrow": "fill:none;stroke:var(--line);stroke-width:1.1;stroke-linejoin:round",
    ".dashed": "stroke-dasharray:3 2.5",
    ".head": "fill:var(--line)",
    ".sign": "fill:var(--paper);stroke:var(--line);stroke-width:1.1",
    ".stroke": "fill:none;stroke:var(--ink);stroke-width:1.2",
    ".hatch": "stroke:var(--ink);stroke-width:1",
    ".lost": "fill:url(#hatch)",
    ".fails .edge": "stroke:var(--fails);stroke-width:1.6",
    ".solid.unknown .edge": "stroke-dasharray:3 2",
    "text": "fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:2.5px;stroke-linejoin:round",
    ".name": "font-weight:600",
    ".window": "fill:var(--faint)",
    ".legend": "fill:var(--faint)",
}


def _variables(colours: dict[str, str], ink: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in (colours | ink).items())


CSS: Final = (
    f".cnnshape{{{_variables(LIGHT, INK)};font-family:Helvetica,Arial,'Liberation Sans',sans-serif}}"
    f"@media (prefers-color-scheme:dark){{.cnnshape{{{_variables(DARK, DARK_INK)}}}}}"
    f"@media print{{.cnnshape{{{_variables(LIGHT, INK)}}}}}"
    + "".join(f".cnnshape {selector}{{{rule}}}" for selector, rule in RULES.items())
)
