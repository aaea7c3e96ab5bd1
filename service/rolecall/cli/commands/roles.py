"""`role`: create, read, change, delete and restore single roles on a server, and show their history."""

from __future__ import annotations

from typing import Annotated

import typer

from rolecall.cli.checks.role_policy import document_errors_in, policy_for
from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Connection, Output, OutputOption, ReasonOption, expanded, pairs
from rolecall.cli.remote.account_names import account_in
from rolecall.cli.remote.connection import connect
from rolecall.cli.render import roles as show

RoleArgument = Annotated[
    str, typer.Argument(metavar="ROLE", help="An ARN, ACCOUNT/NAME, or NAME in the server's default account.")
]
AccountOption = Annotated[
    str,
    typer.Option(
        "--account-id",
        metavar="ID",
        help="The account: an id, or an alias of the server; default: the server's account.",
    ),
]
PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy", metavar="FILE", help="The file of the trust policy, or of a role that has it; `-`: standard input."
    ),
]
DescriptionOption = Annotated[
    str, typer.Option("--description", metavar="TEXT", help="Free text, up to 1,024 characters.")
]
SessionOption = Annotated[
    int,
    typer.Option(
        "--max-session-duration",
        metavar="SECONDS",
        min=0,
        help="The maximum session duration, 3,600 to 43,200 seconds; 0: 3,600.",
    ),
]
TagOption = Annotated[list[str], typer.Option("--tag", metavar="KEY=VALUE", help="A tag; up to 20.")]
EtagOption = Annotated[
    str,
    typer.Option(
        "--etag",
        metavar="ETAG",
        help="The version that you have read; if the role has changed since, the command fails.",
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Check everything and show the result, without writing.")]
RoleIdOption = Annotated[
    str,
    typer.Option(
        "--role-id",
        metavar="ID",
        help="The id of the role, where several roles had the name one after the other; see `rolecall changes -o json`.",
    ),
]
RequestIdOption = Annotated[
    str,
    typer.Option(
        "--request-id",
        metavar="UUID",
        help="Makes a retry safe: the same id returns the first result. Default: a new id.",
    ),
]

app = typer.Typer(no_args_is_help=True, help="Create, read, change and delete roles on a server.")


@app.command()
@expanded
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The role's name: 1 to 64 of `A-Z a-z 0-9 . -`.")],
    connection: Connection,
    policy: PolicyOption,
    account_id: AccountOption = "",
    description: DescriptionOption = "",
    max_session_duration: SessionOption = 0,
    tag: TagOption = [],  # noqa: B006 - typer copies it
    reason: ReasonOption = "",
    request_id: RequestIdOption = "",
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a role."""
    from rolecall_client.v1.role_pb2 import CreateRoleRequest

    found = policy_for(name, policy)
    request = CreateRoleRequest(
        account_id=account_id,
        role_name=name,
        assume_role_policy_document=found.document,
        description=description,
        max_session_duration_seconds=max_session_duration,
        tags=pairs(tag, "--tag"),
        change_reason=reason,
        request_id=request_id,
        validate_only=dry_run,
    )
    with (
        connect(connection, accounts=[account_id]) as client,
        document_errors_in(found),
    ):
        show.written("would create" if dry_run else "created", client.create_role(request), output)


@app.command()
@expanded
def get(role: RoleArgument, connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Show one role with its trust policy."""
    with connect(connection, accounts=[account_in(role)]) as client:
        show.role(client.get_role(role), output)


@app.command("list")
@expanded
def list_(
    connection: Connection,
    account_id: AccountOption = "",
    prefix: Annotated[
        str,
        typer.Option("--prefix", metavar="TEXT", help="Only names that begin with this text; case does not matter."),
    ] = "",
    tag: Annotated[
        list[str],
        typer.Option(
            "--tag", metavar="KEY=VALUE", help="Only roles with this tag; given several times, with all of them."
        ),
    ] = [],  # noqa: B006
    full: Annotated[bool, typer.Option("--full", help="With `-o json`: include trust policies.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the roles of an account by name."""
    from rolecall_client.client import list_all_roles
    from rolecall_client.v1 import role_pb2 as pb

    request = pb.ListRolesRequest(
        account_id=account_id,
        page_size=500,
        name_prefix=prefix,
        tags=pairs(tag, "--tag"),
        view=pb.ROLE_VIEW_FULL if full else pb.ROLE_VIEW_BASIC,
    )
    with connect(connection, accounts=[account_id]) as client:
        show.roles(list_all_roles(client, request), output)


@app.command()
@expanded
def update(
    role: RoleArgument,
    connection: Connection,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="FILE", help="The new trust policy; `-`: standard input.")
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="The new description; empty: none.")
    ] = None,
    max_session_duration: Annotated[
        int | None,
        typer.Option(
            "--max-session-duration",
            metavar="SECONDS",
            help="The new maximum session duration, 3,600 to 43,200 seconds.",
        ),
    ] = None,
    tag: Annotated[
        list[str], typer.Option("--tag", metavar="KEY=VALUE", help="A new tag; the new tags replace all old ones.")
    ] = [],  # noqa: B006
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Remove all tags.")] = False,
    etag: EtagOption = "",
    reason: ReasonOption = "",
    request_id: RequestIdOption = "",
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change the given fields of a role; the others stay as they are."""
    from rolecall_client.v1.role_pb2 import UpdateRoleRequest

    if tag and no_tags:
        raise CommandError("only one of --tag and --no-tags may be given")
    found = None if policy is None else policy_for(role, policy)
    request = UpdateRoleRequest(
        role=role,
        assume_role_policy_document=None if found is None else found.document,
        description=description,
        max_session_duration_seconds=max_session_duration,
        tags=pairs(tag, "--tag"),
        etag=etag,
        change_reason=reason,
        request_id=request_id,
        validate_only=dry_run,
    )
    given = {
        "assume_role_policy_document": policy is not None,
        "description": description is not None,
        "max_session_duration_seconds": max_session_duration is not None,
        "tags": bool(tag) or no_tags,
    }
    request.update_mask.paths.extend(name for name, is_given in given.items() if is_given)
    if not request.update_mask.paths:
        raise CommandError("no change is given", hint="see `rolecall role update --help`")
    with connect(connection, accounts=[account_in(role)]) as client, document_errors_in(found):
        show.written("would update" if dry_run else "updated", client.update_role(request), output)


@app.command()
@expanded
def delete(
    role: RoleArgument,
    connection: Connection,
    etag: EtagOption = "",
    reason: ReasonOption = "",
    request_id: RequestIdOption = "",
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a role. A role created later under the same name is a different role."""
    from rolecall_client.v1.role_pb2 import DeleteRoleRequest

    request = DeleteRoleRequest(
        role=role, etag=etag, change_reason=reason, request_id=request_id, validate_only=dry_run
    )
    with connect(connection, accounts=[account_in(role)]) as client:
        show.deleted("would delete" if dry_run else "deleted", role, client.delete_role(request), output)


@app.command()
@expanded
def undelete(
    role: RoleArgument,
    connection: Connection,
    role_id: RoleIdOption = "",
    reason: ReasonOption = "",
    request_id: RequestIdOption = "",
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Restore a deleted role with its id, as it was when it was deleted.

    Without --role-id it is the role of that name that was deleted last. If there is a role of that name, the command fails.
    """
    from rolecall_client.v1.role_pb2 import UndeleteRoleRequest

    request = UndeleteRoleRequest(
        role=role, role_id=role_id, change_reason=reason, request_id=request_id, validate_only=dry_run
    )
    with connect(connection, accounts=[account_in(role)]) as client:
        show.written("would restore" if dry_run else "restored", client.undelete_role(request), output)


@app.command()
@expanded
def history(
    role: RoleArgument,
    connection: Connection,
    role_id: RoleIdOption = "",
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=1000, help="Show at most this many revisions, 1 to 1,000.")
    ] = 20,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the stored revisions of a role, newest first, also of a deleted one.

    Without --role-id it is the role that has the name, or else the one that had it last.
    """
    from rolecall_client.v1.role_pb2 import ListRoleRevisionsRequest

    request = ListRoleRevisionsRequest(role=role, role_id=role_id, page_size=limit)
    with connect(connection, accounts=[account_in(role)]) as client:
        show.revisions(client.list_role_revisions(request), output)


@app.command()
@expanded
def rollback(
    role: RoleArgument,
    connection: Connection,
    revision: Annotated[
        int, typer.Option("--revision", metavar="N", min=1, help="The revision to restore; see `role history`.")
    ],
    etag: EtagOption = "",
    reason: ReasonOption = "",
    request_id: RequestIdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Restore a role as of one of its revisions, as a new revision."""
    from rolecall_client.v1.role_pb2 import RollbackRoleRequest

    request = RollbackRoleRequest(role=role, revision=revision, etag=etag, change_reason=reason, request_id=request_id)
    with connect(connection, accounts=[account_in(role)]) as client:
        show.written("restored", client.rollback_role(request), output)
