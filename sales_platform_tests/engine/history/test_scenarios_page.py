"""`docs/scenarios.md` names a test for every scenario of history, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "scenarios.md"
PROMISED = {*range(1, 69), *range(70, 74)}


def test_the_page_names_every_scenario_and_only_tests_that_exist() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`(test_\w+)`", page) if name.startswith("test_s_")}
    written = {
        name
        for path in HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_s_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named == written
    assert {int(number) for number in re.findall(r"^\| S-(\d\d) \|", page, re.MULTILINE)} == PROMISED
