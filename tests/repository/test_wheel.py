"""What is installed from the wheels runs without the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.repository.installation import copy_sources, make_environment
from tests.repository.tree import ROOT

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
WELCOME = "Next, in another terminal"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory of the programs of an environment with both wheels."""
    source, directory = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    copy_sources(source)
    wheels = directory / "wheels"
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(wheels))
    subprocess.run([*PIP, *build, str(source / "clients/python"), str(source)], check=True)
    python = make_environment(directory / "venv")
    files = [str(path) for path in sorted(wheels.glob("*.whl"))]
    subprocess.run([*PIP, "--python", str(python), "install", "--no-deps", "--no-index", *files], check=True)
    return python.parent


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROLECALL_", "PYTHON"))}
    return {**kept, "XDG_CONFIG_HOME": "/nowhere", "PYTHONIOENCODING": "utf-8"}


@contextmanager
def quickstart(program: Path, directory: Path) -> Iterator[str]:
    """Run it until the last line of its welcome; give what it wrote."""
    command = [str(program), "quickstart", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]
    with subprocess.Popen(
        command, cwd=directory, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if lines[-2:-1] and lines[-2].startswith(WELCOME):
                break
        try:
            yield "".join(lines)
        finally:
            process.send_signal(2)
            assert process.wait(timeout=30) == 0


@pytest.mark.long
def test_quickstart_serves_the_examples_of_an_installed_package(installed: Path, tmp_path: Path) -> None:
    where = [str(installed / "python"), "-c", "import rolecall; print(rolecall.__file__)"]
    module = subprocess.run(where, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True).stdout

    with quickstart(installed / "rolecall", tmp_path) as welcome:
        pass

    assert module.startswith(str(installed.parent))
    assert "(applied 10 example roles)" in welcome, welcome
    assert WELCOME in welcome


def test_what_the_package_links_to_is_copied_into_the_image() -> None:
    links = [path for path in (ROOT / "service").rglob("*") if path.is_symlink()]
    targets = [path.resolve().relative_to(ROOT) for path in links]
    copied = (ROOT / "Dockerfile").read_text()
    sent = (ROOT / ".dockerignore").read_text().splitlines()

    assert len(targets) == 2
    assert all(f"COPY {target.parent} {target.parent}\n" in copied and f"!{target}" in sent for target in targets)
