"""Floods of tokens: what they make the server fetch, remember and verify."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rolecall.callers.directory import CallerDirectory
from rolecall.security.tokens import caller_tokens
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.faults import RefusedTokenError
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.remembered import MAX_BYTES, MAX_TOKENS
from rolecall.security.tokens.verifier import verify_token
from rolecall.transport.options import GRPCIO, H2
from tests.security.known_callers import callers_file, causes, serving_callers
from tests.security.test_caller_tokens import bearer, oidc
from tests.security.tokens.issuing import MICROS, Issuer, Site, https_site
from tests.server.serving import Served, check
from tests.transport.refusals import refused

LOCAL = {"name": "local", "match": {"local": True}, "policies": ["AdministratorAccess"]}


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(now=int(time.time()))


@asynccontextmanager
async def trusting(site: Site, issuer: Issuer, folder: Path, transport: str) -> AsyncIterator[Served]:
    (folder / "ca.pem").write_bytes(site.authority)
    value = {"issuers": {issuer.issuer: {"jwks_url": site.url}}, "callers": [LOCAL, oidc(issuer.issuer, "alice")]}
    hosts = {"jwks_host": "localhost=127.0.0.1,localhost=::1", "jwks_ca": str(folder / "ca.pem")}
    async with serving_callers(CallerDirectory(callers_file(value)), transport=transport, **hosts) as service:
        yield service


# Row 62 of the faults.
@pytest.mark.parametrize("transport", [GRPCIO, H2])
async def test_a_flood_of_unknown_keys_asks_the_issuer_once(issuer: Issuer, tmp_path: Path, transport: str) -> None:
    with https_site(issuer.key_set()) as site:
        async with trusting(site, issuer, tmp_path, transport) as service:
            check_role = service.decisions.CheckAssumeRole
            for number in range(200):
                token = issuer.token(header={"kid": f"unknown-{number}"})
                await refused(check_role(check(), metadata=bearer(token)))
            known = await check_role(check(), metadata=bearer(issuer.token()))
            counted = service.server.refusals.counts["UNKNOWN_KEY"]

    assert site.paths == ["/jwks"]
    assert known.HasField("decision")
    assert counted == 200


# Row 63 of the faults.
@pytest.mark.parametrize("transport", [GRPCIO, H2])
async def test_an_issuer_that_is_down_costs_its_own_callers_and_nobody_else(
    issuer: Issuer, tmp_path: Path, transport: str
) -> None:
    with https_site(b"") as site:
        site.status = 503
        async with trusting(site, issuer, tmp_path, transport) as service:
            check_role = service.decisions.CheckAssumeRole
            await refused(check_role(check(), metadata=bearer(issuer.token())))
            local = await check_role(check())
            not_ready = service.server.health.not_ready()

    assert local.HasField("decision")
    assert not not_ready
    assert causes(service) == ["NO_KEYS"]


class Recognising:
    """Tokens of one issuer, without a server."""

    def __init__(self, issuer: Issuer, folder: Path) -> None:
        (folder / "keys.json").write_bytes(issuer.key_set())
        value = {
            "issuers": {issuer.issuer: {"jwks_file": str(folder / "keys.json")}},
            "callers": [oidc(issuer.issuer, "alice")],
        }
        sets = KeySets()
        self.tokens = CallerTokens(CallerDirectory(callers_file(value)), sets)
        for keys in sets.by_owner().values():
            keys.refresh()
        self.now = issuer.now * MICROS


def test_tokens_of_thousands_of_subjects_take_a_limited_memory(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, sizes = Recognising(issuer, tmp_path), list[int]()
    verified = known.tokens.recognised(issuer.token(sub="s" * 1_000), known.now).verified
    monkeypatch.setattr(caller_tokens, "verify_token", lambda *_: verified)  # the signatures are not the subject
    for number in range(30_000):
        known.tokens.recognised(f"token {number}", known.now)
        sizes.append(known.tokens.remembered.bytes)

    assert MAX_BYTES // 2 < max(sizes) <= MAX_BYTES
    assert len(known.tokens.remembered) <= MAX_TOKENS


def test_refused_tokens_leave_nothing_behind(issuer: Issuer, tmp_path: Path) -> None:
    known = Recognising(issuer, tmp_path)
    bad = [issuer.token(aud="other", jti=str(number)) for number in range(200)]
    for token in [*bad, *(f"rct_{number}" for number in range(200)), *("x" * 20_000 for _ in range(200))]:
        with pytest.raises(RefusedTokenError):
            known.tokens.recognised(token, known.now)

    assert (known.tokens.remembered.bytes, len(known.tokens.remembered)) == (0, 0)


def test_a_forged_token_that_is_read_twice_in_a_moment_is_verified_once(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, verified = Recognising(issuer, tmp_path), list[str]()

    def noted(text: str, *rest: Any) -> Any:
        verified.append(text)
        return verify_token(text, *rest)

    monkeypatch.setattr(caller_tokens, "verify_token", noted)
    forged = Issuer(now=issuer.now).token()
    for moment in (0, 1, 200_000):
        with pytest.raises(RefusedTokenError):
            known.tokens.recognised(forged, known.now + moment)

    assert verified == [forged, forged]


def test_a_recognised_token_weighs_what_it_takes(issuer: Issuer, tmp_path: Path) -> None:
    for length in (10, 1_000):
        known = Recognising(issuer, tmp_path)
        tokens = [issuer.token(sub=f"{number}{'s' * length}") for number in range(200)]
        known.tokens.recognised(tokens[0], known.now)
        before = known.tokens.remembered.bytes
        tracemalloc.start()
        for token in tokens[1:]:
            known.tokens.recognised(token, known.now)
        measured, weight = tracemalloc.get_traced_memory()[0], known.tokens.remembered.bytes - before
        tracemalloc.stop()

        # The rest is for the caller, which is added when the token is used.
        assert measured <= weight <= measured + 199 * 1_500
