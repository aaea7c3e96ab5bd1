"""At which actions and resources two callers files are compared, and how what is gained is shown."""

from __future__ import annotations

import pytest

from rolecall.callers import comparison
from rolecall.callers.comparison import RightsChange, TooMuchToCompareError, compare_callers
from rolecall.callers.declarations import CallersFile
from tests.callers.files import ACCOUNT, ISSUER, ORDERS, allowing, callers, entry
from tests.callers.test_comparison import NOW, SHOP, denying, gains, of


@pytest.mark.parametrize(
    "pattern",
    [
        f"acs:ram:*:{ACCOUNT}:role/shop-?", f"acs:ram::{ACCOUNT}:role/app", "acs:ram:*:*:role/*", "acs:ra?:*:*:*", "acs:*:*:*:user/a*b",
        f"acs:ram:*:{ACCOUNT}:*/?x", "acs:ram:*:1?:role/a", "acs:r*m:*:*:role/x", f"acs:ram:*:{ACCOUNT}:role/a:b:?", "acs:*", "acs:ram:*",
    ],
)  # fmt: skip
def test_a_right_on_a_pattern_is_compared_at_a_resource_of_the_pattern(pattern: str) -> None:
    elsewhere = of(allowing("ram:GetRole", resource=f"acs:ram:*:{ACCOUNT}:policy/p"))

    assert f"{ORDERS} may ram:GetRole {pattern}" in gains(elsewhere, of(allowing("ram:GetRole", resource=pattern)))
    assert gains(of(allowing("ram:GetRole", resource=pattern)), of(allowing("ram:GetRole", resource=pattern))) == []


@pytest.mark.parametrize(
    "pattern", ["acs:oss:*:*:bucket-*/x?", "acs:ecs:cn-hangzhou:1:instance/*", "acs:oss:cn-?:*:b", "acs:oss:*:7:b"]
)
def test_a_right_on_a_resource_of_another_product_is_compared_with_its_region(pattern: str) -> None:
    assert gains(callers(), of(allowing("oss:GetObject", resource=pattern))) == [
        f"{ORDERS} may oss:getobject {pattern}"
    ]


def test_a_pattern_of_every_product_is_compared_at_a_resource_of_ram() -> None:
    old = of(allowing("ram:GetRole", resource="acs:ram:*:*:*"))

    assert gains(old, of(allowing("ram:GetRole", resource="acs:*:*:*:*"))) == []
    assert gains(old, of(allowing("ram:GetRole", resource="acs:*"))) == []


def test_resources_of_ram_have_no_region_that_could_be_gained() -> None:
    assert (
        gains(
            of(allowing("ram:GetRole", resource="acs:ram::*:*")), of(allowing("ram:GetRole", resource="acs:ram:*:*:*"))
        )
        == []
    )


def test_a_pattern_of_actions_is_compared_at_the_actions_that_it_matches() -> None:
    for pattern in ("ram:GetRol?", "ram:?etRole", "ram:GetRo*e"):
        assert gains(callers(), of(allowing(pattern))) == [f"{ORDERS} may ram:GetRole every resource"]


def test_actions_are_grouped_by_product_only_if_they_are_all_of_it() -> None:
    none, all_of_it = callers(), of(allowing("oss:GetObject", "sts:*", "ram:GetRole"))

    assert gains(none, all_of_it) == [
        f"{ORDERS} may ram:GetRole every resource",
        f"{ORDERS} may sts:* every resource",
        f"{ORDERS} may oss:getobject every resource",
    ]
    two = of(allowing("oss:GetObject", "oss:PutObject"))
    assert gains(none, two) == [f"{ORDERS} may oss:* every resource"]
    assert gains(none, callers(entry(policies=["AdministratorAccess"]))) == [f"{ORDERS} may * every resource"]


def test_actions_that_are_gained_on_the_same_resources_stand_together() -> None:
    old = of(allowing("ram:DeleteRole", resource=SHOP))
    new = of(allowing("ram:GetRole", "ram:ListRoles"), allowing("ram:CreateRole", resource=SHOP))

    assert gains(old, new) == [
        f"{ORDERS} may ram:CreateRole {SHOP}",
        f"{ORDERS} may ram:GetRole every resource",
        f"{ORDERS} may ram:ListRoles every resource",
    ]


def test_a_condition_is_another_one_by_its_operator_its_key_and_its_values() -> None:
    def under(operator: str, key: str, *values: str) -> CallersFile:
        return of(allowing("ram:GetRole", Condition={operator: {key: list(values)}}))

    first = under("StringEquals", "acs:ResourceTag/team", "a", "b")
    gained = [f"{ORDERS} may ram:GetRole every resource"]

    assert gains(first, under("StringEquals", "acs:ResourceTag/team", "b", "a")) == []
    for other in (
        under("StringLike", "acs:ResourceTag/team", "a", "b"),
        under("StringEquals", "acs:ResourceTag/stage", "a", "b"),
        under("StringEquals", "acs:ResourceTag/team", "a"),
    ):
        assert gains(first, other) == gains(other, first) == gained


