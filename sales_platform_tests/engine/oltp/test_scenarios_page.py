"""`docs/scenarios.md` has a test or a reason for every scenario of extraction, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "scenarios.md"


def test_the_page_names_every_scenario_of_extraction_and_only_tests_that_exist() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_i_\w+)`", page))
    written = {
        name
        for path in HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_i_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named == written
    assert {int(n) for n in re.findall(r"^\| I-(\d\d) \|", page, re.MULTILINE)} == set(range(1, 37))
