"""Families of corruptions, as people speak of them."""

from __future__ import annotations

from roadworthy.report.cells import Cell
from roadworthy.report.parts import part_of
from roadworthy.report.points import severity_of

FAMILIES = {
    "Noise": ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    "Blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"),
    "Weather": ("snow", "frost", "fog", "brightness", "spatter"),
    "Digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression", "saturate"),
}
OTHERS = "Other corruptions"


def corruption_of(cell: Cell) -> tuple[str, int] | None:
    """Return name and severity of the corruption that a cell is about, stored or made here."""
    part = part_of(cell.data)
    if part is not None:
        return None if part.severity is None else (part.name, part.severity)
    severity = severity_of(cell)
    if cell.axis != "corruption" or severity is None or cell.pooled:
        return None
    return cell.stress.partition("(")[0], int(severity)


def family_of(name: str) -> str:
    """Return the family of a corruption."""
    return next((family for family, names in FAMILIES.items() if name in names), OTHERS)


def in_order(names: set[str]) -> list[str]:
    """Return names of corruptions family by family, in the published order."""
    known = [name for listed in FAMILIES.values() for name in listed if name in names]
    return [*known, *sorted(names - set(known))]
