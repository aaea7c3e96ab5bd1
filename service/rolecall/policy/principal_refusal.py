"""Why a text is not a principal, and what to write instead. Runs only after the grammar has refused the text."""

from __future__ import annotations

import re

from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.meant_principals import OtherSpelling, other_host, other_spelling
from rolecall.policy.wording import quoted

FEDERATED_FIELD_HINT = "is an identity provider; send it as `federated.provider_arn`, with the claims beside it"
SERVICE_OF_WHOM_HINT = (
    "does not name the account for which the service acts; write `ACCOUNT_ID@` before it,"
    " since the name alone would mean the account of every role"
)
PLACEHOLDER = re.compile(r"\$\{|\{\{|\$\(|<%|%[sdv]|<[^<>]*>")

_FORMS = {
    "RAM": "`acs:ram::ACCOUNT_ID:root`, `acs:ram::ACCOUNT_ID:user/NAME` or `acs:ram::ACCOUNT_ID:role/NAME`",
    "Service": "a lower-case DNS name with a dot such as `ecs.aliyuncs.com`, or `ACCOUNT_ID@ecs.aliyuncs.com`",
    "Federated": "`acs:ram::ACCOUNT_ID:oidc-provider/NAME` or `acs:ram::ACCOUNT_ID:saml-provider/NAME`",
}
_REQUEST_FORMS = (
    "`acs:ram::ACCOUNT_ID:user/NAME`, `acs:ram::ACCOUNT_ID:role/NAME`, `acs:ram::ACCOUNT_ID:assumed-role/ROLE/SESSION`"
    " or `ACCOUNT_ID@ecs.aliyuncs.com`"
)
_ACCOUNT = re.compile(r"[0-9]{1,20}", re.ASCII)
_MASKED = re.compile(r"[0-9]+\*{2,}[0-9]*|[0-9]*\*{2,}[0-9]+|\*{4,}", re.ASCII)
_SESSION = re.compile(r"acs:(?:ram|sts):[^:]*:[^:]*:(?:assumed-role/[^/]+/.+|role/[^/]+/[^/]+)")
LOGON_DOMAIN = ".onaliyun.com"
_LOGON = re.compile(rf"[A-Za-z0-9._-]{{1,64}}@(?P<account>[0-9]{{1,20}}){re.escape(LOGON_DOMAIN)}", re.ASCII)
_NAMED_KINDS = frozenset({"user", "role"})
_PROVIDER_KINDS = frozenset({"saml-provider", "oidc-provider"})


def refusal_in_document(type_name: str, text: str) -> InvalidPrincipalError:
    """Return what is wrong with a principal of a document."""
    session = None
    if _SESSION.fullmatch(text):
        session = _error(
            text,
            "is one session of a role, which a policy cannot name; name another principal, or, if every session of the role may,"
            " `acs:ram::ACCOUNT_ID:role/NAME`",
        )
    return (
        _any_form(text)
        or session
        or _of_form(text, " under `RAM`")
        or _error(text, f"is not a principal of `{type_name}`; write {_FORMS[type_name]}")
    )


def refusal_of_type(type_name: str, text: str, right: str) -> InvalidPrincipalError:
    """Return the error of a principal under a principal type to which it does not belong; `right` may be empty."""
    if right:
        message = f"{quoted(text)} does not belong under `{type_name}`; write it under `{right}`"
        return InvalidPrincipalError(text, message, suggestion=right)
    whose = "is a host name; name the provider by its ARN," if type_name == "Federated" else "is a host name; write"
    return _error(text, f"{whose} {_FORMS[type_name]}")


def refusal_in_request(text: str) -> InvalidPrincipalError:
    """Return what is wrong with a principal of a request."""
    return (
        _any_form(text)
        or _of_form(text)
        or _meant(text, other_spelling(text))
        or _error(text, f"is not a principal; write {_REQUEST_FORMS}")
    )


def refusal_of_host(text: str, name: str) -> InvalidPrincipalError:
    """Return what is wrong with a service of a request that names no account, and does not belong to Alibaba Cloud."""
    message, suggestion = f"{quoted(text)} {SERVICE_OF_WHOM_HINT}", f"ACCOUNT_ID@{name}"
    return _meant(text, other_host(name)) or InvalidPrincipalError(text, message, suggestion=suggestion)


def _meant(text: str, other: OtherSpelling | None) -> InvalidPrincipalError | None:
    return _error(text, other.words, suggestion=other.form) if other else None


