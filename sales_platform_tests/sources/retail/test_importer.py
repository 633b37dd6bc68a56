"""An export of the real retail system lands in the platform's layout, to the row and to the byte."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_platform.errors import FileEmpty, FileMissing, HeaderMismatch, SourceError
from sales_platform.sources.retail.importer import import_retail
from sales_platform_tests.sources.retail.test_generator import contents

HEADER = b"sale_id,customer_id,product_id,store_id,sale_timestamp,quantity,revenue\n"
MONDAY = b"1,1,1,1,2025-09-01T08:00:00,1,3.5\n"
TUESDAY = b"2,1,1,1,2025-09-02T08:00:00,2,7\n"
FIRST_FILE = "retail/sales/2025/09/01/sales.csv"
SECOND_FILE = "retail/sales/2025/09/02/sales.csv"

UNDATED = {
    "customers": b"customer_id,full_name,email,loyalty_tier,created_at\n",
    "customers_updates": b"customer_id,full_name,email,loyalty_tier,updated_at\n",
    "products": b"product_id,product_name,category,unit_price\n",
    "stores": b"store_id,store_name,region\n",
}

Export = Callable[[bytes], Path]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    def write(sales: bytes) -> Path:
        folder = tmp_path / "export"
        folder.mkdir(exist_ok=True)
        for name, content in (UNDATED | {"sales": sales}).items():
            (folder / f"{name}.csv").write_bytes(content)
        return folder

    return write


def test_every_real_sale_lands_on_its_day_with_its_text_unchanged(tmp_path: Path, shared_data: Path) -> None:
    done = import_retail(shared_data / "retail", tmp_path, UTC)
    source = pd.read_csv(shared_data / "retail" / "sales.csv", dtype=str, keep_default_na=False)
    expected = dict(list(source.groupby(source["sale_timestamp"].str[:10])))
    files = {
        "-".join(path.parts[-4:-1]): pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in (tmp_path / "retail" / "sales").rglob("sales.csv")
    }
    assert files.keys() == expected.keys()
    for day, rows in files.items():
        assert rows.to_numpy().tolist() == expected[day].to_numpy().tolist()
    assert sum(map(len, files.values())) == 50_000
    assert {table.table: table.rows for table in done.landed} == {
        "customers": 500,
        "customer_updates": 90,
        "products": 200,
        "stores": 20,
        "sales": 50_000,
    }
    assert (f"{done.first_day}", f"{done.last_day}", done.undated) == (min(expected), max(expected), 0)


def test_the_undated_real_files_land_byte_by_byte(tmp_path: Path, shared_data: Path) -> None:
    import_retail(shared_data / "retail", tmp_path, UTC)
    landed = contents(tmp_path / "retail")
    assert landed["customer_updates.csv"] == (shared_data / "retail" / "customers_updates.csv").read_bytes()
    for name in ("customers.csv", "products.csv", "stores.csv"):
        assert landed[name] == (shared_data / "retail" / name).read_bytes()


def test_a_second_import_touches_no_file(tmp_path: Path, export: Export) -> None:
    folder = export(HEADER + TUESDAY + MONDAY)
    data = tmp_path / "data"
    import_retail(folder, data, UTC)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    again = import_retail(folder, data, UTC)
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before
    assert {table.changed for table in again.landed} == {0}


@pytest.mark.parametrize(
    "undated",
    [
        b"3,1,1,1,2025-02-31T08:00:00,1,3.5\n",
        b"3,1,1,1,,1,3.5\n",
        b"3,1,1,1,20250902,1,3.5\n",
        b"3,1,1,1,2025-W36-2,1,3.5\n",
        b"3,1,1,1,2025-09-02T08:00:00,1\n",
        b'3,1,1,1,"2025-09-02T08:00:00,1,3.5\n',
        b"3,1,1,1,2025-09-02T08:00:00,1,\xff\n",
    ],
    ids=["31 February", "empty", "no dashes", "week date", "ragged", "open quote", "Latin-1"],
)
def test_a_sale_without_a_readable_day_lands_unchanged_behind_the_first_days_sales(
    tmp_path: Path, export: Export, undated: bytes
) -> None:
    done = import_retail(export(HEADER + undated + TUESDAY + MONDAY), tmp_path, UTC)
    assert contents(tmp_path)[FIRST_FILE] == HEADER + MONDAY + undated
    assert contents(tmp_path)[SECOND_FILE] == HEADER + TUESDAY
    assert (done.undated, done.landed[-1].rows) == (1, 3)


def test_quoted_fields_with_line_ends_and_delimiters_survive(tmp_path: Path, export: Export) -> None:
    header = b"remark," + HEADER
    record = b'"two\nlines, a ""comma""","1",1,1,1,"2025-09-02T08:00:00",1,3.5\n'
    import_retail(export(header + b"," + MONDAY + record), tmp_path, UTC)
    assert contents(tmp_path)[SECOND_FILE] == header + record


