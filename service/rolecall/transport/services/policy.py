"""PolicyService: validates policies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from rolecall.policy.canonical import canonical_text
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.limits import Limits
from rolecall.policy.linting.lint import lint
from rolecall.policy.parser import parse_policy
from rolecall.policy.permission.limits import PERMISSION_LIMITS, SESSION_POLICY_LIMITS
from rolecall.policy.permission.lint import lint_permissions
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.transport.codecs import policy as codec
from rolecall_client.v1 import policy_pb2 as pb, policy_pb2_grpc as rpc


class PolicyServicer(rpc.PolicyServiceServicer):
    """Validates policies on `thread`, one at a time. The linter assumes that the roles of trust policies belong to `account`."""

    def __init__(self, limits: Limits, clock: Callable[[], int], thread: Executor, *, account: str) -> None:
        self._limits, self._clock, self._thread, self._account = limits, clock, thread, account

    async def ValidateTrustPolicy(
        self,
        message: pb.ValidateTrustPolicyRequest,
        context: object,
    ) -> pb.ValidateTrustPolicyResponse:
        """Return the violations of a document, or its lint findings if it has none."""
        # To parse and to lint a document of the greatest size may take a tenth of a second.
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._trust_policy, message)

    async def ValidatePermissionPolicy(
        self,
        message: pb.ValidatePermissionPolicyRequest,
        context: object,
    ) -> pb.ValidatePermissionPolicyResponse:
        """Return the violations of a document, or its lint findings if it has none."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._permission_policy, message)

    def _trust_policy(self, message: pb.ValidateTrustPolicyRequest) -> pb.ValidateTrustPolicyResponse:
        try:
            policy = parse_policy(message.document, limits=self._limits, profile=codec.profile(message.profile))
        except InvalidPolicyError as error:
            return codec.invalid_response(error.violations)
        findings = lint(policy, now=self._clock(), account=self._account)
        return codec.valid_response(policy, findings, canonical_text(message.document))

    def _permission_policy(self, message: pb.ValidatePermissionPolicyRequest) -> pb.ValidatePermissionPolicyResponse:
        limits = SESSION_POLICY_LIMITS if message.session_policy else PERMISSION_LIMITS
        try:
            policy = parse_permission_policy(message.document, limits=limits, profile=codec.profile(message.profile))
        except InvalidPolicyError as error:
            return codec.invalid_permission_response(error.violations)
        findings = lint_permissions(policy, now=self._clock())
        return codec.valid_permission_response(policy, findings, canonical_text(message.document, limits=limits))
