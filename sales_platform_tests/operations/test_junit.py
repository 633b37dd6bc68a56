"""The verdicts of checks as the XML that CI services read."""

from __future__ import annotations

from xml.etree import ElementTree

from sales_platform.operations.checking import CheckFigures
from sales_platform.operations.junit import as_junit

FAILED = CheckFigures(
    "staging/a",
    "range",
    passed=False,
    severity="ERROR",
    description='2 of 3 rows: "x" < 1 & more\x00',
    figures={"offenders": 2},
    samples=[{"id": 1, "name": "<b>"}, {"id": 2, "name": None}],
    offenders_sql="select t.* from a as t where t.x >= 1",
)
WARNED = CheckFigures("staging/a", "volume", False, "WARN", "9 rows, usual are 90", {})
PASSED = CheckFigures("marts/b", "grain_unique", True, "ERROR", "0 of 3 rows", {})


def suite_of(*found: CheckFigures) -> ElementTree.Element:
    root = ElementTree.fromstring(as_junit(found).encode())
    assert root.tag == "testsuites"
    [suite] = root
    assert suite.tag == "testsuite"
    assert {name: suite.get(name) for name in root.attrib} == root.attrib
    return suite


def test_each_check_is_a_test_of_its_asset_and_the_counts_are_of_them() -> None:
    suite = suite_of(FAILED, WARNED, PASSED)
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    named = [(case.tag, case.get("classname"), case.get("name")) for case in suite]
    assert named == [
        ("testcase", "staging/a", "range"),
        ("testcase", "staging/a", "volume"),
        ("testcase", "marts/b", "grain_unique"),
    ]


def test_a_failure_tells_its_samples_and_the_sql_of_all_offenders_whatever_they_hold() -> None:
    [case] = suite_of(FAILED)
    [failure] = case
    assert (failure.tag, failure.get("type")) == ("failure", "ERROR")
    assert failure.get("message") == '2 of 3 rows: "x" < 1 & more�'
    text = failure.text or ""
    assert '{"id": 1, "name": "<b>"}\n{"id": 2, "name": null}' in text
    assert text.endswith("select t.* from a as t where t.x >= 1")


def test_a_warning_fails_nothing_and_says_why_it_is_skipped() -> None:
    [case] = suite_of(WARNED)
    assert [part.tag for part in case] == ["skipped", "system-out"]
    assert case[0].get("message") == "warning: 9 rows, usual are 90"


def test_a_warehouse_without_tables_is_a_suite_without_tests() -> None:
    assert suite_of().get("tests") == "0"
    assert len(suite_of()) == 0
