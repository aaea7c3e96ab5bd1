"""Terraform plans and states, as printed by `terraform show -json`: each `alicloud_ram_role` resource is a role.

The trust policy is `assume_role_policy_document`, or `document` in older configurations; the name is `role_name` or `name`. The
provider sets both attributes of a pair, so after an update one of them may have the old value: the attribute that the configuration
sets is used. Values that are known only after the plan is applied are reported, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rolecall.cli.declarations.document import TextSource
from rolecall.cli.declarations.tree import Scalar, Table
from rolecall.cli.problem import Location
from rolecall.cli.sources.found import Found, FoundRole, UnknownRole
from rolecall.cli.sources.kind import Document, FileKind, Outline
from rolecall.cli.sources.terraform_plan import Plan

RESOURCE_TYPE = "alicloud_ram_role"
DOCUMENT, NAME = ("assume_role_policy_document", "document"), ("role_name", "name")

_PLAN_NAMES = ("planned_values", "resource_changes", "values", "terraform_version")
_PARTS = ("ram_users", "services", "version")
_DETAILS = ("tags", "max_session_duration")
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
_ARN = re.compile(r"acs:ram::([0-9]{1,20}):role/.+", re.ASCII)


def _recognises(outline: Outline) -> bool:
    return outline.has("format_version") and outline.has_any(*_PLAN_NAMES)


def _read(document: Document, found: Found) -> None:
    root = document.root
    version = _scalar(root, "format_version")
    if version is None or version.text.partition(".")[0] not in {"0", "1"}:
        location = version.location if version else root.location
        text = f"`{version.text}`" if version else "not text"
        found.add_problem(location, f"the plan's `format_version` is {text}; 0.x and 1.x are supported")
        return
    plan, count = Plan(root), 0
    for resource in plan.resources(RESOURCE_TYPE):
        _read_role(resource, plan, found)
        count += 1
    if not count:
        found.add_remark(root.location, f"the plan has no `{RESOURCE_TYPE}`")


def _read_role(resource: Table, plan: Plan, found: Found) -> None:
    values = resource.members.get("values")
    values = values if isinstance(values, Table) else Table(resource.location, {}, {})
    address, location = plan.address(resource), resource.keys.get("address", resource.location)
    name = plan.value(address, values, NAME)
    composed = any(plan.changes(address, part) for part in _PARTS)
    document = None if composed else plan.value(address, values, DOCUMENT)
    if name is None or document is None:
        _note_unknown(address, location, name, _why(address, named=name is not None, composed=composed), found)
        return
    for detail in _DETAILS:
        if plan.is_partly_unknown(address, detail):
            message = f"`{address}`: `{detail}` is not known before the plan is applied, and is ignored here"
            found.add_remark(location, message, severity="warning", reason="UNKNOWN_UNTIL_APPLY")
    found.roles.append(
        FoundRole(
            name=name.text,
            account_id=_account(values),
            location=location,
            document=document.text,
            source=TextSource(document.text, document.location, exact=False),
            label=f"`{address}`",
            tags=dict(_tags(values)),
            max_session_duration_seconds=_seconds(values),
        )
    )


def _note_unknown(address: str, location: Location, name: Scalar | None, message: str, found: Found) -> None:
    found.unknown_roles.append(
        UnknownRole(name=name.text if name else "", label=f"`{address}`", location=location, message=message)
    )
    hint = "test a plan that is made after the rest has been applied, or write the value as a constant"
    found.add_remark(location, message, hint, severity="warning", reason="UNKNOWN_UNTIL_APPLY")


def _why(address: str, *, named: bool, composed: bool) -> str:
    if not named:
        return f"`{address}`: the role's name is not known before the plan is applied"
    if composed:
        return f"`{address}`: the provider makes a new trust policy from `ram_users` and `services`, which is not known here"
    return f"`{address}`: the trust policy is not known before the plan is applied"


def _account(values: Table) -> str:
    arn = _scalar(values, "arn")
    match = _ARN.fullmatch(arn.text) if arn else None
    return match[1] if match else ""


def _seconds(values: Table) -> int:
    seconds = _scalar(values, "max_session_duration")
    return int(seconds.text) if seconds and _SECONDS.fullmatch(seconds.text) else 0


def _tags(values: Table) -> Iterator[tuple[str, str]]:
    tags = values.members.get("tags")
    for key, value in tags.members.items() if isinstance(tags, Table) else ():
        if isinstance(value, Scalar) and value.literal != "null":
            yield key, value.text


def _scalar(table: Table, key: str) -> Scalar | None:
    node = table.members.get(key)
    return node if isinstance(node, Scalar) and node.literal != "null" else None


PLAN = FileKind(name="a terraform plan", recognises=_recognises, read=_read)
