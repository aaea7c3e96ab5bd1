"""The options of `test`."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.request import DEFAULT_ACCOUNT
from rolecall.cli.testing.manifest_cases import DEFAULT_AUDIENCE, Cluster


class ReportFormat(StrEnum):
    """How a run is reported."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="DIR_OR_FILE...",
        help="Test cases, and the roles that they ask about: Rolecall files, trust policies (JSON), terraform plans "
        "(`terraform show -json`); Kubernetes manifests, whose annotated service accounts are cases. Directories are searched.",
    ),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What the server would be configured to."""

    account_id: Annotated[str, typer.Option(metavar="ID", help="The account of roles and cases that name none.")] = (
        DEFAULT_ACCOUNT
    )
    account_alias: Annotated[
        list[str], typer.Option(metavar="NAME=ID", help="A name for an account, as the server has it; repeatable.")
    ] = dataclasses.field(default_factory=list)
    source_identity_needs_allow: Annotated[
        bool,
        typer.Option(
            "--source-identity-needs-allow",
            help="Decide as a server that is set so: a source identity needs an Allow of sts:SetSourceIdentity.",
        ),
    ] = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """What the tokens of a cluster's service accounts say."""

    oidc_provider: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="For manifests: the OIDC provider that their cluster has in RAM (`ack-rrsa-CLUSTER`)."
        ),
    ] = ""
    oidc_issuer: Annotated[
        str, typer.Option(metavar="URL", help="For manifests: the issuer of the cluster's tokens, read as oidc:iss.")
    ] = ""
    oidc_audience: Annotated[
        str, typer.Option(metavar="TEXT", help="For manifests: the audience of the cluster's tokens, read as oidc:aud.")
    ] = DEFAULT_AUDIENCE

    @property
    def cluster(self) -> Cluster:
        """Return the cluster that the options describe."""
        return Cluster(provider=self.oidc_provider, issuer=self.oidc_issuer, audience=self.oidc_audience)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What is reported, and how."""

    coverage: Annotated[
        bool, typer.Option("--coverage", help="Tell which statements of which roles no case made apply.")
    ] = False
    fail_under: Annotated[
        float, typer.Option(metavar="PERCENT", min=0, max=100, help="Fail if less of the statements is covered.")
    ] = 0.0
    output: Annotated[ReportFormat, typer.Option("--output", "-o", help="How to report.")] = ReportFormat.TABLE
    output_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the report there, and the table to standard output."),
    ] = None
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name the cases that passed, too.")] = False

    @property
    def counting(self) -> bool:
        """Tell whether it matters which statements apply."""
        return self.coverage or self.fail_under > 0
