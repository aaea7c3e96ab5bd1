from __future__ import annotations

import pytest

from rolecall.callers.caller import FOREVER
from rolecall.callers.credential import ANONYMOUS, LOCAL, LOCAL_ADMIN, Credential, CredentialKind
from rolecall.callers.declarations import CallersFile
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.granted import MAX_POLICY_SETS, CallersGeneration, PolicySet
from rolecall.callers.observation import ObservePeriod
from rolecall.callers.rights import KnownCaller
from tests.callers.files import ACCOUNT, ORDERS, TOKEN_HASH, allowing, callers, entry

CHECK, CREATE = "rolecall:CheckAssumeRole", "ram:CreateRole"
ROLE = f"acs:ram::{ACCOUNT}:role/shop-app"
ORDERS_CREDENTIAL = Credential(kind=CredentialKind.SPIFFE, identity=ORDERS)
UNTIL = "2026-01-01T00:00:00Z"
UNTIL_MICROS = 1_767_225_600_000_000


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: int = UNTIL_MICROS - 1) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def orders(directory: CallerDirectory, credential: Credential = ORDERS_CREDENTIAL) -> KnownCaller:
    return directory.caller(credential, source_ip="10.1.2.3", secure=True)


def of_policy(policy: object, **fields: object) -> CallersFile:
    return callers(entry(policies=["Mine"], **fields), policies={"Mine": policy})


def test_without_a_file_this_machine_administers_and_an_insecure_server_answers_checks_alone() -> None:
    directory = CallerDirectory()

    rights = {
        credential.identity: (
            orders(directory, credential).allows(CHECK, ROLE),
            orders(directory, credential).allows(CREATE, ROLE),
        )
        for credential in (LOCAL, LOCAL_ADMIN, ANONYMOUS, ORDERS_CREDENTIAL)
    }

    assert rights == {
        "local": (True, True),
        "local-admin": (True, True),
        "anonymous": (True, False),
        ORDERS: (False, False),
    }
    assert directory.generation == ""


def test_with_a_file_only_the_admin_socket_has_rights_that_the_file_does_not_give() -> None:
    directory = CallerDirectory(callers(entry()))

    assert [orders(directory, c).allows(CHECK, ROLE) for c in (LOCAL, LOCAL_ADMIN, ANONYMOUS)] == [False, True, False]
    assert orders(directory).allows(CHECK, ROLE)
    assert not orders(directory).allows(CREATE, ROLE)


def test_this_machine_can_be_an_entry() -> None:
    directory = CallerDirectory(callers(entry(match={"local": True}, policies=["AdministratorAccess"])))

    assert orders(directory, LOCAL).allows(CREATE, ROLE)


def test_the_policies_of_all_entries_are_read_together() -> None:
    file = callers(
        entry("decider"),
        entry("team", match={"spiffe": "spiffe://prod.example/ns/shop/sa/*"}, policies=["CreateShop", "NoPayroll"]),
        policies={
            "CreateShop": allowing(CREATE, resource=f"acs:ram::{ACCOUNT}:role/*"),
            "NoPayroll": {
                "Version": "1",
                "Statement": [{"Effect": "Deny", "Action": "*", "Resource": f"acs:ram::{ACCOUNT}:role/payroll"}],
            },
        },
    )
    caller = orders(CallerDirectory(file))

    assert caller.entries == ("decider", "team")
    assert caller.policies == ("RolecallDecider", "CreateShop", "NoPayroll")
    assert caller.allows(CHECK, ROLE)
    assert caller.allows(CREATE, ROLE)
    assert not caller.allows(CHECK, f"acs:ram::{ACCOUNT}:role/PayRoll")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("user/orders", "user/other"),
        ("user/orders", "role/orders"),
        ("role/orders", "role/other"),
        ("user/a", "user/A"),
    ],
)
def test_entries_that_name_different_principals_grant_nothing(one: str, two: str) -> None:
    file = callers(
        entry("one", principal=f"acs:ram::{ACCOUNT}:{one}", policies=["AdministratorAccess"]),
        entry("two", principal=f"acs:ram::{ACCOUNT}:{two}", policies=["AdministratorAccess"]),
    )
    caller = orders(CallerDirectory(file))

    assert not caller.allows(CHECK, ROLE)
    assert caller.granted.refusal == "its entries name different principals"
    assert caller.principal is None


