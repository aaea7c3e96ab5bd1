"""Policy tests: cases that say which principals may assume which roles, decided by the same engine as in a server."""

from __future__ import annotations
