"""How a contract writes shares, spans and bounds, and which writings it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sales_platform.contracts.bounds import VOLUME_OF_DAYS, Freshness, Volume, spelled
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.reading import read_contract
from sales_platform.errors import ContractError

SALES = read_catalog().feeds["retail_sales"]


def written(**words: object) -> FileFeedContract:
    return read_contract(FileFeedContract, {**SALES.model_dump(), **words}, "here")


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(hours=36), "36 hours"),
        (timedelta(days=3), "3 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(minutes=90), "90 minutes"),
    ],
)
def test_a_span_is_read_as_it_is_written(span: timedelta, text: str) -> None:
    assert spelled(span) == text
    assert written(late_after=text).late_after == span


def test_bounds_are_left_to_the_kind_of_feed_unless_written_and_off_gives_none() -> None:
    assert SALES.volume_bounds == VOLUME_OF_DAYS
    for off in (False, "off"):
        assert written(volume=off, freshness=off).volume_bounds == Volume()
        assert written(volume=off, freshness=off).freshness_bounds == Freshness()
    assert written(freshness={"warn": "2 hours"}).freshness_bounds == Freshness(warn=timedelta(hours=2))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"freshness": {"warn": "soon"}}, "write a span such as 36 hours"),
        ({"volume": {"warn": "90%", "error": "50%"}}, "warn: it lies below error"),
        ({"volume": {"wran": "90%"}}, "did you mean 'warn'"),
        ({"duplicate_limit": "500%"}, "between 0% and 100%"),
    ],
)
def test_a_wrong_bound_is_named(words: dict[str, object], said: str) -> None:
    with pytest.raises(ContractError, match=said):
        written(**words)


def test_bounds_of_checks_judge_no_row_anew() -> None:
    assert (
        written(volume=False, late_after="3 days", duplicate_limit="1%").judgement_hash
        == SALES.judgement_hash
    )
