"""The settings of a step: settled in its scope, read as the parameters of its layer type, with defaults filled in.

In: a site, and settings with expressions in them, some still as TOML has them. Out: final values, and the layer that they
make. Raises Unsettled where one cannot be known or is wrong, once its problem is noted.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.architecture import Unsettled, final, length, mistake, settle
from cnnshape.file.expression import Template
from cnnshape.file.keys import FROZEN
from cnnshape.file.steps import late_settings
from cnnshape.file.tokens import ExpressionError
from cnnshape.layers.parameters import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnnshape.assemble.frames import Site
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.file.architecture import Block, Setting
    from cnnshape.layers import Layer
    from cnnshape.layers.parameters import Parameter

SETTLED: Final = (int, float, str, tuple)  # types of settings without an expression in them


class Settler:
    """Settles the settings of steps, and makes layers of them."""

    def __init__(self, ledger: Ledger):
        self.ledger = ledger
        self.layers: dict[Any, Layer] = {}  # made so far, by type, file, input and settings
        self.read_late: dict[Any, dict[str, Setting]] = {}  # settings by step, type or block, and names in scope

    def settled(self, site: Site, key: str, setting: Setting) -> Any:
        """Return a setting with its expressions evaluated. Raises Unsettled."""
        return setting if isinstance(setting, SETTLED) else self.evaluated(site, key, setting)

    def evaluated(self, site: Site, key: str, setting: Setting) -> Any:
        """Return the value of a setting with expressions in it. Raises Unsettled."""
        self.ledger.work(site, key, 4 * length(setting) + 10)
        try:
            value = settle(setting, site.scope())
        except ExpressionError as error:
            self.ledger.fail_with(error.problem, site, mistake(site.step.at(key), setting, error))
        if isinstance(value, tuple):
            self.ledger.work(site, key, len(repr(value)))
        return value

    def written(self, site: Site, key: str, word: str | Template) -> str:
        """Return a word with its expressions written out. Raises Unsettled."""
        return str(self.settled(site, key, word)) if isinstance(word, Template) else word

    def read(self, site: Site, key: str, parameter: Parameter[Any], setting: Setting) -> Any:
        """Return a setting as its parameter has it, shapes channels first. Raises Unsettled."""
        if isinstance(setting, SETTLED):  # the reader has read it
            return setting
        value = self.evaluated(site, key, setting)
        try:
            return final(parameter, value, site.frame.file.layout)
        except Wrong as error:
            self.ledger.fail_with(error.problem, site, site.step.at(key))

    def frozen(self, site: Site) -> bool:
        """Say whether a step, or a use of a block around it, is frozen. Raises Unsettled."""
        own = site.step.frozen
        return (own if isinstance(own, bool) else self.read(site, "frozen", FROZEN, own)) or site.frame.frozen

    def handed(self, site: Site, block: Block) -> dict[str, Any]:
        """Return the arguments that a step hands to a block. Raises Unsettled."""
        step = site.step
        if step.settled:
            return {**step.settings}
        settings = self.late(site, block) if step.raw else step.settings
        return _all(settings, partial(self.evaluated, site))

    def own(self, site: Site, kind: type[Layer]) -> dict[str, Any]:
        """Return the settings that a step gives its layer. Raises Unsettled."""
        step = site.step
        if step.settled:
            return step.settings
        settings = self.late(site, kind) if step.raw else step.settings
        return _all(settings, lambda key, setting: self.read(site, key, kind.parameters[key], setting))

    def late(self, site: Site, target: type[Layer] | Block) -> dict[str, Setting]:
        """Return the settings of a step whose layer type or block was not known when it was read. Raises Unsettled."""
        for key, setting in site.step.settings.items():
            self.ledger.work(site, key, 40 * length(setting))  # with the time to parse it
        alike = (id(site.step), id(target), *site.frame.arguments)  # i and the constants are the step's own
        if alike not in self.read_late:
            names = {*site.scope(), "in_channels"}  # which may be used even if its number is unknown
            settings, found = late_settings(site.step, target, names, site.frame.file)
            for problem in found:
                self.ledger.note(problem)
            if found:
                raise Unsettled
            self.read_late[alike] = settings
        return self.read_late[alike]

    def layer(self, site: Site, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        """Return the layer of these settings at the site; equal ones are made once. Raises Unsettled."""
        decides = site.entering[0] if kind.inferred else None  # the input's shape, if settings are inferred from it
        key = (kind, id(site.frame.file), decides, frozenset(settings.items()))
        layer = self.layers.get(key)
        if layer is None:
            layer = self.layers[key] = self.new(site, kind, settings)
        return layer

    def new(self, site: Site, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        """Return the layer with the file's defaults, and the numbers that its input decides. Raises Unsettled."""
        return kind(**self.consistent(site, kind, settings)).completed(site.entering[0])

    def consistent(self, site: Site, kind: type[Layer], settings: dict[str, Any]) -> dict[str, Any]:
        """Return settings with the file's defaults, all of which fit each other. Raises Unsettled."""
        settings = {**site.frame.file.defaults.get(kind.type, {}), **settings}
        if None in settings.values():  # a default is wrong
            raise Unsettled
        if problem := kind.inconsistent(settings):
            self.ledger.fail_with(problem, site, site.step.at("type"))
        return settings


def _all(settings: Mapping[str, Setting], value: Callable[[str, Setting], Any]) -> dict[str, Any]:
    """Return all settings, those with expressions by `value`. Raises Unsettled once every wrong one is noted."""
    found: dict[str, Any] = {}
    wrong = False
    for key, setting in settings.items():
        try:
            found[key] = setting if isinstance(setting, SETTLED) else value(key, setting)
        except Unsettled:
            wrong = True
    if wrong:
        raise Unsettled
    return found
