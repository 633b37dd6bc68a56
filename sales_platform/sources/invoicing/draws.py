"""What chance decides about clients, sellers, products and invoice lines. No date, key or table here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from sales_platform.sources.invoicing.amounts import CENT, Line, to_cents

VAT_RATES = (Decimal("10.00"), Decimal("20.00"), Decimal("5.50"))
VAT_SHARES = (70, 20, 10)
LOWEST_PRICE_CENTS, HIGHEST_PRICE_CENTS = 150, 90_000
MOST_LINES = 7
MOST_PIECES = 10
BY_THE_HALF_SHARE = 0.1
PRIVATE_SHARE = 0.4
WITHOUT_IBAN_SHARE = 0.1


@dataclass(frozen=True)
class Party:
    """A client or seller; the tax id has the form 999-99-9999."""

    name: str
    address: str
    tax_id: str
    iban: str | None


@dataclass(frozen=True)
class Article:
    """What a product is, without its key; `vat_rate` in percent."""

    name: str
    description: str
    unit_price: Decimal
    vat_rate: Decimal


class Draws:
    """One stream of chance for a seed; two streams of the same seed and purpose draw the same."""

    def __init__(self, seed: int | None, purpose: str) -> None:
        # Faker is slow to import, and no other command needs it.
        from faker import Faker

        self.rng = Random() if seed is None else Random(f"{seed} {purpose}")
        self._fake = Faker("en_US")
        self._fake.seed_instance(self.rng.getrandbits(64))

    def seller(self, tax_id: str) -> Party:
        return Party(self.company(), self.address(), tax_id, self.iban())

    def client(self, tax_id: str) -> Party:
        """A company or a private person, some without an account number."""
        name = self.person() if self.rng.random() < PRIVATE_SHARE else self.company()
        iban = None if self.rng.random() < WITHOUT_IBAN_SHARE else self.iban()
        return Party(name, self.address(), tax_id, iban)

    def article(self) -> Article:
        return Article(self.article_name(), self.article_description(), self.price(), self.vat_rate())

    def company(self) -> str:
        return self._fake.company()

    def person(self) -> str:
        return self._fake.name()

    def address(self) -> str:
        return self._fake.address().replace("\n", ", ")

    def iban(self) -> str:
        return self._fake.iban()

    def article_name(self) -> str:
        return self._fake.catch_phrase()

    def article_description(self) -> str:
        return self._fake.sentence()

    def price(self) -> Decimal:
        return CENT * self.rng.randint(LOWEST_PRICE_CENTS, HIGHEST_PRICE_CENTS)

    def price_after(self, price: Decimal) -> Decimal:
        """Another price, up to a fifth below or a quarter above."""
        return max(CENT, to_cents(price * Decimal(self.rng.uniform(0.8, 1.25))))

    def vat_rate(self) -> Decimal:
        return self.rng.choices(VAT_RATES, VAT_SHARES)[0]

    def line(self, product_id: int, price: Decimal, vat_rate: Decimal) -> Line:
        """Some of a product: whole pieces, now and then a half more."""
        quantity = Decimal(self.rng.randint(1, MOST_PIECES))
        if self.rng.random() < BY_THE_HALF_SHARE:
            quantity += Decimal("0.5")
        return Line(product_id, quantity, price, vat_rate)

    def line_count(self) -> int:
        return self.rng.randint(1, MOST_LINES)

    def tax_ids(self, count: int) -> list[str]:
        """Different tax ids that begin with 1 to 8; those that begin with 0 and 9 are the live traffic's."""
        return [tax_id(number) for number in self.rng.sample(range(10**8, 9 * 10**8), count)]


def tax_id(number: int) -> str:
    """A number below 10⁹ in the form 999-99-9999."""
    digits = f"{number:09d}"
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"
