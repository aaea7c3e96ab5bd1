"""Files as the command line is given them: bytes of any kind, recognised by their content."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.tree import read_all
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources import Found
from rolecall.cli.sources.foreign import CALLERS
from rolecall.cli.sources.other_kind import other_kind
from rolecall.cli.sources.recognise import kind_in, read_content
from rolecall.cli.sources.role_files import ROLES
from rolecall.cli.testing.case_file import read_cases
from rolecall.cli.text.encodings import decoded
from tests.cli.file_kinds import SAMPLES
from tests.fuzz.target import Target, outcome

NAMES = ("-", "a.json", "a.yaml")


def check_files(data: bytes) -> None:
    """Whatever a file is, it is read or named: nothing is raised but problems, each of which says where it is."""
    try:
        text = decoded(data, "a")
    except ProblemsError:
        return
    for name in NAMES:
        _check_reading(Path(name), text)
    _check_yaml(text)


def _check_reading(path: Path, text: str) -> None:
    named, unnamed = Found(), Found()
    read_content(path, text, named, named=True)
    read_content(path, text, unnamed, named=False)
    # A file of the command line that is none of the known kinds is never passed over.
    assert named.count, text
    assert [role.document for role in unnamed.roles] == [role.document for role in named.roles] or not unnamed.roles
    for problem in [*named.problems, *named.remarks]:
        assert problem.message
        assert problem.location.file == str(path)
        assert (
            0
            <= problem.location.line
            <= text.count("\n") + text.count("\r") + text.count("\x85") + len(text.splitlines()) + 1
        )
    for document in named.case_documents:
        outcome(partial(read_cases, document), ProblemsError)
    for expected in (ROLES, CALLERS):
        problem_of_kind = other_kind(path, text, expected)
        assert (problem_of_kind is None) == (kind_in(path, text) in (None, expected))


def _check_yaml(text: str) -> None:
    """A tree that is written as JSON is JSON: no tag, alias or merge key gives a value that cannot be written."""
    try:
        documents = read_all(text, "a", is_json=False).documents
    except ProblemsError:
        return
    for document in documents:
        json.loads(json_text(document))


_YAML = b"""x: &x {a: 1, b: [1, 2]}
y: &y
  <<: *x
  c: !!str 2
z: [*x, *y, !Ref a, !!binary aGk=, ! b, "<<", ~]
---
<<: {k: v}
"""
_WORDS = (
    "&a ", "*a", "<<: ", "!!str ", "!!int ", "!!null", "! ", "!Ref ", "? ", "---\n", "...\n", "|\n", "{{ x }}", "{{", "}}", "\xef\xbb\xbf",
    "apiVersion: v1\n", "kind: List\n", "kind: ServiceAccount\n", "items: ", '"items": [', "metadata: ", "annotations: ", "null", "\t", "# x\n",
    "<html>", 'resource "a" "b" {', "-----BEGIN A-----", "%7B", '"{\\"', "cases: ", "roles: ", "Statement: ", '"Version": "1"', "\r\n",
    "pod-identity.alibabacloud.com/role-name: ", "\x00", "\xff\xfe", "PK\x03\x04",
)  # fmt: skip

TARGETS = (
    Target(
        name="files", check=check_files, words=_WORDS,
        seeds=(_YAML, *dict.fromkeys(sample.data for sample in SAMPLES)),
    ),
)  # fmt: skip
