"""The SQL text through which DuckDB reads a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadworthy.engine.records import SCHEMA

if TYPE_CHECKING:
    from roadworthy.run import Run

_TEXT = """\
-- The current records of this run for DuckDB; written anew by every `roadworthy run`.
--   cd {folder} && duckdb -init records.sql
--   SELECT stress, variant, avg(correct::int) FROM records WHERE status = 'ok' GROUP BY ALL;
CREATE OR REPLACE VIEW records AS
WITH cells(number, request, manifest) AS (VALUES {cells}),
used AS (
  SELECT cells.number, cells.request, m.sample, m.content, m.position
  FROM ({lists}) m JOIN cells USING (manifest)
),
found AS (
  SELECT r.*, used.number AS _number, used.position AS _position
  FROM read_parquet('records/*/[0-9a-f]*.parquet', union_by_name = true,
                    filename = '_file', file_row_number = true) r
  JOIN used USING (request, sample, content)
),
-- Of several files that hold a sample one counts, before all one that judged it.
files AS (
  SELECT _number, sample, content, _file, bool_or(status <> 'failed') AS judged
  FROM found GROUP BY ALL
),
chosen AS (
  SELECT _number, sample, content, _file FROM files
  QUALIFY row_number() OVER (
    PARTITION BY _number, sample, content ORDER BY judged DESC, _file DESC
  ) = 1
)
SELECT {columns}
FROM found JOIN chosen USING (_number, sample, content, _file)
ORDER BY _number, _position, file_row_number;
"""

_NO_CELL = "(0, '', '')"
_NO_LIST = "SELECT '' AS sample, '' AS content, 0 AS position, '' AS manifest WHERE false"


def view(run: Run) -> str:
    """Return SQL that makes the view ``records``: the rows of `Run.scan`, paths from the folder."""
    pairs = dict.fromkeys((cell.request, cell.manifest) for cell in run.cells)
    # Both are hex digests of ours, but the files they come from could have been edited.
    pairs = {(r, m): None for r, m in pairs if r.isalnum() and m.isalnum()}
    lists = [
        f"SELECT *, '{m}' AS manifest FROM read_parquet('manifests/{m}.parquet')"
        for m in dict.fromkeys(m for _, m in pairs)
        if run.manifest(m) is not None
    ]
    return _TEXT.format(
        folder=str(run.folder).replace("\n", " "),
        cells=", ".join(f"({i}, '{r}', '{m}')" for i, (r, m) in enumerate(pairs)) or _NO_CELL,
        lists="\n    UNION ALL ".join(lists) or _NO_LIST,
        columns=", ".join(f'"{name}"' for name in SCHEMA),
    )
