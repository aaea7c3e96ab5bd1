from __future__ import annotations

import os
from pathlib import Path

import pytest
import trustme

from rolecall.callers.credential import CredentialKind
from rolecall.callers.errors import InvalidCallersError
from rolecall.security.callers_file import load_callers

ORDERS = """\
trust_domains: {prod.example: ca.pem}
callers:
  - name: orders
    match: {spiffe: "spiffe://prod.example/ns/shop/sa/orders"}
    policies: [RolecallDecider]
"""
LOCAL = "callers:\n  - {name: laptop, match: {local: true}, policies: [AdministratorAccess]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    return tmp_path


def write(folder: Path, text: str, name: str = "callers.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def message_of(path: str) -> str:
    with pytest.raises(InvalidCallersError) as caught:
        load_callers(path)
    return str(caught.value)


def test_a_file_is_read_with_the_ca_of_its_trust_domains(folder: Path) -> None:
    file, *_ = load_callers(write(folder, ORDERS))

    [domain] = file.trust_domains
    assert domain.path == str(folder / "ca.pem")
    assert domain.authority == (folder / "ca.pem").read_bytes()
    assert [entry.name for entry in file.callers] == ["orders"]


def test_another_ca_is_another_generation(folder: Path) -> None:
    path = write(folder, ORDERS)
    first, *_ = load_callers(path)
    (folder / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())

    second, *_ = load_callers(path)

    assert first.generation != second.generation


def test_the_files_of_a_directory_are_read_together(folder: Path) -> None:
    write(folder, ORDERS, "b.yaml")
    write(folder, LOCAL + "policies: {}\n", "a.yml")
    write(folder, "not read", "notes.txt")
    write(folder, "not: [read", ".hidden.yaml")

    file, *_ = load_callers(str(folder))

    assert [entry.match.kind for entry in file.callers] == [CredentialKind.LOCAL, CredentialKind.SPIFFE]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (LOCAL, "b.yaml:2:6: the name `laptop` is given twice; the first is at {a}:2:6"),
        (
            "trust_domains: {prod.example: ca.pem}\ncallers: []\n",
            "b.yaml:1:17: `prod.example` is declared twice; the first is at {a}:3:17; keep one of the two",
        ),
        ("callers:\n", "b.yaml:1:1: `callers` is given in two files and cannot be put together; the first is at {a}:1:1; keep one of the two"),
        ("[]", "b.yaml:1:1: must be a mapping with `callers`, not a list"),
    ],
)  # fmt: skip
def test_what_two_files_declare_is_refused_with_both_places(folder: Path, second: str, expected: str) -> None:
    first = write(folder, LOCAL + "trust_domains: {prod.example: ca.pem}\n", "a.yaml")
    write(folder, second, "b.yaml")

    message = message_of(str(folder))

    assert message == f"{folder}/{expected.format(a=first)}"


def test_each_violation_has_its_place_in_its_own_file(folder: Path) -> None:
    write(folder, LOCAL, "a.yaml")
    second = write(
        folder, LOCAL.replace("laptop", "other") + "  - {name: x, match: {uid: root}, policies: [Nope]}\n", "b.yaml"
    )

    message = message_of(str(folder))

    assert f"{second}:3:23: must be a whole number" in message
    assert f"{second}:3:46: the policy `Nope` does not exist" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ": the file is empty"),
        ("callers: [", "callers.yaml:2:1: not YAML: "),
        ("callers: []\ncallers: []\n", ":2:1: the key `callers` is given twice; the first is at "),
        ("callers: &a []\npolicies: *a\n", ":1:10: anchors and aliases are not supported"),
        ("callers: !!python/object:os.system []\n", "the tag `"),
        ("callers: []\n---\ncallers: []\n", ":2:1: the file has several documents"),
        ("callers: " + "[" * 40 + "]" * 40, "nested deeper than 32 levels"),
        ("callers: [" + "1," * 100_001 + "]", "more than 100,000 values"),
        ("? [a]\n: 1\n", "a key must be text"),
        ("callers: [\x07]", "not YAML: "),
        ("callers:\n- {name: on, match: {local: yes}, policies: [RolecallDecider]}\n", "must be `true` or `false`, without quotes, not the text `yes`"),
    ],
)  # fmt: skip
def test_yaml_that_may_mean_something_else_is_refused(folder: Path, text: str, expected: str) -> None:
    assert expected in message_of(write(folder, text))


