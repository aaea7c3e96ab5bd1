"""What a test does that needs a program which this machine lacks."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test because this machine lacks something; in continuous integration, fail it."""
    if os.environ.get("CI"):
        pytest.fail(what)
    # A module that is about such a program may find out while it is collected.
    pytest.skip(what, allow_module_level=True)