def test_two_spellings_of_a_role_are_one_principal() -> None:
    file = callers(
        entry("one", principal=f"acs:ram::{ACCOUNT}:role/Orders"),
        entry("two", principal=f"acs:ram::{ACCOUNT}:role/orders"),
    )

    assert orders(CallerDirectory(file)).allows(CHECK, ROLE)


def test_an_own_policy_that_allows_everything_gives_no_right_of_this_service() -> None:
    caller = orders(CallerDirectory(of_policy(allowing("*"))))

    assert caller.allows(CREATE, ROLE)
    assert not caller.allows(CHECK, ROLE)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}, True),
        ({"IpAddress": {"acs:SourceIp": "192.168.0.0/16"}}, False),
        ({"Bool": {"acs:SecureTransport": "true"}}, True),
        ({"Bool": {"acs:MFAPresent": "false"}}, True),
        ({"StringEquals": {"acs:PrincipalARN": f"acs:ram::{ACCOUNT}:user/orders"}}, True),
        ({"StringEquals": {"rolecall:Caller": ORDERS}}, True),
        ({"StringEquals": {"rolecall:Caller": "orders"}}, False),
        ({"StringEquals": {"acs:ResourceTag/team": "shop"}}, True),
        ({"StringEquals": {"acs:ResourceTag/team": "payroll"}}, False),
        ({"DateLessThan": {"acs:CurrentTime": UNTIL}}, True),
        ({"DateGreaterThan": {"acs:CurrentTime": UNTIL}}, False),
    ],
)
def test_the_condition_keys_of_a_caller_and_of_an_access(condition: object, expected: bool) -> None:
    file = of_policy(allowing(CREATE, Condition=condition), principal=f"acs:ram::{ACCOUNT}:user/orders")
    caller = orders(CallerDirectory(file, clock=Clock()))

    assert caller.allows(CREATE, ROLE, {"acs:ResourceTag/team": ("shop",)}) is expected


@pytest.mark.parametrize("key", ["rolecall:Caller", "acs:SourceIp", "acs:PrincipalARN", "acs:MFAPresent"])
def test_an_access_cannot_replace_a_key_of_the_caller(key: str) -> None:
    file = of_policy(allowing(CREATE, Condition={"StringEquals": {key: "forged"}}))

    assert not orders(CallerDirectory(file)).allows(CREATE, ROLE, {key: ("forged",)})


def test_a_remembered_right_depends_on_every_value_that_was_read() -> None:
    file = of_policy(allowing(CREATE, Condition={"StringEquals": {"acs:ResourceTag/team": "shop"}}))
    caller = orders(CallerDirectory(file))

    answers = [caller.allows(CREATE, ROLE, {"acs:ResourceTag/team": (team,)}) for team in ("shop", "payroll", "shop")]

    assert answers == [True, False, True]
    assert not caller.allows(CREATE, ROLE)
    assert caller.reads_tags


def test_callers_with_the_same_questions_do_not_share_answers() -> None:
    file = of_policy(allowing(CREATE, Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}))
    directory = CallerDirectory(file)
    inside = directory.caller(ORDERS_CREDENTIAL, source_ip="10.1.2.3", secure=True)
    outside = directory.caller(ORDERS_CREDENTIAL, source_ip="192.0.2.1", secure=True)
    stranger = directory.caller(Credential(kind=CredentialKind.DNS, identity=ORDERS), source_ip="10.1.2.3", secure=True)

    assert [inside.allows(CREATE, ROLE) for _ in range(2)] == [True, True]
    assert not outside.allows(CREATE, ROLE)
    assert not stranger.allows(CREATE, ROLE)


def test_a_right_ends_with_its_entry() -> None:
    clock = Clock()
    file = callers(entry(until=UNTIL), entry("rest", policies=["AliyunRAMReadOnlyAccess"]))
    caller = orders(CallerDirectory(file, clock=clock))
    before = caller.allows(CHECK, ROLE), caller.allowed_until(CHECK, ROLE)

    clock.now = UNTIL_MICROS

    assert before == (True, UNTIL_MICROS)
    assert not caller.allows(CHECK, ROLE)
    assert caller.entries == ("rest",)
    assert caller.allowed_until("ram:GetRole", ROLE) == FOREVER


def test_a_remembered_right_ends_when_a_condition_on_the_time_changes() -> None:
    clock = Clock()
    file = of_policy(allowing(CREATE, Condition={"DateLessThan": {"acs:CurrentTime": UNTIL}}))
    caller = orders(CallerDirectory(file, clock=clock))
    before = caller.allowed_until(CREATE, ROLE)

    clock.now = UNTIL_MICROS

    assert before == UNTIL_MICROS
    assert not caller.allows(CREATE, ROLE)


