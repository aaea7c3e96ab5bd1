"""The documentation says where to add and where to find things, and everything that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.repository.symbols import class_names, symbols_of
from tests.repository.tree import DOCS, ROOT, SOURCES, pages

PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+/?|[\w-]+/)`")
SYMBOL = re.compile(r"`([A-Za-z_]\w*(?:\.\w+)?)` \(`([\w./-]+\.py)`")
CAMEL_CASE = re.compile(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:\.\w+)?`")
WRITTEN = re.compile(r"<!-- file: (\S+) -->")  # a file that the reader writes
TABLE_ROW = re.compile(r"^\| (?!---)(.+?) \| (.+) \|$", re.MULTILINE)

NOT_PATHS = {
    "prod/deploy",
    "prod/ci/deploy",
    "ACCOUNT/NAME",  # how a request names a role
    "rolecall/v1/decide",  # a value in the decision log
    "10.0.0.0/8",  # addresses
    "kubernetes.io/h2c",  # an application protocol
    "registry.example.com/platform",  # a registry
    "github.com/rolecall/rolecall/clients/go",  # the name of a module
    "pod-identity.alibabacloud.com/role-name",  # an annotation
    "dist/sbom.cdx.json",  # what `make sbom` writes
    ".venv/audit",  # what `make audit` installs
    "buf.build/rolecall/rolecall",  # modules of buf
    "buf.build/googleapis/googleapis",
    "google/rpc/status.proto",  # a file that is imported
    "google.golang.org/genproto/googleapis/rpc",  # a package for Go
    "rolecall/v1",  # what is generated from the contract
    "rolecall/v1/decision_pb",
    "rolecall-client/v1",  # modules of the package for Node
    "rolecall-client/guard",
}
NOT_OURS = {"BadRequest", "ErrorInfo", "FieldViolation", "RetryInfo"}
"""Messages of `google.rpc`."""

TO_ADD = [
    "an operator",
    "an RPC",
    "a store",
    "a finding",
    "a command",
    "a parser of foreign text",
    "a kind of file that the command line reads",
    "a metric",
]
TO_FIND = [
    "wildcard",
    "cache key",
    "role judged",
    "etag",
    "staleness",
    "NOTIFY",
    "gRPC code",
    "agent",
    "limit",
    "readiness",
    "sampled",
    "TLS",
    "callers file",
    "right",
]

every_page = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))


def found(path: str, page: Path) -> Path | None:
    """Return the file or directory that a page names, from the root, from the sources or from the page."""
    return next((base / path for base in (ROOT, SOURCES, page.parent) if (base / path).exists()), None)


def section(page: Path, heading: str) -> list[tuple[str, str]]:
    """Return the rows of the table below a heading, each as its first cell and the rest."""
    text = page.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return TABLE_ROW.findall(text)[1:]


@every_page
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    named = set(PATH.findall(text)) - NOT_PATHS - set(WRITTEN.findall(text))

    assert [path for path in sorted(named) if not found(path, page)] == []


@every_page
def test_every_file_that_a_page_names_beside_a_symbol_defines_it(page: Path) -> None:
    named = [(symbol, found(path, page)) for symbol, path in SYMBOL.findall(page.read_text())]

    assert [(symbol, path) for symbol, path in named if path is None or symbol not in symbols_of(path)] == []


@pytest.mark.parametrize(
    "page", [DOCS / "architecture.md", DOCS / "caching.md", *(DOCS / "adr").glob("*.md")], ids=lambda page: page.name
)
def test_every_class_and_method_that_a_page_about_the_design_names_exists(page: Path) -> None:
    sources = [path for root in (SOURCES, ROOT / "clients/python") for path in root.rglob("*.py")]
    code = {name for path in sources for name in class_names(path)}
    api = {word for path in (ROOT / "protos").rglob("*.proto") for word in re.findall(r"\w+", path.read_text())}

    assert set(CAMEL_CASE.findall(page.read_text())) - code - api - NOT_OURS == set()


def test_contributing_says_where_to_add_each_thing_in_one_line() -> None:
    rows = section(ROOT / "CONTRIBUTING.md", "Where to add")

    assert [thing for thing, _ in rows] == TO_ADD
    assert [thing for thing, place in rows if not SYMBOL.search(place)] == []


def test_architecture_says_where_to_find_each_thing_in_one_line() -> None:
    rows = section(DOCS / "architecture.md", "Where to look")

    assert [any(word in question for question, _ in rows) for word in TO_FIND] == [True] * len(TO_FIND)
    assert len(rows) == len(TO_FIND)
    assert [question for question, place in rows if not SYMBOL.search(place)] == []


def test_the_benchmarks_import_names_that_exist() -> None:
    # mypy does not check bench/peers, whose environment has untyped libraries.
    imported = [
        (path, node.module, alias.name)
        for path in (ROOT / "bench").rglob("*.py")
        if "build" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rolecall.")
        for alias in node.names
    ]

    missing = [
        f"{path.name}: {module}.{name}"
        for path, module, name in imported
        if name not in symbols_of(SOURCES.parent / f"{module.replace('.', '/')}.py")
    ]

    assert len(imported) > 30
    assert missing == []
