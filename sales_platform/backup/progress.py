"""How far a backup, a check or a restore has come: figures for whoever shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal

Step = Literal["copy", "verify", "restore", "build", "compare"]


@dataclass(frozen=True)
class Progress:
    """step: what is done to the table. done: bytes of it so far, of `total`; None where that is not known before."""

    step: Step
    table: str
    done: int
    total: int | None = None


Report = Callable[[Progress], None]


def one_at_a_time(report: Report | None) -> Report:
    """The callback for several threads: never called twice at once. Without one, nothing happens."""
    lock = Lock()

    def tell(progress: Progress) -> None:
        if report is not None:
            with lock:
                report(progress)

    return tell
