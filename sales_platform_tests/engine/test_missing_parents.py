"""Rows that come before the row they name: loaded, held or refused, as their contract says (Q-15)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sales_platform.contracts.dimension import DimensionContract
from sales_platform_tests.engine.history.contracts import (
    FACT_COLUMNS,
    catalog_of,
    events_feed,
    facts_feed,
    facts_table,
    things,
    write_selects,
)
from sales_platform_tests.engine.history.facts import DAYS, Fact
from sales_platform_tests.engine.history.oracle import up
from sales_platform_tests.engine.history.world import World, event_row

FACTS = [Fact(1, "known", 15).row, Fact(2, "late", 15).row]


class Family(World):
    """Facts of a day that name things; the thing `known` is there, `late` is not."""

    def __init__(self, url: str, folder: Path, missing: str) -> None:
        parent = {"table": "staging.test_events", "column": "k", "missing": missing}
        columns: dict[str, Any] = {**FACT_COLUMNS, "k": {"type": "text", "reference": parent}}
        self.events, self.facts = events_feed(), facts_feed(columns=columns)
        self.dimension: DimensionContract = things()
        write_selects(folder)
        super().__init__(
            url, folder, catalog_of(folder, self.events, self.facts, self.dimension, facts_table())
        )
        self.load_rows(self.events, [event_row(up("A", 10, k="known"))])
        (self.report,) = self.load_days(self.facts, {DAYS[0]: FACTS})
        self.settle()

    def parent_arrives(self) -> None:
        self.load_rows(self.events, [event_row(up("A", 10, k="known")), event_row(up("B", 10, k="late"))])
        self.load_days(self.facts, {DAYS[0]: FACTS})
        self.settle()

    def settle(self) -> None:
        self.refresh(self.dimension)
        self.publish("analytics.fact_thing")

    def rows(self) -> list[tuple[Any, ...]]:
        """Fact, its thing's state, and whether the thing is only inferred."""
        return self.query(
            "select f.id, t.a, t.is_inferred from analytics.fact_thing as f"
            " inner join analytics.dim_thing as t using (thing_key) order by 1"
        )

    def rejected(self) -> list[tuple[Any, ...]]:
        return self.query(
            "select raw_record ->> 'k', reasons, resolution from quality.rejected_record order by 1"
        )


def test_q_15_by_default_a_row_gets_an_inferred_parent_that_is_filled_in_later(
    warehouse_url: str, tmp_path: Path
) -> None:
    family = Family(warehouse_url, tmp_path, "infer")
    assert family.report.loaded == 2
    assert family.rows() == [(1, "A", False), (2, None, True)]
    (key,) = family.query("select thing_key from analytics.fact_thing where id = 2")

    family.parent_arrives()

    assert family.rows() == [(1, "A", False), (2, "B", False)]
    assert family.query("select thing_key from analytics.fact_thing where id = 2") == [key]
    assert family.rejected() == []
    assert family.differences() == []


@pytest.mark.parametrize("missing", ["hold", "reject"])
def test_q_15_a_row_without_its_parent_is_kept_out_until_the_parent_comes_and_then_enters_without_a_new_file(
    warehouse_url: str, tmp_path: Path, missing: str
) -> None:
    family = Family(warehouse_url, tmp_path, missing)
    assert (family.report.loaded, family.report.rejected) == (1, 1)
    assert family.rows() == [(1, "A", False)]
    assert family.rejected() == [("late", ["MISSING_PARENT"], None)]
    assert family.differences() == []

    family.parent_arrives()

    assert family.rows() == [(1, "A", False), (2, "B", False)]
    assert family.rejected() == [("late", ["MISSING_PARENT"], "accepted when judged again")]
    assert family.differences() == []
