from __future__ import annotations

from tests.transport.conftest import service

__all__ = ["service"]
