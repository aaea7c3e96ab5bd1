"""Read a configuration of the linter, and report every problem at its location.

* file = {trusted_accounts?: [id, ...], severities?: {finding: error|warning|note}, suppressions?: [suppression, ...]}
* suppression = {finding, reason, path or role or both, until?: YYYY-MM-DD}
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from rolecall.cli.declarations.tree import Array, Node, Scalar, Table, read_all
from rolecall.cli.linting.configuration import CONFIGURED_FINDINGS, FINDINGS, LintConfiguration, Suppression
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.text.files import read_text
from rolecall.policy.linting.findings import Severity
from rolecall.policy.wording import listed, quoted

MAX_CONFIGURATION_BYTES = 1024 * 1024
MAX_SUPPRESSIONS = 1_000
MAX_TRUSTED_ACCOUNTS = 1_000
MAX_REASON_CHARACTERS = 1_024
MAX_PATTERN_CHARACTERS = 512

_KEYS = ("trusted_accounts", "severities", "suppressions")
_SUPPRESSION_KEYS = ("finding", "path", "role", "reason", "until")
_ACCOUNT = re.compile(r"[0-9]{1,20}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EVERYWHERE = "for every document write `path: '**'`"


def read_configuration(path: Path) -> LintConfiguration:
    """Return the configuration in a file; raise `ProblemsError` with all its problems."""
    shown = shown_path(path)
    return parse_configuration(read_text(shown, MAX_CONFIGURATION_BYTES), shown, path.parent)


def parse_configuration(text: str, shown: Path, directory: Path) -> LintConfiguration:
    """Return the configuration in a text, which messages name `shown`; raise `ProblemsError` with all its problems."""
    read = read_all(text, str(shown), is_json=False)
    documents, reader = read.documents, _Reader(read.duplicates)
    if len(documents) > 1:
        reader.note(documents[1].location, "a configuration of the linter is one document")
    configuration = reader.configuration(documents[0] if documents else None, directory)
    if reader.problems:
        raise ProblemsError(reader.problems)
    return configuration


def shown_path(path: Path) -> Path:
    """Return a path as messages name it: relative if it is below the current directory."""
    return path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path


class _Reader:
    """Reads one file, and collects every problem."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self.problems = list(problems)

    def note(self, location: Location, message: str, hint: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(location=location, message=message, hint=hint, reason="LINT_CONFIGURATION"))

    def configuration(self, document: Node | None, directory: Path) -> LintConfiguration:
        """Return what a document configures."""
        if document is None or (isinstance(document, Scalar) and document.literal == "null"):
            return LintConfiguration(directory=directory)
        if not isinstance(document, Table):
            self.note(document.location, f"a configuration of the linter is a mapping with {listed(_KEYS)}")
            return LintConfiguration(directory=directory)
        self._known(document, _KEYS)
        return LintConfiguration(
            directory=directory,
            trusted_accounts=frozenset(self._accounts(document)),
            severities=dict(self._severities(document)),
            suppressions=tuple(self._suppressions(document)),
        )

    def _accounts(self, document: Table) -> Iterator[str]:
        for item in self._items(document, "trusted_accounts", MAX_TRUSTED_ACCOUNTS):
            text = item.text if isinstance(item, Scalar) else ""
            if _ACCOUNT.fullmatch(text):
                yield text
            else:
                self.note(item.location, "a trusted account is written as its id, 1 to 20 digits")

    def _severities(self, document: Table) -> Iterator[tuple[str, Severity]]:
        node = document.members.get("severities")
        if node is None:
            return
        if not isinstance(node, Table):
            self.note(node.location, "`severities` must be a mapping from findings to severities")
            return
        for finding, value in node.members.items():
            text = value.text if isinstance(value, Scalar) else ""
            known = FINDINGS.keys() | CONFIGURED_FINDINGS.keys()
            self._require_finding(finding, node.keys[finding], known, "is always an error")
            if text in [*Severity]:
                yield finding, Severity(text)
            else:
                hint = (
                    "a finding is switched off by a suppression, which has a reason" if text in ("off", "none") else ""
                )
                self.note(value.location, f"a severity is {listed(Severity)}, not {quoted(text)}", hint)

    def _suppressions(self, document: Table) -> Iterator[Suppression]:
        for item in self._items(document, "suppressions", MAX_SUPPRESSIONS):
            if isinstance(item, Table):
                yield self._suppression(item)
            else:
                self.note(item.location, "a suppression is a mapping with `finding`, `path` or `role`, and `reason`")

    def _suppression(self, table: Table) -> Suppression:
        self._known(table, _SUPPRESSION_KEYS)
        finding = self._text(table, "finding", required="")
        path, role = self._text(table, "path"), self._text(table, "role")
        if finding:
            self._require_finding(finding, table.members["finding"].location, FINDINGS)
        if "path" not in table.members and "role" not in table.members:
            self.note(table.location, "a suppression needs `path` or `role`", _EVERYWHERE)
        if path.startswith("/") or "\\" in path:
            self.note(
                table.members["path"].location,
                "`path` is relative to the directory of this file, with `/` between names",
            )
        return Suppression(
            finding=finding,
            reason=self._text(table, "reason", MAX_REASON_CHARACTERS, required="say why the finding is accepted"),
            location=table.keys.get("finding", table.location),
            path=path,
            role=role,
            until=self._date(table),
        )

    def _date(self, table: Table) -> dt.date | None:
        text = self._text(table, "until")
        if not text:
            return None
        try:
            if _DATE.fullmatch(text):
                return dt.date.fromisoformat(text)
        except ValueError:
            pass
        self.note(table.members["until"].location, f"`until` is the last day, such as `2026-12-31`, not {quoted(text)}")
        return None

    def _text(self, table: Table, key: str, most: int = MAX_PATTERN_CHARACTERS, *, required: str | None = None) -> str:
        """Return a text; report one that is empty or too long, and one that is missing if it is `required`, which is the hint."""
        node = table.members.get(key)
        if node is None:
            if required is not None:
                self.note(table.location, f"`{key}` is missing", required)
            return ""
        if not isinstance(node, Scalar) or not node.text.strip() or node.literal == "null":
            self.note(node.location, f"`{key}` must be a text that is not empty", required or "")
            return ""
        if len(node.text) > most:
            self.note(node.location, f"`{key}` is longer than {most:,} characters")
            return ""
        return node.text

    def _items(self, document: Table, key: str, most: int) -> tuple[Node, ...]:
        node = document.members.get(key)
        if node is None:
            return ()
        if not isinstance(node, Array):
            self.note(node.location, f"`{key}` must be a list")
            return ()
        if len(node.items) > most:
            self.note(node.location, f"`{key}` has {len(node.items):,} entries; the limit is {most:,}")
        return node.items[:most]

    def _known(self, table: Table, keys: Collection[str]) -> None:
        for key in (key for key in table.members if key not in keys):
            self.note(
                table.keys[key],
                f"unknown key {quoted(key)}",
                _did_you_mean(key, keys) or f"known are {listed(keys, last='and')}",
            )

    def _require_finding(
        self, finding: str, location: Location, known: Collection[str], violation: str = "cannot be suppressed"
    ) -> None:
        if finding in known:
            return
        if finding in CONFIGURED_FINDINGS:
            self.note(location, f"`{finding}` is about this file, and cannot be suppressed")
        elif finding.isupper():
            self.note(location, f"{quoted(finding)} is a violation, which {violation}", "correct the document")
        else:
            hint = _did_you_mean(finding, known) or "`rolecall lint` lists them"
            self.note(location, f"there is no finding {quoted(finding)}", hint)


def _did_you_mean(text: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(text, known)
    return f"did you mean `{close[0]}`?" if close else ""


def command_line_suppressions(given: Mapping[str, str]) -> list[Suppression]:
    """Return the suppressions of `--suppress`, each finding with its reason; raise `ProblemsError`."""
    reader, location = _Reader(), Location("--suppress")
    for finding, reason in given.items():
        reader._require_finding(finding, location, FINDINGS)  # noqa: SLF001
        if not reason.strip():
            reader.note(
                location, f"the reason for suppressing `{finding}` is empty", "write `--suppress FINDING=REASON`"
            )
    if reader.problems:
        raise ProblemsError(reader.problems)
    return [Suppression(finding=finding, reason=reason, location=location) for finding, reason in given.items()]
