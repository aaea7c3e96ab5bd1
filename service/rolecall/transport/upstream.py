"""The server that an agent follows, as far as checks are put to it."""

from __future__ import annotations

from typing import Protocol

from rolecall.engine.errors import UpstreamOnlyError
from rolecall_client.v1 import decision_pb2 as pb


class UpstreamChecks(Protocol):
    """Puts checks to the followed server, with the credential of the agent.

    `why` is why they cannot be decided here. Both methods raise `UpstreamUnavailableError`, `UpstreamRefusedError`,
    `UpstreamAnswerError` and `TooManyCallsError`.
    """

    async def check(
        self, request: pb.CheckAssumeRoleRequest, why: UpstreamOnlyError, seconds: float | None
    ) -> pb.CheckAssumeRoleResponse:
        """Return the answer of the followed server, within `seconds` if they are given."""
        ...

    async def batch(
        self, request: pb.BatchCheckAssumeRoleRequest, why: UpstreamOnlyError, seconds: float | None
    ) -> pb.BatchCheckAssumeRoleResponse:
        """Return the answers of the followed server, within `seconds` if they are given."""
        ...
