"""What commands without a server print on a terminal, with its colours; run this module to update the file."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from rolecall.cli.entry import run

SCREENS = Path(__file__).with_name("screens.txt")
TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "100"}

ALICE = "--as=acs:ram::123456789012:user/alice"


def _policy(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "1", "Statement": [{"Action": "sts:AssumeRole", **s} for s in statements]}, indent=1)


def _names(name: str, **more: object) -> dict[str, object]:
    return {"Principal": {"RAM": f"acs:ram::123456789012:{name}"}, **more}


_FILES = {
    "two.json": _policy(
        {"Effect": "Allow", **_names("user/alice"), "Condition": {"StringLike": {"app:Team": ["red-*", "b?ue", ""]}}},
        {"Effect": "Deny", **_names("root"), "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}},
    ),
    "values.json": _policy(
        {"Effect": "Allow", **_names("role/App"), "Sid": "App", "Condition": {"StringEquals": {"app:Team": ["x"] * 12}}},
        {"Effect": "Allow", **_names("user/Alice"), "Condition": {"StringEquals": {"app:Long": "y" * 200, "app:Team": " "}}},
        {"Effect": "Allow", **_names("user/alice"), "Action": "sts:SetSourceIdentity"},
    ),
    "weak.json": _policy({"Effect": "Allow", "Principal": {"Service": "ecs.aliyuncs.com"}}, {"Effect": "Allow", **_names("root")}),
    "bad.json": _policy({"Effect": "Permit", **_names("user/alice"), "Condition": {"StringLikes": {"app:Team": "red"}}}),
    "roles.yaml": (
        "apiVersion: rolecall/v1\nname: App\ntrust_policy:\n  Version: '1'\n  Statement:\n"
        "  - {Effect: Allow, Action: 'sts:AssumeRole', Principal: {RAM: 'acs:ram::123456789012:user/alice'}}\n"
        "  - {Effect: Deny, Action: 'sts:AssumeRole', Principal: {RAM: 'acs:ram::123456789012:user/eve'}}\n"
    ),
    "alias.yaml": "apiVersion: rolecall/v1\nname: App\naccount_id: shop\nlifetime: 1\n"
    "max_session_duration_seconds: 1\ntrust_policy: {}\n",
    "slash.yaml": (
        "apiVersion: rolecall/v1\nname: App\ntrust_policy:\n  Version: '1'\n  Statement:\n"
        "  - Effect: Allow\n    Action: sts:AssumeRole\n    Principal: {RAM: 'acs:ram::123456789012:user/alice'}\n"
        "    Condition:\n      StringEquals:\n        acs:ResourceTag/team~x: {}\n"
    ),
    "cases.yaml": (
        "apiVersion: rolecall/v1\ncases:\n"
        "- {name: alice may, as: 'acs:ram::123456789012:user/alice', role: App, expect: ALLOW}\n"
        "- {name: bob may, as: 'acs:ram::123456789012:user/bob', role: App, expect: ALLOW}\n"
        "- {name: eve may not, as: 'acs:ram::123456789012:user/eve', role: App, expect: {outcome: DENY, reason: EXPLICIT_DENY}}\n"
    ),
    "bad-cases.yaml": "apiVersion: rolecall/v1\nkind: Cases\ncases:\n- {as: me, role: Nobody, allowed: true, expect: MAYBE}\n",
}  # fmt: skip

_COMMANDS = (
    f"explain {ALICE} --policy two.json --context=app:Team=red-1",
    f"explain {ALICE} --policy two.json --context=app:Team=red-1 --context=acs:SourceIp=10.1.2.3",
    f"explain {ALICE} --policy two.json --context=app:Team=red-1 --context=acs:SourceIp=office",
    f"explain {ALICE} --policy two.json",
    f"explain {ALICE} --policy values.json --context=app:Team=red --context=app:Team= --context=app:Long=z",
    f"explain {ALICE} --policy values.json --source-identity=carol --external-id=partner --session-name=build",
    "explain --as=acs:ram::42:user/eve --policy two.json",
    f"check {ALICE} --policy two.json --context=app:Team=red-1",
    f"check {ALICE} --policy two.json",
    "validate two.json",
    "validate weak.json",
    "validate bad.json two.json",
    "test alias.yaml cases.yaml",
    "test slash.yaml cases.yaml",
    "test bad-cases.yaml roles.yaml",
    "test cases.yaml roles.yaml",
    "test --coverage --fail-under=60 --verbose cases.yaml roles.yaml",
    "test --account-id=42 cases.yaml roles.yaml",
    "test roles.yaml",
    "test missing.yaml",
    "schema case",
)


def written_screens() -> str:
    """Return what the file should contain."""
    with tempfile.TemporaryDirectory() as directory, chdir(directory), patch.dict(os.environ, TERMINAL):
        for name in [name for name in os.environ if name.startswith(("ROLECALL_", "NO_COLOR"))]:
            del os.environ[name]
        for file, text in _FILES.items():
            Path(file).write_text(text)
        return "\n".join(_screen(command) for command in _COMMANDS)


def _screen(command: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(command.split())
    # The first character of a colour is unprintable; this one stands for it.
    printed = (out.getvalue() + err.getvalue()).replace("\x1b", "␛")
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    return f"$ rolecall {command}\n{lines}\n(exit code {code})\n"


if __name__ == "__main__":
    SCREENS.write_text(written_screens())
