"""Stores that fail where a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sales_platform.backup.store import Store, StoredBlob
from sales_platform.errors import StoreUnavailable


class Watched:
    """A store that tells of every blob before it is written, with its name and the pieces that come."""

    creates_exclusively = True

    def __init__(self, store: Store, before: Callable[[str], None], piece: Callable[[str], None]) -> None:
        self._store, self._before, self._piece = store, before, piece

    @property
    def place(self) -> str:
        return self._store.place

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        self._before(name)

        def watched() -> Iterator[bytes]:
            for piece in pieces:
                self._piece(name)
                yield piece

        self._store.put(name, watched())

    def read(self, name: str) -> Iterator[bytes]:
        return self._store.read(name)

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        return self._store.list(prefix)

    def remove(self, name: str) -> None:
        self._store.remove(name)


def failing_at(store: Store, ending: str) -> Watched:
    """Down when a blob of this ending is to be written."""

    def fail(name: str) -> None:
        if name.endswith(ending):
            raise StoreUnavailable("the store is down.", where=name)

    return Watched(store, fail, lambda name: None)
