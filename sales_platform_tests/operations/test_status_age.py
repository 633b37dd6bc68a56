"""How fresh status says that a feed is: what its check `freshness` says at the same moment."""

from __future__ import annotations

from datetime import timedelta

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.warehouse import Warehouse
from sales_platform.operations.simulating import simulate_retail, yesterday
from sales_platform.operations.status import FeedAge, status
from sales_platform.settings import Settings

SALES = read_catalog().feeds["retail_sales"]


def age(settings: Settings, feed: str = "retail_sales") -> FeedAge:
    found = next(found.age for found in status(settings) if found.feed == feed)
    assert found is not None
    return found


def test_i_34_a_feed_that_never_came_is_of_unknown_age(settings: Settings) -> None:
    assert age(settings) == FeedAge("unknown", None)


def test_the_age_of_a_daily_feed_counts_from_the_end_of_its_newest_day(
    settings: Settings, warehouse: Warehouse
) -> None:
    simulate_retail(settings, days=5)
    days = [yesterday(settings) - timedelta(days=back) for back in (4, 0)]
    load_files(warehouse, SALES, [locate(settings.data, SALES.path, days[0])])
    old = age(settings)
    load_files(warehouse, SALES, [locate(settings.data, SALES.path, days[1])])
    fresh = age(settings)

    assert (old.verdict, fresh.verdict) == ("too old", "fresh")
    assert old.seconds is not None
    assert fresh.seconds is not None
    assert 0 <= fresh.seconds <= 86_400
    assert 4 * 86_400 - 600 <= old.seconds - fresh.seconds <= 4 * 86_400


def test_a_list_is_as_old_as_the_last_look_at_it(settings: Settings, warehouse: Warehouse) -> None:
    simulate_retail(settings, days=1)
    stores = read_catalog().feeds["retail_stores"]
    load_files(warehouse, stores, [locate(settings.data, stores.path, None)])
    with warehouse.transaction() as connection:
        connection.execute("update ops.load set started_at = started_at - interval '900 days'")
    long_ago = age(settings, "retail_stores")
    assert long_ago.verdict == "fresh"
    assert (long_ago.seconds or 0) >= 900 * 86_400

    load_files(warehouse, stores, [locate(settings.data, stores.path, None)])

    found = age(settings, "retail_stores")
    assert found.verdict == "fresh"
    assert found.seconds is not None
    assert found.seconds < 86_400
