"""What a person declares of snapshots reaches the load as tags of its run, from the UI and the command line alike."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from sales_platform.cli import build_app
from sales_platform.components import FileFeed
from sales_platform.components.declared import meant_by, tags_of
from sales_platform.engine.snapshots import Meant
from sales_platform.engine.warehouse import Warehouse
from sales_platform.operations import running
from sales_platform.operations.materializing import materialize_in
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform_tests.engine.history.snapshots import Taken, snapshot_feed, taken

MANY = dict.fromkeys((f"m{number:02}" for number in range(40)), "A")


class Road:
    """One feed of complete snapshots as Dagster runs it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.feed = snapshot_feed()

    def run(self, snapshot: Taken, meant: Meant | None = None) -> bool:
        lines = ["k,a,part,at", *(",".join(str(v or "") for v in row) for row in snapshot.rows)]
        place = self.folder / self.feed.path
        place.parent.mkdir(exist_ok=True)
        place.write_text("\n".join(lines) + "\n", encoding="utf-8")
        resources = {
            "warehouse": WarehouseResource(url=self.url),
            "source_files": SourceFilesResource(folder=str(self.folder)),
        }
        defs = dg.Definitions.merge(
            FileFeed(self.feed).build_defs(None),  # type: ignore[arg-type]
            dg.Definitions(resources=resources, executor=dg.in_process_executor),
        )
        with dg.DagsterInstance.ephemeral() as instance:
            tags = tags_of(meant or Meant())
            return materialize_in(defs, "test", None, None, instance=instance, tags=tags).success

    def live(self) -> int:
        with Warehouse(self.url).transaction() as connection:
            row = connection.execute(
                """
                select count(*) from (
                    select distinct on (k) * from staging.test_full order by k, _snapshot_at desc
                ) as s where not _deleted
                """
            ).fetchone()
        return int(row[0]) if row else 0


def test_tags_say_what_was_declared_and_nothing_else_does() -> None:
    for meant in (Meant(), Meant(True), Meant(correction=True), Meant(True, True)):
        assert meant_by(tags_of(meant)) == meant
    assert meant_by({"sales_platform/allow_deletes": "no", "dagster/x": "true"}) == Meant()


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_a_run_follows_many_deletes_and_corrections_only_when_they_are_declared(
    warehouse_url: str, tmp_path: Path
) -> None:
    road = Road(warehouse_url, tmp_path)
    assert road.run(Taken(10, MANY))
    few = taken(20, m00="A")
    assert (road.run(few), road.live()) == (False, 40)
    assert (road.run(few, Meant(allow_deletes=True)), road.live()) == (True, 1)
    other = taken(20, m00="A", m01="A")
    assert (road.run(other), road.live()) == (False, 1)
    assert (road.run(other, Meant(allow_deletes=True, correction=True)), road.live()) == (True, 2)


def test_the_options_of_run_declare_both(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, object] = {}

    def run(*_: object, **words: object) -> running.RunSummary:
        heard.update(words)
        return running.RunSummary((), (), (), 0, False, True)

    monkeypatch.setattr(running, "run", run)
    result = CliRunner().invoke(build_app(), ["run", "retail", "--allow-deletes", "--correction"])
    assert (heard["allow_deletes"], heard["correction"], result.exit_code) == (True, True, 3)