def _any_form(text: str) -> InvalidPrincipalError | None:
    """Return what is wrong with a text whatever its form is, or None."""
    if not text.strip():
        return InvalidPrincipalError(text, "a principal must not be empty; name one, or leave the value out")
    if text != text.strip():
        return _error(text, "begins or ends with white space; remove it")
    if PLACEHOLDER.search(text):
        return _error(text, "holds a placeholder of a template that was not filled in; render the template first")
    if text.startswith("arn:"):
        return _error(text, "is an AWS name; RAM names start with `acs:ram::`, such as `acs:ram::ACCOUNT_ID:user/NAME`")
    if _ACCOUNT.fullmatch(text):
        return _error(
            text, f"is an account id alone; name its user or role, or, for every one of them, `acs:ram::{text}:root`"
        )
    return _wildcard(text)


def _wildcard(text: str) -> InvalidPrincipalError | None:
    if "*" not in text:
        return None
    account = _account(text)
    if _MASKED.fullmatch(account):
        return _error(
            text,
            f"has a masked account id; documentation hides digits of ids (`123456789012****`), so write the whole id"
            f" in place of {quoted(account)}",
            reason="MASKED_ACCOUNT_ID",
        )
    if "*" in account and account != text:
        return _error(
            text,
            "has `*` in its account id; a principal has no wildcards, so write the whole id"
            " (documentation masks ids, as in `123456789012****`)",
            reason="WILDCARD_PRINCIPAL",
        )
    return _error(
        text,
        "has a wildcard; a principal has none, so name each one",
        reason="WILDCARD_PRINCIPAL",
    )


def _account(text: str) -> str:
    """Return the part of a text at the place of the account id."""
    parts = text.split(":", 4)
    if len(parts) == 5:
        return parts[3]
    return text.partition("@")[0]


def _of_form(text: str, under: str = "") -> InvalidPrincipalError | None:
    """Return what is wrong with a text that has the form of an ARN, or of a service, or None. `under` says where a user belongs."""
    if text.lower().startswith("acs:"):
        return _arn(text)
    account, at, domain = text.partition("@")
    if logon := _LOGON.fullmatch(text):
        arn = f"acs:ram::{logon['account']}:user/{account}"
        return _error(text, f"is the logon name of a user; write `{arn}`{under}", suggestion=arn)
    if domain.endswith(LOGON_DOMAIN):
        return _error(text, f"is the logon name of a user; write `acs:ram::ACCOUNT_ID:user/NAME`{under}")
    if at and not _ACCOUNT.fullmatch(account):
        return _error(text, f"must have an account id of 1 to 20 digits before its `@`, not {quoted(account)}")
    lower = text.lower()
    if "." in text and text != lower and text.isascii():
        return _error(text, f"has capital letters; services are lower case, write {quoted(lower)}", suggestion=lower)
    return None


def _arn(text: str) -> InvalidPrincipalError | None:
    parts = text.split(":", 4)
    if len(parts) < 5:
        return _error(text, "is cut short; an ARN of RAM is `acs:ram::ACCOUNT_ID:user/NAME`")
    partition, service, region, account, resource = parts
    if partition != "acs" or service not in ("ram", "sts") or (service == "sts" and "assumed-role/" not in resource):
        return _error(text, "must start with `acs:ram::`, in lower case")
    if region:
        return _error(text, "has a region; the ARN of a principal has none, write `acs:ram::ACCOUNT_ID:...`")
    if not _ACCOUNT.fullmatch(account):
        return _error(text, f"must have an account id of 1 to 20 digits, not {quoted(account)}")
    return _resource(text, resource)


def _resource(text: str, resource: str) -> InvalidPrincipalError | None:
    kind, _, name = resource.partition("/")
    lower = kind.lower()
    if kind != lower and lower in _NAMED_KINDS | _PROVIDER_KINDS | {"root"}:
        return _error(text, f"has {quoted(kind)} for `{lower}`; kinds of principals are lower case")
    if kind in _NAMED_KINDS:
        return _error(text, f"has the {kind} name {quoted(name)}; names are 1 to 64 of `A-Z a-z 0-9 . _ @ -`")
    if kind in _PROVIDER_KINDS:
        return _error(
            text,
            f"has the provider name {quoted(name)}; names are 1 to 128 of `A-Z a-z 0-9 . _ -`"
            " that begin and end with a letter or digit",
        )
    return None


def _error(
    text: str, message: str, *, reason: str = "INVALID_PRINCIPAL", suggestion: str = ""
) -> InvalidPrincipalError:
    return InvalidPrincipalError(text, f"{quoted(text)} {message}", reason=reason, suggestion=suggestion)
