"""What judging owes: every row one fate, no bad row where readers look, no value of a row in any message (Q)."""

from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path

import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.errors import DatabaseFailure, DataRefused, SalesPlatformError
from sales_platform_tests.engine.history.contracts import events_feed
from sales_platform_tests.engine.history.oracle import gone, up
from sales_platform_tests.engine.history.scenario import History
from sales_platform_tests.engine.history.world import event_row
from sales_platform_tests.faults.road import DAY, NEXT_DAY, Road, good_sales, sale, text

SECRET = "jane.roe@example.com"


def test_q_01_one_bad_row_of_ten_thousand_is_kept_whole_and_all_others_are_loaded(road: Road) -> None:
    lines = good_sales(count=10_000)
    lines[5_000] = sale(5_001, quantity="three")
    road.put_sales(text(lines))

    (report,) = road.load()

    assert (report.read, report.loaded, report.rejected) == (10_000, 9_999, 1)
    (kept,) = road.rows(
        "select source_row, partition, reasons, first_load_id, raw_record from quality.rejected_record"
    )
    names = ("sale_id", "customer_id", "product_id", "store_id", "sale_timestamp", "quantity", "revenue")
    received = dict(zip(names, lines[5_000].decode().split(","), strict=True))
    assert kept == (5_002, str(DAY), ["INVALID_QUANTITY"], report.load_id, received)


def test_q_02_every_row_of_a_load_has_exactly_one_fate(road: Road) -> None:
    road.put_sales(text(good_sales()))
    road.load()
    fresh, copies, older, bad = [sale(n) for n in range(41, 48)], [sale(7)] * 3, [sale(8, quantity=9)], b"?"
    road.put_sales(text([*older, *good_sales(), *fresh, *copies, sale(99, quantity="x"), bad]))

    (report,) = road.load()

    assert (report.loaded, report.unchanged, report.duplicate, report.superseded, report.rejected) == (
        7, 40, 3, 1, 2,
    )  # fmt: skip
    assert report.read == 7 + 40 + 3 + 1 + 2
    road.assert_nothing_lost(report.read)


def test_q_08_rows_that_contradict_each_other_refuse_the_whole_batch_and_blame_no_row(road: Road) -> None:
    road.put_sales(text(good_sales()))
    road.load()
    before = road.standing()
    strict = road.catalog.feeds["retail_sales"].model_copy(update={"on_duplicate": "refuse"})
    road.put_sales(text([*good_sales(count=50), sale(7, revenue="1")]))

    with pytest.raises(DataRefused):
        load_files(road.warehouse, strict, [road.file("sales", DAY)])

    assert road.standing() == before
    assert road.rows("select count(*) from quality.rejected_record") == [(0,)]
    assert road.newest_load()[0] == "failed"


def test_q_16_a_load_whose_rejections_cannot_be_written_publishes_nothing(road: Road) -> None:
    road.prepare(DAY)
    before = road.standing()
    with road.warehouse.transaction() as connection:
        connection.execute("alter table quality.rejected_record add constraint no_room check (feed = '')")
    road.put_sales(text([*good_sales(count=50), sale(99, quantity="x")]))

    with pytest.raises(DatabaseFailure):
        road.load()

    assert road.standing() == before
    assert road.newest_load()[0] == "failed"
    with road.warehouse.transaction() as connection:
        connection.execute("alter table quality.rejected_record drop constraint no_room")
    assert (road.load()[0].loaded, road.rejected()) == (10, [(52, ["INVALID_QUANTITY"])])


