"""`History`: one dimension fed by one feed of events, step by step; every step proves the invariants of history."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile
from sales_platform.engine.reports import LoadReport
from sales_platform_tests.engine.history.contracts import catalog_of, events_feed, things
from sales_platform_tests.engine.history.oracle import Event, Version, history_of
from sales_platform_tests.engine.history.world import World, event_row, spoken, stamps, version_rows


class History(World):
    """`.load(up("A", 10), gone(20))`, then `.versions() == "A[10,20)"`."""

    def __init__(
        self,
        url: str,
        folder: Path,
        feed: FileFeedContract | None = None,
        dimension: DimensionContract | None = None,
    ) -> None:
        self.feed = feed or events_feed()
        self.dimension = dimension or things()
        super().__init__(url, folder, catalog_of(folder, self.feed, self.dimension))
        self.accepted: list[Event] = []
        self.last: SourceFile | None = None
        self.loads = 0

    def load(self, *events: Event, rejected: int = 0) -> LoadReport:
        """Land the events as one file, refresh, and check. rejected: how many of them must be refused."""
        self.loads += 1
        name = f"part_{self.loads}.csv" if self.feed.partitions == "per_file" else None
        self.last = self.file(self.feed, map(event_row, events), name)
        (report,) = load_files(self.warehouse, self.feed, [self.last])
        assert report.rejected == rejected, report
        self.refresh(self.dimension)
        if not rejected:
            self.accepted += events
        self.check(report)
        return report

    def versions(self, k: str = "k") -> str:
        return spoken(v for v in version_rows(self) if v.k == k)

    def surrogates(self, k: str = "k") -> list[int]:
        """Surrogate keys of the versions, by start."""
        rows = self.query(
            "select thing_key from analytics.dim_thing where k = %s order by effective_start_date", k
        )
        return [row[0] for row in rows]

    def states(self, k: str = "k") -> list[tuple[str | None, str | None]]:
        """(a, b) of the versions, by start."""
        return [(v.a, v.b) for v in version_rows(self) if v.k == k]

    def stamp_of(self, key: int) -> tuple[str, str]:
        (row,) = self.query(
            "select ctid::text, xmin::text from analytics.dim_thing where thing_key = %s", key
        )
        return row[0], row[1]

    def check(self, report: LoadReport) -> None:
        found = version_rows(self)
        _check_chain(found)
        self._check_gaps(found)
        assert found == history_of(self.accepted)
        _check_conservation(self, report)
        self._check_rerun_writes_nothing()
        assert self.differences() == []

    def _check_gaps(self, versions: list[Version]) -> None:
        """A version ends before the next one only where a delete was seen; so for the last version that ended."""
        deletes = set(self.query("select k, ts from staging.test_events where _deleted"))
        for version, following in pairwise([*versions, None]):
            assert version is not None
            touching = following is not None and (following.k, following.start) == (version.k, version.end)
            assert version.end is None or touching or (version.k, version.end) in deletes

    def _check_rerun_writes_nothing(self) -> None:
        tables = ("staging.test_events", "analytics.dim_thing")
        before = [stamps(self, table) for table in tables]
        assert self.last is not None
        (again,) = load_files(self.warehouse, self.feed, [self.last])
        assert again.status == "unchanged"
        self.refresh(self.dimension)
        self.refresh(self.dimension, everything=True)
        assert [stamps(self, table) for table in tables] == before


def _check_chain(versions: list[Version]) -> None:
    assert all(v.end is None or v.start < v.end for v in versions)
    for one, two in pairwise(versions):
        if one.k == two.k:
            assert one.end is not None, "two open versions, or an open one before the last"
            assert one.end <= two.start, "versions overlap"
            assert one.end < two.start or one.a != two.a, "touching versions are of one state"


def _check_conservation(history: History, report: LoadReport) -> None:
    names = {field.name for field in fields(report)} & {
        "loaded", "unchanged", "duplicate", "superseded", "rejected",
    }  # fmt: skip
    assert report.read == sum(getattr(report, name) for name in names)
    quarantined = history.query(
        "select count(*) from quality.rejected_record where last_load_id = %s and resolved_at is null",
        report.load_id,
    )
    assert quarantined == [(report.rejected,)]
