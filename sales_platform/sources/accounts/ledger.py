"""The accounts system's own client: customers, accounts, and transactions that keep every balance true.

Signatures are the older client's (SOURCES 2.2). On a connection without an open transaction, in autocommit or
not, each call is a transaction of its own and is committed when it returns or raises. Within a transaction of
the caller it is a savepoint: what it wrote, a failed transaction too, lives if the caller commits, also when
the caller caught InsufficientFunds and went on.

Any number of clients may call at once. A call locks one account row, after inserting the transaction that
refers to it. The insert's foreign key shares the row's key, which FOR UPDATE would have to wait for in a
second client, and that one for the first: hence FOR NO KEY UPDATE. A caller that moves money between accounts
in one transaction of its own takes them in order of account_id.

Every function raises what `driver_errors.translate` makes of the server's answer. When a connection breaks
during the commit, only the table tells whether the transaction was posted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from sales_platform.engine.driver_errors import translated
from sales_platform.sources.accounts.ledger_errors import (
    ForeignCurrency,
    InsufficientFunds,
    InvalidAmount,
    UnknownAccount,
    UnknownCurrency,
    UnknownCustomer,
    UnknownTransactionType,
    UnstorableMetadata,
)

TRANSACTION_TYPES = ("credit", "debit")
FAILURE_REASON = "failure_reason"
"""The key of `metadata` under which a failed transaction says why."""
INSUFFICIENT_FUNDS = "Insufficient funds"

_CENT = Decimal("0.01")
# what numeric(14, 2) cannot hold
_TOO_LARGE = Decimal(10) ** 12
_LARGEST_ID = 2**31 - 1

Amount = Decimal | int | float
Cursor = psycopg.Cursor[tuple[Any, ...]]


def create_customer(conn: psycopg.Connection[Any], email: str, name: str) -> int:
    """The customer_id of this e-mail address; a customer already known gets the name."""
    with translated("accounts.customers", conn), conn.transaction(), _cursor(conn) as cursor:
        cursor.execute(
            """
            insert into accounts.customers (email, name) values (%s, %s)
            on conflict (email) do update set name = excluded.name
            returning customer_id
            """,
            [email, name],
        )
        return int(_one(cursor)[0])


def create_account(
    conn: psycopg.Connection[Any], customer_id: int, account_type: str = "checking", currency: str = "USD"
) -> int:
    """The account_id of a customer's account of this type, opened with a balance of 0 if there is none.

    An account that stands takes another currency only while it has neither money nor a transaction: its
    history would change its meaning otherwise. Raises ForeignCurrency then, UnknownCurrency, UnknownCustomer.
    """
    _check_currency(currency)
    if not _is_id(customer_id):
        raise _unknown_customer()
    with translated("accounts.accounts", conn), conn.transaction(), _cursor(conn) as cursor:
        try:
            # the update that changes nothing locks the account that stands, and returns it
            cursor.execute(
                """
                insert into accounts.accounts as a (customer_id, account_type, currency)
                values (%s, %s, %s)
                on conflict (customer_id, account_type) do update set currency = a.currency
                returning account_id, currency
                """,
                [customer_id, account_type, currency],
            )
        except psycopg.errors.ForeignKeyViolation:
            raise _unknown_customer() from None
        account_id, standing = _one(cursor)
        if standing != currency:
            _change_currency(cursor, account_id, currency)
        return int(account_id)


def transaction(
    conn: psycopg.Connection[Any],
    account_id: int,
    amount: Amount,
    currency: str = "USD",
    ttype: str = "credit",
    metadata: Mapping[str, Any] | None = None,
) -> int:
    """Credit or debit an account; the transaction_id of the posted transaction.

    amount: in whole cents of `currency`, which is the account's. metadata: anything JSON can say.

    Raises InsufficientFunds for a debit of more than the balance, with the transaction kept as 'failed' and
    the reason in its metadata. Raises InvalidAmount, UnknownTransactionType, UnknownCurrency,
    ForeignCurrency, UnknownAccount and UnstorableMetadata, which keep no row.
    """
    exact = _checked_amount(amount)
    _check_currency(currency)
    if ttype not in TRANSACTION_TYPES:
        raise UnknownTransactionType(
            "a transaction is a credit or a debit.",
            where="accounts.transactions.type",
            remedy="Write 'credit' or 'debit'.",
        )
    noted = _as_json(metadata)
    if not _is_id(account_id):
        raise _unknown_account()
    with translated("accounts.transactions", conn), conn.transaction(), _cursor(conn) as cursor:
        transaction_id = _insert_pending(cursor, account_id, exact, currency, ttype, noted)
        balance = _locked_balance(cursor, account_id, currency)
        change = exact if ttype == "credit" else -exact
        posted = balance + change >= 0
        if posted:
            _post(cursor, transaction_id, account_id, balance + change)
        else:
            _fail(cursor, transaction_id, INSUFFICIENT_FUNDS)
    # raised behind the block, which would undo the failed row
    if not posted:
        raise InsufficientFunds(transaction_id)
    return transaction_id


def _insert_pending(
    cursor: Cursor, account_id: int, amount: Decimal, currency: str, ttype: str, metadata: str
) -> int:
    try:
        cursor.execute(
            """
            insert into accounts.transactions (account_id, amount, currency, type, status, metadata)
            values (%s, %s, %s, %s, 'pending', %s::jsonb)
            returning transaction_id
            """,
            [account_id, amount, currency, ttype, metadata],
        )
    except psycopg.errors.ForeignKeyViolation:
        raise _unknown_account() from None
    except (psycopg.errors.UntranslatableCharacter, psycopg.errors.InvalidTextRepresentation):
        raise _unstorable() from None
    return int(_one(cursor)[0])


def _locked_balance(cursor: Cursor, account_id: int, currency: str) -> Decimal:
    """The balance, which nobody else changes until this transaction ends."""
    cursor.execute(
        "select balance, currency from accounts.accounts where account_id = %s for no key update",
        [account_id],
    )
    balance, standing = _one(cursor)
    if standing != currency:
        raise ForeignCurrency(
            "the account keeps its money in another currency.",
            where="accounts.transactions.currency",
            remedy="Convert the amount, or name an account in this currency.",
        )
    return Decimal(balance)


def _post(cursor: Cursor, transaction_id: int, account_id: int, balance: Decimal) -> None:
    if balance >= _TOO_LARGE:
        raise InvalidAmount(
            "the balance would have more than twelve digits before the point.",
            where="accounts.accounts.balance",
            remedy="Credit less, or another account.",
        )
    cursor.execute("update accounts.accounts set balance = %s where account_id = %s", [balance, account_id])
    cursor.execute(
        "update accounts.transactions set status = 'posted' where transaction_id = %s", [transaction_id]
    )


def _fail(cursor: Cursor, transaction_id: int, reason: str) -> None:
    cursor.execute(
        """
        update accounts.transactions
        set status = 'failed', metadata = metadata || jsonb_build_object(%s::text, %s::text)
        where transaction_id = %s
        """,
        [FAILURE_REASON, reason, transaction_id],
    )


def _change_currency(cursor: Cursor, account_id: int, currency: str) -> None:
    """Give a locked account another currency, if nothing was ever booked on it."""
    cursor.execute(
        """
        update accounts.accounts set currency = %s
        where account_id = %s and balance = 0
            and not exists (select from accounts.transactions as t where t.account_id = %s)
        """,
        [currency, account_id, account_id],
    )
    if not cursor.rowcount:
        raise ForeignCurrency(
            "the account has money or transactions in another currency, and keeps it.",
            where="accounts.accounts.currency",
            remedy="Ask for the currency it has, or open an account of another type.",
        )


def _checked_amount(amount: Amount) -> Decimal:
    try:
        exact = Decimal(str(amount))
    except InvalidOperation:
        raise _invalid_amount("the amount is not a number.") from None
    if not exact.is_finite() or exact <= 0:
        raise _invalid_amount("the amount is not a positive number.")
    if exact >= _TOO_LARGE:
        raise _invalid_amount("the amount has more than twelve digits before the point.")
    if exact != exact.quantize(_CENT):
        raise _invalid_amount("the amount has a fraction of a cent.")
    return exact.quantize(_CENT)


def _invalid_amount(what: str) -> InvalidAmount:
    return InvalidAmount(
        what, where="accounts.transactions.amount", remedy="Give a positive number of whole cents."
    )


def _check_currency(currency: str) -> None:
    if not re.fullmatch("[A-Z]{3}", currency):
        raise UnknownCurrency(
            "this is no currency code.", where="currency", remedy="Write three capital letters, such as USD."
        )


def _as_json(metadata: Mapping[str, Any] | None) -> str:
    if metadata is None:
        return "{}"
    try:
        return json.dumps(dict(metadata), allow_nan=False)
    except (TypeError, ValueError):
        raise _unstorable() from None


def _unstorable() -> UnstorableMetadata:
    return UnstorableMetadata(
        "the metadata are not a JSON object that PostgreSQL can hold.",
        where="accounts.transactions.metadata",
        remedy="Give a dictionary of texts, finite numbers, lists and dictionaries.",
    )


def _unknown_customer() -> UnknownCustomer:
    return UnknownCustomer(
        "there is no such customer.", where="accounts.customers", remedy="Create the customer first."
    )


def _unknown_account() -> UnknownAccount:
    return UnknownAccount(
        "there is no such account.", where="accounts.accounts", remedy="Create the account first."
    )


def _is_id(value: object) -> bool:
    return isinstance(value, int) and 0 < value <= _LARGEST_ID


def _cursor(conn: psycopg.Connection[Any]) -> Cursor:
    """Rows as tuples, whatever the caller's connection makes of them."""
    return conn.cursor(row_factory=tuple_row)


def _one(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    # by the foreign key and the ledger's locks there is always one
    assert row is not None
    return row
