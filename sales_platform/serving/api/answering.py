"""How a table becomes an answer: JSON, or CSV that a spreadsheet cannot be made to run. No SQL."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic_core import PydanticSerializationError, to_json

from sales_platform.engine.sheet_cells import guarded

CSV_TYPE = "text/csv; charset=utf-8"
_IN_MEMORY = 1 << 20
_PORTION = 1 << 16
# A decimal or a moment as `to_json` may write it and `plain` does not: 0E-20, 1E+3, 12:30:00Z. Looked for as plain
# bytes, a tenth of the time of a pattern; a name that has them is only written the longer way.
_OTHERWISE = (b"E-", b"E+", b'Z"')


def plain(value: Any) -> Any:
    """What JSON has no word for: decimals as text, so that no digit is lost; moments with their zone."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def json_answer(content: object, headers: Mapping[str, str]) -> Response:
    text = _quickly(content)
    if text is None:
        # an answer is made of rows and never holds itself; not to look for that saves a quarter of the time
        written = json.dumps(
            content, default=plain, ensure_ascii=False, check_circular=False, separators=(",", ":")
        )
        text = written.encode(errors="replace")
    return json_response(text, headers)


def json_response(text: bytes, headers: Mapping[str, str]) -> Response:
    return Response(text, headers=dict(headers), media_type="application/json")


def csv_answer(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], headers: Mapping[str, str]
) -> Response:
    """Read to its end before the first byte is sent: an answer is whole or an error, and a slow client holds no
    connection. What memory should not hold lies in a temporary file.
    """
    spool: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 – closed by whoever sends it
    try:
        _write(spool, columns, rows)
    except BaseException:
        spool.close()
        raise
    disposition = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(_portions(spool), headers={**headers, **disposition}, media_type=CSV_TYPE)


def as_records(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _quickly(content: object) -> bytes | None:
    """Most answers in a quarter of the time; None for one that `plain` would write otherwise."""
    try:
        text = to_json(content)
    except PydanticSerializationError:
        return None
    return None if any(sign in text for sign in _OTHERWISE) else text


def _write(spool: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.TextIOWrapper(spool, encoding="utf-8", errors="replace", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    text.flush()
    text.detach()
    spool.seek(0)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guarded(value)
    if value is None or isinstance(value, int):
        return value
    return plain(value)


def _portions(spool: IO[bytes]) -> Iterator[bytes]:
    read: Callable[[], bytes] = lambda: spool.read(_PORTION)  # noqa: E731
    with spool:
        yield from iter(read, b"")
