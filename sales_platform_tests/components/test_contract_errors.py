"""A contract that cannot hold: the message names file, line, path and the nearest valid word."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import jsonschema
import pytest
import yaml
from dagster.components.testing import DefsFolderSandbox, create_defs_folder_sandbox
from pydantic import BaseModel

from sales_platform.components import Dimension, FileFeed, SqlTable
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.errors import ContractError
from sales_platform.resources import SourceFilesResource, WarehouseResource

# the sandbox loads with Dagster's warnings about its own beta parts, which a real project does not show
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
]

FEED = """\
type: sales_platform.components.FileFeed
attributes:
  domain: shop
  table: orders
  description: One line per order.
  path: shop/orders.csv
  key: [id]
  columns:
    id: {type: bigint, required: true}
    amount: {type: "numeric(12,2)", currency: EUR}
"""
DIMENSION = """\
type: sales_platform.components.Dimension
attributes:
  domain: shop
  table: dim_customer
  description: One row per customer.
  key: [customer_id]
  overwrite: [customer_name]
  events: [{from: staging.shop_customers}]
"""
TABLE = """\
type: sales_platform.components.SqlTable
attributes:
  domain: shop
  table: marts.shop_daily
  description: One row per day.
  grain: [day]
  load: rebuild
"""


@pytest.fixture
def sandbox() -> Iterator[DefsFolderSandbox]:
    with create_defs_folder_sandbox() as found:
        yield found


def _refusal(sandbox: DefsFolderSandbox, text: str) -> ContractError:
    folder = sandbox.defs_folder_path / "shop"
    folder.mkdir()
    (folder / "defs.yaml").write_text(text)
    with pytest.raises(Exception) as caught, sandbox.load_component_and_build_defs(folder):  # noqa: PT011
        pass
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, ContractError):
        error = error.__cause__
    assert error is not None, caught.value
    return error


@pytest.mark.parametrize(
    ("text", "wrong", "right", "line"),
    [
        (FEED, "requird", "required", 9),
        (FEED, "curency", "currency", 10),
        (FEED, "pth", "path", 6),
        (DIMENSION, "overwrit", "overwrite", 7),
        (TABLE, "grian", "grain", 6),
    ],
)
def test_a_misspelt_word_is_named_with_its_line_and_the_nearest_valid_word(
    sandbox: DefsFolderSandbox, text: str, wrong: str, right: str, line: int
) -> None:
    error = _refusal(sandbox, text.replace(f"{right}:", f"{wrong}:"))
    assert error.where is not None
    assert error.where.endswith(f"shop/defs.yaml:{line}")
    assert f"{wrong}: unknown word (did you mean {right!r}?)" in error.what


def test_a_missing_word_is_named_with_its_component(sandbox: DefsFolderSandbox) -> None:
    error = _refusal(sandbox, TABLE.replace("  grain: [day]\n", ""))
    assert "grain: is missing" in error.what


def test_a_table_without_its_select_says_which_file_to_write(sandbox: DefsFolderSandbox) -> None:
    error = _refusal(sandbox, TABLE)
    assert error.remedy == "Write it to sql/shop/marts/shop_daily.sql."


@pytest.mark.parametrize(
    ("component", "contract", "table"),
    [
        (FileFeed, FileFeedContract, "orders"),
        (Dimension, DimensionContract, "dim_customer"),
        (SqlTable, SqlTableContract, "marts.shop_daily"),
    ],
)
def test_what_the_scaffolder_writes_passes_dg_check_yaml_and_is_a_contract(
    sandbox: DefsFolderSandbox, component: type[Any], contract: type[BaseModel], table: str
) -> None:
    folder = sandbox.scaffold_component(component, scaffold_params={"domain": "shop", "table": table})
    attributes = yaml.safe_load((folder / "defs.yaml").read_text())["attributes"]
    jsonschema.validate(attributes, component.get_model_cls().model_json_schema())
    assert contract.model_validate(attributes).model_dump()["domain"] == "shop"


def test_the_scaffolder_of_a_table_writes_its_select_too(sandbox: DefsFolderSandbox) -> None:
    sandbox.scaffold_component(SqlTable, scaffold_params={"domain": "shop", "table": "marts.shop_daily"})
    written = (sandbox.project_root / "sql/shop/marts/shop_daily.sql").read_text()
    assert "select" in written


@pytest.mark.parametrize("share", ["5%", 0.05])
def test_a_share_may_be_written_in_per_cent_or_as_a_number(share: object) -> None:
    attributes = {**yaml.safe_load(FEED)["attributes"], "reject_limit": share}
    jsonschema.validate(attributes, FileFeed.get_model_cls().model_json_schema())
    assert FileFeedContract.model_validate(attributes).reject_limit == Decimal("0.05")


def test_a_feed_in_another_folder_becomes_source_raw_and_staging(sandbox: DefsFolderSandbox) -> None:
    folder: Path = sandbox.defs_folder_path / "shop"
    folder.mkdir()
    (folder / "defs.yaml").write_text(FEED)
    resources = {"warehouse": WarehouseResource(), "source_files": SourceFilesResource()}
    with sandbox.load_component_and_build_defs(folder) as (_, found):
        definitions = dg.Definitions.merge(found, dg.Definitions(resources=resources))
        specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert set(specs) == {"source/shop_orders", "raw/shop_orders", "staging/shop_orders"}
    schema = specs["staging/shop_orders"].metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    amount = next(column for column in schema.columns if column.name == "amount")
    assert (amount.type, amount.tags) == ("numeric(12,2)", {"currency": "EUR"})
