"""Facts follow the versions: which one is in force, and what happens when it moves or vanishes (S-71, S-72, B-09)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sales_platform_tests.engine.history.facts import DAYS, Fact, Facts
from sales_platform_tests.engine.history.oracle import gone, up


@pytest.fixture
def facts(warehouse_url: str, tmp_path: Path) -> Facts:
    return Facts(warehouse_url, tmp_path)


def _step(facts: Facts) -> None:
    facts.settle()
    facts.check()


def _states(facts: Facts) -> list[tuple[object, bool]]:
    """State and inferred flag of the facts, by id."""
    return [(row[2], row[4]) for row in facts.fact_rows()]


def _key_of(facts: Facts, fact: int) -> int:
    ((key,),) = facts.query("select thing_key from analytics.fact_thing where id = %s", fact)
    return int(key)


def test_s_72_a_fact_takes_the_version_in_force_at_its_time(facts: Facts) -> None:
    facts.load(up("A", 10), up("B", 20), gone(30), up("C", 40))
    times = {1: 10, 2: 15, 3: 20, 4: 5, 5: 30, 6: 35, 7: 40, 8: 99}
    facts.load_facts({DAYS[0]: [Fact(id, "k", at) for id, at in times.items()]})
    _step(facts)
    late = (
        ("A", False),
        ("A", False),
        ("B", False),
        ("A", True),
        ("B", True),
        ("B", True),
        ("C", False),
        ("C", False),
    )
    assert _states(facts) == list(late)


def test_s_72_after_the_last_delete_a_fact_takes_the_version_that_ended_last(facts: Facts) -> None:
    facts.load(up("A", 10), up("B", 20), gone(30))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 30), Fact(2, "k", 29)]})
    _step(facts)
    assert _states(facts) == [("B", True), ("B", False)]


def test_s_72_a_fact_without_a_thing_takes_the_unknown_member(facts: Facts) -> None:
    facts.load(up("A", 10))
    facts.load_facts({DAYS[0]: [Fact(1, None, 15)]})
    _step(facts)
    assert (_key_of(facts, 1), _states(facts)) == (0, [("Unknown", False)])


def test_s_72_a_late_event_repoints_the_facts_within_it(facts: Facts) -> None:
    facts.load(up("A", 10), up("C", 30))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 15), Fact(2, "k", 25), Fact(3, "k", 35)]})
    _step(facts)
    facts.load(up("B", 20))
    _step(facts)
    assert _states(facts) == [("A", False), ("B", False), ("C", False)]


def test_an_inferred_member_is_filled_in_with_its_key_and_taken_back(facts: Facts) -> None:
    facts.load(up("A", 10, k="other"))
    facts.load_facts({DAYS[0]: [Fact(1, "new", 15)]})
    _step(facts)
    key = _key_of(facts, 1)
    assert _states(facts) == [(None, True)]
    facts.load(up("A", 10, k="new"))
    _step(facts)
    assert (_key_of(facts, 1), _states(facts)) == (key, [("A", False)])


def test_an_inferred_member_goes_when_no_fact_names_it_and_returns_with_its_key(facts: Facts) -> None:
    facts.load(up("A", 10))
    facts.load_facts({DAYS[0]: [Fact(1, "new", 15)]})
    _step(facts)
    key = _key_of(facts, 1)
    facts.load_facts({DAYS[0]: [Fact(1, "k", 15)]})
    _step(facts)
    assert facts.query("select count(*) from analytics.dim_thing where is_inferred") == [(0,)]
    facts.load_facts({DAYS[0]: [Fact(1, "new", 15)]})
    _step(facts)
    assert _key_of(facts, 1) == key


def test_a_thing_that_was_only_ever_deleted_is_an_inferred_member_to_its_facts(facts: Facts) -> None:
    facts.load(gone(20))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 15)]})
    _step(facts)
    facts.load(up("A", 10))
    _step(facts)
    assert _states(facts) == [("A", False)]


def test_s_71_the_key_of_a_version_that_vanished_leads_to_the_one_that_took_over(facts: Facts) -> None:
    facts.load(up("A", 10), up("B", 20), up("A", 30))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 25), Fact(2, "k", 35)]})
    _step(facts)
    vanished = _key_of(facts, 1)
    facts.load(up("A", 20))  # the winner of minute 20 changes: A, A, A are one version
    _step(facts)
    assert _states(facts) == [("A", False), ("A", False)]
    survivor = _key_of(facts, 1)
    merged = facts.query("select merged_into from ops.surrogate_key where surrogate_key = %s", vanished)
    assert merged == [(survivor,)]
    assert facts.query("select 1 from analytics.dim_thing where thing_key = %s", vanished) == []


def test_s_71_a_key_merged_twice_still_leads_to_a_version_that_stands(facts: Facts) -> None:
    facts.load(up("Z", 5), up("A", 10))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 15)]})
    _step(facts)
    keys = [_key_of(facts, 1)]
    for state in ("B", "C", "Z"):
        facts.load(up(state, 10))
        _step(facts)
        keys.append(_key_of(facts, 1))
    assert facts.query(
        """
        with recursive led as (
            select surrogate_key as origin, merged_into as key from ops.surrogate_key where merged_into is not null
            union all
            select led.origin, k.merged_into from led inner join ops.surrogate_key as k on k.surrogate_key = led.key
            where k.merged_into is not null
        )
        select distinct origin from led inner join analytics.dim_thing as d on d.thing_key = led.key order by 1
        """
    ) == [(key,) for key in sorted(set(keys[:-1]))]


def test_s_71_a_whole_refresh_gives_the_keys_that_a_partial_one_gives(facts: Facts) -> None:
    facts.load(up("A", 10))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 12), Fact(2, "k", 17)]})
    _step(facts)
    a = _key_of(facts, 2)
    facts.load(up("B", 10), up("A", 15))
    facts.refresh(facts.dimension, everything=True)
    _step(facts)
    assert _states(facts) == [("B", False), ("A", False)]
    assert _key_of(facts, 2) == a


def test_a_mart_follows_an_attribute_that_is_overwritten(facts: Facts) -> None:
    facts.load(up("A", 10, "x"))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 12)]})
    _step(facts)
    facts.load(up("A", 20, "y"))
    _step(facts)
    assert facts.mart_rows()[0][-1] == "y"


def test_b_09_a_fact_that_moves_to_another_day_stands_once_and_its_marts_follow(facts: Facts) -> None:
    facts.load(up("A", 10))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 15), Fact(2, "k", 15)], DAYS[1]: [Fact(3, "k", 15)]})
    _step(facts)
    facts.load_facts({DAYS[1]: [Fact(1, "k", 16, 5), Fact(3, "k", 15)]})
    _step(facts)
    assert [row[1] for row in facts.fact_rows()] == ["2024-01-02", "2024-01-01", "2024-01-02"]
    facts.load_facts({DAYS[1]: [Fact(3, "k", 15)]})  # its rival is gone: the first row stands again
    _step(facts)
    assert facts.fact_rows()[0][1] == "2024-01-01"


def test_b_04_b_09_a_day_replaced_by_nothing_leaves_no_figure_behind(facts: Facts) -> None:
    facts.load(up("A", 10))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 15)], DAYS[1]: [Fact(1, "k", 16)]})
    _step(facts)
    facts.load_facts({DAYS[1]: []})
    _step(facts)
    facts.load_facts({DAYS[0]: []})
    _step(facts)
    assert facts.mart_rows() == []


@pytest.mark.parametrize(("rule", "amount", "day"), [("first", 1, "2024-01-01"), ("latest", 3, "2024-01-03")])
def test_duplicates_over_days_follow_the_contract_in_any_order(
    warehouse_url: str, tmp_path: Path, rule: str, amount: int, day: str
) -> None:
    world = Facts(warehouse_url, tmp_path, on_duplicate=rule)
    world.load(up("A", 10))
    for index in (1, 2, 0):
        world.load_days(world.facts, {DAYS[index]: [Fact(7, "k", 15, index + 1).row]})
        world.settle()
        assert world.differences() == []
    assert world.query("select amount, _partition from analytics.fact_thing") == [(amount, day)]


def test_a_row_refused_for_its_rival_is_accepted_when_the_rival_goes(
    warehouse_url: str, tmp_path: Path
) -> None:
    world = Facts(warehouse_url, tmp_path, on_duplicate="reject")
    world.load(up("A", 10))
    world.load_days(world.facts, {DAYS[0]: [Fact(7, "k", 15, 1).row], DAYS[1]: [Fact(7, "k", 15, 2).row]})
    refused = "select reason, resolved_at is null from quality.rejected_record where partition = '2024-01-02'"
    assert world.query(refused) == [("DUPLICATE_KEY", True)]

    world.load_days(world.facts, {DAYS[0]: [Fact(8, "k", 15, 1).row]})

    world.settle()
    assert world.differences() == []
    assert world.query("select id, amount from analytics.fact_thing order by id") == [(7, 2), (8, 1)]
    assert world.query(refused) == [("DUPLICATE_KEY", False)]


def test_a_key_that_contradicts_itself_in_one_day_leaves_the_other_days_row(
    warehouse_url: str, tmp_path: Path
) -> None:
    world = Facts(warehouse_url, tmp_path, on_duplicate="reject")
    world.load(up("A", 10))
    world.load_days(world.facts, {DAYS[0]: [Fact(7, "k", 15, 1).row]})
    world.load_days(world.facts, {DAYS[1]: [Fact(7, "k", 15, 2).row, Fact(7, "k", 15, 3).row]})
    world.settle()
    assert world.differences() == []
    assert world.query("select amount from analytics.fact_thing") == [(1,)]


def test_members_that_a_corrected_contract_refuses_disappear_even_with_a_new_file(
    warehouse_url: str, tmp_path: Path
) -> None:
    world = Facts(warehouse_url, tmp_path)
    world.load(up("A", 10, k="bad"), up("A", 10, k="good"))
    world.load_facts({DAYS[0]: [Fact(1, "bad", 15), Fact(2, "good", 15)]})
    _step(world)
    columns = {**world.events.model_dump()["columns"], "k": {"type": "text", "accepted": ["good"]}}
    stricter = world.events.model_copy()
    stricter = type(world.events).model_validate({**world.events.model_dump(), "columns": columns})
    world.events = world.catalog.feeds["test_events"] = stricter
    world.landed = [event for event in world.landed if event.k == "good"]
    world.load(up("B", 20, k="good"))
    _step(world)
    assert _states(world) == [(None, True), ("A", False)]
