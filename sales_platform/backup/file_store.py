"""Backups in a folder of this machine. What lies behind a URL has stores of its own."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from sales_platform.backup.blob_names import checked
from sales_platform.backup.blocks import blocks
from sales_platform.backup.store import StoredBlob
from sales_platform.errors import BlobExists, BlobMissing, StoreRefused, StoreUnavailable

Blobs = list[StoredBlob]

BLOCK_BYTES = 4 << 20
# Hidden, so that no blob can have its name.
UNFINISHED = ".unfinished"
# A writer touches its file with every block; what was not touched for so long was left by one that was killed.
ABANDONED_SECONDS = 24 * 3600


class FileStore:
    """Blobs as files below a folder, which the first of them makes. Only their owner may read them.

    A blob is written under a hidden name, flushed to the disk and then linked to its own, which the file system
    refuses where that is taken: so it is there whole, or not at all. A symbolic link is no blob.
    """

    creates_exclusively = True

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._swept = False

    @property
    def place(self) -> str:
        return str(self._root)

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        path = self._path(name)
        with _named(name, "written"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = self._new_unfinished()
        try:
            self._write(name, unfinished, pieces)
            with _named(name, "written"):
                _link(name, unfinished, path)
                self._flush_folders(path.parent)
        finally:
            with _named(name, "tidied up"):
                unfinished.unlink(missing_ok=True)

    def read(self, name: str) -> Iterator[bytes]:
        path = self._path(name)
        with _named(name, "read"):
            file = _opened(name, path)
        with file:
            while True:
                with _named(name, "read"):
                    piece = file.read(BLOCK_BYTES)
                if not piece:
                    return
                yield piece

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        found: Blobs = []
        folder = prefix.rpartition("/")[0]
        with _named(prefix, "listed"):
            self._collect(self._path(folder) if folder else self._root, found)
        yield from sorted(
            (blob for blob in found if blob.name.startswith(prefix)), key=lambda blob: blob.name
        )

    def remove(self, name: str) -> None:
        path = self._path(name)
        # A folder is no blob, and below a file there is none.
        with _named(name, "removed"), suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
            path.unlink()

    def _path(self, name: str) -> Path:
        """Raises StoreRefused where a symbolic link would lead elsewhere."""
        path = self._root / checked(name)
        if path.resolve() != path:
            raise StoreRefused(
                "a symbolic link stands on the way to this blob.",
                where=str(path),
                remedy="Put the files themselves into the folder of backups, or point BACKUP_URL at the real one.",
            )
        return path

    def _new_unfinished(self) -> Path:
        folder = self._root / UNFINISHED
        folder.mkdir(mode=0o700, exist_ok=True)
        if not self._swept:
            self._swept = True
            for left in folder.iterdir():
                if left.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                    left.unlink(missing_ok=True)
        return folder / uuid.uuid4().hex

    def _write(self, name: str, unfinished: Path, pieces: Iterable[bytes]) -> None:
        """What the pieces themselves raise is passed on as it is: it is no failure of the store."""
        with _named(name, "written"):
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb", buffering=0) as file:
            for block in blocks(pieces, BLOCK_BYTES):
                with _named(name, "written"):
                    _write_all(file.fileno(), block)
            with _named(name, "written"):
                os.fsync(descriptor)

    def _flush_folders(self, folder: Path) -> None:
        """A file is only as safe as the entries of the folders on the way to it."""
        while folder != self._root.parent:
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            folder = folder.parent

    def _collect(self, folder: Path, found: Blobs) -> None:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    self._collect(Path(entry.path), found)
                elif entry.is_file(follow_symlinks=False):
                    name = Path(entry.path).relative_to(self._root).as_posix()
                    found.append(StoredBlob(name, entry.stat(follow_symlinks=False).st_size))


def _opened(name: str, path: Path) -> FileIO:
    try:
        return path.open("rb", buffering=0)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise BlobMissing(
            f"there is no such blob ({error.strerror}).",
            where=name,
            remedy="`sales-platform backup list` shows what there is.",
        ) from error


def _link(name: str, unfinished: Path, path: Path) -> None:
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise BlobExists(
            "a blob of this name is there already, and none is overwritten.",
            where=name,
            remedy="Make a new backup; it gets names of its own.",
        ) from None


def _write_all(descriptor: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def _named(name: str, done: str) -> Iterator[None]:
    """What the file system says, as an error of the store that names the blob."""
    try:
        yield
    except (TimeoutError, ConnectionError) as error:
        raise StoreUnavailable(
            f"it cannot be {done}: the folder does not answer ({error.strerror}).",
            where=name,
            remedy="Check the network drive that BACKUP_URL or SALES_PLATFORM_HOME lies on, then run again.",
        ) from error
    except OSError as error:
        raise StoreRefused(
            f"it cannot be {done} ({error.strerror}).",
            where=name,
            remedy="Check the folder of backups: its permissions, and the room on its disk.",
        ) from error
