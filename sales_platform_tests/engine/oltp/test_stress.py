"""Eight applications write as they like while loads run: in the end both databases hold the same."""

from __future__ import annotations

import time

import pytest

from sales_platform_tests.engine.oltp.world import World
from sales_platform_tests.engine.oltp.writers import Traffic

TICK_EVERY = 0.2


@pytest.mark.parametrize(
    ("seconds", "longest"),
    [pytest.param(6, 1.0, id="6 s"), pytest.param(60, 3.0, id="60 s", marks=pytest.mark.slow)],
)
def test_i_07_nothing_is_lost_doubled_or_held_up_under_eight_writers(
    world: World, seconds: int, longest: float
) -> None:
    world.terms = {"overlap": "PT1S"}
    world.tables["ticks"] = {"key": ["id"], "cursor": "updated_at"}
    world.do(
        "create sequence shop.ids",
        "create table shop.ticks (id int primary key, updated_at timestamptz default clock_timestamp())",
    )
    traffic = Traffic(world, longest)
    passed, tick = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tick += 1
        world.do(f"insert into shop.ticks values ({tick})")
        done = world.try_load()
        done.raise_faults()
        # whatever is open elsewhere, what committed before the load is there after it
        assert world.staged("max(id)", "ticks") == [(tick,)]
        passed += [note for table in done.tables for report in table.reports for note in report.notes]
        traffic.over.wait(TICK_EVERY)
    traffic.end()
    world.load()

    assert world.staged("id, state, updated_at") == world.held("id, state, updated_at")
    assert world.ask("select count(*) = count(distinct id) from staging.shop_orders") == [(True,)]
    assert world.ask(
        """
        select count(*) from (
            select row(state, updated_at) = lag(row(state, updated_at)) over (partition by id order by _load_id)
                as again
            from raw.shop_orders
        ) as sightings where again
        """
    ) == [(0,)]
    assert traffic.commits > seconds * 3
    assert any("open in the source" in note for note in passed)
    compared = world.load(comparing=True).compared
    assert compared is not None
    assert compared.differences == 0
