"""Bytes that come in pieces of any size, as blocks of one size: what every store writes, and nothing that knows one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def blocks(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes, `size` in each block but the last; no block for no bytes. Holds one block and one piece."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= size:
            block = bytes(memoryview(held)[:size])
            del held[:size]
            yield block
    if held:
        yield bytes(held)
