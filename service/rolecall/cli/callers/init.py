"""`callers init`: write a callers file to begin with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.text.escaping import yaml_escaped

if TYPE_CHECKING:
    from rolecall.callers.declarations import CallerMatch

AdminOption = Annotated[
    str,
    typer.Option(
        "--admin",
        metavar="IDENTITY",
        help="Your own identity: a SPIFFE id, a DNS name, `ISSUER SUBJECT` of a token, `token:SHA256`, `uid:NUMBER` or `local`.",
        show_default=False,
    ),
]
FileArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="The file to write; default: standard output.", show_default=False),
]
AuthorityOption = Annotated[
    str, typer.Option("--ca", metavar="PATH", help="For a SPIFFE id: the CA certificates (PEM) of its trust domain.")
]

_HEAD = """\
# Who may call this server, and what each caller may do. Every caller and every right that is not in this file is denied.
# `rolecall callers check FILE` finds mistakes, and the server reloads the file by itself. docs/security.md describes it.
"""
_TRUST_DOMAINS = """
# The CA certificates that may issue ids of a trust domain. Paths are relative to this file.
trust_domains:
  {domain}: {ca}
"""
_ISSUERS = """
# The issuers of tokens, and their keys: a file, or `jwks_url: https://...`.
issuers:
  {issuer}: {{jwks_file: keys.json}}
"""
_ADMIN = """
callers:
  - name: admin
    match: {match}
    policies: [AdministratorAccess]
"""
_REST = """
  # A service that asks whether others may assume a role. `*` stands for one segment.
  # - name: gateway
  #   match: {dns: "*.gateway.internal"}
  #   policies: [RolecallDecider]

  # A service that asks for itself alone: `principal` is what it is in RAM's terms.
  # - name: orders
  #   match: {dns: orders.internal}
  #   principal: acs:ram::123456789012:user/orders
  #   policies: [RolecallSelfDecider]

  # A team that may create roles which only ECS can assume, until a date.
  # - name: shop-team
  #   match: {dns: ci.shop.internal}
  #   policies: [CreateShopRoles, AliyunRAMReadOnlyAccess]
  #   until: 2030-01-01T00:00:00Z

policies: {}
  # CreateShopRoles:
  #   Version: "1"
  #   Statement:
  #     - Effect: Allow
  #       Action: ram:CreateRole
  #       Resource: acs:ram:*:123456789012:role/shop-*
  #       Condition:
  #         ForAllValues:StringEquals: {ram:TrustedPrincipalTypes: Service, ram:ServiceNames: ecs.aliyuncs.com}
"""


def init(admin: AdminOption, file: FileArgument = None, ca: AuthorityOption = "ca.pem") -> None:
    """Write a callers file to begin with: one administrator, and examples as comments.

    A server that lets clients in by certificate needs a callers file (`rolecall serve --callers FILE`).
    """
    from rolecall.callers.identities import InvalidIdentityError, match_of

    try:
        match = match_of(admin)
    except InvalidIdentityError as error:
        raise CommandError(f"--admin: {error}") from None
    if match.has_wildcard:
        raise CommandError("--admin: `*` would make every caller that matches an administrator; write one identity")
    text = _HEAD + _trusted(match, ca) + _ADMIN.format(match=_declared(match)) + _REST
    if file is None:
        sys.stdout.write(text)
        return
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise CommandError(f"`{file}` exists; name another file, or remove it first") from None
    sys.stdout.write(f"wrote {file}; check it with `rolecall callers check {file}`\n")


def _trusted(match: CallerMatch, ca: str) -> str:
    """Return whom the server must trust to name this caller."""
    from rolecall.callers.credential import CredentialKind
    from rolecall.callers.match_reader import trust_domain_of

    if match.kind is CredentialKind.SPIFFE:
        return _TRUST_DOMAINS.format(domain=trust_domain_of(match.text), ca=_quoted(ca))
    return _ISSUERS.format(issuer=_quoted(match.issuer)) if match.kind is CredentialKind.OIDC else ""


def _declared(match: CallerMatch) -> str:
    from rolecall.callers.credential import CredentialKind

    match match.kind:
        case CredentialKind.OIDC:
            return f"{{oidc: {{issuer: {_quoted(match.issuer)}, subject: {_quoted(match.text)}, audience: rolecall}}}}"
        case CredentialKind.TOKEN:
            return f"{{token_sha256: {_quoted(match.text)}}}"
        case CredentialKind.UID:
            return f"{{uid: {match.text}}}"
        case CredentialKind.LOCAL:
            return "{local: true}"
    return f"{{{match.kind}: {_quoted(match.text)}}}"


def _quoted(text: str) -> str:
    import json

    return yaml_escaped(json.dumps(text, ensure_ascii=False))
