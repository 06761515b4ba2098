"""Naming: a title for every copy of a step.

In: a site, or its value. Out: its title within the frame: conv1 or stage.0 from the file, or relu2 where the file gives
none. The names of the frame note the value that the title stands for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.file.keys import bad_layer_name
from cnnshape.problems import building

if TYPE_CHECKING:
    from cnnshape.assemble.frames import Site
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.assemble.settings import Settler
    from cnnshape.file.architecture import Step


class Naming:
    """Gives names to the copies of steps."""

    def __init__(self, ledger: Ledger, settler: Settler):
        self.ledger, self.settler = ledger, settler
        self.reserved: dict[int, frozenset[str]] = {}  # names that the file gives in a frame, by its steps' identity

    def title(self, site: Site) -> str:
        """Return a title for a site without one: the file's, or the step's kind and a number. Raises Unsettled."""
        step, names = site.step, site.frame.names
        if step.name:
            return self.written(site)
        kind = self.settler.written(site, "type" if step.type else "block", step.of) or "layer"
        reserved = self.given(site.frame.steps)
        while True:
            names.numbers[kind] = number = names.numbers.get(kind, 0) + 1
            title = f"{kind}{number}"
            if title not in reserved and title not in names.values and title not in names.unnamed:
                names.unnamed.add(title)
                return title

    def written(self, site: Site) -> str:
        """Return the name that the file gives, its expressions evaluated. Raises Unsettled."""
        name = self.settler.written(site, "name", site.step.name)
        if problem := bad_layer_name(name):
            self.ledger.fail_with(problem, site, site.step.at("name"))
        if name in site.frame.names.unnamed:
            self.ledger.fail(building.NameOfUnnamed, site, "name", name=name)
        return name

    def given(self, steps: tuple[Step, ...]) -> frozenset[str]:
        """Return the names that the file gives in a frame; an unnamed layer must get another."""
        if id(steps) not in self.reserved:
            self.reserved[id(steps)] = frozenset([step.name for step in steps if isinstance(step.name, str)])
        return self.reserved[id(steps)]

    def name(self, site: Site, results: tuple[int, ...]) -> None:
        """Note the values that a title stands for."""
        step, frame = site.step, site.frame
        values, value = frame.names.values, results[0]
        self.ledger.work(site, "name", len(site.title))
        if values.get(site.title, value) != value:
            said = any(other.name == step.name for other in frame.steps if other is not step)  # by the reader
            if not said:
                self.ledger.problem(building.DuplicateLayer, site, "name", name=site.name)
        values[site.title] = value
        if len(results) > 1:
            frame.names.several[site.title] = results
