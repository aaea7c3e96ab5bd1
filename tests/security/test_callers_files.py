"""Several callers files as one, their CA files, and each error with its place and its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from rolecall.callers.credential import LOCAL
from rolecall.callers.errors import CallersViolation, InvalidCallersError
from rolecall.security import callers_file as module
from rolecall.security.callers_file import load_callers, read_files
from rolecall.security.callers_reload import ReloadingCallers
from tests.security.test_callers_file import LOCAL as LOCAL_FILE, ORDERS, write

CA = trustme.CA().cert_pem.bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(CA)
    return tmp_path


def violations(path: object) -> list[CallersViolation]:
    with pytest.raises(InvalidCallersError) as caught:
        load_callers(str(path))
    return list(caught.value.violations)


def violation(path: object) -> tuple[str, str, str]:
    """Return place, pointer and reason of the only violation."""
    (found,) = violations(path)
    return found.place, found.pointer, found.reason


def test_every_kind_of_declaration_may_be_spread_over_files(folder: Path) -> None:
    parts = {
        "a.yaml": 'trust_domains: {a.example: ca.pem}\nissuers: {"https://a": {jwks_file: a.json}}\npolicies: {A: POLICY}\n'
        "providers: [{arn: ARN/a, issuer: i, audiences: [x], jwks_file: a.json}]\ncallers: [ENTRY a}]\n",
        "b.yml": 'trust_domains: {b.example: ca.pem}\nissuers: {"https://b": {jwks_url: "https://b/k"}}\npolicies: {B: POLICY}\n'
        "providers: [{arn: ARN/b, issuer: i, audiences: [x], jwks_file: /b.json}]\ncallers: [ENTRY b}, ENTRY c}]\n",
        "c.yaml": "callers: [ENTRY d}]\npolicies: {C: POLICY}\n",
    }
    policy = '{Version: "1", Statement: [{Effect: Allow, Action: "ram:GetRole", Resource: "*"}]}'
    for name, text in parts.items():
        for word, value in (
            ("POLICY", policy),
            ("ARN", "acs:ram::123456789012:oidc-provider"),
            ("ENTRY ", "{match: {local: true}, policies: [RolecallDecider], name: "),
        ):
            text = text.replace(word, value)  # noqa: PLW2901
        write(folder, text, name)

    file, contents, places = load_callers(str(folder))

    assert [domain.name for domain in file.trust_domains] == ["a.example", "b.example"]
    assert [issuer.issuer for issuer in file.issuers] == ["https://a", "https://b"]
    assert [own.name for own in file.policies] == ["A", "B", "C"]
    assert [entry.name for entry in file.callers] == ["a", "b", "c", "d"]
    assert [p.keys.file for p in file.providers] == [str(folder / "a.json"), "/b.json"]
    assert [domain.path for domain in file.trust_domains] == [str(folder / "ca.pem")] * 2
    assert [domain.authority for domain in file.trust_domains] == [CA] * 2
    assert [Path(name).name for name, _ in contents.files] == ["a.yaml", "b.yml", "c.yaml"]
    assert contents.authorities == (("a.example", CA), ("b.example", CA))
    assert [places[f"/callers/{n}/name"].rpartition("/")[2].split(":")[0] for n in range(4)] == ["a.yaml", "b.yml", "b.yml", "c.yaml"]  # fmt: skip
    assert places["/providers/1/arn"].startswith(f"{folder}/b.yml:4:")


def test_what_several_files_declare_is_reported_for_each(folder: Path) -> None:
    first = write(folder, "trust_domains: {a: ca.pem, b: ca.pem}\ncallers: []\npolicies: 7\n", "a.yaml")
    second = write(folder, "trust_domains: {b: ca.pem, a: ca.pem}\npolicies: {}\ncallers: []\n", "b.yaml")

    found = [(each.place, each.pointer, each.reason, each.message) for each in violations(folder)]

    keep = "keep one of the two"
    assert found == [
        (f"{second}:1:17", "/trust_domains/b", "DUPLICATE_KEY", f"`b` is declared twice; the first is at {first}:1:28; {keep}"),
        (f"{second}:1:28", "/trust_domains/a", "DUPLICATE_KEY", f"`a` is declared twice; the first is at {first}:1:17; {keep}"),
        (
            f"{second}:2:1", "/policies", "DUPLICATE_KEY",
            f"`policies` is given in two files and cannot be put together; the first is at {first}:3:1; {keep}",
        ),
    ]  # fmt: skip


def test_each_error_has_its_place_and_its_reason(folder: Path) -> None:
    path = folder / "callers.yaml"
    empty, many = folder / "empty", folder / "many"
    for directory in (empty, many):
        directory.mkdir()
    for number in range(101):
        write(many, LOCAL_FILE, f"{number}.yaml")

    assert violation(folder / "none") == (str(folder / "none"), "", "UNREADABLE")
    assert violation(empty) == (str(empty), "", "NO_FILES")
    assert violation(many) == (str(many), "", "TOO_MANY")
    path.write_bytes(b"\xff")
    assert violation(path) == (str(path), "", "INVALID_UNICODE")
    path.write_text(f"# {'x' * 1_048_576}")
    assert violation(path) == (str(path), "", "TOO_LARGE")
    path.write_text(ORDERS)
    (folder / "ca.pem").write_bytes(b"no certificate")
    assert violation(path) == (f"{path}:1:17", "/trust_domains/prod.example", "INVALID_CA")
    (folder / "ca.pem").unlink()
    assert violation(path) == (f"{path}:1:17", "/trust_domains/prod.example", "UNREADABLE")


def test_the_ca_files_of_all_trust_domains_are_examined(folder: Path) -> None:
    path = write(folder, "trust_domains:\n  a: none.pem\n  b: ca.pem\n  c: none.pem\ncallers: []\n")

    assert [(each.place, each.pointer) for each in violations(path)] == [
        (f"{path}:2:3", "/trust_domains/a"), (f"{path}:4:3", "/trust_domains/c"),
    ]  # fmt: skip


def test_files_and_ca_files_may_be_as_large_as_the_limit(folder: Path) -> None:
    limit = 1_048_576
    half = f"#{'x' * (limit // 2 - len(LOCAL_FILE) - 2)}\n"
    write(folder, LOCAL_FILE + half, "a.yaml")
    second = write(folder, LOCAL_FILE.replace("laptop", "others") + half, "b.yaml")
    assert sum(len(data) for _, data in read_files(str(folder))) == limit
    assert len(load_callers(str(folder)).file.callers) == 2

    with Path(second).open("a") as file:
        file.write("\n")
    assert violation(folder) == (second, "", "TOO_LARGE")

    path = write(folder, ORDERS)
    (folder / "ca.pem").write_bytes(CA + b"\n" * (limit - len(CA)))
    assert load_callers(path).file.trust_domains[0].authority[: len(CA)] == CA
    (folder / "ca.pem").write_bytes(CA + b"\n" * (limit - len(CA) + 1))
    (found,) = violations(path)
    assert (found.place, found.pointer, found.reason) == (f"{path}:1:17", "/trust_domains/prod.example", "TOO_LARGE")
    assert found.message.endswith("ca.pem` has more than 1,048,576 bytes, which is the limit")


def test_a_hundred_files_are_read(folder: Path) -> None:
    for number in range(100):
        write(folder, LOCAL_FILE.replace("laptop", f"c{number}"), f"{number}.yaml")

    assert len(load_callers(str(folder)).file.callers) == 100


@pytest.mark.parametrize(("changes", "attempts"), [(1, 2), (2, 3), (3, 3)])
def test_files_that_change_while_they_are_read_are_read_again_twice(
    folder: Path, changes: int, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder, LOCAL_FILE)
    parsed: list[str] = []
    parse = module.callers_in

    def changing(files: tuple[tuple[str, bytes], ...], base: Path) -> module.LoadedCallers:
        parsed.append(path)
        if len(parsed) <= changes:
            write(folder, LOCAL_FILE.replace("laptop", f"laptop{len(parsed)}"))
        return parse(files, base)

    monkeypatch.setattr(module, "callers_in", changing)

    if changes < 3:
        assert load_callers(path).file.callers[0].name == f"laptop{changes}"
    else:
        assert violation(path) == (path, "", "UNSTABLE")
    assert len(parsed) == attempts


async def test_a_ca_file_that_changes_alone_is_the_next_generation(folder: Path) -> None:
    callers = ReloadingCallers(write(folder, ORDERS))
    first, other = callers.generation, trustme.CA().cert_pem.bytes()

    unchanged = await callers.reload_if_changed()
    (folder / "ca.pem").write_bytes(other)
    changed = await callers.reload_if_changed()

    assert (unchanged, changed, await callers.reload_if_changed()) == (False, True, False)
    assert callers.generation != first
    assert callers.directory.file is not None
    assert callers.directory.file.trust_domains[0].authority == other


async def test_a_ca_file_that_is_gone_is_reported_by_its_trust_domain(folder: Path) -> None:
    callers = ReloadingCallers(write(folder, ORDERS))
    (folder / "ca.pem").unlink()

    with pytest.raises(InvalidCallersError) as caught:
        await callers.reload_if_changed()

    (found,) = caught.value.violations
    assert (found.place, found.pointer, found.reason) == ("", "/trust_domains/prod.example", "UNREADABLE")
    assert str(found).startswith("/trust_domains/prod.example: cannot read ")


async def test_an_attempt_that_fails_does_not_count_as_a_time_at_which_the_files_were_valid(folder: Path) -> None:
    path = write(folder, LOCAL_FILE)
    callers = ReloadingCallers(path, clock=iter(range(1_000, 2_000)).__next__)
    assert (callers.loaded_at, callers.reloads, callers.errors) == (1_000, 0, 0)

    write(folder, "callers: [")
    for _ in range(2):
        with pytest.raises(InvalidCallersError):
            await callers.reload_if_changed()
    assert (callers.loaded_at, callers.reloads, callers.errors) == (1_000, 0, 2)
    write(folder, LOCAL_FILE)

    assert not await callers.reload_if_changed()
    assert (callers.loaded_at, callers.reloads, callers.errors) == (1_001, 0, 2)
    assert callers.directory.caller(LOCAL, source_ip="", secure=False).policies == ("AdministratorAccess",)
