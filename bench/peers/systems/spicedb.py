"""SpiceDB: `assume` is `trusted - denied`, with one relationship for each principal and a caveat on those of users."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from bench.peers import question as asked
from bench.peers.question import Question
from bench.peers.reflected import Services
from bench.peers.system import START_SECONDS, Call, GrpcSystem, free_port, retried, server
from bench.peers.tools import BIN

MAX_BATCH = 50
_KEY = "bench"
_SERVICE = "authzed.api.v1.PermissionsService"
_ALLOWED = 2  # PERMISSIONSHIP_HAS_PERMISSION


class SpiceDb(GrpcSystem):
    """Called with CheckPermission and CheckBulkPermissions, with the default consistency (minimize_latency)."""

    def __init__(self, pid: int, channel: grpc.Channel, address: str, services: Services) -> None:
        super().__init__("spicedb", pid, channel, address, MAX_BATCH)
        self._check = services.method(_SERVICE, "CheckPermission")
        self._batch = services.method(_SERVICE, "CheckBulkPermissions")

    def check(self, question: Question) -> Call:
        return self._check.call(_fields(question))

    def batch(self, questions: Sequence[Question]) -> Call:
        return self._batch.call({"items": list(map(_fields, questions))}, len(questions))

    def answers(self, call: Call, body: bytes) -> list[bool]:
        if call.items == 1:
            return [self._check.read(body).permissionship == _ALLOWED]  # type: ignore[attr-defined]
        pairs = self._batch.read(body).pairs  # type: ignore[attr-defined]
        return [pair.item.permissionship == _ALLOWED for pair in pairs]


@contextmanager
def start(directory: Path) -> Iterator[SpiceDb]:
    """Run SpiceDB on its store in memory, with default caches (on)."""
    address, metrics = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    log = directory / "spicedb.log"
    options = ["--grpc-addr", address, "--grpc-preshared-key", _KEY, "--metrics-addr", metrics, "--log-level", "error"]
    store = ["--datastore-engine", "memory", "--telemetry-endpoint", "", "--skip-release-check"]
    with server([BIN / "spicedb", "serve", *options, *store], log) as pid, grpc.insecure_channel(address) as channel:
        services = Services(channel, (("authorization", f"Bearer {_KEY}"),))
        write = retried(lambda: services.method("authzed.api.v1.SchemaService", "WriteSchema"), log)
        retried(lambda: write(channel, {"schema": schema()}), log)
        rows = [row for role in asked.roles() for row in relations(role)]
        updates = [{"operation": "OPERATION_TOUCH", "relationship": row} for row in rows]
        services.method(_SERVICE, "WriteRelationships")(channel, {"updates": updates})
        system = SpiceDb(pid, channel, address, services)
        _until_seen(system)
        yield system


def _until_seen(system: SpiceDb) -> None:
    """Wait until checks with the default consistency see the relationships, which may take some seconds."""
    call = system.check(asked.keyed(0))
    deadline = time.monotonic() + START_SECONDS
    while not system.answers(call, system.ask(call))[0]:
        if time.monotonic() > deadline:
            raise SystemExit("spicedb does not see its relationships")
        time.sleep(0.2)


def schema() -> str:
    """Return the schema: `assume` is `trusted - denied`, and a user may be trusted with the caveat `source`."""
    role = asked.roles()[-1]
    return f"""
definition user {{}}
definition service {{}}
caveat source(source_ip ipaddress, vpc string) {{ source_ip.in_cidr("{role.network}") && vpc == "{role.vpc}" }}
definition role {{
    relation trusted: user | user with source | service
    relation denied: user
    permission assume = trusted - denied
}}
"""


def relations(role: asked.Role) -> list[dict[str, Any]]:
    """Return the relationships of a role."""
    caveat = {"optional_caveat": {"caveat_name": "source"}} if role.network else {}
    rows = [_relation(role, "trusted", "user", name) | caveat for name in role.users]
    rows += [_relation(role, "trusted", "service", name) for name in role.services]
    return rows + [_relation(role, "denied", "user", name) for name in role.denied]


def _relation(role: asked.Role, relation: str, kind: str, name: str) -> dict[str, Any]:
    return {"resource": _object("role", role.name), "relation": relation, "subject": {"object": _object(kind, name)}}


def _fields(question: Question) -> dict[str, Any]:
    subject = {"object": _object(question.caller_type, question.caller)}
    fields = {"resource": _object("role", question.role), "permission": "assume", "subject": subject}
    return fields | ({"context": question.context} if question.context else {})


def _object(kind: str, name: str) -> dict[str, str]:
    return {"object_type": kind, "object_id": name}
