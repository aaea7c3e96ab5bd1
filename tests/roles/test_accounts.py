from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError
from rolecall.roles.role import RoleRef

ACCOUNTS = Accounts("1", {"prod": "22", "prod-eu": "33"})


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("App", RoleRef("1", "App")),
        ("22/App", RoleRef("22", "App")),
        ("prod/App", RoleRef("22", "App")),
        ("prod-eu/a.b-C", RoleRef("33", "a.b-C")),
        ("acs:ram::5:role/App", RoleRef("5", "App")),
        ("00000000000000000001/x", RoleRef("00000000000000000001", "x")),
        ("a" * 64, RoleRef("1", "a" * 64)),
    ],
)
def test_a_role_has_three_spellings(text: str, ref: RoleRef) -> None:
    assert ACCOUNTS.role(text) == ref
    assert ACCOUNTS.role(ref.arn) == ref


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "REQUIRED"),
        ("/App", "INVALID_ROLE"),
        ("prod/", "ROLE_NAME_LENGTH"),
        ("a" * 65, "ROLE_NAME_LENGTH"),
        ("nobody/App", "INVALID_ACCOUNT_ID"),
        ("Prod/App", "INVALID_ACCOUNT_ID"),
        ("1/2/3", "INVALID_ROLE"),
        ("1:App", "INVALID_ROLE"),
        ("app_1", "ROLE_NAME_CHARACTERS"),
        ("app ", "ROLE_NAME_CHARACTERS"),
        ("app\n", "ROLE_NAME_CHARACTERS"),
        ("\u0430dmin", "ROLE_NAME_CHARACTERS"),
        ("app\u202e", "ROLE_NAME_CHARACTERS"),
        ("\uff11/App", "INVALID_ACCOUNT_ID"),
        ("\u0661/App", "INVALID_ACCOUNT_ID"),
        ("123456789012****/App", "MASKED_ACCOUNT_ID"),
        ("1" * 21 + "/App", "INVALID_ACCOUNT_ID"),
        ("acs:ram::5:role/", "ROLE_NAME_LENGTH"),
        ("acs:ram:::role/App", "INVALID_ROLE"),
        ("acs:ram::prod:role/App", "INVALID_ACCOUNT_ID"),
        ("acs:ram::12*:role/App", "INVALID_ACCOUNT_ID"),
        ("acs:ram::5:role/App/Session", "INVALID_ROLE"),
        ("acs:ram::5:user/App", "INVALID_ROLE"),
        ("acs:ram:cn:5:role/App", "INVALID_ROLE"),
        ("ACS:ram::5:role/App", "INVALID_ROLE"),
        ("acs:ram::5:role/App\n", "ROLE_NAME_CHARACTERS"),
        ("acs\uff1aram::5:role/App", "INVALID_ROLE"),
    ],
)
def test_any_other_text_names_no_role(text: str, reason: str) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        ACCOUNTS.role(text)

    assert [(v.field, v.reason) for v in caught.value.violations] == [("role", reason)]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.from_regex(r"(acs:ram::)?[0-9a-z*]{0,3}[:/](role/)?[a-zA-Z.\n]{0,3}"))
def test_a_text_names_a_role_or_is_refused_on_one_line(text: str) -> None:
    ref, message = named(text)

    assert (ref is None) == bool(message)
    assert message.isprintable()
    assert len(message) < 400
    assert ref is None or ACCOUNTS.role(ref.arn) == ref


def named(text: str) -> tuple[RoleRef | None, str]:
    try:
        return ACCOUNTS.role(text), ""
    except InvalidFieldsError as error:
        return None, str(error)


def test_without_a_default_account_the_account_must_be_given() -> None:
    accounts = Accounts()

    assert accounts.role("5/App") == RoleRef("5", "App")
    with pytest.raises(InvalidFieldsError, match="no default account"):
        accounts.role("App")
    with pytest.raises(InvalidFieldsError, match="no default account"):
        accounts.account_id("")


def test_an_account_is_an_id_an_alias_or_the_default() -> None:
    assert [ACCOUNTS.account_id(text) for text in ("", "prod", "77")] == ["1", "22", "77"]
    assert ACCOUNTS.default == "1"
    assert Accounts("prod", {"prod": "22"}).default == "22"


@pytest.mark.parametrize(
    "aliases",
    [{"": "1"}, {"1": "2"}, {"a/b": "2"}, {"a b": "2"}, {"a": ""}, {"a": "b"}, {"a\n": "2"}, {"a" * 64: "1"}, {"\u0430": "1"},
     {"_": "1"}],
)  # fmt: skip
def test_an_alias_that_could_be_mistaken_is_refused(aliases: dict[str, str]) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        Accounts("", aliases)

    assert [(v.field, v.reason) for v in caught.value.violations] == [("account_aliases", "INVALID_ALIAS")]


@pytest.mark.parametrize("alias", ["a", "Z" * 63, "prod_EU.1-b"])
def test_an_alias_has_1_to_63_characters_of_which_the_first_is_a_letter(alias: str) -> None:
    assert Accounts("", {alias: "22"}).role(f"{alias}/App") == RoleRef("22", "App")


def test_an_account_that_is_not_given_is_reported_with_its_field() -> None:
    found = list[tuple[str, str, str]]()
    for ask in (Accounts().account_id, Accounts().role):
        with pytest.raises(InvalidFieldsError) as caught:
            ask("App" if ask.__name__ == "role" else "")
        found += [(v.field, v.reason, v.message) for v in caught.value.violations]

    assert found == [
        ("account_id", "REQUIRED", "must be given: this server has no default account"),
        ("role", "REQUIRED", "account must be given: this server has no default account"),
    ]


def test_the_names_of_8192_roles_are_remembered() -> None:
    accounts = Accounts("1")

    assert accounts.role("App") is accounts.role("App")
    assert accounts._memoised.cache_parameters()["maxsize"] == 8_192


@pytest.mark.parametrize(
    ("accounts", "text", "message"),
    [
        (ACCOUNTS, "nobody/App", "account `nobody` is neither an account id (1 to 20 digits) nor a configured alias"),
        (Accounts("1"), "nobody/App", "account `nobody` is not an account id (1 to 20 digits)"),
        # An ARN has no aliases, whatever the server has.
        (ACCOUNTS, "acs:ram::prod:role/App", "account `prod` is not an account id (1 to 20 digits)"),
        (ACCOUNTS, "1*/App", "account `1*` is masked, as in documentation: write all digits of the account id"),
    ],
)
def test_an_account_in_the_name_of_a_role_may_be_an_alias_only_where_there_are_some(
    accounts: Accounts, text: str, message: str
) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        accounts.role(text)

    assert [(v.field, v.message) for v in caught.value.violations] == [("role", message)]


def test_an_alias_does_not_stand_for_another_alias() -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        Accounts("", {"a": "1", "b": "a"})

    assert [v.message for v in caught.value.violations] == ["alias `b`: `a` is not an account id (1 to 20 digits)"]
