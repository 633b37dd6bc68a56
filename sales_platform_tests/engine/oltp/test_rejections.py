"""Rows that break a rule of the contract wait in quarantine with all their reasons until the source mends them."""

from __future__ import annotations

from typing import Any

import pytest

from sales_platform_tests.engine.oltp.world import BY_COMPARING, BY_STAMP, World, fates

RULES: dict[str, Any] = {
    "columns": {
        "state": {"required": True, "accepted": ["new", "paid"]},
        "amount": {"check": "amount >= 0", "reject_as": "NEGATIVE_AMOUNT"},
    },
    "rules": [{"check": "state <> 'paid' or amount > 0", "reason": "PAID_WITHOUT_AMOUNT"}],
}


@pytest.fixture(params=["cursor", "versions", "compared"])
def strict(empty_world: World, request: pytest.FixtureRequest) -> World:
    """Four orders, of which 1 is clean: read by stamp, by stamp with versions, or compared whole."""
    kinds = {"cursor": BY_STAMP, "versions": {**BY_STAMP, "versions": True}, "compared": BY_COMPARING}
    empty_world.tables = {"orders": {**kinds[request.param], **RULES}}
    empty_world.do(
        "create table shop.orders (id int primary key, state text, amount int,"
        " updated_at timestamptz default clock_timestamp())",
        "insert into shop.orders values (1, 'new', 0), (2, 'lost', -1), (3, null, 5), (4, 'paid', 0)",
    )
    return empty_world


def _stand(world: World) -> list[tuple[Any, ...]]:
    """The clean state of each key now."""
    return world.ask(
        "select id, state, amount from ("
        "select distinct on (id) * from staging.shop_orders order by id, _load_id desc) as newest"
        + (" where not _deleted" if world.feed().versions else "")
    )


def _open(world: World) -> list[tuple[Any, ...]]:
    return world.ask(
        "select (business_key ->> 0)::int, reasons from quality.rejected_record where resolved_at is null order by 1, 2"
    )


REFUSED = [(2, ["UNKNOWN_STATE", "NEGATIVE_AMOUNT"]), (3, ["MISSING_STATE"]), (4, ["PAID_WITHOUT_AMOUNT"])]


def test_every_row_is_loaded_or_quarantined_with_all_its_reasons(strict: World) -> None:
    loaded = strict.load()

    assert fates(loaded) == (4, 1, 0, 3)
    assert _stand(strict) == [(1, "new", 0)]
    assert _open(strict)[0] == REFUSED[0]
    assert [(key, reasons) for key, reasons in _open(strict) if key != 3] == [REFUSED[0], REFUSED[2]]
    assert "MISSING_STATE" in _open(strict)[1][1]


def test_a_refused_row_that_stays_as_it_is_is_not_counted_again(strict: World) -> None:
    strict.load()
    before = _open(strict)

    again = strict.load(comparing=True)

    assert sum(report.rejected + report.loaded for report in again.reports) == 0
    assert _open(strict) == before
    assert strict.ask("select count(*) from quality.rejected_record") == [(3,)]


def test_a_refused_row_is_resolved_when_the_source_mends_it(strict: World) -> None:
    strict.load()
    strict.do(
        "update shop.orders set state = 'new', amount = 7, updated_at = clock_timestamp() where id in (2, 3)"
    )

    strict.load()

    assert _stand(strict) == [(1, "new", 0), (2, "new", 7), (3, "new", 7)]
    assert [key for key, _ in _open(strict)] == [4]
    assert strict.ask(
        "select distinct resolution from quality.rejected_record where resolved_at is not null"
    ) == [("the source mended it",)]


def test_a_refused_row_that_stays_refused_for_another_reason_has_one_open_rejection(strict: World) -> None:
    strict.load()
    strict.do("update shop.orders set state = 'new', updated_at = clock_timestamp() where id = 2")

    strict.load()

    assert [row for row in _open(strict) if row[0] == 2] == [(2, ["NEGATIVE_AMOUNT"])]


def test_a_clean_row_that_goes_bad_leaves_what_stands_and_is_quarantined(strict: World) -> None:
    strict.load()
    strict.do("update shop.orders set state = 'lost', updated_at = clock_timestamp() where id = 1")

    assert fates(strict.load())[3] == 1
    assert [key for key, _ in _open(strict)] == [1, 2, 3, 4]


def test_i_21_a_refused_row_that_the_source_deletes_is_resolved(strict: World) -> None:
    strict.load()
    strict.do("delete from shop.orders where id = 2")

    compared = strict.load(comparing=True).compared

    assert compared is not None
    assert compared.deleted == 1
    assert [key for key, _ in _open(strict)] == [3, 4]


def test_i_36_refused_rows_are_no_difference_between_source_and_warehouse(strict: World) -> None:
    strict.load()

    compared = strict.load(comparing=True).compared

    assert compared is not None
    assert (compared.buckets, compared.differences) == (0, 0)


def test_a_rebuild_leaves_staging_and_quarantine_as_they_are(strict: World) -> None:
    strict.load()
    strict.do("update shop.orders set state = 'new', amount = 7, updated_at = clock_timestamp() where id = 2")
    strict.load()
    before = strict.staged("id, state, amount, _load_id"), _open(strict)

    strict.rebuild()

    assert (strict.staged("id, state, amount, _load_id"), _open(strict)) == before
    assert fates(strict.load())[1] == 0


def test_a_mended_contract_releases_the_rows_that_it_heals(strict: World) -> None:
    strict.load()
    strict.tables["orders"]["columns"] = {"state": {"required": True}}

    strict.load()

    assert _stand(strict) == [(1, "new", 0), (2, "lost", -1)]
    assert [key for key, _ in _open(strict)] == [3, 4]
