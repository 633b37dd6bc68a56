"""Bad records kept until the load can write them down: few in memory, many in a temporary file. No SQL."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile, gettempdir

from sales_platform.engine.reader import BadRecord
from sales_platform.errors import StorageFull

_IN_MEMORY_BYTES = 8 << 20


class BadRecords:
    """As many bad records as a file may have, in file order, at a few megabytes of memory.

    A connection that is busy with COPY cannot write rejections as well, so they wait here until it is free.
    The temporary file goes when the object goes.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  closed by the finalizer
        self._count = 0
        self._end = 0
        weakref.finalize(self, self._file.close)

    def append(self, record: BadRecord) -> None:
        """Keep one more; raises StorageFull when the temporary folder has no room."""
        try:
            if self._file.tell() != self._end:
                self._file.seek(self._end)
            pickle.dump((record.line, record.content, record.reason), self._file, pickle.HIGHEST_PROTOCOL)
        except OSError as error:
            raise StorageFull(
                f"Bad records cannot be kept in the temporary folder ({error.strerror}).",
                where=gettempdir(),
                remedy="Free space there, or set TMPDIR to a folder with room.",
            ) from error
        self._end = self._file.tell()
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[BadRecord]:
        position = 0
        for _ in range(self._count):
            self._file.seek(position)
            line, content, reason = pickle.load(self._file)
            position = self._file.tell()
            yield BadRecord(line, content, reason)
