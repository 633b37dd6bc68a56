"""Texts that a contract's pattern refuses, and headers that are on record whether their file was taken or not."""

from __future__ import annotations

import pytest

from sales_platform.components.feed_checks import staging_inspection
from sales_platform.components.load_checks import LoadChecks
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.errors import HeaderMismatch
from sales_platform_tests.faults.road import Road

CAPITALS = "^[A-Z][a-z]+$"


def patterned(road: Road) -> FileFeedContract:
    """Stores whose region begins with a capital."""
    stores = road.catalog.feeds["retail_stores"]
    region = stores.columns["region"].model_copy(update={"pattern": CAPITALS})
    return stores.model_copy(update={"columns": {**stores.columns, "region": region}, "reject_limit": 1})


def test_a_text_that_does_not_match_its_pattern_is_rejected_and_a_missing_one_passes(road: Road) -> None:
    road.put(
        "stores.csv", b'store_id,store_name,region\n1,One,North\n2,Two,north\n3,Three,\n4,Four,"No\nrth"\n'
    )

    (report,) = load_files(road.warehouse, patterned(road), [road.file("stores")])

    assert report.reasons == {"INVALID_REGION": 2}
    assert road.rows("select store_id, region from staging.retail_stores order by 1") == [
        (1, "North"),
        (3, None),
    ]
    assert [reasons for _, reasons in road.rejected("stores")] == [["INVALID_REGION"]] * 2


def test_the_pattern_check_finds_a_text_that_came_past_the_load(road: Road) -> None:
    road.put("stores.csv", b"store_id,store_name,region\n1,One,North\n2,Two,South\n")
    load_files(road.warehouse, patterned(road), [road.file("stores")])
    inspection = staging_inspection(patterned(road))

    with road.warehouse.transaction() as connection:
        (sound,) = inspection.results(connection, {"pattern"}, None)
        connection.execute("update staging.retail_stores set region = 'south' where store_id = 2")
        (found,) = inspection.results(connection, {"pattern"}, None)

    assert sound.passed
    assert (found.passed, found.description) == (False, f"1 of 2 rows: region ~ {CAPITALS}")


def test_the_header_of_a_refused_file_is_on_record_and_drift_names_what_it_lacks(road: Road) -> None:
    road.put("stores.csv", b"store_id,store_name,district\n1,One,North\n")

    with pytest.raises(HeaderMismatch):
        road.load("stores")

    checks = LoadChecks(road.catalog.feeds["retail_stores"])
    with road.warehouse.transaction() as connection:
        (drift,) = checks.results(connection, {"schema_drift"}, None)
    assert str(drift.description).startswith("not in the contract: district; lacking: region, in stores.csv@")


def test_a_first_line_that_is_a_row_is_not_on_record(road: Road) -> None:
    road.put("stores.csv", b"1,Secret Lane 7,North\n2,Two,South\n")

    with pytest.raises(HeaderMismatch):
        road.load("stores")

    assert road.rows("select columns from ops.load") == [(None,)]
