"""The JUnit XML report of a run: a suite for each file, with the explanation in each failure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from rolecall.cli.testing.coverage import Coverage
from rolecall.cli.testing.report import Report, explanation_text, related_statements
from rolecall.cli.testing.results import Result
from rolecall.policy.wording import printable

# Characters that XML 1.0 does not allow, not even as an escape.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(report: Report) -> str:
    """Return a run as the text of an XML document."""
    root = ET.Element("testsuites", {"name": "rolecall", **_counts(report.results)})
    if report.problems:
        _add_problems(root, report)
    for file, results in report.by_file().items():
        suite = ET.SubElement(root, "testsuite", {"name": _text(file), **_counts(results)})
        for result in results:
            _add_case(suite, result)
    if report.coverage is not None and not report.covered_enough:
        _add_coverage(root, report, report.coverage)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_case(suite: ET.Element, result: Result) -> None:
    case = result.case
    facts = {"name": _text(case.name), "classname": _text(result.file), "file": _text(case.location.file)}
    element = ET.SubElement(
        suite, "testcase", {**facts, "line": str(case.location.line), "time": f"{result.seconds:.6f}"}
    )
    if not result.passed:
        failure = ET.SubElement(element, "failure", {"type": "failure", "message": _text(result.failure)})
        failure.text = _text(_whole(result))


def _whole(result: Result) -> str:
    lines = [f"{result.case.location}: {result.failure}"]
    lines += [f"help: {result.hint}"] if result.hint else []
    lines += [f"{text}: {location}" for text, location in related_statements(result)]
    return "\n".join([*lines, "", explanation_text(result)])


def _add_problems(root: ET.Element, report: Report) -> None:
    """Add each problem of a file as a case with an error, because a JUnit report has only cases."""
    count = str(len(report.problems))
    counts = {"tests": count, "failures": "0", "errors": count, "skipped": "0", "time": "0.000000"}
    suite = ET.SubElement(root, "testsuite", {"name": "problems", **counts})
    for problem in report.problems:
        at, name = problem.location, _text(f"{problem.location}: {problem.message}")
        facts = {"name": name, "classname": "problems", "file": _text(at.file), "line": str(at.line)}
        element = ET.SubElement(suite, "testcase", {**facts, "time": "0.000000"})
        ET.SubElement(element, "error", {"type": problem.reason or "error", "message": _text(problem.message)})
    root.set("tests", str(int(root.attrib["tests"]) + len(report.problems)))
    root.set("errors", count)


def _add_coverage(root: ET.Element, report: Report, coverage: Coverage) -> None:
    """Add insufficient coverage as a failed case, because a JUnit report has only cases."""
    text = (
        f"{coverage.covered} of {coverage.total} statements ({coverage.percent:g} %), less than {report.fail_under:g} %"
    )
    counts = {"tests": "1", "failures": "1", "errors": "0", "skipped": "0", "time": "0.000000"}
    suite = ET.SubElement(root, "testsuite", {"name": "coverage", **counts})
    element = ET.SubElement(suite, "testcase", {"name": "coverage", "classname": "coverage", "time": "0.000000"})
    failure = ET.SubElement(element, "failure", {"type": "failure", "message": text})
    missed = [f"{s.location}: {role.arn} {s.name} applies in no case" for role in coverage.roles for s in role.missed]
    failure.text = _text("\n".join(missed))
    root.set("tests", str(int(root.attrib["tests"]) + 1))
    root.set("failures", str(len(report.failed) + 1))


def _counts(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(not result.passed for result in results)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(result.seconds for result in results):.6f}",
    }


def _text(text: str) -> str:
    return "\n".join(map(printable, _FORBIDDEN.sub("\ufffd", text).split("\n")))
