"""What is answered, as models: they describe the JSON in the OpenAPI document. Nothing is computed by them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Value = str | int | bool | None
Record = dict[str, Value]


class Shape(BaseModel):
    model_config = ConfigDict(populate_by_name=True)


class Problem(Shape):
    """An error. parameter: which one is wrong; allowed: what it may be, as far as that can be listed."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | None = None
    allowed: list[str] | None = None


class MetricShape(Shape):
    """One figure. unit: money, count, percent (8 is 8 %), seconds or pieces. currency: of money in every row; null
    where a column `currency` names it, or for no money. good: the welcome direction.
    """

    name: str
    domain: str
    title: str
    unit: str
    currency: str | None
    dimensions: list[str]
    good: str
    description: str
    caveat: str
    formula: str
    mart: str


class Metrics(Shape):
    metrics: list[MetricShape]


class MetricAnswer(Shape):
    """Rows hold `period` (first day; weeks begin on Monday) with a grain, each dimension, and for one with a label
    `<dimension>_label`; then `value`, and `compared` with a comparison. Decimals are text.
    """

    metric: MetricShape
    from_: date | None = Field(alias="from")
    to: date | None
    grain: str | None
    compared_from: date | None
    compared_to: date | None
    time_zone: str = Field(description="In which a business day is taken")
    changed_at: datetime | None
    rows: list[Record]


class DimensionShape(Shape):
    name: str
    domain: str
    title: str
    description: str
    metrics: list[str]


class Dimensions(Shape):
    dimensions: list[DimensionShape]


class DimensionValueShape(Shape):
    value: str
    label: str


class DimensionAnswer(Shape):
    dimension: str
    values: list[DimensionValueShape]


class MartShape(Shape):
    """key: the columns by which rows are ordered and paged. time: the column that `from` and `to` are about."""

    name: str
    domain: str
    description: str
    columns: list[str]
    key: list[str]
    time: str | None
    dimensions: list[str]


class Marts(Shape):
    marts: list[MartShape]


class Page(Shape):
    """next: the cursor of the page after this one; null on the last."""

    columns: list[str]
    rows: list[Record]
    next: str | None


class ReportShape(Shape):
    """address: a name in braces stands for what a caller puts in."""

    title: str
    address: str


class Reports(Shape):
    reports: list[ReportShape]


class Invoice(Shape):
    """One whole invoice. seller, client: as they were when it was written."""

    invoice: Record
    seller: Record | None
    client: Record | None
    items: list[Record]
    payments: list[Record]


class Rejected(Shape):
    """by_reason: records by feed, business day and first reason. samples: some that stand rejected, personal data
    masked; asked for with a feed.
    """

    by_reason: list[Record]
    samples: list[dict[str, Any]]


class Status(Shape):
    """Where feeds and marts stand, and which incidents are open."""

    time_zone: str
    feeds: list[Record]
    marts: list[Record]
    incidents: list[Record]


class Health(Shape):
    status: str


class Readiness(Shape):
    """missing: marts that were not made yet."""

    status: str
    missing: list[str]


class CustomerSells(Shape):
    customer: str
    sells: float


class PeriodSells(Shape):
    period: str
    sells: float