def test_a_change_of_the_file_reaches_callers_that_are_in_use() -> None:
    directory, changes = CallerDirectory(callers(entry())), list[str]()
    directory.on_change(lambda: changes.append(directory.generation))
    caller, first = orders(directory), directory.generation
    before = caller.allows(CHECK, ROLE)

    directory.replace(callers(entry("other", match={"dns": "other.svc"})))

    assert before
    assert not caller.allows(CHECK, ROLE)
    assert caller.generation == directory.generation != first
    assert changes == [directory.generation]
    # What others remember with a caller does not stand for the new generation.
    assert orders(directory) is not caller


def test_the_same_credential_is_the_same_caller_while_the_file_stays() -> None:
    directory = CallerDirectory(callers(entry()))

    assert orders(directory) is orders(directory)
    assert directory.caller(ORDERS_CREDENTIAL, source_ip="10.9.9.9", secure=True) is not orders(directory)


def test_a_token_beside_a_certificate_needs_an_entry_that_names_both() -> None:
    token = Credential(kind=CredentialKind.TOKEN, identity="token", token_sha256=TOKEN_HASH)
    directory = CallerDirectory(
        callers(entry(match={"token_sha256": TOKEN_HASH}, via={"spiffe": ORDERS}), entry("unrelated"))
    )

    assert directory.accepts(token, ORDERS_CREDENTIAL)
    assert not directory.accepts(token)
    assert not directory.accepts(token, LOCAL)
    assert directory.caller(token, source_ip="", secure=True, certificate=ORDERS_CREDENTIAL).allows(CHECK, ROLE)
    assert not directory.caller(token, source_ip="", secure=True).allows(CHECK, ROLE)


def test_in_the_observe_period_denials_are_noted_and_allowed() -> None:
    clock, noted = Clock(), list[tuple[str, str, str]]()
    observe = ObservePeriod(UNTIL_MICROS, lambda *denial: noted.append(denial))
    caller = orders(CallerDirectory(callers(entry()), observe=observe, clock=clock))

    during = [caller.allows(CREATE, ROLE) for _ in range(3)], caller.allowed_until(CREATE, ROLE)
    allowed = caller.allows(CHECK, ROLE)
    clock.now = UNTIL_MICROS

    assert during == ([True] * 3, UNTIL_MICROS - 1)
    assert allowed
    assert observe.denials == {CREATE: 4}
    assert noted == [(ORDERS, CREATE, ROLE)]
    assert not caller.allows(CREATE, ROLE)
    assert caller.allowed_until(CREATE, ROLE) is None


def test_the_actions_that_are_counted_and_the_denials_that_are_reported_are_limited() -> None:
    noted = list[object]()
    observe = ObservePeriod(UNTIL_MICROS, lambda *denial: noted.append(denial))

    for number in range(1_500):
        observe.note(ORDERS_CREDENTIAL, f"ram:Action{number}", ROLE)

    assert len(observe.denials) == 201
    assert observe.denials["other"] == 1_300
    assert len(noted) == 1_000


def test_the_callers_and_their_rights_take_bounded_memory() -> None:
    directory = CallerDirectory(of_policy(allowing(CREATE, resource=f"acs:ram:*:{ACCOUNT}:role/*")))
    caller = orders(directory)

    for number in range(20_100):
        caller.allows(CREATE, f"{ROLE}{number}")
    for number in range(10_100):
        directory.caller(ORDERS_CREDENTIAL, source_ip=str(number), secure=True)

    assert len(directory.remembered) <= 20_000
    assert directory.remembered.bytes <= 8 * 1024 * 1024
    assert 5_000 < len(directory) < 10_000


def test_a_change_of_the_file_frees_the_bytes_of_the_callers_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.callers.directory.MAX_KNOWN_CALLERS_BYTES", 20_000)
    directory = CallerDirectory(callers(entry()))

    numbers(directory, *map(str, range(100)))
    before = len(directory)
    directory.replace(callers(entry()))
    numbers(directory, *map(str, range(100)))

    assert len(directory) == before > 5


def test_long_resources_are_remembered_within_a_limit_of_bytes() -> None:
    directory = CallerDirectory(of_policy(allowing(CREATE, resource=f"acs:ram:*:{ACCOUNT}:role/*")))
    caller = orders(directory)

    for number in range(10_000):
        caller.allows(CREATE, f"acs:ram::{ACCOUNT}:role/{number:02000d}")

    assert len(directory.remembered) < 10_000
    assert directory.remembered.bytes <= 8 * 1024 * 1024


