"""Colours and surfaces of the pages, light and dark. A series differs from the next by colour, dash and marker, so that
no colour must be told from another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template

import streamlit as st


@dataclass(frozen=True)
class Look:
    """series: in their order, after Okabe and Ito, each at least 3:1 against surface; ink: at least 7:1."""

    name: str
    series: tuple[str, ...]
    ink: str
    faint: str
    grid: str
    surface: str
    page: str
    glow: str
    glass: str
    veil: str
    edge: str


LIGHT = Look(
    name="light",
    series=("#0072b2", "#c14a00", "#007a5c", "#a3437a", "#7a6000", "#1f82b8", "#16202e"),
    ink="#16202e",
    faint="#4a5568",
    grid="#d5dde8",
    surface="#ffffff",
    page="#f4f7fb",
    glow="#dbe9f9",
    glass="rgba(255, 255, 255, 0.82)",
    veil="rgba(244, 247, 251, 0.88)",
    edge="rgba(22, 32, 46, 0.12)",
)
DARK = Look(
    name="dark",
    series=("#56b4e9", "#e69f00", "#2fc79a", "#e08fbd", "#f0e442", "#ff8a4c", "#eef3fa"),
    ink="#eef3fa",
    faint="#b7c2d3",
    grid="#33405a",
    surface="#1a2334",
    page="#0e1420",
    glow="#1b2c4a",
    glass="rgba(26, 35, 52, 0.82)",
    veil="rgba(14, 20, 32, 0.88)",
    edge="rgba(238, 243, 250, 0.14)",
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "star", "pentagon")


def look() -> Look:
    """That of the visitor's browser."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def dress(page: Look) -> None:
    """Put the surfaces of the page on."""
    st.html(f"<style>{_sheet().substitute(vars(page))}</style>")


@cache
def _sheet() -> Template:
    return Template((files(__package__) / "theme.css").read_text(encoding="utf-8"))
