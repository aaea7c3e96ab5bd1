"""Terraform plans for tests, as `terraform show -json` prints them."""

from __future__ import annotations

import json
from typing import Any

ADDRESS = "alicloud_ram_role.ci"


def policy(principal: dict[str, Any] | None = None) -> str:
    """Return a trust policy, for a service unless a principal is given."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": principal or {"Service": ["ecs.aliyuncs.com"]},
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


def resource(values: dict[str, Any], address: str = ADDRESS, **more: object) -> dict[str, Any]:
    """Return a resource with values; its type is in the address."""
    type_ = next(part for part in reversed(address.split(".")) if part.startswith("alicloud"))
    return {"address": address, "mode": "managed", "type": type_, "name": "x", "values": values, **more}


def role(name: str, address: str = ADDRESS, document: str | None = None, **values: object) -> dict[str, Any]:
    """Return the resource of a role."""
    return resource({"role_name": name, "assume_role_policy_document": document or policy(), **values}, address)


def plan(*resources: dict[str, Any], **more: object) -> dict[str, Any]:
    """Return a plan after which there are resources."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.8",
        "planned_values": {"root_module": {"resources": list(resources)}},
        **more,
    }


def change(address: str, after: dict[str, Any], unknown: dict[str, Any], *actions: str) -> dict[str, Any]:
    """Return an entry of `resource_changes` about a resource that does not exist."""
    facts = {"actions": list(actions), "before": None, "after": after, "after_unknown": unknown}
    return {"address": address, "mode": "managed", "type": address.split(".")[-2], "name": "x", "change": facts}


def configured(address: str, provider: str = "alicloud", **expressions: object) -> dict[str, Any]:
    """Return the configuration of a resource."""
    type_, _, name = address.partition(".")
    return {
        "address": address,
        "mode": "managed",
        "type": type_,
        "name": name,
        "provider_config_key": provider,
        "expressions": expressions,
    }
