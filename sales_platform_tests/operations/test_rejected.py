"""Rejected rows from the list to the corrected file and back, on the project's own contracts."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sales_platform.contracts.personal import MASKED
from sales_platform.errors import WrongUse
from sales_platform.operations.rejected import (
    export_rejected,
    list_rejected,
    purge_rejected,
    replay_rejected,
    resubmit_file,
    show_rejected,
)
from sales_platform.settings import Settings
from sales_platform_tests.defs.billing_road import BillingRoad, line

FEED = "billing_invoices"


@pytest.fixture
def road(settings: Settings, warehouse_url: str) -> BillingRoad:
    """Forty good invoices, one of an unknown customer, one with a bad quantity and an evil total, one too long."""
    road = BillingRoad(warehouse_url, settings.data)
    road.put(
        "input.csv",
        [
            *(line(number) for number in range(40)),
            line("X-1", customer_id="C-999", customer_name="Jane Roe"),
            line("X-2", qty="three", total="=60"),
            line("X-3") + ",more",
        ],
    )
    road.load_lists()
    road.load()
    return road


def mend(path: Path, **cells: str) -> None:
    """Write these cells into the row of X-2, as a person would in a spreadsheet."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        if row["invoice_id"] == "X-2":
            row.update(cells)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def counted(settings: Settings, **options: Any) -> dict[str, tuple[int, int]]:
    return {item.reason: (item.open, item.resolved) for item in list_rejected(settings, FEED, **options)}


def test_rejected_rows_are_counted_by_feed_day_and_reason(road: BillingRoad, settings: Settings) -> None:
    found = list_rejected(settings)

    assert {item.feed for item in found} == {FEED}
    (today,) = road.ask("select distinct ops.business_day(last_seen) from quality.rejected_record")
    assert {item.day for item in found} == {today[0]}
    assert sorted(counted(settings).values()) == [(1, 0), (1, 0), (1, 0)]


def test_what_a_contract_calls_personal_is_masked_unless_asked_for(
    road: BillingRoad, settings: Settings
) -> None:
    (shown,) = show_rejected(settings, FEED, reason="UNKNOWN_CUSTOMER")
    (revealed,) = show_rejected(settings, FEED, reason="UNKNOWN_CUSTOMER", reveal=True)

    assert (shown.partition, shown.line, shown.reasons) == ("input.csv", 42, ["UNKNOWN_CUSTOMER"])
    assert (shown.record["customer_name"], revealed.record["customer_name"]) == (MASKED, "Jane Roe")
    assert shown.record["customer_id"] == "C-999"
    assert list(shown.record) == list(road.invoices.columns)


def test_a_line_that_is_no_record_is_masked_whole(road: BillingRoad, settings: Settings) -> None:
    rows = show_rejected(settings, FEED, limit=50)

    assert [row.record for row in rows if row.line == 44] == [{"_line": MASKED}]
    assert len(show_rejected(settings, FEED, limit=2)) == 2


