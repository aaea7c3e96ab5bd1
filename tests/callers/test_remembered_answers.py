"""An answer that is remembered is the answer that would be given: it depends on the caller, the question and its values."""

from __future__ import annotations

from itertools import product

import pytest

from rolecall.callers import granted
from rolecall.callers.caller import AccessKeys
from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.granted import CallersGeneration
from rolecall.callers.rights import KnownCaller
from tests.callers.files import ACCOUNT, ORDERS, allowing, callers, entry
from tests.callers.test_directory import ORDERS_CREDENTIAL, UNTIL, UNTIL_MICROS, Clock, of_policy, orders

TEAM, STAGE = "acs:ResourceTag/team", "acs:ResourceTag/stage"
SHOP, PAYROLL = f"acs:ram::{ACCOUNT}:role/shop", f"acs:ram::{ACCOUNT}:role/payroll"
OTHER = Credential(kind=CredentialKind.SPIFFE, identity=f"{ORDERS}-2")

QUESTIONS = list(
    product(
        (ORDERS_CREDENTIAL, OTHER),
        ("ram:GetRole", "ram:DeleteRole"),
        (SHOP, PAYROLL),
        ("shop", "payroll", None),
        ("test", "live", None),
    )
)


@pytest.mark.parametrize("tags", [{}, {TEAM: "shop"}, {TEAM: "shop", STAGE: "test"}], ids=["none", "one", "two"])
@pytest.mark.parametrize("order", [1, -1])
def test_each_answer_is_that_of_a_directory_that_remembers_nothing(tags: dict[str, str], order: int) -> None:
    fields = {"Condition": {"StringEquals": tags}} if tags else {}
    file = callers(
        entry(policies=["P"]),
        entry("other", match={"spiffe": OTHER.identity}, policies=["Q"]),
        policies={
            "P": allowing("ram:GetRole", resource=SHOP, **fields),
            "Q": allowing("ram:DeleteRole", resource=PAYROLL, **fields),
        },
    )
    directory = CallerDirectory(file)
    known = {credential: orders(directory, credential) for credential in (ORDERS_CREDENTIAL, OTHER)}

    for credential, action, resource, team, stage in QUESTIONS[::order]:
        keys = {key: (value,) for key, value in ((TEAM, team), (STAGE, stage)) if value is not None}
        given = {TEAM: team, STAGE: stage}
        expected = (credential, action, resource) in {
            (ORDERS_CREDENTIAL, "ram:GetRole", SHOP), (OTHER, "ram:DeleteRole", PAYROLL),
        } and all(given[tag] == value for tag, value in tags.items())  # fmt: skip
        assert known[credential].allows(action, resource, keys) is expected, (credential, action, resource, keys)


def answers(caller: KnownCaller, keys: AccessKeys) -> tuple[bool, int | None]:
    return caller.allows("ram:GetRole", SHOP, keys), caller.allowed_until("ram:GetRole", SHOP, keys)


def test_an_answer_ends_with_the_first_of_its_entry_and_its_condition() -> None:
    condition = {"DateLessThan": {"acs:CurrentTime": "2026-02-01T00:00:00Z"}}
    for until, end in ((UNTIL, UNTIL_MICROS), ("2027-01-01T00:00:00Z", UNTIL_MICROS + 31 * 86_400_000_000)):
        clock = Clock()
        file = of_policy(allowing("ram:GetRole", Condition=condition), until=until)
        caller = orders(CallerDirectory(file, clock=clock))

        before = answers(caller, {})
        clock.now = end

        assert (before, answers(caller, {})) == ((True, end), (False, None))


def test_ten_thousand_rights_of_a_generation_keep_their_numbers() -> None:
    generation = CallersGeneration(None)
    first = generation.number_of(0)

    for number in range(10_000):
        generation.number_of(number)
    kept = generation.number_of(0)
    generation.number_of("one more")

    assert (kept == first, generation.number_of(0) == first) == (True, False)


def test_a_caller_has_at_most_twenty_system_policies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"P{number}" for number in range(21)]
    policies = {name: allowing("ram:GetRole") for name in names}
    file = callers(*(entry(name, policies=[name]) for name in names), policies=policies)
    monkeypatch.setattr(granted, "SYSTEM_POLICIES", {own.name: own.policy for own in file.policies})

    caller = orders(CallerDirectory(file))

    assert (len(caller.entries), caller.policies) == (21, ())
    assert caller.granted.refusal == "its entries have more than 20 policies of the file together, which is the limit"


@pytest.mark.parametrize("order", [1, -1])
def test_a_caller_is_another_one_by_everything_that_its_connection_is_asked_for(order: int) -> None:
    condition = {"Bool": {"acs:SecureTransport": "true"}, "IpAddress": {"acs:SourceIp": "10.0.0.1"}}
    directory = CallerDirectory(of_policy(allowing("ram:GetRole", Condition=condition)))
    origins = list(product(("10.0.0.1", "10.0.0.2", ""), (True, False), (None, OTHER)))[::order]

    known = [directory.caller(ORDERS_CREDENTIAL, source_ip=ip, secure=tls, certificate=by) for ip, tls, by in origins]

    assert len(directory) == len({id(caller) for caller in known}) == len(origins)
    for (ip, tls, by), caller in zip(origins, known, strict=True):
        assert caller.allows("ram:GetRole", SHOP) is (ip == "10.0.0.1" and tls and by is None)
        assert directory.caller(ORDERS_CREDENTIAL, source_ip=ip, secure=tls, certificate=by) is caller


def test_a_directory_has_the_file_that_it_answers_by_and_its_hash() -> None:
    first, second = callers(entry()), callers(entry("other"))
    directory = CallerDirectory(first)
    found = [(directory.file, directory.generation)]

    for file in (second, None):
        directory.replace(file)
        found.append((directory.file, directory.generation))

    assert found == [(first, first.generation), (second, second.generation), (None, "")]
    assert first.generation != second.generation
