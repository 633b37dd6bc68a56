"""The words for how much is too much: shares, spans of time, and pairs of bounds that warn or alarm. No feed here."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sales_platform.contracts.columns import ContractModel

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


def _share(value: object) -> Decimal:
    text = str(value).strip()
    try:
        share = Decimal(text[:-1]) / 100 if text.endswith("%") else Decimal(text)
    except InvalidOperation:
        raise ValueError("write a share such as 5%") from None
    if not 0 <= share <= 1:
        raise ValueError("a share lies between 0% and 100%")
    return share


def _span(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *(minute|hour|day)s?", str(value).strip())
    if found is None:
        raise ValueError("write a span such as 36 hours")
    return float(found[1]) * _UNITS[found[2]]


def spelled(span: timedelta) -> str:
    """As a contract writes it, in the largest unit that it fills: 36 hours, 3 days."""
    for unit in ("day", "hour"):
        if span >= _UNITS[unit] and span % _UNITS[unit] == timedelta():
            count = span // _UNITS[unit]
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{span / _UNITS['minute']:g} minutes"


def _off(value: object) -> object:
    """No bounds at all. YAML reads the word off as false."""
    return {} if value is False or value == "off" else value


def _or_off(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"enum": ["off", False]})


# 0.05 or "5%"; the schema that editors and `dg check yaml` read would else refuse the second.
Share = Annotated[Decimal, BeforeValidator(_share), WithJsonSchema({"type": ["number", "string"]})]
# "90 minutes", "36 hours", "3 days".
Span = Annotated[timedelta, BeforeValidator(_span), WithJsonSchema({"type": "string"})]


class _Bounds(ContractModel):
    @model_validator(mode="after")
    def _in_order(self) -> Self:
        warn, error = getattr(self, "warn", None), getattr(self, "error", None)
        if warn is not None and error is not None and warn > error:
            raise ValueError("warn: it lies below error")
        return self


class Volume(_Bounds):
    """How far the rows of a load may lie from what is usual before a check warns or fails.

    A deviation is the share by which the smaller of both figures falls short of the larger: half as many rows and
    twice as many are both 50%. What is not given does not bound; `off` gives neither.
    """

    warn: Share | None = None
    error: Share | None = None

    @property
    def bounds_anything(self) -> bool:
        return self.warn is not None or self.error is not None


class Freshness(_Bounds):
    """How old the newest of a feed may be before a check warns or fails. What is not given does not bound; `off` gives
    neither.
    """

    warn: Span | None = None
    error: Span | None = None


# What a contract leaves out is left to the kind of feed.
VolumeWord = Annotated[Volume | None, BeforeValidator(_off), Field(json_schema_extra=_or_off)]
FreshnessWord = Annotated[Freshness | None, BeforeValidator(_off), Field(json_schema_extra=_or_off)]

# A load that brings half or twice the usual is worth a look; a tenth or ten times as much is hardly true.
VOLUME_OF_DAYS = Volume(warn=Decimal("0.5"), error=Decimal("0.9"))
# Of what comes when it comes, nobody promised a size.
VOLUME_OTHERWISE = Volume(warn=Decimal("0.5"))
# Something comes, or looks, once a day; one miss is let pass until noon of the next day.
FRESHNESS_OF_DAYS = Freshness(warn=timedelta(hours=36), error=timedelta(days=3))
# A list that is overwritten when it changes may stand for years.
FRESHNESS_OTHERWISE = Freshness()
