"""Measure decisions in this process, by each library, on one trust policy of three statements and two conditions.

Policies are parsed and requests are built beforehand where the library permits it; only the decision is timed.
"""

from __future__ import annotations

import json
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import casbin
import cedarpy
import regopy
from casbin.model import Model

from bench import fixture
from bench.peers import question
from bench.peers.question import Question
from bench.peers.systems.opa import rego
from bench.peers.systems.rolecall import query
from rolecall.engine.request import context_keys, read_principal
from rolecall.policy.compiler import compile_policy
from rolecall.policy.evaluator import Outcome, evaluate
from rolecall.policy.parser import parse_policy

ROLE = "keyed-0"
_SECONDS = 0.15
_ENTRY = "trust/allow"
_CASBIN_MODEL = """
[request_definition]
r = caller, ip, vpc
[policy_definition]
p = caller, network, vpc, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.caller, p.caller) && (p.vpc == "*" || r.vpc == p.vpc && ipMatch(r.ip, p.network))
"""


class Library(ABC):
    """A library with the policy loaded."""

    name: str

    @abstractmethod
    def prepare(self, asked: Question) -> Any:
        """Return the question in the form that the library accepts."""

    @abstractmethod
    def decide(self, prepared: Any) -> bool:
        """Decide; only this call is timed."""


class Rolecall(Library):
    """The evaluation behind the decision point, without its cache."""

    name = "rolecall"

    def __init__(self) -> None:
        self._policy = compile_policy(parse_policy(fixture.keyed_document(0)))

    def prepare(self, asked: Question) -> Any:
        message = query(asked)
        context = {key: tuple(value.values) for key, value in message.context.items()}
        return read_principal(message.principal), context_keys(context)

    def decide(self, prepared: Any) -> bool:
        principal, keys = prepared
        values = tuple(map(keys.get, self._policy.keys))
        return evaluate(self._policy, principal, fixture.ACCOUNT, values, 0).outcome is Outcome.ALLOW


class RolecallFromText(Rolecall):
    """The same, including the time to parse the principal and the context."""

    name = "rolecall, reading the request"

    def prepare(self, asked: Question) -> Any:
        message = query(asked)
        return message.principal, {key: tuple(value.values) for key, value in message.context.items()}

    def decide(self, prepared: Any) -> bool:
        return super().decide((read_principal(prepared[0]), context_keys(prepared[1])))


class Cedar(Library):
    """cedarpy with policies and entities parsed once."""

    name = "cedarpy"

    def __init__(self) -> None:
        self._text = cedar(_role())
        self._policies = cedarpy.PolicySet.from_str(self._text)
        self._entities = cedarpy.Entities.from_json_str("[]")

    def prepare(self, asked: Question) -> Any:
        return {
            "principal": _uid(asked.caller_type, asked.caller),
            "action": 'Action::"assume"',
            "resource": _uid("role", asked.role),
            "context": json.dumps({"source_ip": {"__extn": {"fn": "ip", "arg": asked.source_ip}}, "vpc": asked.vpc}),
        }

    def decide(self, prepared: Any) -> bool:
        allowed: bool = cedarpy.is_authorized(prepared, self._policies, self._entities).allowed
        return allowed


class CedarFromText(Cedar):
    """cedarpy with the policies as text in every call, as in its basic examples."""

    name = "cedarpy, policies as text"

    def decide(self, prepared: Any) -> bool:
        allowed: bool = cedarpy.is_authorized(prepared, self._text, "[]").allowed
        return allowed


class Casbin(Library):
    """casbin's enforcer: each statement is a policy line, its callers are a group."""

    name = "casbin"

    def __init__(self) -> None:
        model = Model()
        model.load_model_from_text(_CASBIN_MODEL)
        self._enforcer = casbin.Enforcer(model)
        role = _role()
        self._enforcer.add_policies(
            [
                ["trusted", role.network, role.vpc, "allow"],
                ["services", "0.0.0.0/0", "*", "allow"],
                ["denied", "0.0.0.0/0", "*", "deny"],
            ]
        )
        groups = {"trusted": role.users, "services": role.services, "denied": role.denied}
        self._enforcer.add_grouping_policies([[name, group] for group, names in groups.items() for name in names])

    def prepare(self, asked: Question) -> Any:
        return asked.caller, asked.source_ip, asked.vpc

    def decide(self, prepared: Any) -> bool:
        allowed: bool = self._enforcer.enforce(*prepared)
        return allowed


