from __future__ import annotations

from hypothesis import settings

from tests.postgres import own_server, postgres_server

__all__ = ["own_server", "postgres_server"]

# An example has no time limit: a slow machine is not a failure. The parent keeps what Hypothesis sets by itself in CI.
settings.register_profile("untimed", parent=settings(), deadline=None)
settings.load_profile("untimed")
