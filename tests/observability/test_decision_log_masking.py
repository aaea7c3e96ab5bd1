from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from rolecall.observability.decision_log.log import DecisionLog
from rolecall.observability.decision_log.masking import Masking, read_pointer
from rolecall.observability.decision_log.sampling import Sampling
from rolecall.observability.decision_log.sinks import StandardOutput
from tests.observability.decision_records import BOB, CALL, ORIGIN, encoder, members_of, options, record
from tests.observability.test_decision_log_writer import Warnings

CANARY = "canary7f3a"
NO_KEYS: Mapping[str, str] = {}


def line(keys: Mapping[str, str] = NO_KEYS, *, masked: tuple[str, ...] = (), erased: tuple[str, ...] = ()) -> bytes:
    request = record(keys={key: (value,) for key, value in keys.items()})
    made = encoder(masked=masked, erased=erased).line(request, sample_rate=1.0)
    assert made is not None
    return made


@pytest.mark.parametrize("key", ["oidc:sub", "oidc:iss", "saml:sub", "sts:ExternalId", "OIDC:sub", "STS:externalid"])
def test_claims_and_external_ids_are_hashed_without_being_asked(key: str) -> None:
    made = line({key: CANARY})

    assert CANARY.encode() not in made
    assert members_of(made)["masked"] == [f"/input/context/{key}"]
    assert members_of(made)["input"]["context"][key][0].startswith("hashed:")


def test_masked_values_are_hashed_and_others_logged() -> None:
    made = members_of(
        line({"acs:SourceIp": "192.0.2.1", "acs:SourceVpc": "vpc-1"}, masked=("/input/context/acs:SourceIp",))
    )

    assert made["masked"] == ["/input/context/acs:SourceIp"]
    assert made["input"]["context"]["acs:SourceVpc"] == ["vpc-1"]


@pytest.mark.parametrize("pointer", ["/input/context/example:Secret", "/input/context/example:*", "/input/context"])
def test_what_is_erased_leaves_its_pointer_alone(pointer: str) -> None:
    made = line({"example:Secret": CANARY}, erased=(pointer,))

    assert CANARY.encode() not in made
    assert members_of(made)["erased"] == ["/input/context/example:Secret"]
    assert members_of(made)["input"]["context"] == {}


def test_a_mask_in_another_case_hides_all_the_same() -> None:
    assert CANARY.encode() not in line({"example:Secret": CANARY}, masked=("/input/context/EXAMPLE:secret",))


def test_erasing_wins_over_hashing() -> None:
    made = members_of(line({"sts:ExternalId": CANARY}, erased=("/input/context/sts:ExternalId",)))

    assert made["input"]["context"] == {}
    assert "masked" not in made


@pytest.mark.parametrize(
    ("pointer", "text"), [("/input/who", BOB), ("/requested_by", "web.example.org"), ("/req_id", "request-1")]
)
def test_the_principal_the_caller_and_the_request_id_can_be_hidden(pointer: str, text: str) -> None:
    hashed, erased = line(masked=(pointer,)), line(erased=(pointer,))

    assert text.encode() not in hashed
    assert text.encode() not in erased
    assert (members_of(hashed)["masked"], members_of(erased)["erased"]) == ([pointer], [pointer])


def test_a_log_masks_and_erases_what_its_options_select() -> None:
    given = options(masked=frozenset({"/input/who"}), erased=frozenset({"/req_id"}))
    log = DecisionLog(StandardOutput(largest=1_000, descriptor=1), given, ORIGIN, log=Warnings(), clock=lambda: 0.0)

    made = members_of(log.encoder.line(record(), sample_rate=1.0))

    assert (made["masked"], made["erased"], "req_id" in made) == (["/input/who"], ["/req_id"], False)
    assert made["input"]["who"].startswith("hashed:")


def test_a_slash_and_a_tilde_in_a_key_are_escaped() -> None:
    made = members_of(line({"example:a/b~c": CANARY}, masked=("/input/context/example:a~1b~0c",)))

    assert made["masked"] == ["/input/context/example:a~1b~0c"]


def test_an_escaped_tilde_before_a_one_is_no_slash() -> None:
    tilde_one, slash = (
        line({"a~1b": CANARY}, masked=("/input/context/a~01b",)),
        line({"a/b": CANARY}, masked=("/input/context/a~1b",)),
    )

    assert (members_of(tilde_one)["masked"], members_of(slash)["masked"]) == (
        ["/input/context/a~01b"],
        ["/input/context/a~1b"],
    )
    assert CANARY.encode() not in tilde_one + slash


def test_equal_values_have_equal_hashes_in_one_log_and_others_in_the_next() -> None:
    masking, other = Masking.of(), Masking.of()

    assert masking.hash("a") == masking.hash("a") != masking.hash("b")
    assert masking.hash("a") != other.hash("a")


