"""The small domain of the history tests: events of things, a list of things, facts about them. No data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.table import SqlTableContract

EVENT_COLUMNS: dict[str, Any] = {
    "k": {"type": "text", "required": True},
    "ts": {"type": "timestamptz", "required": True, "zone": "UTC"},
    "op": {"type": "text"},
    "a": {"type": "text"},
    "b": {"type": "text"},
}
FACT_COLUMNS: dict[str, Any] = {
    "id": {"type": "bigint", "required": True},
    "k": {"type": "text"},
    "at": {"type": "timestamptz", "required": True, "zone": "UTC"},
    "amount": {"type": "numeric(12,2)", "required": True},
}
FACT_SQL = """
select f._partition, f.id, f.k, f.at, f.amount from staging.test_facts as f
where f._partition = any(:'partitions'::text [])
"""
MART_SQL = """
select
    f._partition, coalesce(t.a, 'none') as a, count(*) as facts, sum(f.amount) as amount,
    count(*) filter (where f.thing_version_inferred) as inferred, min(t.b) as b
from analytics.fact_thing as f
inner join analytics.dim_thing as t on f.thing_key = t.thing_key
where f._partition = any(:'partitions'::text [])
group by f._partition, coalesce(t.a, 'none')
"""


def events_feed(partitions: str = "none", **words: Any) -> FileFeedContract:
    """Events of things; a row whose op is D deletes."""
    settings: dict[str, Any] = {
        "domain": "test",
        "table": "events",
        "path": "test/*.csv" if partitions == "per_file" else "test/events.csv",
        "description": "Events of things",
        "partitions": partitions,
        "key": ["k"],
        "event_time": "ts",
        "deleted_when": "op = 'D'",
        "columns": EVENT_COLUMNS,
    }
    return FileFeedContract.model_validate({**settings, **words})


def list_feed(**words: Any) -> FileFeedContract:
    """The list of things, overwritten; a line that differs from the landing before is an event."""
    columns = {name: EVENT_COLUMNS[name] for name in ("k", "a", "b")}
    settings: dict[str, Any] = {
        "domain": "test",
        "table": "list",
        "path": "test/list.csv",
        "description": "List of things",
        "versions": True,
        "key": ["k"],
        "columns": {**columns, "created_at": {"type": "timestamptz", "required": True, "zone": "UTC"}},
    }
    return FileFeedContract.model_validate({**settings, **words})


def facts_feed(**words: Any) -> FileFeedContract:
    settings: dict[str, Any] = {
        "domain": "test",
        "table": "facts",
        "path": "test/facts/{partition:%Y/%m/%d}.csv",
        "description": "Facts about things, by day",
        "partitions": "daily",
        "key": ["id"],
        "empty": "allow",
        "columns": FACT_COLUMNS,
    }
    return FileFeedContract.model_validate({**settings, **words})


def things(**words: Any) -> DimensionContract:
    """History of `a`; `b` is overwritten."""
    settings: dict[str, Any] = {
        "domain": "test",
        "table": "dim_thing",
        "description": "Things",
        "key": ["k"],
        "track": ["a"],
        "overwrite": ["b"],
        "events": [{"from": "staging.test_events", "valid_from": "ts"}],
    }
    return DimensionContract.model_validate({**settings, **words})


def facts_table() -> SqlTableContract:
    return SqlTableContract.model_validate(
        {
            "domain": "test",
            "table": "analytics.fact_thing",
            "description": "Facts about things",
            "grain": ["id"],
            "load": "replace_partition",
            "dimensions": {"thing": {"dimension": "dim_thing", "at": "at"}},
        }
    )


def daily_mart() -> SqlTableContract:
    return SqlTableContract.model_validate(
        {
            "domain": "test",
            "table": "marts.test_daily",
            "description": "Facts by day and state in force",
            "grain": ["_partition", "a"],
            "load": "replace_partition",
        }
    )


def write_selects(root: Path) -> None:
    """The SQL files of the fact and the mart, where their names say."""
    for table, text in ((facts_table(), FACT_SQL), (daily_mart(), MART_SQL)):
        path = root / table.sql_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def catalog_of(root: Path, *contracts: FileFeedContract | DimensionContract | SqlTableContract) -> Catalog:
    catalog = Catalog(root=root)
    for contract in contracts:
        catalog.add(contract)
    return catalog
