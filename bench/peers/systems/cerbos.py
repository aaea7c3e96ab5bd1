"""Cerbos: a resource policy for each role, with conditions in CEL; CheckResources for one role or for fifty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import yaml

from bench.peers import question as asked
from bench.peers.question import Question
from bench.peers.reflected import Method, Services
from bench.peers.system import Call, GrpcSystem, free_port, retried, server
from bench.peers.tools import BIN

MAX_BATCH = 50
"""The limit of Cerbos for one request."""

_ALLOW = 1  # EFFECT_ALLOW


class Cerbos(GrpcSystem):
    """Called with CheckResources, whose request has one principal."""

    def __init__(self, pid: int, channel: grpc.Channel, address: str, method: Method) -> None:
        super().__init__("cerbos", pid, channel, address, MAX_BATCH)
        self._method = method

    def check(self, question: Question) -> Call:
        return self.batch([question])

    def batch(self, questions: Sequence[Question]) -> Call:
        first = questions[0]
        principal = {"id": first.caller, "roles": [first.caller], "attr": first.context}
        resources = [
            {"actions": ["assume"], "resource": {"kind": question.role, "id": f"{question.role}.{n}"}}
            for n, question in enumerate(questions)
        ]
        return self._method.call({"principal": principal, "resources": resources}, len(questions))

    def answers(self, call: Call, body: bytes) -> list[bool]:
        response: Any = self._method.read(body)
        return [result.actions["assume"] == _ALLOW for result in response.results]


@contextmanager
def start(directory: Path) -> Iterator[Cerbos]:
    """Run Cerbos with its policies on disk, decision log off (its default)."""
    policies = directory / "policies"
    policies.mkdir()
    for role in asked.roles():
        (policies / f"{role.name}.yaml").write_text(yaml.safe_dump(policy(role)))
    address, http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    storage = {"driver": "disk", "disk": {"directory": str(policies), "watchForChanges": False}}
    config = directory / "cerbos.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "server": {"grpcListenAddr": address, "httpListenAddr": http},
                "storage": storage,
                "telemetry": {"disabled": True},
            }
        )
    )
    log = directory / "cerbos.log"
    command = [BIN / "cerbos", "server", f"--config={config}", "--log-level=error"]
    with server(command, log) as pid, grpc.insecure_channel(address) as channel:
        method = retried(lambda: Services(channel).method("cerbos.svc.v1.CerbosService", "CheckResources"), log)
        yield Cerbos(pid, channel, address, method)


def policy(role: asked.Role) -> dict[str, Any]:
    """Return a trust policy as a resource policy.

    Callers are the roles of the rules: a condition `P.id in [...]` is equivalent, and costs Cerbos a tenth more.
    """
    conditions = []
    if role.network:
        conditions = [f"P.attr.source_ip.inIPAddrRange('{role.network}')", f"P.attr.vpc == '{role.vpc}'"]
    rules = [
        _rule("EFFECT_ALLOW", role.users, conditions),
        _rule("EFFECT_ALLOW", role.services, []),
        _rule("EFFECT_DENY", role.denied, []),
    ]
    resource_policy = {"resource": role.name, "version": "default", "rules": rules}
    return {"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": resource_policy}


def _rule(effect: str, roles: Sequence[str], conditions: list[str]) -> dict[str, Any]:
    condition = {"condition": {"match": {"all": {"of": [{"expr": text} for text in conditions]}}}} if conditions else {}
    return {"actions": ["assume"], "effect": effect, "roles": list(roles)} | condition
