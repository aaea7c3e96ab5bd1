"""Writing the files of policy tests: roles, and cases about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROLES = """\
apiVersion: rolecall/v1
roles:
  - name: deploy
    trust_policy:
      Version: "1"
      Statement:
        - Sid: Ann
          Effect: Allow
          Action: sts:AssumeRole
          Principal: {RAM: "acs:ram::123456789012:user/ann"}
        - Sid: NotLate
          Effect: Deny
          Action: sts:AssumeRole
          Principal: {RAM: "acs:ram::123456789012:root"}
          Condition:
            DateGreaterThan: {"acs:CurrentTime": "2026-01-01T00:00:00Z"}
"""
VALID = (
    '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:user/a"}}]}'
)
"""A trust policy that a server accepts."""

EARLY, LATE = "2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z"
ANN, BOB = "acs:ram::123456789012:user/ann", "acs:ram::123456789012:user/bob"

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Give a way to write files into the current directory, which has `roles.yaml` already."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> str:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
        return name

    write("roles.yaml", ROLES)
    return write


def case(expect: str, *, who: str = ANN, more: str = "", name: str = "a case", role: str = "deploy") -> str:
    """Return a case about the role `deploy`."""
    return f'  - {{name: {name}, as: "{who}", role: {role}, expect: {expect}{more}}}\n'


def cases(*written: str, head: str = f'time: "{EARLY}"\n') -> str:
    """Return a file of cases, by default at an early time."""
    return f"apiVersion: rolecall/v1\n{head}cases:\n{''.join(written)}"
