"""The file of contexts: what it may contain, and how each mistake is reported."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rolecall_client.contexts.context import ContextsFile
from rolecall_client.contexts.errors import ContextsError
from rolecall_client.contexts.limits import MAX_ALIASES, MAX_CONTEXTS, MAX_FILE_BYTES, MAX_PROBLEMS
from rolecall_client.contexts.reading import parse_contexts, read_contexts
from tests.repository.tree import DOCS

WHOLE = """\
# mine
current: prod
contexts:
  local: {address: localhost}
  prod:
    address: roles.internal:443
    tls: {ca: ca.pem, cert: /etc/client.pem, key: ~/client.key, server_name: roles}
    token: {command: [./print-token, --audience, rolecall]}
    agent: unix:///run/rolecall/agent.sock
    timeout_seconds: 2.5
    accounts: {shop: 123456789012, pay: "000000000042"}
    default_account: shop
  ci:
    address: dns:///roles:1
    token: {file: token}
"""
SCHEMA = json.loads((DOCS / "schema/contexts.schema.json").read_text())
FILE = Path("/configuration/config.yaml")


def parsed(text: str) -> ContextsFile:
    return parse_contexts(text, FILE)


def mistakes(text: str) -> list[str]:
    with pytest.raises(ContextsError) as caught:
        parsed(text)
    return [str(problem).removeprefix(f"{FILE}:") for problem in caught.value.problems]


def in_context(text: str) -> str:
    return f"contexts: {{a: {{address: x, {text}}}}}"


def test_a_whole_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    file = parsed(WHOLE)

    prod, ci = file.context("prod"), file.context("ci")
    assert (file.current, list(file.contexts)) == ("prod", ["local", "prod", "ci"])
    assert file.context("local").address == "localhost:50051"
    assert prod.address == "roles.internal:443"
    assert prod.tls is not None
    assert [str(path) for path in prod.tls.paths()] == [
        "/configuration/ca.pem",
        "/etc/client.pem",
        "/home/me/client.key",
    ]
    assert prod.tls.server_name == "roles"
    assert prod.token is not None
    assert prod.token.command == ("/configuration/print-token", "--audience", "rolecall")
    assert (prod.agent, ci.agent) == ("unix:///run/rolecall/agent.sock", "")
    assert (prod.timeout, prod.default_account) == (2.5, "shop")
    assert prod.accounts == {"shop": "123456789012", "pay": "000000000042"}
    assert ci.token is not None
    assert (ci.address, ci.token.file) == ("dns:///roles:1", Path("/configuration/token"))


def test_an_account_is_an_id_or_an_alias_or_the_default() -> None:
    prod = parsed(WHOLE).context("prod")

    assert [prod.account_id(text) for text in ("pay", "7", "", "else")] == [
        "000000000042",
        "7",
        "123456789012",
        "else",
    ]


def test_a_program_without_a_path_is_found_by_the_search_path() -> None:
    token = parsed(in_context("token: {command: [print-token]}")).context("a").token

    assert token is not None
    assert token.command == ("print-token",)


def test_an_unknown_context_is_reported_with_the_one_that_is_meant() -> None:
    with pytest.raises(ContextsError, match=r"there is no context `prd`; did you mean `prod`\?"):
        parsed(WHOLE).context("prd")


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("contexts: {a: {address: x}, a: {address: y}}", "1:29: the key `a` is given twice; the first is in line 1"),
        ("contexts: {a: {adress: x}}", "1:16: `adress` is not a field of `a`; did you mean `address`?"),
        ("contexts: {a: {}}", "1:15: `address` is missing in `a`; add it"),
        ("contexts: {a: x}", "1:15: `a` must be a mapping"),
        ("contexts: {a: {address: 'http://x:1'}}", "an address has no scheme `http://`"),
        ("contexts: {a: {address: 5}}\nmore: 1", "2:1: `more` is not a field of the file"),
        ("contexts: {a=b: {address: x}}", "1:12: `a=b` is not the name of a context"),
        ("contexts: {a: {address: null}}", "1:25: `address` must be text, not nothing"),
        ("contexts: {a: {address: true}}", "1:25: `address` must be text, not `true`"),
        ("contexts: {a: {address: [x]}}", "1:25: `address` must be text, not a list"),
        ('contexts: {a: {address: "x\\ny"}}', "printable characters"),
        ("contexts: []", "1:11: `contexts` must be a mapping from names to contexts, not a list"),
        ("current: b\ncontexts: {a: {address: x}}", "1:10: there is no context `b`"),
        ("current: a", "`contexts` is missing in the file"),
        (in_context("tls: {cert: c, key: k}"), "`ca` is missing in `tls`"),
        (in_context("tls: {ca: a, cert: c}"), "`key` is missing in `tls`"),
        (in_context("token: {}"), "`token` needs either `file` or `command`"),
        (in_context("token: {file: f, command: [c]}"), "`token` needs either `file` or `command`"),
        (in_context("token: secret"), "`token` must be a mapping with `file`, `command`, not `secret`"),
        (in_context("token: {command: print-token --all}"), "`command` must be a list of words"),
        (in_context("token: {command: []}"), "`command` has 0 words"),
        (in_context("token: {command: [x, [y]]}"), "a word of `command` must be text, not a list"),
        (in_context("agent: localhost:50051"), "`localhost:50051` is not the address of an agent; write unix:PATH"),
        (in_context("agent: 'unix:'"), "`unix:` is not the address of an agent"),
        (in_context("timeout_seconds: '3'"), "`timeout_seconds` must be a number of seconds"),
        (in_context("timeout_seconds: 0"), "`timeout_seconds` must be a number of seconds"),
        (in_context("timeout_seconds: .inf"), "`timeout_seconds` must be a number of seconds"),
        (in_context("accounts: {1: 1}"), "`1` is not an alias"),
        (in_context("accounts: {shop: 12a}"), "`12a` is not an account id; write its 1 to 20 digits"),
        (in_context("default_account: shop"), "`shop` is neither an account id nor an alias of this context"),
        ("", "the file is empty"),
        ("contexts: &a {}", "anchors and aliases are not supported"),
        ("contexts: !!map {}", "the tag `tag:yaml.org,2002:map` is not supported"),
        ("contexts: {}\n---\ncontexts: {}", "the file has several documents"),
        ("contexts: [", "not YAML"),
        ("contexts: \x07", "not YAML"),
        ("? [a]\n: b", "a key must be text"),
        ("a: " + "[" * 20, "nested deeper than 8 levels, which is the limit"),
        ("a: [" + "1," * 20_001 + "]", "more than 20,000 values, which is the limit"),
        ("contexts: {" + ", ".join(f"c{n}: {{address: x}}" for n in range(MAX_CONTEXTS + 1)) + "}", "200 are allowed"),
        (in_context("accounts: {" + ", ".join(f"a{n}: 1" for n in range(MAX_ALIASES + 1)) + "}"), "1,000 are allowed"),
        (in_context("token: {command: [" + "x," * 65 + "]}"), "`command` has 65 words; write 1 to 64"),
        (in_context(f"tls: {{ca: {'x' * 4097}}}"), "1 to 4,096 printable characters"),
    ],
)
def test_a_mistake_is_reported_with_its_place(text: str, mistake: str) -> None:
    assert any(mistake in one for one in mistakes(text)), mistakes(text)


def test_all_mistakes_are_reported_in_their_order() -> None:
    found = mistakes("contexts:\n  a: {adress: x}\n  b: {address: ''}\n  c: {address: x, timeout_seconds: never}\n")

    assert [one.partition(":")[0] for one in found] == ["2", "2", "3", "4"]


def test_the_number_of_reported_mistakes_is_limited() -> None:
    text = "contexts: {" + ", ".join(f"c{n}: {{}}" for n in range(100)) + "}"

    assert len(mistakes(text)) == MAX_PROBLEMS


def written(path: Path, text: str = WHOLE) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_file_is_read_with_paths_of_its_folder(tmp_path: Path) -> None:
    token = read_contexts(written(tmp_path / "config.yaml")).context("ci").token

    assert token is not None
    assert token.file == tmp_path / "token"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "config.yaml")
    path.chmod(mode)

    with pytest.raises(ContextsError, match=r"other users can write the file.*chmod go-w"):
        read_contexts(path)


def test_a_file_that_others_can_replace_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "config.yaml")
    tmp_path.chmod(0o777)

    with pytest.raises(ContextsError, match="other users can write the folder"):
        read_contexts(path)


def test_a_link_is_judged_by_its_folder_and_by_that_of_the_file(tmp_path: Path) -> None:
    safe, shared = tmp_path / "safe", tmp_path / "shared"
    safe.mkdir(mode=0o700)
    shared.mkdir()
    written(shared / "config.yaml")
    (safe / "config.yaml").symlink_to(shared / "config.yaml")
    shared.chmod(0o777)

    with pytest.raises(ContextsError, match="other users can write the folder"):
        read_contexts(safe / "config.yaml")


def test_in_a_folder_for_all_a_file_cannot_be_replaced_by_others(tmp_path: Path) -> None:
    path = written(tmp_path / "config.yaml")
    tmp_path.chmod(0o1777)

    assert read_contexts(path).current == "prod"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "config.yaml")
    os.chown(path, 12345, 12345)

    with pytest.raises(ContextsError, match="belongs to another user"):
        read_contexts(path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "config.yaml", WHOLE + "#" * MAX_FILE_BYTES)

    with pytest.raises(ContextsError, match=r"longer than 262,144 bytes"):
        read_contexts(path)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yaml", 0o600)

    with pytest.raises(ContextsError, match="not a regular file"):
        read_contexts(tmp_path / "config.yaml")


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"contexts: \xff")

    with pytest.raises(ContextsError, match="not UTF-8"):
        read_contexts(tmp_path / "config.yaml")


def valid(instance: object) -> bool:
    return bool(Draft202012Validator(SCHEMA).is_valid(instance))


def test_the_schema_accepts_a_whole_file() -> None:
    import yaml

    Draft202012Validator.check_schema(SCHEMA)

    assert valid(yaml.safe_load(WHOLE))


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"address": ""},
        {"address": "http://x"},
        {"address": "x", "more": 1},
        {"address": "x", "tls": {}},
        {"address": "x", "tls": {"ca": "a", "cert": "b"}},
        {"address": "x", "token": {}},
        {"address": "x", "token": {"file": "a", "command": ["b"]}},
        {"address": "x", "token": {"command": []}},
        {"address": "x", "agent": "localhost"},
        {"address": "x", "agent": "unix:"},
        {"address": "x", "agent": "unix://run/agent.sock"},
        {"address": "x", "timeout_seconds": 0},
        {"address": "x", "accounts": {"1": "1"}},
        {"address": "x", "accounts": {"a": "b"}},
        {"address": "x", "default_account": "1 2"},
    ],
)
def test_what_the_schema_refuses_is_refused_when_the_file_is_read(context: object) -> None:
    instance = {"contexts": {"a": context}}

    assert not valid(instance)
    assert mistakes(json.dumps(instance))
