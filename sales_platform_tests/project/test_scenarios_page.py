"""`docs/scenarios.md` has a test or a reason for every scenario of windows, rejected rows and backups, and no test that
is not there.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "scenarios.md").read_text(encoding="utf-8")


def written(letter: str) -> dict[str, str]:
    """Test → the file it stands in."""
    return {
        name: path.name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(rf"^def (test_{letter}_\d\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize(("letter", "last"), [("b", 24), ("q", 26), ("k", 30)])
def test_every_scenario_has_its_tests_or_a_reason_and_every_test_its_row(letter: str, last: int) -> None:
    rows = re.findall(rf"^\| ({letter.upper()}-\d\d) \| [^|]+ \| ([^|]+) \| (.+) \|$", PAGE, re.MULTILINE)
    numbers = [scenario for scenario, _, _ in rows]
    assert numbers == [f"{letter.upper()}-{number:02}" for number in range(1, last + 1)]

    tests = written(letter)
    for scenario, files, what in rows:
        number = scenario.lower().replace("-", "_")
        mine = {name for name in tests if f"_{number}_" in name}
        assert set(re.findall(rf"`(test_{letter}_\w+)`", what)) == mine, scenario
        assert set(re.findall(r"`(test_\w+\.py)`", files)) == {tests[name] for name in mine}, scenario
        assert mine or len(what) > len("no reason at all"), scenario
