"""Why a call was refused before anybody decided anything."""

from __future__ import annotations


class TransportError(Exception):
    """Base of every error about a call itself."""


class TooManyCallsError(TransportError):
    """The server answers as many calls at once as it may."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the server answers {limit} calls at once and has that many; try again a little later")


class OverdueError(TransportError):
    """A call took longer than the server lets any call of its kind take."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        super().__init__(f"the call was not done within the server's limit of {limit_seconds:g} seconds")


class UnauthenticatedError(TransportError):
    """It cannot be told who calls."""

    def __init__(self) -> None:
        super().__init__(
            "the client certificate does not name one caller: it needs a single SPIFFE or DNS subject alternative name"
        )


class PermissionDeniedError(TransportError):
    """The caller has no right to this method."""

    def __init__(self, method: str) -> None:
        self.method = method
        super().__init__(f"the caller may not call `{method}`")


class UnknownMethodError(TransportError):
    """The server has no such method."""

    def __init__(self) -> None:
        super().__init__("the server has no such method")


class UnknownServiceError(TransportError):
    """Health is asked of a service that the server does not have."""

    def __init__(self) -> None:
        super().__init__("the server has no such service")


class UploadOrderError(TransportError):
    """The messages of an upload come in an order that means nothing."""


class UploadLimitError(TransportError):
    """An upload is larger than the server takes."""

    def __init__(self, what: str, limit: int) -> None:
        self.what, self.limit = what, limit
        super().__init__(f"the server takes at most {limit} {what}; apply the roles in several calls")


class StreamStoppedError(TransportError):
    """A stream ends because the server stops."""

    def __init__(self) -> None:
        super().__init__("the server is stopping and has answered what it has read; go on with a new stream")


class StreamAgeError(TransportError):
    """A stream has lasted as long as any may."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        super().__init__(
            f"the stream has lasted {limit_seconds:g} seconds, as long as any may; go on with a new stream"
        )


class WatchTooSlowError(TransportError):
    """Whoever watches has not taken a message for as long as one may take."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        super().__init__(
            f"a message was not taken within {limit_seconds:g} seconds; read faster, and start again from the last checkpoint"
        )


STREAM_ENDINGS = (StreamStoppedError, StreamAgeError)
"""How the server ends streams in good order: what it has read is answered, what follows belongs on a new one."""
