"""The share of rejected rows beyond which a load publishes nothing (Q-09). Reads `judged`, takes refused
loads out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sales_platform.engine.judging import JudgedRows
from sales_platform.engine.landing import Landed
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import OpenLoad
from sales_platform.engine.refused_samples import refused_samples
from sales_platform.errors import DataRefused


@dataclass(frozen=True)
class Candidate:
    """A load that wants to publish. landed_by: the load whose raw rows it judges; unreadable: records without
    a row.
    """

    load: OpenLoad
    landed_by: int
    unreadable: int = 0


def arrived(item: Landed) -> Candidate:
    return Candidate(item.load, item.load.load_id, len(item.bad))


def refuse_beyond_limit(call: LoadCall, candidates: Sequence[Candidate]) -> set[int]:
    """End the loads that exceed the contract's reject_limit as refused; returns the loads that landed their
    rows.
    """
    judged = _counts(call)
    refused: set[int] = set()
    for candidate in candidates:
        rows, rejected = judged.get(candidate.landed_by, (0, 0))
        total, bad = rows + candidate.unreadable, rejected + candidate.unreadable
        if total and bad / total > call.feed.reject_limit:
            error = _error(call, candidate, bad, total)
            call.fail([candidate.load.load_id], "refused", error)
            refused.add(candidate.landed_by)
    if refused:
        call.connection.execute(
            "delete from judged where _load_id = any(%s)", [[*refused, *call.corrections_to(refused)]]
        )
        call.judged = JudgedRows(
            {
                load: counts
                for load, counts in call.judged.of_load.items()
                if _landed_by(call, load) not in refused
            }
        )
    return refused


def _counts(call: LoadCall) -> dict[int, tuple[int, int]]:
    """Load → its rows in `judged` with those that correct them, and how many are rejected."""
    counts: dict[int, tuple[int, int]] = {}
    for load_id, (total, rejected) in call.judged.of_load.items():
        landed_by = _landed_by(call, load_id)
        before = counts.get(landed_by, (0, 0))
        counts[landed_by] = (before[0] + total, before[1] + rejected)
    return counts


def _landed_by(call: LoadCall, load_id: int) -> int:
    """The load whose lines a load's rows are, or correct."""
    return call.corrections.get(load_id, load_id)


def _error(call: LoadCall, candidate: Candidate, bad: int, total: int) -> DataRefused:
    judged_as = [candidate.landed_by, *call.corrections_to([candidate.landed_by])]
    reasons = call.connection.execute(
        """
        select _reasons[1], count(*), (array_agg(_source_row order by _source_row))[:5]
        from judged where _load_id = any(%s) and _reasons is not null group by 1 order by 2 desc, 1
        """,
        [judged_as],
    ).fetchall()
    named = [f"{reason} {count} ({_lines(lines)})" for reason, count, lines in reasons]
    if candidate.unreadable:
        named.append(f"unreadable {candidate.unreadable}")
    error = DataRefused(
        f"{bad} of {total} rows were rejected, more than the {_percent(call)} that the contract allows:"
        f" {'; '.join(named)}. Nothing was published; what stood still stands.",
        where=_where(candidate),
        remedy="Mend the file or the contract and run again.",
    )
    error.rejected = {candidate.load.partition: bad}
    error.samples = refused_samples(call.connection, call.feed, judged_as)
    return error


def _lines(lines: Sequence[int]) -> str:
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"


def _percent(call: LoadCall) -> str:
    return f"{(call.feed.reject_limit * 100).normalize():f} %"


def _where(candidate: Candidate) -> str:
    load = candidate.load
    return load.source if load.landed else f"raw.{load.feed}, partition {load.partition}"
