"""Texts that stand where a principal of a request belongs, and name it in another way: what they are, and what to write."""

from __future__ import annotations

import re
from typing import NamedTuple

from rolecall.policy.foreign_names import foreign_service
from rolecall.policy.wording import quoted


class OtherSpelling(NamedTuple):
    """What a text is, in words that continue a sentence about it, and the form that was probably meant."""

    words: str
    form: str


_SERVICES = frozenset(
    "actiontrail apigateway config cs ecs eventbridge fc fnf log mns oos oss pai rds ros slb vpc".split()  # noqa: SIM905
)
"""The first labels of services of Alibaba Cloud that assume roles."""
_PROVIDERS = frozenset("azure bitbucket buildkite circleci entra github gitlab google jenkins okta".split())  # noqa: SIM905
"""Names under which identity providers are registered."""
_ISSUERS = ("token.actions.githubusercontent.com", "gitlab.com", "accounts.google.com", "agent.buildkite.com")
"""Hosts of issuers of tokens."""

_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:/\s]+):(?P<name>[^:/\s]+)")
_SUBJECT = re.compile(r"(?:repo|project_path|organi[sz]ation|org|pipeline|workspace|sub):\S+|system:\S+")
_RESOURCE = re.compile(r"(?:root|(?:user|role|oidc-provider|saml-provider)/\S+)", re.ASCII)
_OF_ACCOUNT = re.compile(r"(?P<account>[0-9]{1,20})(?P<joint>[:/])(?P<rest>\S+)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_PROVIDER = "acs:ram::ACCOUNT_ID:oidc-provider/NAME"


def other_spelling(text: str) -> OtherSpelling | None:
    """Return what a text is that is no principal, or None."""
    return _of_token(text) or _of_arn(text) or _of_word(text)


def other_host(name: str) -> OtherSpelling | None:
    """Return what the name of a host is that is no in-house service, or None."""
    if name in _ISSUERS:
        return _of_provider("is the host of an issuer of tokens")
    if (foreign := foreign_service(name)) is None:
        return None
    whose = "is a name of a website" if foreign.owner == "a website" else f"is a service of {foreign.owner}"
    advice = f"write `{foreign.own}`" if foreign.own else "name a principal of RAM"
    return OtherSpelling(f"{whose}; {advice}", foreign.own)


def _of_token(text: str) -> OtherSpelling | None:
    """Return what an issuer, or the subject of a token, is."""
    if account := _SERVICE_ACCOUNT.fullmatch(text):
        form = f"k8s:PROVIDER/{account['namespace']}/{account['name']}"
        return OtherSpelling(
            f"is the subject of a service account; write {quoted(form)} on the command line,"
            " or send the ARN of its provider with the claim `oidc:sub`",
            form,
        )
    if text.startswith(("https://", "http://")):
        return _of_provider("is the issuer of a token")
    if text.startswith("spiffe://"):
        return OtherSpelling("is a SPIFFE ID, which names a caller of this service and no principal", "")
    return (
        _of_provider("is the subject of a token", ", which is its claim `oidc:sub`")
        if _SUBJECT.fullmatch(text)
        else None
    )


def _of_provider(what: str, more: str = "") -> OtherSpelling:
    return OtherSpelling(f"{what}{more}; name the provider, `{_PROVIDER}`, with the claims beside it", _PROVIDER)


def _of_arn(text: str) -> OtherSpelling | None:
    """Return what the last parts of an ARN are."""
    if _RESOURCE.fullmatch(text):
        return _arn("is the end of an ARN", f"acs:ram::ACCOUNT_ID:{text}")
    if (found := _OF_ACCOUNT.fullmatch(text)) is None:
        return None
    rest = found["rest"]
    if _RESOURCE.fullmatch(rest):
        return _arn("is the end of an ARN", f"acs:ram::{found['account']}:{rest}")
    if found["joint"] == "/":
        return _arn("names a role that is assumed; as the principal", f"acs:ram::{found['account']}:role/{rest}")
    return None


def _of_word(text: str) -> OtherSpelling | None:
    word = text.lower()
    if word in _SERVICES:
        return _arn("is a service without its domain", f"{word}.aliyuncs.com")
    if word in _PROVIDERS:
        form = f"acs:ram::ACCOUNT_ID:oidc-provider/{text}"
        return OtherSpelling(f"is the name of a provider alone; write `{form}`, with the claims beside it", form)
    if _NAME.fullmatch(text):
        return _arn("is not a principal, but a name alone", f"acs:ram::ACCOUNT_ID:user/{text}")
    return None


def _arn(what: str, form: str) -> OtherSpelling:
    joint = " " if what.endswith("principal") else "; "
    return OtherSpelling(f"{what}{joint}write {quoted(form)}", form)
