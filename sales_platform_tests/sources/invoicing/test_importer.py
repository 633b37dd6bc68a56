"""Real invoice documents reach the source's tables once, with their own dates; the others reach the quarantine."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from sales_platform.cli.importing import import_
from sales_platform.engine import quarantine
from sales_platform.errors import FileEmpty, FileMissing
from sales_platform.operations.importing import InvoicingImport, import_invoicing
from sales_platform.settings import Settings
from sales_platform.sources.invoicing.document_file import read_document_file
from sales_platform.sources.invoicing.importer import write_documents
from sales_platform.sources.schema import ensure_schema
from sales_platform_tests.sources.invoicing.samples import (
    REAL_FILE,
    REFUSED_LINES,
    cents,
    clean_documents,
    document,
    priced,
    real_lines,
    write_file,
)

COUNTS = """
    select (select count(*) from invoicing.sellers), (select count(*) from invoicing.clients),
        (select count(*) from invoicing.products), (select count(*) from invoicing.invoices),
        (select count(*) from invoicing.invoice_items), (select count(*) from invoicing.payments)
"""


class Systems:
    """A source without a row and a warehouse, and what stands in them."""

    def __init__(self, settings: Settings, source: str, warehouse: str) -> None:
        self.settings, self._source, self._warehouse = settings, source, warehouse

    def load(self, file: Path, **options: Any) -> InvoicingImport:
        return import_invoicing(self.settings, file, **options)

    def source(self, query: str) -> list[tuple[Any, ...]]:
        return _ask(self._source, query)

    def warehouse(self, query: str) -> list[tuple[Any, ...]]:
        return _ask(self._warehouse, query)


def _ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def systems(database_url: str, warehouse_url: str, tmp_path: Path) -> Systems:
    settings = Settings(
        home=tmp_path / "home",
        warehouse_url=SecretStr(warehouse_url),
        invoicing_oltp_url=SecretStr(database_url),
    )
    return Systems(settings, database_url, warehouse_url)


@pytest.fixture
def real_file(shared_data: Path) -> Path:
    return shared_data / REAL_FILE


def fates(done: InvoicingImport) -> tuple[int, int, int, int, int]:
    report = done.report
    return report.read, report.loaded, report.unchanged, report.duplicate, report.rejected


def test_the_real_documents_are_in_the_source_to_the_cent(
    systems: Systems, real_file: Path, shared_data: Path
) -> None:
    assert fates(systems.load(real_file)) == (416, 375, 0, 0, 41)
    clean = clean_documents(shared_data)
    items = [item for one in clean for item in one["items"]]
    parties = len(clean)  # no two documents share one (SOURCES 1.2)
    products = len({item["item_desc"] for item in items})
    assert (parties, products, len(items)) == (375, 1002, 1474)
    assert systems.source(COUNTS) == [(parties, parties, products, parties, len(items), 0)]
    names = ("total_net_worth", "total_vat", "total_gross_worth")
    assert systems.source(
        "select (sum(total_net_worth) * 100)::bigint, (sum(total_vat) * 100)::bigint,"
        " (sum(total_gross_worth) * 100)::bigint from invoicing.invoices"
    ) == [tuple(sum(cents(one["summary"][name]) for one in clean) for name in names)]


def test_no_stored_total_is_a_hundred_times_too_large(
    systems: Systems, real_file: Path, shared_data: Path
) -> None:
    systems.load(real_file)
    stored = systems.source("select invoice_no, total_gross_worth from invoicing.invoices order by 1")
    written = {
        one["header"]["invoice_no"]: cents(one["summary"]["total_gross_worth"])
        for one in clean_documents(shared_data)
    }
    assert stored == [(number, Decimal(written[number]) / 100) for number in sorted(written)]
    assert dict(stored)["40378170"] == Decimal("8.25")


def test_every_item_bears_its_worth_and_its_document_s_date(
    systems: Systems, real_file: Path, shared_data: Path
) -> None:
    systems.load(real_file)
    expected = sorted(
        (
            one["header"]["invoice_no"],
            item["item_desc"],
            cents(item["item_qty"]) * cents(item["item_net_price"]) // 100,
        )
        for one in clean_documents(shared_data)
        for item in one["items"]
    )
    stored = systems.source(
        "select invoice_no, product_description, (item_net_worth * 100)::bigint from invoicing.invoice_items"
        " join invoicing.invoices using (invoice_id) join invoicing.products using (product_id)"
    )
    assert sorted(stored) == expected
    assert systems.source(
        "select count(*) from invoicing.invoice_items as i join invoicing.invoices as v using (invoice_id) where"
        " item_gross_worth <> item_net_worth + round(item_net_worth * 0.1, 2) or item_vat_rate <> 10"
        " or i.created_at <> invoice_date or v.created_at <> invoice_date or v.updated_at <> invoice_date"
    ) == [(0,)]


def test_no_client_has_an_account_and_no_address_is_a_name(systems: Systems, real_file: Path) -> None:
    systems.load(real_file)
    assert systems.source("select count(iban) from invoicing.clients") == [(0,)]
    # line 149 and 263 are clean but for the account
    assert systems.source("select count(*) from invoicing.sellers where iban is null") == [(2,)]
    assert systems.source(
        "select seller_name, seller_address from invoicing.sellers where seller_tax_id = '958-74-3511'"
    ) == [("Patel, Thompson and Montgomery", "356 Kyle Vista New James, MA 46228")]
    for table in ("client", "seller"):
        assert systems.source(
            f"select count(*) from invoicing.{table}s where {table}_address in ('', {table}_name)"
        ) == [(0,)]


def test_invoices_are_written_in_the_order_of_their_dates(systems: Systems, real_file: Path) -> None:
    systems.load(real_file)
    days = systems.source("select invoice_date from invoicing.invoices order by invoice_id")
    assert days == sorted(days)


def test_every_product_stands_at_its_latest_price_since_the_day_that_brought_it(
    systems: Systems, real_file: Path, shared_data: Path
) -> None:
    systems.load(real_file)
    told: dict[str, dict[date, int]] = {}
    for one in clean_documents(shared_data):
        day = datetime.strptime(one["header"]["invoice_date"], "%m/%d/%Y").date()
        for item in one["items"]:
            told.setdefault(item["item_desc"], {})[day] = cents(item["item_net_price"])
    expected = {}
    for name, prices in told.items():
        days = sorted(prices)
        changes = [day for before, day in pairwise(days) if prices[before] != prices[day]]
        expected[name] = (prices[days[-1]], days[0], changes[-1] if changes else days[0])
    stored = systems.source(
        "select product_description, (unit_price * 100)::bigint, created_at, updated_at from invoicing.products"
    )
    assert {name: (price, made.date(), changed.date()) for name, price, made, changed in stored} == expected
    assert all(made.time() == changed.time() == datetime.min.time() for *_, made, changed in stored)
    costume = "Adult Kids Pokemon Pikachu Kigurumi Pajama Cosplay Christmas Costume Sleepwear"
    assert expected[costume] == (995, date(2013, 11, 22), date(2018, 8, 7))


def test_every_other_document_is_rejected_as_received_with_all_its_reasons(
    systems: Systems, real_file: Path, shared_data: Path
) -> None:
    done = systems.load(real_file)
    rejected = systems.warehouse(
        "select source_row, reasons, raw_record, business_key from quality.rejected_record"
        " where feed = 'invoicing_documents' and partition = 'ivoicing-data.txt' and resolved_at is null"
        " and reason = reasons[1]"
    )
    assert {line: reasons for line, reasons, *_ in rejected} == REFUSED_LINES
    lines = real_lines(shared_data)
    for line, _, record, key in rejected:
        assert record == json.loads(lines[line - 1])
        assert key == [record["gt_parse"]["header"]["invoice_no"]]
    assert sum(done.report.reasons.values()) == 41
    assert systems.warehouse(
        "select feed, status, rows_read, rows_loaded, rows_unchanged, rows_rejected, bytes_read from ops.load"
    ) == [("invoicing_documents", "succeeded", 416, 375, 0, 41, real_file.stat().st_size)]


def test_a_second_import_changes_only_when_rejections_were_last_seen(
    systems: Systems, real_file: Path
) -> None:
    tables = ("sellers", "clients", "products", "invoices", "invoice_items", "payments")
    systems.load(real_file, payments=True)
    before = [systems.source(f"select xmin, * from invoicing.{table}") for table in tables]
    kept = (
        "select to_jsonb(r) - '{last_seen,last_load_id}'::text[] from quality.rejected_record as r order by 1"
    )
    rejections = systems.warehouse(kept)
    assert fates(systems.load(real_file, payments=True)) == (416, 0, 375, 0, 41)
    assert [systems.source(f"select xmin, * from invoicing.{table}") for table in tables] == before
    assert systems.warehouse(kept) == rejections
    assert systems.warehouse(
        "select count(*) from quality.rejected_record where last_seen > first_seen and last_load_id > first_load_id"
    ) == [(41,)]


def test_two_imports_at_once_write_every_document_once(systems: Systems, real_file: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: fates(systems.load(real_file)), range(2)))
    assert sorted(done) == [(416, 0, 375, 0, 41), (416, 375, 0, 0, 41)]
    assert systems.source(COUNTS)[0][3:5] == (375, 1474)
    assert systems.warehouse("select count(*) from quality.rejected_record") == [(41,)]


def test_two_writers_at_once_make_no_product_twice(database_url: str, tmp_path: Path) -> None:
    ensure_schema(database_url, "invoicing")
    files = []
    for number in "12":
        parties = {"header__seller_tax_id": f"S{number}", "header__client_tax_id": f"C{number}"}
        files.append(write_file(tmp_path / f"{number}.txt", [priced(number, "01/01/2020", "10", **parties)]))
    with ThreadPoolExecutor(2) as pool:
        with psycopg.connect(database_url) as holder:
            holder.execute("lock table invoicing.invoice_items in share mode")
            done = [
                pool.submit(write_documents, database_url, read_document_file(one).clean) for one in files
            ]
            _wait_until_blocked(database_url, len(files))
        assert [one.result().loaded for one in done] == [1, 1]
    assert _ask(database_url, COUNTS) == [(2, 2, 1, 2, 2, 0)]


def _wait_until_blocked(url: str, sessions: int) -> None:
    deadline = time.monotonic() + 30
    blocked = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while _ask(url, blocked) != [(sessions,)]:
        assert time.monotonic() < deadline, "the writers do not wait"


def test_a_known_document_brings_back_nothing_that_was_renamed_by_hand(
    systems: Systems, tmp_path: Path
) -> None:
    path = write_file(tmp_path / "documents.txt", [document()])
    systems.load(path)
    systems.source(
        "update invoicing.products set product_description = 'Biro';"
        " update invoicing.clients set client_tax_id = '1'; update invoicing.sellers set seller_tax_id = '2'"
    )
    assert fates(systems.load(path)) == (1, 0, 1, 0, 0)
    assert systems.source(COUNTS) == [(1, 1, 1, 1, 1, 0)]


def test_a_mended_line_resolves_its_rejection(systems: Systems, real_file: Path, tmp_path: Path) -> None:
    systems.load(real_file)
    mended = tmp_path / real_file.name
    mended.write_text(
        real_file.read_text(encoding="utf-8").replace('"invoice_no": "Date"', '"invoice_no": "1"')
    )
    assert fates(systems.load(mended)) == (416, 1, 375, 0, 40)
    assert systems.warehouse(
        "select source_row, reason, resolution from quality.rejected_record where resolved_at is not null"
    ) == [(124, "INVALID_INVOICE_NO", "the file no longer holds it")]
    assert systems.source("select count(*) from invoicing.invoices where invoice_no = '1'") == [(1,)]


def test_a_later_document_updates_seller_client_and_product_and_an_earlier_one_does_not(
    systems: Systems, tmp_path: Path
) -> None:
    moved, renamed = "Ink 8 Bay Harwick, PA 98601", "Pens Inc 12 Mill Lane Oxton, MA 46228"
    documents = [
        priced("3", "05/01/2020", "12", header__client=moved, header__seller=renamed, header__iban=None),
        priced("1", "01/01/2020", "10"),
        priced("2", "03/01/2020", "10", header__client=moved),
    ]
    systems.load(write_file(tmp_path / "documents.txt", documents))
    january, march, may = (datetime(2020, month, 1) for month in (1, 3, 5))
    products = "select unit_price, created_at, updated_at from invoicing.products"
    assert systems.source(products) == [(Decimal(12), january, may)]
    assert systems.source("select seller_name, iban, updated_at from invoicing.sellers") == [
        ("Pens Inc", "GB77WRBQ31965128414006", may)
    ]
    clients = "select client_name, client_address, updated_at from invoicing.clients"
    assert systems.source(clients) == [("Ink", "8 Bay Harwick, PA 98601", march)]
    systems.load(write_file(tmp_path / "late.txt", [priced("4", "04/01/2020", "11")]))
    assert systems.source(products) == [(Decimal(12), january, may)]
    assert systems.source(clients) == [("Ink", "8 Bay Harwick, PA 98601", march)]


def test_a_price_that_a_later_invoice_repeats_is_not_undone_by_an_earlier_document(
    systems: Systems, tmp_path: Path
) -> None:
    first = [priced("1", "01/01/2020", "10"), priced("2", "05/01/2020", "10")]
    systems.load(write_file(tmp_path / "first.txt", first))
    systems.load(write_file(tmp_path / "second.txt", [priced("3", "03/01/2020", "11")]))
    assert systems.source("select unit_price, updated_at from invoicing.products") == [
        (Decimal(10), datetime(2020, 1, 1))
    ]


def test_an_edit_by_hand_is_not_undone_by_an_older_document(systems: Systems, tmp_path: Path) -> None:
    systems.load(write_file(tmp_path / "first.txt", [priced("1", "01/01/2020", "10")]))
    systems.source("update invoicing.products set unit_price = 99")
    systems.load(write_file(tmp_path / "second.txt", [priced("2", "03/01/2020", "11")]))
    assert systems.source("select unit_price from invoicing.products") == [(Decimal(99),)]


def test_of_two_documents_of_one_day_the_later_line_counts(systems: Systems, tmp_path: Path) -> None:
    file = [priced("1", "01/01/2020", "10"), priced("2", "01/01/2020", "11")]
    systems.load(write_file(tmp_path / "documents.txt", file))
    assert systems.source("select unit_price, updated_at from invoicing.products") == [
        (Decimal(11), datetime(2020, 1, 1, microsecond=1))
    ]


def test_a_number_that_repeats_in_a_file_is_a_duplicate_or_a_conflict(
    systems: Systems, tmp_path: Path
) -> None:
    file = [document(), document(), document(header__client="Other 1 Way Oxton, MA 46228")]
    path = write_file(tmp_path / "documents.txt", file)
    assert fates(systems.load(path)) == (3, 1, 0, 1, 1)
    assert fates(systems.load(path)) == (3, 0, 1, 1, 1)
    assert systems.warehouse("select source_row, reasons from quality.rejected_record") == [
        (3, ["DUPLICATE_INVOICE_NO"])
    ]
    assert systems.source(COUNTS) == [(1, 1, 1, 1, 1, 0)]


def test_lines_that_are_no_json_are_kept_as_text(systems: Systems, tmp_path: Path) -> None:
    path = tmp_path / "documents.txt"
    clean = json.dumps(document()).encode()
    lines = [
        b"\xef\xbb\xbf" + clean,
        b"",
        b"no json",
        b"\xff\0",
        b'{"a": "\\u0000"}',
        b'{"b": NaN}',
        b"no json",
    ]
    path.write_bytes(b"\r\n".join(lines) + b"\r\n")
    assert fates(systems.load(path)) == (6, 1, 0, 0, 5)
    kept = systems.warehouse(
        "select source_row, reason, raw_record->>'_line', origin from quality.rejected_record order by source_row"
    )
    assert kept == [
        (3, "INVALID_JSON", "no json", "reader"),
        (4, "INVALID_JSON", "\\xff\\x00", "reader"),
        (5, "NOT_AN_INVOICE", '{"a": "\\u0000"}', "contract"),
        (6, "NOT_AN_INVOICE", '{"b": NaN}', "contract"),
        (7, "INVALID_JSON", "no json", "reader"),
    ]


def test_payments_follow_the_seed_and_set_the_status(systems: Systems, real_file: Path) -> None:
    assert systems.load(real_file, payments=True, seed=5).payments == 375
    query = (
        "select payment_reference, amount, payment_date, payment_method from invoicing.payments order by 1"
    )
    first = systems.source(query)
    assert systems.source(
        "select count(*) from invoicing.payments as p join invoicing.invoices as v using (invoice_id) where"
        " remarks = 'Auto-generated payment' and payment_reference ~ ('^TXN-' || invoice_no || '-[1-9][0-9]{2}$')"
        " and payment_date between invoice_date + 1 and invoice_date + 30 and p.created_at = payment_date"
        " and v.updated_at = payment_date and v.created_at = invoice_date"
        " and case status when 'PAID' then amount = total_gross_worth when 'PARTIALLY_PAID' then"
        " amount between total_gross_worth * 0.4 - 0.01 and total_gross_worth * 0.9 + 0.01 end"
    ) == [(375,)]
    methods = [method for *_, method in first]
    assert set(methods) == {"CASH", "BANK_TRANSFER", "CREDIT_CARD", "ONLINE"}
    ((paid,),) = systems.source("select count(*) from invoicing.invoices where status = 'PAID'")
    assert 0.3 < paid / 375 < 0.5
    unpay = "delete from invoicing.payments; update invoicing.invoices set status = 'UNPAID', updated_at = invoice_date"
    systems.source(unpay)
    systems.load(real_file, payments=True, seed=5)
    assert systems.source(query) == first
    systems.source(unpay)
    systems.load(real_file, payments=True, seed=6)
    assert systems.source(query) != first


def test_no_invoice_is_paid_that_has_a_payment_or_stands_in_another_file(
    systems: Systems, tmp_path: Path
) -> None:
    systems.load(
        write_file(tmp_path / "a.txt", [priced("1", "01/01/2020", "10"), priced("2", "01/01/2020", "10")])
    )
    systems.source(
        "insert into invoicing.payments (invoice_id, amount)"
        " select invoice_id, 1 from invoicing.invoices where invoice_no = '1'"
    )
    other = write_file(tmp_path / "b.txt", [priced("3", "01/01/2020", "10"), priced("1", "01/01/2020", "10")])
    assert systems.load(other, payments=True).payments == 1
    assert systems.source(
        "select invoice_no, count(payment_id) from invoicing.invoices left join invoicing.payments using (invoice_id)"
        " group by 1 order by 1"
    ) == [("1", 1), ("2", 0), ("3", 1)]


def test_an_import_that_ends_between_source_and_warehouse_is_made_good_by_the_next(
    systems: Systems, real_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patched:
        patched.setattr(quarantine, "record_refusals", broken)
        with pytest.raises(RuntimeError):
            systems.load(real_file)
    assert fates(systems.load(real_file)) == (416, 0, 375, 0, 41)
    assert systems.source(COUNTS)[0][3:5] == (375, 1474)
    assert systems.warehouse("select status, message from ops.load order by load_id") == [
        ("failed", "ended early (RuntimeError)"),
        ("succeeded", None),
    ]
    assert systems.warehouse("select count(*) from quality.rejected_record") == [(41,)]


def test_the_source_holds_nothing_of_a_file_that_it_refuses_half_way(
    systems: Systems, tmp_path: Path
) -> None:
    systems.load(write_file(tmp_path / "a.txt", [priced("1", "01/01/2020", "10")]))
    systems.source("alter table invoicing.invoices add check (invoice_no <> '3')")
    file = write_file(tmp_path / "b.txt", [priced("2", "01/01/2020", "10"), priced("3", "02/01/2020", "12")])
    with pytest.raises(Exception, match="invoices") as failed:
        systems.load(file)
    assert type(failed.value).__name__ == "DatabaseFailure"
    assert systems.source("select invoice_no from invoicing.invoices") == [("1",)]
    assert systems.warehouse("select status from ops.load order by load_id") == [("succeeded",), ("failed",)]


def test_a_missing_and_an_empty_file_are_typed_errors_before_anything_is_opened(
    systems: Systems, tmp_path: Path
) -> None:
    with pytest.raises(FileMissing, match=r"nowhere\.txt"):
        systems.load(tmp_path / "nowhere.txt")
    (tmp_path / "empty.txt").write_bytes(b"\n \n")
    with pytest.raises(FileEmpty, match=r"empty\.txt"):
        systems.load(tmp_path / "empty.txt")
    assert systems.warehouse("select * from ops.load") == []


@pytest.fixture
def command(
    systems: Systems, database_url: str, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> Systems:
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("INVOICING_OLTP_URL", database_url)
    return systems


def test_the_command_says_what_was_loaded_and_rejected_and_what_comes_next(
    command: Systems, tmp_path: Path
) -> None:
    file = write_file(tmp_path / "documents.txt", [document(), document(header__client=None)])
    done = CliRunner().invoke(import_, ["invoicing", str(file), "--payments", "--seed", "3"])
    assert done.exit_code == 0
    shown = [line.split() for line in done.stdout.splitlines()]
    for line in (["loaded", "1"], ["unchanged", "0"], ["rejected", "1"], ["MISSING_CLIENT", "1"]):
        assert line in shown
    assert "payments: 1 added" in done.stdout
    assert "sales-platform run invoicing" in done.stdout
    assert "reconcile" not in done.stdout


def test_the_command_says_when_the_warehouse_has_read_past_the_dates_of_what_it_loads(
    command: Systems, tmp_path: Path
) -> None:
    now = datetime.now().astimezone() + timedelta(days=1)
    command.warehouse(f"insert into ops.watermark (feed, position) values ('invoicing_clients', '{now}')")
    file = write_file(tmp_path / "documents.txt", [document()])
    assert (
        "sales-platform reconcile invoicing" in CliRunner().invoke(import_, ["invoicing", str(file)]).stdout
    )
    assert "reconcile" not in CliRunner().invoke(import_, ["invoicing", str(file)]).stdout
