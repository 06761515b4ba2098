"""JUnit's XML, for build servers: a suite for each file, with a case for the file and one for each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from cnnshape.problems.wording import printable
from cnnshape.show.problem_lines import told
from cnnshape.show.testcases import cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.show.checked import Checked
    from cnnshape.show.testcases import Case


def check(checks: Sequence[Checked], _depth: int) -> str:
    """Write all layers, never folded; a layer that cannot be judged is skipped."""
    root = ET.Element("testsuites", name="cnnshape")
    for checked in checks:
        tests, file = cases(checked), printable(checked.net.file)
        failures = sum(bool(test.errors) for test in tests)
        skipped = sum(bool(test.skipped) for test in tests)
        counts = {"tests": len(tests), "failures": failures, "errors": 0, "skipped": skipped}
        suite = ET.SubElement(root, "testsuite", {"name": file, **{key: str(n) for key, n in counts.items()}})
        for test in tests:
            _add(suite, test, file)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(suite: ET.Element, test: Case, file: str) -> None:
    place = test.node.place if test.node else None
    at = {"file": printable(place.source.file), "line": str(place.start[0])} if place else {"file": file}
    name = printable(test.node.name) if test.node else file.replace("\\", "/").rpartition("/")[2]
    case = ET.SubElement(suite, "testcase", {"classname": file, "name": name, "time": "0", **at})
    if test.errors:
        first = test.errors[0]
        text = "\n".join(line for problem in test.errors for line in told(problem))
        ET.SubElement(case, "failure", message=f"{first.code}: {first.message}", type=first.code).text = text
    elif test.skipped:
        ET.SubElement(case, "skipped", message=printable(test.skipped))
