"""Shared weights: which layer or use of a block a step shares with, and whether the two agree.

In: a site whose step says `shares`, or stands in a use of a block that does. Out: the node or the use whose weights it
takes. Raises Unsettled where there is none or a setting differs, once the problem is noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.file.architecture import Unsettled
from cnnshape.network.graph import UNRESOLVED
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import building

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.assemble.frames import Site
    from cnnshape.assemble.growing import GrowingNet
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.assemble.names import Use
    from cnnshape.assemble.settings import Settler
    from cnnshape.assemble.wiring import Wiring
    from cnnshape.layers import Layer
    from cnnshape.network.graph import Node


class Sharing:
    """Finds the layers and blocks whose weights others share."""

    def __init__(self, ledger: Ledger, net: GrowingNet, settler: Settler, wiring: Wiring):
        self.ledger, self.net, self.settler, self.wiring = ledger, net, settler, wiring

    def weight(self, site: Site) -> Node | None:
        """Return the node whose weight alone a layer takes. Raises Unsettled."""
        node: Node | None = self.said(site, "shares_weight")
        while node and (owner := node.shares or node.shares_weight):
            node = self.net.named(owner)
        return node

    def use(self, site: Site, key: str = "shares") -> Use | None:
        """Return the use of a block that a step shares with, None where the name is no such use."""
        names, title = site.frame.names.find(self.settler.written(site, key, getattr(site.step, key)))
        copies = names.copies.get(title)
        return names.uses.get(copies[-1] if copies else title)

    def block(self, site: Site) -> Use:
        """Return the use of a block that a block shares with. Raises Unsettled."""
        use = self.use(site)
        if use:
            return use
        name, value = self.named(site)
        node = self.net.node(value)
        if value != UNRESOLVED and (node is None or node.layer):
            self.ledger.fail(building.SharesNoBlock, site, "shares", name=name)
        raise Unsettled

    def layer(self, site: Site) -> Node | None:
        """Return the node whose weights a layer shares: the step names it, or it stands in the twin. Raises Unsettled."""
        twin = site.frame.twin
        node = self.said(site) if site.step.shares or twin is None else self.counterpart(site, twin)
        return self.net.named(node.shares) if node.shares else node

    def said(self, site: Site, key: str = "shares") -> Node:
        """Return the node that a key names. Raises Unsettled."""
        name, value = self.named(site, key)
        node = self.net.node(value)
        if value != UNRESOLVED and site.frame.names.skips(name):
            self.ledger.fail(building.SharesLeftOut, site, key, name=name)
        if value != UNRESOLVED and (node is None or self.use(site, key)):
            self.ledger.fail(building.SharesNoLayer, site, key, name=name)
        if node is None:
            raise Unsettled
        return node

    def counterpart(self, site: Site, twin: str) -> Node:
        """Return the node that stands in the other use of the block as the site does in this one. Raises Unsettled."""
        node = self.net.named(twin + site.title)
        if node is None:
            facts = {"setting": site.title, "here": "built", "there": "not", "other": twin.removesuffix(".")}
            self.ledger.fail(building.SharedDiffers, site, "name", **facts)
        return node

    def named(self, site: Site, key: str = "shares") -> tuple[str, int]:
        """Return the name that a key says, and its value."""
        name = self.settler.written(site, key, getattr(site.step, key))
        return name, self.wiring.find_one(name, site.frame, site.step.at(key))

    def weighed(self, site: Site, owner: Node, kind: type[Layer], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of a layer that has the weight of another. Raises Unsettled where it cannot have it."""
        if owner.layer is None:
            raise Unsettled
        decided = kind.of_weight(owner.layer)
        if decided is None:
            facts = {"type": kind.type, "name": owner.name, "other": owner.type}
            self.ledger.fail(building.SharesNoWeight, site, "shares_weight", **facts)
        self.agree(site, owner.name, decided, {key: settings[key] for key in decided.keys() & settings.keys()})
        return {**settings, **decided}

    def agreed(self, site: Site, shared: Node, kind: type[Layer], settings: Mapping[str, Any]) -> Layer:
        """Return the shared layer. Raises Unsettled where the step repeats a setting with another value."""
        layer = shared.layer
        if layer is None:
            raise Unsettled
        self.agree(site, shared.name, {"type": shared.type}, {"type": kind.type})
        references = {key: settings[key] for key in kind.references if key in settings}
        for key in references.keys() - vars(layer).keys():
            facts = {"setting": key, "here": "given", "there": "not", "other": shared.name}
            self.ledger.fail(building.SharedDiffers, site, key, **facts)
        own = {key: value for key, value in settings.items() if key not in references}
        self.agree(site, shared.name, {key: getattr(layer, key) for key in own}, own)
        return layer.replace(**references) if references else layer

    def agree(self, site: Site, other: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        """Note each setting that differs. Raises Unsettled if one does."""
        differ = [key for key, value in here.items() if _single(there[key]) not in (_single(value), UNKNOWN)]
        for key in differ:
            facts = {"setting": key, "here": here[key], "there": there[key], "other": other}
            self.ledger.problem(building.SharedDiffers, site, key, **facts)
        if differ:
            raise Unsettled


def _single(value: Any) -> Any:
    """Collapse (3, 3) to 3."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
