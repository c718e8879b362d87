"""Do the labels of the data mean outputs of the model?"""

from __future__ import annotations

from roadworthy.models.check.evidence import Evidence
from roadworthy.models.check.report import Finding


def classes(evidence: Evidence) -> Finding:
    """Report how labels relate to outputs; labels that do not fit fail, with the explanation."""
    if evidence.relation is None:
        return Finding("classes", "failed", evidence.mismatch)
    offset = evidence.model.classes.offset
    skipped = f"; {offset} output before the first class is left out" if offset else ""
    return Finding("classes", "ok", f"{evidence.relation.description}{skipped}")
