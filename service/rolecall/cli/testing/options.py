"""The options of `test`."""

from __future__ import annotations

import dataclasses
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.request import DEFAULT_ACCOUNT
from rolecall.cli.options.shared import ContextOfAccounts
from rolecall.cli.testing.manifest_cases import DEFAULT_AUDIENCE, Cluster

_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class ReportFormat(StrEnum):
    """The format of a report."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="DIR_OR_FILE...",
        help="Test cases, and the roles that they are about: role files, trust policies (JSON), terraform plans "
        "(`terraform show -json`), ROS templates, answers of `aliyun ram GetRole`; Kubernetes manifests, whose annotated service "
        "accounts are cases. `-` is any of them on standard input; directories are searched.",
    ),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RoleSetOptions:
    """The settings of a server that determine how cases are decided."""

    account_id: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help=f"The account of roles and cases without one [default: that of --context, else {DEFAULT_ACCOUNT}].",
        ),
    ] = ""
    account_alias: Annotated[
        list[str], typer.Option(metavar="NAME=ID", help="An alias of an account, as on the server; repeatable.")
    ] = dataclasses.field(default_factory=list)
    context: ContextOfAccounts = None
    source_identity_needs_allow: Annotated[
        bool,
        typer.Option(
            "--source-identity-needs-allow",
            help="Decide as a server with this option: a source identity needs an Allow of sts:SetSourceIdentity.",
        ),
    ] = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """The tokens of a cluster's service accounts."""

    oidc_provider: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="For manifests: the OIDC provider of their cluster in RAM (`ack-rrsa-CLUSTER`)."
        ),
    ] = ""
    oidc_issuer: Annotated[
        str, typer.Option(metavar="URL", help="For manifests: the issuer of the cluster's tokens, read as oidc:iss.")
    ] = ""
    oidc_audience: Annotated[
        str, typer.Option(metavar="TEXT", help="For manifests: the audience of the cluster's tokens, read as oidc:aud.")
    ] = DEFAULT_AUDIENCE
    namespace: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="For manifests: the namespace of service accounts that have none, as in what `helm template` prints.",
        ),
    ] = ""

    @property
    def cluster(self) -> Cluster:
        """Return the cluster that the options describe; raise `CommandError`."""
        if self.namespace and not _NAMESPACE.fullmatch(self.namespace):
            hint = "a namespace is 1 to 63 of `a-z 0-9 -`, and begins and ends with a letter or digit"
            raise CommandError(f"`{self.namespace}` is not the name of a namespace", hint=hint)
        return Cluster(
            provider=self.oidc_provider,
            issuer=self.oidc_issuer,
            audience=self.oidc_audience,
            namespace=self.namespace,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The content and format of the report."""

    coverage: Annotated[bool, typer.Option("--coverage", help="Report the statements that apply in no case.")] = False
    fail_under: Annotated[
        float,
        typer.Option(
            metavar="PERCENT", min=0, max=100, help="Fail if less than this percentage of the statements is covered."
        ),
    ] = 0.0
    output: Annotated[ReportFormat, typer.Option("--output", "-o", help="The format of the report.")] = (
        ReportFormat.TABLE
    )
    output_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the report to this file, and print the table."),
    ] = None
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List passed cases, too.")] = False

    @property
    def needs_coverage(self) -> bool:
        """Return whether statement coverage is needed."""
        return self.coverage or self.fail_under > 0
