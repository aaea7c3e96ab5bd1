"""Open Policy Agent: rules in Rego, indexed by the role; called over its HTTP data API, since it has no gRPC API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.peers import question as asked
from bench.peers.question import Question
from bench.peers.system import Call, HttpSystem, free_port, retried, server
from bench.peers.tools import BIN

_HEADERS = (("content-type", "application/json"),)


class Opa(HttpSystem):
    """Called with POST /v1/data over HTTP/1.1, which costs it less than HTTP/2; it has no batch."""

    def __init__(self, pid: int, address: str) -> None:
        super().__init__("opa", pid, address, max_batch=1)

    def check(self, question: Question) -> Call:
        facts = {"caller": f"{question.caller_type}:{question.caller}", "role": question.role, **question.context}
        return Call("/v1/data/trust/allow", json.dumps({"input": facts}).encode(), _HEADERS)

    def batch(self, questions: Sequence[Question]) -> Call:
        raise NotImplementedError

    def answers(self, call: Call, body: bytes) -> list[bool]:
        return [json.loads(body)["result"]]


@contextmanager
def start(directory: Path) -> Iterator[Opa]:
    """Run OPA with its policy on disk, decision log off (its default)."""
    policy = directory / "trust.rego"
    policy.write_text(rego(asked.roles()))
    address = f"127.0.0.1:{free_port()}"
    log = directory / "opa.log"
    options = ["--addr", address, "--log-level", "error", "--disable-telemetry"]
    with server([BIN / "opa", "run", "--server", *options, policy], log) as pid:
        system = Opa(pid, address)
        retried(lambda: system.ask(system.check(asked.plain(0))), log)
        yield system


def rego(roles: Sequence[asked.Role]) -> str:
    """Return the trust policies as one module."""
    head = "package trust\n\ndefault allow := false\n\nallow if {\n\tgranted\n\tnot denied\n}\n"
    return head + "".join(map(_rules, roles))


def _rules(role: asked.Role) -> str:
    conditions = []
    if role.network:
        conditions = [f'net.cidr_contains("{role.network}", input.source_ip)', f'input.vpc == "{role.vpc}"']
    return (
        _rule("granted", role, [f"user:{name}" for name in role.users], conditions)
        + _rule("granted", role, [f"service:{name}" for name in role.services], [])
        + _rule("denied", role, [f"user:{name}" for name in role.denied], [])
    )


def _rule(head: str, role: asked.Role, callers: list[str], conditions: list[str]) -> str:
    one = len(callers) == 1
    caller = f'input.caller == "{callers[0]}"' if one else f"input.caller in {{{json.dumps(callers)[1:-1]}}}"
    body = [f'input.role == "{role.name}"', caller, *conditions]
    return f"\n{head} if {{\n\t" + "\n\t".join(body) + "\n}\n"
