"""The command line: `rolecall`. Each command imports what it needs when it runs, so that small ones start fast."""

from __future__ import annotations

from rolecall.cli.entry import main

__all__ = ["main"]
