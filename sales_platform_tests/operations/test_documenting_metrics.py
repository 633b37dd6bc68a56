"""The page of metrics, for a registry with one more figure."""

from __future__ import annotations

import shutil
from pathlib import Path

from sales_platform.metrics.registry import FOLDER, read_registry
from sales_platform.operations.documenting_metrics import metrics_page

FIVE_LINES = """
  failed_share_of_volume:
    title: Failed share of the volume
    unit: percent
    mart: channels_daily
    formula: 100 * sum(failed_amount) / nullif(sum(attempted_amount), 0)
    description: How much of what was tried failed.
"""


def test_a_metric_of_five_lines_stands_on_the_page(tmp_path: Path) -> None:
    for path in FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    with (tmp_path / "channels.yaml").open("a", encoding="utf-8") as file:
        file.write(FIVE_LINES)
    before, after = metrics_page(read_registry()), metrics_page(read_registry(tmp_path))
    assert before.count("`failed_share_of_volume`") == 0
    [line] = [line for line in after.splitlines() if "`failed_share_of_volume`" in line]
    assert [cell.strip() for cell in line.split("|")[2:4]] == ["Failed share of the volume", "percent"]
    assert "How much of what was tried failed." in line
