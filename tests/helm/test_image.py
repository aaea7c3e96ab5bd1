"""The image: the Dockerfile is clean, the build finds its files, and the installed server runs as the image says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.helm.chart import CHART, VERSION
from tests.helm.image import DOCKERFILE, as_user, context, reachable_python, replay, stages
from tests.missing import missing
from tests.repository.tree import ROOT

pytestmark = pytest.mark.long

BUILD, FINAL = stages()
USER = 65532


@dataclass(frozen=True, slots=True)
class Image:
    """The result of the build, under a root directory that every user may enter."""

    root: Path

    def popen(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start the entrypoint as the image's user, in a directory without write access."""
        entrypoint = json.loads(FINAL.last("ENTRYPOINT"))
        environment = {**FINAL.pairs("ENV"), "PATH": f"{self.root}/opt/rolecall/bin", **variables}
        return subprocess.Popen(
            [*entrypoint, *arguments],
            executable=f"{self.root}/opt/rolecall/bin/{entrypoint[0]}",
            cwd=self.root / "read-only",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **as_user(USER),
        )

    def run(self, *arguments: str) -> str:
        """Return the output of a command; the command must succeed."""
        process = self.popen(*arguments)
        out, error = process.communicate(timeout=120)
        assert (process.returncode, error) == (0, "")
        return out

    def installed(self) -> dict[str, str]:
        """Return the installed distributions and their versions."""
        code = (
            "import json; from importlib.metadata import distributions as d; "
            "print(json.dumps({x.name.lower().replace('_', '-'): x.version for x in d()}))"
        )
        python = self.root / "opt/rolecall/bin/python"
        found: dict[str, str] = json.loads(
            subprocess.run([python, "-Ic", code], check=True, capture_output=True).stdout
        )
        return found


@pytest.fixture
def image() -> Iterator[Image]:
    python = reachable_python(USER)
    if not python:
        missing("no Python on this machine can be run by another user: install one under /usr/bin")
    # Not pytest's directory, which other users may not enter.
    root = Path(tempfile.mkdtemp(prefix="rolecall-image-"))
    root.chmod(0o755)
    try:
        replay(BUILD, root, _programs(root, pip=sys.executable, python=python))
        (root / "read-only").mkdir(mode=0o555)
        yield Image(root)
    finally:
        shutil.rmtree(root)


def _programs(root: Path, *, pip: str, python: str) -> Path:
    """Create the base image's `python`, which has pip and which every user can run. On this machine that may take two Pythons."""
    programs = root / "programs"
    programs.mkdir()
    script = f'#!/bin/sh\n[ "$2" = pip ] && exec "{pip}" "$@"\nexec "{python}" "$@"\n'
    (programs / "python").write_text(script)
    (programs / "python").chmod(0o755)
    return programs


def test_the_dockerfile_passes_the_linter() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), DOCKERFILE], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_image_runs_as_an_unprivileged_user_and_its_process_gets_sigterm() -> None:
    assert FINAL.last("USER") == f"{USER}:{USER}"
    assert json.loads(FINAL.last("ENTRYPOINT")) == ["rolecall"]
    assert json.loads(FINAL.last("CMD")) == ["serve"]
    assert FINAL.last("STOPSIGNAL") == "SIGTERM"


def test_python_in_the_image_writes_no_bytecode_ignores_the_working_directory_and_randomizes_hashes() -> None:
    environment = FINAL.pairs("ENV")

    assert environment["PYTHONDONTWRITEBYTECODE"] == environment["PYTHONSAFEPATH"] == "1"
    assert "PYTHONHASHSEED" not in environment


def test_both_stages_have_the_same_base_image() -> None:
    assert BUILD.base == FINAL.base
    assert FINAL.all("COPY") == [f"--from={BUILD.name} /opt/rolecall /opt/rolecall"]