def test_an_explanation_does_not_know_the_observe_period() -> None:
    observe = ObservePeriod(UNTIL_MICROS, lambda *_: None)
    caller = orders(CallerDirectory(callers(entry()), observe=observe, clock=Clock()))

    evaluation = caller.explain(CREATE, ROLE)

    assert evaluation is not None
    assert evaluation.outcome == "IMPLICIT_DENY"
    assert observe.denials == {}


@pytest.mark.parametrize("fields", [{}, {"until": UNTIL}], ids=["without end", "with an end"])
def test_whether_every_resource_is_allowed_is_found_out_once(
    fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, asked = CallerDirectory(callers(entry(**fields)), clock=Clock()), list[str]()
    find_out = PolicySet._find_out

    def noting(policies: PolicySet, action: str) -> bool:
        asked.append(action)
        return find_out(policies, action)

    monkeypatch.setattr(PolicySet, "_find_out", noting)
    caller = orders(directory)

    answers = {caller.allows(CHECK, f"{ROLE}{number}") for number in range(100)}
    refused = {caller.allows(CREATE, f"{ROLE}{number}") for number in range(100)}

    assert (answers, refused) == ({True}, {False})
    assert asked == [CHECK, CREATE]
    assert len(directory.remembered) == 100


@pytest.mark.parametrize(
    "other",
    [
        {"Effect": "Deny", "Action": "ram:Create*", "Resource": f"acs:ram:*:{ACCOUNT}:role/payroll"},
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"acs:ResourceTag/team": "x"}},
        },
        {
            "Effect": "Deny",
            "NotAction": "ram:Get*",
            "Resource": "*",
            "Condition": {"DateLessThan": {"acs:CurrentTime": UNTIL}},
        },
    ],
)
def test_another_statement_about_the_action_is_always_read(other: dict[str, object]) -> None:
    allow = {"Effect": "Allow", "Action": "ram:*", "Resource": "*"}
    file = of_policy({"Version": "1", "Statement": [allow, other]})
    clock = Clock(UNTIL_MICROS)
    caller = orders(CallerDirectory(file, clock=clock))
    before = caller.allows(CREATE, ROLE)

    clock.now = UNTIL_MICROS - 1

    assert before
    assert not caller.allows(CREATE, f"acs:ram::{ACCOUNT}:role/payroll", {"acs:ResourceTag/team": ("x",)})


def test_a_question_that_is_not_written_out_is_denied() -> None:
    caller = orders(CallerDirectory(callers(entry(policies=["AdministratorAccess"]))))

    assert caller.allows("ram:GetRole", ROLE)
    assert not caller.allows("ram:*", ROLE)
    assert not caller.allows("GetRole", ROLE)


@pytest.mark.parametrize(("policies", "granted"), [(20, True), (21, False)])
def test_a_caller_has_at_most_20_policies_of_the_file_from_all_its_entries_together(
    policies: int, granted: bool
) -> None:
    names = [f"P{number}" for number in range(policies)]
    file = callers(
        entry("half", policies=names[:10]),
        entry("rest", policies=[*names[10:20], "RolecallDecider"]),
        *([entry("more", policies=names[20:])] if names[20:] else []),
        policies={name: allowing("ram:GetRole") for name in names},
    )

    caller = orders(CallerDirectory(file))

    assert caller.allows(CHECK, ROLE) is granted
    assert bool(caller.granted.refusal) is not granted


@pytest.mark.parametrize(
    ("policy", "reached"),
    [
        (allowing("ram:create*", resource=f"{ROLE}-x"), True),
        (allowing(CREATE, Condition={"Bool": {"acs:MFAPresent": "true"}}), True),
        ({"Version": "1", "Statement": [{"Effect": "Allow", "NotAction": "ram:*", "Resource": "*"}]}, False),
        ({"Version": "1", "Statement": [{"Effect": "Deny", "Action": CREATE, "Resource": "*"}]}, False),
    ],
)
def test_an_action_is_reached_if_a_policy_allows_it_on_anything(policy: object, reached: bool) -> None:
    caller = orders(CallerDirectory(of_policy(policy)))

    assert caller.reaches(CREATE) is reached
    assert reached or not caller.allows(CREATE, ROLE)


def test_administrators_reach_every_action_and_unknown_callers_none() -> None:
    unrestricted, unknown = CallerDirectory(), CallerDirectory(callers())

    assert orders(unrestricted, LOCAL).reaches(CREATE)
    assert not orders(unknown).reaches(CREATE)


