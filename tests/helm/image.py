"""Parse the Dockerfile, and run those of its instructions that need no container engine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.repository.tree import ROOT

DOCKERFILE, DOCKERIGNORE = ROOT / "Dockerfile", ROOT / ".dockerignore"

_NEVER_SENT = {".git", ".venv", ".hypothesis", ".mypy_cache", ".ruff_cache"}
_PAIR = re.compile(r'(\w+)=("[^"]*"|\S*)')


@dataclass
class Stage:
    """A build stage: its base image, and its instructions in order, each with its arguments."""

    base: str
    name: str = ""
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """Return the arguments of every instruction `word`."""
        return [arguments for instruction, arguments in self.instructions if instruction == word]

    def last(self, word: str) -> str:
        """Return the arguments of the last instruction `word`, which is the effective one."""
        return self.all(word)[-1]

    def pairs(self, word: str) -> dict[str, str]:
        """Return the names and values of all ENV, ARG or LABEL instructions."""
        return {name: value.strip('"') for text in self.all(word) for name, value in _PAIR.findall(text)}


def stages() -> list[Stage]:
    """Return the stages of the Dockerfile."""
    found: list[Stage] = []
    for word, arguments in _instructions():
        if word == "FROM":
            base, _, name = arguments.partition(" AS ")
            found.append(Stage(base, name))
        else:
            found[-1].instructions.append((word, arguments))
    return found


@cache
def context() -> list[Path]:
    """Return the build context: every file of the source that .dockerignore does not exclude, as a relative path."""
    patterns = [line for line in DOCKERIGNORE.read_text().splitlines() if line and not line.startswith("#")]
    return [path for path in _files() if _is_sent(path.as_posix(), patterns)]


def replay(stage: Stage, root: Path, programs: Path) -> None:
    """Run the COPY and RUN instructions of a stage under another root, with the directory `programs` first on the path."""
    directory = root
    for word, arguments in stage.instructions:
        if word == "WORKDIR":
            directory = root / arguments.lstrip("/")
            directory.mkdir(parents=True, exist_ok=True)
        elif word == "COPY" and not arguments.startswith("--from"):
            *sources, target = shlex.split(arguments)
            _copy(sources, directory, target)
        elif word == "RUN":
            environment = {**os.environ, **stage.pairs("ENV"), "PATH": f"{programs}:{os.environ['PATH']}"}
            # An image caches no downloads, but repeated test runs should.
            environment.pop("PIP_NO_CACHE_DIR", None)
            environment.pop("PYTHONPATH", None)
            command = re.sub(r" /(?=(opt|usr|var)/)", f" {root}/", arguments)
            subprocess.run(["/bin/sh", "-euc", command], cwd=directory, env=environment, check=True)


def _instructions() -> Iterator[tuple[str, str]]:
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, arguments = line.partition(" ")
            yield word, re.sub(r"\s+", " ", arguments).strip()


def _files() -> Iterator[Path]:
    for directory, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in _NEVER_SENT]
        yield from (Path(directory, name).relative_to(ROOT) for name in files)


def _is_sent(path: str, patterns: list[str]) -> bool:
    """Return whether a file is in the build context: the last pattern that matches it, or a directory above it, decides."""
    sent = True
    for pattern in patterns:
        if re.fullmatch(_regex(pattern.removeprefix("!")), path):
            sent = pattern.startswith("!")
    return sent


def _regex(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*") + "(?:/.*)?"


def _copy(sources: list[str], directory: Path, target: str) -> None:
    sent = context()
    for source in sources:
        wanted = [path for path in sent if path == Path(source) or Path(source) in path.parents]
        if not wanted:
            raise FileNotFoundError(f"`{source}` is not in the build's context")
        for path in wanted:
            place = directory / target / (path.name if target.endswith("/") else path.relative_to(source))
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, place)


def reachable_python(user: int) -> str:
    """Return a Python that another user can run, in place of that of the base image; empty if there is none."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [os.path.realpath(sys.executable), *(f"{place}/{version}" for place in ("/usr/local/bin", "/usr/bin"))]
    return next((path for path in candidates if _runs(path, user)), "")


def as_user(user: int) -> dict[str, Any]:
    """Return the arguments that make `subprocess` run a program as another user; none without the right to do so."""
    return {"user": user, "group": user, "extra_groups": []} if os.geteuid() == 0 else {}


def _runs(path: str, user: int) -> bool:
    try:
        done = subprocess.run([path, "-c", "import venv"], check=False, cwd="/", capture_output=True, **as_user(user))
    except OSError:
        return False
    return done.returncode == 0
