"""All metrics and dimensions at once, read from the YAML files and held against the marts: a wrong one is an error
here, before anyone asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.reading import read_contract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.selects import output_columns
from sales_platform.errors import ContractError
from sales_platform.metrics.declared import (
    DeclaredDimension,
    DeclaredMart,
    DeclaredMetric,
    Good,
    OverTime,
    RegistryFile,
    Today,
    Unit,
)
from sales_platform.metrics.formulas import Formula, read_formula

FOLDER = Path(__file__).parent
CURRENCY = "currency"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Lookup:
    """table: `analytics.dim_customer`. key: its business key. column: the attribute. current: only current versions
    count, because it has a history.
    """

    table: str
    key: str
    column: str
    current: bool


@dataclass(frozen=True)
class Dimension:
    """column, label: of every mart that has it; the value is the column's text, `Unknown` where it is empty.

    today: the value is an attribute of that dimension's member as it stands, found by the column.
    """

    name: str
    domain: str
    title: str
    column: str
    label: str | None
    today: Lookup | None
    description: str


@dataclass(frozen=True)
class Mart:
    """name: `marts.channels_daily`. time, over_time, by_currency: as declared. dimensions: with `currency` where rows
    differ in it. apart: by which an answer is always grouped, the currency among them.
    """

    name: str
    domain: str
    time: str | None
    over_time: OverTime
    by_currency: bool
    dimensions: tuple[str, ...]
    apart: tuple[str, ...]


@dataclass(frozen=True)
class Metric:
    """currency: of the money in every row; None where the mart's rows name it, or for no money. dimensions: by which it
    may be grouped and filtered. formula_text: as a person wrote it.
    """

    name: str
    domain: str
    title: str
    unit: Unit
    currency: str | None
    mart: Mart
    formula: Formula
    formula_text: str
    dimensions: tuple[str, ...]
    good: Good
    description: str
    caveat: str

    def tables(self, registry: Registry) -> tuple[str, ...]:
        """Every table that an answer may depend on, the mart first: what `last_changed` wants to know."""
        looked_up = (registry.dimensions[name].today for name in self.dimensions)
        return (self.mart.name, *dict.fromkeys(today.table for today in looked_up if today))

    @property
    def apart(self) -> tuple[str, ...]:
        """Dimensions by which an answer is always grouped, because their values are never added. Things that are
        counted may be, whatever their currency.
        """
        return tuple(name for name in self.mart.apart if (name, self.unit) != (CURRENCY, "count"))


_BY_CURRENCY = Dimension(CURRENCY, "company", "Currency", CURRENCY, None, None, "Three letters (ISO 4217)")


@dataclass(frozen=True)
class Registry:
    """Metrics, dimensions and marts (`marts.channels_daily`) by name, in the order of the files."""

    metrics: Mapping[str, Metric]
    dimensions: Mapping[str, Dimension]
    marts: Mapping[str, Mart]


@lru_cache(maxsize=8)
def read_registry(folder: Path = FOLDER) -> Registry:
    """Read every `<domain>.yaml` of a folder. Raises ContractError that names the file, and the metric, mart or
    dimension that is wrong.
    """
    reader = _Reader(read_catalog())
    for path in sorted(folder.glob("*.yaml")):
        reader.read(path)
    return Registry(reader.metrics, reader.dimensions, reader.marts)


class _Reader:
    """What the files have declared so far, each held against the contracts of the marts that it names."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.metrics: dict[str, Metric] = {}
        self.dimensions: dict[str, Dimension] = {CURRENCY: _BY_CURRENCY}
        self.marts: dict[str, Mart] = {}
        self.where = ""

    def read(self, path: Path) -> None:
        self.where = f"{path.parent.name}/{path.name}"
        declared = read_contract(RegistryFile, self._document(path), self.where)
        for name, dimension in declared.dimensions.items():
            self._refuse(name in self.dimensions, f"dimension {name}", "is declared twice")
            self.dimensions[name] = self._dimension(name, path.stem, dimension)
        for name, mart in declared.marts.items():
            self._refuse(f"marts.{name}" in self.marts, f"mart {name}", "is declared twice")
            self.marts[f"marts.{name}"] = self._mart(f"marts.{name}", mart)
        for name, metric in declared.metrics.items():
            self._refuse(name in self.metrics, f"metric {name}", "is declared twice")
            self.metrics[name] = self._metric(name, path.stem, metric)

    def _document(self, path: Path) -> dict[str, Any]:
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), _LOADER)
        except yaml.YAMLError as error:
            raise ContractError(f"is no YAML: {error}.", where=self.where) from None
        return document if isinstance(document, dict) else {}

    def _dimension(self, name: str, domain: str, declared: DeclaredDimension) -> Dimension:
        return Dimension(
            name=name,
            domain=domain,
            title=declared.title,
            column=declared.column,
            label=declared.label,
            today=self._lookup(f"dimension {name}", declared.today) if declared.today else None,
            description=declared.description,
        )

    def _lookup(self, subject: str, declared: Today) -> Lookup:
        contract = self.catalog.dimensions.get(declared.dimension)
        if contract is None:
            known = _nearest(declared.dimension, self.catalog.dimensions)
            raise self._fault(subject, f"today: no contract makes {declared.dimension}{known}")
        columns = (*contract.key, *contract.attributes)
        missing = declared.column not in columns
        self._refuse(
            missing,
            subject,
            f"today: {declared.dimension} has no column {declared.column}{_nearest(declared.column, columns)}",
        )
        self._refuse(
            len(contract.key) != 1, subject, f"today: {declared.dimension} has a key of several columns"
        )
        return Lookup(contract.name, contract.key[0], declared.column, contract.has_history)

    def _mart(self, name: str, declared: DeclaredMart) -> Mart:
        subject = f"mart {name}"
        contract = self.catalog.tables.get(name)
        if contract is None:
            raise self._fault(subject, f"is made by no contract{_nearest(name, self.catalog.tables)}")
        apart = (*declared.apart, *((CURRENCY,) if declared.by_currency else ()))
        dimensions = tuple(dict.fromkeys((*declared.dimensions, *apart)))
        columns = output_columns(contract)
        for column in filter(None, (declared.time, *self._columns_of(subject, dimensions))):
            self._refuse(column not in columns, subject, f"has no column {column}{_nearest(column, columns)}")
        return Mart(
            name,
            contract.domain,
            declared.time,
            declared.over_time,
            declared.by_currency,
            dimensions,
            apart,
        )

    def _columns_of(self, subject: str, dimensions: Iterable[str]) -> Iterator[str]:
        for name in dimensions:
            if name not in self.dimensions:
                known = _nearest(name, self.dimensions)
                raise self._fault(subject, f"names the dimension {name}, which is not declared{known}")
            dimension = self.dimensions[name]
            yield from filter(None, (dimension.column, dimension.label))

    def _metric(self, name: str, domain: str, declared: DeclaredMetric) -> Metric:
        subject = f"metric {name}"
        mart = self.marts.get(f"marts.{declared.mart}")
        if mart is None:
            known = [known.removeprefix("marts.") for known in self.marts]
            raise self._fault(
                subject,
                f"names the mart {declared.mart}, which no file declares{_nearest(declared.mart, known)}",
            )
        contract = self.catalog.tables[mart.name]
        try:
            formula = read_formula(declared.formula, output_columns(contract))
        except ValueError as error:
            raise self._fault(subject, f"formula: it {error}") from None
        return Metric(
            name=name,
            domain=domain,
            title=declared.title,
            unit=declared.unit,
            currency=self._currency(subject, declared, mart, contract, formula),
            mart=mart,
            formula=formula,
            formula_text=declared.formula,
            dimensions=self._dimensions(subject, declared, mart),
            good=declared.good,
            description=declared.description,
            caveat=declared.caveat,
        )

    def _dimensions(self, subject: str, declared: DeclaredMetric, mart: Mart) -> tuple[str, ...]:
        if declared.dimensions is None:
            return mart.dimensions
        for name in declared.dimensions:
            known = _nearest(name, mart.dimensions)
            self._refuse(
                name not in mart.dimensions, subject, f"dimensions: {mart.name} has no {name}{known}"
            )
        return tuple(dict.fromkeys((*declared.dimensions, *mart.apart)))

    def _currency(
        self, subject: str, declared: DeclaredMetric, mart: Mart, contract: SqlTableContract, formula: Formula
    ) -> str | None:
        """That of the columns of money in the formula. Amounts of two currencies are never added."""
        if declared.unit != "money" or mart.by_currency:
            return None
        described = (contract.columns.get(column) for column in sorted(formula.columns))
        found = {column.currency for column in described if column and column.currency}
        if len(found) == 1:
            return found.pop()
        said = (
            f"adds {' and '.join(sorted(found))}"
            if found
            else "has no column with a currency in its contract"
        )
        raise self._fault(subject, f"formula: it {said}, and is money")

    def _refuse(self, wrong: bool, subject: str, fault: str) -> None:
        if wrong:
            raise self._fault(subject, fault)

    def _fault(self, subject: str, fault: str) -> ContractError:
        return ContractError(f"{subject} {fault}.", where=self.where, remedy="Mend the registry file.")


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
