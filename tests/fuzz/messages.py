"""The bytes of requests: queries, batches, uploads, and the requests of the other services."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError, Message

from rolecall.engine.errors import InvalidRequestError, NotAvailableError
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError, InvalidTokenError, UnknownIncarnationError
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens
from rolecall.transport.codecs.decision import QueryDecoder, requirement
from rolecall.transport.codecs.policy import profile
from rolecall.transport.codecs.raw import (
    RawBatchRequest,
    RawCheckRequest,
    RawStreamRequest,
    lone_query,
    query_bytes,
)
from rolecall.transport.codecs.reverse import as_query, filter_of
from rolecall.transport.codecs.role import apply_roles, create_role, known_view, update_role
from rolecall.transport.codecs.watch import watch_request
from rolecall.transport.services.uploads import Upload
from rolecall_client.v1 import decision_pb2, policy_pb2, role_pb2, watch_pb2
from tests.fuzz.target import Target, outcome, text_of

_ACCOUNTS = Accounts("123456789012", {"prod": "210987654321"})
_DOCUMENTED = (InvalidRequestError, InvalidFieldsError, NotAvailableError)


def check_query(data: bytes) -> None:
    """The bytes of a query are refused with their violations, or give the same request cached, parsed, and written again."""
    message = outcome(lambda: decision_pb2.AssumeRoleQuery.FromString(data), DecodeError)
    decoder = QueryDecoder(_ACCOUNTS)
    request = outcome(lambda: decoder.request(data), DecodeError, *_DOCUMENTED)
    if not isinstance(message, decision_pb2.AssumeRoleQuery):
        assert request is None
        return
    read = outcome(lambda: QueryDecoder(_ACCOUNTS).read(message), *_DOCUMENTED)
    assert _facts(read) == _facts(request) == _facts(outcome(lambda: decoder.request(data), *_DOCUMENTED))


def _facts(request: object) -> object:
    if not isinstance(request, AssumeRoleRequest):
        return request
    return request.principal, request.role_key, dict(request.keys), request.duration_seconds


def check_framing(data: bytes) -> None:
    """The messages whose queries stay bytes agree with those that are parsed whole, and the short way with the long one."""
    for raw, whole, field in _FRAMES:
        lazily: Any = outcome(partial(raw.FromString, data), DecodeError)
        parsed: Any = outcome(partial(whole.FromString, data), DecodeError)
        if parsed is None:
            continue  # an error within a query is found when the query is read
        assert lazily is not None
        if field == "queries":
            assert len(lazily.queries) == len(parsed.queries)
            continue
        query = decision_pb2.AssumeRoleQuery.FromString(query_bytes(lazily))
        assert query == parsed.query
    _check_lone(data)


def _check_lone(data: bytes) -> None:
    alone = lone_query(data)
    if alone is None:
        return
    message: Any = RawCheckRequest.FromString(data)
    assert list(message.query) == [alone]


_FRAMES = (
    (RawCheckRequest, decision_pb2.CheckAssumeRoleRequest, "query"),
    (RawStreamRequest, decision_pb2.StreamCheckAssumeRoleRequest, "query"),
    (RawBatchRequest, decision_pb2.BatchCheckAssumeRoleRequest, "queries"),
)


def check_request(data: bytes) -> None:
    """The request of a method is refused with violations, or becomes a command. The first byte chooses the method."""
    kinds = tuple(_REQUESTS)
    kind = kinds[data[0] % len(kinds)] if data else kinds[0]
    message = outcome(lambda: kind.FromString(data[1:]), DecodeError)
    if message is not None:
        outcome(lambda: _REQUESTS[kind](message), *_DOCUMENTED)


def _applied(message: Any) -> None:
    apply_roles(Upload(message.options, list(message.roles.roles)))


_REQUESTS: dict[type[Message], Callable[[Any], object]] = {
    role_pb2.CreateRoleRequest: create_role,
    role_pb2.UpdateRoleRequest: update_role,
    role_pb2.ApplyRolesRequest: _applied,
    role_pb2.ListRolesRequest: lambda message: known_view(message.view),
    watch_pb2.WatchRolesRequest: lambda message: watch_request(message, _ACCOUNTS),
    policy_pb2.ValidateTrustPolicyRequest: lambda message: profile(message.profile),
    policy_pb2.ValidatePermissionPolicyRequest: lambda message: profile(message.profile),
    decision_pb2.ListAssumableRolesRequest: lambda m: (QueryDecoder(_ACCOUNTS).read(as_query(m)), filter_of(m)),
    decision_pb2.Consistency: requirement,
}


def check_token(data: bytes) -> None:
    """No bytes are a token of another history, of another kind or of another filter, and none that the server did not make."""
    token = text_of(data)
    revision = outcome(lambda: _TOKENS.revision_of(token), InvalidTokenError, UnknownIncarnationError)
    cursor = outcome(lambda: _TOKENS.cursor_of(token, filter=("f",)), InvalidTokenError)
    assert revision == (7 if token == _MADE[0] else None)
    assert cursor == ("a/b" if token == _MADE[1] else None)


_TOKENS = Tokens(b"k" * 32, "inc")
_MADE = (_TOKENS.consistency(Revision(7)), _TOKENS.page("a/b", filter=("f",)))


def _query(**fields: Any) -> bytes:
    return decision_pb2.AssumeRoleQuery(**fields).SerializeToString()


def _with_context() -> bytes:
    query = decision_pb2.AssumeRoleQuery(principal="acs:ram::123456789012:user/alice", role="app", duration_seconds=900)
    query.context["acs:SourceIp"].values.append("10.0.0.1")
    query.context["acs:MFAPresent"].values.extend(["true", "false"])
    return query.SerializeToString()


def _with_claims() -> bytes:
    query = decision_pb2.AssumeRoleQuery(role="prod/app", role_session_name="s", source_identity="alice")
    query.federated.provider_arn = "acs:ram::123456789012:oidc-provider/corp"
    query.federated.claims["oidc:sub"].values.append("repo:a/b")
    return query.SerializeToString()


QUERIES = (_query(principal="ecs.aliyuncs.com", role="app", external_id="abc"), _with_context(), _with_claims())
WORDS = ("acs:SourceIp", "oidc:sub", "saml:sub", "acs:CurrentTime", "acs:PrincipalARN", "app")
_MESSAGES = tuple(
    decision_pb2.CheckAssumeRoleRequest(query=decision_pb2.AssumeRoleQuery.FromString(query)).SerializeToString()
    for query in QUERIES
)
_COMMANDS = tuple(
    bytes([kind]) + message.SerializeToString()
    for kind, message in enumerate(
        (
            role_pb2.CreateRoleRequest(role_name="app", tags={"team": "red"}, max_session_duration_seconds=3_600),
            role_pb2.UpdateRoleRequest(role="app", etag='"x"', update_mask={"paths": ["tags"]}),
            role_pb2.ApplyRolesRequest(options={"prune_selector": {"tags": {"a": "b"}}}),
            role_pb2.ListRolesRequest(account_id="prod", page_size=7),
            watch_pb2.WatchRolesRequest(account_ids=["prod", "1"]),
            policy_pb2.ValidateTrustPolicyRequest(),
            policy_pb2.ValidatePermissionPolicyRequest(session_policy=True),
            decision_pb2.ListAssumableRolesRequest(principal="ecs.aliyuncs.com"),
            decision_pb2.Consistency(fully_consistent=True),
        )
    )
)

TARGETS = (
    Target(name="query", check=check_query, seeds=QUERIES, words=WORDS),
    Target(name="framing", check=check_framing, seeds=_MESSAGES, words=WORDS),
    Target(name="request", check=check_request, seeds=_COMMANDS, words=WORDS),
    Target(name="token", check=check_token, seeds=tuple(token.encode() for token in _MADE), max_bytes=200),
)
