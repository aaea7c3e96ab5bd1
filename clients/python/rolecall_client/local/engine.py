"""What this package uses of the server: its engine, and what reads and writes messages. Nothing else imports it."""

from __future__ import annotations

try:
    from rolecall.engine.clock import now_micros
    from rolecall.engine.decision import Answer, ServedFrom
    from rolecall.engine.decision_point import DecisionOptions, DecisionPoint, LongWorkError
    from rolecall.engine.errors import EngineError
    from rolecall.engine.followed_state import FollowedState
    from rolecall.engine.snapshot import RoleVersion
    from rolecall.roles.accounts import Accounts
    from rolecall.roles.role import Revision
    from rolecall.transport.codecs.decision import QueryDecoder, encode_decision
    from rolecall.transport.codecs.followed import WatchedRoles, change_kind, sent_checkpoint
except ModuleNotFoundError as error:
    message = "decisions in this process need the engine of the server: install the client with its extra `local`"
    raise ModuleNotFoundError(message, name=error.name) from error

__all__ = [
    "Accounts",
    "Answer",
    "DecisionOptions",
    "DecisionPoint",
    "EngineError",
    "FollowedState",
    "LongWorkError",
    "QueryDecoder",
    "Revision",
    "RoleVersion",
    "ServedFrom",
    "WatchedRoles",
    "change_kind",
    "encode_decision",
    "now_micros",
    "sent_checkpoint",
]
