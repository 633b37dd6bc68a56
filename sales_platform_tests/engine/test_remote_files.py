"""Source files behind a URL: found, told apart, loaded and replaced like those of a folder; faults name the file."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from fsspec.core import url_to_fs

from sales_platform.engine import file_systems
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import existing_days, existing_files, locate
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.strays import strays
from sales_platform.errors import ConfigurationError, FileMissing, SourceError, SourceNotReady
from sales_platform.settings import Settings
from sales_platform_tests.defs.channels_road import HEADER, ChannelsRoad, line
from sales_platform_tests.s3_server import s3_bucket

DAY, NEXT, LATE = (date(2026, 3, day) for day in (1, 2, 3))
DAILY = "channels/raw/{partition:%Y/%m/%d}/transactions.csv"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_bucket("shop") as url:
        yield url


@pytest.fixture(params=["memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    root = request.getfixturevalue("s3") if request.param == "s3" else "memory://shop"
    return f"{root}/{tmp_path.name}"


def put(url: str, path: str, content: bytes) -> None:
    """As another process would, of which this one's memory of listings knows nothing."""
    files, place = url_to_fs(f"{url}/{path}", skip_instance_cache=True)
    files.pipe_file(place, content)


def put_day(url: str, day: date, *numbers: int, packed: bool = False) -> None:
    text = "".join(f"{row}\n" for row in (HEADER, *(line(number, day.isoformat()) for number in numbers)))
    put(
        url,
        f"channels/raw/{day:%Y/%m/%d}/transactions.csv",
        gzip.compress(text.encode()) if packed else text.encode(),
    )


def test_files_are_found_by_day_and_by_name_as_soon_as_they_are_there(url: str) -> None:
    assert Settings(data_root=url).data_root == url
    assert existing_days(url, DAILY) == []
    put_day(url, NEXT, 1)
    put_day(url, DAY, 1)
    for name in ("part10.csv", "part9.csv"):
        put(url, f"billing/{name}", b"a\n")
    assert existing_days(url, DAILY) == [DAY, NEXT]
    put_day(url, LATE, 1)
    assert existing_days(url, DAILY) == [DAY, NEXT, LATE]
    assert existing_files(url, "billing/*.csv") == ["part9.csv", "part10.csv"]
    assert locate(url, DAILY, DAY).path == "channels/raw/2026/03/01/transactions.csv"


def test_a_missing_file_names_the_url_looked_for_and_a_shipped_one_stands_in(url: str) -> None:
    with pytest.raises(FileMissing) as caught:
        locate(url, DAILY, DAY)
    assert f"{url}/channels/raw/2026/03/01/transactions.csv" in str(caught.value)
    shipped = locate(url, "channels/reference/dim_city.csv", None, shipped="channels/dim_city.csv")
    assert shipped.path == "channels/reference/dim_city.csv (as shipped)"
    assert shipped.size() > 0


def test_no_url_leads_out_of_its_prefix(url: str) -> None:
    with pytest.raises(SourceError, match="leads out of the data folder"):
        locate(url, "../other/secret.csv", None)


def test_another_content_is_seen_by_a_look_and_by_its_hash(url: str) -> None:
    put(url, "a.csv", b"a\n1\n")
    file = locate(url, "a.csv", None)
    look, content = file.look(), file.content_hash()
    assert (locate(url, "a.csv", None).look(), file.content_hash()) == (look, content)
    put(url, "a.csv", b"a\n2\n")
    assert file.look() != look
    assert file.content_hash() != content


def test_days_behind_a_url_are_loaded_left_alone_replaced_and_read_from_gzip(
    url: str, warehouse_url: str, tmp_path: Path
) -> None:
    road = ChannelsRoad(warehouse_url, tmp_path)
    road.load_lists()
    put_day(url, DAY, *range(1, 21))
    put_day(url, NEXT, *range(21, 31), packed=True)

    def load() -> list[LoadReport]:
        days = existing_days(url, road.transactions.path)
        files = [locate(url, road.transactions.path, day) for day in days]
        return load_files(road.warehouse, road.transactions, files)

    assert [(report.status, report.loaded) for report in load()] == [("succeeded", 20), ("succeeded", 10)]
    assert [report.status for report in load()] == ["unchanged", "unchanged"]
    put_day(url, DAY, *range(2, 21), 41)
    changed = load()[-1]
    assert (changed.status, changed.partition, changed.loaded) == ("succeeded", DAY.isoformat(), 1)
    road.publish()
    assert road.rows("select count(*) from analytics.fact_transaction") == [(30,)]
    assert road.verify() == []
    assert strays(url, road.transactions) == ()
    put(url, "channels/raw/2026/03/01/transactions (1).csv", b"x")
    assert strays(url, road.transactions) == ("channels/raw/2026/03/01/transactions (1).csv",)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (EndpointConnectionError(endpoint_url="http://nowhere"), SourceNotReady),
        (TimeoutError(), SourceNotReady),
        (NoCredentialsError(), SourceError),
        (PermissionError(13, "Permission denied"), SourceError),
    ],
)
def test_a_fault_of_the_storage_names_the_file_and_may_pass_or_not(
    raised: Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught, file_systems.named("a.csv", "The file cannot be read"):
        raise raised
    assert str(caught.value).startswith("a.csv: The file cannot be read")


def test_a_url_that_nothing_can_reach_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match="SALES_PLATFORM_DATA: files behind carrier-pigeon://"):
        existing_days("carrier-pigeon://shop", DAILY)


def test_what_writes_source_files_refuses_a_url() -> None:
    with pytest.raises(ConfigurationError, match="SALES_PLATFORM_DATA"):
        _ = Settings(data_root="s3://shop").data