def test_byte_order_mark_windows_line_ends_and_semicolons_stay(tmp_path: Path, export: Export) -> None:
    text = (HEADER + MONDAY + TUESDAY).replace(b"\n", b"\r\n").replace(b",", b";")
    import_retail(export(b"\xef\xbb\xbf" + text), tmp_path, UTC)
    expected = b"\xef\xbb\xbf" + (HEADER + TUESDAY).replace(b"\n", b"\r\n").replace(b",", b";")
    assert contents(tmp_path)[SECOND_FILE] == expected


def test_a_last_line_without_line_end_is_a_sale(tmp_path: Path, export: Export) -> None:
    import_retail(export(HEADER + MONDAY + TUESDAY.rstrip()), tmp_path, UTC)
    assert contents(tmp_path)[SECOND_FILE] == HEADER + TUESDAY


def test_a_sale_with_an_offset_belongs_to_its_business_day(tmp_path: Path, export: Export) -> None:
    late = b"2,1,1,1,2025-09-01T23:30:00+00:00,2,7\n"
    import_retail(export(HEADER + MONDAY + late), tmp_path, ZoneInfo("Europe/Paris"))
    assert contents(tmp_path)[SECOND_FILE] == HEADER + late


@given(
    records=st.lists(
        st.one_of(
            st.sampled_from([MONDAY, TUESDAY]),
            st.text(alphabet=',"\n\\.a1', max_size=12).map(lambda text: text.encode() + b"\n"),
        ),
        max_size=12,
    )
)
def test_every_record_of_any_export_stands_in_exactly_one_file(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes]
) -> None:
    data = tmp_path_factory.mktemp("data")
    folder = tmp_path_factory.mktemp("export")
    sales = HEADER + MONDAY + b"".join(records)
    for name, content in (UNDATED | {"sales": sales}).items():
        (folder / f"{name}.csv").write_bytes(content)
    import_retail(folder, data, UTC)
    files = contents(data / "retail" / "sales").values()
    landed = [line for content in files for line in lines(content)]
    assert sorted(landed) == sorted(lines(sales))


def lines(content: bytes) -> list[bytes]:
    """The physical lines behind the header that are not empty: what no import may lose or double."""
    return [line for line in content.removeprefix(HEADER).split(b"\n") if line]


@pytest.mark.parametrize("name", ["customers", "customers_updates", "products", "stores", "sales"])
def test_a_missing_file_is_named_before_anything_is_written(
    tmp_path: Path, export: Export, name: str
) -> None:
    folder = export(HEADER + MONDAY)
    (folder / f"{name}.csv").unlink()
    with pytest.raises(FileMissing, match=rf"no {name}\.csv"):
        import_retail(folder, tmp_path / "data", UTC)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["customers", "customers_updates", "products", "stores", "sales"])
def test_a_wrong_header_names_file_and_columns_before_anything_is_written(
    tmp_path: Path, export: Export, name: str
) -> None:
    folder = export(HEADER + MONDAY)
    (folder / f"{name}.csv").write_bytes(b"id,name\n1,x\n")
    with pytest.raises(HeaderMismatch, match=rf"{name}\.csv, line 1: the header lacks \w+_id, "):
        import_retail(folder, tmp_path / "data", UTC)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("sales", [b"", HEADER], ids=["empty", "header only"])
def test_an_export_without_sales_is_refused(tmp_path: Path, export: Export, sales: bytes) -> None:
    with pytest.raises(FileEmpty, match=r"sales\.csv"):
        import_retail(export(sales), tmp_path / "data", UTC)
    assert not (tmp_path / "data").exists()


def test_an_export_without_any_readable_day_is_refused_without_showing_values(
    tmp_path: Path, export: Export
) -> None:
    with pytest.raises(SourceError, match="sale_timestamp") as refused:
        import_retail(export(HEADER + b"1,1,1,1,1 Sept,1,3.5\n"), tmp_path / "data", UTC)
    assert "Sept" not in str(refused.value)
    assert not (tmp_path / "data").exists()
