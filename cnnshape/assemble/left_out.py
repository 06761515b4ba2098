"""Steps that `when` or `repeat = 0` leaves out, built all the same: what they would be.

In: an architecture, and the name of a layer or a use of a block that its net has not. Out: the net with it, and the
conditions on the way to it that do not hold.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.assemble.network import assemble, begun
from cnnshape.assemble.settings import Settler
from cnnshape.assemble.uses import Uses
from cnnshape.file.architecture import PARSED, Unsettled
from cnnshape.problems.wording import said, shown

if TYPE_CHECKING:
    from cnnshape.assemble.frames import Site
    from cnnshape.assemble.growing import GrowingNet
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.assemble.walk import Walk
    from cnnshape.file.architecture import Architecture, Block, Setting
    from cnnshape.layers.parameters import Parameter
    from cnnshape.network.network import Network
    from cnnshape.problems.place import Place

BUILT: Final = {"when": True, "repeat": 1}  # the conditions, with a value by which a step is built


class LeftOut(NamedTuple):
    """A condition that leaves a step out, in its file, and the values of the names in it."""

    name: str
    place: Place
    condition: str
    values: dict[str, Any]

    def __str__(self) -> str:
        values = ", ".join(f"{name} = {said(value)}" for name, value in self.values.items())
        return f"{self.name} is left out by {self.condition}{f', where {values}' if values else ''}\n  at {self.place}"


def with_left_out(architecture: Architecture, name: str) -> tuple[Network, list[LeftOut]]:
    """Build the net with a layer, or a use of a block, that it leaves out; return the conditions that do so.

    Where none leads to the name, it may be a use of which all layers are left out: it is built with these.
    """
    for within in (False, True):
        asked = _Asked(name, within=within)
        net = assemble(architecture, asked.begin)
        if asked.left_out:
            break
    return net, asked.left_out


class _Asked:
    """What was asked for, and the conditions on the way to it that do not hold."""

    def __init__(self, name: str, *, within: bool):
        self.name, self.within = name, within
        self.left_out: list[LeftOut] = []

    def begin(self, ledger: Ledger, net: GrowingNet) -> Walk:
        settler = _Settler(ledger)
        settler.asked = self
        walk = begun(ledger, net, settler)
        walk.uses = _Uses(ledger, net, settler, walk.sharing)
        return walk

    def takes(self, site: Site) -> bool:
        """Say whether a copy of a step is what was asked for, or one of its copies, or the use around it."""
        own = f"{site.frame.title}{site.step.name}"
        leads_on = self.name in (site.name, own) or self.name.startswith(f"{site.name}.")
        return leads_on or (self.within and site.name.startswith(f"{self.name}."))


class _Settler(Settler):
    """Takes the conditions on the way to what was asked for to hold."""

    asked: _Asked

    def read(self, site: Site, key: str, parameter: Parameter[Any], setting: Setting) -> Any:
        found = super().read(site, key, parameter, setting)
        if found or key not in BUILT or not self.asked.takes(site):
            return found
        scope, values = site.scope(), {}
        for name in sorted(setting.names) if isinstance(setting, PARSED) else ():
            with suppress(Unsettled):  # the condition did not ask it
                values[name] = scope[name]
        written = f"{key} = {shown(setting.text if isinstance(setting, PARSED) else setting)}"
        self.asked.left_out.append(LeftOut(site.name, site.step.at(key), written, values))
        return BUILT[key]


class _Uses(Uses):
    """Builds each use anew: one alone has the layer that was asked for."""

    def kept(self, block: Block) -> dict[Any, Any]:  # noqa: ARG002 -- of no block
        return {}
