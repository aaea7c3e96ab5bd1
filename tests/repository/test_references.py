"""The references that are generated are up to date, and pages name only what is in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rolecall.transport.rights.methods import NEEDS
from tests.repository import api_reference, metrics_reference
from tests.repository.tree import ROOT, pages

METRIC = re.compile(r"`((?:rolecall|grpc_server)_[a-z_]+)(?:\{[^`]*)?`")
PART_OF_HISTOGRAM = re.compile(r"_(?:bucket|count|sum)$")
NO_METRICS = {"rolecall_client", "rolecall_client_stubs"}
"""Names that begin as metrics do: the package of the client."""


def test_the_page_of_metrics_is_what_the_registries_have() -> None:
    assert metrics_reference.PAGE.read_text() == metrics_reference.written_page(), "run `make docs`"


def test_the_page_of_the_api_is_what_the_protos_say() -> None:
    assert api_reference.PAGE.read_text() == api_reference.written_page(), "run `make docs`"


def test_every_method_with_a_right_is_on_the_page_of_the_api() -> None:
    own = {method.rpartition("/")[2] for method in NEEDS if method.startswith("/rolecall.v1.")}

    assert own <= set(re.findall(r"^### (\w+)$", api_reference.PAGE.read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_metric_that_a_page_names_exists(page: Path) -> None:
    known = set(
        re.findall(
            r"^\| `(\w+)` \| (?:counter|gauge|histogram|info) \|", metrics_reference.PAGE.read_text(), re.MULTILINE
        )
    )
    named = {PART_OF_HISTOGRAM.sub("", name) for name in METRIC.findall(page.read_text())} - NO_METRICS

    assert named - known == set()
