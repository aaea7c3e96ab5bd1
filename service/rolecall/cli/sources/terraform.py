"""Terraform plans and states, as printed by `terraform show -json`: each `alicloud_ram_role` resource is a role.

So is each `alicloud_resource_manager_role`. The trust policy is `assume_role_policy_document`, or `document` in older
configurations; the name is `role_name` or `name`. The provider sets both attributes of a pair, so after an update one of them may
have the old value: the attribute that the configuration sets is used. Values that are known only after the plan is applied are
reported, never guessed; so is the account of a role, if roles of several providers have its name.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rolecall.cli.declarations.document import EmbeddedSource, Source, TextSource
from rolecall.cli.problems.problem import Location, ProblemsError
from rolecall.cli.sources.found import Found, FoundRole, UnknownRole
from rolecall.cli.sources.json_parts import JsonParts
from rolecall.cli.sources.terraform_configuration import account_of_arn, module_and_index, seconds_of, table_of
from rolecall.cli.sources.terraform_documents import DATA_TYPE, LaterDocument
from rolecall.cli.sources.terraform_plan import Plan, Resource, read_plan_facts, text_of

RESOURCE_TYPES = ("alicloud_ram_role", "alicloud_resource_manager_role")
DOCUMENT, NAME = ("assume_role_policy_document", "document"), ("role_name", "name")
UNKNOWN = "UNKNOWN_UNTIL_APPLY"

_PARTS = ("ram_users", "services", "version")
_DETAILS = ("tags", "max_session_duration", "description")
_DATA = re.compile(rf"data\.{DATA_TYPE}\.[^.\[]+", re.ASCII)
_SHOWN_NAMES = 5
_ATTRIBUTES = (*DOCUMENT, *NAME, *_PARTS, *_DETAILS, "arn")
_HINT = "test a plan that is made after the rest has been applied, or write the value as a constant"
_ACCOUNT_HINT = "configure the account of each provider, as `account_id` or by the role that it assumes, as a constant"


def read_plan(json: JsonParts, at: int, found: Found) -> None:
    """Add the roles of a state, or those that will exist after a plan is applied, to `found`."""
    try:
        plan = read_plan_facts(json, at, RESOURCE_TYPES, _ATTRIBUTES)
    except ProblemsError as error:
        found.problems += error.problems
        return
    if str(plan.version).partition(".")[0] not in {"0", "1"} or not isinstance(plan.version, str):
        _refuse_version(plan, json, at, found)
        return
    found.problems += dict.fromkeys(plan.problems)
    _PlanReader(json, plan, found).read(json.source.location(at))


def _refuse_version(plan: Plan, json: JsonParts, at: int, found: Found) -> None:
    member = json.find(at, ["format_version"])
    location = json.source.location(member.value if member else at)
    text = f"`{plan.version}`" if isinstance(plan.version, str | int | float) else "not text"
    found.add_problem(location, f"the plan's `format_version` is {text}; 0.x and 1.x are supported")


@dataclass(frozen=True, slots=True)
class _PlanReader:
    """Reads the roles of one plan."""

    json: JsonParts
    plan: Plan
    found: Found

    def read(self, start: Location) -> None:
        """Add all roles; `start` is the location of the plan."""
        accounts = _accounts(self.plan)
        shared = set(_sharing_a_name(self.plan, accounts))
        for resource in self.plan.resources:
            self._read_role(resource, accounts[resource.address], shared=resource.address in shared)
        for resource in self.plan.deferred:
            self._note_unknown(resource, f"`{resource.address}`: terraform defers this role to a later plan")
        if self.plan.failed:
            message = "terraform stopped with an error, so that roles may be missing in this plan"
            self._warn(start, message, "correct the error, and plan again", "FAILED_PLAN")
        if not self.plan.resources and not self.plan.deferred:
            names = " or ".join(f"`{name}`" for name in RESOURCE_TYPES)
            self.found.add_remark(start, f"the plan has no {names}")

    def _read_role(self, resource: Resource, account: str, *, shared: bool) -> None:
        name, document = self.plan.attribute(resource, NAME), self.plan.attribute(resource, DOCUMENT)
        composed = self.plan.changes_any(resource, _PARTS)
        role = None if composed else self._role(resource, name, document, account)
        if role is None or not name or shared:
            named, shared = bool(name), shared and role is not None
            message = _why(resource, self.plan, named=named, composed=composed, shared=shared)
            policy = role if role or composed else self._later_policy(resource, name, account)
            self._note_unknown(resource, message, policy, _ACCOUNT_HINT if named and shared else _HINT)
            return
        for detail in _DETAILS:
            if self.plan.is_partly_unknown(resource, detail):
                message = (
                    f"`{resource.address}`: `{detail}` is not known before the plan is applied, and is ignored here"
                )
                self._warn(self._location(resource), message)
        self.found.roles.append(role)

    def _role(self, resource: Resource, name: str, document: str, account: str) -> FoundRole | None:
        """Return a role with the values of attributes; without the name of one, its name is empty. None: it has no document."""
        member = self.json.find(resource.at, [*resource.path, document]) if document else None
        content = self.json.string(member.value) if member else None
        if content is None:
            return None
        return self._role_with(resource, name, account, EmbeddedSource(content), label=resource.address)

    def _later_policy(self, resource: Resource, name: str, account: str) -> FoundRole | None:
        """Return a role with the policy of the data source that its own comes from, if all of this is known."""
        document = _later_document(resource, self.plan)
        if document is None or not document.text:
            return None
        source = TextSource(document.text, self.json.source.location(document.at), exact=False)
        return self._role_with(resource, name, account, source, label=document.address)

    def _role_with(self, resource: Resource, name: str, account: str, source: Source, *, label: str) -> FoundRole:
        return FoundRole(
            name=text_of(resource.values, name),
            account_id=account,
            location=self._location(resource),
            document=source.text,
            source=source,
            label=f"`{label}`",
            description=text_of(resource.values, "description"),
            tags=dict(_tags(resource.values)),
            max_session_duration_seconds=seconds_of(resource.values.get("max_session_duration")),
        )

    def _note_unknown(
        self, resource: Resource, message: str, policy: FoundRole | None = None, hint: str = _HINT
    ) -> None:
        location = self._location(resource)
        name = text_of(resource.values, self.plan.attribute(resource, NAME))
        label = f"`{resource.address}`"
        self.found.unknown_roles.append(
            UnknownRole(name=name, label=label, location=location, message=message, policy=policy)
        )
        self._warn(location, message, hint)

    def _warn(self, location: Location, message: str, hint: str = _HINT, reason: str = UNKNOWN) -> None:
        self.found.add_remark(location, message, hint, severity="warning", reason=reason)

    def _location(self, resource: Resource) -> Location:
        address = next((each for each in self.json.members(resource.at) if each.name == "address"), None)
        return self.json.source.location(address.at if address else resource.at)


def _accounts(plan: Plan) -> dict[str, str]:
    """Return the account of each role, as far as it is known: that of its ARN, else that of its provider."""
    arns = {resource.address: account_of_arn(text_of(resource.values, "arn")) for resource in plan.resources}
    seen: dict[str, set[str]] = defaultdict(set)
    for resource in (*plan.before, *plan.resources):
        if account := account_of_arn(text_of(resource.values, "arn")):
            seen[plan.configuration.configured(resource.address).provider].add(account)
    seen.pop("", None)

    def of_provider(provider: str) -> str:
        accounts = seen[provider]
        return plan.configuration.account_of(provider) or (next(iter(accounts)) if len(accounts) == 1 else "")

    return {
        address: account or of_provider(plan.configuration.configured(address).provider)
        for address, account in arns.items()
    }


def _sharing_a_name(plan: Plan, accounts: Mapping[str, str]) -> Iterator[str]:
    """Yield the addresses of roles of unknown accounts whose name a role of another provider has."""
    named: dict[str, list[Resource]] = defaultdict(list)
    for resource in plan.resources:
        if name := text_of(resource.values, plan.attribute(resource, NAME)):
            named[name.lower()].append(resource)
    for resources in named.values():
        providers = {plan.configuration.configured(each.address).provider for each in resources}
        if len(providers) > 1:
            yield from (each.address for each in resources if not accounts[each.address])


def _why(resource: Resource, plan: Plan, *, named: bool, composed: bool, shared: bool) -> str:
    """Return why a role is not known."""
    label = f"`{resource.address}`"
    if not named:
        return f"{label}: the role's name is not known before the plan is applied"
    if shared:
        provider = plan.configuration.configured(resource.address).provider
        return f"{label}: the account of the provider `{provider}` is not known, and another provider has a role of this name"
    if composed:
        return (
            f"{label}: the provider makes a new trust policy from `ram_users` and `services`, which is not known here"
        )
    return f"{label}: the trust policy is not known before the plan is applied{_origin(resource, plan)}"


def _origin(resource: Resource, plan: Plan) -> str:
    """Return which data source the trust policy comes from, if it comes from one, and what of this is not known."""
    address = _data_source(resource, plan)
    if not address:
        return ""
    document = _later_document(resource, plan)
    if document is None or not document.unknown:
        return f"; it comes from `{address}`, which is read when the plan is applied"
    unknown = ", ".join(f"`{name}`" for name in document.unknown[:_SHOWN_NAMES])
    more = f" and {len(document.unknown) - _SHOWN_NAMES} more" if len(document.unknown) > _SHOWN_NAMES else ""
    return f"; it comes from `{address}`, of which {unknown}{more} is not known"


def _later_document(resource: Resource, plan: Plan) -> LaterDocument | None:
    """Return the document of the data source that a trust policy comes from: that of the same index, if it has any."""
    module, index = module_and_index(resource.address)
    address = f"{module}{_data_source(resource, plan)}"
    return plan.later_documents.get(address) or plan.later_documents.get(address + index)


def _data_source(resource: Resource, plan: Plan) -> str:
    """Return the address, within the module, of the only data source that a trust policy refers to."""
    configured = plan.configuration.configured(resource.address)
    references = [each for name in DOCUMENT for each in configured.references.get(name, ())]
    sources = {found[0] for each in references if (found := _DATA.match(each))}
    return sources.pop() if len(sources) == 1 else ""


def _tags(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in table_of(values.get("tags")).items():
        if isinstance(value, str | int | float):
            yield key, value if isinstance(value, str) else json.dumps(value)
