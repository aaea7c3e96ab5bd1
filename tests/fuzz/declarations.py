"""YAML and JSON files of roles and of test cases."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rolecall.cli.declarations.role import RoleReader
from rolecall.cli.declarations.tree import read_documents
from rolecall.cli.problems.problem import ProblemsError
from tests.fuzz.target import Target, outcome


def check_declarations(data: bytes) -> None:
    """A file of roles is refused with its problems, or read."""
    try:
        text = data.decode()  # as a file is read; one that is not UTF-8 is refused there
    except UnicodeDecodeError:
        return
    for name in ("roles.yaml", "roles.json"):
        outcome(partial(_read, text, name), ProblemsError)


def _read(text: str, name: str) -> None:
    documents, reader = read_documents(text, name), RoleReader(Path(name), text)
    for document in documents:
        list(reader.roles(document))


_YAML = b"""apiVersion: rolecall/v1
roles:
  - account_id: "123456789012"
    role_name: app
    tags: {team: red}
    max_session_duration_seconds: 3600
    assume_role_policy:
      Version: "1"
      Statement: [{Effect: Allow, Action: "sts:AssumeRole", Principal: {Service: ecs.aliyuncs.com}}]
"""
_WORDS = (
    "&a",
    "*a",
    "<<:",
    "!!python/object",
    "!!int",
    "? ",
    ": ",
    "- ",
    "---\n",
    "|\n",
    ">-\n",
    "{",
    "}",
    "[",
    "]",
    "roles:",
    "0x1f",
)

TARGETS = (
    Target(
        name="declarations", check=check_declarations, words=_WORDS,
        seeds=(_YAML, b'{"roles": [{"role_name": "app"}]}', b"a: &a [1]\nb: *a\n", b"roles: |\n  x\n"),
    ),
)  # fmt: skip
