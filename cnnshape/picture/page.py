"""The page of a net: one file that a browser opens without a network, with the picture, sliders and all numbers."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from cnnshape.picture.page_data import page_data
from cnnshape.picture.page_script import as_json, rules_script
from cnnshape.problems.base import errors

if TYPE_CHECKING:
    from cnnshape.network.network import Network


def script(net: Network) -> str:
    """Write the data and the rules of a net with the code that runs them, as JavaScript for a page or for node."""
    data = page_data(net)
    plain = {
        "name": net.name,
        "inputs": [{"name": name, "shape": shape} for name, shape in net.inputs.items()],
        "sides": [side._asdict() for side in data.sides],
        "layers": [
            {name: value for name, value in layer._asdict().items() if value is not None} for layer in data.layers
        ],
        "wrong": bool(errors(net.problems)),
        "why": data.why,
        "known": [known._asdict() for known in data.known],
    }
    parts = (_code("page_fields.js"), _code("page_model.js"))
    return "\n".join([*parts, f"const data = {as_json(plain)};", f"const rules = {rules_script(data.rules)};", ""])


def _code(name: str) -> str:
    return files("cnnshape.picture").joinpath(name).read_text(encoding="utf-8")
