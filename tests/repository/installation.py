"""An environment to install our packages into, without a network: what they require is that of the tests."""

from __future__ import annotations

import shutil
import sysconfig
import venv
from pathlib import Path

from tests.repository.tree import ROOT

_BUILT = ("clients/python", "examples", "pyproject.toml", "README.md", "LICENSE", "service")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "node_modules", "certificates")


def copy_sources(copy: Path) -> None:
    """Copy what the packages are built from, so that a build leaves nothing in the repository."""
    for name in _BUILT:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=_LEFT_OUT)
        else:
            shutil.copy2(ROOT / name, copy / name)


def make_environment(directory: Path) -> Path:
    """Make an environment that has what our packages require, but not them; return its Python."""
    venv.create(directory, symlinks=True)
    packages = sysconfig.get_path("purelib", vars={"base": str(directory), "platbase": str(directory)})
    # A path in a .pth file is not searched for further .pth files: the sources of this repository are not found.
    Path(packages, "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return directory / "bin/python"
