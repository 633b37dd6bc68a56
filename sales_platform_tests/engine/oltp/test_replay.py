"""Staging and quarantine follow from the log alone: whatever happened, a rebuild gives what the loads gave."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sales_platform_tests.engine.oltp.world import BY_COMPARING, BY_STAMP, World

STEPS = 30
STATES = ("new", "paid", "lost")
RULES = {"state": {"accepted": ["new", "paid"]}}
TABLES: dict[str, dict[str, Any]] = {
    "stamped": {**BY_STAMP, "columns": RULES},
    "versions": {**BY_STAMP, "columns": RULES, "versions": True},
    "compared": {**BY_COMPARING, "columns": RULES},
}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_staging_is_what_a_rebuild_makes_of_the_log_after_any_sequence(empty_world: World, seed: int) -> None:
    world, chance = empty_world, random.Random(seed)
    world.tables = {name: dict(said) for name, said in TABLES.items()}
    for table in TABLES:
        world.do(
            f"create table shop.{table} (id int primary key, state text,"
            " updated_at timestamptz default clock_timestamp())"
        )
    for _ in range(STEPS):
        for table in TABLES:
            _change(world, table, chance)
        if chance.random() < 0.4:
            world.load(comparing=chance.random() < 0.4, allow_deletes=True)
    world.load(comparing=True, allow_deletes=True)
    before = {table: _standing(world, table) for table in TABLES}
    refused = _refused(world)

    world.rebuild()

    assert {table: _standing(world, table) for table in TABLES} == before
    for table in TABLES:
        clean = [row for row in world.held("id, state, updated_at", table) if row[1] != "lost"]
        if table != "versions":
            assert world.staged("id, state, updated_at", table) == clean
    assert refused == _refused_by_hand(world)
    assert world.load(comparing=True).compared.differences == 0  # type: ignore[union-attr]


def _change(world: World, table: str, chance: random.Random) -> None:
    """One of: a row written, an edit with or without a stamp, a stamp set back, a delete."""
    key, state = chance.randint(1, 6), chance.choice(STATES)
    stamp = chance.choice(["clock_timestamp()", "clock_timestamp()", "timestamptz '2026-01-01 00:00+00'"])
    world.do(
        chance.choice(
            [
                f"insert into shop.{table} values ({key}, '{state}', {stamp}) on conflict do nothing",
                f"update shop.{table} set state = '{state}', updated_at = {stamp} where id = {key}",
                f"update shop.{table} set state = '{state}' where id = {key}",
                f"delete from shop.{table} where id = {key}",
            ]
        )
    )


def _standing(world: World, table: str) -> list[tuple[Any, ...]]:
    more = ", _event_at, _deleted" if table == "versions" else ""
    return world.staged(f"id, state, updated_at, _load_id{more}", table)


def _refused(world: World) -> list[tuple[str, int]]:
    return world.ask(
        "select feed, (business_key ->> 0)::int from quality.rejected_record where resolved_at is null order by 1, 2"
    )


def _refused_by_hand(world: World) -> list[tuple[str, int]]:
    return sorted(
        (f"shop_{table}", row[0])
        for table in TABLES
        for row in world.held("id, state", table)
        if row[1] == "lost"
    )
