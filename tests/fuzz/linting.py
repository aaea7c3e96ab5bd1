"""The configuration of the linter: its YAML, and what it suppresses."""

from __future__ import annotations

from pathlib import Path

from rolecall.cli.linting.configuration import FINDINGS
from rolecall.cli.linting.reader import parse_configuration
from rolecall.cli.problems.problem import ProblemsError
from tests.fuzz.target import Target

_FILE = Path(".rolecall-lint.yaml")


def check_configuration(data: bytes) -> None:
    """A file is refused with its problems, or it suppresses findings with reasons, each for a path or a role."""
    try:
        text = data.decode()  # as a file is read; one that is not UTF-8 is refused there
    except UnicodeDecodeError:
        return
    try:
        configuration = parse_configuration(text, _FILE, Path("/folder"))
    except ProblemsError as error:
        assert all(problem.location.file == str(_FILE) and problem.message for problem in error.problems)  # noqa: PT017
        return
    assert all(account.isdigit() for account in configuration.trusted_accounts)
    for suppression in configuration.suppressions:
        assert suppression.finding in FINDINGS
        assert suppression.reason.strip()
        assert suppression.path or suppression.role
        suppression.test().covers("a/b.json", "role")


_YAML = b"""trusted_accounts: ["1", 22]
severities: {open-network: note}
suppressions:
  - finding: past-date
    path: "**/a?*/b/"
    role: x*
    reason: why
    until: 2027-02-28
  - {finding: placeholder, role: "?", reason: [a]}
"""

TARGETS = (
    Target(
        name="lint-configuration", check=check_configuration, seeds=(_YAML, b"", b"suppressions: []", b"{}\n---\n{}"),
        words=("suppressions:", "finding: ", "open-network", "reason: ", "path: ", "role: ", "until: ", "**", "/", "&a", "*a", "- "),
    ),
)  # fmt: skip
