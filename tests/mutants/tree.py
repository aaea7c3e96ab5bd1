"""Private copies of the working tree, so that the tree itself never changes."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = "service/rolecall"
COMPILED = (CODE, "clients/python/rolecall_client")
NOT_RUN = ("tests/chaos", "tests/helm", "tests/repository", "tests/mutants")
GENERATED = "service/rolecall/storage/sql/migrations/"


def source_paths(root: Path) -> list[str]:
    """Return the modules of the service in a stable order, without migrations."""
    paths = (path.relative_to(root).as_posix() for path in (root / CODE).rglob("*.py"))
    return sorted(path for path in paths if not path.startswith(GENERATED))


def package_of(path: str) -> str:
    """Return the package of a module by its path: `policy`; `rolecall` for a module directly in it."""
    first, _, rest = path.removeprefix(f"{CODE}/").partition("/")
    return first if rest else "rolecall"


def copy_tree(root: Path, destination: Path) -> None:
    """Copy the tree without the files that Git ignores, and compile it.

    Compiled files are valid by the hash of the source rather than its time, so a change within the same second takes effect.
    """
    lines = (root / ".gitignore").read_text().split()
    shutil.copytree(root, destination, ignore=shutil.ignore_patterns(".git", *(line.rstrip("/") for line in lines)))
    for directory in COMPILED:
        compileall.compile_dir(destination / directory, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def digests(root: Path) -> dict[str, str]:
    """Return the digest of each file that the tests of a change depend on."""
    found = [root / "pyproject.toml"]
    found += (path for top in (CODE, "tests") for path in (root / top).rglob("*") if path.is_file())
    names = ((path.relative_to(root).as_posix(), path) for path in sorted(found))
    return {name: _digest(path) for name, path in names if "__pycache__" not in name and not name.startswith(NOT_RUN)}


def environment(copy: Path, temporary: Path, **more: str) -> dict[str, str]:
    """Return the environment in which Python, and every process that it starts, imports from the copy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(map(str, (copy, copy / "service", copy / "clients" / "python"))),
        "TMPDIR": str(temporary),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(temporary / "hypothesis"),
        **more,
    }


def imported_from(copy: Path, env: dict[str, str]) -> Path:
    """Return the file that `import rolecall` reads in an environment."""
    command = [sys.executable, "-c", "import rolecall; print(rolecall.__file__)"]
    return Path(subprocess.run(command, cwd=copy, env=env, check=True, capture_output=True, text=True).stdout.strip())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
