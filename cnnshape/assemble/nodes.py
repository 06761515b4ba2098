"""Nodes: a step that is a layer, put into the growing net.

In: a site whose step is a layer. Out: the value of a new node, with a layer of the step's settings or the layer of another
node that shares its weights. Raises Unsettled for a wrong step, once its problem is noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.file.architecture import Unsettled
from cnnshape.file.expression import Template
from cnnshape.layers import TYPES
from cnnshape.network.graph import UNRESOLVED, new_node
from cnnshape.problems import building, reading, shapes
from cnnshape.problems.suggest import suggest_word

if TYPE_CHECKING:
    from cnnshape.assemble.frames import Site
    from cnnshape.assemble.growing import GrowingNet
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.assemble.settings import Settler
    from cnnshape.assemble.sharing import Sharing
    from cnnshape.assemble.wiring import Wiring
    from cnnshape.file.architecture import Step
    from cnnshape.layers import Layer
    from cnnshape.network.graph import Node


class Nodes:
    """Makes nodes of steps."""

    def __init__(self, ledger: Ledger, net: GrowingNet, settler: Settler, wiring: Wiring, sharing: Sharing):
        self.ledger, self.net = ledger, net
        self.settler, self.wiring, self.sharing = settler, wiring, sharing

    def layer(self, site: Site) -> int:
        """Build a layer; return its value. Raises Unsettled."""
        references: tuple[int, ...] = ()
        step, frame = site.step, site.frame
        shared = self.sharing.layer(site) if step.shares or frame.twin is not None else None
        kind = self.kind(site, shared)
        settings = self.settler.own(site, kind)
        if kind.references:
            settings, references = self.referred(site, kind, settings)
        self.check_joins(site, kind)
        if step.optional and len(site.inputs) == 1:  # all the others are absent
            frame.names.passed.add(site.title)
            return site.inputs[0]
        if shared:
            layer = self.sharing.agreed(site, shared, kind, settings)
            references = references or shared.inputs[len(shared.joined) :]
            return self.add(site, kind.type, layer, references, shares=shared.name, frozen=shared.frozen)
        owner = self.sharing.weight(site) if step.shares_weight else None
        if owner:
            settings = self.sharing.weighed(site, owner, kind, settings)
        layer, frozen = self.settler.layer(site, kind, settings), self.settler.frozen(site)
        weight = owner.name if owner else ""
        return self.add(site, kind.type, layer, references, frozen=frozen, shares_weight=weight)

    def judge(self, site: Site) -> None:
        """Note the problems of the settings of a step that is wrong already. Raises Unsettled."""
        step = site.step
        if block := site.frame.file.blocks.get(str(step.block)):
            self.settler.handed(site, block)
        elif kind := TYPES.get(str(step.type)):
            settings = self.settler.own(site, kind)
            if None not in settings.values() and kind.required <= settings.keys():
                settings, _ = self.referred(site, kind, settings)
                self.settler.consistent(site, kind, settings)

    def unknown(self, site: Site) -> int:
        """Build a node without a layer, for a step that is wrong; return its value."""
        return self.add(site, kind_text(site.step), None)

    def add(  # noqa: PLR0913 -- what a Node has
        self,
        site: Site,
        kind: str,
        layer: Layer | None,
        references: tuple[int, ...] = (),
        *,
        shares: str = "",
        shares_weight: str = "",
        frozen: bool = False,
    ) -> int:
        step, frame, name = site.step, site.frame, site.name
        inputs, entering, allow = site.inputs, site.entering, frame.allow
        if references:
            inputs, entering = inputs + references, entering + self.net.entering(references)
        if step.allow:
            allow = allow | step.allow
        self.net.ties += bool(layer is None or references or shares or shares_weight)
        self.ledger.work(site, "name", len(name))
        place, keys, used_at, kinds = step.place, step.keys, frame.used_at, frame.kinds
        node = new_node((name, kind, layer, inputs, place, keys, used_at, shares, shares_weight, frozen, allow, kinds))
        return self.net.add(node, entering)

    def kind(self, site: Site, shared: Node | None) -> type[Layer]:
        """Return the layer's type: the step's own, or that of the layer it shares with. Raises Unsettled."""
        if not site.step.type:
            if shared is None or shared.layer is None:
                raise Unsettled
            return type(shared.layer)
        name = self.settler.written(site, "type", site.step.type)
        try:
            return TYPES[name]
        except KeyError:
            hint = suggest_word(name, TYPES, "type")
            self.ledger.fail(reading.UnknownType, site, "type", type=name, suggestions=hint)

    def check_joins(self, site: Site, kind: type[Layer]) -> None:
        """Check the number of inputs. Raises Unsettled where the layer does not take it."""
        joins, given = kind.joins, len(site.inputs)
        if given in joins and site.step.inputs is None and joins[-1] == 1:  # as of most layers
            return
        optional = site.step.optional
        if joins[-1] > 1 and site.step.inputs is None and not kind.alone:
            self.ledger.fail(building.UnsaidJoin, site, "type", type=kind.type)
        if optional and joins[-1] == 1 and UNRESOLVED not in site.inputs:
            self.ledger.fail(building.OptionalNoJoin, site, "from", of=kind.type)
        if given not in joins and not (optional and given == 1):
            takes = "one input" if joins.start == 1 else f"{joins.start} inputs"
            self.ledger.fail(shapes.WrongNumberOfInputs, site, "from", type=kind.type, takes=takes, inputs=given)

    def referred(
        self, site: Site, kind: type[Layer], settings: dict[str, Any]
    ) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Return the settings, their references (`like`, `indices`) found, and the values that enter by these."""
        values: list[int] = []
        for key in kind.references:
            if key in settings:
                value = self.wiring.find_one(settings[key], site.frame, site.step.at(key))
                node = self.net.node(value)
                to = getattr(kind.parameters[key], "to", "")
                if to and node and node.layer is None:
                    raise Unsettled
                if to and value != UNRESOLVED and (node is None or node.type != to):
                    self.ledger.fail(building.WrongReference, site, key, parameter=key, to=to, name=settings[key])
                settings = {**settings, key: node.layer if to and node else True}
                values.append(node.inputs[0] if to and node else value)
        return settings, tuple(values)


def kind_text(step: Step) -> str:
    """Return a step's type or block as the file writes it, with its {...}."""
    return step.of.text if isinstance(step.of, Template) else step.of or "layer"
