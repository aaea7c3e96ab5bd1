"""Principals, as documents name them and as requests do."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import (
    Principal,
    PrincipalKind,
    principal_of_document,
    principal_of_request,
    provider_of_request,
)

ROOT, USER, ROLE = PrincipalKind.ROOT, PrincipalKind.USER, PrincipalKind.ROLE
SERVICE, SAML, OIDC = PrincipalKind.SERVICE, PrincipalKind.SAML_PROVIDER, PrincipalKind.OIDC_PROVIDER
LONG_LABEL = "a" * 63
LONG_SERVICE = ".".join([LONG_LABEL] * 3 + ["b" * 61])


@pytest.mark.parametrize(
    ("type_name", "text", "principal"),
    [
        ("RAM", "acs:ram::1:root", Principal(ROOT, "1", "")),
        ("RAM", f"acs:ram::{'9' * 20}:root", Principal(ROOT, "9" * 20, "")),
        ("RAM", "acs:ram::123456789012:user/Alice.B_c@d-e", Principal(USER, "123456789012", "Alice.B_c@d-e")),
        ("RAM", f"acs:ram::1:user/{'u' * 64}", Principal(USER, "1", "u" * 64)),
        ("RAM", "acs:ram::1:role/ECSAdmin", Principal(ROLE, "1", "ECSAdmin")),
        ("Service", "ecs.aliyuncs.com", Principal(SERVICE, "", "ecs.aliyuncs.com")),
        ("Service", "12@log.aliyuncs.com", Principal(SERVICE, "12", "log.aliyuncs.com")),
        ("Service", "orders.internal", Principal(SERVICE, "", "orders.internal")),
        ("Service", LONG_SERVICE, Principal(SERVICE, "", LONG_SERVICE)),
        ("Federated", "acs:ram::1:saml-provider/idp", Principal(SAML, "1", "idp")),
        ("Federated", "acs:ram::1:oidc-provider/ack-rrsa-c1.x_y", Principal(OIDC, "1", "ack-rrsa-c1.x_y")),
        ("Federated", f"acs:ram::1:oidc-provider/{'p' * 128}", Principal(OIDC, "1", "p" * 128)),
        ("Federated", "acs:ram::1:oidc-provider/p", Principal(OIDC, "1", "p")),
    ],
)
def test_a_document_names_a_principal(type_name: str, text: str, principal: Principal) -> None:
    assert principal_of_document(type_name, text) == principal
    assert str(principal) == text


@pytest.mark.parametrize(
    ("type_name", "text", "reason", "said"),
    [
        pytest.param("RAM", "*", "WILDCARD_PRINCIPAL", "name each one", id="a-star"),  # row 17 of the faults
        pytest.param(
            "RAM", "acs:ram::1*:root", "WILDCARD_PRINCIPAL", "masks ids", id="part-of-an-id"
        ),  # row 18 of the faults
        pytest.param(
            "RAM", "acs:ram::*:root", "WILDCARD_PRINCIPAL", "whole id", id="any-account"
        ),  # row 18 of the faults
        pytest.param(
            "RAM", "acs:ram::1:user/*", "WILDCARD_PRINCIPAL", "name each one", id="any-user"
        ),  # row 18 of the faults
        pytest.param(
            "Service", "*.aliyuncs.com", "WILDCARD_PRINCIPAL", "wildcard", id="any-service"
        ),  # row 18 of the faults
        pytest.param("RAM", "acs:ram::123456789012****:root", "MASKED_ACCOUNT_ID", "whole id", id="masked-end"),
        pytest.param("RAM", "acs:ram::100******0719:user/A", "MASKED_ACCOUNT_ID", "whole id", id="masked-middle"),
        pytest.param("Service", "177**8@log.aliyuncs.com", "MASKED_ACCOUNT_ID", "`177**8`", id="masked-of-a-service"),
        pytest.param("RAM", "acs:ram::****:root", "MASKED_ACCOUNT_ID", "whole id", id="masked-whole"),
        pytest.param("RAM", "", "INVALID_PRINCIPAL", "empty", id="empty"),
        pytest.param("RAM", " \t", "INVALID_PRINCIPAL", "empty", id="blank"),
        pytest.param("RAM", "acs:ram::${var.id}:root", "INVALID_PRINCIPAL", "template", id="unrendered-hcl"),
        pytest.param("Service", "%s@log.aliyuncs.com", "INVALID_PRINCIPAL", "template", id="unrendered-format"),
        pytest.param("RAM", "{{ arn }}", "INVALID_PRINCIPAL", "template", id="unrendered-braces"),
        pytest.param("RAM", "acs:ram::<id of A>:root", "INVALID_PRINCIPAL", "template", id="angle-brackets"),
        pytest.param("RAM", "arn:aws:iam::1:root", "INVALID_PRINCIPAL", "`acs:ram::`", id="aws"),
        pytest.param("RAM", "123456789012", "INVALID_PRINCIPAL", "`acs:ram::123456789012:root`", id="bare-id"),
        pytest.param(
            "RAM", "acs:ram::1:user/../../root", "INVALID_PRINCIPAL", "user name", id="path"
        ),  # row 19 of the faults
        pytest.param(
            "RAM", "acs:ram::1:user//a", "INVALID_PRINCIPAL", "user name", id="two-slashes"
        ),  # row 19 of the faults
        pytest.param(
            "RAM", "acs:ram::1:user/a/", "INVALID_PRINCIPAL", "user name", id="slash-at-the-end"
        ),  # row 19 of the faults
        pytest.param("RAM", "acs:ram::1:role/", "INVALID_PRINCIPAL", "role name", id="no-name"),
        pytest.param("RAM", f"acs:ram::1:user/{'u' * 65}", "INVALID_PRINCIPAL", "1 to 64", id="name-too-long"),
        pytest.param(
            "RAM", "acs:ram::1:user/\u0430dmin", "INVALID_PRINCIPAL", "user name", id="homoglyph"
        ),  # row 11 of the faults
        pytest.param(
            "RAM", "acs:ram::1:user/a\u200bb", "INVALID_PRINCIPAL", "\\u200b", id="zero-width"
        ),  # row 10 of the faults
        pytest.param(
            "RAM", "acs:ram::1:user/a\u202eb", "INVALID_PRINCIPAL", "\\u202e", id="bidi"
        ),  # row 10 of the faults
        pytest.param(
            "RAM", "acs:ram::1:user/a\n", "INVALID_PRINCIPAL", "white space", id="line-feed"
        ),  # row 13 of the faults
        pytest.param(
            "RAM", "acs:ram::1:root\n", "INVALID_PRINCIPAL", "white space", id="line-feed-after-root"
        ),  # row 13 of the faults
        pytest.param(
            "RAM", "acs:ram::\uff11:root", "INVALID_PRINCIPAL", "20 digits", id="full-width-id"
        ),  # row 12 of the faults
        pytest.param(
            "RAM", "acs:ram::\u0661:root", "INVALID_PRINCIPAL", "20 digits", id="arabic-id"
        ),  # row 12 of the faults
        pytest.param(
            "RAM", "\uff41cs:ram::1:root", "INVALID_PRINCIPAL", "write", id="full-width-prefix"
        ),  # row 12 of the faults
        pytest.param("RAM", f"acs:ram::{'1' * 21}:root", "INVALID_PRINCIPAL", "20 digits", id="id-too-long"),
        pytest.param("RAM", "acs:ram:::root", "INVALID_PRINCIPAL", "20 digits", id="no-id"),
        pytest.param("RAM", "acs:ram:cn:1:root", "INVALID_PRINCIPAL", "region", id="region"),
        pytest.param("RAM", "acs:ecs::1:root", "INVALID_PRINCIPAL", "`acs:ram::`", id="other-product"),
        pytest.param("RAM", "ACS:RAM::1:root", "INVALID_PRINCIPAL", "lower case", id="capital-prefix"),
        pytest.param("RAM", "acs:sts::1:role/R", "INVALID_PRINCIPAL", "`acs:ram::`", id="sts-without-session"),
        pytest.param("RAM", "acs:ram::1", "INVALID_PRINCIPAL", "cut short", id="cut-short"),
        pytest.param("RAM", "acs:ram::1:User/a", "INVALID_PRINCIPAL", "`User` for `user`", id="capital-kind"),
        pytest.param("RAM", "alice@1.onaliyun.com", "INVALID_PRINCIPAL", "`acs:ram::1:user/alice`", id="logon-name"),
        pytest.param("RAM", "alice@corp.onaliyun.com", "INVALID_PRINCIPAL", "logon name", id="logon-name-of-a-domain"),
        pytest.param("Federated", "accounts.example.com", "INVALID_PRINCIPAL", "its ARN", id="host-of-a-provider"),
        pytest.param("RAM", "orders.internal", "INVALID_PRINCIPAL", "host name", id="host-under-ram"),
        pytest.param("RAM", "acs:ram::1:group/g", "INVALID_PRINCIPAL", "is not a principal", id="group"),
        pytest.param("RAM", "acs:ram::1:role/R/S", "INVALID_PRINCIPAL", "one session", id="session"),
        pytest.param("RAM", "acs:ram::1:assumed-role/R/S", "INVALID_PRINCIPAL", "one session", id="assumed-role"),
        pytest.param("RAM", "acs:sts::1:assumed-role/R/S", "INVALID_PRINCIPAL", "one session", id="sts-assumed-role"),
        pytest.param("Service", "ecs", "INVALID_PRINCIPAL", "with a dot", id="service-without-dot"),
        pytest.param("Service", "ECS.aliyuncs.com", "INVALID_PRINCIPAL", "`ecs.aliyuncs.com`", id="capital-service"),
        pytest.param("Service", "-a.b", "INVALID_PRINCIPAL", "is not a principal", id="hyphen-first"),
        pytest.param("Service", "a-.b", "INVALID_PRINCIPAL", "is not a principal", id="hyphen-last"),
        pytest.param("Service", "a..b", "INVALID_PRINCIPAL", "is not a principal", id="empty-label"),
        pytest.param("Service", "a.b.", "INVALID_PRINCIPAL", "is not a principal", id="point-at-the-end"),
        pytest.param("Service", "a_b.c", "INVALID_PRINCIPAL", "is not a principal", id="underscore"),
        pytest.param("Service", f"{'a' * 64}.b", "INVALID_PRINCIPAL", "is not a principal", id="label-too-long"),
        pytest.param("Service", f"a{LONG_SERVICE}", "INVALID_PRINCIPAL", "is not a principal", id="service-too-long"),
        pytest.param("Service", "id@log.aliyuncs.com", "INVALID_PRINCIPAL", "20 digits", id="id-in-words"),
        pytest.param("Service", "@log.aliyuncs.com", "INVALID_PRINCIPAL", "20 digits", id="nothing-before-the-at"),
        pytest.param("Federated", "acs:ram::1:oidc-provider/-p", "INVALID_PRINCIPAL", "provider name", id="provider"),
        pytest.param("Federated", f"acs:ram::1:saml-provider/{'p' * 129}", "INVALID_PRINCIPAL", "1 to 128", id="long"),
        pytest.param("RAM", "ecs.aliyuncs.com", "INVALID_PRINCIPAL", "under `Service`", id="service-under-ram"),
        pytest.param("Service", "acs:ram::1:root", "INVALID_PRINCIPAL", "under `RAM`", id="root-under-service"),
        pytest.param(
            "RAM", "acs:ram::1:oidc-provider/p", "INVALID_PRINCIPAL", "under `Federated`", id="provider-in-ram"
        ),
        pytest.param("AWS", "acs:ram::1:root", "UNKNOWN_PRINCIPAL_TYPE", "`Federated`", id="unknown-type"),
    ],
)
def test_a_malformed_principal_of_a_document_is_refused_with_advice(
    type_name: str, text: str, reason: str, said: str
) -> None:
    with pytest.raises(InvalidPrincipalError) as refused:
        principal_of_document(type_name, text)

    assert refused.value.reason == reason
    assert said in refused.value.message
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "principal"),
    [
        ("acs:ram::1:user/u", Principal(USER, "1", "u")),
        ("acs:ram::1:root", Principal(ROOT, "1", "")),
        ("acs:ram::1:role/R", Principal(ROLE, "1", "R")),
        ("acs:ram::1:role/R/session-1", Principal(ROLE, "1", "R")),
        ("acs:ram::1:assumed-role/R/s", Principal(ROLE, "1", "R")),
        ("acs:sts::1:assumed-role/R/a.b@c_d", Principal(ROLE, "1", "R")),
        ("ecs.aliyuncs.com", Principal(SERVICE, "", "ecs.aliyuncs.com")),
        ("7@ecs.aliyuncs.com", Principal(SERVICE, "7", "ecs.aliyuncs.com")),
        ("7@orders.internal", Principal(SERVICE, "7", "orders.internal")),
    ],
)
def test_a_request_names_its_principal(text: str, principal: Principal) -> None:
    assert principal_of_request(text) == principal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("acs:ram::1:oidc-provider/p", "`federated.provider_arn`", id="oidc-provider"),
        pytest.param("acs:ram::1:saml-provider/p", "`federated.provider_arn`", id="saml-provider"),
        pytest.param("orders.internal", "`ACCOUNT_ID@`", id="in-house-service"),
        pytest.param("evil-aliyuncs.com", "`ACCOUNT_ID@`", id="not-quite-alibaba"),
        pytest.param("acs:ram::1:assumed-role/R", "is not a principal", id="assumed-role-without-session"),
        pytest.param("acs:sts::1:role/R/S", "`acs:ram::`", id="sts-role"),
        pytest.param("acs:ram::1:role/R/", "role name", id="empty-session"),
        pytest.param("acs:ram::1:role/R/S/T", "role name", id="two-sessions"),
        pytest.param(f"acs:ram::1:role/R/{'s' * 65}", "role name", id="session-too-long"),
        pytest.param("acs:ram::123****:user/u", "masked", id="masked"),
        pytest.param("somebody", "is not a principal", id="a-word"),
        pytest.param("", "empty", id="empty"),
    ],
)
def test_a_malformed_principal_of_a_request_is_refused_with_advice(text: str, said: str) -> None:
    with pytest.raises(InvalidPrincipalError) as refused:
        principal_of_request(text)

    assert said in refused.value.message


def test_a_provider_is_read_from_its_arn_alone() -> None:
    assert provider_of_request("acs:ram::1:oidc-provider/p") == Principal(OIDC, "1", "p")
    for text in ("acs:ram::1:user/u", "p", "ecs.aliyuncs.com", ""):
        with pytest.raises(InvalidPrincipalError, match="ARN of a provider"):
            provider_of_request(text)


@given(st.text("acsrm:tole/*1@.-Aurdhi", max_size=40) | st.text(max_size=20))
def test_a_text_is_refused_or_is_the_spelling_of_its_principal(text: str) -> None:
    for type_name in ("RAM", "Service", "Federated"):
        try:
            principal = principal_of_document(type_name, text)
        except InvalidPrincipalError:
            continue
        assert str(principal) == text
