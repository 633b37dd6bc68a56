"""The bytes of a file as its reader wants them: gzip unpacked on the way, storage faults named. Nothing is unpacked to
disk, and no format but gzip is.
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any, BinaryIO, cast

from sales_platform.engine.file_systems import named
from sales_platform.errors import SourceError

CHUNK_BYTES = 1 << 20
# A CSV shrinks to a tenth, one of equal lines to a hundredth; beyond this share somebody means harm.
MAX_GROWTH = 200
# Below this a small file may consist of one line repeated.
HARMLESS_BYTES = 64 << 20

_GZIP = b"\x1f\x8b"


def is_packed(source: BinaryIO) -> bool:
    """Whether the stream, which stands at its first byte, holds gzip; told by content, whatever the name."""
    start = source.read(len(_GZIP))
    source.seek(0)
    return start == _GZIP


class Unpacked(io.BufferedReader):
    """A stream that is longer than the file it comes from."""


def unpacked(source: BinaryIO, where: str) -> BinaryIO:
    """The unpacked bytes of `source`, at flat memory. Reading raises SourceError for gzip that is broken, or that grows
    beyond all measure.
    """
    return cast(BinaryIO, Unpacked(_Unpacking(source, where), CHUNK_BYTES))


def told(source: BinaryIO, where: str) -> BinaryIO:
    """The bytes of `source`; what its storage raises while it is read becomes an error that names the file."""
    return cast(BinaryIO, io.BufferedReader(_Told(source, source, where), CHUNK_BYTES))


class _Told(io.RawIOBase):
    """source: the file as it lies there. content: the bytes to give out, from it."""

    def __init__(self, source: BinaryIO, content: object, where: str) -> None:
        self._source = source
        self._content = cast(io.RawIOBase, content)
        self._where = where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with named(self._where, "Reading stopped"):
            return self._content.readinto(buffer) or 0

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class _Unpacking(_Told):
    def __init__(self, source: BinaryIO, where: str) -> None:
        super().__init__(source, gzip.GzipFile(fileobj=source), where)
        self._given = 0

    def readinto(self, buffer: Any) -> int:
        try:
            count = super().readinto(buffer)
        except SourceError as error:
            if isinstance(error.__cause__, (gzip.BadGzipFile, EOFError, zlib.error)):
                raise SourceError(
                    "The gzip file is broken or cut off.", where=self._where, remedy="Have it sent again."
                ) from error
            raise
        self._given += count
        if self._given > max(HARMLESS_BYTES, MAX_GROWTH * self._source.tell()):
            raise SourceError(
                f"The file unpacks to more than {MAX_GROWTH} times its size.",
                where=self._where,
                remedy="Look at what sent it; if it is meant, unpack it and load it as CSV.",
            )
        return count
