"""Which assets without partitions a run has to take: lists that changed, and tables older than their input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.affected import logic_hash
from sales_platform.engine.files import locate
from sales_platform.engine.loads import STANDING, load_states
from sales_platform.engine.publish import stale_partitions
from sales_platform.engine.versions import table_is_stale
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import FileMissing, SourceError, SourceNotReady
from sales_platform.operations.planning import Why
from sales_platform.settings import Settings


@dataclass(frozen=True)
class Undated:
    """assets: what to run, as `schema/table`. missing_paths: files of lists that stand loaded, but are gone."""

    assets: tuple[str, ...] = ()
    missing_paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListState:
    """A feed without partitions. why: the reason to load it. missing: the path, where its file is not there."""

    loaded: bool
    why: Why | None = None
    missing: str | None = None


def survey_undated(
    settings: Settings, connection: Connection, assets: Sequence[str], *, force: bool
) -> Undated:
    """Of these assets, those that owe something. A list whose file is gone keeps what stands and is named."""
    catalog = read_catalog()
    feeds = [feed for feed in catalog.feeds.values() if f"raw/{feed.name}" in assets]
    states = {feed.name: list_state(settings, connection, feed) for feed in feeds}
    gone = {name for name, state in states.items() if state.missing and state.loaded}
    idle = {name for name, state in states.items() if not (force or state.why or state.missing)} | gone
    tables = [name for name in assets if not name.startswith(("raw/", "staging/"))]
    due = [name for name in assets if name not in tables and name.split("/")[1] not in idle]
    if due or force or any(_is_stale(connection, catalog, name) for name in tables):
        due += tables
    return Undated(tuple(due), tuple(str(states[name].missing) for name in sorted(gone)))


def list_state(settings: Settings, connection: Connection, feed: FileFeedContract) -> ListState:
    """Compare the file of a feed without partitions with its newest load and with the content that stands."""
    states = load_states(connection, feed, settings.zone)
    try:
        file = locate(settings.data_root, feed.path, None, shipped=feed.shipped)
        content = file.content_hash()
    except FileMissing as missing:
        return ListState(bool(states), missing=missing.where or feed.path)
    except (SourceError, SourceNotReady):
        # its load says why
        return ListState(bool(states), Why.CHANGED)
    if not states:
        return ListState(loaded=False, why=Why.NEVER_LOADED)
    newest = max(states.values(), key=lambda state: state.load_id)
    landed = max(states.values(), key=lambda state: state.landed_load_id or 0)
    if newest.status not in STANDING:
        return ListState(landed.landed_load_id is not None, Why.FAILED)
    if landed.content_hash != content:
        return ListState(loaded=True, why=Why.CHANGED)
    return ListState(loaded=True, why=None if landed.judged_by_current_contract else Why.CONTRACT)


def _is_stale(connection: Connection, catalog: Catalog, asset: str) -> bool:
    """Whether a dimension or table lacks something of its input; true for an asset that no contract declares."""
    name = asset.replace("/", ".")
    if name in catalog.tables:
        return stale_partitions(connection, catalog.tables[name]) != []
    dimension = catalog.dimensions.get(name.partition(".")[2])
    if dimension is None:
        return True
    inputs = [events.source for events in dimension.events]
    return table_is_stale(connection, dimension.name, inputs, logic_hash(dimension))
