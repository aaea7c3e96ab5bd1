"""`version` and `schema`: the installed versions, and the JSON schemas of the files that commands read."""

from __future__ import annotations

import platform
import sys
from enum import StrEnum
from importlib import metadata, resources
from typing import Annotated

import typer

from rolecall.cli.options.shared import Output, PlainOutputOption
from rolecall.cli.text.terminal import print_json


class Schema(StrEnum):
    """The kind of file that a schema describes."""

    ROLES = "roles"
    CASES = "cases"
    CALLERS = "callers"
    CONTEXTS = "contexts"
    LINT = "lint"


SchemaArgument = Annotated[
    Schema,
    typer.Argument(
        metavar="[roles|cases|callers|contexts|lint]",
        help="The schema of role files (`rolecall apply`), of case files (`rolecall test`), of callers files "
        "(`rolecall serve --callers`), of the file of contexts (`rolecall context`), or of `.rolecall-lint.yaml`.",
    ),
]


def version(output: PlainOutputOption = Output.TABLE) -> None:
    """Print the version of Rolecall and of what it runs on."""
    facts = {
        "rolecall": _installed("rolecall"),
        "python": platform.python_version(),
        "grpcio": _installed("grpcio"),
        "protobuf": _installed("protobuf"),
    }
    if output is Output.JSON:
        print_json(facts)
    else:
        others = ", ".join(f"{name} {number}" for name, number in facts.items() if name != "rolecall")
        sys.stdout.write(f"rolecall {facts['rolecall']} ({others})\n")


def schema(of: SchemaArgument = Schema.ROLES) -> None:
    """Print the JSON schema of a file that commands read."""
    sys.stdout.write(
        resources.files("rolecall.cli").joinpath("schema", f"{of}.schema.json").read_text(encoding="utf-8")
    )


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
