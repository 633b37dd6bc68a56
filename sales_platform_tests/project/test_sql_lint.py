"""The configuration of sqlfluff on a few statements. The platform's own SQL is linted by `make lint`."""

from __future__ import annotations

import pytest
from sqlfluff.core import FluffConfig, Linter

from sales_platform_tests.project.compose import ROOT


def broken_rules(statement: str) -> set[str]:
    linter = Linter(config=FluffConfig.from_path(str(ROOT / "sql")))
    return {violation.rule_code() for violation in linter.lint_string(statement).get_violations()}


@pytest.mark.parametrize(
    "condition",
    [
        "_partition = any(:'partitions'::text[])",
        "a = :days",
        "a < :limit",
        "b = '10:30:00'::time",
        'a = b::"Odd"',
    ],
)
def test_parameters_and_casts_are_read_as_psql_reads_them(condition: str) -> None:
    assert broken_rules(f"select a\nfrom staging.t\nwhere {condition}\n") == set()


def test_keywords_in_capitals_are_found() -> None:
    assert "CP01" in broken_rules("SELECT a\nfrom staging.t\n")


def test_lines_beyond_110_characters_are_found() -> None:
    columns = ", ".join(f"column_number_{number}" for number in range(10))

    assert "LT05" in broken_rules(f"select {columns}\nfrom staging.t\n")
