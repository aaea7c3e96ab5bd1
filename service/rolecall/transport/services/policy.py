"""PolicyService: validates trust policies."""

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
    """Validates trust policies. The linter assumes that their roles belong to `account`."""

    def __init__(self, limits: Limits, clock: Callable[[], int], *, account: str) -> None:
        self._limits, self._clock, self._account = limits, clock, account

    async def ValidateTrustPolicy(
        self,
        message: pb.ValidateTrustPolicyRequest,
        context: object,
    ) -> pb.ValidateTrustPolicyResponse:
        """Return the violations of a document, or its lint findings if it has none."""
        profile = codec.profile(message)
        # Within the size limit, parsing and linting take a few milliseconds of the event loop.
        try:
            policy = parse_policy(message.document, limits=self._limits, profile=profile)
        except InvalidPolicyError as error:
            return codec.invalid_response(error.violations)
        findings = lint(policy, now=self._clock(), account=self._account)
        return codec.valid_response(policy, findings, canonical_text(message.document))
