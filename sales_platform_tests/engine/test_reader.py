"""Headers and records as bytes: what is a record, on which line it begins, and why one is bad."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_platform.engine import reader
from sales_platform.engine.reader import BadRecord, Header, read_header, split_records
from sales_platform.errors import FileEmpty, HeaderMismatch, SourceError

Outcome = list[tuple[int, bytes] | BadRecord]


def split(content: bytes, width: int = 3) -> Outcome:
    return list(split_records(BytesIO(content), width, 2))


def header_of(content: bytes) -> Header:
    return read_header(BytesIO(content), "retail/customers.csv")


@pytest.mark.parametrize(
    ("content", "length", "lines"),
    [
        (b"id,name\n1,2\n", 8, 1),
        (b"\xef\xbb\xbfid,name\r\n1,2\r\n", 12, 1),
        (b"id,name", 7, 1),
        (b' id , "name"\n', 13, 1),
    ],
)
def test_byte_order_mark_line_ends_and_blanks_are_no_part_of_names(
    content: bytes, length: int, lines: int
) -> None:
    assert header_of(content) == Header(("id", "name"), ",", length, lines)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_read_from_the_header(delimiter: str) -> None:
    found = header_of(f"id{delimiter}name\n".encode())
    assert (found.columns, found.delimiter) == (("id", "name"), delimiter)


def test_a_name_in_quotes_may_hold_a_line_end() -> None:
    stream = BytesIO(b'id,"full\nname"\n1,2\n')
    assert read_header(stream, "x") == Header(("id", "full\nname"), ",", 15, 2)
    assert stream.read() == b"1,2\n"


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"  \n \n\n"])
def test_a_file_without_text_is_empty(content: bytes) -> None:
    with pytest.raises(FileEmpty) as caught:
        header_of(content)
    assert caught.value.where == "retail/customers.csv"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"id,name,id\n", "columns 1, 3"),
        (b"id,,name\n", "column 2"),
        (b"id,name,\n", "column 3"),
        (b"\n1,2\n", "column 1"),
        (b'id,"name\n1,2\n', "never closed"),
        (b"id,stra\xdfe\n", "UTF-8"),
        (b"x" * (reader.MAX_HEADER_BYTES + 1), "too long"),
    ],
)
def test_a_header_that_cannot_name_the_columns_is_refused(content: bytes, named: str) -> None:
    with pytest.raises(HeaderMismatch, match=named):
        header_of(content)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"\x1f\x8b\x08\x00", "Unpack"),
        (b"PK\x03\x04\x14\x00", "Unpack"),
        ("id,name\n".encode("utf-16"), "UTF-8"),
        (b"\xfe\xff\x00i\x00d", "UTF-8"),
        ("id,name\n".encode("utf-16-le"), "UTF-8"),
        (b"id,name\r1,2\r", "LF or CRLF"),
    ],
)
def test_what_is_no_utf8_text_is_refused_with_what_to_do(content: bytes, remedy: str) -> None:
    with pytest.raises(SourceError) as caught:
        header_of(content)
    assert remedy in str(caught.value.remedy)


def test_good_records_come_unchanged_with_the_line_they_begin_on() -> None:
    content = b'1,a,"x\ny"\r\n\r\n2,"b""c",\n3,ab"c,d"e,f\n4,d,e'
    assert split(content) == [(2, b'1,a,"x\ny"'), (5, b'2,"b""c",'), (6, b'3,ab"c,d"e,f'), (7, b"4,d,e")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2", "RAGGED_LINE"),
        (b"1,2,3,4", "RAGGED_LINE"),
        (rb"\.", "RAGGED_LINE"),
        (b"   ", "RAGGED_LINE"),
        (b"1,M\xfcller,3", "INVALID_ENCODING"),
        (b"1,\xed\xa0\x80,3", "INVALID_ENCODING"),
        (b"1,\0,3", "NUL_BYTE"),
        (b"1,2\r,3", "STRAY_CARRIAGE_RETURN"),
        (b'1,"2,3', "UNCLOSED_QUOTE"),
    ],
)
def test_a_bad_line_is_set_aside_alone_with_its_reason(line: bytes, reason: str) -> None:
    content = b"1,2,3\n" + line + b"\n4,5,6\n7,8,9\n"
    assert split(content) == [(2, b"1,2,3"), BadRecord(3, line, reason), (4, b"4,5,6"), (5, b"7,8,9")]


def test_doubled_quotes_around_a_line_end_belong_to_the_field() -> None:
    first = b'1,"say ""x""\nor ""y""",""'
    assert split(first + b"\n2,b,c\n") == [(2, first), (4, b"2,b,c")]