def test_in_the_observe_period_every_action_is_reached() -> None:
    clock = Clock()
    directory = CallerDirectory(callers(entry()), observe=ObservePeriod(UNTIL_MICROS, lambda *_: None), clock=clock)

    during = orders(directory).reaches(CREATE)
    clock.now = UNTIL_MICROS

    assert (during, orders(directory).reaches(CREATE)) == (True, False)


def numbers(directory: CallerDirectory, *addresses: str) -> list[int]:
    return [directory.caller(ORDERS_CREDENTIAL, source_ip=ip, secure=True).number for ip in addresses]


def test_callers_with_the_same_rights_share_a_number_in_one_generation_of_the_file() -> None:
    directory = CallerDirectory(callers(entry()))

    first = numbers(directory, "10.0.0.1", "10.0.0.2")
    directory.replace(callers(entry()))
    second = numbers(directory, "10.0.0.1", "10.0.0.2")

    assert len(set(first)) == len(set(second)) == 1
    assert first != second


def test_callers_whose_policies_read_what_is_their_own_have_numbers_of_their_own() -> None:
    condition = {"IpAddress": {"acs:SourceIp": "10.0.0.1"}}
    directory = CallerDirectory(of_policy(allowing(CHECK, Condition=condition)))

    assert len(set(numbers(directory, "10.0.0.1", "10.0.0.2"))) == 2


def test_callers_of_other_entries_or_principals_have_other_numbers() -> None:
    users = {"orders": f"acs:ram::{ACCOUNT}:user/orders", "carts": f"acs:ram::{ACCOUNT}:user/carts", "others": None}
    entries = [
        entry(name, match={"spiffe": f"spiffe://prod.example/{name}"}, **({"principal": user} if user else {}))
        for name, user in users.items()
    ]
    directory = CallerDirectory(callers(*entries))
    credentials = [Credential(kind=CredentialKind.SPIFFE, identity=f"spiffe://prod.example/{name}") for name in users]

    assert len({orders(directory, credential).number for credential in credentials}) == 3


def test_a_caller_in_use_gets_a_number_of_its_own_when_its_rights_change() -> None:
    clock = Clock()
    directory = CallerDirectory(callers(entry("a", until=UNTIL), entry("b")), clock=clock)
    first, second = (directory.caller(ORDERS_CREDENTIAL, source_ip=ip, secure=True) for ip in ("10.0.0.1", "10.0.0.2"))
    before = {first.number, second.number}

    clock.now = UNTIL_MICROS
    for caller in (first, second):
        caller.allowed_until(CHECK, ROLE)
    ended = {first.number, second.number}
    directory.replace(callers(entry("b")))
    for caller in (first, second):
        caller.allowed_until(CHECK, ROLE)

    assert (len(before), len(ended)) == (1, 2)
    assert len(before | ended | {first.number, second.number}) == 5


def credential_of(name: str) -> Credential:
    return Credential(kind=CredentialKind.DNS, identity=name)


def test_sets_of_policies_are_stored_up_to_the_limit_and_then_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.callers.granted.MAX_POLICY_SETS", 2)
    policies = {"a.svc": ["RolecallDecider"], "b.svc": ["RolecallAuditor"], "c.svc": ["AdministratorAccess"]}
    file = callers(*(entry(name, match={"dns": name}, policies=given) for name, given in policies.items()))
    generation = CallersGeneration(file)

    def set_of(name: str) -> PolicySet:
        return generation.granted(credential_of(name), None, 0).policy_set

    first, second = set_of("a.svc"), set_of("b.svc")
    assert (set_of("a.svc") is first, set_of("b.svc") is second) == (True, True)
    third = set_of("c.svc")
    assert (set_of("c.svc") is third, set_of("a.svc") is first) == (True, False)


def test_numbers_of_rights_are_stored_up_to_the_limit_and_never_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.callers.granted._MAX_NUMBERS", 2)
    generation = CallersGeneration(None)

    first, second = generation.number_of("a"), generation.number_of("b")
    assert (generation.number_of("a"), generation.number_of("b")) == (first, second)
    third = generation.number_of("c")
    again = generation.number_of("a")
    assert generation.number_of("c") == third
    assert len({first, second, third, again}) == 4


def test_the_limits_of_what_is_stored_are_a_thousand_sets() -> None:
    assert MAX_POLICY_SETS == 1_000
