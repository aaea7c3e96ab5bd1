"""What gRPC knows of a call, and the status of one that is refused."""

# ruff: noqa: ANN401  (the contexts of grpc have no common type)

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from rolecall_client.guards.decision import RETRY_SECONDS, GuardDecision, GuardOutcome
from rolecall_client.guards.peer import Headers, PeerFacts, plain_address, spiffe_ids_in
from rolecall_client.guards.proxy import TrustedProxy

DOMAIN = "rolecall.guard"
"""The `domain` of the `ErrorInfo` of a refused call."""

STATUS_KEY = "grpc-status-details-bin"


class GuardRefusal(NamedTuple):
    """The status of a refused call. It says nothing about roles and policies."""

    code: grpc.StatusCode
    reason: str
    message: str


_REFUSALS = {
    GuardOutcome.DENIED: GuardRefusal(
        grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED", "the caller is not allowed to call this method"
    ),
    GuardOutcome.CLOSED: GuardRefusal(
        grpc.StatusCode.PERMISSION_DENIED, "METHOD_CLOSED", "this method is not open to callers"
    ),
    GuardOutcome.UNKNOWN_CALLER: GuardRefusal(
        grpc.StatusCode.UNAUTHENTICATED, "UNKNOWN_CALLER", "the call has no valid credential that names one caller"
    ),
}
_UNDECIDED = GuardRefusal(
    grpc.StatusCode.UNAVAILABLE, "NOT_DECIDED", "whether the caller is allowed could not be decided; retry later"
)


def peer_of(context: Any, proxy: TrustedProxy | None) -> PeerFacts:
    """Return what is known of the peer of a call. Never raises: a peer that cannot be read is nobody."""
    try:
        return _peer_of(context, proxy)
    except Exception:  # noqa: BLE001  (it may depend on what the peer sent)
        return PeerFacts()


def seconds_left_of(context: Any) -> float | None:
    """Return the seconds until the caller gives up; None without a deadline."""
    left: float | None = context.time_remaining()
    return left


def refusal_of(decision: GuardDecision) -> GuardRefusal:
    """Return the status of a refused call, for its caller."""
    refusal = _REFUSALS.get(decision.outcome, _UNDECIDED)
    if not decision.decision_id:
        return refusal
    return refusal._replace(message=f"{refusal.message}; decision `{decision.decision_id}`")


def trailing_metadata_of(decision: GuardDecision) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata of a refused call: its status as `google.rpc.Status`, with details."""
    refusal = refusal_of(decision)
    code: int = refusal.code.value[0]
    status = status_pb2.Status(code=code, message=refusal.message)
    facts = {"decision_id": decision.decision_id} if decision.decision_id else {}
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=facts))
    if refusal.code is grpc.StatusCode.UNAVAILABLE:
        delay = Duration(seconds=RETRY_SECONDS)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return ((STATUS_KEY, status.SerializeToString()),)


def _peer_of(context: Any, proxy: TrustedProxy | None) -> PeerFacts:
    address, headers = _source_ip(context.peer()), _headers(context.invocation_metadata() or ())
    if proxy is not None and proxy.is_proxy(address):
        return proxy.peer(headers)
    facts: Mapping[str, Iterable[bytes]] = context.auth_context() or {}
    return PeerFacts(
        spiffe_ids=spiffe_ids_in(_texts(facts.get("peer_uri", ()))),
        dns_names=_texts(facts.get("peer_dns", ())),
        headers=headers,
        source_ip=address,
    )


def _texts(values: Iterable[bytes]) -> tuple[str, ...]:
    # What is not UTF-8 is no name: the replacement character matches no rule.
    return tuple(value.decode("utf-8", "replace") for value in values)


def _headers(metadata: Iterable[tuple[str, str | bytes]]) -> Headers:
    return tuple((key, value) for key, value in metadata if isinstance(value, str))


def _source_ip(peer: str) -> str:
    kind, _, rest = unquote(peer).partition(":")
    return plain_address(rest.rpartition(":")[0].strip("[]")) if kind in {"ipv4", "ipv6"} else ""
