"""A delimited text file as columns, with the line of every row for messages."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadworthy.errors import UsageError, did_you_mean

LARGEST_TABLE = 1 << 30  # bytes

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}


@dataclass(frozen=True)
class Table:
    """Rows of text below a header; ``lines`` holds the line on which each row ends."""

    path: Path
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]

    def column(self, name: str) -> list[str]:
        """Return the values of one column, as they stand."""
        at = self.header.index(name)
        return [row[at] for row in self.rows]

    def where(self, row: int) -> str:
        """Name a row for a message."""
        return f"{self.path}, line {self.lines[row]}"


def read_table(path: Path, *, required: Sequence[str]) -> Table:
    """Read a UTF-8 table separated by commas, semicolons or tabs, whichever gives ``required``.

    Quoted fields, a byte order mark, any line ending and blank lines are accepted. Raises
    UsageError naming the file and the line for a missing column, a row of another length, text
    that is not UTF-8, or a table without rows.
    """
    size = path.stat().st_size
    if size > LARGEST_TABLE:
        raise UsageError(f"{path}: {size} bytes; tables up to {LARGEST_TABLE} bytes are read")
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline(), required)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            numbered = _numbered(reader)
            line, first = next(numbered, (1, []))
            header = _header(path, first, required, delimiter)
            rows, lines = [], []
            for line, row in numbered:
                if len(row) != len(header):
                    raise UsageError(
                        f"{path}, line {line}: {len(row)} fields; expected {len(header)} "
                        f"({', '.join(header)}); a field with a "
                        f"{_DELIMITERS[delimiter]} inside needs quotes"
                    )
                rows.append(row)
                lines.append(line)
    except csv.Error as error:
        raise UsageError(f"{path}, after line {line}: not a table: {error}") from None
    except UnicodeDecodeError:
        raise UsageError(
            f"{path}, after line {line}: not UTF-8 text; save the table as UTF-8"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if not rows:
        raise UsageError(f"{path}: no rows below the header; expected one row an image")
    return Table(path, header, rows, lines)


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for row in reader:
        if any(field.strip() for field in row):
            yield reader.line_num, row  # type: ignore[attr-defined]


def _fields(line: str, delimiter: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]


def _delimiter(line: str, required: Sequence[str]) -> str:
    for delimiter in _DELIMITERS:
        if set(required) <= set(_fields(line, delimiter)):
            return delimiter
    return max(_DELIMITERS, key=lambda d: len(_fields(line, d)))


def _header(
    path: Path, first: Sequence[str], required: Sequence[str], delimiter: str
) -> tuple[str, ...]:
    header = tuple(name.strip() for name in first)
    for name in required:
        if name not in header:
            found = ", ".join(f"'{column}'" for column in header[:12]) or "nothing"
            raise UsageError(
                f"{path}, line 1: no column '{name}'{did_you_mean(name, header)}; found {found} "
                f"(separated by {_DELIMITERS[delimiter]}s); expected a header with "
                f"{' and '.join(required)}, or name the columns: "
                f"csv:{path}(file=COLUMN, label=COLUMN)"
            )
    repeated = [name for name in header if header.count(name) > 1]
    if repeated:
        raise UsageError(f"{path}, line 1: the column '{repeated[0]}' appears twice")
    return header
