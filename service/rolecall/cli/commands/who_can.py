"""`who-can`: list whom a role trusts, from a server or from a trust policy file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import Connection, Output, OutputOption, expanded
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.remote.account_names import account_in
from rolecall.cli.remote.connection import connect
from rolecall.cli.text.terminal import print_json, record

if TYPE_CHECKING:
    from rolecall_client.v1.decision_pb2 import ListTrustedPrincipalsResponse

RoleArgument = Annotated[
    str,
    typer.Argument(
        metavar="[ROLE]",
        help="An ARN, ACCOUNT/NAME, or NAME in the server's default account; with --policy: which of several roles in the file.",
        show_default=False,
    ),
]
PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="Without a server: show whom the trust policy in this file, or of a role in it, trusts (`-`: standard input).",
    ),
]


@expanded
def who_can(
    connection: Connection, role: RoleArgument = "", policy: PolicyOption = "", output: OutputOption = Output.TABLE
) -> None:
    """Show whom a role trusts.

    Prints one line for each principal of each statement, with the conditions in words. A Deny that applies overrides every Allow.
    With --policy no server is needed.
    """
    if not role and not policy:
        raise CommandError("give a role, or --policy FILE", hint="see `rolecall who-can --help`")
    if policy:
        response = _trusted_by(policy, role)
    else:
        with connect(connection, accounts=[account_in(role)]) as client:
            response = client.who_can(role)
    if output is Output.JSON:
        print_json(record(response))
    else:
        from rolecall.cli.render.reverse import show_grants

        show_grants(response.grants)


def _trusted_by(file: str, role: str) -> ListTrustedPrincipalsResponse:
    from rolecall.cli.checks.policy_check import violation_problems
    from rolecall.cli.checks.role_check import require_valid
    from rolecall.cli.sources.found import FoundRole
    from rolecall.cli.sources.one_policy import one_policy
    from rolecall.policy.errors import InvalidPolicyError
    from rolecall.policy.parser import parse_policy
    from rolecall.transport.codecs.reverse import trusted_response

    found = one_policy(file, role)
    if role and not (isinstance(found, FoundRole) and found.declared):
        raise CommandError(f"`{file}` has a policy and no roles", hint="leave out the role")
    require_valid(found, {})
    try:
        return trusted_response(parse_policy(found.document))
    except InvalidPolicyError as error:
        raise ProblemsError(violation_problems(error, found.location_of)) from None
