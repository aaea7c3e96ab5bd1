"""The findings and the violations explained: what is wrong and why, a wrong and a right example, and the fix.

The texts are in `explanations/`. `rolecall lint --explain`, the rules of SARIF and docs/findings.md are made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from rolecall.cli.linting.configuration import CONFIGURED_FINDINGS, FINDINGS

_FILES = (
    "trust-findings",
    "permission-findings",
    "configuration-findings",
    "callers-findings",
    "violations",
    "role-violations",
    "request-violations",
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PAGE = "https://rolecall.dev/findings"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingExplanation:
    """One finding, or one reason for which a document is refused; `severity` is that without a configuration.

    An example is a statement, a whole document or role file, or words where the rule is a limit.
    """

    id: str
    severity: str
    what: str
    why: str
    wrong: str
    right: str
    fix: str

    @property
    def url(self) -> str:
        """Return the address of its section on the page of findings."""
        return f"{_PAGE}#{self.id.lower()}"

    @property
    def is_finding(self) -> bool:
        """Return whether it is a finding; else it is a reason for which something is refused."""
        return self.id.islower()

    def record(self) -> Mapping[str, str]:
        """Return it as a JSON object."""
        texts = {"what": self.what, "why": self.why, "wrong": self.wrong, "right": self.right, "fix": self.fix}
        return {"id": self.id, "severity": self.severity, **texts, "url": self.url}

    def __str__(self) -> str:
        examples = "\n".join(
            f"{name}:\n{_indented(text)}" for name, text in (("wrong", self.wrong), ("right", self.right))
        )
        return f"{self.id} ({self.severity}): {self.what}\n\nwhy: {self.why}\n\n{examples}\n\nfix: {self.fix}"


@cache
def explanations() -> Mapping[str, FindingExplanation]:
    """Return every explanation by its id, in the order of the files."""
    return {explanation.id: explanation for file in _FILES for explanation in _read(file)}


def _read(file: str) -> Iterator[FindingExplanation]:
    source = resources.files("rolecall.cli.linting").joinpath("explanations", f"{file}.yaml")
    for name, texts in yaml.load(source.read_text(encoding="utf-8"), Loader=_LOADER).items():  # noqa: S506 - a safe loader
        severity = FINDINGS.get(name) or CONFIGURED_FINDINGS.get(name) or texts.get("severity", "error")
        yield FindingExplanation(
            **{"id": name, **{key: text.strip() for key, text in texts.items()}, "severity": str(severity)}
        )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
