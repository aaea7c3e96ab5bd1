"""OpenFGA: `assume` is `trusted but not denied`, with one tuple for each principal and a condition on those of users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from bench.peers import question as asked
from bench.peers.question import Question
from bench.peers.reflected import Method, Services
from bench.peers.system import Call, GrpcSystem, free_port, retried, server
from bench.peers.tools import BIN

MAX_BATCH = 50
"""The default limit of OpenFGA for one request."""

Where = dict[str, str]
_SERVICE = "openfga.v1.OpenFGAService"


class OpenFga(GrpcSystem):
    """Called with Check and BatchCheck."""

    def __init__(self, pid: int, channel: grpc.Channel, address: str, services: Services, where: Where) -> None:
        super().__init__("openfga", pid, channel, address, MAX_BATCH)
        self._check: Method = services.method(_SERVICE, "Check")
        self._batch: Method = services.method(_SERVICE, "BatchCheck")
        self._where = where

    def check(self, question: Question) -> Call:
        return self._check.call(self._where | _fields(question))

    def batch(self, questions: Sequence[Question]) -> Call:
        checks = [_fields(question) | {"correlation_id": str(n)} for n, question in enumerate(questions)]
        return self._batch.call(self._where | {"checks": checks}, len(questions))

    def answers(self, call: Call, body: bytes) -> list[bool]:
        if call.items == 1:
            return [self._check.read(body).allowed]  # type: ignore[attr-defined]
        results = self._batch.read(body).result  # type: ignore[attr-defined]
        return [results[str(n)].allowed for n in range(call.items)]


@contextmanager
def start(directory: Path) -> Iterator[OpenFga]:
    """Run OpenFGA on its store in memory, with default caches (none for checks)."""
    address, metrics = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    log = directory / "openfga.log"
    off = ["--http-enabled=false", "--playground-enabled=false"]
    options = ["--datastore-engine=memory", f"--grpc-addr={address}", f"--metrics-addr={metrics}", "--log-level=error"]
    with server([BIN / "openfga", "run", *options, *off], log) as pid, grpc.insecure_channel(address) as channel:
        services = Services(channel)
        retried(lambda: services.method(_SERVICE, "Check"), log)
        yield OpenFga(pid, channel, address, services, _filled(channel, services))


def _filled(channel: grpc.Channel, services: Services) -> Where:
    """Create a store with the model and the tuples of every role; return the ids of store and model."""
    store = services.method(_SERVICE, "CreateStore")(channel, {"name": "bench"}).id
    made = services.method(_SERVICE, "WriteAuthorizationModel")(channel, {"store_id": store} | model())
    where = {"store_id": store, "authorization_model_id": made.authorization_model_id}
    write = services.method(_SERVICE, "Write")
    for role in asked.roles():
        write(channel, where | {"writes": {"tuple_keys": tuples(role)}})
    return where


def model() -> dict[str, Any]:
    """Return the model: `assume` is `trusted but not denied`, and a user may be trusted under the condition `source`."""
    role = asked.roles()[-1]
    trusted = [{"type": "user"}, {"type": "user", "condition": "source"}, {"type": "service"}]
    relations = {
        "trusted": {"this": {}},
        "denied": {"this": {}},
        "assume": {
            "difference": {
                "base": {"computed_userset": {"relation": "trusted"}},
                "subtract": {"computed_userset": {"relation": "denied"}},
            }
        },
    }
    kinds = {
        "trusted": {"directly_related_user_types": trusted},
        "denied": {"directly_related_user_types": [{"type": "user"}]},
    }
    source = {
        "name": "source",
        "expression": f'source_ip.in_cidr("{role.network}") && vpc == "{role.vpc}"',
        "parameters": {"source_ip": {"type_name": "TYPE_NAME_IPADDRESS"}, "vpc": {"type_name": "TYPE_NAME_STRING"}},
    }
    types = [{"type": "user"}, {"type": "service"}]
    types.append({"type": "role", "relations": relations, "metadata": {"relations": kinds}})  # type: ignore[dict-item]
    return {"schema_version": "1.1", "type_definitions": types, "conditions": {"source": source}}


def tuples(role: asked.Role) -> list[dict[str, Any]]:
    """Return the tuples of a role."""
    condition = {"condition": {"name": "source"}} if role.network else {}
    rows = [_tuple(role, "trusted", f"user:{name}") | condition for name in role.users]
    rows += [_tuple(role, "trusted", f"service:{name}") for name in role.services]
    return rows + [_tuple(role, "denied", f"user:{name}") for name in role.denied]


def _tuple(role: asked.Role, relation: str, user: str) -> dict[str, Any]:
    return {"user": user, "relation": relation, "object": f"role:{role.name}"}


def _fields(question: Question) -> dict[str, Any]:
    user = f"{question.caller_type}:{question.caller}"
    fields: dict[str, Any] = {"tuple_key": {"user": user, "relation": "assume", "object": f"role:{question.role}"}}
    return fields | ({"context": question.context} if question.context else {})