def test_the_violations_of_a_policy_have_their_places(folder: Path) -> None:
    path = write(
        folder,
        LOCAL
        + 'policies:\n  Mine:\n    Version: "1"\n    Statement:\n      - {Effect: Allow, Action: "ram:*", Resorce: "*"}\n',
    )

    message = message_of(path)

    assert f"{path}:7:42: `Resorce` is unknown here" in message


def test_a_number_keeps_its_spelling_in_a_policy(folder: Path) -> None:
    policy = 'policies:\n  Mine:\n    Version: "1"\n    Statement: [{Effect: Allow, Action: "ram:*", Resource: "*", Condition: {NumericEquals: {"app:N": 1.50}}}]\n'

    file, *_ = load_callers(write(folder, LOCAL + policy))

    assert '{"app:N":1.50}' in file.policies[0].policy.text


@pytest.mark.parametrize("content", [b"", b"not a certificate", b"\xff"])
def test_a_file_without_certificates_is_no_authority(folder: Path, content: bytes) -> None:
    (folder / "ca.pem").write_bytes(content)
    path = write(folder, ORDERS)

    message = message_of(path)

    assert message == f"{path}:1:17: `{folder}/ca.pem` has no CA certificates in PEM form"


@pytest.mark.parametrize("name", ["callers.yaml", "ca.pem"])
def test_a_pipe_is_not_read(folder: Path, name: str) -> None:
    path = write(folder, ORDERS)
    (folder / name).unlink()
    os.mkfifo(folder / name)

    assert message_of(path).endswith("it is a named pipe, not a regular file")


def test_files_that_cannot_be_read_are_named(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "callers.yaml").write_bytes(b"\xff")
    missing_ca = write(folder, ORDERS.replace("ca.pem", "missing.pem"), "ca.yaml")

    assert "cannot read" in message_of(str(folder / "missing.yaml"))
    assert "has no `*.yaml` file" in message_of(str(folder / "empty"))
    assert "not UTF-8 text" in message_of(str(folder / "callers.yaml"))
    # A long path is cut in the middle.
    assert f"{missing_ca}:1:17: cannot read `" in message_of(missing_ca)
    assert message_of(missing_ca).endswith("missing.pem`: no such file or directory")


def test_a_directory_that_cannot_be_listed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)

    assert message_of(str(folder)) == f"{folder}: cannot read `{folder}`: permission denied"


def test_the_size_and_the_number_of_files_are_limited(tmp_path: Path) -> None:
    large, many = tmp_path / "large", tmp_path / "many"
    large.mkdir()
    many.mkdir()
    for name in ("a.yaml", "b.yaml"):
        write(large, f"# {'x' * 600_000}\n{LOCAL}", name)
    for number in range(101):
        write(many, LOCAL, f"{number}.yaml")

    assert "more than 1,048,576 bytes together, which is the limit" in message_of(str(large))
    assert "there are 101 files; 100 are allowed" in message_of(str(many))


def test_the_paths_of_keys_are_relative_to_the_file(folder: Path) -> None:
    keys = 'issuers: {"https://a": {jwks_file: keys.json}, "https://b": {jwks_file: /k.json}, "https://c": {jwks_url: "https://c/k"}}\n'

    file, *_ = load_callers(write(folder, keys + LOCAL))

    assert [issuer.keys.file for issuer in file.issuers] == [str(folder / "keys.json"), "/k.json", ""]
