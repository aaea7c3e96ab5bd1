"""The compared servers, each with the rules and the question in its usual form."""

from __future__ import annotations

from bench.peers.systems import cerbos, echo, opa, openfga, rolecall, spicedb

SYSTEMS = {
    "rolecall": rolecall.start,
    "echo": echo.start,
    "cerbos": cerbos.start,
    "opa": opa.start,
    "openfga": openfga.start,
    "spicedb": spicedb.start,
}
"""The function that starts each system in a directory; the system runs while the context is open."""
