"""The facts of a terraform plan about its resources: where they come from, and which attribute of a pair is used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.cli.declarations.text_in_file import FileText
from rolecall.cli.sources.json_parts import JsonParts
from rolecall.cli.sources.terraform_configuration import Configuration, Configured
from rolecall.cli.sources.terraform_plan import Plan, Resource, ResourceChange, read_plan_facts
from tests.cli.terraform_plans import ADDRESS, change, configured, plan, resource

TYPE = ADDRESS.partition(".")[0]
PAIR = ("role_name", "name")


def facts(written: dict[str, Any]) -> Plan:
    return read_plan_facts(JsonParts(FileText("plan.json", json.dumps(written))), 0, (TYPE,), PAIR)


def used(values: dict[str, object], *names: str, changed: tuple[str, ...] = ()) -> str:
    """Return which attribute is used of a resource with these values, that sets some and changes some."""
    here = Configured("", dict.fromkeys(names, ()))
    known = Plan(
        (TYPE,),
        PAIR,
        changes={ADDRESS: ResourceChange(changed=frozenset(changed))},
        configuration=Configuration(resources={ADDRESS: here}),
    )
    return known.attribute(Resource(address=ADDRESS, values=values, at=0, path=()), PAIR)


@pytest.mark.parametrize(
    ("values", "configured", "changed", "name"),
    [
        ({"role_name": "a", "name": "b"}, ["role_name"], (), "role_name"),
        ({"role_name": "a", "name": "b"}, ["name"], ("role_name",), "name"),
        ({"role_name": "a", "name": "b"}, [], ("name",), "name"),
        ({"role_name": "a", "name": "b"}, ["role_name", "name"], ("role_name",), "role_name"),
        ({"role_name": "a", "name": "b"}, [], (), ""),
        ({"role_name": "a", "name": "a"}, [], (), "role_name"),
        ({"role_name": "a", "name": "b"}, [], ("role_name", "name"), ""),
        ({"name": "b"}, [], (), "name"),
        ({"name": "b"}, ["role_name"], (), ""),
        ({"name": "b"}, [], ("role_name",), ""),
        ({"role_name": None, "name": ""}, ["name"], (), ""),
        ({"role_name": 1}, ["role_name"], (), ""),
        ({}, ["role_name"], (), ""),
        ({}, [], (), ""),
    ],
)
def test_the_attribute_that_is_configured_or_else_changed_or_else_known_is_used(
    values: dict[str, object], configured: list[str], changed: tuple[str, ...], name: str
) -> None:
    assert used(values, *configured, changed=changed) == name


@pytest.mark.parametrize("section", ["values", "planned_values"])
def test_changes_are_read_as_resources_only_where_there_are_no_values(section: str) -> None:
    entry = change(ADDRESS, {"role_name": "a"}, {}, "create")
    values = {"root_module": {"resources": [resource({"role_name": "b", "other": 1})]}}
    whole = {"format_version": "1.2", section: values, "resource_changes": [entry]}
    filtered = {"format_version": "1.2", "resource_changes": [entry]}

    assert [(each.address, each.values, each.path) for each in facts(whole).resources] == [
        (ADDRESS, {"role_name": "b"}, ("values",))
    ]
    assert [(each.address, each.values, each.path) for each in facts(filtered).resources] == [
        (ADDRESS, {"role_name": "a"}, ("change", "after"))
    ]


def test_of_each_section_its_facts_are_read() -> None:
    old = {"values": {"root_module": {"resources": [resource({"role_name": "old"})]}}, "format_version": "9"}
    later = change(ADDRESS, {"role_name": "later"}, {}, "create")

    read = facts(
        plan(
            resource({"role_name": "new"}),
            prior_state=old,
            errored=True,
            deferred_changes=[{"reason": "x", "resource_change": later}],
            variables={"a": {"value": 1}},
            relevant_attributes=[{"resource": ADDRESS}],
        )
    )

    assert (read.version, read.failed, read.problems) == ("1.2", True, [])
    assert [each.values for each in (*read.resources, *read.before, *read.deferred)] == [
        {"role_name": "new"}, {"role_name": "old"}, {"role_name": "later"},
    ]  # fmt: skip
    assert read.deferred[0].path == ("resource_change", "change", "after")
    assert read.configuration.variables == {"a": {"value": 1}}
    assert facts(plan(errored="true")).failed is False


@pytest.mark.parametrize(
    ("more", "exists"),
    [
        ({}, True),
        ({"mode": "data"}, False),
        ({"type": "other"}, False),
        ({"deposed": "x"}, False),
        ({"mode": None}, True),
    ],
)
def test_only_managed_resources_of_the_type_count(more: dict[str, object], exists: bool) -> None:
    assert len(facts(plan({**resource({"role_name": "a"}), **more})).resources) == exists


def test_a_resource_without_an_address_is_named_by_its_type_and_its_name() -> None:
    (read,) = facts(plan({"type": TYPE, "name": "n", "values": {}})).resources

    assert read.address == f"{TYPE}.n"


@pytest.mark.parametrize(
    ("before", "after", "unknown", "actions", "changed", "partly"),
    [
        ({"name": "a"}, {"name": "b"}, {}, ["update"], {"name"}, set()),
        ({"name": "a"}, {"name": "a"}, {}, ["update"], set(), set()),
        ({"name": "a"}, {}, {"name": True}, ["update"], {"name"}, {"name"}),
        ({"name": ""}, {"name": None}, {}, ["update"], set(), set()),
        ({"name": []}, {}, {}, ["update"], set(), set()),
        ({"name": "a"}, {"name": "b"}, {}, ["delete", "create"], set(), set()),
        ({"name": "a"}, {"name": "b"}, {}, None, {"name"}, set()),
        (None, {"name": "b"}, {"name": {"x": [False, True]}}, ["create"], set(), {"name"}),
        ({"name": "a"}, {"name": "a"}, {"name": [False]}, ["update"], set(), set()),
        ({"name": "a"}, {"name": "a"}, {"name": {"x": True}}, ["update"], set(), {"name"}),
        ({"other": "a"}, {"other": "b"}, {"other": True}, ["update"], set(), set()),
    ],
)
def test_what_a_plan_changes_and_what_it_does_not_know(
    before: object, after: object, unknown: object, actions: object, changed: set[str], partly: set[str]
) -> None:
    entry = {"before": before, "after": after, "after_unknown": unknown, "actions": actions}
    read = facts(plan(resource_changes=[{"address": ADDRESS, "type": TYPE, "change": entry}]))

    assert read.changes == {
        ADDRESS: ResourceChange(changed=frozenset(changed), partly_unknown=frozenset(partly)),
    }


def test_only_data_sources_of_policy_documents_are_read_later() -> None:
    kind = "alicloud_ram_policy_document"
    read = facts(
        plan(
            resource_changes=[
                {"address": "data.a", "type": kind, "mode": "data", "change": {"after": {}}},
                {"address": "b", "type": kind, "mode": "managed", "change": {"after": {}}},
                {"address": "data.c", "type": "other", "mode": "data", "change": {"after": {}}},
            ]
        )
    )

    assert [(each.address, each.text) for each in read.later_documents.values()] == [("data.a", "")]
    assert read.changes == {}


def test_a_resource_whose_provider_is_not_written_has_none() -> None:
    entry = configured(ADDRESS, "alicloud.other")
    without = {name: value for name, value in entry.items() if name != "provider_config_key"}
    root = {
        "resources": [
            {**without, "address": f"{TYPE}.other"},
            entry,
            {**entry, "address": 1},
            {**entry, "address": "x.y"},
        ]
    }

    known = facts(plan(configuration={"root_module": root})).configuration

    assert {address: each.provider for address, each in known.resources.items()} == {
        f"{TYPE}.other": "",
        ADDRESS: "alicloud.other",
    }
    assert known.configured("x.y").provider == ""


def test_a_section_of_no_interest_is_passed_over_one_element_at_a_time() -> None:
    written = {"format_version": "1.2", "other": [{"a": "x" * 50}] * 20, "more": {f"k{n}": "y" * 50 for n in range(20)}}
    parts, lengths = JsonParts(FileText("plan.json", json.dumps(written))), list[int]()
    skip = parts._skip

    def measured(s: str, idx: int = 0) -> tuple[Any, int]:
        value, end = skip(s, idx)
        lengths.append(end - idx)
        return value, end

    parts._skip = measured
    assert read_plan_facts(parts, 0, (TYPE,), PAIR).version == "1.2"

    assert max(lengths) < 100
