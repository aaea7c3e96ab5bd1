"""The example with a service in each language shows in each of them an allow, a deny and a revocation."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.serving import REPOSITORY, environment
from tests.missing import missing

pytestmark = pytest.mark.long

EXAMPLE = REPOSITORY / "examples/four-languages"
PROGRAMS = runpy.run_path(str(EXAMPLE / "services.py"))["PROGRAMS"]
REFUSED = r"(PERMISSION_DENIED: the caller is not allowed to call this method;|403 Forbidden:) decision `[\w-]+`"


def test_in_each_language_the_shop_is_allowed_denied_and_revoked() -> None:
    lacking = {name for name, one in PROGRAMS.items() if not all(map(shutil.which, one.programs))}
    languages = [name for name in PROGRAMS if name not in lacking]

    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "run.py"), *languages],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )

    assert done.returncode == 0, done.stderr
    printed, expected = done.stdout.splitlines(), list(lines_of(languages))
    assert len(printed) == len(expected)
    for line, pattern in zip(printed, expected, strict=True):
        assert re.fullmatch(pattern, line)
    if lacking:
        missing(f"the orders service in {', '.join(sorted(lacking))} was left out: its toolchain is missing")


def lines_of(languages: list[str]) -> Iterator[str]:
    for language in languages:
        yield f"{language}: refund 42: order 42 is refunded"
        yield f"{language}: cancel 42: {REFUSED}"
    yield "why the shop may not cancel: IMPLICIT_DENY, 0 statements of the trust policy apply"
    yield "the operator has revoked the right to refund"
    for language in languages:
        yield f"{language}: refund 43: {REFUSED}"
        yield f"{language}: get 43: order 43 is open"


def test_the_page_names_every_file_of_the_example() -> None:
    page = (EXAMPLE / "README.md").read_text()
    files = {path.name for path in EXAMPLE.iterdir()} - {"README.md", "__pycache__"}

    assert {name for name in files if f"`{name}`" not in page} == set()
