from __future__ import annotations

import pytest

from rolecall.callers import comparison
from rolecall.callers.comparison import TooMuchToCompareError, compare_callers
from rolecall.callers.declarations import CallersFile
from tests.callers.files import ACCOUNT, ISSUER, ORDERS, TOKEN_HASH, allowing, callers, entry

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
SHOP = f"acs:ram:*:{ACCOUNT}:role/shop-*"


def gains(old: CallersFile, new: CallersFile) -> list[str]:
    """Return what is gained from `old` to `new`; what is lost the other way round must be the same."""
    there, back = compare_callers(old, new, now=NOW), compare_callers(new, old, now=NOW)
    assert (there.gains, there.losses) == (back.losses, back.gains)
    return [" ".join(filter(None, change)) for change in there.gains]


def of(*policies: dict[str, object], **fields: object) -> CallersFile:
    """Return a file with one caller that has these policies."""
    names = {f"P{number}": policy for number, policy in enumerate(policies)}
    return callers(entry(policies=list(names), **fields), policies=names)


def denying(action: str, resource: str, **fields: object) -> dict[str, object]:
    return {"Version": "1", "Statement": [{"Effect": "Deny", "Action": action, "Resource": resource, **fields}]}


def test_the_same_rights_in_other_words_are_no_gain() -> None:
    old = of(allowing("ram:GetRole", "ram:ListRoles"))
    new = of(allowing("ram:ListRoles"), allowing("RAM:GETROLE"))

    assert gains(old, new) == []
    assert gains(new, old) == []


def test_another_action_is_a_gain() -> None:
    assert gains(of(allowing("ram:GetRole")), of(allowing("ram:GetRole", "ram:DeleteRole"))) == [
        f"{ORDERS} may ram:DeleteRole every resource"
    ]


def test_all_actions_of_a_product_are_one_line() -> None:
    assert gains(of(allowing("ram:GetRole", resource=SHOP)), of(allowing("sts:*", "ram:GetRole", resource=SHOP))) == [
        f"{ORDERS} may sts:* {SHOP}"
    ]


def test_more_resources_are_a_gain_and_fewer_are_not() -> None:
    narrow, wide = of(allowing("ram:GetRole", resource=SHOP)), of(allowing("ram:GetRole"))

    assert gains(narrow, wide) == [
        f"{ORDERS} may ram:GetRole calls that name no resource",
        f"{ORDERS} may ram:GetRole any other resource",
    ]
    assert gains(wide, narrow) == []


def test_a_deny_that_goes_is_a_gain_where_something_allows() -> None:
    deny = denying("ram:*", SHOP)
    allow = allowing("ram:GetRole")

    assert gains(of(allow, deny), of(allow)) == [f"{ORDERS} may ram:GetRole {SHOP}"]
    assert gains(of(deny), of(denying("ram:*", f"acs:ram:*:{ACCOUNT}:role/x"))) == []


def test_fewer_conditions_are_a_gain_and_more_are_not() -> None:
    condition = {"StringEquals": {"acs:ResourceTag/team": "shop"}}
    free, bound = of(allowing("ram:GetRole")), of(allowing("ram:GetRole", Condition=condition))
    other = of(allowing("ram:GetRole", Condition={"StringEquals": {"acs:ResourceTag/team": ["shop", "x"]}}))

    assert gains(bound, free) == [f"{ORDERS} may ram:GetRole every resource"]
    assert gains(free, bound) == []
    assert gains(bound, other) != []


def test_a_deny_with_a_condition_more_is_a_gain() -> None:
    condition = {"StringEquals": {"acs:ResourceTag/team": "shop"}}
    allow = allowing("ram:GetRole")
    always, sometimes = of(allow, denying("ram:*", "*")), of(allow, denying("ram:*", "*", Condition=condition))

    assert gains(always, sometimes) == [f"{ORDERS} may ram:GetRole every resource"]
    assert gains(sometimes, always) == []


def test_a_later_end_is_a_gain() -> None:
    soon, late = (of(allowing("ram:GetRole"), until=f"{year}-01-01T00:00:00Z") for year in (2027, 2028))
    ended, endless = of(allowing("ram:GetRole"), until="2026-01-01T00:00:00Z"), of(allowing("ram:GetRole"))

    assert (
        gains(soon, late) == gains(late, endless) == gains(ended, soon) == [f"{ORDERS} may ram:GetRole every resource"]
    )
    assert gains(endless, ended) == []


def test_a_policy_that_cannot_reach_the_actions_of_this_service_gives_none_of_them() -> None:
    [*gained] = gains(callers(), of(allowing("*")))

    assert gained == [f"{ORDERS} may ram:* every resource", f"{ORDERS} may sts:* every resource"]


def test_a_caller_that_a_pattern_covered_before_gains_nothing() -> None:
    old = callers(entry(match={"spiffe": "spiffe://prod.example/ns/*/sa/orders"}))
    new = callers(entry())

    assert gains(old, new) == []
    assert gains(new, old) != []


def test_another_principal_is_a_gain() -> None:
    bound = callers(entry(principal=f"acs:ram::{ACCOUNT}:role/Orders"))

    assert gains(callers(entry()), bound) == [f"{ORDERS} is acs:ram::{ACCOUNT}:role/orders"]
    assert gains(callers(entry(principal=f"acs:ram::{ACCOUNT}:role/ORDERS")), bound) == []
    assert gains(callers(entry(principal=f"acs:ram::{ACCOUNT}:role/other")), bound) == [
        f"{ORDERS} is acs:ram::{ACCOUNT}:role/orders"
    ]


def test_a_token_that_needs_no_certificate_any_more_is_a_gain() -> None:
    old = callers(entry(match={"token_sha256": TOKEN_HASH}, via={"dns": "proxy.svc"}))
    new = callers(entry(match={"token_sha256": TOKEN_HASH}))

    gained = gains(old, new)

    assert len(gained) == 3
    assert all(line.startswith(f"token:{TOKEN_HASH} may") for line in gained)


def test_two_principals_of_one_caller_take_its_rights() -> None:
    one = entry("one", principal=f"acs:ram::{ACCOUNT}:user/a")
    conflict = callers(one, entry("two", principal=f"acs:ram::{ACCOUNT}:user/b"))

    assert gains(callers(one), conflict) == []
    assert gains(conflict, callers(one))[0] == f"{ORDERS} is acs:ram::{ACCOUNT}:user/a"


def test_whom_the_server_trusts_is_compared() -> None:
    provider = {
        "arn": f"acs:ram::{ACCOUNT}:oidc-provider/ci",
        "issuer": "https://ci.example",
        "audiences": ["sts"],
        "jwks_file": "/ci.json",
    }
    old = callers().with_authorities({"prod.example": b"one", "dev.example": b"two"})
    new = callers(issuers={ISSUER: {"jwks_file": "/other.json"}}, providers=[provider]).with_authorities(
        {"prod.example": b"three", "dev.example": b"two"}
    )

    compared = compare_callers(old, new, now=NOW)

    assert [change.caller for change in compared.gains] == [
        "prod.example",
        ISSUER,
        f"acs:ram::{ACCOUNT}:oidc-provider/ci",
    ]
    assert [change.caller for change in compared.losses] == ["prod.example", ISSUER]


def test_the_number_of_combinations_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MAX_COMPARED", 1)

    with pytest.raises(TooMuchToCompareError, match="more than 1 combinations"):
        compare_callers(callers(), callers(entry()), now=NOW)
