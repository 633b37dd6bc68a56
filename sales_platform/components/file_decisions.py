"""What the sensor of a file feed decides, over plain values: which files are due, and which runs take them. Looks at
nothing itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Decision:
    """due: partitions whose file is new or changed and stands still. waiting: those still being written. gone: those
    whose file was known and is no longer there. known: partition → the state for which a run was asked. busy: those
    that a run takes already.
    """

    due: tuple[str, ...]
    waiting: tuple[str, ...]
    gone: tuple[str, ...]
    known: dict[str, str]
    busy: tuple[str, ...] = ()


def decide(known: Mapping[str, str], before: Mapping[str, str], now: Mapping[str, str]) -> Decision:
    """known: as the last decision left it. before, now: partition → size and time of its file at the last look and at
    this one. A file is due when both saw it alike and no run was asked for that state.
    """
    fresh = [name for name, look in now.items() if known.get(name) != look]
    due = tuple(name for name in fresh if before.get(name) == now[name])
    return Decision(
        due,
        waiting=tuple(name for name in fresh if name not in due),
        gone=tuple(name for name in known if name not in now),
        known={name: look for name, look in known.items() if name in now} | {name: now[name] for name in due},
    )


def spare(decision: Decision, *, loaded: Collection[str], busy: Collection[str]) -> Decision:
    """Ask for nothing twice. loaded: the warehouse holds the very file. busy: a run that takes it is queued or running,
    so it is looked at again when that has ended.
    """
    held_up = tuple(name for name in decision.due if name in busy and name not in loaded)
    return replace(
        decision,
        due=tuple(name for name in decision.due if name not in loaded and name not in busy),
        known={name: look for name, look in decision.known.items() if name not in held_up},
        busy=held_up,
    )


def taken(
    names: Sequence[str], order: Sequence[str], runs: Sequence[tuple[str, str] | None], *, undated: bool
) -> set[str]:
    """Which of the names the runs take. runs: the first and last partition of each. undated: the feed has none, and
    every run of its domain takes it.
    """
    if undated:
        return set(names) if runs else set()
    place = {name: number for number, name in enumerate(order)}
    known = [(place[r[0]], place[r[1]]) for r in runs if r and r[0] in place and r[1] in place]
    return {name for name in names if any(first <= place[name] <= last for first, last in known)}


def stretches(due: Sequence[str], order: Sequence[str]) -> list[tuple[str, str]]:
    """Join partitions that follow one another in `order`: each stretch is one run."""
    place = {name: number for number, name in enumerate(order)}
    joined: list[tuple[str, str]] = []
    for name in sorted(due, key=place.__getitem__):
        if joined and place[name] == place[joined[-1][1]] + 1:
            joined[-1] = (joined[-1][0], name)
        else:
            joined.append((name, name))
    return joined
