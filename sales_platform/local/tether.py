"""Ends the process groups of a supervisor that died without ending them itself. Knows numbers, not programs.

The supervisor holds the other end of this standard input, writes `+123` when it started group 123 and
`-123` when that group has ended. The pipe closes with the supervisor, however it went.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 5.0


def groups_left(lines: Iterable[str]) -> set[int]:
    """The groups that were started and not ended when the lines are over."""
    left: set[int] = set()
    for line in lines:
        sign, number = line[:1], int(line[1:])
        if sign == "+":
            left.add(number)
        else:
            left.discard(number)
    return left


def end_group(group: int, number: signal.Signals) -> bool:
    """Send a signal to a process group; false where nobody of it is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    left = groups_left(sys.stdin)
    if not left:
        return
    for group in left:
        end_group(group, signal.SIGTERM)
    end = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < end:
        left = {group for group in left if has_members(group)}
        time.sleep(0.1)
    for group in left:
        end_group(group, signal.SIGKILL)


def has_members(group: int) -> bool:
    """Whether any process of the group is left, a zombie included."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, 0)
        return True
    return False


if __name__ == "__main__":
    main()
