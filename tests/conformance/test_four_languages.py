"""The example with a service in each language shows in each of them an allow, a deny and a revocation."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys

import pytest

from tests.cli.serving import REPOSITORY, environment
from tests.missing import missing

pytestmark = pytest.mark.long

EXAMPLE = REPOSITORY / "examples/four-languages"
PROGRAMS = runpy.run_path(str(EXAMPLE / "services.py"))["PROGRAMS"]
REFUSED = r"(PERMISSION_DENIED: the caller is not allowed to call this method;|403 Forbidden:) decision `[\w]+-\d+`"


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_shop_is_allowed_denied_and_revoked(language: str) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "run.py"), language],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    if done.returncode == 2:
        missing(done.stderr)
    assert done.returncode == 0, done.stderr

    printed = done.stdout.splitlines()

    expected = [
        f"{language}: refund 42: order 42 is refunded",
        f"{language}: cancel 42: {REFUSED}",
        "why the shop may not cancel: IMPLICIT_DENY, 0 statements of the trust policy apply",
        "the operator has revoked the right to refund",
        f"{language}: refund 43: {REFUSED}",
        f"{language}: get 43: order 43 is open",
    ]
    assert len(printed) == len(expected)
    for line, pattern in zip(printed, expected, strict=True):
        assert re.fullmatch(pattern, line)


def test_the_page_names_every_file_of_the_example() -> None:
    page = (EXAMPLE / "README.md").read_text()
    files = {path.name for path in EXAMPLE.iterdir()} - {"README.md", "__pycache__"}

    assert {name for name in files if f"`{name}`" not in page} == set()
