"""The verdicts of checks as JUnit XML, which CI services show as tests. Evaluates nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from sales_platform.operations.checking import CheckFigures

SUITE = "sales-platform check"
# what no XML document may hold, not even escaped
UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(found: Sequence[CheckFigures]) -> str:
    """One test case per check, its class the asset. A failure of error severity is a failed test with its samples and
    the SQL that lists every offender; a warning is a skipped one that says why, because JUnit has no word between.
    """
    failed = sum(verdict.failed for verdict in found)
    warned = sum(not verdict.passed and not verdict.failed for verdict in found)
    counts = {"tests": str(len(found)), "failures": str(failed), "errors": "0", "skipped": str(warned)}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": SUITE, **counts})
    for verdict in found:
        _add(suite, verdict)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _add(suite: ElementTree.Element, verdict: CheckFigures) -> None:
    case = ElementTree.SubElement(suite, "testcase", {"classname": verdict.asset, "name": verdict.name})
    told = _writable(verdict.description)
    if verdict.failed:
        failure = ElementTree.SubElement(case, "failure", {"message": told, "type": verdict.severity})
        failure.text = _details(verdict)
    elif verdict.passed:
        ElementTree.SubElement(case, "system-out").text = told
    else:
        ElementTree.SubElement(case, "skipped", {"message": f"warning: {told}"})
        ElementTree.SubElement(case, "system-out").text = _details(verdict)


def _details(verdict: CheckFigures) -> str:
    """Samples as a line of JSON each: their columns differ from check to check."""
    samples = [json.dumps(row, default=str, ensure_ascii=False) for row in verdict.samples]
    parts = [verdict.description, "\n".join(samples), verdict.offenders_sql]
    return _writable("\n\n".join(part for part in parts if part))


def _writable(text: str) -> str:
    return UNWRITABLE.sub("�", text)
