"""Policy tests: cases that say who may assume which role and who may not, decided by the engine that serves."""

from __future__ import annotations
