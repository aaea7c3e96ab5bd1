"""The facts of a terraform plan or state about some types of resources, read one resource at a time.

Of a resource only its attributes that the reader names are kept, and of its change only what they become: not the text twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rolecall.cli.problems.problem import Problem, ProblemsError
from rolecall.cli.sources.json_parts import JsonParts
from rolecall.cli.sources.terraform_configuration import Configuration, require_depth, table_of
from rolecall.cli.sources.terraform_documents import DATA_TYPE, LaterDocument, later_document

_VALUES = ("values",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that will exist after the plan is applied.

    `at` is the offset of its entry in the text, and `path` the names that lead from there to its values.
    """

    address: str
    values: Mapping[str, object]
    at: int
    path: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """What a plan changes of a resource that exists, and what of any resource it does not know: names of attributes."""

    changed: frozenset[str] = frozenset()
    partly_unknown: frozenset[str] = frozenset()


@dataclass(slots=True)
class Plan:
    """A plan or a state. `failed`: terraform stopped before the plan was complete."""

    types: Collection[str]
    attributes: Sequence[str]
    version: object = None
    failed: bool = False
    resources: list[Resource] = field(default_factory=list)
    before: list[Resource] = field(default_factory=list)
    deferred: list[Resource] = field(default_factory=list)
    changes: dict[str, ResourceChange] = field(default_factory=dict)
    later_documents: dict[str, LaterDocument] = field(default_factory=dict)
    configuration: Configuration = field(default_factory=Configuration)
    problems: list[Problem] = field(default_factory=list)

    def attribute(self, resource: Resource, pair: Sequence[str]) -> str:
        """Return which attribute of a pair is used, by the first rule that applies; nothing if its value is not known.

        1. The attribute that the configuration sets, if it sets just one.
        2. The attributes that an update changes; one that becomes unknown counts as changed.
        3. The attributes that are known.

        If a rule gives several attributes, their values must be equal.
        """
        change = self.changes.get(resource.address, ResourceChange())
        configured = [name for name in pair if self.configuration.sets(resource.address, name)]
        changed = [name for name in pair if name in change.changed]
        known = [name for name in pair if text_of(resource.values, name)]
        used = configured if len(configured) == 1 else changed or known
        values = {text_of(resource.values, name) for name in used}
        return used[0] if len(values) == 1 and "" not in values else ""

    def changes_any(self, resource: Resource, names: Collection[str]) -> bool:
        """Return whether the plan changes one of these attributes of a resource that exists."""
        return not self.changes.get(resource.address, ResourceChange()).changed.isdisjoint(names)

    def is_partly_unknown(self, resource: Resource, name: str) -> bool:
        """Return whether the configuration sets an attribute to a value that is not fully known before the plan is applied."""
        unknown = self.changes.get(resource.address, ResourceChange()).partly_unknown
        return name in unknown and self.configuration.sets(resource.address, name)


def read_plan_facts(json: JsonParts, at: int, types: Collection[str], attributes: Sequence[str]) -> Plan:
    """Return the facts of a plan about resources of some types; raise `ProblemsError` if it is not JSON.

    A resource that cannot be read is left out, and its problems are added to those of the plan.
    """
    plan, sections = Plan(types, attributes), {}
    for member in json.members(at):
        sections[member.name] = member.value
        read = _SECTIONS.get(member.name, _pass_over)
        read(plan, json, member.value)
    # A plan of which a filter has left only the changes.
    if sections.keys().isdisjoint({"values", "planned_values"}) and "resource_changes" in sections:
        _read_planned(plan, json, sections["resource_changes"])
    return plan


def text_of(values: Mapping[str, object], name: str) -> str:
    """Return an attribute that is text, or an empty string."""
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _pass_over(_: Plan, json: JsonParts, at: int) -> None:
    json.pass_over(at)


def _read_version(plan: Plan, json: JsonParts, at: int) -> None:
    plan.version = json.value(at)


def _read_failed(plan: Plan, json: JsonParts, at: int) -> None:
    plan.failed = json.value(at) is True


def _read_values(plan: Plan, json: JsonParts, at: int) -> None:
    plan.resources += _resources_of(plan, json, at)


def _read_state(plan: Plan, json: JsonParts, at: int) -> None:
    """Read `prior_state`, which is a state inside the plan."""
    for member in json.members(at):
        if member.name == "values":
            plan.before += _resources_of(plan, json, member.value)


