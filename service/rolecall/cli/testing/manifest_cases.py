"""Test cases from Kubernetes manifests: each annotated service account may assume the role that the annotation names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.sources import ServiceAccount
from rolecall.cli.testing.cases import Case, Expectation, ExpectedOutcome
from rolecall.roles.fields import role_name_violations

DEFAULT_AUDIENCE = "sts.aliyuncs.com"
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The tokens of a cluster's service accounts: the cluster's provider in RAM, the issuer (empty: no claim), the audience.

    `namespace` is that of service accounts whose manifest has none; empty if it is not given.
    """

    provider: str
    issuer: str = ""
    audience: str = DEFAULT_AUDIENCE
    namespace: str = ""

    def name_of(self, account: ServiceAccount) -> str:
        """Return the name of a service account with its namespace."""
        return f"{account.namespace or self.namespace or DEFAULT_NAMESPACE}/{account.name}"


def manifest_cases(accounts: Iterable[ServiceAccount], cluster: Cluster) -> Iterator[Case]:
    """Yield the case of each service account."""
    claims = {"oidc:aud": (cluster.audience,)} | ({"oidc:iss": (cluster.issuer,)} if cluster.issuer else {})
    for account in accounts:
        name = cluster.name_of(account)
        yield Case(
            name=f"service account {name} may assume {account.role_name}",
            who=f"k8s:{cluster.provider}/{name}",
            role=account.role_name,
            claims=claims,
            expect=Expectation(outcome=ExpectedOutcome.ALLOW),
            location=account.location,
        )


def manifest_remarks(accounts: Iterable[ServiceAccount], cluster: Cluster) -> Iterator[Problem]:
    """Yield a warning for each service account without a namespace, unless the namespace is given."""
    for account in accounts:
        if not account.namespace and not cluster.namespace:
            yield Problem(
                location=account.location,
                severity="warning",
                message=f"the service account `{account.name}` has no namespace; `{DEFAULT_NAMESPACE}` is assumed",
                hint="give the namespace that it is installed into: --namespace NAME",
                reason="DEFAULT_NAMESPACE",
                finding=True,
            )


def manifest_problems(accounts: Iterable[ServiceAccount], provider: str) -> Iterator[Problem]:
    """Yield the problems that prevent the cases from running."""
    locations: list[Location] = []
    for account in accounts:
        locations.append(account.location)
        for violation in role_name_violations(account.role_name):
            message = (
                f"`{account.role_name}` is not a role name, so no pod will get a token for it: {violation.message}"
            )
            yield Problem(
                location=account.location,
                message=message,
                reason=violation.reason,
                hint="write the name alone, not an ARN",
            )
    if locations and not provider:
        message = "this service account needs the OIDC provider of its cluster"
        hint = "give the cluster's provider in RAM: --oidc-provider ack-rrsa-CLUSTER"
        yield Problem(location=locations[0], message=message, hint=hint)
