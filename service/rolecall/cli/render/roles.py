"""Print roles as tables or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from rolecall.cli.options.shared import Output
from rolecall.cli.render.recorded_changes import kind_name
from rolecall.cli.text.terminal import add_row, console, print_json, record, table, visible

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from rolecall_client.v1 import role_pb2 as pb

    WrittenRole: TypeAlias = (
        pb.CreateRoleResponse | pb.UpdateRoleResponse | pb.UndeleteRoleResponse | pb.RollbackRoleResponse
    )


def written(
    verb: str,
    response: pb.CreateRoleResponse | pb.UpdateRoleResponse | pb.UndeleteRoleResponse | pb.RollbackRoleResponse,
    output: Output,
) -> None:
    """Print a created, updated or restored role."""
    if output is Output.JSON:
        print_json(record(response))
        return
    role = response.role
    revision = f"revision {role.revision}, etag {role.etag}" if role.revision else "not written"
    console(sys.stdout).print(f"{verb} {visible(role.arn)} ({revision})", soft_wrap=True)


def deleted(verb: str, role: str, response: pb.DeleteRoleResponse, output: Output) -> None:
    """Print that a role was deleted."""
    if output is Output.JSON:
        print_json(record(response))
    else:
        console(sys.stdout).print(f"{verb} {visible(role)}", soft_wrap=True)


def role(response: pb.GetRoleResponse, output: Output) -> None:
    """Print one role with its trust policy."""
    if output is Output.JSON:
        print_json(record(response))
        return
    from rich.text import Text

    out = console(sys.stdout)
    for name, value in _fields(response.role):
        out.print(Text.assemble((f"{name:<12}", "dim"), visible(value)), soft_wrap=True)
    out.print()
    for line in response.role.assume_role_policy_document.splitlines():
        out.print(visible(line.replace("\t", "    ")), soft_wrap=True)


def roles(found: Iterable[pb.Role], output: Output) -> None:
    """Print a table of roles."""
    if output is Output.JSON:
        print_json({"roles": [record(each) for each in found]})
        return
    rows = table("NAME", "ACCOUNT", "UPDATED", "REVISION", "TAGS", "DESCRIPTION")
    count = 0
    for count, each in enumerate(found, start=1):  # noqa: B007 - counted after the loop
        tags = _tags(each.tags)
        add_row(
            rows, (each.role_name, each.account_id, _time(each.update_time), str(each.revision), tags, each.description)
        )
    if count:
        console(sys.stdout).print(rows)
    else:
        console(sys.stderr).print("no roles", style="dim")


def revisions(response: pb.ListRoleRevisionsResponse, output: Output) -> None:
    """Print the revisions of a role."""
    if output is Output.JSON:
        print_json(record(response))
        return
    rows = table("REVISION", "TIME", "CHANGE", "BY", "REASON")
    for each in response.revisions:
        kind = kind_name(each.kind, each.role)
        add_row(rows, (str(each.revision), _time(each.change_time), kind, each.actor, each.change_reason))
    out = console(sys.stdout)
    out.print(rows)
    if response.next_page_token:
        console(sys.stderr).print("there are older revisions; show more with --limit", style="dim")


def _fields(role: pb.Role) -> Iterator[tuple[str, str]]:
    yield "arn", role.arn
    yield "role id", role.role_id
    if role.description:
        yield "description", role.description
    yield "max session", f"{role.max_session_duration_seconds} s"
    if role.tags:
        yield "tags", _tags(role.tags)
    yield "created", _time(role.create_time)
    yield "updated", f"{_time(role.update_time)} (revision {role.revision})"
    yield "etag", role.etag


def _tags(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={tags[key]}" for key in sorted(tags))


def _time(time: Timestamp) -> str:
    return time.ToDatetime().strftime("%Y-%m-%d %H:%M:%SZ")
