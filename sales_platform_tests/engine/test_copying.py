"""Real files into a real raw table: rows, line numbers, and what is set aside."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from sales_platform.engine import copying
from sales_platform.engine.bad_records import BadRecords
from sales_platform.engine.copying import CopyResult, copy_file
from sales_platform.engine.files import locate
from sales_platform.engine.reader import BadRecord, read_header
from sales_platform.errors import SourceError, StorageFull
from sales_platform_tests.engine.received import RECEIVED_TABLE, examples

Connection = psycopg.Connection[Any]
HEADER = b"id,name,amount\n"


@pytest.fixture
def warehouse(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url) as conn:
        conn.execute(RECEIVED_TABLE)
        conn.execute(
            """create table single (id text,
              _load_id bigint default current_setting('sales_platform.load_id')::bigint,
              _source_row bigint default nextval('line'))"""
        )
        conn.commit()
        yield conn
        conn.rollback()


def load(conn: Connection, folder: Path, content: bytes, table: str = "received") -> CopyResult:
    (folder / "feed.csv").write_bytes(content)
    file = locate(folder, "feed.csv", None)
    with file.open() as stream:
        header = read_header(stream, file.path)
    constants = {"_load_id": "7", "_partition": "2026-02-03"}
    place = sql.Identifier(table)
    return copy_file(conn, file, place, header, header.columns, row_sequence="line", constants=constants)


def rows(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute("select _source_row, id, name, amount from received order by _source_row").fetchall()


def test_each_row_carries_load_partition_and_line(warehouse: Connection, tmp_path: Path) -> None:
    content = HEADER + b"1,Ann,3.50\n2,Ben,\n"
    result = load(warehouse, tmp_path, content)
    found = warehouse.execute("select *, amount is null from received order by _source_row").fetchall()
    assert found == [
        ("1", "Ann", "3.50", 7, "2026-02-03", 2, False),
        ("2", "Ben", None, 7, "2026-02-03", 3, True),
    ]
    assert (result.rows, len(result.bad), result.bytes_read) == (2, 0, len(content))
    assert result.content_hash == hashlib.sha256(content).hexdigest()


def test_a_header_alone_is_no_row(warehouse: Connection, tmp_path: Path) -> None:
    assert load(warehouse, tmp_path, HEADER).rows == 0
    assert load(warehouse, tmp_path, HEADER.rstrip()).rows == 0


def test_lines_are_numbered_from_the_header_again_for_every_file(
    warehouse: Connection, tmp_path: Path
) -> None:
    load(warehouse, tmp_path, HEADER + b"1,a,1\n2,b,2\n")
    load(warehouse, tmp_path, b'id,"na\nme",amount\n'.replace(b'"na\nme"', b'"name\n"') + b"3,c,3\n")
    assert [row[:2] for row in rows(warehouse)] == [(2, "1"), (3, "2"), (3, "3")]


def test_broken_records_are_set_aside_and_all_others_loaded(warehouse: Connection, tmp_path: Path) -> None:
    lines = [
        b"1,a,1",
        b"2,b",
        b"3,M\xfcller,3",
        b"",
        b"4,\0,4",
        b"5,e,5,5",
        rb"\.",
        b'6,"f',
        b"7,g,7",
        b'8,"h',
    ]
    content = HEADER + b"\n".join(lines)
    result = load(warehouse, tmp_path, content)
    assert rows(warehouse) == [(2, "1", "a", "1"), (10, "7", "g", "7")]
    assert list(result.bad) == [
        BadRecord(3, b"2,b", "RAGGED_LINE"),
        BadRecord(4, b"3,M\xfcller,3", "INVALID_ENCODING"),
        BadRecord(6, b"4,\0,4", "NUL_BYTE"),
        BadRecord(7, b"5,e,5,5", "RAGGED_LINE"),
        BadRecord(8, rb"\.", "RAGGED_LINE"),
        BadRecord(9, b'6,"f', "UNCLOSED_QUOTE"),
        BadRecord(11, b'8,"h', "UNCLOSED_QUOTE"),
    ]
    assert (result.rows, result.content_hash) == (2, hashlib.sha256(content).hexdigest())
    assert warehouse.execute("select distinct _load_id, _partition from received").fetchall() == [
        (7, "2026-02-03")
    ]


def test_a_quoted_empty_value_is_text_and_a_bare_one_is_null_either_way(
    warehouse: Connection, tmp_path: Path
) -> None:
    load(warehouse, tmp_path, HEADER + b'1,"",\n')
    load(warehouse, tmp_path, HEADER + b'1,"",\nragged\n')
    assert rows(warehouse) == [(2, "1", "", None)] * 2


def test_empty_lines_are_no_rows_of_a_file_with_one_column(warehouse: Connection, tmp_path: Path) -> None:
    result = load(warehouse, tmp_path, b"id\n1\n\n\\.\n2\n", "single")
    found = warehouse.execute("select _source_row, id, _load_id from single order by 1").fetchall()
    assert found == [(2, "1", 7), (4, "\\.", 7), (5, "2", 7)]
    assert (result.rows, len(result.bad)) == (3, 0)


def test_a_carriage_return_alone_does_not_end_a_row(warehouse: Connection, tmp_path: Path) -> None:
    result = load(warehouse, tmp_path, HEADER + b'1,"a\nb",1\r2,"c",2\r')
    assert [record.reason for record in result.bad] == ["STRAY_CARRIAGE_RETURN"]
    assert rows(warehouse) == []


@pytest.mark.parametrize("ending", [b"", b"ragged\n"])
def test_a_line_of_ten_megabytes_is_a_row(warehouse: Connection, tmp_path: Path, ending: bytes) -> None:
    long = b"x" * (10 << 20)
    result = load(warehouse, tmp_path, HEADER + b"1," + long + b",1\n2,b,2\n" + ending)
    found = warehouse.execute("select _source_row, length(name) from received order by 1").fetchall()
    assert found == [(2, 10 << 20), (3, 1)]
    assert (result.rows, len(result.bad)) == (2, bool(ending))


def test_a_file_read_in_small_pieces_gives_the_same_lines(
    warehouse: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "CHUNK_BYTES", 3)
    result = load(warehouse, tmp_path, b"id,name,amount\r\n1,a,1\r\n2,b,2\r\n3,c,3\r\n")
    assert [row[0] for row in rows(warehouse)] == [2, 3, 4]
    assert result.rows == 3


def test_a_line_end_split_between_two_chunks_is_one_line_end() -> None:
    lines = copying._LineCount()
    for chunk in (b"1,a\r", b"\n2,b\r\n", b"3,c"):
        lines.add(chunk)
    assert (lines.total, lines.has_bare_carriage_return) == (3, False)
    lines.add(b"\r4,d")
    assert lines.has_bare_carriage_return


def test_other_delimiters_are_taken_from_the_header(warehouse: Connection, tmp_path: Path) -> None:
    result = load(warehouse, tmp_path, b"id;name;amount\n1;a,b;3,50\n2\n")
    assert rows(warehouse) == [(2, "1", "a,b", "3,50")]
    assert list(result.bad) == [BadRecord(3, b"2", "RAGGED_LINE")]


def test_a_refused_file_leaves_what_the_transaction_did_before(warehouse: Connection, tmp_path: Path) -> None:
    warehouse.execute("insert into received (id, _load_id, _partition, _source_row) values ('0', 1, 'x', 1)")
    load(warehouse, tmp_path, HEADER + b"1,a,1\n2\n")
    assert [row[1] for row in rows(warehouse)] == ["0", "1"]


def test_a_file_that_stops_being_readable_is_said_with_its_path(
    warehouse: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(io.RawIOBase):
        """A disk that fails cannot be had otherwise."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            raise OSError(5, "Input/output error")

    (tmp_path / "feed.csv").write_bytes(HEADER)
    file = locate(tmp_path, "feed.csv", None)
    with file.open() as stream:
        header = read_header(stream, file.path)
    monkeypatch.setattr(type(file), "open", lambda self: Broken())
    with pytest.raises(SourceError, match="Input/output error") as caught:
        copy_file(
            warehouse,
            file,
            sql.Identifier("received"),
            header,
            header.columns,
            row_sequence="line",
            constants={},
        )
    assert caught.value.where == "feed.csv"


