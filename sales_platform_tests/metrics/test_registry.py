"""Registry files of their own, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from sales_platform.errors import ContractError
from sales_platform.metrics.registry import read_registry

MARTS = "marts:\n  channels_daily: {dimensions: [channel]}\n"
DIMENSIONS = "dimensions:\n  channel: {title: Channel, column: channel_name}\n"
DIMENSION = (
    "dimensions: {{x: {{title: X, column: x, today: {{dimension: {}, column: {}}}}}}}\n"
    "marts: {{retail_sales_daily: {{}}}}\n"
)
FIVE_LINES = """
  share_of_failures:
    title: Share of failures
    unit: percent
    mart: channels_daily
    formula: 100 * sum(failed_transactions) / nullif(sum(transactions), 0)
    description: Failed payments as a share of all.
"""


def written(
    folder: Path,
    formula: str = "sum(transactions)",
    *,
    unit: str = "count",
    mart: str = "channels_daily",
    more: str = "",
) -> Path:
    metric = f"  one:\n    title: One\n    unit: {unit}\n    mart: {mart}\n    formula: {formula}\n    description: D\n"
    (folder / "channels.yaml").write_text(f"{DIMENSIONS}{MARTS}metrics:\n{metric}{more}", encoding="utf-8")
    return folder


def test_the_projects_registry_is_right_and_every_figure_has_its_own_name() -> None:
    registry = read_registry()
    assert {registry.metrics[name].currency for name in ("payment_volume", "fee_revenue")} == {"INR"}
    assert {registry.metrics[name].currency for name in ("billed", "collected", "retail_revenue")} == {"USD"}
    assert registry.metrics["account_net_flow"].apart == ("currency",)
    titles = [(metric.domain, metric.title) for metric in registry.metrics.values()]
    assert len(set(titles)) == len(titles)


def test_five_lines_make_a_metric(tmp_path: Path) -> None:
    metric = read_registry(written(tmp_path, more=FIVE_LINES)).metrics["share_of_failures"]
    assert (metric.mart.name, metric.dimensions, metric.good) == (
        "marts.channels_daily",
        ("channel",),
        "neither",
    )


@pytest.mark.parametrize(
    ("formula", "unit", "told"),
    [
        ("sum(transaction)", "count", "names transaction, which the mart does not have"),
        ("transactions", "count", "reads transactions outside an aggregate"),
        ("avg(transactions)", "count", "divide a sum by a count"),
        ("sum(transactions) + transactions", "count", "outside an aggregate"),
        ("sum(transactions", "count", "cannot be read"),
        ("1 + 1", "count", "has no aggregate"),
        ("sum((select 1))", "count", "which no formula may have"),
        ("sum(pg_sleep(1))", "count", "which no formula may have"),
        ("sum(transactions) over ()", "count", "which no formula may have"),
        ("sum(o.transactions)", "count", "names another table, o"),
        ('"sum(transactions), 1"', "count", "must be one expression"),
        ('"sum(transactions) from raw.x"', "count", "must be one expression"),
        ("sum(transactions)", "money", "no column with a currency"),
    ],
)
def test_a_wrong_formula_is_told_with_its_metric_and_file(
    tmp_path: Path, formula: str, unit: str, told: str
) -> None:
    with pytest.raises(ContractError) as caught:
        read_registry(written(tmp_path, formula, unit=unit))
    assert told in str(caught.value)
    assert "metric one" in str(caught.value)
    assert "channels.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            "    dimensions: [chanel]\n",
            "metric one dimensions: marts.channels_daily has no chanel (did you mean 'channel'?)",
        ),
        ("    god: up\n", "unknown word (did you mean 'good'?)"),
        ("    good: upwards\n", "metrics.one.good"),
    ],
)
def test_a_wrong_word_of_a_metric_is_told_with_the_nearest(tmp_path: Path, more: str, told: str) -> None:
    with pytest.raises(ContractError, match=r"channels\.yaml") as caught:
        read_registry(written(tmp_path, more=more))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("marts: {channel_daily: {}}\nmetrics: {}\n", "metrics: Dictionary should have at least 1 item"),
        (
            "marts: {channel_daily: {}}\n",
            r"mart marts\.channel_daily is made by no contract \(did you mean .*channels_daily",
        ),
        ("marts: {channels_daily: {}}\n", "mart channels_daily is declared twice"),
        (
            "marts: {retail_sales_daily: {dimensions: [kanal]}}\n",
            "names the dimension kanal, which is not declared",
        ),
        ("marts: {retail_sales_daily: {dimensions: [channel]}}\n", "has no column channel_name"),
        ("marts: {retail_sales_daily: {time: dai}}\n", r"has no column dai \(did you mean 'day'"),
        (f"{DIMENSIONS}marts: {{billing_sales_daily: {{}}}}\n", "dimension channel is declared twice"),
        ("marts: [", "is no YAML"),
        (
            DIMENSION.format("dim_custmer", "loyalty_tier"),
            "no contract makes dim_custmer .did you mean 'dim_customer'",
        ),
        (DIMENSION.format("dim_customer", "tier"), "dim_customer has no column tier"),
    ],
)
def test_marts_dimensions_and_columns_must_be_there_once(tmp_path: Path, other: str, told: str) -> None:
    metrics = "" if "metrics" in other else "metrics:\n" + FIVE_LINES.strip("\n") + "\n"
    (written(tmp_path) / "retail.yaml").write_text(other + metrics, encoding="utf-8")
    with pytest.raises(ContractError, match=rf"retail\.yaml: .*{told}"):
        read_registry(tmp_path)


def test_a_metric_of_a_mart_that_no_file_declares_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no file declares \(did you mean 'channels_daily'"):
        read_registry(written(tmp_path, mart="channel_daily"))
