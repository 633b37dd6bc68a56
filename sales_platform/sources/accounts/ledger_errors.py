"""What the ledger refuses, one class for each reason. No SQL, no rule: those stand in the ledger."""

from __future__ import annotations

from sales_platform.errors import PermanentError


class LedgerError(PermanentError):
    """A request that the ledger refuses; unless its class says otherwise, no row was written."""


class InvalidAmount(LedgerError):
    """Not a positive number of whole cents, or more than a balance can hold."""


class UnknownTransactionType(LedgerError):
    """Neither a credit nor a debit."""


class UnknownCurrency(LedgerError):
    """Not written as a currency code of three capital letters."""


class ForeignCurrency(LedgerError):
    """The account keeps its money in another currency."""


class UnknownCustomer(LedgerError):
    """There is no such customer."""


class UnknownAccount(LedgerError):
    """There is no such account."""


class UnstorableMetadata(LedgerError):
    """Not a JSON object that PostgreSQL can hold."""


class InsufficientFunds(LedgerError):
    """The account holds less than the debit. The transaction is kept, as failed, under `transaction_id`."""

    def __init__(self, transaction_id: int) -> None:
        super().__init__(
            "the account holds less than the debit; the transaction is kept as failed.",
            where="accounts.accounts",
            remedy="Credit the account first, or debit less.",
        )
        self.transaction_id = transaction_id

    def __reduce__(self) -> tuple[object, ...]:
        return (InsufficientFunds, (self.transaction_id,))
