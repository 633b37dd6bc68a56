"""A CSV's header, and its records as bytes with their line numbers: splits, never parses. No database.

Records end where PostgreSQL's COPY would end them: every double quote toggles, wherever it stands, and a
line end inside quotes belongs to the record. On one point this reader is stricter. For COPY, stray quotes on
two lines, such as inch marks in a column, make all between them one record of the right width, and its rows
would vanish without a word. So a field that goes over a line end must open where a field begins and close
where one ends; otherwise the line on which it opens is the bad one, and the next lines are read for
themselves.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sales_platform.errors import FileEmpty, HeaderMismatch, SourceError

RAGGED_LINE = "RAGGED_LINE"
INVALID_ENCODING = "INVALID_ENCODING"
NUL_BYTE = "NUL_BYTE"
UNCLOSED_QUOTE = "UNCLOSED_QUOTE"
STRAY_CARRIAGE_RETURN = "STRAY_CARRIAGE_RETURN"
STRAY_BYTE_ORDER_MARK = "STRAY_BYTE_ORDER_MARK"

MAX_RECORD_LINES = 1000
# Bounds the memory of a quote that is never closed; a single line may be longer.
MAX_OPEN_BYTES = 32 << 20
MAX_HEADER_BYTES = 1 << 20

_QUOTE = b'"'
BOM = b"\xef\xbb\xbf"
_DELIMITERS = (b",", b";", b"\t", b"|")


@dataclass(frozen=True)
class Header:
    """The names of a file's columns in its own order.

    bytes and lines: what the header takes of the file, with byte order mark and line end.
    """

    columns: tuple[str, ...]
    delimiter: str
    bytes: int
    lines: int


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot become a row; line: the physical line (from 1) on which it begins."""

    line: int
    content: bytes
    reason: str


def read_header(stream: BinaryIO, where: str) -> Header:
    """Read the header record from the start of `stream` and leave the stream behind it.

    Raises FileEmpty for a file without any text, SourceError for one that is no UTF-8 text with line feeds,
    and HeaderMismatch for names that are missing or stand twice.
    """
    record, lines = _header_record(stream, where)
    content = _without_line_end(record.removeprefix(BOM))
    if not content.strip() and not any(line.strip() for line in stream):
        raise FileEmpty("The file is empty.", where=where, remedy="Have it sent again, with its header line.")
    outside = _outside_quotes(content)
    if b"\r" in outside:
        raise SourceError(
            "Lines end with a carriage return alone.",
            where=where,
            remedy="Save the file with LF or CRLF line ends.",
        )
    if len(record) >= MAX_HEADER_BYTES:
        raise HeaderMismatch(
            "The first line is too long for a header.", where=where, remedy="Add a header line."
        )
    delimiter = max(_DELIMITERS, key=outside.count).decode()
    return Header(_names(content, delimiter, where), delimiter, len(record), lines)


def split_records(
    stream: Iterable[bytes], width: int, first_line: int, delimiter: bytes = b","
) -> Iterator[tuple[int, bytes] | BadRecord]:
    """The records of `stream` (lines of bytes, as an open file gives them), from line number `first_line` on.

    A good record of `width` fields comes as (line, bytes without line end), untouched; any other as
    BadRecord. Empty lines are no records. Every other physical line is in exactly one of what comes out.
    """
    lines = _Lines(stream, first_line)
    for line in lines:
        number = lines.number
        record = line if line.count(_QUOTE) % 2 == 0 else lines.rest_of(line, delimiter)
        if record is None:
            yield BadRecord(number, _without_line_end(line), UNCLOSED_QUOTE)
            continue
        content = _without_line_end(record)
        if not content:
            continue
        fault = _fault(content, width, delimiter)
        yield (number, content) if fault is None else BadRecord(number, content, fault)


