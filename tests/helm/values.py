"""The values of the chart in three places: values.yaml, its schema, and the table in the documentation.

Run this module to update what is derived: the settings under `config` in the schema, and the table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set as AbstractSet
from dataclasses import Field, dataclass, fields
from typing import Any

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.settings import Config
from rolecall.config.types import OneOf, Seconds, WholeNumber, read_one_worker, read_share
from tests.helm.chart import CHART
from tests.repository.tree import DOCS

VALUES, SCHEMA, PAGE = CHART / "values.yaml", CHART / "values.schema.json", DOCS / "kubernetes.md"
BEGIN, END = "<!-- values: written by `make docs` -->\n", "<!-- end of values -->"

SET_BY_THE_CHART = frozenset(
    {
        *("listen", "ops_listen", "store", "store_file", "create_store", "snapshot_file", "snapshot_key_file"),
        *("callers", "callers_observe_until", "admin_socket"),
        *("insecure", "tls_cert", "tls_key", "tls_client_ca", "drain_delay_seconds", "drain_grace_seconds"),
    }
)
"""Settings that the chart sets from other values than `config`."""

SET_FOR_AGENTS = frozenset(
    {
        *("listen", "ops_listen", "socket_group", "callers", "upstream", "upstream_insecure", "upstream_token_file"),
        *("upstream_tls_ca", "upstream_tls_cert", "upstream_tls_key", "drain_delay_seconds", "drain_grace_seconds"),
    }
)
"""Settings that the chart sets from other values than `agent.config`."""

_TYPES = {"bool": "boolean", "int": "integer", "float": "number"}
_KEY = re.compile(r"^( *)(\w+):(?: (.*))?$")
_COMMENT = re.compile(r"^ *# -- (.+)$")


@dataclass(frozen=True, slots=True)
class Value:
    """A leaf of values.yaml: its path, its default as written, and the comment above it, or an empty text."""

    path: str
    default: str
    meaning: str


def leaves() -> list[Value]:
    """Return every leaf of values.yaml."""
    return list(_leaves(VALUES.read_text().splitlines()))


def with_settings(schema: str) -> str:
    """Return the schema with the settings of the server under `config`, and those of an agent under `agent.config`."""
    tree = json.loads(schema)
    tree["properties"]["config"]["properties"] = _settings(Config, SET_BY_THE_CHART)
    tree["properties"]["agent"]["properties"]["config"]["properties"] = _settings(AgentConfig, SET_FOR_AGENTS)
    return json.dumps(tree, indent=2) + "\n"


def with_values(page: str) -> str:
    """Return the page with an up-to-date table."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"`{PAGE.name}` lacks the comments that mark its table of values")
    return f"{before}{BEGIN}{_table()}{END}{after}"


def _leaves(lines: list[str]) -> Iterator[Value]:
    parents: list[str] = []
    meaning = ""
    for line in lines:
        if comment := _COMMENT.match(line):
            meaning = comment[1]
        elif key := _KEY.match(line):
            del parents[len(key[1]) // 2 :]
            parents.append(key[2])
            if key[3] is not None:
                yield Value(".".join(parents), key[3], meaning)
            meaning = ""


def _settings(config: type[Config | AgentConfig], set_by_the_chart: AbstractSet[str]) -> dict[str, Any]:
    return {
        setting.name: {"type": _type(setting), **_bounds(setting), "description": setting.metadata["help"]}
        for setting in fields(config)
        if setting.name not in set_by_the_chart
    }


def _type(setting: Field[Any]) -> str:
    return _TYPES.get(str(setting.type).partition(" ")[0], "string")


def _bounds(setting: Field[Any]) -> dict[str, Any]:
    """Return the values that the server accepts, as far as a schema can express it."""
    match setting.metadata["read"]:
        case WholeNumber(low, high) | Seconds(low, high):
            return {"minimum": low, "maximum": high}
        case OneOf(names):
            return {"enum": list(names)}
        case read if read is read_share:
            return {"minimum": 0, "maximum": 1}
        case read if read is read_one_worker:
            return {"enum": [1]}
    return {}


def _table() -> str:
    rows = [f"| `{value.path}` | {_default(value.default)} | {value.meaning} |" for value in leaves()]
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *rows, ""])


def _default(text: str) -> str:
    return "" if text in {'""', "null", "{}", "[]"} else f"`{text}`"


if __name__ == "__main__":
    SCHEMA.write_text(with_settings(SCHEMA.read_text()))
    PAGE.write_text(with_values(PAGE.read_text()))
