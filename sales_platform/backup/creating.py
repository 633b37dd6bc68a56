"""One backup: a snapshot of a database copied into the store, its manifest last."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

from sales_platform.backup import (
    definitions,
    dumping,
    naming,
    parquet,
    selecting,
    sessions,
    snapshots,
    streaming,
)
from sales_platform.backup.listing import Backup, folders, read_backup
from sales_platform.backup.manifest import Format, Manifest, Origin, TableCopy, to_text
from sales_platform.backup.progress import Progress, Report, one_at_a_time
from sales_platform.backup.scope import Relation, Scope, scope_of
from sales_platform.backup.snapshots import Snapshot
from sales_platform.backup.store import Store
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import BackupDamaged, BlobMissing, SalesPlatformError

log = logging.getLogger(__name__)


def create_backup(
    url: str,
    store: Store,
    source: str,
    *,
    tables: Sequence[str] | None = None,
    format: Format = "csv",
    day: date | None = None,
    workers: int = 2,
    report: Report | None = None,
) -> Backup:
    """Back up a database as `source`: accounts, invoicing, warehouse, or any other name for all its schemas.

    tables: only these, `schema.table` or a bare name of the main schema. day: the folder's; default: today in UTC.
    Raises LockNotAvailable while another backup or restore of the database runs, and what the store or server says.
    """
    naming.checked_source(source)
    where = sessions.place(url)
    with sessions.connect(url) as leader, translated(where, leader):
        sessions.take_the_only_place(leader, where)
        scope = scope_of(leader, source)
        prefix = _begin(leader, store, source, day)
        snapshot = snapshots.take(leader, scope, tables, where)
        work = _Work(url, store, prefix, snapshot, scope, format, one_at_a_time(report))
        with ThreadPoolExecutor(1, thread_name_prefix="backup") as beside:
            copying = beside.submit(work.copy_all, workers)
            try:
                # the catalog is read while the rows are copied: both see the one snapshot
                draft = _describe(leader, work, source, partial=tables is not None)
                copies = copying.result()
            except BaseException:
                work.stopped.set()
                raise
        leader.execute("commit")
        manifest = replace(draft, tables=copies, finished_at=datetime.now(UTC))
        manifest = replace(manifest, same_as=_same_as(store, manifest))
        _seal(store, prefix, to_text(manifest))
    return read_backup(store, prefix, folders(store, source)[prefix])


def _begin(connection: Connection, store: Store, source: str, day: date | None) -> str:
    """Take the remains of dead ones away and found a folder of this backup's own."""
    origin = snapshots.origin_of(connection)
    standing = folders(store, source)
    for prefix, folder in standing.items():
        if not {naming.MANIFEST, naming.MANIFEST_COPY} & folder.keys():
            _remove_remains(store, prefix, sorted(folder), origin)
    moment = naming.next_id(datetime.now(UTC), [naming.id_of(prefix) for prefix in standing])
    prefix = f"{source}/{day or naming.time_of(moment).date()}/{moment}/"
    note = {"source": source, "id": moment, "identity": origin.identity}
    store.put(f"{prefix}{naming.STARTED}", [json.dumps(note).encode()])
    return prefix


def _remove_remains(store: Store, prefix: str, names: list[str], origin: Origin) -> None:
    """Of this database only: the lock that we hold says that whoever began them is gone (K-11)."""
    try:
        note: Any = json.loads(b"".join(store.read(f"{prefix}{naming.STARTED}")))
        mine = note["identity"] == origin.identity
    except (BlobMissing, ValueError, KeyError, TypeError):
        log.warning("%s is unfinished and does not say whose it is; it stays.", prefix)
        return
    if not mine:
        return
    # what says whose they are goes last, so that a removal that is cut off can be gone on with
    for name in [*(name for name in names if name != naming.STARTED), naming.STARTED]:
        store.remove(f"{prefix}{name}")
    log.info("removed %s, which an unfinished backup left", prefix)


def _describe(connection: Connection, work: _Work, source: str, *, partial: bool) -> Manifest:
    """The manifest without its tables: everything that the catalog says."""
    scope, origin = work.scope, work.snapshot.origin
    dump = dumping.dump_definitions(
        work.url, origin.server_version, work.snapshot.export, scope.schemas, scope.empty_schemas
    )
    parsed = definitions.parse(dump, definitions.read_catalog(connection))
    sequences = snapshots.sequences(connection, scope)
    views = definitions.populated_views(connection, scope.schemas)
    entries = parsed.definitions
    if partial:
        kept = {(one.schema, one.name) for one in work.snapshot.relations}
        entries = selecting.of_tables(entries, kept)
        sequences = [one for one in sequences if one.table in kept]
        views = []
    backup_id = naming.id_of(work.prefix)
    return Manifest(
        id=backup_id,
        source=source,
        day=work.prefix.split("/")[1],
        made_at=naming.time_of(backup_id),
        finished_at=naming.time_of(backup_id),
        platform_version=version("sales-platform"),
        format=work.format,
        origin=origin,
        schemas=scope.schemas,
        empty_schemas=scope.empty_schemas,
        tables=[],
        sequences=sequences,
        definitions=entries,
        populated_views=views,
        roles=sorted(parsed.roles),
        extensions=definitions.extensions(connection),
        partial=partial,
        same_as=None,
    )


