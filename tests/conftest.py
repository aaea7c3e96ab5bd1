from __future__ import annotations

from tests.postgres import own_server, postgres_server

__all__ = ["own_server", "postgres_server"]
