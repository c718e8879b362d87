"""The preflight itself: gather the evidence once, then ask one question after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from roadworthy.errors import RoadworthyError
from roadworthy.models.check.report import Finding, Report
from roadworthy.spec import Spec
from roadworthy.types import Classifier, Dataset

if TYPE_CHECKING:
    from roadworthy.models.check.evidence import Evidence

LIMIT = 300


def check(
    model: str | Spec | Classifier,
    data: str | Spec | Dataset,
    *,
    limit: int = LIMIT,
    device: str = "cpu",
) -> Report:
    """Return what a preflight of ``model`` on the first ``limit`` images of ``data`` finds.

    Both are specs or live objects. The images are a stratified prefix, the same as `evaluate`
    uses. Raises UsageError or RoadworthyError only where the model cannot be loaded or no image can
    be read; everything else that is wrong becomes a finding with what to do about it.
    """
    from roadworthy.data.registry import open_data
    from roadworthy.engine.options import Options
    from roadworthy.evaluation import use_cores
    from roadworthy.models.check.gather import gather
    from roadworthy.models.check.questions import QUESTIONS
    from roadworthy.models.load import load

    options = Options(limit=limit, device=device)
    dataset = open_data(data) if isinstance(data, str | Spec) else data
    use_cores()
    classifier = load(model, device=device)
    evidence = gather(classifier, dataset, options)
    findings = tuple(_answered(question, evidence) for question in QUESTIONS)
    notes = tuple(getattr(classifier, "notes", ()))
    return Report(evidence.name, dataset.spec, findings, notes)


def _answered(question: Callable[[Evidence], Finding], evidence: Evidence) -> Finding:
    from roadworthy.models.check.evidence import NotPossibleError

    try:
        return question(evidence)
    except NotPossibleError as error:
        return Finding(question.__name__, "skipped", str(error))
    except RoadworthyError as error:
        return Finding(question.__name__, "failed", str(error))