def _resources_of(plan: Plan, json: JsonParts, at: int) -> Iterator[Resource]:
    for member in json.members(at):
        if member.name == "root_module":
            yield from _resources_of_module(plan, json, member.value, 0)


def _resources_of_module(plan: Plan, json: JsonParts, at: int, depth: int) -> Iterator[Resource]:
    require_depth(json, at, depth)
    for member in json.members(at):
        if member.name == "resources":
            for entry in _entries(plan, json, member.value):
                yield from _resource(plan, entry, entry.values, _VALUES)
        elif member.name == "child_modules":
            for child in json.items(member.value):
                yield from _resources_of_module(plan, json, child, depth + 1)


def _resource(plan: Plan, entry: _Entry, resource: Mapping[str, object], path: Sequence[str]) -> Iterator[Resource]:
    """Yield a resource whose values `path` leads to from its entry, if it is of one of the types and will exist."""
    values: object = entry.values
    for name in path:
        values = table_of(values).get(name)
    exists = path == _VALUES or isinstance(values, dict)
    if exists and resource.get("type") in plan.types and resource.get("mode") != "data" and "deposed" not in resource:
        known = {name: value for name, value in table_of(values).items() if name in plan.attributes}
        yield Resource(address=_address(resource), values=known, at=entry.at, path=path)


def _read_changes(plan: Plan, json: JsonParts, at: int) -> None:
    for entry in _entries(plan, json, at):
        type_, change = entry.values.get("type"), table_of(entry.values.get("change"))
        if type_ in plan.types and "deposed" not in entry.values:
            plan.changes[_address(entry.values)] = _change(plan, change)
        elif type_ == DATA_TYPE and entry.values.get("mode") == "data":
            address = _address(entry.values)
            plan.later_documents[address] = later_document(address, entry.at, change)


def _read_planned(plan: Plan, json: JsonParts, at: int) -> None:
    for entry in _entries(plan, json, at):
        plan.resources += _resource(plan, entry, entry.values, ("change", "after"))


def _read_deferred(plan: Plan, json: JsonParts, at: int) -> None:
    for entry in _entries(plan, json, at):
        change = table_of(entry.values.get("resource_change"))
        plan.deferred += _resource(plan, entry, change, ("resource_change", "change", "after"))


def _change(plan: Plan, change: Mapping[str, object]) -> ResourceChange:
    before, after, unknown = (change.get(name) for name in ("before", "after", "after_unknown"))
    actions = change.get("actions")
    # A resource that is created, also as a replacement, has no previous values.
    exists = isinstance(before, dict) and not (isinstance(actions, list) and "create" in actions)
    old, new, open_ = table_of(before), table_of(after), table_of(unknown)
    changed = [name for name in plan.attributes if open_.get(name) is True or _filled(old, name) != _filled(new, name)]
    return ResourceChange(
        changed=frozenset(changed if exists else ()),
        partly_unknown=frozenset(name for name in plan.attributes if _has_true(open_.get(name))),
    )


def _filled(values: Mapping[str, object], name: str) -> object:
    """Return a value for comparison; an empty one equals a missing one."""
    value = values.get(name)
    return None if value in ("", [], None) else value


def _has_true(value: object) -> bool:
    """Return whether a value is `true`, or contains it at any depth."""
    if isinstance(value, dict | list):
        return any(map(_has_true, value.values() if isinstance(value, dict) else value))
    return value is True


def _read_variables(plan: Plan, json: JsonParts, at: int) -> None:
    plan.configuration.variables = table_of(json.value(at))


def _read_configuration(plan: Plan, json: JsonParts, at: int) -> None:
    plan.configuration.read(json, at, plan.types)


@dataclass(frozen=True, slots=True)
class _Entry:
    values: Mapping[str, object]
    at: int


def _entries(plan: Plan, json: JsonParts, at: int) -> Iterator[_Entry]:
    """Yield the objects of an array; one that cannot be used is a problem and does not stop the rest."""
    for item in json.items(at):
        try:
            yield _Entry(table_of(json.value(item)), item)
        except ProblemsError as error:
            json.end(item)
            plan.problems += error.problems


def _address(entry: Mapping[str, object]) -> str:
    return text_of(entry, "address") or f"{text_of(entry, 'type')}.{text_of(entry, 'name')}"


_SECTIONS = {
    "format_version": _read_version,
    "errored": _read_failed,
    "values": _read_values,
    "planned_values": _read_values,
    "prior_state": _read_state,
    "resource_changes": _read_changes,
    "deferred_changes": _read_deferred,
    "configuration": _read_configuration,
    "variables": _read_variables,
}
