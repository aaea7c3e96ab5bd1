"""The configuration inside a terraform plan: what sets an attribute of a resource, and the account of its provider."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rolecall.cli.problems.problem import error_at
from rolecall.cli.sources.json_parts import JsonParts

MAX_MODULES = 32

_INDEX = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]', re.ASCII)
_PARTS = re.compile(
    rf"(?P<module>(?:module\.[^.\[\]]+(?:{_INDEX.pattern})?\.)*)[^.\[\]]+\.[^.\[\]]+(?P<index>(?:{_INDEX.pattern})?)",
    re.ASCII,
)
_ACCOUNT = re.compile(r"[0-9]{1,20}", re.ASCII)
_ARN = re.compile(r"acs:ram::([0-9]{1,20}):role/.+", re.ASCII | re.DOTALL)
_SECONDS = re.compile(r"-?[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Configured:
    """A resource as it is configured: its provider, and what each attribute that is set refers to."""

    provider: str
    references: Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Configuration:
    """The configured resources of some types, by their addresses without indices, and the providers."""

    resources: dict[str, Configured] = field(default_factory=dict)
    providers: dict[str, Mapping[str, object]] = field(default_factory=dict)
    variables: Mapping[str, object] = field(default_factory=dict)

    def read(self, json: JsonParts, at: int, types: Collection[str]) -> None:
        """Add what the section `configuration` of a plan contains."""
        for member in json.members(at):
            if member.name == "provider_config":
                self.providers |= {name: table_of(value) for name, value in table_of(json.value(member.value)).items()}
            elif member.name == "root_module":
                self._read_module(json, member.value, (), types)

    def configured(self, address: str) -> Configured:
        """Return how a resource is configured; nothing is set if that is not known."""
        return self.resources.get(_INDEX.sub("", address), Configured("", {}))

    def sets(self, address: str, attribute: str) -> bool:
        """Return whether the configuration sets an attribute of a resource."""
        return attribute in self.configured(address).references

    def account_of(self, provider: str) -> str:
        """Return the account that a provider is configured with, by its number or by the role that it assumes; else nothing."""
        expressions = table_of(self.providers.get(provider, {}).get("expressions"))
        # Within a module, a variable is that of the module, whose value the plan does not have.
        variables = {} if ":" in provider else self.variables
        account = _constant(expressions.get("account_id"), variables)
        if _ACCOUNT.fullmatch(account):
            return account
        blocks = expressions.get("assume_role")
        roles = [_constant(table_of(each).get("role_arn"), variables) for each in list_of(blocks)]
        return account_of_arn(roles[0]) if len(roles) == 1 else ""

    def _read_module(self, json: JsonParts, at: int, path: tuple[str, ...], types: Collection[str]) -> None:
        require_depth(json, at, len(path))
        for member in json.members(at):
            if member.name == "resources":
                for item in json.items(member.value):
                    self._read_resource(table_of(json.value(item)), "".join(path), types)
            elif member.name == "module_calls":
                for call in json.members(member.value):
                    for part in json.members(call.value):
                        if part.name == "module":
                            self._read_module(json, part.value, (*path, f"module.{call.name}."), types)

    def _read_resource(self, resource: Mapping[str, object], path: str, types: Collection[str]) -> None:
        address = resource.get("address")
        if isinstance(address, str) and address.partition(".")[0] in types:
            expressions = table_of(resource.get("expressions"))
            self.resources[path + address] = Configured(
                str(resource.get("provider_config_key", "")),
                {name: tuple(_references(expression)) for name, expression in expressions.items()},
            )


def require_depth(json: JsonParts, at: int, depth: int) -> None:
    """Raise `ProblemsError` for a module that is too deep inside others."""
    if depth > MAX_MODULES:
        raise error_at(json.source.location(at), f"modules are nested deeper than {MAX_MODULES} levels")


def table_of(value: object) -> Mapping[str, object]:
    """Return a value that is an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def module_and_index(address: str) -> tuple[str, str]:
    """Return the module of a resource with a dot at its end, and its index with brackets; each may be empty."""
    found = _PARTS.fullmatch(address)
    return (found["module"], found["index"]) if found else ("", "")


def list_of(value: object) -> Sequence[object]:
    """Return a value that is an array, or an empty one."""
    return value if isinstance(value, list) else ()


def account_of_arn(arn: str) -> str:
    """Return the account in the ARN of a role, or nothing."""
    found = _ARN.fullmatch(arn)
    return found[1] if found else ""


def seconds_of(value: object) -> int:
    """Return a number of seconds, also as text; 0 for any other value."""
    return int(value) if isinstance(value, int | str) and _SECONDS.fullmatch(str(value)) else 0


def _references(expression: object) -> Iterator[str]:
    yield from (each for each in list_of(table_of(expression).get("references")) if isinstance(each, str))


def _constant(expression: object, variables: Mapping[str, object]) -> str:
    """Return the value of an expression that is a constant, or just one variable of the root module."""
    table = table_of(expression)
    references = list_of(table.get("references"))
    value = table.get("constant_value")
    if len(references) == 1 and str(references[0]).startswith("var."):
        value = table_of(variables.get(str(references[0]).removeprefix("var."))).get("value")
    return str(value) if isinstance(value, str | int) else ""
