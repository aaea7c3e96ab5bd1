"""The errors of calls themselves: their number, duration, caller, method, uploads and streams."""

from __future__ import annotations

from google.rpc.status_pb2 import Status

from rolecall.transport.fault import Fault


class TransportError(Exception):
    """Base of every error about a call itself."""


class TooManyCallsError(TransportError):
    """As many calls are in progress as are allowed, and the caller has its share of them."""

    def __init__(self, what: str, limit: int, share: int) -> None:
        self.what, self.limit, self.share = what, limit, share
        shared = f", this caller's share {share}" if share < limit else ""
        super().__init__(f"too many concurrent {what} (limit {limit}{shared}); retry later")


class SilentCallError(TransportError):
    """A call was ended because its message had not arrived, and too many calls waited for theirs."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"the message of the call has not arrived, and {limit} later calls wait for theirs; retry later"
        )


class RequestMemoryError(TransportError):
    """A call was ended because the requests that are buffered for all calls take too much memory."""

    def __init__(self, of: str, limit: int) -> None:
        self.of, self.limit = of, limit
        super().__init__(f"too many bytes of {of} wait in the server (limit {limit}); retry later")


class MissingMessageError(TransportError):
    """A call ended before its request message."""

    def __init__(self) -> None:
        super().__init__("the call has no request message; send exactly one")


class RateLimitError(TransportError):
    """A caller has asked more than its rate allows."""

    def __init__(self, rate: float, burst: int, wait_seconds: float) -> None:
        self.rate, self.burst, self.wait_seconds = rate, burst, wait_seconds
        super().__init__(
            f"more than {rate:g} questions a second (burst {burst}); retry in {wait_seconds:.3f} seconds, or ask less often"
        )


class OverdueError(TransportError):
    """A call took longer than the server allows for its method."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        super().__init__(f"the call took longer than the server's limit of {limit_seconds:g} seconds")


class UnauthenticatedError(TransportError):
    """The client certificate does not name exactly one caller. `found` says what it has instead."""

    cause = "CERTIFICATE_NAMES"

    def __init__(self, found: str, *, spiffe_ids: int, dns_names: int) -> None:
        self.why, self.spiffe_ids, self.dns_names = found, spiffe_ids, dns_names
        super().__init__(
            f"the client certificate does not name exactly one caller: {found}; "
            "it needs one valid SPIFFE id, or no SPIFFE id and one DNS name without a wildcard"
        )


class RefusedCallerError(TransportError):
    """A credential of the call is not valid. `cause` is from a closed set; it and `why` are logged, and not sent to the client."""

    def __init__(self, cause: str, why: str) -> None:
        self.cause, self.why = cause, why
        super().__init__(
            "the credentials of the call are not valid; the log of the server has the reason beside the request id"
        )


class PermissionDeniedError(TransportError):
    """The caller may not do something. Whether the resource exists was not looked up, or makes no difference."""

    def __init__(self, action: str, resource: str) -> None:
        self.action, self.resource = action, resource
        super().__init__(
            f"this caller may not `{action}` on `{resource}`; ask the operator of the server for a policy that allows it"
        )


class PruneDeniedError(TransportError):
    """The prune selector hits roles that the caller may not delete. Their names are not shown."""

    def __init__(self, action: str, count: int) -> None:
        self.action, self.count = action, count
        super().__init__(
            f"the prune selector hits {count} roles for which this caller may not `{action}`; nothing is written, "
            "narrow the selector"
        )


class UnlistedMethodError(TransportError):
    """The table of rights does not have the method."""

    def __init__(self, method: str) -> None:
        super().__init__(f"the table of rights has no row for this method, so no caller may call `{method}`")


class UnknownMethodError(TransportError):
    """The server has no such method."""

    def __init__(self) -> None:
        super().__init__("the server has no such method")


class UnknownServiceError(TransportError):
    """A health check names a service that the server does not have."""

    def __init__(self) -> None:
        super().__init__("the server has no such service")


class UploadOrderError(TransportError):
    """The messages of an upload are in the wrong order."""


class UploadLimitError(TransportError):
    """An upload exceeds a limit."""

    def __init__(self, what: str, limit: int) -> None:
        self.what, self.limit = what, limit
        super().__init__(f"at most {limit} {what} are allowed; apply the roles in several calls")


class StreamStoppedError(TransportError):
    """The server ends a stream because it is stopping."""

    def __init__(self) -> None:
        super().__init__("the server is stopping and has answered every message that it read; continue on a new stream")


class StreamAgeError(TransportError):
    """The server ends a stream that has reached its maximum age."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        super().__init__(f"the stream has reached its limit of {limit_seconds:g} seconds; continue on a new stream")


class StreamIdleError(TransportError):
    """The server ends a stream on which the client has sent nothing for too long."""

    def __init__(self, limit_seconds: float, advice: str = "continue on a new stream") -> None:
        self.limit_seconds = limit_seconds
        super().__init__(f"no message has arrived for {limit_seconds:g} seconds; {advice}")


class WatchTooSlowError(TransportError):
    """A client did not accept a message of its watch in time."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        super().__init__(
            f"a message was not accepted within {limit_seconds:g} seconds; read faster, and restart from the last checkpoint"
        )


STREAM_ENDINGS = (StreamStoppedError, StreamAgeError, StreamIdleError)
"""How the server ends streams in order: it has answered every message that it read, and the client continues on a new stream."""


class UpstreamUnavailableError(TransportError):
    """Only the followed server can answer a question, and it does not. With `freshness` that is because of what is required."""

    def __init__(self, why: str, *, freshness: bool) -> None:
        self.freshness = freshness
        advice = "retry, or use minimize_latency" if freshness else "retry later"
        super().__init__(
            f"only the server that this agent follows can answer this, and it cannot be reached: {why}; {advice}"
        )


class UpstreamRefusedError(TransportError):
    """Only the followed server can answer a question, and it does not answer it for the agent."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"only the server that this agent follows can answer this, and it refuses the agent: {why}; "
            "ask the operator of the agent for its rights"
        )


class NotPassedError(TransportError):
    """A call is one for the followed server, and is not passed to it; `why` says why."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the agent cannot pass this on: {why}; ask the server that it follows")


class PassedStatusError(TransportError):
    """A call that was passed to the followed server failed there; the caller gets its status as it is."""

    def __init__(self, status: Status) -> None:
        self.status = status
        super().__init__(status.message)


class UpstreamAnswerError(TransportError):
    """The followed server answered a question with an error, which the caller gets: `fault` is what it says."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)
