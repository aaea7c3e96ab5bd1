"""`version` and `schema`: what this is, and what a declaration file looks like."""

from __future__ import annotations

import platform
import sys
from enum import StrEnum
from importlib import metadata, resources
from typing import Annotated

import typer

from rolecall.cli.options import Output, OutputOption
from rolecall.cli.terminal import print_json


class Schema(StrEnum):
    """What a file declares."""

    ROLES = "roles"
    CASES = "cases"


SchemaArgument = Annotated[
    Schema, typer.Argument(metavar="[roles|cases]", help="Of files of roles, or of test cases (`rolecall test`).")
]


def version(output: OutputOption = Output.TABLE) -> None:
    """Print the version."""
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
    """Print the JSON schema of `apply` files, or of test cases."""
    sys.stdout.write(
        resources.files("rolecall.cli").joinpath("schema", f"{of}.schema.json").read_text(encoding="utf-8")
    )


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
