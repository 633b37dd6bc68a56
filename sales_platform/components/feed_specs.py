"""The three assets that every feed has: its source, raw and staging. How rows get there belongs to the Component."""

from collections.abc import Sequence

import dagster as dg

from sales_platform.components import pages
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed

AnyFeed = FileFeedContract | TableFeed


def source_spec(feed: AnyFeed, place: str, kind: str) -> dg.AssetSpec:
    """What lies outside the warehouse. place: where a person finds it."""
    return dg.AssetSpec(
        ["source", feed.name],
        description=f"{place} {feed.description}",
        group_name=feed.domain,
        kinds={kind},
        owners=[feed.owner],
        metadata=pages.linked(feed.domain, f"raw.{feed.name}"),
    )


def raw_spec(feed: AnyFeed, what: str, schema: dg.TableSchema) -> dg.AssetSpec:
    """As received."""
    return _table_spec(feed, "raw", [["source", feed.name]], what, schema)


def staging_spec(
    feed: AnyFeed,
    what: str,
    schema: dg.TableSchema,
    *,
    parents: Sequence[dg.AssetKey] = (),
    lineage: dg.TableColumnLineage | None = None,
) -> dg.AssetSpec:
    """What was judged. parents: tables that decide which rows are accepted."""
    told = f"{what}; key: {', '.join(feed.staging_key)}."
    spec = _table_spec(feed, "staging", [["raw", feed.name], *parents], told, schema)
    return spec.merge_attributes(metadata={"dagster/column_lineage": lineage}) if lineage else spec


def _table_spec(
    feed: AnyFeed, layer: str, deps: Sequence[dg.AssetKey | list[str]], what: str, schema: dg.TableSchema
) -> dg.AssetSpec:
    return dg.AssetSpec(
        [layer, feed.name],
        deps=deps,
        description=f"{what} {feed.description}",
        kinds={"postgres"},
        owners=[feed.owner],
        metadata={
            "dagster/table_name": f"{layer}.{feed.name}",
            "dagster/column_schema": schema,
            **pages.linked(feed.domain, f"{layer}.{feed.name}"),
        },
    )
