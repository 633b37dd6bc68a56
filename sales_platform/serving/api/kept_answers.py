"""Answers that were made already, by the tag of what they depend on; those asked for last are kept."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

KEPT_BYTES = 64 << 20
# A larger one would push out many that are asked for more often.
_LARGEST = 1 << 20


class KeptAnswers:
    """Bodies of JSON answers, for all threads. A tag changes with every table behind the answer (`Validators`), so
    nothing kept becomes wrong; it only is no longer asked for.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most = most_bytes
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        self._lock = Lock()

    def find(self, tag: str) -> bytes | None:
        with self._lock:
            if tag in self._bodies:
                self._bodies.move_to_end(tag)
            return self._bodies.get(tag)

    def keep(self, tag: str, body: bytes) -> None:
        if len(body) > min(_LARGEST, self._most):
            return
        with self._lock:
            self._held += len(body) - len(self._bodies.pop(tag, b""))
            self._bodies[tag] = body
            while self._held > self._most:
                self._held -= len(self._bodies.popitem(last=False)[1])
