"""The options that describe a request to assume a role, and the request that they make."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import keys_and_context, lists, pairs
from rolecall.cli.remote.account_names import account_in, account_on_server, with_account_id
from rolecall.cli.remote.context_completion import context_names

if TYPE_CHECKING:
    from rolecall.cli.options.shared import Connection, RemoteOptions
    from rolecall.cli.remote.account_names import RoleReading
    from rolecall.cli.sources.found import FoundPolicy, FoundRole
    from rolecall.offline import OfflineRole
    from rolecall_client.contexts.context import ServerContext
    from rolecall_client.v1.decision_pb2 import AssumeRoleQuery

DEFAULT_ACCOUNT = "123456789012"

KeyValues = list[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalOptions:
    """The principal that wants to assume a role, and the facts about it."""

    as_: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="WHO",
            help="The principal: `acs:ram::ID:user/NAME`, `acs:ram::ID:role/ROLE/SESSION`, a service (`ecs.aliyuncs.com`, "
            "`ID@orders.internal`), a provider's ARN with --claim, or `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`.",
        ),
    ]
    claim: Annotated[
        KeyValues,
        typer.Option(
            metavar="KEY=VALUE", help="A claim of the identity provider (`oidc:sub=...`); repeat KEY for more values."
        ),
    ] = dataclasses.field(default_factory=list)
    context: Annotated[
        KeyValues,
        typer.Option(
            metavar="KEY=VALUE|NAME",
            autocompletion=context_names,
            help="A condition key (`acs:SourceIp=...`); repeat KEY for more values. Without `=`: the context to use.",
        ),
    ] = dataclasses.field(default_factory=list)
    external_id: Annotated[
        str, typer.Option(metavar="TEXT", help="The external id, read as sts:ExternalId; 2 to 1,224 characters.")
    ] = ""
    session_name: Annotated[
        str,
        typer.Option(metavar="TEXT", help="The session name, read as sts:RoleSessionName; 2 to 64 characters."),
    ] = ""
    source_identity: Annotated[
        str, typer.Option(metavar="TEXT", help="The source identity, read as sts:SourceIdentity; 2 to 64 characters.")
    ] = ""
    duration: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="The requested session duration, from 900 to the role's maximum; 0: none requested.",
        ),
    ] = 0

    @property
    def condition_keys(self) -> Mapping[str, list[str]]:
        """Return the values of each condition key; raise `CommandError` for a text that is none."""
        return keys_and_context(self.context)[0]

    @property
    def server_context(self) -> str | None:
        """Return the name of the context that `--context` gives, or None."""
        return keys_and_context(self.context)[1]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions(PrincipalOptions):
    """The principal, the facts about it, and the role that it wants to assume."""

    role: Annotated[
        str,
        typer.Option(metavar="ROLE", help="The role: an ARN, ACCOUNT/NAME, or NAME in the server's default account."),
    ] = ""
    policy: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Decide without a server, by the trust policy in this file, or that of a role in it (of --role, if there are "
            "several); any file that `test` reads, `-`: standard input.",
        ),
    ] = ""
    account_id: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="The role's account if --role does not name it. Default with --policy: that of the context, else "
            f"{DEFAULT_ACCOUNT}.",
        ),
    ] = ""
    role_tag: Annotated[
        KeyValues,
        typer.Option(metavar="KEY=VALUE", help="A tag of the role, read as acs:ResourceTag/KEY; only with --policy."),
    ] = dataclasses.field(default_factory=list)

    max_session_duration: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="The role's maximum session duration; only with --policy. Default: that of the file, else 3,600.",
            show_default=False,
        ),
    ] = 0

    @property
    def role_name(self) -> str:
        """Return the name of the role to print."""
        return self.role or f"the role with {self.policy}"

    @property
    def role_on_server(self) -> str:
        """Return the name of the role with its account, if an option says it."""
        within = self.role and self.account_id and account_in(self.role) == ""
        return f"{self.account_id}/{self.role}" if within else self.role

    @property
    def accounts(self) -> list[str | None]:
        """Return the account that the command names, as it is written."""
        return [account_in(self.role_on_server)] if self.role else []

    def connection(self, remote: RemoteOptions) -> Connection:
        """Return how to connect, in the context that `--context` names."""
        return remote.in_context(self.server_context)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedRequest(RequestOptions):
    """A request to assume a role, or with `--action` an access that a permission policy is asked about."""

    as_: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="WHO",
            help="The principal, as in `check`. With --action optional: it is read as acs:PrincipalARN.",
            show_default=False,
        ),
    ] = ""
    action: Annotated[
        str,
        typer.Option(
            metavar="PRODUCT:NAME",
            help="The action, such as `ram:GetRole`, that the permission policy in --policy is asked about.",
        ),
    ] = ""
    resource: Annotated[
        str,
        typer.Option(
            metavar="ARN",
            help="The resource of --action, such as `acs:ram::ID:role/NAME`; `*` for a call that names none.",
        ),
    ] = "*"


Options = TypeVar("Options", bound=RequestOptions)


def principal_query(options: PrincipalOptions, account: str, client: RoleReading) -> AssumeRoleQuery:
    """Return a query without a role; the provider of a service account is in `account`, an id or an alias of the server."""
    if _is_service_account(options):
        if not account:
            raise CommandError(f"`{options.as_}` needs the account of its provider", hint="add --account-id ID")
        account = account_on_server(client, account)
    return _query(options, "", account)


def remote_query(options: RequestOptions, client: RoleReading) -> AssumeRoleQuery:
    """Return the query for a server."""
    if not options.role:
        raise CommandError(
            "--role is missing", hint="give a role of the server, or decide without a server: --policy FILE"
        )
    if options.role_tag:
        raise CommandError("--role-tag needs --policy: a role on a server has its own tags")
    if options.max_session_duration:
        raise CommandError("--max-session-duration needs --policy: a role on a server has its own maximum")
    role = options.role_on_server
    within = account_in(role) if _is_service_account(options) else None
    return _query(options, role, "" if within is None else account_on_server(client, within))


def with_role_of(options: Options, found: FoundRole | FoundPolicy) -> Options:
    """Return options that name the role that a file declares, with its account if the file has one."""
    from rolecall.cli.sources.found import FoundRole

    if not isinstance(found, FoundRole) or not found.declared:
        return options
    if found.account_id:
        role = f"{found.account_id}/{found.name}"
        return dataclasses.replace(options, role=role, account_id=found.account_id)
    return options if options.role else dataclasses.replace(options, role=found.name)


def offline_query(
    options: RequestOptions, found: FoundRole | FoundPolicy, context: ServerContext | None
) -> tuple[AssumeRoleQuery, OfflineRole]:
    """Return the query for the engine in this process, and the role with the trust policy that was found.

    Accounts may be aliases of the context in use.
    """
    from rolecall.cli.sources.found import FoundRole
    from rolecall.offline import OfflineRole

    account = (context.account_id(options.account_id) if context else options.account_id) or DEFAULT_ACCOUNT
    name = with_account_id(options.role, context)
    declared = found.tags if isinstance(found, FoundRole) else {}
    seconds = found.max_session_duration_seconds if isinstance(found, FoundRole) else 0
    role = OfflineRole(
        document=found.document,
        role=name,
        account_id=account,
        tags={**declared, **pairs(options.role_tag, "--role-tag")},
        max_session_duration_seconds=options.max_session_duration or seconds,
    )
    return _query(options, name, account), role


def _query(options: PrincipalOptions, role: str, account: str) -> AssumeRoleQuery:
    from rolecall_client.queries import query

    try:
        return query(
            options.as_,
            role,
            claims=lists(options.claim, "--claim"),
            context=options.condition_keys,
            duration_seconds=options.duration,
            role_session_name=options.session_name,
            external_id=options.external_id,
            source_identity=options.source_identity,
            account_id=account,
        )
    except UnicodeEncodeError:
        raise CommandError("an option is not UTF-8 text") from None
    except ValueError as error:
        raise CommandError(str(error)) from None


def _is_service_account(options: PrincipalOptions) -> bool:
    from rolecall_client.queries import KUBERNETES_PREFIX

    return options.as_.startswith(KUBERNETES_PREFIX)
