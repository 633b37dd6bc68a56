"""Tables that decide about a feed's rows because its contract holds or rejects what they do not know. When one of them
changed, what was judged by it is judged again.
"""

from __future__ import annotations

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.staging import staging_name
from sales_platform.engine.versions import consume_tables, consumed_version, published_version
from sales_platform.engine.warehouse import Connection


def deciding_parents(feed: FileFeedContract) -> list[str]:
    """Staging tables whose rows decide; a parent that is inferred where it lacks decides nothing (Q-15)."""
    return sorted(
        {
            column.reference.table
            for column in feed.columns.values()
            if column.reference and column.reference.missing != "infer"
        }
    )


def parents_changed(connection: Connection, feed: FileFeedContract) -> bool:
    """Whether a deciding parent is another than when the feed was last judged."""
    name = str(staging_name(feed))
    return any(
        (consumed_version(connection, name, parent, feed.judgement_hash) or 0)
        != published_version(connection, parent)
        for parent in deciding_parents(feed)
    )


def note_parents(connection: Connection, feed: FileFeedContract) -> None:
    """Write down by which parents the feed is judged now."""
    parents = deciding_parents(feed)
    if parents:
        consume_tables(connection, str(staging_name(feed)), parents, feed.judgement_hash)
