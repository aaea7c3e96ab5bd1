"""Measure the memory of a server after what makes it remember most: `python -m bench.memory`.

Each load has a server of its own. The aim: the resident memory at the end is at most that of the idle server with its roles,
measured in the same run, plus what the settings allow the caches that the load fills, plus a fifth.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from string import ascii_letters, digits

import grpc

from bench.fixture import ACCOUNT
from bench.processes import machine, rolecall_server
from rolecall.config.settings import Config
from rolecall_client.v1 import decision_pb2 as d, decision_pb2_grpc as rpc

USER = f"acs:ram::{ACCOUNT}:user/alice"
MEBIBYTE = 1_048_576
EMOJI = "\U0001f600"
TEXTS = 32_000_000
"""What memoised functions take at most: `docs/caching.md`."""


@dataclass(frozen=True)
class Load:
    """A load: how many questions it has, which, the condition of the role that they are about, and the caches that it fills."""

    name: str
    count: int
    question: Callable[[int], d.AssumeRoleQuery]
    condition: dict[str, list[str]]
    fills: tuple[str, ...] = ()
    batch: int = 100
    at_revision: int = 0


def main() -> None:
    """Run the loads, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scale", type=float, default=1.0, help="Share of the questions to send.")
    scale = arguments.parse_args().scale
    print(json.dumps(machine()))
    for load in LOADS:
        print(json.dumps(measured(load, max(1, int(load.count * scale)))), flush=True)


def measured(load: Load, count: int) -> dict[str, object]:
    """Return the figures of a load, in megabytes."""
    with tempfile.TemporaryDirectory() as name:
        roles = Path(name) / "roles.yaml"
        roles.write_text(json.dumps(_role(load)))
        with rolecall_server(roles, Path(name)) as (pid, address), grpc.insecure_channel(address) as channel:
            stub = rpc.DecisionServiceStub(channel)
            _send(stub, load, range(1))
            idle = resident(pid)
            _send(stub, load, range(count))
            used = resident(pid)
    config = Config.from_mapping({}, {})
    settings = TEXTS + sum(getattr(config, setting) for setting in load.fills)
    bound = 1.2 * (idle + settings)
    return {
        "load": load.name, "questions": count, "idle": _megabytes(idle), "settings": _megabytes(settings),
        "used": _megabytes(used), "bound": _megabytes(bound), "kept": used <= bound,
    }  # fmt: skip


def resident(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1_024 for line in lines if line.startswith("VmRSS"))


def _send(stub: rpc.DecisionServiceStub, load: Load, numbers: range) -> None:
    if load.at_revision:
        for number in numbers:
            stub.ExplainAssumeRole(
                d.ExplainAssumeRoleRequest(query=load.question(number), at_revision=load.at_revision)
            )
        return
    for start in range(0, len(numbers), load.batch):
        queries = [load.question(number) for number in numbers[start : start + load.batch]]
        stub.BatchCheckAssumeRole(d.BatchCheckAssumeRoleRequest(queries=queries))


def _megabytes(size: float) -> float:
    return round(size / 1_000_000, 1)


def _role(load: Load) -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": USER}}
    document = {"Version": "1", "Statement": [statement | {"Condition": {"StringEquals": load.condition}}]}
    role = {
        "name": "measured",
        "account_id": ACCOUNT,
        "trust_policy_json": json.dumps(document, separators=(",", ":")),
    }
    return {"apiVersion": "rolecall/v1", "roles": [role]}


def _question(values: Callable[[int], dict[str, list[str]]], user: str = USER) -> Callable[[int], d.AssumeRoleQuery]:
    def question(number: int) -> d.AssumeRoleQuery:
        query = d.AssumeRoleQuery(principal=user, role=f"{ACCOUNT}/measured")
        for key, texts in values(number).items():
            query.context[key].values.extend(texts)
        return query

    return question


def _letters(number: int) -> dict[str, list[str]]:
    return {key: [f"{number}", *(chr(0x400 + (number * 7 + place) % 0x300) for place in range(70))] for key in "abc"}


def _values() -> Iterator[str]:
    return ("".join(letters) for letters in product(ascii_letters + digits, repeat=2))


_DECISIONS, _REQUESTS = "cache_bytes", "request_cache_bytes"
LOADS = [
    Load(
        "distinct questions",
        100_000,
        _question(lambda number: {"k": [f"value {number}"]}),
        {"k": ["v"]},
        (_DECISIONS, _REQUESTS),
        batch=1_000,
    ),
    Load("queries that become large requests", 60_000, _question(_letters), {"k": ["v"]}, (_REQUESTS,), batch=1_000),
    Load(
        "long astral values",
        10_000,
        _question(lambda number: {"k": [f"{number:06}{EMOJI * 4_090}"]}),
        {"k": ["v"]},
        (_DECISIONS,),
    ),
    Load(
        "long values",
        20_000,
        _question(lambda number: {"k": [f"{number:06}{'x' * 4_090}"]}),
        {"k": ["v"]},
        (_DECISIONS,),
    ),
    Load(
        "explanations of a large role in the past",
        10_000,
        _question(lambda number: {"k": [f"{number}"]}),
        {"k": list(islice(_values(), 2_300))},
        at_revision=1,
    ),
]


if __name__ == "__main__":
    main()
