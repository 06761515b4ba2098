"""A layer -> the settings that a file must write for it: neither torch's defaults nor the numbers that the input decides.

In: a layer, and the shape that enters it at the declared input. Out: values of TOML by parameter, in torch's order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.layers.parameters import Axes, Ends, Flag, Order, Parameter, PerAxis, Reference, Text, Wrong
from cnnshape.numbers.recorded import plain
from cnnshape.numbers.shape import to_file
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.layers import Layer
    from cnnshape.numbers.shape import Shape


def settings(layer: Layer, entering: Shape | None, layout: str, *, stated: bool = False) -> dict[str, Any]:
    """Return the settings of a layer that a file writes; references are none of them.

    `stated`: with the numbers that the input decides, as code has them.
    """
    found = {}
    for name, parameter in layer.parameters.items():
        given = vars(layer).get(name)
        if given is None or given is UNKNOWN or isinstance(parameter, Reference):
            continue
        rank = len(entering) - 1 if entering else 0
        if not _follows(layer, parameter, None if stated else entering) and not _left_out(
            layer, parameter, given, rank
        ):
            found[name] = toml(parameter, given, rank, layout)
    return found


def refusal(layer: Layer, written: Mapping[str, Any]) -> str:
    """Say why a file refuses the settings of a layer, as `settings` gives them; "" where it takes them."""
    given = {name: True for name in layer.references if name in vars(layer)}
    for name, value in written.items():
        try:
            given[name] = layer.parameters[name].read(_bare(value))
        except Wrong as error:
            return str(error)
    problem = layer.inconsistent(given)
    return problem.message if problem else ""


def _bare(value: Any) -> Any:
    """Return a setting that a run may have computed from sizes as a file has it."""
    return [*map(_bare, value)] if isinstance(value, list) else plain(value)


def toml(parameter: Parameter[Any], setting: Any, rank: int, layout: str) -> Any:
    """Return a setting as a file writes it for `rank` spatial axes: 3 for (3, 3), a shape in the file's layout."""
    if isinstance(parameter, Text):  # braces would be read as an expression
        return setting.replace("{", "(").replace("}", ")")
    if not isinstance(setting, tuple):
        return setting
    if parameter.laid_out:
        return [*to_file(setting, layout)]
    if isinstance(parameter, Ends):
        if not parameter.spatial:  # [1, 1] is before and after, 1 is after
            return [*setting]
        setting = tuple(map(_single, setting))
    one = len(setting) == 1 and isinstance(parameter, Axes) and not isinstance(parameter, Order)
    if one or (isinstance(parameter, PerAxis) and len(setting) == rank):
        setting = _single(setting)
    return _listed(setting)


def _single(entries: Any) -> Any:
    """Collapse (3, 3) to 3; entries that are pairs stay."""
    if isinstance(entries, tuple) and len({*entries}) == 1 and not isinstance(entries[0], tuple):
        return entries[0]
    return entries


def _listed(entries: Any) -> Any:
    return [*map(_listed, entries)] if isinstance(entries, tuple) else entries


def _left_out(layer: Layer, parameter: Parameter[Any], setting: Any, rank: int) -> bool:
    """Say whether the setting is what the layer has without it."""
    default = parameter.default
    if isinstance(parameter, Flag) and default is None and layer.inconsistent(vars(layer)["_settings"]):
        return not setting  # torch's None, read as false
    if isinstance(parameter, PerAxis) and parameter.same_as:
        default = getattr(layer, parameter.same_as)
    if isinstance(parameter, PerAxis) and parameter.spatial and default is not None and rank:
        return bool(parameter.plain(setting, rank) == parameter.plain(default, rank))
    return bool(setting == default)


def _follows(layer: Layer, parameter: Parameter[Any], entering: Shape | None) -> bool:
    """Say whether the input decides the setting as it is."""
    if parameter.name not in layer.inferred:
        return False
    return parameter.name in layer.left_out or bool(
        entering
        and UNKNOWN not in entering
        and layer.inferred[parameter.name].takes(layer, entering) == getattr(layer, parameter.name)
    )
