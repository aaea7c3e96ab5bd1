from __future__ import annotations

from tests.cli.conftest import rolecall

__all__ = ["rolecall"]