def test_a_ragged_record_over_several_lines_is_one_record() -> None:
    assert split(b'1,"2\n3\n4"\n5,6,7\n') == [BadRecord(2, b'1,"2\n3\n4"', "RAGGED_LINE"), (5, b"5,6,7")]


def test_a_line_end_mark_of_older_servers_is_a_value_in_a_file_of_one_column() -> None:
    assert split(b"a\n\\.\nb\n", width=1) == [(2, b"a"), (3, rb"\."), (4, b"b")]


@pytest.mark.parametrize(
    "stray",
    [b'5" pipe,1,2', b'1,5" pipe,2', b'1,2,5"', b'1,"open,2'],
)
def test_rows_between_two_stray_quotes_are_not_swallowed(stray: bytes) -> None:
    content = b"\n".join([b"1,2,3", stray, b"4,5,6", b"7,8,9", stray, b"10,11,12", b""])
    assert split(content) == [
        (2, b"1,2,3"),
        BadRecord(3, stray, "UNCLOSED_QUOTE"),
        (4, b"4,5,6"),
        (5, b"7,8,9"),
        BadRecord(6, stray, "UNCLOSED_QUOTE"),
        (7, b"10,11,12"),
    ]


def test_a_record_may_run_over_a_thousand_lines_and_no_further() -> None:
    longest = b'1,2,"' + b"\n" * (reader.MAX_RECORD_LINES - 1) + b'"'
    assert split(longest + b"\n") == [(2, longest)]
    found = split(longest.replace(b'"', b'"\n', 1) + b"\n4,5,6\n")
    last = reader.MAX_RECORD_LINES + 2
    assert found == [
        BadRecord(2, b'1,2,"', "UNCLOSED_QUOTE"),
        BadRecord(last, b'"', "UNCLOSED_QUOTE"),
        (last + 1, b"4,5,6"),
    ]


def test_an_open_quote_holds_no_more_than_its_limit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_OPEN_BYTES", 10)
    assert split(b'1,2,"aaaa\nb,b,b\nc,"\n4,5,6\n') == [
        BadRecord(2, b'1,2,"aaaa', "UNCLOSED_QUOTE"),
        (3, b"b,b,b"),
        BadRecord(4, b'c,"', "UNCLOSED_QUOTE"),
        (5, b"4,5,6"),
    ]


pieces = st.sampled_from(
    [b"a", b",", b'"', b"\n", b"\r", b"\r\n", b"\\.", b"1,2,3\n", b'1,"2\n3",4\n', b"\xff", b"\0"]
)


@given(st.lists(pieces, max_size=40).map(b"".join))
def test_every_line_is_in_exactly_one_record_or_empty(content: bytes) -> None:
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    empty = [number for number, line in enumerate(lines, 2) if line in (b"", b"\r")]
    records = [
        (found.line, found.content) if isinstance(found, BadRecord) else found for found in split(content)
    ]
    covered = [line + offset for line, record in records for offset in range(record.count(b"\n") + 1)]
    inside = set(covered)
    assert sorted(covered + [line for line in empty if line not in inside]) == list(range(2, len(lines) + 2))
    for line, record in records:
        last = line + record.count(b"\n")
        assert b"\n".join(lines[line - 2 : last - 1]).removesuffix(b"\r") == record
