"""Bad files and lines among invoices and payments: named, set aside or refused; what stood stands, the next heals."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.errors import DataRefused, FileEmpty, HeaderMismatch, SalesPlatformError, SourceError
from sales_platform_tests.faults.dropped import GOOD, Dropped, Invoices, Payments

MEGABYTE = 1 << 20
MANY = 400
LONG = 10 * MEGABYTE


@pytest.fixture(params=[Invoices, Payments], ids=["billing", "channels"])
def drop(request: pytest.FixtureRequest, warehouse_url: str, tmp_path: Path) -> Dropped:
    made: Dropped = request.param(warehouse_url, tmp_path / "data")
    return made


@pytest.fixture
def payments(warehouse_url: str, tmp_path: Path) -> Payments:
    return Payments(warehouse_url, tmp_path / "data")


@pytest.fixture
def invoices(warehouse_url: str, tmp_path: Path) -> Invoices:
    return Invoices(warehouse_url, tmp_path / "data")


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("transactions.csv", content)
    return buffer.getvalue()


BAD_FILES: dict[str, tuple[Callable[[Dropped], bytes], type[SalesPlatformError], str]] = {
    "empty": (lambda drop: b"", FileEmpty, "header"),
    "only_blank_lines": (lambda drop: b"\n\r\n", FileEmpty, "header"),
    "header_only": (lambda drop: drop.text([]), FileEmpty, "empty: allow"),
    "a_column_lacks": (
        lambda drop: drop.text(drop.good()).replace(b"status", b"state"),
        HeaderMismatch,
        "lacks status",
    ),
    "no_header": (lambda drop: b"\n".join(drop.good()), HeaderMismatch, "line 1"),
    "a_column_stands_twice": (
        lambda drop: drop.text(drop.good()).replace(b"status", b"status,status", 1),
        HeaderMismatch,
        "repeats a name",
    ),
    "utf_16": (lambda drop: drop.text(drop.good()).decode().encode("utf-16"), SourceError, "UTF-8"),
    "a_zip_archive": (lambda drop: zipped(drop.text(drop.good())), SourceError, "Unpack it first"),
    "a_zip_bomb": (lambda drop: zipped(bytes(256 * MEGABYTE)), SourceError, "Unpack it first"),
    "gzip_in_gzip": (
        lambda drop: gzip.compress(gzip.compress(drop.text(drop.good()))),
        SourceError,
        "packed twice",
    ),
    "gzip_cut_off": (
        lambda drop: gzip.compress(drop.text(drop.good()))[:-20],
        SourceError,
        "broken or cut off",
    ),
    "gzip_with_other_bytes": (
        lambda drop: gzip.compress(drop.text(drop.good()))[:40] + b"no deflate",
        SourceError,
        "broken or cut off",
    ),
    # One small file that says: the same megabytes once more, 64 times.
    "a_gzip_bomb": (
        lambda drop: gzip.compress(bytes(16 * MEGABYTE)) * 64,
        SourceError,
        "more than 200 times its size",
    ),
}


def test_a_file_that_cannot_be_read_is_named_what_stood_stands_and_the_next_file_heals(
    drop: Dropped, subtests: pytest.Subtests
) -> None:
    drop.put(drop.text(drop.good()))
    drop.load()
    drop.published()
    before = drop.standing()
    for name, (content, kind, said) in BAD_FILES.items():
        with subtests.test(name):
            drop.put(content(drop))
            check_refused(drop, kind, said)
    drop.road.publish()
    assert drop.standing() == before

    drop.put(drop.text(drop.good(GOOD + 1)))
    report = drop.load()
    assert (report.status, report.loaded, report.unchanged) == ("succeeded", 1, GOOD)
    assert drop.published() == drop.good_keys(GOOD + 1)
    assert drop.road.verify() == []


def check_refused(drop: Dropped, kind: type[SalesPlatformError], said: str) -> None:
    """The load fails at little memory, with an error that says which file, what, and what to do, but no value."""
    tracemalloc.start()
    try:
        with pytest.raises(kind) as caught:
            drop.load()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert type(caught.value) is kind
    assert str(caught.value.where).startswith(drop.path)
    assert said in str(caught.value)
    assert caught.value.remedy
    assert "INV-00001" not in str(caught.value)
    assert "200.00" not in str(caught.value)
    assert peak < 32 * MEGABYTE
    assert drop.newest_load() == ("failed", str(caught.value))


def unreadable(drop: Dropped) -> list[tuple[bytes, str]]:
    return [
        (drop.line(901, status="réglé").decode().encode("latin-1"), "INVALID_ENCODING"),
        (drop.line(902, status="paid\0"), "NUL_BYTE"),
        (drop.line(903).rsplit(b",", 1)[0], "RAGGED_LINE"),
        (drop.line(904) + b",7", "RAGGED_LINE"),
        (b"   ", "RAGGED_LINE"),
        (b"\\.", "RAGGED_LINE"),
        (b"x" * LONG, "RAGGED_LINE"),
        (b"\xef\xbb\xbf" + drop.line(905), "STRAY_BYTE_ORDER_MARK"),
        (b"\xef\xbb\xbf" + drop.header, "STRAY_BYTE_ORDER_MARK"),
        (drop.line(906).replace(b",", b"\r,", 1), "STRAY_CARRIAGE_RETURN"),
        # the last one swallows whatever follows it
        (b'907,"' + drop.line(907), "UNCLOSED_QUOTE"),
    ]


def test_unreadable_lines_cost_only_themselves_are_kept_with_their_bytes_and_heal(drop: Dropped) -> None:
    bad = unreadable(drop)
    drop.put(drop.text([*drop.good(MANY), *(line for line, _ in bad)]))
    report = drop.load()
    assert (report.read, report.loaded, report.rejected) == (MANY + len(bad), MANY, len(bad))
    assert drop.published() == drop.good_keys(MANY)
    assert drop.rejected() == [(MANY + 2 + n, [reason]) for n, (_, reason) in enumerate(bad)]
    kept = drop.rows(
        "select coalesce(decode(raw_record->>'_bytes_base64', 'base64'),"
        " convert_to(raw_record->>'_line', 'UTF8')) from quality.rejected_record order by source_row"
    )
    assert [bytes(line) for (line,) in kept] == [line for line, _ in bad]
    assert drop.load().status == "unchanged"
    drop.put(drop.text([*drop.good(MANY), drop.line(905)]))
    assert (drop.load().rejected, drop.rejected()) == (0, [])
    assert drop.line(905).split(b",")[0].decode() in drop.published()
    assert drop.road.verify() == []


def test_a_byte_order_mark_in_the_middle_of_a_clean_file_costs_its_own_line(drop: Dropped) -> None:
    lines = drop.good(MANY)
    lines[200] = b"\xef\xbb\xbf" + lines[200]
    drop.put(drop.text(lines))
    report = drop.load()
    assert (report.loaded, report.reasons) == (MANY - 1, {"STRAY_BYTE_ORDER_MARK": 1})
    assert drop.rejected() == [(202, ["STRAY_BYTE_ORDER_MARK"])]
    assert len(drop.published()) == MANY - 1


SAME_ROWS: dict[str, Callable[[Dropped], bytes]] = {
    "byte_order_mark": lambda drop: b"\xef\xbb\xbf" + drop.text(drop.good()),
    "crlf": lambda drop: drop.text(drop.good(), end=b"\r\n"),
    "no_last_line_end": lambda drop: drop.text(drop.good()).rstrip(),
    "semicolons": lambda drop: drop.text(drop.good()).replace(b",", b";"),
    "columns_in_another_order": lambda drop: b"\n".join(
        b",".join(reversed(line.split(b","))) for line in (drop.header, *drop.good())
    ),
    "gzip": lambda drop: gzip.compress(drop.text(drop.good())),
    "gzip_in_parts": lambda drop: (
        gzip.compress(drop.text(drop.good(20))) + gzip.compress(b"\n".join(drop.good()[20:]))
    ),
    "every_line_twice": lambda drop: drop.text([line for line in drop.good() for _ in range(2)]),
}


def test_another_form_of_the_same_rows_gives_the_same_table(drop: Dropped, subtests: pytest.Subtests) -> None:
    table = f"select {', '.join(drop.feed.columns)} from staging.{drop.feed.name} order by 1"
    drop.put(drop.text(drop.good()))
    drop.load()
    plain = drop.rows(table)
    for name, content in SAME_ROWS.items():
        with subtests.test(name):
            drop.put(drop.text([drop.line(GOOD + 1)]))
            drop.load()
            drop.put(content(drop))
            report = drop.load()
            assert (report.loaded, report.rejected) == (GOOD, 0)
            assert report.read == report.loaded + report.duplicate
            assert drop.rows(table) == plain


def test_a_file_that_is_packed_after_its_load_is_the_same_file(drop: Dropped) -> None:
    drop.put(drop.text(drop.good()))
    drop.load()
    drop.put(gzip.compress(drop.text(drop.good())))
    assert drop.load().status == "unchanged"


def test_an_added_column_is_kept_and_reported_and_loads(drop: Dropped) -> None:
    lines = [b"%b,%d" % (line, number) for number, line in enumerate(drop.good())]
    drop.put(drop.text(lines).replace(drop.header, drop.header + b",campaign", 1))
    report = drop.load()
    assert (report.loaded, report.rejected, report.new_columns) == (GOOD, 0, ("campaign",))
    assert drop.rows(f"select count(distinct campaign) from raw.{drop.feed.name}") == [(GOOD,)]
    assert drop.published() == drop.good_keys()


def test_q_09_ten_thousand_rejected_rows_are_refused_in_one_message_with_five_lines(drop: Dropped) -> None:
    drop.put(drop.text(drop.good()))
    drop.load()
    drop.published()
    before = drop.standing()
    drop.put(drop.text([*drop.good(), *(drop.line(n, status="LOST") for n in range(1001, 11_001))]))
    with pytest.raises(DataRefused) as caught:
        drop.load()
    assert f"10000 of {10_000 + GOOD} rows were rejected" in str(caught.value)
    assert "UNKNOWN_STATUS 10000 (lines 42, 43, 44, 45, 46)" in str(caught.value)
    assert "LOST" not in str(caught.value)
    assert len(str(caught.value)) < 500
    drop.road.publish()
    assert drop.standing() == before
    assert drop.rejected() == []


def test_ten_thousand_rejected_rows_are_all_kept_where_the_contract_allows_them(drop: Dropped) -> None:
    drop.put(drop.text([*drop.good(), *(drop.line(n, status="LOST") for n in range(1001, 11_001))]))
    report = drop.load(limit=Decimal(1))
    assert (report.read, report.loaded, report.rejected) == (10_000 + GOOD, GOOD, 10_000)
    assert [line for line, _ in drop.rejected()] == list(range(GOOD + 2, GOOD + 10_002))
    assert drop.published() == drop.good_keys()
    drop.put(drop.text(drop.good()))
    drop.load()
    assert drop.rejected() == []


def test_b_05_payments_of_another_day_than_their_path_are_set_aside_neither_loaded_nor_lost(
    payments: Payments,
) -> None:
    other = [payments.line(901, date_key="20260301"), payments.line(902, date_key="20260303")]
    payments.put(payments.text([*payments.good(), *other]))
    report = payments.load()
    assert (report.read, report.loaded, report.rejected) == (GOOD + 2, GOOD, 2)
    assert payments.rejected() == [(GOOD + 2, ["OUTSIDE_WINDOW"]), (GOOD + 3, ["OUTSIDE_WINDOW"])]
    assert payments.published() == payments.good_keys()


def test_a_link_out_of_the_data_folder_is_refused_by_name_and_the_other_files_are_loaded(
    invoices: Invoices, tmp_path: Path
) -> None:
    invoices.put(invoices.text(invoices.good()))
    (tmp_path / "secret.csv").write_bytes(invoices.text([invoices.line(99)]))
    link = invoices.road.data / "billing" / "invoices-0.csv"
    link.symlink_to(tmp_path / "secret.csv")
    files = [locate(invoices.road.data, invoices.feed.path, name) for name in (link.name, invoices.partition)]
    with pytest.raises(SourceError) as caught:
        load_files(invoices.road.warehouse, invoices.feed, files)
    assert caught.value.where == "billing/invoices-0.csv"
    assert "out of the data folder" in str(caught.value)
    assert invoices.published() == invoices.good_keys()
    link.unlink()
    link.write_bytes(invoices.text([invoices.line(99)]))
    assert [report.status for report in invoices.road.load()] == ["unchanged", "succeeded"]
