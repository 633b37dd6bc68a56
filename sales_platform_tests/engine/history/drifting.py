"""A source whose columns change, and the contract with it: files with any header, by each road. No expectations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile
from sales_platform.engine.reports import LoadReport
from sales_platform_tests.engine.history.contracts import (
    EVENT_COLUMNS,
    catalog_of,
    events_feed,
    list_feed,
    things,
)
from sales_platform_tests.engine.history.oracle import minute
from sales_platform_tests.engine.history.world import World, stamps

TEXT: dict[str, Any] = {"type": "text"}
ROADS = {"landings": "none", "files": "per_file"}


class Drifting(World):
    """road: `landings` and `files` of events, or `list`, whose events are its landings.

    Change `columns`, `dimension` or `feed_words`, as a person edits a contract; the next load or refresh goes by them.
    """

    def __init__(self, url: str, folder: Path, road: str) -> None:
        super().__init__(url, folder, catalog_of(folder))
        self.road = road
        self.columns: dict[str, dict[str, Any]] = {"a": TEXT}
        self.dimension_words: dict[str, Any] = {"track": ["a"], "overwrite": []}
        self.feed_words: dict[str, Any] = {}
        self.files = 0
        self.standing: dict[str, SourceFile] = {}

    @property
    def feed(self) -> FileFeedContract:
        columns = {"k": EVENT_COLUMNS["k"], "ts": EVENT_COLUMNS["ts"], **self.columns}
        words = {"columns": columns, **self.feed_words}
        if self.road == "list":
            return list_feed(**words)
        return events_feed(ROADS[self.road], deleted_when=None, **words)

    @property
    def dimension(self) -> DimensionContract:
        source = {"from": f"staging.{self.feed.name}", "valid_from": "ts"}
        if self.road == "list":
            source["later"] = "_snapshot_at"
        return things(**{"events": [source], **self.dimension_words})

    def edit(self, track: str = "", overwrite: str = "", **columns: Mapping[str, Any] | None) -> None:
        """Columns that are given come or change, None takes one out; track and overwrite: names, one letter each."""
        merged = {**self.columns, **columns}
        self.columns = {name: dict(column) for name, column in merged.items() if column is not None}
        if track:
            self.dimension_words |= {"track": [*track], "overwrite": [*overwrite]}

    def land(self, *rows: Mapping[str, object], name: str | None = None) -> LoadReport:
        """One file, beside those that stand, with the columns of its first row; ts: minutes; a list has one for all."""
        self.files += 1
        place = self.folder / f"{self.feed.table}_{self.files}.csv"
        header = [*rows[0]]
        lines = [header, *([self._text(column, row[column]) for column in header] for row in rows)]
        place.write_text("\n".join(",".join(line) for line in lines) + "\n", encoding="utf-8", newline="")
        partition = f"{self.feed.table}.csv"
        if self.road == "files":
            partition = name or f"part_{self.files}.csv"
        file = SourceFile(place.name, str(place), partition)
        others = [standing for name, standing in self.standing.items() if name != partition]
        reports = load_files(self.warehouse, self.feed, [*others, file])
        self.standing[partition] = file
        return next(report for report in reports if report.source == file.path)

    def load(self, *rows: Mapping[str, object], name: str | None = None) -> LoadReport:
        """Land, refresh, and prove that a rerun writes nothing and a rebuild gives the same."""
        report = self.land(*rows, name=name)
        self.settle()
        return report

    def settle(self) -> None:
        self.refresh(self.dimension)
        before = stamps(self, "analytics.dim_thing")
        self.refresh(self.dimension)
        self.refresh(self.dimension, everything=True)
        assert stamps(self, "analytics.dim_thing") == before
        self.catalog = catalog_of(self.folder, self.feed, self.dimension)
        assert self.differences() == []

    def states(self, columns: str = "a", k: str = "k") -> list[tuple[Any, ...]]:
        """The named columns of the versions of a key, by start."""
        return self.query(
            f"select {columns} from analytics.dim_thing where k::text = %s order by effective_start_date", k
        )

    def keys(self, k: str = "k") -> list[int]:
        return [row[0] for row in self.states("thing_key", k)]

    def _text(self, column: str, value: object) -> str:
        if column == "ts" and isinstance(value, int):
            return minute(1 if self.road == "list" else value).isoformat()
        return "" if value is None else f'"{value}"'


def row(at: int, k: object = "k", **values: object) -> dict[str, object]:
    return {"k": k, "ts": at, **values}
