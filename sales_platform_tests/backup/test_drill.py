"""The warehouse is lost entirely: a backup, a rebuild, and every table is there again, row for row and key for key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest

from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.restoring import restore
from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.migrations import migrate
from sales_platform.engine.rebuild import rebuild, rebuild_order, verify
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import RestoreRefused
from sales_platform_tests.acceptance.loaded_company import founded, load
from sales_platform_tests.backup.scenes import rows, run

NewDatabase = Callable[[], str]
LAYERS = ("raw", "staging", "analytics", "marts", "quality")


def layers(url: str, *schemas: str) -> Mapping[str, list[str]]:
    return {name: content for name, content in rows(url).items() if name.partition(".")[0] in schemas}


@pytest.mark.slow
def test_k_03_everything_is_lost_and_comes_back_and_the_next_run_goes_on(
    new_database: NewDatabase, migrated_template: str, store: FileStore, tmp_path: Path
) -> None:
    invoicing, accounts, lost = new_database(), new_database(), new_database()
    migrate(lost)
    company = founded(tmp_path / "data", invoicing, accounts)
    load(company, Warehouse(lost))
    made = layers(lost, "staging", "analytics", "marts")
    kept = layers(lost, "raw", "quality")
    assert len(made) > 40
    assert all(made[f"analytics.{name}"] for name in ("dim_client", "fact_sales", "fact_invoice_item"))
    before = keys(lost)
    backup = create_backup(lost, store, "warehouse")

    # the company goes on, and the warehouse learns of it before it is lost: keys are issued that the backup lacks
    run(invoicing, "update invoicing.clients set client_name = client_name || ' II', updated_at = now()")
    load(company, Warehouse(lost))
    issued = keys(lost) - before
    assert issued

    # an empty database, migrated as `up` does
    fresh = new_database()
    migrate(fresh)
    restored = restore(store, backup, fresh)
    assert "sales-platform rebuild" in restored.notes[0]
    catalog = read_catalog()
    list(rebuild(Warehouse(fresh), catalog, rebuild_order(catalog)))
    assert layers(fresh, "raw", "quality") == kept
    assert layers(fresh, "staging", "analytics", "marts") == made
    assert verify(Warehouse(fresh), catalog) == []
    with pytest.raises(RestoreRefused, match="not empty"):
        restore(store, backup, fresh)

    # the next run reads what the lost one had read: the same state of the company, no row twice, and keys of its own
    load(company, Warehouse(fresh))
    assert verify(Warehouse(fresh), catalog) == []
    assert versions(fresh) == versions(lost)
    assert {name: len(content) for name, content in layers(fresh, *LAYERS).items()} == {
        name: len(content) for name, content in layers(lost, *LAYERS).items()
    }
    assert before < keys(fresh)
    assert len(keys(fresh)) == len(keys(lost))
    assert min(keys(fresh) - before) >= 1_000_000_000


def versions(url: str) -> list[tuple[object, ...]]:
    """What the dimension that changed says, without its keys."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            """select client_id, client_name, effective_start_date::text, effective_end_date::text
            from analytics.dim_client order by 1, 3"""
        ).fetchall()


def keys(url: str) -> set[int]:
    with psycopg.connect(url) as connection:
        return {
            key for (key,) in connection.execute("select surrogate_key from ops.surrogate_key").fetchall()
        }
