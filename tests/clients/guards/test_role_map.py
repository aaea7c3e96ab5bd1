from __future__ import annotations

import pytest

from rolecall_client.guards import MethodAccess, RoleMap
from rolecall_client.guards.access import CLOSED
from rolecall_client.v1 import policy_pb2, watch_pb2

ORDERS = "/orders.v1.Orders"
POLICY_SERVICE = policy_pb2.DESCRIPTOR.services_by_name["PolicyService"]
WATCH_SERVICE = watch_pb2.DESCRIPTOR.services_by_name["WatchService"]


def test_a_method_has_the_role_of_its_own_entry_before_that_of_its_service() -> None:
    roles = RoleMap({f"{ORDERS}/*": "orders.use", f"{ORDERS}/Refund": "orders.refund"})

    assert roles.find(f"{ORDERS}/Refund").role == "orders.refund"
    assert roles.find(f"{ORDERS}/Get").role == "orders.use"
    assert roles.roles == {"orders.refund", "orders.use"}


@pytest.mark.parametrize(
    "method",
    [
        "/orders.v1.Order/Refund",
        "/orders.v1.orders/Refund",
        "orders.v1.Orders/Refund",
        f"{ORDERS}/refund",
        f"/{ORDERS}/Refund",
        "",
        "/",
        "/*",
    ],
)
def test_a_method_that_no_entry_names_is_closed(method: str) -> None:
    roles = RoleMap({f"{ORDERS}/Refund": "orders.refund"})

    assert roles.find(method) == CLOSED


def test_a_public_method_is_public_alone() -> None:
    roles = RoleMap({f"{ORDERS}/*": "orders.use"}, public=["/grpc.health.v1.Health/*"])

    assert roles.find("/grpc.health.v1.Health/Check") == MethodAccess("/grpc.health.v1.Health/*", public=True)
    assert not roles.find(f"{ORDERS}/Get").public


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("orders.v1.Orders/Refund", "names no method"),
        ("/orders.v1.Orders", "names no method"),
        ("/orders.v1.Orders/Re*", "names no method"),
        ("/*/Refund", "names no method"),
        ("/*", "names no method"),
        ("/orders.v1.Orders/Refund ", "names no method"),
    ],
)
def test_a_map_whose_entry_names_no_method_is_invalid(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        RoleMap({pattern: "orders.refund"})


@pytest.mark.parametrize("role", ["", "*", "orders/refund/x", "acs:ram::1:user/alice", "two words", "/refund"])
def test_a_map_whose_entry_has_no_role_is_invalid(role: str) -> None:
    with pytest.raises(ValueError, match="names no role"):
        RoleMap({f"{ORDERS}/Refund": role})


@pytest.mark.parametrize(
    "role", ["orders.refund", "123456789012/orders.refund", "prod/orders.refund", "acs:ram::1:role/orders"]
)
def test_a_role_may_have_every_spelling(role: str) -> None:
    assert RoleMap({f"{ORDERS}/Refund": role}).roles == {role}


def test_an_empty_map_is_invalid() -> None:
    with pytest.raises(ValueError, match="names 1 to 10,000 methods, and this one 0"):
        RoleMap({})


def test_a_method_that_is_public_and_has_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="has a role and is public"):
        RoleMap({f"{ORDERS}/Refund": "orders.refund"}, public=[f"{ORDERS}/Refund"])


def test_a_text_in_place_of_the_list_of_public_methods_is_refused() -> None:
    with pytest.raises(TypeError, match="is a list of methods"):
        RoleMap({}, public="/grpc.health.v1.Health/*")


def test_a_misspelt_method_of_a_described_service_is_refused_rather_than_left_to_the_entry_for_all() -> None:
    service = "/rolecall.v1.PolicyService"

    with pytest.raises(ValueError, match="ValidateTrustPolic` is no method"):
        RoleMap({f"{service}/ValidateTrustPolic": "strict", f"{service}/*": "loose"}, services=[POLICY_SERVICE])


def test_a_method_of_a_described_service_that_the_map_misses_is_refused() -> None:
    with pytest.raises(ValueError, match=r"WatchService/WatchRoles` has no role"):
        RoleMap({"/rolecall.v1.PolicyService/*": "policies"}, services=[POLICY_SERVICE, WATCH_SERVICE])


def test_a_map_that_names_every_method_of_the_described_services_is_valid() -> None:
    roles = RoleMap(
        {"/rolecall.v1.PolicyService/*": "policies", "/rolecall.v1.WatchService/WatchRoles": "watch"},
        public=["/grpc.health.v1.Health/Check"],
        services=[POLICY_SERVICE, WATCH_SERVICE],
    )

    assert roles.find("/rolecall.v1.WatchService/WatchRoles").role == "watch"
