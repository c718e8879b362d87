"""The SQL text through which DuckDB reads a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadworthy.run import Run

_TEXT = """\
-- The current records of this run for DuckDB; written anew by every `roadworthy run`.
--   cd {folder} && duckdb -init records.sql
--   SELECT stress, variant, avg(correct::int) FROM records WHERE status = 'ok' GROUP BY ALL;
CREATE OR REPLACE VIEW records AS
WITH cells(request, manifest) AS (VALUES {cells}),
used AS (
  SELECT cells.request, m.sample, m.content, m.position
  FROM read_parquet('manifests/*.parquet', filename = true) m
  JOIN cells ON m.filename LIKE '%' || cells.manifest || '.parquet'
),
found AS (
  SELECT r.*, used.position AS position,
    rank() OVER (PARTITION BY r.request, r.sample, r.content ORDER BY r.status = 'failed') AS place
  FROM read_parquet('records/*/*.parquet') r
  JOIN used ON used.request = r.request AND used.sample = r.sample AND used.content = r.content
)
SELECT * EXCLUDE (position, place) FROM found
WHERE place = 1
QUALIFY row_number() OVER (PARTITION BY request, sample, content, variant) = 1
ORDER BY position;
"""


def view(run: Run) -> str:
    """Return SQL that makes the view ``records``: the rows of `Run.scan`, paths from the folder."""
    pairs = dict.fromkeys((cell.request, cell.manifest) for cell in run.cells)
    # Both are hex digests of ours, but the files they come from could have been edited.
    rows = [f"('{r}', '{m}')" for r, m in pairs if r.isalnum() and m.isalnum()]
    folder = str(run.folder).replace("\n", " ")
    return _TEXT.format(folder=folder, cells=", ".join(rows) or "('', '')")
