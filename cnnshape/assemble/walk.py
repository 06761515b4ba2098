"""The walk over the steps of a frame: each fed, named, repeated, left out by `when`, or built.

In: a frame. Out: the values that it gives, with all nodes in the growing net. A step that cannot be built becomes a node
without a layer, and the walk goes on after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.assemble.frames import Frame, Site
from cnnshape.assemble.naming import Naming
from cnnshape.assemble.nodes import Nodes, kind_text
from cnnshape.assemble.sharing import Sharing
from cnnshape.assemble.uses import Uses
from cnnshape.file.architecture import NO_REPEAT, Step, Unsettled
from cnnshape.file.keys import EXPECT, REPEAT, WHEN
from cnnshape.network.graph import UNRESOLVED, Expectation
from cnnshape.problems import building
from cnnshape.problems.place import Place

if TYPE_CHECKING:
    from cnnshape.assemble.growing import GrowingNet
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.assemble.settings import Settler
    from cnnshape.assemble.wiring import Wiring


class Walk:
    """Builds the steps of frames, one after the other."""

    def __init__(self, ledger: Ledger, net: GrowingNet, settler: Settler, wiring: Wiring):
        self.ledger, self.net, self.settler, self.wiring = ledger, net, settler, wiring
        self.naming = Naming(ledger, settler)
        self.sharing = Sharing(ledger, net, settler, wiring)
        self.nodes = Nodes(ledger, net, settler, wiring, self.sharing)
        self.uses = Uses(ledger, net, settler, self.sharing)

    def run(self, frame: Frame) -> tuple[int, ...]:
        """Build the steps of a frame; return the values that it gives: the last step's, unless its block says others."""
        entering = [*frame.inputs.values()]
        previous = tuple(entering[:1]) if frame.blocks or len(entering) == 1 else (UNRESOLVED,)
        for step in frame.steps:
            previous = self.step(step, frame, previous)
        if not (frame.blocks and frame.blocks[-1].gives):
            return previous
        block, self.ledger.layer = frame.blocks[-1], frame.title.removesuffix(".")
        places = [Place(block.place.source, (*block.place.path, "gives", i)) for i in range(len(block.gives))]
        return tuple(self.wiring.find_one(name, frame, place) for name, place in zip(block.gives, places, strict=True))

    def step(self, step: Step, frame: Frame, previous: tuple[int, ...]) -> tuple[int, ...]:
        """Build all copies of a step; return its values."""
        frame.names.lost |= step.lost
        self.ledger.layer = step.title and frame.title + step.title
        inputs = self.wiring.inputs(step, frame, previous)
        return self.placed(step, frame, inputs, previous)

    def placed(self, step: Step, frame: Frame, inputs: tuple[int, ...], previous: tuple[int, ...]) -> tuple[int, ...]:
        """Build all copies of a step of which the values that enter are known; return its values."""
        site = Site(step, frame, inputs, self.net.entering(inputs), step.title)
        try:
            site, values = self.repeated(site) if step.repeat is not NO_REPEAT else self.copy(site)
        except Unsettled:  # its name or its number of copies is not known
            site, values = self.lost(site)
        if len(inputs) > len(values) and site.title in frame.names.skipped:
            self.check_left_out(site, previous)
        if step.expect is not None:
            self.expect(site, values)
        return values

    def repeated(self, site: Site) -> tuple[Site, tuple[int, ...]]:
        """Build the copies of a repeated step, each fed by the one before."""
        step, frame, plain, values = site.step, site.frame, site.title, site.inputs
        count = self.settler.read(site, "repeat", REPEAT, step.repeat)
        self.ledger.copies(site, count)
        first = Site(step, frame, values, site.entering, plain, 0)
        gives = len(self.uses.gives(first)) or 1
        if len(values) != gives:
            self.ledger.fail(building.RepeatedJoin, site, "from", inputs=len(values), gives=gives)
        copies: list[str] = []
        for i in range(count):
            title = f"{plain}.{i}" if plain else ""
            site, values = self.copy(Site(step, frame, values, self.net.entering(values), title, i))
            copies.append(site.title)
            values = values if len(values) == gives else values[:1] * gives  # a broken copy has one
        site = Site(step, frame, site.inputs, site.entering, plain or site.title)
        if not count:
            values = self.handed_on(site)
        if plain:
            frame.names.copies[plain] = copies
            self.naming.name(site, values)
        return site, values

    def copy(self, site: Site) -> tuple[Site, tuple[int, ...]]:
        """Build a step once, named if it has no title yet. Raises Unsettled where it cannot be named."""
        if not site.title:
            site = site.titled(self.naming.title(site))
        self.ledger.layer = site.name
        self.ledger.step(site)
        try:
            values = self.made(site)
        except Unsettled:
            values = (self.nodes.unknown(site),)
            site.frame.names.broken.add(site.title)
        if site.step.name:
            self.naming.name(site, values)
        return site, values

    def made(self, site: Site) -> tuple[int, ...]:
        """Build the layer or the use of a block that a step is, unless `when` leaves it out; return its values. Raises Unsettled."""
        step = site.step
        if step.when is not True and not self.settler.read(site, "when", WHEN, step.when):
            site.frame.names.skipped.add(site.title)
            return self.handed_on(site)
        names = site.frame.names
        if site.title in names.skipped:  # the name of a step that is left out is free
            names.skipped.discard(site.title)
            names.values.pop(site.title, None)
        if step.broken:
            self.nodes.judge(site)
            raise Unsettled
        is_block = step.block or (step.shares and not step.of and self.sharing.use(site))
        return self.uses.assemble(site, self.run) if is_block else (self.nodes.layer(site),)

    def handed_on(self, site: Site) -> tuple[int, ...]:
        """Return what a step stands for that is left out: its first input, or all where its block gives as many."""
        gives = self.uses.gives(site) if len(site.inputs) > 1 else ()
        if len(gives) != len(site.inputs):
            return site.inputs[:1]
        if site.step.name:
            names = [f"{site.title}.{name}" for name in gives]
            site.frame.names.values.update(zip(names, site.inputs, strict=True))
        return site.inputs

    def lost(self, site: Site) -> tuple[Site, tuple[int, ...]]:
        """Build a node without a layer, for a step whose name or number of copies is not known."""
        step, names, plain = site.step, site.frame.names, site.title
        site = site.titled(plain or f"{kind_text(step)}?")
        values = (self.nodes.unknown(site),)
        names.lost |= bool(step.name and not plain)
        names.broken.add(site.title)
        if plain:
            self.naming.name(site, values)
        return site, values

    def check_left_out(self, site: Site, previous: tuple[int, ...]) -> None:
        """Note a join that is left out, where it is not plain which of its inputs goes on."""
        step, frame, inputs = site.step, site.frame, site.inputs
        silent = building.JoinLeftOut.code in step.allow | frame.allow
        if inputs[:1] != previous and UNRESOLVED not in inputs and len({*inputs}) > 1 and not silent:
            self.ledger.problem(building.JoinLeftOut, site, "when", first=self.wiring.name(inputs[0], frame))

    def expect(self, site: Site, values: tuple[int, ...]) -> None:
        """Note the expectation of a step."""
        step, frame = site.step, site.frame
        if len(values) > 1:
            self.ledger.problem(building.SeveralResults, site, "expect", name=site.title, results=len(values))
            return
        try:
            shape = self.settler.read(site, "expect", EXPECT, step.expect)
        except Unsettled:
            return
        self.net.expectations.append(Expectation(values[0], shape, site.name, step.at("expect"), frame.used_at))
