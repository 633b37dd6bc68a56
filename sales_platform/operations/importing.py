"""What `sales-platform import` does: take an export of a real source to where the platform's feeds find it, the data
folder or the source's own database. Loads no table of the warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sales_platform.operations.simulating import DEFAULT_SEED
from sales_platform.settings import Settings

if TYPE_CHECKING:
    from sales_platform.engine.document_rejections import DocumentCounts
    from sales_platform.engine.reports import LoadReport
    from sales_platform.engine.warehouse import Warehouse
    from sales_platform.sources.channels.importer import ChannelsImport
    from sales_platform.sources.retail.importer import RetailImport


def import_retail(settings: Settings, export: Path) -> RetailImport:
    """Land the five files of a retail export as the platform's feeds expect them.

    Raises FileMissing, FileEmpty, HeaderMismatch and SourceError before anything is written.
    """
    from sales_platform.sources.retail import importer

    return importer.import_retail(export, settings.data, settings.zone)


def import_channels(settings: Settings, export: Path) -> ChannelsImport:
    """Copy the daily payment files of an export to where the platform's feed finds them.

    Raises FileMissing for a folder without any, and SourceError for a file that cannot be read.
    """
    from sales_platform.sources.channels import importer

    return importer.import_channels(export, settings.data)


@dataclass(frozen=True)
class InvoicingImport:
    """report: the fates of the documents. payments: how many were added. synced: the warehouse has read the source
    before, so that it will not see by itself what is dated in the past.
    """

    report: LoadReport
    payments: int
    synced: bool


def import_invoicing(
    settings: Settings, file: Path, *, payments: bool = False, seed: int = DEFAULT_SEED
) -> InvoicingImport:
    """Write the clean documents of a file into the invoicing source, and reject the others in the warehouse.

    Documents that the source knows by their number are left as they are. payments: pay the invoices of these documents
    that have no payment, drawn from `seed`. Raises FileMissing, FileEmpty and SourceError before anything is written.
    """
    from sales_platform.engine.document_rejections import DocumentCounts, record_import
    from sales_platform.operations.opening import open_warehouse
    from sales_platform.operations.source_databases import open_source
    from sales_platform.sources.invoicing.document_file import DOCUMENTS, read_document_file
    from sales_platform.sources.invoicing.importer import write_documents

    found = read_document_file(file)
    paid = 0
    with open_warehouse(settings) as warehouse, open_source(settings, "invoicing") as url:

        def write() -> DocumentCounts:
            nonlocal paid
            written = write_documents(
                url,
                found.clean,
                payment_seed=seed if payments else None,
                lock_timeout_seconds=settings.lock_timeout_seconds,
            )
            paid = written.payments
            return DocumentCounts(written.loaded, written.unchanged, found.duplicates)

        report = record_import(
            warehouse,
            DOCUMENTS,
            found.source,
            (found.content_hash, found.bytes_read),
            found.rejections,
            write,
        )
        return InvoicingImport(report, paid, _was_synced(warehouse))


def _was_synced(warehouse: Warehouse) -> bool:
    with warehouse.transaction() as connection:
        found = connection.execute(
            r"select exists (select from ops.watermark where feed like 'invoicing\_%')"
        ).fetchone()
    return bool(found and found[0])
