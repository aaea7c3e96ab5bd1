"""Write the vectors as lines that a client in any language can replay: each query with the decision that the server gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict

from rolecall_client.v1 import decision_pb2 as d, decision_pb2_grpc
from tests.vectors.cases import cases, files, request_of
from tests.vectors.product import query_of

Json = dict[str, Any]

OF_THE_ANSWER = ("decision_id", "revision", "served_from", "staleness", "valid_for")
"""What differs from answer to answer, and from process to process."""


def write_vectors(address: str, path: Path) -> None:
    """Ask a server about every vector, through the plain stub, and write the cases to a file, one on each line."""
    with grpc.insecure_channel(address) as channel:
        stub = decision_pb2_grpc.DecisionServiceStub(channel)
        lines = [*(_decided(stub, case) for case in _decisions()), *_malformed()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _decisions() -> Iterator[tuple[str, d.AssumeRoleQuery, Json]]:
    for file in files("decisions"):
        facts = file.values[0]
        arn = facts["role"]["arn"].rpartition("/")[0] + f"/{file.id}"
        for case in facts["cases"]:
            yield f"{file.id}: {case['name']}", query_of(request_of(facts, case), arn), case


def _decided(stub: decision_pb2_grpc.DecisionServiceStub, found: tuple[str, d.AssumeRoleQuery, Json]) -> Json:
    name, query, case = found
    decision = stub.CheckAssumeRole(d.CheckAssumeRoleRequest(query=query)).decision
    return {
        "id": name,
        "query": MessageToDict(query),
        "assume_time": case["time"],
        "expected": case["expect"],
        "decision": plain(decision),
    }


def _malformed() -> Iterator[Json]:
    for parameters in cases("requests"):
        facts, case = parameters.values
        query = query_of(case, case.get("role", facts["role"]["arn"]))
        yield {"id": str(parameters.id), "query": MessageToDict(query), "error": case["error"]}


def plain(decision: d.Decision) -> Json:
    """Return a decision as JSON, without what differs from answer to answer."""
    copy = d.Decision()
    copy.CopyFrom(decision)
    for field in OF_THE_ANSWER:
        copy.ClearField(field)
    return MessageToDict(copy)
