"""A gate as JUnit XML, which CI services show as tests."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from roadworthy.gating.result import Check, Gate
from roadworthy.gating.text import why
from roadworthy.report.cells import label_of
from roadworthy.report.names import clean_text
from roadworthy.report.reading import Reading


def junit(found: Gate) -> bytes:
    """Return one test case a check: a failure where it failed, an error where it is undecided.

    Undecided is no pass, and services that know passed and skipped alone must not take it for one.
    """
    checks = found.checks
    suite = Element(
        "testsuite",
        name="roadworthy gate",
        tests=str(len(checks)),
        failures=str(sum(check.status == "fail" for check in checks)),
        errors=str(sum(check.status == "undecided" for check in checks)),
        skipped="0",
    )
    for check in checks:
        _case(suite, check)
    if found.notes:
        SubElement(suite, "system-out").text = clean_text(" | ".join(found.notes), limit=20_000)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(suite: Element, check: Check) -> None:
    where = label_of(check.stress, check.variant) if check.stress else ""
    name = f"{check.requirement.text} [{where}]" if where else check.requirement.text
    owner = " on ".join(filter(None, (check.model, check.data))) or "roadworthy gate"
    case = SubElement(suite, "testcase", name=clean_text(name), classname=clean_text(owner))
    reading = Reading(check.found.value, check.found.low, check.found.high, check.unit)
    said = f"{reading.full}, n = {check.found.n}"
    if check.status == "fail":
        _problem(case, "failure", "failed", f"{check.requirement.text} is not met: {said}")
    elif check.status == "undecided":
        message = f"{check.requirement.text} is undecided: {said}; {why(check)}"
        _problem(case, "error", "undecided", message)
    SubElement(case, "system-out").text = clean_text(said)


def _problem(case: Element, tag: str, kind: str, message: str) -> None:
    """Say what is wrong with a case as attribute and as text: some services show one, some the other."""
    text = clean_text(message)
    SubElement(case, tag, type=kind, message=text).text = text
