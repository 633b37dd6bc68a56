"""Writes the simulated billing system's invoice files; its neighbours make what stands in them.

A file is a pure function of seed, its number and its length; none asks the clock.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path

import numpy as np

from sales_platform.errors import WrongUse
from sales_platform.sources.billing.dirt import spoil
from sales_platform.sources.billing.invoices import COLUMNS, Row, invoices
from sales_platform.sources.placing import PlacedFiles, place


class Purpose(IntEnum):
    """What a stream of random numbers is drawn for. Changing a number changes every file made with it."""

    INVOICES = 1
    DIRT = 2


def generate(data: Path, *, files: int, rows: int, seed: int, dirt: bool = False) -> PlacedFiles:
    """Write `files` files of `rows` invoices each, `billing/invoices_1.csv` and so on; ids run on from file to file.

    Files of the same name are replaced, others left alone; a rerun changes nothing. Raises WrongUse for numbers
    that make no file.
    """
    for option, value, least in (("--files", files, 1), ("--rows", rows, 1), ("--seed", seed, 0)):
        if value < least:
            raise WrongUse(f"must be {least} or more.", where=option)
    changed = sum(
        place(invoice_file(data, number), csv_bytes(rows_of(number, rows, seed, dirt=dirt)))
        for number in range(1, files + 1)
    )
    return PlacedFiles("invoices", files=files, changed=changed, rows=files * rows)


def invoice_file(data: Path, number: int) -> Path:
    return data / "billing" / f"invoices_{number}.csv"


def rows_of(number: int, rows: int, seed: int, *, dirt: bool) -> list[Row]:
    """The lines of one file; numbers begin with 1."""
    made = invoices(_stream(seed, Purpose.INVOICES, number), rows, first_number=(number - 1) * rows + 1)
    return spoil(_stream(seed, Purpose.DIRT, number), made) if dirt else [invoice.row() for invoice in made]


def csv_bytes(rows: Iterable[Row]) -> bytes:
    """A header and its records as UTF-8, lines ended by LF."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def _stream(seed: int, purpose: Purpose, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, purpose, number]))
