"""A file of contexts that would exhaust its reader, run programs of others, or send the secrets of one server to another."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall_client import TokenError
from rolecall_client.contexts import settings_from_env
from rolecall_client.contexts.choice import choose
from rolecall_client.contexts.errors import ContextsError
from rolecall_client.contexts.given import OPTIONS, GivenSettings
from rolecall_client.contexts.reading import parse_contexts, read_contexts

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{chr(ord(name) - 1)}'] * 9)}]\n" for name in "bcdefghi"
)


def refusal_of(text: str) -> str:
    with pytest.raises(ContextsError) as caught:
        parse_contexts(text, Path("config.yaml"))
    return caught.value.problems[0].message


# CVE-2019-11253: nine lists of nine aliases are 387 million values.
def test_a_small_file_does_not_expand_to_millions_of_values() -> None:
    assert "anchors and aliases are not supported" in refusal_of(LAUGHS)
    assert "anchors and aliases are not supported" in refusal_of("contexts: {a: &a {address: x}, b: {<<: *a}}")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_file_that_is_nested_deeply_ends_at_the_limit(opening: str) -> None:
    assert "which is the limit" in refusal_of(opening * 80_000)


def test_a_file_of_many_small_values_ends_at_the_limit() -> None:
    assert "20,000 values, which is the limit" in refusal_of("contexts: [" + "1," * 100_000 + "]")


# CVE-2017-18342, and every reader that makes objects of tags.
def test_a_file_makes_no_objects() -> None:
    assert "is not supported" in refusal_of("contexts: !!python/object/apply:os.system ['true']")


def context_file(folder: Path, token: str, mode: int = 0o600) -> Path:
    path = folder / "config.yaml"
    path.write_text(f"current: a\ncontexts: {{a: {{address: localhost, token: {{command: {token}}}}}}}")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("words", ["[echo, '$(touch proof)']", "[echo, '; touch proof']", "[echo, '`touch proof`']"])
def test_no_shell_reads_the_words_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    token = settings_from_env({"ROLECALL_CONFIG": str(context_file(tmp_path, words))}).token
    assert token is not None

    with pytest.raises(TokenError):
        token()  # the words themselves, which are no token

    assert not (tmp_path / "proof").exists()


# A token command is a program: a user who can write the file, or put another in its place, could have named it.
@pytest.mark.parametrize(("file", "folder"), [(0o666, 0o700), (0o660, 0o700), (0o600, 0o777), (0o600, 0o770)])
def test_a_program_that_another_user_could_have_named_is_never_run(tmp_path: Path, file: int, folder: int) -> None:
    path = context_file(tmp_path, "[touch, proof]", file)
    tmp_path.chmod(folder)

    with pytest.raises(ContextsError, match="other users can write"):
        read_contexts(path)


# kubectl sends the credentials of the current context to the server of `--server`.
@pytest.mark.parametrize("source", ["option", "variable"])
def test_an_address_from_elsewhere_gets_neither_token_nor_certificate_of_the_current_context(
    tmp_path: Path, source: str
) -> None:
    environ = {"ROLECALL_CONFIG": str(context_file(tmp_path, "[print-token]"))}
    options = GivenSettings(names=OPTIONS, address="evil.example" if source == "option" else None)
    variables = {} if source == "option" else {"ROLECALL_ADDRESS": "evil.example"}

    settings = choose(options, {**environ, **variables}).settings()

    assert (settings.address, settings.token, settings.tls) == ("evil.example:50051", None, None)


# A variable that was forgotten in a shell: the write happens on another server than the one that the command names.
def test_a_forgotten_variable_does_not_redirect_a_command_that_names_its_context(tmp_path: Path) -> None:
    environ = {"ROLECALL_CONFIG": str(context_file(tmp_path, "[print-token]")), "ROLECALL_ADDRESS": "forgotten:1"}

    chosen = choose(GivenSettings(names=OPTIONS, context="a"), environ)

    assert chosen.address == "localhost:50051"
