"""The rules of a SARIF log: what each finding means, why it matters and how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from rolecall.cli.linting.explained import FindingExplanation, explanations

REMARK = "remark"
_ERRORS_PAGE = "https://rolecall.dev/errors"
_OTHER_RULES: Mapping[str, tuple[str, str]] = {
    "case-failed": (
        "A test case whose decision is not the expected one",
        "Correct the trust policy, or the expectation of the case. `rolecall test` shows the explanation of the decision.",
    ),
    "statement-not-covered": (
        "A statement that applies in no test case",
        "Write a case in which the statement applies, or remove the statement.",
    ),
    REMARK: ("A remark about a file", "Read the message, which says what the file is and what was done with it."),
}


def rule_record(rule: str) -> Mapping[str, object]:
    """Return the description of a rule."""
    explained = explanations().get(rule)
    return _explained(explained) if explained else _other(rule)


def _explained(rule: FindingExplanation) -> Mapping[str, object]:
    what = f"{rule.what[:1].upper()}{rule.what[1:]}"
    markdown = f"{what}. {rule.why}\n\nWrong:\n\n{_block(rule.wrong)}\n\nRight:\n\n{_block(rule.right)}\n\n{rule.fix}"
    return {
        "id": rule.id,
        "name": _name(rule.id),
        "shortDescription": {"text": what},
        "fullDescription": {"text": f"{what}. {rule.why}"},
        "help": {"text": str(rule), "markdown": markdown},
        "helpUri": rule.url,
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": ["security", "iam"]},
    }


def _other(rule: str) -> Mapping[str, object]:
    """Return the description of a rule about roles, files or test cases."""
    default = f"{rule.replace('_', ' ').lower()}", "Correct what the message names."
    what, fix = _OTHER_RULES.get(rule, default)
    return {
        "id": rule,
        "name": _name(rule),
        "shortDescription": {"text": what},
        "fullDescription": {"text": f"{what}."},
        "help": {"text": fix, "markdown": fix},
        "helpUri": _ERRORS_PAGE,
        "defaultConfiguration": {"level": "note" if rule == REMARK else "error"},
    }


def _name(rule: str) -> str:
    return "".join(word.capitalize() for word in rule.replace("_", "-").split("-"))


def _block(text: str) -> str:
    return f"```text\n{text}\n```"
