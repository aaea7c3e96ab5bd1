"""What commands without a server print on a terminal, with its colours; run this module to update the file."""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from rolecall.cli.entry import run

SCREENS = Path(__file__).with_name("screens.txt")
_FILES = Path(__file__).with_name("screen_files")
TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "100"}

ALICE = "--as=acs:ram::123456789012:user/alice"

_COMMANDS = {
    "policies": (
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
        "who-can --policy two.json",
        "who-can --policy values.json -o json",
        "who-can --policy bad.json",
        "who-can",
    ),
    "problems": (
        "validate wrong-roles.yaml",
        "apply --file wrong-roles.yaml",
        "apply --file twice.yaml",
        "validate duplicate-keys.yaml mixed.yaml empty.yaml questions.yaml latin.yaml",
        "validate nan.json comma.json tab.yaml tag.yaml alias-undefined.yaml key.yaml",
        "validate cases.yaml manifest.yaml plan.json",
        "validate weak.json --account-id 123456789012 --fail-on note",
        "validate weak.json bad.json -o json",
        "validate weak.json bad.json -o sarif",
        "test wrong-cases.yaml roles.yaml",
        "test wrong-own-roles.yaml",
        "test wrong-requests.yaml",
        "test wrong-facts.yaml roles.yaml",
        "test wrong-manifest.yaml",
    ),
    "sources": (
        "validate wrapped.json",
        "validate inside.json",
        "validate providers.json",
        "validate stream.json cut.json",
        "validate unknown.json",
        "validate answers.json list.json",
        "validate template.yaml template.json",
        "test cases.yaml wrapped.json",
        "test cases.yaml providers.json",
        "test cases.yaml later.yaml unknown.json",
        "test cases.yaml answers.json",
        "test cases.yaml list.json",
        "test cases.yaml template.yaml",
    ),
    "permissions": (
        "validate permission.json bad-permission.json ambiguous.json two.json two.json",
        "validate ambiguous.json --kind permission-policy",
        "validate ambiguous.json --kind session-policy",
        "explain --policy permission.json --action ram:GetRole --resource acs:ram::123456789012:role/App",
        f"explain {ALICE} --policy permission.json --action ram:CreateRole --context=acs:SourceIp=192.0.2.1 --context=acs:ResourceTag/team=red",
        "explain --policy permission.json --action ram:GetRole --context=acs:SourceIp=office -o json",
        "explain --policy permission.json",
        f"explain {ALICE} --policy two.json --action ram:GetRole",
        f"explain {ALICE} --policy two.json --resource x",
        f"explain {ALICE} --policy bad.json",
        "explain --policy two.json",
        f"explain {ALICE} --policy two.json --at-revision 1",
        f"explain {ALICE} --policy two.json --time 2026-01-01",
        f"explain {ALICE} --policy two.json --time 2026-01-01T00:00:00",
        "explain --as=k8s:p/ns/sa --policy two.json --time 2026-01-01T08:00:00+08:00 --context=acs:SourceIp=10.0.0.1",
        f"explain {ALICE} --policy two.json --time noon",
        "explain --as=nobody --policy two.json",
        "explain --policy permission.json --action ram:GetRole --external-id=partner",
        "explain --policy permission.json --action ram:GetRole --as=ecs.aliyuncs.com",
        "explain --policy permission.json --action ram:GetRole --as=nobody",
        "explain --policy permission.json --action ram:GetRole --context=acs:CurrentTime=2026-01-01T00:00:00Z",
        "explain --policy permission.json --action ram:*",
    ),
    "reports": (
        "test reports.yaml --verbose --coverage",
        "test timed.yaml roles.yaml permission.json --coverage -o json",
        "test timed.yaml roles.yaml --fail-under 60 -o junit",
        "test timed.yaml roles.yaml --fail-under 60.5 -o sarif",
        "test timed.yaml roles.yaml --fail-under 50 -o junit",
        "test alone/cases.yaml",
        "test alone nothing",
        "validate alone nothing",
        "apply --file alone --file nothing",
        "test manifest.yaml payments.yaml",
        "test manifest.yaml payments.yaml --oidc-provider ack-rrsa-c1",
        "test manifest.yaml payments.yaml --oidc-provider ack-rrsa-c1 --oidc-issuer https://oidc.example",
        "test manifest.yaml payments.yaml --oidc-provider ack-rrsa-c1 --oidc-issuer https://oidc.example --oidc-audience other",
        "test timed.yaml plan.json",
        "test timed.yaml roles.yaml new-plan.json",
    ),
    "kinds": (
        "validate utf16.json plan.out state.json main.tf chart.yaml page.html policy.yaml empty.json values.json printed.txt",
        "test utf16.json plan.out state.json main.tf chart.yaml page.html policy.yaml empty.json values.json printed.txt",
        "validate roles.yaml rendered.yaml accounts.json quoted-chart.yaml",
        "test roles.yaml quoted-chart.yaml --oidc-provider ack --oidc-issuer https://oidc.example",
        "test good-roles.yaml rendered.yaml accounts.json --oidc-provider ack --oidc-issuer https://oidc.example",
        "test good-roles.yaml rendered.yaml accounts.json --oidc-provider ack --oidc-issuer https://oidc.example --namespace shop",
        "validate .",
        "apply -f state.json -f policy.yaml -f chart.yaml",
        f"check {ALICE} --policy good-roles.yaml",
        "who-can other --policy good-roles.yaml",
        "callers check state.json",
    ),
    "callers": (
        "callers check callers.yaml",
        "callers check bad-callers.yaml",
        "callers check bad-callers.yaml -o json",
        "callers check missing.yaml",
        "callers diff callers.yaml new-callers.yaml",
        "callers diff new-callers.yaml callers.yaml -o json",
        "callers explain --callers callers.yaml --as orders.svc ram:CreateRole acs:ram:*:123456789012:role/shop-app",
        "callers explain --callers callers.yaml --as orders.svc ram:CreateRole acs:ram:*:123456789012:role/shop-app --context acs:ResourceTag/team=shop",
        "callers explain --callers callers.yaml --as orders.svc ram:DeleteRole -o json",
        "callers explain --callers callers.yaml --as orders.svc ram:DeleteRole",
        "callers explain --callers callers.yaml --as idle.svc ram:DeleteRole",
        "callers explain --callers callers.yaml --as nobody.svc ram:DeleteRole",
        "callers init --admin spiffe://td.example/admin --ca other.pem",
        "callers init --admin local new.yaml",
        "callers init --admin local new.yaml",
        "callers init --admin spiffe://td.example/*",
    ),
    "decisions": (
        "decisions decisions.log",
        "decisions decisions.log --denied --limit 1",
        "decisions decisions.log --reason explicit-deny --role 42/web",
        "decisions decisions.log --as ecs.aliyuncs.com --since 2026-01-31T08:00:02Z -o json",
        "decisions decisions.log --reason no",
        "decisions decisions.log --since noon",
        "decisions missing.log",
    ),
}
"""The commands of each directory of files."""

# What differs from run to run, or from version to version.
_VARYING = (
    (re.compile(r'time="[0-9]+\.[0-9]{6}"'), 'time="…"'),
    (re.compile(r'"version": "(?!2\.1\.0")[^"]*"'), '"version": "…"'),
)


def written_screens() -> str:
    """Return what the file should contain."""
    with tempfile.TemporaryDirectory() as directory, chdir(directory), patch.dict(os.environ, TERMINAL):
        for name in [name for name in os.environ if name.startswith(("ROLECALL_", "NO_COLOR"))]:
            del os.environ[name]
        shutil.copytree(_FILES, ".", dirs_exist_ok=True)
        return "\n".join(_screen(command, files) for files, commands in _COMMANDS.items() for command in commands)


def _screen(command: str, directory: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with chdir(directory), redirect_stdout(out), redirect_stderr(err):
        code = run(command.split())
    # The first character of a colour is unprintable; this one stands for it.
    printed = (out.getvalue() + err.getvalue()).replace("\x1b", "␛")
    for varying, instead in _VARYING:
        printed = varying.sub(instead, printed)
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    return f"$ rolecall {command}\n{lines}\n(exit code {code})\n"


if __name__ == "__main__":
    SCREENS.write_text(written_screens())
