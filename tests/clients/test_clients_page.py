"""The page about clients names only what exists."""

from __future__ import annotations

import inspect
import re

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient
from tests.repository.symbols import class_names
from tests.repository.tree import DOCS, ROOT

PAGE = (DOCS / "clients.md").read_text()
TABLE = PAGE.partition("\n## ")[0]
SOURCES_OF_OTHERS = ["go/*.go", "go/guard/*.go", "typescript/src/**/*.ts", "java/src/main/**/*.java"]
OPTIONS = sorted(set(re.findall(r"`(\w+)=", TABLE)) - {"timeout", "metadata"})


@pytest.mark.parametrize("option", [*OPTIONS, "timeout", "metadata"])
def test_every_option_on_the_page_is_one_of_both_clients(option: str) -> None:
    for client in (RolecallClient, AsyncRolecallClient):
        assert option in inspect.signature(client).parameters


@pytest.mark.parametrize("method", ["watch_roles", "from_env", "from_context", "check"])
def test_every_method_on_the_page_is_one_of_both_clients(method: str) -> None:
    for client in (RolecallClient, AsyncRolecallClient):
        assert callable(getattr(client, method))


def test_the_page_names_the_options_of_the_layers_in_their_order() -> None:
    steps = re.findall(r"^\d\. `(\w+)`", PAGE, re.MULTILINE)

    assert steps == ["local", "cache", "batching", "agent"]
    assert set(steps) <= set(OPTIONS)


def test_every_class_on_the_page_exists() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)\b", PAGE))
    code = {name for path in (ROOT / "clients/python").rglob("*.py") for name in class_names(path)}
    api = {word for path in (ROOT / "protos").rglob("*.proto") for word in re.findall(r"\w+", path.read_text())}
    sources = [path for pattern in SOURCES_OF_OTHERS for path in (ROOT / "clients").glob(pattern)]
    others = {word for path in sources for word in re.findall(r"\w+", path.read_text())}

    assert len(named) >= 5
    assert named - code - api - others == set()
