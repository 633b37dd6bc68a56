"""Locks between processes on files. They die with their process, so nothing stale is ever left behind."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sales_platform.errors import ServerUnavailable
from sales_platform.local.state import belongs_to_another

POLL_SECONDS = 0.02


def open_lock(path: Path) -> int:
    """A descriptor of the lock file; not inherited by started programs.

    The file is not made here: a process that ends late must not bring back a home that was deleted.
    """
    try:
        return os.open(path, os.O_RDWR)
    except PermissionError as error:
        raise belongs_to_another(path.parent) from error


def try_exclusive(descriptor: int) -> bool:
    """Take the lock if nobody else holds it in any way."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_shared(path: Path) -> int:
    """Hold the lock together with others until the descriptor is closed."""
    descriptor = open_lock(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


@contextmanager
def exclusive(path: Path, wait: float) -> Iterator[None]:
    """Hold the lock alone. Raises ServerUnavailable after `wait` seconds."""
    descriptor = open_lock(path)
    try:
        end = time.monotonic() + wait
        while not try_exclusive(descriptor):
            if time.monotonic() > end:
                raise ServerUnavailable(
                    f"another process has been starting or stopping the embedded server for {wait:.0f} s.",
                    where=str(path),
                    remedy="Try again.",
                )
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
