from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from rolecall_client.guards import RouteMap
from rolecall_client.guards.access import CLOSED

ROUTES = RouteMap(
    {
        "GET /orders": "list",
        "GET /orders/{id}": "read",
        "POST /orders/{id}/refund": "refund",
        "POST /orders/bulk/refund": "bulk",
        "* /orders/*": "use",
        "GET /orders/*": "browse",
        "WEBSOCKET /feed": "feed",
    },
    public=["GET /healthz", "OPTIONS /*"],
)


@pytest.mark.parametrize(
    ("route", "role"),
    [
        ("GET /orders", "list"),
        ("HEAD /orders", "list"),
        ("GET /orders/7", "read"),
        ("POST /orders/7/refund", "refund"),
        ("POST /orders/bulk/refund", "bulk"),
        ("DELETE /orders/7", "use"),
        ("DELETE /orders/7/refund", "use"),
        ("GET /orders/7/lines", "browse"),
        ("GET /orders/", "browse"),
        ("POST /orders/", "use"),
        ("WEBSOCKET /feed", "feed"),
    ],
)
def test_the_most_exact_entry_counts(route: str, role: str) -> None:
    assert ROUTES.find(route).role == role


@pytest.mark.parametrize(
    "route",
    [
        "POST /orders",
        "GET /Orders",
        "get /orders",
        "GET /feed",
        "WEBSOCKET /orders/7",
        "GET /healthz/",
        "GET /orders/../healthz",
        "GET /orders//7",
        "GET //orders",
        "GET /./healthz",
        "GET orders",
        "GET ",
        "",
        "OPTIONS /orders/../x",
        "GET /orders/" + "a/" * 100,
    ],
)
def test_a_route_that_no_entry_names_or_that_two_readers_could_read_differently_is_closed(route: str) -> None:
    assert ROUTES.find(route) == CLOSED


def test_an_entry_for_everything_includes_the_root() -> None:
    routes = RouteMap({"* /*": "all"})

    assert routes.find("GET /").role == "all"
    assert routes.find("GET /a/b").role == "all"
    assert routes.find("WEBSOCKET /a") == CLOSED


def test_public_routes_are_public() -> None:
    assert ROUTES.find("GET /healthz").public
    assert ROUTES.find("OPTIONS /orders/7").public is False  # `* /orders/*` is more exact
    assert ROUTES.find("OPTIONS /other").public


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("/orders", "is no route"),
        ("get /orders", "is no route"),
        ("GET orders", "is no route"),
        ("GET  /orders", "is no route"),
        ("GET /orders/{id", "has the segment"),
        ("GET /orders/*/refund", "has the segment"),
        ("GET /orders/7*", "has the segment"),
        ("GET /a%2fb", "has the segment"),
        ("GET /orders//x", "never matches"),
        ("GET /orders/../x", "never matches"),
        ("GET /" + "a/" * 64, "the limit is 64"),
    ],
)
def test_a_map_whose_entry_is_no_route_is_invalid(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        RouteMap({pattern: "role"})


def test_two_names_of_one_parameter_are_one_route() -> None:
    with pytest.raises(ValueError, match="are the same route"):
        RouteMap({"GET /orders/{id}": "read", "GET /orders/{number}": "other"})


def test_a_public_route_that_also_has_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="are the same route"):
        RouteMap({"GET /orders/{id}": "read"}, public=["GET /orders/{number}"])


SEGMENTS = st.sampled_from(["a", "b", "{x}"])


@given(
    patterns=st.lists(st.lists(SEGMENTS, min_size=1, max_size=4).map(tuple), min_size=1, max_size=8, unique=True),
    rests=st.sets(st.integers(0, 7)),
    path=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5),
)
def test_the_entry_that_counts_is_the_first_of_all_that_match(
    patterns: list[tuple[str, ...]], rests: set[int], path: list[str]
) -> None:
    # The rule of the documentation, read literally: compare every entry, then take the most exact one from the left.
    named = {(*pattern, "*") if number in rests else pattern for number, pattern in enumerate(patterns)}

    def rank(pattern: tuple[str, ...]) -> list[int] | None:
        ranks: list[int] = []
        for number, segment in enumerate(pattern):
            if segment == "*":
                return [*ranks, 2] if number < len(path) else None
            if number >= len(path) or segment not in {"{x}", path[number]}:
                return None
            ranks.append(1 if segment == "{x}" else 0)
        return ranks if len(pattern) == len(path) else None

    matching = sorted((rank_of, pattern) for pattern in named if (rank_of := rank(pattern)) is not None)
    routes = RouteMap(
        {f"GET /{'/'.join(pattern)}": "-".join(pattern).translate(str.maketrans("{}*", "...")) for pattern in named}
    )

    found = routes.find(f"GET /{'/'.join(path)}")

    assert found.pattern == (f"GET /{'/'.join(matching[0][1])}" if matching else "")
