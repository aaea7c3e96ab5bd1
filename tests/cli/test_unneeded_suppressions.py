"""Why a suppression matches nothing: by the policies that were examined, the files with errors, and the files that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.linting.configuration import Suppression
from rolecall.cli.linting.unneeded import DocumentsOfConfiguration, why_unused
from rolecall.cli.problems.problem import Location

NOTHING = "it covers no policy"
NO_FINDING = "no policy that it covers has the finding"


def why(
    directory: Path,
    policies: list[tuple[str, str]],
    unjudged: tuple[str, ...] = (),
    *,
    whole: bool = True,
    path: str = "",
    role: str = "",
) -> str:
    suppression = Suppression(finding="open-network", reason="r", location=Location("c"), path=path, role=role)
    return why_unused(suppression, directory, DocumentsOfConfiguration(policies, unjudged, whole))


@pytest.mark.parametrize("path", ["a.json", "*.json", ""])
def test_where_there_is_no_policy_none_is_named(tmp_path: Path, path: str) -> None:
    assert why(tmp_path, [], path=path, role="app") == NOTHING


def test_the_first_policy_by_name_is_named_where_a_path_matches_none(tmp_path: Path) -> None:
    policies = [("c.json", "c"), ("b.json", "b"), ("d.json", "d")]

    assert why(tmp_path, policies, path="a.json") == f"{NOTHING}; there is `b.json`"
    assert why(tmp_path, policies, role="a") == NOTHING


def test_a_policy_that_is_covered_lacks_the_finding(tmp_path: Path) -> None:
    policies = [("a.json", "app"), ("b.json", "other")]

    assert why(tmp_path, policies, path="b.json") == NO_FINDING
    assert why(tmp_path, policies, role="APP", whole=False) == NO_FINDING
    assert why(tmp_path, policies, path="b.json", role="app") == f"{NOTHING}; there is `a.json`"


def test_a_file_with_errors_may_have_the_finding(tmp_path: Path) -> None:
    assert why(tmp_path, [("a.json", "app")], ("x.json", "b.json"), path="b.json", role="other") == ""
    assert why(tmp_path, [("a.json", "app")], ("x.json",), path="b.json") == f"{NOTHING}; there is `a.json`"


def test_where_not_all_documents_were_examined_only_a_file_that_is_missing_is_certain(tmp_path: Path) -> None:
    (tmp_path / "b.json").touch()

    assert why(tmp_path, [], path="b.json", whole=False) == ""
    assert why(tmp_path, [], path="c.json", whole=False) == NOTHING
    assert why(tmp_path, [], path="c*.json", whole=False) == ""
    assert why(tmp_path, [], path="?.json", whole=False) == ""
    assert why(tmp_path, [], role="app", whole=False) == ""
