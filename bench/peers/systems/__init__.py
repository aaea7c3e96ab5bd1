"""The servers that are compared, each in its own natural way of putting the rules and the question."""

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
"""How to start each: given a directory of its own, it runs for as long as the context is open."""
