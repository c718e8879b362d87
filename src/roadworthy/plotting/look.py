"""How figures of a paper look: sizes, fonts, and colours that all readers tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMN, PAGE = 3.3, 6.9
"""Width of a figure in inches, in one column and over both of a page in two columns."""

# The palette of Okabe and Ito (2008) without its yellow, which paper swallows.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)), "-", (0, (5, 1.5)), "-", "-")
GREY = "#595959"

LETTER, LINE = 0.058, 0.13
"""Inches that a letter of seven points takes on average, and a line of them."""

FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Hiragino Sans",
    "PingFang SC",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Nirmala UI",
    "Leelawadee UI",
    "Arial Unicode MS",
    "Unifont",
)
"""Fonts for letters that the first one lacks, of which those are used that are installed."""

SETTINGS: Mapping[str, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e0e0e0",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.usetex": False,
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "pdf.fonttype": 42,  # journals refuse Type 3
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "roadworthy",  # the same figure twice is the same file
}


def settings() -> dict[Any, Any]:
    """Return the settings of matplotlib, with the fonts that are installed here."""
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    fonts = ["sans-serif", *(name for name in FALLBACKS if name in installed)]
    return {**SETTINGS, "font.family": fonts}
