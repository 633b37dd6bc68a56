"""S-10: the same events, however cut and shuffled, make the same history. Content against an oracle in plain Python."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sales_platform_tests.engine.history.contracts import events_feed
from sales_platform_tests.engine.history.oracle import Event, history_of
from sales_platform_tests.engine.history.scenario import History
from sales_platform_tests.engine.history.world import event_row, version_rows

KEYS = "pqrst"


def _events(seed: int, count: int) -> list[Event]:
    """20 % deletes, 15 % repeats, 25 % NULLs; every (thing, time) has one truth."""
    dice = random.Random(seed)
    times = dice.sample(range(10 * count), count)
    events = [_event(dice, at) for at in times]
    return events + [dice.choice(events) for _ in range(round(count * 0.15 / 0.85))]


def _event(dice: random.Random, at: int) -> Event:
    if dice.random() < 0.2:
        return Event(None, at, None, dice.choice(KEYS), "D")
    a, b = (None if dice.random() < 0.25 else dice.choice("AB") for _ in range(2))
    return Event(a, at, b, dice.choice(KEYS))


def _load_all(history: History, batches: list[list[Event]]) -> None:
    for number, batch in enumerate(batches):
        history.load_rows(history.feed, map(event_row, batch), f"part_{number}.csv")
        history.refresh(history.dimension)


@pytest.mark.parametrize("partitions", ["none", "per_file"])
@pytest.mark.parametrize(
    ("cut", "count"), [("sorted in one batch", 425), ("shuffled in 8 batches", 425), ("one by one", 30)]
)
def test_s_10_random_events_in_any_order_give_one_history(
    warehouse_url: str, tmp_path: Path, cut: str, count: int, partitions: str
) -> None:
    _prove(warehouse_url, tmp_path, 20240101, count, cut, partitions)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cut", ["sorted in one batch", "shuffled in 8 batches", "one by one"])
def test_s_10_500_random_events_of_many_seeds(
    warehouse_url: str, tmp_path: Path, cut: str, seed: int
) -> None:
    _prove(warehouse_url, tmp_path, seed, 425, cut, "none")


def _prove(url: str, folder: Path, seed: int, count: int, cut: str, partitions: str) -> None:
    history = History(url, folder, events_feed(partitions))
    events = _events(seed, count)
    random.Random(seed + 1).shuffle(events)
    batches = {
        "sorted in one batch": [sorted(events, key=lambda event: event.moment)],
        "shuffled in 8 batches": [events[place::8] for place in range(8)],
        "one by one": [[event] for event in events],
    }[cut]
    _load_all(history, batches)
    assert version_rows(history) == history_of(events), f"seed {seed}"
    assert history.differences() == [], f"seed {seed}"