def test_a_hash_has_128_bits_and_its_key_256() -> None:
    masking = Masking.of()

    assert re.fullmatch(r"hashed:[0-9a-f]{32}", masking.hash("a"))
    assert len(masking.key) == 32


def test_every_value_of_a_masked_key_is_hashed_and_a_longer_key_is_not() -> None:
    request = record(keys={"a:b": ("1", "2"), "a:bc": ("3",)})
    context = members_of(encoder(masked=("/input/context/a:b",)).line(request, sample_rate=1.0))["input"]["context"]

    assert [value.startswith("hashed:") for value in context["a:b"]] == [True, True]
    assert context["a:bc"] == ["3"]


def test_a_prefix_hides_the_keys_that_begin_with_it_and_no_others() -> None:
    request = record(keys=dict.fromkeys(("a:", "a:b", "a:*", "a", "ab", "b:a:b"), ("1",)))

    line = encoder(masked=("/input/context/a:*",)).line(request, sample_rate=1.0)

    assert members_of(line)["masked"] == [f"/input/context/{key}" for key in ("a:", "a:*", "a:b")]


def test_every_value_is_hidden_by_the_pointer_to_all_of_them_and_nothing_else_is() -> None:
    keys = {"": ("1",), "a:b": ("2", "3")}

    made = members_of(encoder(masked=("/input/context",)).line(record(keys=keys), sample_rate=1.0))

    assert made["masked"] == ["/input/context/", "/input/context/a:b"]
    assert [len(values) for values in made["input"]["context"].values()] == [1, 2]
    assert made["input"]["who"] == BOB


def test_a_text_that_is_empty_is_not_listed_as_hashed() -> None:
    request = record(call=replace(CALL, caller=""))

    made = members_of(encoder(masked=("/requested_by",)).line(request, sample_rate=1.0))

    assert "masked" not in made
    assert "requested_by" not in made


def test_the_key_of_the_hash_is_not_shown() -> None:
    masking = Masking.of()

    assert masking.key.hex() not in repr(masking)
    assert repr(masking.key) not in repr(masking)


@pytest.mark.parametrize(
    "pointer",
    ["", "/", "acs:SourceIp", "input/who", "/input", "/input/role", "/input/contxt/a", "/input/context/", "/result",
     "/decision_id", "/input/context~1a"],
)  # fmt: skip
def test_a_pointer_that_would_hide_nothing_is_refused_with_those_that_hide_something(pointer: str) -> None:
    with pytest.raises(ValueError, match="names") as raised:
        read_pointer(pointer)

    assert str(raised.value) == (
        f"names nothing that can be masked with `{pointer}`; use `/input/who`, `/requested_by`, `/req_id`, "
        "`/input/context`, `/input/context/KEY`, `/input/context/PREFIX*`"
    )


@pytest.mark.parametrize("key", ["a/b", "/", "a~2b", "a~~01", "a~", "~", "a~0~"])
def test_a_key_with_a_slash_or_a_tilde_that_is_not_escaped_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="in the key") as raised:
        read_pointer(f"/input/context/{key}")

    why = "write `~1` for `/` and `~0` for `~`"
    assert str(raised.value) == f"has a `/` or `~` in the key of `/input/context/{key}`; {why}"


@pytest.mark.parametrize(
    "pointer",
    ["/input/who", "/requested_by", "/req_id", "/input/context", "/input/context/a:b", "/input/context/a:*",
     "/input/context/a~1b", "/input/context/~0", "/input/context/~1"],
)  # fmt: skip
def test_a_pointer_to_what_can_be_hidden_is_taken(pointer: str) -> None:
    assert read_pointer(pointer) == pointer


def chances(*numbers: float) -> Sampling:
    given = iter(numbers)
    return Sampling(allow=0.25, deny=1.0, chance=lambda: next(given))


def test_an_allow_is_kept_when_chance_is_below_the_share() -> None:
    sampling = chances(0.0, 0.24, 0.25, 0.99)

    assert [sampling.keeps(allowed=True) for _ in range(4)] == [True, True, False, False]


def test_what_is_kept_whole_asks_no_chance() -> None:
    assert all(chances().keeps(allowed=False) for _ in range(100))


def test_nothing_is_kept_of_a_share_of_nothing() -> None:
    sampling = Sampling(allow=0.0, deny=0.0, chance=lambda: 0.0)

    assert not any(sampling.keeps(allowed=allowed) for allowed in (True, False))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_the_share_that_is_kept_is_the_share_that_was_asked_for(share: float) -> None:
    steps = 10_000
    numbers = iter([step / steps for step in range(steps)])
    sampling = Sampling(allow=share, deny=1.0, chance=lambda: next(numbers))

    assert sum(sampling.keeps(allowed=True) for _ in range(steps)) == round(share * steps)
