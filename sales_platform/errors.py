"""The one tree of errors: what went wrong, where, and what to do next.

    SalesPlatformError
    ├── TransientError        may pass by itself: Dagster retries it
    │   ├── ServerUnavailable     a database that is down, starting or cut off
    │   ├── LockNotAvailable      another run holds the table
    │   ├── SourceNotReady        a file that is still being written
    │   └── StoreUnavailable      the store of backups is down, slow or busy
    └── PermanentError        will not pass: nobody retries it
        ├── WrongUse              a command or a range that makes no sense      (exit 2)
        │   └── WrongParameter        one parameter of a question is wrong
        │       └── UnknownMetric         no metric of this name
        ├── ConfigurationError    a setting that is missing or wrong
        ├── ContractError         a contract that cannot be true
        ├── SourceError           an input that cannot be read as a whole
        │   ├── FileMissing
        │   ├── FileEmpty
        │   ├── HeaderMismatch
        │   └── SourceDrift
        ├── DataRefused           a limit or guard that forbids publishing      (exit 3)
        │   ├── SnapshotRefused       one snapshot of a feed; others are published
        │   └── AuditFailed           a fact or mart that was found wrong before its commit
        ├── StoreRefused          the store of backups says no: a wrong key, no container
        │   ├── BlobExists            a name that is taken; nothing is overwritten
        │   └── BlobMissing           a blob that is not there
        ├── BackupDamaged         a backup whose bytes are not what its manifest says
        ├── RestoreRefused        a target that is not empty, or that cannot take the backup
        ├── MartMissing           a mart that was not made yet, or by an older contract
        ├── Incomplete            part of the work was done                     (exit 4)
        ├── StorageFull           the server has no room
        └── DatabaseFailure       any other answer of the server

Row values never stand in a message; a message names files, lines, columns and counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class SalesPlatformError(Exception):
    """An error that a user can act on.

    what: one sentence without row values. where: file, line, table or setting.
    remedy: the next act, as a command where there is one.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        act = f" {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{act}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (type(self), self.what, self.where, self.remedy))


def _restore(
    kind: type[SalesPlatformError], what: str, where: str | None, remedy: str | None
) -> SalesPlatformError:
    return kind(what, where=where, remedy=remedy)


class TransientError(SalesPlatformError):
    """May pass by itself."""


class ServerUnavailable(TransientError):
    """A database server does not answer."""


class LockNotAvailable(TransientError):
    """Another run holds the lock of a table for longer than the lock time-out."""


class SourceNotReady(TransientError):
    """A file is still growing, or its marker is not there yet."""


class StoreUnavailable(TransientError):
    """The store of backups does not answer, or asks to come again."""


class PermanentError(SalesPlatformError):
    """Will not pass by itself."""


class WrongUse(PermanentError):
    """The request itself makes no sense."""

    exit_code = 2


class WrongParameter(WrongUse):
    """A parameter of a question has a value that it cannot have.

    parameter: its name. allowed: what it may be, as far as that can be listed.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        parameter: str = "",
        allowed: Sequence[str] = (),
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.parameter = parameter
        self.allowed = tuple(allowed)

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"parameter": self.parameter, "allowed": self.allowed})


class UnknownMetric(WrongParameter):
    """No metric has this name."""


class ConfigurationError(PermanentError):
    """A setting is missing or wrong."""

    exit_code = 2


class ContractError(PermanentError):
    """A contract names something that does not exist or cannot hold."""


class SourceError(PermanentError):
    """An input cannot be read as a whole."""


class FileMissing(SourceError):
    """The file of a partition is not there."""


class FileEmpty(SourceError):
    """A file without a single record, where the contract does not allow it (B-04)."""


class HeaderMismatch(SourceError):
    """The header line of a file does not fit its contract."""


class SourceDrift(SourceError):
    """A table of a source lost a column or gave it another type (I-31)."""


class DataRefused(PermanentError):
    """A limit or guard forbids publishing; the data that stood still stand (Q-09, S-33).

    rejected: partition → rows that were too many. samples: a few of them by column, personal data masked. Both are for
    the check that tells of it, and no part of the message.
    """

    exit_code = 3
    rejected: Mapping[str, int] = {}
    samples: Sequence[Mapping[str, str | int | None]] = ()


class SnapshotRefused(DataRefused):
    """A snapshot closes too many keys, contradicts another one, or has no time (S-33, S-73)."""


class AuditFailed(DataRefused):
    """What a publication was about to show is wrong, so nobody saw it (Q-17).

    evidence: what was found, by name: numbers, texts, and tables as lists of rows, personal values masked.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        evidence: dict[str, object] | None = None,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.evidence = evidence or {}

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"evidence": self.evidence})


class StoreRefused(PermanentError):
    """The store of backups refuses: a key that is wrong, a container that is not there."""


class BlobExists(StoreRefused):
    """The name is taken, and nothing is ever overwritten."""


class BlobMissing(StoreRefused):
    """No blob of this name."""


class BackupDamaged(PermanentError):
    """What the store holds is not what the manifest says (K-06, K-07)."""


class RestoreRefused(PermanentError):
    """The target holds something already, or cannot take this backup (K-04, K-22, K-27)."""

    exit_code = 3


class MartMissing(PermanentError):
    """A mart is not there yet, or lacks a column that its contract has by now."""


class Incomplete(PermanentError):
    """Part of the work was done, part could not be (K-29)."""

    exit_code = 4


class StorageFull(PermanentError):
    """The server has no room left; nothing was published."""


class DatabaseFailure(PermanentError):
    """The server refused a statement for a reason that has no better name here."""
