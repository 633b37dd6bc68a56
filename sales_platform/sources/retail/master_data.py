"""The customers, products and stores of the simulated retail company; they depend on the seed, not on a date.

Numbers, weights and price range are SOURCES 4.2's. The original spreads created_at over the year before the
clock's now; here it is the year before the company's first day of sales, so that every customer is there when
sales begin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from sales_platform.sources.retail.layout import Row
from sales_platform.sources.retail.randomness import Purpose, stream

FIRST_DAY = date(2024, 1, 1)
"""The first day with sales and customer updates."""
JOINED_FROM = datetime(2023, 1, 1)
JOINED_WITHIN_DAYS = 330

CUSTOMER_COUNT = 500
PRODUCT_COUNT = 200
STORE_COUNT = 20
TIERS = ("Bronze", "Silver", "Gold", "Platinum")
TIER_SHARES = (0.45, 0.30, 0.20, 0.05)
CATEGORIES = ("Electronics", "Home", "Grocery", "Clothing", "Beauty", "Sports")
REGIONS = ("Ontario", "Quebec", "Prairies", "BC", "Atlantic")
LOWEST_PRICE_CENTS, HIGHEST_PRICE_CENTS = 350, 45_000
SECONDS_OF_A_DAY = 86_400


@dataclass(frozen=True)
class Customer:
    """A customer as first registered; `created_at` is naive, in the business time zone."""

    customer_id: int
    full_name: str
    email: str
    loyalty_tier: str
    created_at: datetime

    def row(self) -> Row:
        return (
            str(self.customer_id),
            self.full_name,
            self.email,
            self.loyalty_tier,
            self.created_at.isoformat(),
        )


@dataclass(frozen=True)
class Product:
    """A product and its price, in whole cents because money is never a float."""

    product_id: int
    product_name: str
    category: str
    unit_price_cents: int

    def row(self) -> Row:
        return (str(self.product_id), self.product_name, self.category, amount(self.unit_price_cents))


@dataclass(frozen=True)
class Store:
    """A store and the region it sells in."""

    store_id: int
    store_name: str
    region: str

    def row(self) -> Row:
        return (str(self.store_id), self.store_name, self.region)


@dataclass(frozen=True)
class MasterData:
    """Everything a sale refers to; the n-th member has the identifier n + 1."""

    customers: tuple[Customer, ...]
    products: tuple[Product, ...]
    stores: tuple[Store, ...]


def amount(cents: int) -> str:
    """Whole cents as text with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"


def master_data(seed: int) -> MasterData:
    """The 500 customers, 200 products and 20 stores of a seed; full_name and email are unique."""
    # Faker is slow to import, and no other command needs it.
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(seed)
    rng = stream(seed, Purpose.MASTER_DATA)
    return MasterData(
        _customers(rng, fake.unique.name, fake.unique.email),
        _products(rng, fake.catch_phrase),
        _stores(rng, fake.unique.city),
    )


def _customers(
    rng: np.random.Generator, name: Callable[[], str], email: Callable[[], str]
) -> tuple[Customer, ...]:
    tiers = rng.choice(len(TIERS), CUSTOMER_COUNT, p=TIER_SHARES)
    days = rng.integers(0, JOINED_WITHIN_DAYS + 1, CUSTOMER_COUNT)
    seconds = rng.integers(0, SECONDS_OF_A_DAY, CUSTOMER_COUNT)
    return tuple(
        Customer(
            number, name(), email(), TIERS[tier], JOINED_FROM + timedelta(days=int(day), seconds=int(second))
        )
        for number, (tier, day, second) in enumerate(zip(tiers, days, seconds, strict=True), start=1)
    )


def _products(rng: np.random.Generator, phrase: Callable[[], str]) -> tuple[Product, ...]:
    categories = rng.integers(0, len(CATEGORIES), PRODUCT_COUNT)
    cents = rng.integers(LOWEST_PRICE_CENTS, HIGHEST_PRICE_CENTS + 1, PRODUCT_COUNT)
    return tuple(
        Product(number, phrase(), CATEGORIES[category], int(price))
        for number, (category, price) in enumerate(zip(categories, cents, strict=True), start=1)
    )


def _stores(rng: np.random.Generator, city: Callable[[], str]) -> tuple[Store, ...]:
    regions = rng.integers(0, len(REGIONS), STORE_COUNT)
    return tuple(
        Store(number, f"{city()} Store", REGIONS[region]) for number, region in enumerate(regions, start=1)
    )
