"""The walk over the steps of a frame: each fed, named, repeated, left out by `when`, or built.

In: a frame. Out: the value of its last step, with all nodes in the growing net. A step that cannot be built becomes a node
without a layer, and the walk goes on after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.build.frames import Frame, Site
from cnnshape.build.naming import Naming
from cnnshape.build.nodes import Nodes, kind_text
from cnnshape.build.sharing import Sharing
from cnnshape.build.uses import Uses
from cnnshape.file.architecture import NO_REPEAT, Step, Unsettled
from cnnshape.file.keys import EXPECT, REPEAT, WHEN
from cnnshape.network.graph import UNRESOLVED, Expectation
from cnnshape.problems import building

if TYPE_CHECKING:
    from cnnshape.build.growing import GrowingNet
    from cnnshape.build.ledger import Ledger
    from cnnshape.build.settings import Settler
    from cnnshape.build.wiring import Wiring


class Walk:
    """Builds the steps of frames, one after the other."""

    def __init__(self, ledger: Ledger, net: GrowingNet, settler: Settler, wiring: Wiring):
        self.ledger, self.net, self.settler, self.wiring = ledger, net, settler, wiring
        self.naming = Naming(ledger, settler)
        self.sharing = Sharing(ledger, net, settler, wiring)
        self.nodes = Nodes(ledger, net, settler, wiring, self.sharing)
        self.uses = Uses(ledger, net, settler, self.sharing)

    def run(self, frame: Frame) -> int:
        """Build the steps of a frame; return the value of the last."""
        entering = [*frame.inputs.values()]
        previous = entering[0] if frame.blocks or len(entering) == 1 else UNRESOLVED
        for step in frame.steps:
            previous = self.step(step, frame, previous)
        return previous

    def step(self, step: Step, frame: Frame, previous: int) -> int:
        """Build all copies of a step; return its value."""
        frame.names.lost |= step.lost
        inputs = self.wiring.inputs(step, frame, previous)
        plain = step.name if isinstance(step.name, str) else ""
        site = Site(step, frame, inputs, self.net.entering(inputs), plain)
        try:
            site, value = self.repeated(site) if step.repeat is not NO_REPEAT else self.copy(site)
        except Unsettled:  # its name or its number of copies is not known
            site, value = self.lost(site)
        if len(inputs) > 1 and site.title in frame.names.skipped:
            self.check_left_out(site, previous)
        if step.expect is not None:
            self.expect(site, value)
        return value

    def repeated(self, site: Site) -> tuple[Site, int]:
        """Build the copies of a repeated step, each fed by the one before."""
        step, frame, plain = site.step, site.frame, site.title
        count = self.settler.read(site, "repeat", REPEAT, step.repeat)
        if len(site.inputs) > 1:
            self.ledger.fail(building.RepeatedJoin, site, "from")
        copies: list[str] = []
        (value,) = site.inputs
        for i in range(count):
            title = f"{plain}.{i}" if plain else ""
            site, value = self.copy(Site(step, frame, (value,), self.net.entering((value,)), title, i))
            copies.append(site.title)
        site = Site(step, frame, site.inputs, site.entering, plain or site.title)
        if plain:
            frame.names.copies[plain] = copies
            self.naming.name(site, value)
        return site, value

    def copy(self, site: Site) -> tuple[Site, int]:
        """Build a step once, named if it has no title yet. Raises Unsettled where it cannot be named."""
        if not site.title:
            site = site.titled(self.naming.title(site))
        self.ledger.step(site)
        try:
            value = self.made(site)
        except Unsettled:
            value = self.nodes.unknown(site)
            site.frame.names.broken.add(site.title)
        if site.step.name:
            self.naming.name(site, value)
        return site, value

    def made(self, site: Site) -> int:
        """Build the layer or the use of a block that a step is, unless `when` leaves it out; return its value. Raises Unsettled."""
        step = site.step
        if step.when is not True and not self.settler.read(site, "when", WHEN, step.when):
            site.frame.names.skipped.add(site.title)
            return site.inputs[0]
        if step.broken:
            raise Unsettled
        is_block = step.block or (step.shares and not step.of and self.sharing.use(site))
        return self.uses.build(site, self.run) if is_block else self.nodes.layer(site)

    def lost(self, site: Site) -> tuple[Site, int]:
        """Build a node without a layer, for a step whose name or number of copies is not known."""
        step, names, plain = site.step, site.frame.names, site.title
        site = site.titled(plain or f"{kind_text(step)}?")
        value = self.nodes.unknown(site)
        names.lost |= bool(step.name and not plain)
        names.broken.add(site.title)
        if plain:
            self.naming.name(site, value)
        return site, value

    def check_left_out(self, site: Site, previous: int) -> None:
        """Note a join that is left out, where it is not plain which of its inputs goes on."""
        step, frame, inputs = site.step, site.frame, site.inputs
        silent = building.JoinLeftOut.code in step.allow | frame.allow
        if inputs[0] != previous and UNRESOLVED not in inputs and len({*inputs}) > 1 and not silent:
            self.ledger.problem(building.JoinLeftOut, site, "when", first=self.wiring.name(inputs[0], frame))

    def expect(self, site: Site, value: int) -> None:
        """Note the expectation of a step."""
        step, frame = site.step, site.frame
        try:
            shape = self.settler.read(site, "expect", EXPECT, step.expect)
        except Unsettled:
            return
        self.net.expectations.append(Expectation(value, shape, site.name, step.at("expect"), frame.used_at))
