"""Install the peers into `build`, in the versions of versions.toml."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from bench.missing import missing

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = HERE / "build"
BIN = TOOLS / "bin"
PYTHON = TOOLS / "venv" / "bin" / "python"
ABSENT = TOOLS / "absent.json"
SETUP = "python -m bench.peers setup"
VERSIONS: dict[str, dict[str, str]] = tomllib.loads((HERE / "versions.toml").read_text())

_MAX_REASON_CHARACTERS = 300


class AbsentError(Exception):
    """A peer cannot be installed on this machine; the message says why."""


def setup() -> None:
    """Install missing peers, and record those that could not be installed, with the reason."""
    BIN.mkdir(parents=True, exist_ok=True)
    try:
        _environment()
    except AbsentError as error:
        raise SystemExit(f"the environment of the comparison cannot be created: {error}") from None
    absent = {}
    for name, pin in VERSIONS.items():
        try:
            print(f"{name}: {_fetched(name, pin)}", flush=True)
        except AbsentError as error:
            absent[name] = str(error)
            print(f"{name}: absent: {error}", flush=True)
    ABSENT.write_text(json.dumps(absent, indent=2))


def absent() -> dict[str, str]:
    """Return the peers that could not be installed, each with the reason."""
    if not ABSENT.exists():
        raise SystemExit(f"nothing is set up; run `{SETUP}` first")
    reasons: dict[str, str] = json.loads(ABSENT.read_text())
    return reasons


def version(name: str) -> str:
    """Return the version of a tool: the pinned one, or that of the system."""
    if VERSIONS[name]["how"] == "apt":
        try:
            return _output([name, "--version"]).strip()
        except AbsentError:
            missing(f"`{name}`", SETUP)
    return VERSIONS[name]["version"]


def _environment() -> None:
    if not PYTHON.exists():
        _output([sys.executable, "-m", "venv", str(PYTHON.parent.parent)])
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    locks = ["-r", "requirements/build.lock", "-r", "requirements/runtime.lock"]
    _output([*pip, "--require-hashes", *locks], cwd=ROOT)
    _output([*pip, "--no-deps", "--no-build-isolation", "-e", "clients/python", "-e", "."], cwd=ROOT)
    _output([*pip, "-r", str(HERE / "requirements.txt")])


def _fetched(name: str, pin: dict[str, str]) -> str:
    if pin["how"] == "apt":
        if not shutil.which(name):
            raise AbsentError(f"not installed; on Debian or Ubuntu: apt-get install {pin['package']}")
        return version(name)
    stamp = TOOLS / f"{name}.version"
    if not stamp.exists() or stamp.read_text() != pin["version"]:
        _FETCH[pin["how"]](name, pin)
        stamp.write_text(pin["version"])
    return pin["version"]


def _npm(name: str, pin: dict[str, str]) -> None:
    place = TOOLS / "npm"
    place.mkdir(exist_ok=True)
    _output(["npm", "install", "--no-save", "--prefix", str(place), f"{pin['package']}@{pin['version']}"])
    shutil.copy2(place / "node_modules" / pin["package"] / pin["binary"], BIN / name)


def _go_install(_name: str, pin: dict[str, str]) -> None:
    _output(["go", "install", f"{pin['package']}@{pin['version']}"], GOBIN=str(BIN))


def _go_build(name: str, pin: dict[str, str]) -> None:
    module = json.loads(_output(["go", "mod", "download", "-json", f"{pin['module']}@{pin['version']}"], cwd=TOOLS))
    _output(["go", "build", "-o", str(BIN / name), pin["package"]], cwd=Path(module["Dir"]))


_FETCH = {"npm": _npm, "go install": _go_install, "go build": _go_build}


def _output(command: list[str], cwd: Path | None = None, **environment: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        raise AbsentError(f"`{command[0]}` is not installed") from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()]
        raise AbsentError(" ".join(lines[-3:])[-_MAX_REASON_CHARACTERS:] or f"`{command[0]}` failed") from None
    return done.stdout
