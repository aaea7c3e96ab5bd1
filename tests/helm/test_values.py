"""The values: each is documented and in the schema, and those under `config` are settings of the server."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
import yaml

from rolecall.config.settings import Config
from rolecall.config.sources import variable_of
from tests.helm.chart import CASES, CHART, EVERYTHING, VERSION, name_of, render
from tests.helm.values import PAGE, SCHEMA, SET_BY_THE_CHART, VALUES, Value, leaves, with_settings, with_values
from tests.repository.tree import ROOT

INSTALLATIONS = re.findall(r"^\$ (helm install (?:.*\\\n)*.*)", PAGE.read_text(), re.MULTILINE)
OF_KUBERNETES = {
    "affinity.nodeAffinity",
    "affinity.podAffinity",
    "affinity.podAntiAffinity",
    "agent.socket.csi",
    "extraEnv[].valueFrom",
    "extraVolumes[]",
    "global",
}
"""Values that are passed on unchanged; Kubernetes validates them."""


def objects(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the schema of every object, with its path."""
    if schema.get("type") == "object":
        yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from objects(inner, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from objects(schema["items"], f"{path}[]")


def paths(values: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the path of every leaf."""
    for name, value in values.items():
        inner = f"{path}.{name}".lstrip(".")
        if isinstance(value, dict) and value:
            yield from paths(value, inner)
        else:
            yield inner


def test_the_chart_and_the_image_have_the_version_of_the_server() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == VERSION


@pytest.mark.parametrize("value", leaves(), ids=lambda value: value.path)
def test_every_value_has_a_sentence_of_documentation(value: Value) -> None:
    assert value.meaning.endswith(".")
    assert "|" not in value.meaning


def test_the_documentation_covers_every_leaf_of_the_values() -> None:
    values = yaml.safe_load(VALUES.read_text())

    assert [value.path for value in leaves()] == list(paths(values))


def test_the_table_of_values_is_up_to_date() -> None:
    page = PAGE.read_text()

    assert with_values(page) == page, "run `make docs`"


@pytest.mark.parametrize("command", INSTALLATIONS)
def test_every_installation_on_the_page_renders(command: str) -> None:
    install, release, chart, *options = shlex.split(command.replace("\\\n", " "))[1:]

    rendered = render({}, release=release, more=options)

    assert (install, ROOT / chart) == ("install", CHART)
    assert rendered.container()["image"] == f"registry.example.com/rolecall:{VERSION}"
    assert rendered.environment()["ROLECALL_ACCOUNT_ID"] == "123456789012"


def test_the_page_shows_an_installation_for_each_engine() -> None:
    assert [("store.engine=postgres" in command) for command in INSTALLATIONS] == [False, True]


def test_the_page_builds_the_image_that_the_chart_uses() -> None:
    assert f"docker build -t registry.example.com/rolecall:{VERSION} ." in PAGE.read_text()


def test_the_settings_in_the_schema_are_those_of_the_server() -> None:
    schema = SCHEMA.read_text()

    assert with_settings(schema) == schema, "run `make docs`"


def test_the_schema_rejects_unknown_values() -> None:
    schemas = dict(objects(json.loads(SCHEMA.read_text())))

    open_ones = {path for path, schema in schemas.items() if schema.get("additionalProperties", True) is True}

    assert open_ones == OF_KUBERNETES


def test_the_schema_has_exactly_the_values_of_the_chart() -> None:
    schema = json.loads(SCHEMA.read_text())["properties"]

    assert set(schema) - {"global"} == set(yaml.safe_load(VALUES.read_text()))


def test_the_chart_sets_only_settings_of_the_server() -> None:
    known = {setting.name for setting in fields(Config)}

    assert known >= SET_BY_THE_CHART


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_every_variable_of_a_pod_is_a_setting_that_the_server_accepts(case: Any) -> None:
    environment = render(case).environment()
    settings = {name: text for name, text in environment.items() if name.startswith("ROLECALL_")}

    config = Config.from_mapping({}, settings)

    assert len(settings) >= 6
    assert {variable_of(name) for name in SET_BY_THE_CHART} >= set(settings) - {
        variable_of(name) for name in yaml.safe_load(case.read_text()).get("config", {})
    }
    assert config.ops_listen.loopback is False


def test_numbers_and_switches_reach_the_server_unchanged() -> None:
    environment = render(EVERYTHING).environment()

    config = Config.from_mapping({}, environment)

    assert config.decision_log_max_bytes == 104_857_600
    assert config.decision_log_sample_allow == 0.25
    assert config.reflection is True
    assert config.account_id == "123456789012"
    assert (config.listen.text, config.ops_listen.text) == ("[::]:8443", "[::]:9000")
    assert (config.drain_delay, config.drain_grace_seconds) == (10.0, 50.0)