def test_an_allow_without_conditions_covers_one_with_an_end_and_not_the_other_way_round() -> None:
    names = {"P": allowing("ram:GetRole"), "Q": allowing("ram:GetRole", Condition={"Bool": {"acs:MFAPresent": "true"}})}
    soon, late = "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"

    def ending(*entries: tuple[str, str]) -> CallersFile:
        return callers(
            *(entry(f"e{n}", policies=[name], until=until) for n, (name, until) in enumerate(entries)), policies=names
        )

    assert gains(ending(("P", late)), ending(("P", soon), ("Q", late))) == []
    assert gains(ending(("P", soon), ("Q", late)), ending(("P", late))) != []
    assert gains(ending(("P", late), ("P", soon)), ending(("P", late))) == []


def test_a_deny_for_a_time_or_under_a_condition_leaves_what_is_allowed() -> None:
    deny, allow = denying("ram:*", "*"), allowing("ram:GetRole")
    forever = callers(entry("a", policies=["A"]), entry("d", policies=["D"]), policies={"A": allow, "D": deny})
    for_a_time = callers(
        entry("a", policies=["A"]),
        entry("d", policies=["D"], until="2027-01-01T00:00:00Z"),
        policies={"A": allow, "D": deny},
    )

    assert gains(callers(), forever) == []
    assert gains(callers(), for_a_time) == gains(forever, for_a_time) == [f"{ORDERS} may ram:GetRole every resource"]
    assert gains(for_a_time, forever) == []


def test_every_allow_must_have_been_covered_and_every_deny_must_still_be_there() -> None:
    def under(team: str) -> dict[str, object]:
        return {"StringEquals": {"acs:ResourceTag/team": team}}

    shop, payroll = (allowing("ram:GetRole", Condition=under(team)) for team in ("shop", "payroll"))
    no_shop, no_payroll = (denying("ram:*", "*", Condition=under(team)) for team in ("shop", "payroll"))
    allow, gained = allowing("ram:GetRole"), [f"{ORDERS} may ram:GetRole every resource"]

    for one, both in ((of(shop), of(shop, payroll)), (of(payroll), of(shop, payroll))):
        assert (gains(one, both), gains(both, one)) == (gained, [])
    for one, both in (
        (of(allow, no_shop), of(allow, no_shop, no_payroll)),
        (of(allow, no_payroll), of(allow, no_shop, no_payroll)),
    ):
        assert (gains(both, one), gains(one, both)) == (gained, [])


def test_a_caller_is_named_with_its_audience_and_its_certificate() -> None:
    match = {"oidc": {"issuer": ISSUER, "subject": "a:*", "audience": "rolecall"}}
    new = callers(entry(match=match, via={"dns": "*.proxy.svc"}, policies=["RolecallChecker"]))

    gained = gains(callers(), new)

    assert {line.partition(" may ")[0] for line in gained} == {f"{ISSUER} a:* (audience rolecall) via *.proxy.svc"}
    other = {"oidc": {"issuer": ISSUER, "subject": "a:*", "audience": "other"}}
    assert len(gains(new, callers(entry(match=other, policies=["RolecallChecker"])))) == len(gained)


def test_the_callers_of_both_files_are_compared_once_each_in_their_order() -> None:
    first, second, third = (entry(name, match={"dns": f"{name}.svc"}, policies=["P"]) for name in "abc")
    names = {"P": allowing("ram:GetRole")}

    compared = compare_callers(
        callers(first, second, policies=names),
        callers(second, third, first | {"policies": ["P"]}, policies=names),
        now=NOW,
    )

    assert compared.gains == (RightsChange("c.svc", "may", "ram:GetRole", "every resource"),)
    assert compared.losses == ()


def test_a_principal_that_is_taken_away_is_a_loss() -> None:
    bound = callers(entry(principal=f"acs:ram::{ACCOUNT}:user/a"))

    compared = compare_callers(bound, callers(entry()), now=NOW)

    assert (compared.gains, [" ".join(filter(None, change)) for change in compared.losses]) == (
        (),
        [f"{ORDERS} is acs:ram::{ACCOUNT}:user/a"],
    )


def test_what_is_trusted_anew_is_said_for_each_kind() -> None:
    provider = {
        "arn": f"acs:ram::{ACCOUNT}:oidc-provider/ci", "issuer": "https://ci.example", "audiences": ["sts"], "jwks_file": "/ci.json",
    }  # fmt: skip
    new = callers(providers=[provider]).with_authorities({"prod.example": b"one", "dev.example": b"two"})
    old = CallersFile()

    compared = compare_callers(old, new, now=NOW)

    assert compared.gains == (
        RightsChange("prod.example", "is a trust domain, whose CA names callers"),
        RightsChange("dev.example", "is a trust domain, whose CA names callers"),
        RightsChange(ISSUER, "is an issuer, whose keys name callers"),
        RightsChange(f"acs:ram::{ACCOUNT}:oidc-provider/ci", "is a provider, whose keys name federated identities"),
    )
    assert compared.losses == ()
    assert compare_callers(new, new, now=NOW).gains == ()


def test_as_many_combinations_as_the_limit_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = of(allowing("ram:GetRole", resource=SHOP)), of(allowing("ram:GetRole", "ram:ListRoles", resource=SHOP))
    # Two actions at one resource, each with the statement of either file; and back.
    monkeypatch.setattr(comparison, "MAX_COMPARED", 6)
    compare_callers(old, new, now=NOW)
    monkeypatch.setattr(comparison, "MAX_COMPARED", 5)

    with pytest.raises(TooMuchToCompareError, match="more than 5 combinations of statements, actions and resources"):
        compare_callers(old, new, now=NOW)