def test_q_17_a_bad_row_is_never_written_where_readers_look(road: Road) -> None:
    """The staging table writes down whatever enters it, if only for a moment within the transaction."""
    road.put_sales(text(good_sales(count=100)))
    road.load()
    with road.warehouse.transaction() as connection:
        connection.execute("create table public.seen (sale_id bigint)")
        connection.execute(
            "create function public.see() returns trigger language plpgsql as"
            " $$ begin insert into public.seen values (new.sale_id); return new; end $$"
        )
        connection.execute(
            "create trigger see before insert or update on staging.retail_sales"
            " for each row execute function public.see()"
        )
    road.put_sales(text([*good_sales(count=100), sale(101), sale(666, quantity=-1), sale(667, revenue="x")]))

    road.load()

    seen = {number for (number,) in road.rows("select sale_id from public.seen")}
    assert 101 in seen
    assert not seen & {666, 667}


def test_q_23_a_line_with_a_field_more_or_less_is_set_aside_or_refuses_the_file(road: Road) -> None:
    good = good_sales(count=100)
    road.put_sales(text([*good, sale(901) + b",7", sale(902).rsplit(b",", 1)[0]]))
    (report,) = road.load()
    assert (report.loaded, report.reasons) == (100, {"RAGGED_LINE": 2})

    strict = road.catalog.feeds["retail_sales"].model_copy(update={"reject_limit": Decimal(0)})
    road.put_sales(text([*good_sales(NEXT_DAY), sale(903, NEXT_DAY) + b",7"]), NEXT_DAY)
    with pytest.raises(DataRefused, match="1 of 41 rows"):
        load_files(road.warehouse, strict, [road.file("sales", NEXT_DAY)])
    assert road.one("select count(*) from staging.retail_sales") == 100


def test_q_24_a_delete_that_breaks_a_rule_is_held_like_any_row_and_its_thing_stays_live(
    warehouse_url: str, tmp_path: Path
) -> None:
    feed = events_feed(rules=[{"reason": "NO_WITNESS", "check": "op is distinct from 'D' or b is not null"}])
    history = History(warehouse_url, tmp_path, feed)
    history.load(up("A", 10))

    report = history.load_rows(feed, [event_row(up("A", 10)), event_row(gone(20))])
    history.refresh(history.dimension)

    assert (report.rejected, report.reasons) == (1, {"NO_WITNESS": 1})
    assert history.versions() == "A[10,∞)"
    assert history.query("select raw_record ->> 'op' from quality.rejected_record") == [("D",)]
    assert history.differences() == []


@pytest.mark.parametrize("share", [Decimal("0.05"), Decimal(1)], ids=["refused", "loaded"])
def test_q_25_no_value_of_a_row_stands_in_a_log_a_message_or_the_record_of_loads(
    road: Road, caplog: pytest.LogCaptureFixture, share: Decimal
) -> None:
    caplog.set_level(logging.DEBUG)
    feed = road.catalog.feeds["retail_sales"].model_copy(update={"reject_limit": share})
    bad = [sale(n, DAY, **{name: SECRET}) for n, name in enumerate(("quantity", "sale_timestamp", "revenue"))]
    road.put_sales(text([*good_sales(), *bad, SECRET.encode(), sale(98) + b"," + SECRET.encode()]))

    said = ""
    try:
        load_files(road.warehouse, feed, [road.file("sales", DAY)])
    except SalesPlatformError as error:
        said = f"{error} {error!r}"

    assert bool(said) == (share < 1)
    assert SECRET not in said + caplog.text
    assert road.rows("select 1 from ops.load where message like '%%' || %s || '%%'", SECRET) == []


def test_q_25_a_row_that_the_server_refuses_is_not_repeated_in_the_message(
    road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    road.prepare()
    with road.warehouse.transaction() as connection:
        connection.execute(
            "alter table staging.retail_customers add constraint gone check (email not like 'jane%')"
        )
    road.put(
        "customers.csv",
        b"customer_id,full_name,email,loyalty_tier,created_at\n9,Jane,%s,Gold,2025-01-01\n" % SECRET.encode(),
    )

    with pytest.raises(DatabaseFailure) as caught:
        road.load("customers")

    assert SECRET not in f"{caught.value} {caught.value!r} {caplog.text} {road.newest_load('customers')[1]}"
