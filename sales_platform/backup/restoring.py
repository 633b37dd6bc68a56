"""A backup becomes a database again: judged first, then written in one transaction, compared before its commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from sales_platform.backup import parquet, replacing, selecting, sessions, streaming, targets
from sales_platform.backup.listing import Backup
from sales_platform.backup.manifest import Definition, TableCopy
from sales_platform.backup.progress import Progress, Report, one_at_a_time
from sales_platform.backup.roles import renamed
from sales_platform.backup.scope import WAREHOUSE
from sales_platform.backup.store import Store
from sales_platform.backup.verifying import intact, require_intact
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import RestoreRefused

# Keys that were issued after the backup may be in reports and exports; their numbers are not given again (K-03).
# Numbers that go with the microsecond of the restore are beyond all that were issued before it, those after another
# restore of the same backup included; the step is for a clock that was set back.
_FIRST_KEY = """
select greatest(
    (%s::bigint / 1000000000 + 1) * 1000000000,
    extract(epoch from clock_timestamp() - '2026-01-01 00:00+00')::numeric * 1000000
)::bigint
"""
_MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedObject, psycopg.errors.UndefinedFunction)
_THERE = (
    psycopg.errors.DuplicateObject,
    psycopg.errors.DuplicateFunction,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateSchema,
)


@dataclass(frozen=True)
class Restored:
    """tables: those restored, `schema.table`. notes: what a person should do or know next."""

    tables: list[str]
    rows: int
    length: int
    notes: list[str]


def restore(
    store: Store,
    backup: Backup,
    url: str,
    *,
    tables: Sequence[str] | None = None,
    replace: bool = False,
    roles: Mapping[str, str] | None = None,
    report: Report | None = None,
) -> Restored:
    """Restore all of a backup, or only some tables, into the database at `url`: all of it or nothing.

    replace: take the place of what stands there. roles: name in the backup → name on the target's server.
    Raises BackupDamaged and RestoreRefused before the first write; LockNotAvailable; what the server says.
    """
    where = sessions.place(url)
    with sessions.connect(url) as target, translated(where, target):
        sessions.take_the_only_place(target, where)
        work = _Restore(store, backup, target, where, dict(roles or {}), replace, one_at_a_time(report))
        if tables is None and backup.manifest.partial:
            tables = [copy.title for copy in backup.manifest.tables]
        copies = backup.manifest.tables
        if tables is not None:
            copies = selecting.named(backup.manifest, tables)
        work.judge(copies if tables is not None else None)
        require_intact(store, backup, copies, report=report)
        with target.transaction():
            if tables is None:
                work.restore_all()
            else:
                work.restore_some(copies)
    return Restored(
        [copy.title for copy in copies],
        sum(copy.rows for copy in copies),
        sum(copy.length for copy in copies),
        work.notes,
    )


@dataclass(frozen=True)
class _Restore:
    """One restore inside its session. tell: hears of the progress. notes: what a person should know of it."""

    store: Store
    backup: Backup
    target: Connection
    where: str
    roles: Mapping[str, str]
    replace: bool
    tell: Report
    notes: list[str] = field(default_factory=list)

    def judge(self, copies: Sequence[TableCopy] | None) -> None:
        """Whether the target can take the backup; copies: only these tables."""
        manifest = self.backup.manifest
        targets.require_server(self.target, manifest, self.where)
        if copies is None:
            targets.roles_to_make(self.target, manifest, self.roles, self.where)
            targets.missing_extensions(self.target, manifest, self.where)
            if not self.replace:
                targets.require_empty(self.target, manifest, self.where)
            return
        tables = replacing.standing(self.target)
        standing = [copy for copy in copies if copy.title in tables]
        if len(standing) < len(copies):
            targets.roles_to_make(self.target, manifest, self.roles, self.where)
            targets.missing_extensions(self.target, manifest, self.where)
        replacing.require_same_columns(self.target, standing, self.where)
        if not self.replace:
            self._require_no_rows(standing)

    def restore_all(self) -> None:
        manifest = self.backup.manifest
        # what came in while the blobs were read is not to be lost
        self.judge(None)
        keys_before = self._surrogate_keys()
        targets.clear(self.target, [*manifest.schemas, *manifest.empty_schemas], self.where)
        self._create_roles()
        before = [one for one in manifest.definitions if not one.after_data]
        for one in (entry for entry in before if entry.kind == "SCHEMA"):
            self._run(one)
        self._create_extensions()
        for one in (entry for entry in before if entry.kind != "SCHEMA"):
            self._run(one)
        for copy in manifest.tables:
            self._fill(copy)
        for one in (entry for entry in manifest.definitions if entry.after_data):
            self._build(one)
        for state in manifest.sequences:
            replacing.set_sequence(self.target, state)
        for view in manifest.populated_views:
            self.target.execute(sql.SQL("refresh materialized view {}").format(sql.Identifier(*view)))
        for copy in manifest.tables:
            self._compare(copy)
        if manifest.source == WAREHOUSE:
            self._finish_warehouse(keys_before)

    def restore_some(self, copies: Sequence[TableCopy]) -> None:
        self.judge(copies)
        tables = replacing.standing(self.target)
        standing = [copy for copy in copies if copy.title in tables]
        missing = [copy for copy in copies if copy.title not in tables]
        definitions = selecting.of_copies(self.backup.manifest, missing, tables)
        if missing:
            self._create_roles()
            self._create_extensions()
        for one in (entry for entry in definitions if not entry.after_data):
            self._run_unless_there(one)
        with replacing.set_aside(self.target, [(copy.schema, copy.name) for copy in standing], self.where):
            for copy in copies:
                self._fill(copy)
        for one in (entry for entry in definitions if entry.after_data):
            self._build_unless_unreachable(one)
        self._set_sequences(standing, missing)
        for copy in copies:
            self._compare(copy)

    def _set_sequences(self, standing: Sequence[TableCopy], missing: Sequence[TableCopy]) -> None:
        stood = {(copy.schema, copy.name) for copy in standing}
        made = {(copy.schema, copy.name) for copy in missing}
        for state in self.backup.manifest.sequences:
            if state.table in stood:
                replacing.advance(self.target, state)
            elif state.table in made:
                replacing.set_sequence(self.target, state)

    def _require_no_rows(self, standing: Sequence[TableCopy]) -> None:
        held = [one.title for one in standing if targets.holds_rows(self.target, (one.schema, one.name))]
        if held:
            raise RestoreRefused(
                f"these tables hold rows: {', '.join(held)}.",
                where=self.where,
                remedy="Take their place with --replace.",
            )

    def _run(self, one: Definition) -> None:
        text = one.sql
        if one.kind == "SCHEMA":
            text = text.replace("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ", 1)
        if text:
            with translated(f"{self.where}, {one.kind.lower()} {one.name}", self.target):
                self.target.execute(renamed(text, self.roles).encode())

    def _run_unless_there(self, one: Definition) -> None:
        """A type or function that stands is left as it is; one that needs what is not there, no table here needs."""
        if one.table is not None:
            self._run(one)
            return
        try:
            with self.target.transaction():
                self.target.execute(renamed(one.sql, self.roles).encode())
        except (*_THERE, *_MISSING):
            return

    def _build(self, one: Definition) -> None:
        self.tell(Progress("build", f"{one.kind.lower()} {one.name}", 0))
        self._run(one)

    def _build_unless_unreachable(self, one: Definition) -> None:
        """A reference to a table that is not there is left out, and said; one that rows break ends the restore."""
        try:
            with self.target.transaction():
                self.target.execute(renamed(one.sql, self.roles).encode())
        except psycopg.errors.ForeignKeyViolation:
            raise RestoreRefused(
                f"rows refer to rows that are not there: {one.name}. Nothing was changed.",
                where=self.where,
                remedy="Restore the tables on both sides together.",
            ) from None
        except psycopg.errors.UndefinedTable:
            if one.kind != "FK CONSTRAINT":
                raise
            self.notes.append(f"{one.name} was left out: the table that it refers to is not there.")

    def _create_roles(self) -> None:
        for role in targets.roles_to_make(self.target, self.backup.manifest, self.roles, self.where):
            self.target.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))

    def _create_extensions(self) -> None:
        for extension in targets.missing_extensions(self.target, self.backup.manifest, self.where):
            self.target.execute(
                sql.SQL("create extension {} with schema {}").format(
                    sql.Identifier(extension.name), sql.Identifier(extension.schema)
                )
            )

    def _fill(self, copy: TableCopy) -> None:
        pieces = intact(self.store, self.backup, copy)
        if copy.blob.endswith(".parquet"):
            pieces = parquet.to_csv(pieces)
        tally = streaming.Tally()
        total = copy.content_length
        with translated(f"{self.where}, table {copy.title}", self.target):
            rows = streaming.take_rows(
                self.target,
                copy.schema,
                copy.name,
                copy.columns,
                tally.passing(
                    pieces, lambda length: self.tell(Progress("restore", copy.title, length, total))
                ),
            )
        if rows != copy.rows:
            raise RestoreRefused(
                f"the server took {rows} of {copy.rows} rows of {copy.title}. Nothing was changed.",
                where=self.where,
            )

    def _compare(self, copy: TableCopy) -> None:
        """Read the rows as they stand now, and compare them with the manifest."""
        tally = streaming.Tally()
        rows = streaming.rows_of(self.target, copy.schema, copy.name, copy.columns, tally)
        for _ in tally.passing(
            rows,
            lambda length: self.tell(Progress("compare", copy.title, length, copy.content_length)),
        ):
            pass
        if (tally.rows, tally.sha256) != (copy.rows, copy.content_sha256):
            raise RestoreRefused(
                f"{copy.title} is not what the backup holds: {tally.rows} rows for {copy.rows}, or other values."
                " Nothing was changed.",
                where=self.where,
                remedy="Restore into the version of PostgreSQL that the backup was made on.",
            )

    def _surrogate_keys(self) -> int:
        """How far the target's keys have come, before it is replaced."""
        there = self.target.execute("select to_regclass('ops.surrogate_key_seq') is not null").fetchone()
        if self.backup.source != WAREHOUSE or not there or not there[0]:
            return 0
        row = self.target.execute("select last_value from ops.surrogate_key_seq").fetchone()
        return int(row[0]) if row else 0

    def _finish_warehouse(self, keys_before: int) -> None:
        last = max(self._surrogate_keys(), keys_before)
        row = self.target.execute(_FIRST_KEY, [last]).fetchone()
        assert row is not None
        first: int = row[0]
        self.target.execute("select setval('ops.surrogate_key_seq', %s, false)", [first])
        # both say what tables hold that are not there now
        self.target.execute("delete from ops.consumed_version")
        self.target.execute("delete from ops.dimension_reference")
        self.notes.extend(
            [
                "Run `sales-platform rebuild` now: staging, analytics and marts are made again from raw.",
                f"New versions get keys from {first:,} on, so that no key issued since the backup names another one.",
            ]
        )
