"""Many small files at once: the same raw rows as one by one, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from sales_platform.engine import copying_together
from sales_platform.engine.copying import CopyResult, copy_file
from sales_platform.engine.copying_together import FEWEST, FileToCopy, copy_together
from sales_platform.engine.files import locate
from sales_platform.engine.reader import read_header
from sales_platform_tests.engine.received import RECEIVED_TABLE, examples

Connection = psycopg.Connection[Any]
HEADER = b"id,name,amount\n"
RECEIVED = sql.Identifier("received")
PLAIN = [HEADER + b"%d,Ann,3.50\n%d,,\n" % (number, number) for number in range(FEWEST)]
ROWS = "select _load_id, _partition, _source_row, id, name, amount from received order by 1, 3, 4"

pieces = st.one_of(
    st.sampled_from(
        [b",", b"\n", b"\r\n", b"\r", b'"', rb"\.", rb"\N", b"\0", b"\xff", b"\xef\xbb\xbf", b"3\n", b" "]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3).map(str.encode),
    st.sampled_from([b"1,Ann,3.50\n", b"2,\xc3\xa4,\n", b",,\n"]),
)
contents = st.lists(pieces, max_size=8).map(b"".join)


@pytest.fixture
def warehouse(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url) as connection:
        connection.execute(RECEIVED_TABLE)
        connection.commit()
        yield connection
        connection.rollback()


def arriving(folder: Path, files: Sequence[bytes]) -> list[FileToCopy]:
    """Load 100 and on, partition `day 0` and on."""
    found = []
    for number, content in enumerate(files):
        (folder / f"{number}.csv").write_bytes(content)
        file = locate(folder, f"{number}.csv", None)
        with file.open() as stream:
            header = read_header(stream, file.path)
        found.append(FileToCopy(file, header, 100 + number, f"day {number}"))
    return found


def copy_alone(connection: Connection, one: FileToCopy) -> CopyResult:
    constants = {"_load_id": str(one.load_id), "_partition": one.partition}
    return copy_file(
        connection,
        one.file,
        RECEIVED,
        one.header,
        one.header.columns,
        row_sequence="line",
        constants=constants,
    )


def told(results: dict[int, CopyResult]) -> dict[int, tuple[Any, ...]]:
    return {
        load_id: (result.rows, result.bytes_read, result.content_hash, list(result.bad))
        for load_id, result in results.items()
    }


def test_each_row_carries_the_load_partition_and_line_of_its_file(
    warehouse: Connection, tmp_path: Path
) -> None:
    results = copy_together(warehouse, RECEIVED, arriving(tmp_path, PLAIN))
    assert [result.rows for result in results.values()] == [2] * FEWEST
    assert warehouse.execute(ROWS).fetchall() == [
        row
        for number in range(FEWEST)
        for row in (
            (100 + number, f"day {number}", 2, str(number), "Ann", "3.50"),
            (100 + number, f"day {number}", 3, str(number), None, None),
        )
    ]


@examples
@given(files=st.lists(contents, min_size=3, max_size=3))
def test_any_files_give_the_same_rows_and_the_same_bad_records_as_one_by_one(
    warehouse: Connection, tmp_path: Path, files: list[bytes]
) -> None:
    with warehouse.transaction(force_rollback=True):
        found = arriving(tmp_path, [*PLAIN, *(HEADER + content for content in files)])
        alone = {one.load_id: copy_alone(warehouse, one) for one in found}
        expected = warehouse.execute(ROWS).fetchall()
        warehouse.execute("truncate received")
        results = copy_together(warehouse, RECEIVED, found)
        results |= {one.load_id: copy_alone(warehouse, one) for one in found if one.load_id not in results}
        assert warehouse.execute(ROWS).fetchall() == expected
        assert told(results) == told(alone)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + b'1,"Ann",3\n',
        HEADER + b"1,Ann,3\r\n",
        HEADER + b"1,\xef\xbb\xbfAnn,3\n",
        b"id;name;amount\n1;a;1\n",
    ],
    ids=["a quote", "a carriage return", "a byte order mark", "another delimiter"],
)
def test_a_file_whose_lines_may_not_be_its_records_is_left_to_the_other_way(
    warehouse: Connection, tmp_path: Path, content: bytes
) -> None:
    results = copy_together(warehouse, RECEIVED, arriving(tmp_path, [*PLAIN, content]))
    assert sorted(results) == list(range(100, 100 + FEWEST))


def test_a_large_file_is_left_to_the_other_way(
    warehouse: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying_together, "SMALL_BYTES", 60)
    large = HEADER + b"1,Ann,3.50\n" * 5
    results = copy_together(warehouse, RECEIVED, arriving(tmp_path, [*PLAIN, large]))
    assert sorted(results) == list(range(100, 100 + FEWEST))


def test_of_files_with_a_broken_record_nothing_is_written(warehouse: Connection, tmp_path: Path) -> None:
    found = arriving(tmp_path, [*PLAIN, HEADER + b"1,Ann\n"])
    assert copy_together(warehouse, RECEIVED, found) == {}
    assert warehouse.execute("select count(*) from received").fetchone() == (0,)


def test_more_than_memory_should_hold_goes_in_portions_with_lines_counted_anew(
    warehouse: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying_together, "_HELD_BYTES", 40)
    results = copy_together(warehouse, RECEIVED, arriving(tmp_path, PLAIN))
    assert len(results) == FEWEST
    lines = warehouse.execute(
        "select distinct array_agg(_source_row order by _source_row) from received group by _load_id"
    )
    assert lines.fetchall() == [([2, 3],)]


def test_a_few_files_are_left_to_the_other_way(warehouse: Connection, tmp_path: Path) -> None:
    assert copy_together(warehouse, RECEIVED, arriving(tmp_path, PLAIN[1:])) == {}


def test_a_file_that_has_gone_is_left_to_the_other_way(warehouse: Connection, tmp_path: Path) -> None:
    found = arriving(tmp_path, [*PLAIN, *PLAIN])
    (tmp_path / "3.csv").unlink()
    results = copy_together(warehouse, RECEIVED, found)
    assert sorted({one.load_id for one in found} - results.keys()) == [103]
