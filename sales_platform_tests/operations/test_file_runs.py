"""Runs of a feed with a partition per file: which files a run takes, in which order, and what it says of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from sales_platform.operations.file_planning import FilePlan
from sales_platform.operations.opening import Platform
from sales_platform.operations.planning import Why
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import RunSummary, run_on
from sales_platform.operations.status import status
from sales_platform.settings import Settings

# good lines, so that one bad one stays below the reject limit
MORE = (8, 9, 10, 11)
HEADER = "invoice_id,issue_date,customer_id,customer_name,item_description,qty,unit_price,total,status\n"


class Heard(Silent):
    """Remembers the plans of files."""

    def __init__(self) -> None:
        self.plans: list[FilePlan] = []

    def files_planned(self, plan: FilePlan) -> None:
        self.plans.append(plan)


def line(number: int, *, customer: str = "C-100", status: str = "Paid") -> str:
    return f"INV-{number:05},2026-01-{number:02},{customer},Acme,API Access,2,50.00,100.00,{status}\n"


def drop(settings: Settings, name: str, *lines: str) -> Path:
    path = settings.data / "billing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(lines))
    return path


def go(platform: Platform) -> tuple[RunSummary, FilePlan]:
    heard = Heard()
    summary = run_on(platform, "billing", progress=heard)
    assert not summary.failed
    (plan,) = heard.plans
    return summary, plan


def facts(platform: Platform) -> dict[str, str]:
    with platform.warehouse.transaction() as connection:
        return dict(
            connection.execute(
                "select f.invoice_id, d.status_name from analytics.fact_billing_invoice as f"
                " inner join analytics.dim_billing_status as d on f.status_key = d.status_key"
            ).fetchall()
        )


@pytest.fixture
def three_files(settings: Settings) -> None:
    """part2, part9 and part10; the last changes the invoice of the first."""
    drop(settings, "part2.csv", line(1), line(2))
    drop(settings, "part9.csv", line(3), line(4, customer="C-999"), *(line(number) for number in MORE))
    drop(settings, "part10.csv", line(1, status="Refunded"), line(5))


@pytest.mark.usefixtures("three_files")
def test_new_files_are_one_range_in_the_order_of_their_numbers_and_the_last_word_counts(
    platform: Platform,
) -> None:
    summary, plan = go(platform)

    assert list(plan.todo) == ["part2.csv", "part9.csv", "part10.csv"]
    assert platform.instance.get_dynamic_partitions("billing_invoices") == [
        "part2.csv",
        "part9.csv",
        "part10.csv",
    ]
    loads = [row for row in summary.fates if row.feed == "billing_invoices"]
    assert [(row.files, row.read, row.loaded, row.superseded, row.rejected) for row in loads] == [
        (3, 10, 8, 1, 1)
    ]
    numbers = {number: "PAID" for number in (2, 3, 5, *MORE)} | {1: "REFUNDED"}
    assert facts(platform) == {f"INV-{number:05}": state for number, state in numbers.items()}


@pytest.mark.slow
@pytest.mark.usefixtures("three_files")
def test_a_second_run_reads_nothing_and_a_changed_file_only_itself(
    platform: Platform, settings: Settings
) -> None:
    go(platform)
    summary, plan = go(platform)
    assert (plan.todo, plan.standing, summary.outcomes) == ({}, 3, ())

    drop(settings, "part9.csv", line(3, status="Pending"), line(6))
    _, plan = go(platform)
    assert plan.todo == {"part9.csv": Why.CHANGED}
    assert facts(platform)["INV-00003"] == "PENDING"
    assert "INV-00006" in facts(platform)


@pytest.mark.slow
@pytest.mark.usefixtures("three_files")
def test_a_file_that_sorts_before_a_loaded_one_is_reported_and_loses_to_it(
    platform: Platform, settings: Settings
) -> None:
    go(platform)
    drop(settings, "part1.csv", line(1, status="Pending"), line(7))

    _, plan = go(platform)

    assert plan.late == ("part1.csv",)
    assert (facts(platform)["INV-00001"], facts(platform)["INV-00007"]) == ("REFUNDED", "PAID")


@pytest.mark.slow
@pytest.mark.usefixtures("three_files")
def test_a_file_that_is_gone_is_reported_and_its_rows_stand(platform: Platform, settings: Settings) -> None:
    go(platform)
    before = facts(platform)
    (settings.data / "billing/part9.csv").unlink()

    _, plan = go(platform)

    assert (plan.gone, plan.todo) == (("part9.csv",), {})
    assert facts(platform) == before


@pytest.mark.usefixtures("three_files")
def test_a_customer_added_to_the_list_heals_the_lines_that_named_him(
    platform: Platform, settings: Settings
) -> None:
    go(platform)
    names = settings.data / "billing/reference/customers.csv"
    names.parent.mkdir(parents=True)
    names.write_text("customer_id,customer_name\nC-100,Acme Corp\nC-999,New Corp\n")

    _, plan = go(platform)

    assert set(plan.todo.values()) == {Why.PARENT}
    assert facts(platform)["INV-00004"] == "PAID"
    with platform.warehouse.transaction() as connection:
        open_rows = connection.execute(
            "select count(*) from quality.rejected_record where feed = 'billing_invoices' and resolved_at is null"
        ).fetchone()
    assert open_rows == (0,)


@pytest.mark.usefixtures("three_files", "platform")
def test_status_counts_the_files_that_are_due(settings: Settings) -> None:
    found = {feed.feed: feed for feed in status(settings)}
    assert found["billing_invoices"].due == {Why.NEVER_LOADED.value: 3}
    assert found["billing_invoices"].next == "sales-platform run billing"


@pytest.mark.usefixtures("three_files")
def test_a_link_out_of_the_data_folder_fails_alone_and_by_name(
    platform: Platform, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_text(HEADER + line(7))
    (settings.data / "billing" / "part1.csv").symlink_to(tmp_path / "secret.csv")
    summary = run_on(platform, "billing", progress=Silent())
    assert "billing/part1.csv: The path leads out of the data folder" in str(summary)
    with platform.warehouse.transaction() as connection:
        loaded = connection.execute("select distinct _partition from staging.billing_invoices").fetchall()
    assert len(loaded) >= 2
    assert ("part1.csv",) not in loaded