class Rego(Library):
    """regopy with the policy compiled into a bundle once.

    It has no `net.cidr_contains`. The network of the fixture ends at a dot, so a text prefix is equivalent, and cheaper.
    """

    name = "regopy"

    def __init__(self) -> None:
        self._interpreter = regopy.Interpreter()
        network = _role().network
        contains, prefix = f'net.cidr_contains("{network}", input.source_ip)', network.partition(".")[0] + "."
        rules = rego([_role()]).replace(contains, f'startswith(input.source_ip, "{prefix}")')
        self._interpreter.add_module("trust", rules)
        self._bundle = self._interpreter.build(None, [_ENTRY])

    def prepare(self, asked: Question) -> Any:
        facts = {"caller": f"{asked.caller_type}:{asked.caller}", "role": asked.role, **asked.context}
        return json.dumps(facts)

    def decide(self, prepared: Any) -> bool:
        self._interpreter.set_input_term(prepared)
        return str(self._interpreter.query_bundle_entrypoint(self._bundle, _ENTRY)) == '{"expressions":[true]}'


def measure(rounds: int, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the CPU time of a decision for each library, the median of the rounds, after verifying that all answers are equal."""
    asked = [q for q in question.every_question() if q.role == ROLE]
    libraries = [kind() for kind in (Rolecall, RolecallFromText, Cedar, CedarFromText, Casbin, Rego)]
    prepared = {library.name: [library.prepare(q) for q in asked] for library in libraries}
    for library in libraries:
        for q, ready in zip(asked, prepared[library.name], strict=True):
            if library.decide(ready) != question.allowed(q):
                raise SystemExit(f"{library.name} gives the wrong answer to {q}")
    taken: dict[str, list[float]] = {library.name: [] for library in libraries}
    for round_ in range(rounds + 1):
        for library in libraries:
            progress(f"round {round_} of {rounds}: in process: {library.name}")
            figure = _micros(library.decide, prepared[library.name])
            if round_:
                taken[library.name].append(figure)
    return [_row(name, figures) for name, figures in taken.items()]


def cedar(role: question.Role) -> str:
    """Return the trust policy in Cedar."""
    head = f'action == Action::"assume", resource == {_uid("role", role.name)}'
    network = f'context.source_ip.isInRange(ip("{role.network}")) && context.vpc == "{role.vpc}"'
    return (
        f"permit (principal, {head}) when {{ {_set('user', role.users)}.contains(principal) && {network} }};\n"
        f"permit (principal, {head}) when {{ {_set('service', role.services)}.contains(principal) }};\n"
        f"forbid (principal, {head}) when {{ {_set('user', role.denied)}.contains(principal) }};\n"
    )


def _set(kind: str, names: Sequence[str]) -> str:
    return f"[{', '.join(_uid(kind, name) for name in names)}]"


def _uid(kind: str, name: str) -> str:
    return f'{kind.capitalize()}::"{name}"'


def _role() -> question.Role:
    return next(role for role in question.roles() if role.name == ROLE)


def _micros(decide: Callable[[Any], bool], prepared: Sequence[Any]) -> float:
    calls, before = 0, time.process_time_ns()
    while (spent := time.process_time_ns() - before) < _SECONDS * 1e9:
        for ready in prepared:
            decide(ready)
        calls += len(prepared)
    return spent / calls / 1_000


def _row(name: str, figures: Sequence[float]) -> dict[str, Any]:
    library = name.partition(",")[0]
    row = {"library": name, "version": version(library), "us": round(statistics.median(figures), 3)}
    return row | {"rounds": [round(figure, 3) for figure in figures]}