class _Lines:
    """Physical lines with their numbers, which can be given back and read again."""

    def __init__(self, stream: Iterable[bytes], first_line: int) -> None:
        self.number = first_line - 1
        self._stream = iter(stream)
        self._returned: deque[bytes] = deque()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> bytes:
        line = self._returned.popleft() if self._returned else next(self._stream)
        self.number += 1
        return line

    def rest_of(self, opening: bytes, delimiter: bytes) -> bytes | None:
        """The whole record of a line that leaves a quote open.

        None, with the lines after it given back, if the quote is stray or never closed.
        """
        taken = [opening]
        size = len(opening)
        while len(taken) < MAX_RECORD_LINES and size < MAX_OPEN_BYTES:
            line = next(self, None)
            if line is None:
                break
            taken.append(line)
            size += len(line)
            if line.count(_QUOTE) % 2:
                record = b"".join(taken)
                if _opens_and_closes_as_field(_without_line_end(record), delimiter):
                    return record
                break
        self._returned.extendleft(reversed(taken[1:]))
        self.number -= len(taken) - 1
        return None


def _opens_and_closes_as_field(record: bytes, delimiter: bytes) -> bool:
    """Whether each quoted stretch with a line end in it is a field, from its first byte to its last."""
    # What stands inside quotes has an odd index; nothing between two of them is a doubled quote.
    pieces = record.split(_QUOTE)
    for inside in range(1, len(pieces), 2):
        if b"\n" not in pieces[inside]:
            continue
        before, after = inside - 1, inside + 1
        while before > 0 and not pieces[before]:
            before -= 2
        while after < len(pieces) - 1 and not pieces[after]:
            after += 2
        starts = not pieces[before] or pieces[before].endswith(delimiter)
        ends = not pieces[after] or pieces[after].startswith(delimiter)
        if not (starts and ends):
            return False
    return True


def _fault(content: bytes, width: int, delimiter: bytes) -> str | None:
    if b"\0" in content:
        return NUL_BYTE
    if not content.isascii() and not _is_utf8(content):
        return INVALID_ENCODING
    if content.startswith(BOM):
        # Files were put one after another: the mark would become part of the first column.
        return STRAY_BYTE_ORDER_MARK
    outside = _outside_quotes(content) if _QUOTE in content else content
    if b"\r" in outside:
        return STRAY_CARRIAGE_RETURN
    return None if outside.count(delimiter) == width - 1 else RAGGED_LINE


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _outside_quotes(record: bytes) -> bytes:
    return b"".join(record.split(_QUOTE)[::2])


def _without_line_end(record: bytes) -> bytes:
    return record.removesuffix(b"\n").removesuffix(b"\r")


def _header_record(stream: BinaryIO, where: str) -> tuple[bytes, int]:
    record = stream.readline(MAX_HEADER_BYTES)
    _refuse_other_formats(record, where)
    lines = 1
    while record.count(_QUOTE) % 2:
        line = stream.readline(MAX_HEADER_BYTES)
        record += line
        lines += 1
        if not line or len(record) >= MAX_HEADER_BYTES:
            raise HeaderMismatch(
                "A quote in the header is never closed.",
                where=f"{where}, line 1",
                remedy="Correct the header line.",
            )
    return record, lines


def _refuse_other_formats(start: bytes, where: str) -> None:
    if start.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        raise SourceError(
            "The file is a zip archive or packed twice.",
            where=where,
            remedy="Unpack it first; save a workbook as CSV (UTF-8).",
        )
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in start:
        raise SourceError("The file is not UTF-8 text.", where=where, remedy="Save it as CSV (UTF-8).")


def _names(content: bytes, delimiter: str, where: str) -> tuple[str, ...]:
    place = f"{where}, line 1"
    try:
        row = next(csv.reader([content.decode()], delimiter=delimiter, skipinitialspace=True), [])
    except UnicodeDecodeError:
        raise HeaderMismatch("The header is not UTF-8.", where=place, remedy="Save it as UTF-8.") from None
    except csv.Error as error:
        raise HeaderMismatch(f"The header cannot be read ({error}).", where=place) from error
    names = tuple(name.strip() for name in row)
    empty = [str(position) for position, name in enumerate(names, 1) if not name]
    if empty or not names:
        raise HeaderMismatch(
            f"The header has no name for column {', '.join(empty) or '1'}.",
            where=place,
            remedy="Name every column.",
        )
    # By position: where the header is missing, the names would be values of the first row.
    twice = [str(position) for position, name in enumerate(names, 1) if names.count(name) > 1]
    if twice:
        raise HeaderMismatch(
            f"The header repeats a name in columns {', '.join(twice)}.",
            where=place,
            remedy="Name each column once, in the first line.",
        )
    return names
