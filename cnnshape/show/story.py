"""The story of a net at length: its problems, and the arithmetic of each layer on the ways that lead to them.

For people who learn. A net and its report come in, and are printed; a net without problems has its sizes in short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.network.explain import explain_in
from cnnshape.show.checked import Checked
from cnnshape.show.facts import facts, verdict
from cnnshape.show.problem_lines import grouped
from cnnshape.show.screen import Screen

if TYPE_CHECKING:
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.numbers.shape import Input
    from cnnshape.problems.base import Problem


def show_story(net: Network, report: Report, given: Input | None) -> None:
    """Print the problems of a net, each with the formulas of the layers at which its sides change."""
    screen, checked = Screen(), Checked(net, report, declared=given is None)
    if report.layers or not report.problems:
        screen.title(net)
    told: set[str] = set()
    problems = checked.problems
    for problem, followers in grouped(problems):
        screen.problem(problem, net.file, followers)
        for name in _on_the_way(net, problem):
            if name not in told:
                told.add(name)
                for line in str(explain_in(report, net, name)).split("\n"):
                    screen.line((f"    {line}", ""))
                screen.line()
    if not problems:
        for label, fact in facts(checked):
            if label in {"input", "inputs", "sizes"}:
                screen.fact(label, fact)
        screen.line()
    screen.verdict(*verdict(checked))


def _on_the_way(net: Network, problem: Problem) -> list[str]:
    """Return the layers on the chains of a problem's cause, in the order of running, and the problem's own last."""
    chains = problem.cause.chains if problem.cause else ()
    names = {link.layer for chain in chains for link in chain.links} | {problem.layer}
    return [node.name for node in net.nodes if node.name in names]
