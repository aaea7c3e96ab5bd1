"""Reverse queries: which roles an identity can assume, and which principals a role trusts."""

from __future__ import annotations

from contextlib import suppress

from rolecall.callers.caller import Caller
from rolecall.engine.decision_point import DecisionPoint, stored_policy
from rolecall.engine.errors import InvalidRequestError, NotAvailableError
from rolecall.engine.long_answers import LongAnswers
from rolecall.engine.reverse.query import assumable_roles
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError, RoleNotFoundError
from rolecall.roles.fields import page_size_violations
from rolecall.roles.pages import DEFAULT_PAGE_SIZE
from rolecall.roles.tokens import Tokens
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.codecs.reverse import as_query, assumable_response, filter_of, trusted_response
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.actions import LIST_ASSUMABLE_ROLES
from rolecall.transport.rights.checks import CheckRights
from rolecall.transport.rights.resources import named_account, roles_of_account
from rolecall_client.v1 import decision_pb2 as pb


class ReverseQueries:
    """Answers reverse queries, a page at a time; a page starts after the last role of the one before, whatever was written."""

    def __init__(
        self,
        point: DecisionPoint,
        decoder: QueryDecoder,
        accounts: Accounts,
        tokens: Tokens,
        answers: LongAnswers,
        *,
        rights: CheckRights,
    ) -> None:
        self._point, self._decoder, self._accounts, self._tokens = point, decoder, accounts, tokens
        self._answers, self._rights = answers, rights

    def require_assumable(self, message: pb.ListAssumableRolesRequest, caller: Caller) -> None:
        """Require the right to list the roles of the account, for the identity; raise `PermissionDeniedError`."""
        account = named_account(self._accounts, message.account_id) if message.account_id else None
        resource = roles_of_account(account)
        if not caller.allows(LIST_ASSUMABLE_ROLES, resource):
            raise PermissionDeniedError(LIST_ASSUMABLE_ROLES, resource)
        # An identity that is none is refused later.
        with suppress(InvalidRequestError, NotAvailableError):
            self._rights.require_identity(self._decoder.read(as_query(message)), account or "", caller)

    async def assumable(self, message: pb.ListAssumableRolesRequest, caller: Caller) -> pb.ListAssumableRolesResponse:
        """Return a page of those roles that the caller may check.

        Raise `InvalidRequestError`, `InvalidFieldsError` or `InvalidTokenError`.
        """
        if violations := page_size_violations(message.page_size):
            raise InvalidFieldsError(violations)
        request = self._decoder.read(as_query(message))
        account = self._accounts.account_id(message.account_id) if message.account_id else ""
        bound, limit = (*filter_of(message), caller.credential.scope), message.page_size or DEFAULT_PAGE_SIZE
        after = self._tokens.cursor_of(message.page_token, filter=bound) if message.page_token else ""
        page = await assumable_roles(
            self._point,
            request,
            account=account,
            after=after,
            limit=limit,
            now=self._point.clock(),
            permits=lambda role: self._rights.may_check(request, role, caller),
            answers=self._answers,
        )
        more = self._tokens.page(page.resume_after, filter=bound) if page.resume_after else ""
        return assumable_response(page.roles, more)

    async def trusted(self, message: pb.ListTrustedPrincipalsRequest) -> pb.ListTrustedPrincipalsResponse:
        """Return the principals that a role trusts; raise `RoleNotFoundError` or `UnreadablePolicyError`."""
        ref = self._accounts.role(message.role)
        version = self._point.snapshot.version(ref.key)
        if version is None:
            raise RoleNotFoundError(ref.arn)
        policy = await self._answers.documents.parse(version)
        await self._answers.turns.take()
        return trusted_response(policy or stored_policy(version.role))
