"""A file of invoice documents, one JSON document per line, sorted into clean, repeated and refused. No SQL."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from sales_platform.contracts.columns import Column
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.document_rejections import Rejection
from sales_platform.engine.files import SourceFile
from sales_platform.errors import FileEmpty
from sales_platform.sources.invoicing.documents import UNREADABLE, Document, RefusedDocument, judge

# Of the documents the warehouse keeps only those that were refused; the clean ones come back from the source's tables.
DOCUMENTS = FileFeedContract(
    domain="invoicing",
    table="documents",
    path="*",
    description="Invoice documents, one JSON document per line, that an import writes into the invoicing source",
    partitions="per_file",
    key=("invoice_no",),
    columns={"invoice_no": Column(type="text", required=True)},
)
REPEATED_NUMBER = "DUPLICATE_INVOICE_NO"


@dataclass
class DocumentFile:
    """What a file holds. clean: one document per invoice number, by line. duplicates: exact repeats of these.

    Every line that is not blank is one of clean, duplicates and refused.
    """

    source: SourceFile
    content_hash: str
    bytes_read: int
    clean: list[Document] = field(default_factory=list)
    duplicates: int = 0
    refused: list[RefusedDocument] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return len(self.clean) + self.duplicates + len(self.refused)

    @property
    def rejections(self) -> list[Rejection]:
        """What the warehouse is to keep of the refused documents."""
        return [
            Rejection(
                one.line, one.content, one.invoice_no, one.reasons, unreadable=one.reasons == (UNREADABLE,)
            )
            for one in self.refused
        ]


def read_document_file(path: Path) -> DocumentFile:
    """Read and judge every document of a file.

    Raises FileMissing, SourceError for a file that cannot be read, FileEmpty for one without any document.
    """
    source = SourceFile(path=str(path), location=str(path.resolve()), partition=path.name)
    with source.open() as stream:
        content = stream.read()
    found = DocumentFile(source, hashlib.sha256(content).hexdigest(), len(content))
    _sort(found, content.removeprefix(codecs.BOM_UTF8))
    if not found.documents:
        raise FileEmpty(
            "there is no document in the file.",
            where=source.path,
            remedy="Name the file that holds one JSON document per line.",
        )
    return found


def _sort(found: DocumentFile, content: bytes) -> None:
    by_number: dict[str, Document] = {}
    for line, text in enumerate(content.split(b"\n"), start=1):
        if not text.strip():
            continue
        verdict = judge(line, text.removesuffix(b"\r"))
        if isinstance(verdict, RefusedDocument):
            found.refused.append(verdict)
            continue
        known = by_number.setdefault(verdict.invoice_no, verdict)
        if known is verdict:
            found.clean.append(verdict)
        elif known == verdict:
            found.duplicates += 1
        else:
            reasons = (REPEATED_NUMBER,)
            found.refused.append(RefusedDocument(line, verdict.content, verdict.invoice_no, reasons))
