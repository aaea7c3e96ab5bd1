"""Examines trust policies. A document over the limit costs nothing, one within it a few milliseconds of this thread."""

from __future__ import annotations

from collections.abc import Callable

from rolecall.policy.canonical import canonical_text
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.limits import Limits
from rolecall.policy.lint import lint
from rolecall.policy.parser import parse_policy
from rolecall.transport.codecs import policy as codec
from rolecall_client.v1 import policy_pb2 as pb, policy_pb2_grpc as rpc


class PolicyServicer(rpc.PolicyServiceServicer):
    """Examines trust policies; `account` is the one that the linter takes for their roles'."""

    def __init__(self, limits: Limits, clock: Callable[[], int], *, account: str) -> None:
        self._limits, self._clock, self._account = limits, clock, account

    async def ValidateTrustPolicy(
        self,
        message: pb.ValidateTrustPolicyRequest,
        context: object,
    ) -> pb.ValidateTrustPolicyResponse:
        """Report what is wrong with a document, and what a careful reader would ask about it."""
        profile = codec.profile(message)
        try:
            policy = parse_policy(message.document, limits=self._limits, profile=profile)
        except InvalidPolicyError as error:
            return codec.invalid_response(error.violations)
        findings = lint(policy, now=self._clock(), account=self._account)
        return codec.valid_response(policy, findings, canonical_text(message.document))