def test_corrected_rows_of_an_export_enter_and_the_others_stay(
    road: BillingRoad, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    assert export_rejected(settings, FEED, out=path).rows == 3
    assert ",'=60," in path.read_text(encoding="utf-8-sig")

    mend(path, qty="3", total="60.00")
    done = resubmit_file(settings, path)

    assert (done.feed, done.domain) == (FEED, "billing")
    assert (done.done.accepted, done.done.refused, done.done.untouched) == (1, {}, 2)
    assert road.ask("select qty, total::text from staging.billing_invoices where invoice_id = 'X-2'") == [
        (3, "60.00")
    ]
    assert sum(opened for opened, _ in counted(settings).values()) == 2
    assert sum(resolved for _, resolved in counted(settings, resolved=True).values()) == 1
    assert road.verify() == []

    again = resubmit_file(settings, path)
    assert (again.done.accepted, again.done.resolved_before) == (0, 1)
    assert road.verify() == []


def test_q_14_a_row_that_was_made_no_better_keeps_its_guarded_text(
    road: BillingRoad, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    export_rejected(settings, FEED, out=path)
    mend(path, qty="3")

    done = resubmit_file(settings, path)

    assert (done.done.accepted, done.done.refused, done.done.untouched) == (0, {"INVALID_TOTAL": 1}, 2)
    assert road.ask("select max(attempts) from quality.rejected_record") == [(1,)]
    assert road.ask("select raw_record ->> 'total' from quality.rejected_record where attempts = 1") == [
        ("=60",)
    ]


def test_q_10_q_11_replay_after_the_customer_became_known_takes_the_row_from_raw(
    road: BillingRoad, settings: Settings
) -> None:
    assert replay_rejected(settings, FEED, reason="UNKNOWN_CUSTOMER").done.refused == 1
    (settings.data / "billing" / "input.csv").unlink()
    road.put("reference/customers.csv", ["C-100,Acme Corp", "C-999,Jane Roe"], "customer_id,customer_name")
    road.load_lists()

    done = replay_rejected(settings, FEED, reason="UNKNOWN_CUSTOMER")

    assert (done.done.judged, done.done.refused) == (1, 0)
    assert road.ask("select count(*) from staging.billing_invoices") == [(41,)]
    assert "UNKNOWN_CUSTOMER" not in counted(settings)
    assert road.verify() == []


@pytest.mark.parametrize(
    ("feed", "remedy"),
    [
        ("invoicing_clients", "sales-platform run invoicing"),
        ("invoicing_documents", "sales-platform import invoicing FILE"),
    ],
)
def test_rows_of_a_source_are_exported_to_look_at_and_mended_there(
    road: BillingRoad, settings: Settings, tmp_path: Path, feed: str, remedy: str
) -> None:
    with road.warehouse.transaction() as connection:
        connection.execute(
            """
            insert into quality.rejected_record (feed, scope, partition, source_row, reason, reasons, raw_record,
                record_hash, occurrence, origin, first_load_id, last_load_id)
            values (%s, '', '', 1, 'BAD', '{BAD}', '{"id": 1, "client": {"name": "Jane"}}', 'h', 1, 'contract', 1, 1)
            """,
            [feed],
        )
    path = tmp_path / "mine.csv"
    export_rejected(settings, feed, out=path)

    with pytest.raises(WrongUse, match=remedy):
        resubmit_file(settings, path)
    with pytest.raises(WrongUse, match=remedy):
        replay_rejected(settings, feed)


def test_what_makes_no_sense_is_said(road: BillingRoad, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="there is no feed nonsense"):
        show_rejected(settings, "nonsense")
    with pytest.raises(WrongUse, match="nothing of retail_sales stands rejected"):
        export_rejected(settings, "retail_sales", out=tmp_path / "none.csv")
    empty, foreign = tmp_path / "empty.csv", tmp_path / "foreign.csv"
    empty.write_text("_rejected_id,x\n")
    foreign.write_text("_rejected_id,x\n99999,1\n")
    with pytest.raises(WrongUse, match="the file holds no row"):
        resubmit_file(settings, empty)
    with pytest.raises(WrongUse, match="0 feeds"):
        resubmit_file(settings, foreign)
    assert not (tmp_path / "none.csv").exists()


def test_the_reason_of_a_row_is_its_first_one_in_every_command(
    road: BillingRoad, settings: Settings, tmp_path: Path
) -> None:
    (shown,) = show_rejected(settings, FEED, reason="INVALID_QUANTITY")
    assert shown.reasons == ["INVALID_QUANTITY", "INVALID_TOTAL"]
    assert counted(settings).keys() == {"UNKNOWN_CUSTOMER", "INVALID_QUANTITY", "RAGGED_LINE"}

    assert show_rejected(settings, FEED, reason="INVALID_TOTAL") == []
    with pytest.raises(WrongUse, match="nothing of billing_invoices stands rejected for INVALID_TOTAL"):
        export_rejected(settings, FEED, reason="INVALID_TOTAL", out=tmp_path / "none.csv")
    assert replay_rejected(settings, FEED, reason="INVALID_TOTAL").done.judged == 0
    assert replay_rejected(settings, FEED, reason="INVALID_QUANTITY").done.judged == 1


def test_q_26_resolved_rows_are_kept_until_they_are_purged_and_the_counts_of_their_load_after_it(
    road: BillingRoad, settings: Settings
) -> None:
    road.put("reference/customers.csv", ["C-100,Acme Corp", "C-999,Jane Roe"], "customer_id,customer_name")
    road.load_lists()
    replay_rejected(settings, FEED)
    ((today,),) = road.ask(
        "select distinct ops.business_day(resolved_at) from quality.rejected_record"
        " where resolved_at is not null"
    )
    fates = "select load_id, rows_read, rows_rejected from ops.load order by load_id"
    before, open_rows = road.ask(fates), counted(settings)

    assert purge_rejected(settings, today) == []
    assert counted(settings, resolved=True)["UNKNOWN_CUSTOMER"] == (0, 1)

    assert purge_rejected(settings, today + timedelta(days=1), "retail_sales") == []
    (done,) = purge_rejected(settings, today + timedelta(days=1))

    assert (done.feed, done.deleted, done.kept) == (FEED, 1, 2)
    assert counted(settings, resolved=True) == counted(settings) == open_rows
    assert road.ask(fates) == before
    assert 3 in {rejected for _, _, rejected in before}
    assert road.verify() == []
    assert replay_rejected(settings, FEED).done.refused == 2 - 1  # the line that is no record is not judged
    with pytest.raises(WrongUse, match="there is no feed nonsense"):
        purge_rejected(settings, today, "nonsense")


def test_a_line_whose_record_was_purged_is_rejected_anew_when_it_comes_again(
    road: BillingRoad, settings: Settings
) -> None:
    bad = line("X-2", qty="three")
    road.put("input.csv", [line(number) for number in range(40)])
    road.load()
    assert counted(settings) == {}
    ((today,),) = road.ask("select distinct ops.business_day(resolved_at) from quality.rejected_record")
    purge_rejected(settings, today + timedelta(days=1), FEED)
    assert road.ask("select count(*) from quality.rejected_record") == [(0,)]

    road.put("input.csv", [*(line(number) for number in range(40)), bad])
    road.load()

    assert counted(settings) == {"INVALID_QUANTITY": (1, 0)}
    assert road.verify() == []