def _seal(store: Store, prefix: str, text: bytes) -> None:
    """Write the manifest, its copy first: with the manifest the backup exists."""
    store.put(f"{prefix}{naming.MANIFEST_COPY}", [text])
    try:
        store.put(f"{prefix}{naming.MANIFEST}", [text])
    except SalesPlatformError:
        # with a copy it would look like a backup whose manifest somebody took away, which nobody may remove
        try:
            store.remove(f"{prefix}{naming.MANIFEST_COPY}")
        except SalesPlatformError as left:
            log.warning("the copy of a manifest stays behind: %s", left)
        raise


def _same_as(store: Store, manifest: Manifest) -> str | None:
    """The newest earlier backup where it held the same rows, definitions and sequences (K-15)."""
    complete = [one for one in folders(store, manifest.source).items() if naming.MANIFEST in one[1]]
    if not complete:
        return None
    try:
        last = read_backup(store, *complete[-1]).manifest
    except BackupDamaged as error:
        log.warning("not compared with the backup before: %s", error)
        return None
    same = (
        last.origin.identity == manifest.origin.identity
        and last.definitions == manifest.definitions
        and last.sequences == manifest.sequences
        and [(one.title, one.content_sha256) for one in last.tables]
        == [(one.title, one.content_sha256) for one in manifest.tables]
    )
    return last.id if same else None


@dataclass(frozen=True)
class _Work:
    """What every worker knows."""

    url: str
    store: Store
    prefix: str
    snapshot: Snapshot
    scope: Scope
    format: Format
    tell: Report
    stopped: Event = field(default_factory=Event)

    def copy_all(self, workers: int) -> list[TableCopy]:
        """Every table, several at once; the first failure ends all."""
        waiting: SimpleQueue[Relation] = SimpleQueue()
        for table in self.snapshot.tables:
            waiting.put(table)
        count = max(1, min(workers, len(self.snapshot.tables)))
        with ThreadPoolExecutor(count, thread_name_prefix="backup") as pool:
            running = [pool.submit(self._copy_some, waiting) for _ in range(count)]
            try:
                for one in as_completed(running):
                    one.result()
            except BaseException:
                # the others end with their next piece, and Ctrl-C does not wait for a large table
                self.stopped.set()
                raise
        copies = [copy for one in running for copy in one.result()]
        return sorted(copies, key=lambda copy: (copy.schema, copy.name))

    def _copy_some(self, waiting: SimpleQueue[Relation]) -> list[TableCopy]:
        copies: list[TableCopy] = []
        with snapshots.joined(self.url, self.snapshot) as connection:
            while True:
                try:
                    table = waiting.get_nowait()
                except Empty:
                    return copies
                with translated(f"{sessions.place(self.url)}, table {table.title}", connection):
                    copies.append(self._copy(connection, table))

    def _passed(self, table: Relation, length: int) -> None:
        if self.stopped.is_set():
            raise _Stopped
        self.tell(Progress("copy", table.title, length))

    def _copy(self, connection: Connection, table: Relation) -> TableCopy:
        ending = self.format if table.columns else "csv"
        blob = naming.data_blob(
            table.schema, table.name, bare=table.schema == self.scope.main_schema, ending=ending
        )
        content = streaming.Tally(md5=ending == "csv")
        rows = content.passing(
            streaming.rows_of(connection, table.schema, table.name, table.columns, content),
            lambda length: self._passed(table, length),
        )
        stored = content
        if ending == "parquet":
            stored = streaming.Tally(md5=True)
            rows = stored.passing(parquet.to_parquet(rows, table.columns))
        self.store.put(f"{self.prefix}{blob}", rows)
        return TableCopy(
            schema=table.schema,
            name=table.name,
            above=table.above,
            columns=table.columns,
            blob=blob,
            rows=content.rows,
            length=stored.length,
            sha256=stored.sha256,
            md5=stored.md5,
            content_length=content.length,
            content_sha256=content.sha256,
        )


class _Stopped(Exception):
    """Another table failed; seen by the worker's own thread only."""