def limit_file_size(process: int, size: int) -> None:
    """Let a server process write files up to `size` bytes; asked for as its own account, which alone may."""
    owner = Path(f"/proc/{process}").stat()
    command = ["prlimit", f"--pid={process}", f"--fsize={size}"]
    if os.geteuid() == 0:
        subprocess.run(command, check=True, cwd="/", user=owner.st_uid, group=owner.st_gid, extra_groups=[])
    else:
        subprocess.run(command, check=True)


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit (util-linux)")
def test_a_full_disk_is_said_and_the_table_stands_as_it_was(
    database_url: str, tmp_path: Path, warehouse: Connection
) -> None:
    load(warehouse, tmp_path, HEADER + b"1,a,1\n")
    warehouse.commit()
    limit_file_size(warehouse.info.backend_pid, 1 << 20)
    with pytest.raises(StorageFull) as caught:
        load(warehouse, tmp_path, HEADER + b"2,b,2\n" * 500_000)
    assert caught.value.where == "feed.csv"
    warehouse.rollback()
    assert [row[1] for row in rows(warehouse)] == ["1"]
    with psycopg.connect(database_url) as other:
        assert load(other, tmp_path, HEADER + b"2,b,2\n").rows == 1
        other.rollback()


def test_bad_records_beyond_memory_come_back_in_order() -> None:
    kept = BadRecords()
    wanted = [BadRecord(line, b"x" * 1000, "RAGGED_LINE") for line in range(10_000)]
    for record in wanted:
        kept.append(record)
    assert list(kept) == wanted
    assert next(iter(kept)) == wanted[0]
    kept.append(wanted[0])
    assert list(kept) == [*wanted, wanted[0]]
    assert len(kept) == 10_001


value = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
) | st.sampled_from(["a\nb", "c\r\nd", 'say "x"', 'say "x"\nor "y"', '"\n"', "a,b", "\\.", "", " "])


@examples
@given(
    table=st.lists(st.tuples(value, value, value), max_size=8),
    start=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    end=st.sampled_from(["\n", "\r\n"]),
    broken=st.booleans(),
)
def test_both_ways_give_what_was_written(
    warehouse: Connection,
    tmp_path: Path,
    table: list[tuple[str, str, str]],
    start: bytes,
    end: str,
    broken: bool,
) -> None:
    expected, line = [], 2
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=end)
    for row in table:
        expected.append((line, *row))
        line += 1 + "".join(row).count("\n")
        writer.writerow(row)
    content = start + HEADER.replace(b"\n", end.encode()) + text.getvalue().encode() + b"broken" * broken
    result = load(warehouse, tmp_path, content)
    assert rows(warehouse) == expected
    assert list(result.bad) == [BadRecord(line, b"broken", "RAGGED_LINE")] * broken
    assert result.rows == len(table)
    warehouse.rollback()


pieces = st.sampled_from(
    [b"a", b",", b'"', b"\n", b"\r", b"\r\n", b"\\", b".", b"1,2,3\n", b'1,"2\n3",4\n', b"\xff"]
)


@examples
@given(st.lists(pieces, max_size=40).map(b"".join))
def test_the_server_takes_every_record_that_is_not_set_aside(
    warehouse: Connection, tmp_path: Path, content: bytes
) -> None:
    result = load(warehouse, tmp_path, HEADER + content)
    lines = [row[0] for row in rows(warehouse)]
    assert len(lines) == len(set(lines)) == result.rows
    assert not set(lines) & {record.line for record in result.bad}
    warehouse.rollback()


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_byte_order_mark_is_seen_wherever_a_chunk_ends(cut: int) -> None:
    content = b"1,a\n\xef\xbb\xbf2,b\n"
    lines = copying._LineCount()
    lines.add(content[:cut])
    lines.add(content[cut:])
    assert lines.has_mark