def test_the_image_has_the_version_in_a_label() -> None:
    assert FINAL.pairs("ARG")["VERSION"] == VERSION
    assert '"${VERSION}"' in FINAL.last("LABEL")


def test_the_image_exposes_the_ports_of_the_chart() -> None:
    ports = yaml.safe_load((CHART / "values.yaml").read_text())["ports"]

    assert FINAL.last("EXPOSE").split() == [str(ports["grpc"]), str(ports["ops"])]


def test_the_build_context_has_only_the_files_that_the_build_copies() -> None:
    copied = {source for text in BUILD.all("COPY") for source in text.split()[:-1]}

    unused = [str(path) for path in context() if not any(path.is_relative_to(source) for source in copied)]

    assert unused == []
    assert {path.suffix for path in context()} <= {
        ".py",
        ".pyi",
        ".json",
        ".yaml",
        ".mako",
        ".ini",
        ".toml",
        ".md",
        ".lock",
        ".typed",
        "",
    }


def test_the_final_image_has_no_installer_and_a_data_directory_of_its_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to another user")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "base"], check=True)
    python = tmp_path / "base/bin/python"
    ensurepip = tmp_path / f"usr/local/lib/{FINAL.base.partition('-')[0].replace(':', '')}/ensurepip"
    ensurepip.mkdir(parents=True)

    replay(FINAL, tmp_path, _programs(tmp_path, pip=str(python), python=str(python)))

    left = "import importlib.util as i; print([n for n in ('pip', 'setuptools', 'wheel') if i.find_spec(n)])"
    assert subprocess.run([python, "-Ic", left], check=True, capture_output=True, text=True).stdout == "[]\n"
    assert not ensurepip.exists()
    assert (tmp_path / "var/lib/rolecall").stat().st_uid == USER


def test_the_installed_packages_are_locked_and_compiled_and_the_server_runs_with_write_access_to_the_store_only(
    image: Image,
) -> None:
    # One test, since the build takes most of a minute and the processes of a test run share nothing.
    only_what_is_locked(image.installed())
    every_module_is_compiled(image.root / "opt/rolecall/lib")
    the_command_line_answers(image)
    it_serves(image)


def only_what_is_locked(installed: dict[str, str]) -> None:
    lines = (ROOT / "requirements/runtime.lock").read_text().splitlines()
    locked = dict(re.sub(r"\[.*\]", "", line).split()[0].split("==") for line in lines if "==" in line)
    ours = {installed.pop(name) for name in ("rolecall", "rolecall-client")}

    assert ours == {VERSION}
    assert {"psycopg-binary", "grpcio"} <= set(installed)
    assert {"pip", "setuptools", "wheel", "pytest"} & set(installed) == set()
    assert {name: version for name, version in installed.items() if locked.get(name) != version} == {}


def every_module_is_compiled(library: Path) -> None:
    modules = list(library.glob("python*/site-packages/rolecall*/**/*.py"))

    uncompiled = [path for path in modules if not list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))]

    assert len(modules) > 100
    assert uncompiled == []


def the_command_line_answers(image: Image) -> None:
    assert "serve" in image.run("--help")
    assert image.run("version").startswith(f"rolecall {VERSION} ")


def it_serves(image: Image) -> None:
    data = image.root / "data"
    data.mkdir()
    if os.geteuid() == 0:
        os.chown(data, USER, USER)
    process = image.popen(
        *json.loads(FINAL.last("CMD")),
        ROLECALL_LISTEN="127.0.0.1:0",
        ROLECALL_OPS_LISTEN="127.0.0.1:0",
        ROLECALL_STORE=f"sqlite:///{data}/rolecall.db",
    )

    try:
        assert process.stderr is not None
        started = next((line for line in process.stderr if '"serving"' in line), "")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=120)
    finally:
        process.kill()

    assert started, log
    assert (process.returncode, '"stopped"' in log) == (0, True)
    assert (data / "rolecall.db").stat().st_uid == (USER if os.geteuid() == 0 else os.geteuid())
