"""Tokens in files and from commands: when they are renewed, and what is no token."""

from __future__ import annotations

import base64
import json
import math
import os
import select
import stat
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from rolecall_client import TokenError
from rolecall_client.connection.tokens import CommandToken, FileToken, expiry_of

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["exp", "a"]), inner, max_size=2),
    max_leaves=5,
)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def replaced(path: Path, text: str) -> None:
    """Replace a file as a tool does that renews tokens: the name gets another file."""
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token")

    with pytest.raises(TokenError, match="cannot be read: it is not a regular file"):
        FileToken(tmp_path / "token")()


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    token = FileToken(path, clock=clock)

    before = token()
    replaced(path, "second")
    at_once = token()
    clock.now += 1

    assert (before, at_once, token()) == ("first", "first", "second")


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    token = FileToken(path, clock=clock)
    token()
    # The same file with the same size and time: only a reader would see the difference.
    times = path.stat()
    path.write_text("other")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    clock.now += 60

    assert token() == "first"


def test_a_file_that_was_refused_is_looked_at_on_the_next_call(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    token = FileToken(path, clock=clock)
    token()
    replaced(path, "second")

    token.refused()

    assert token() == "second"


@pytest.mark.parametrize("content", ["", " \n", "a b", "a\nb", "ü", "a\x00", "x" * 16_385])
def test_a_file_without_a_token_is_an_error_that_shows_nothing_of_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)

    with pytest.raises(TokenError) as caught:
        FileToken(path)()

    assert caught.value.message.startswith(f"the token file `{path}` gives ")
    assert (caught.value.code, caught.value.reason) == ("UNAUTHENTICATED", "NO_TOKEN")
    assert not content.strip() or content.strip() not in caught.value.message


def test_a_token_may_have_the_longest_length(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("x" * 16_384)

    assert FileToken(path)() == "x" * 16_384


@pytest.mark.parametrize("broken", [lambda path: path.unlink(), lambda path: path.write_text("")])
def test_the_last_token_is_used_for_a_while_when_its_file_cannot_be_read(
    tmp_path: Path, clock: Clock, broken: Callable[[Path], object]
) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    token = FileToken(path, clock=clock)
    token()

    broken(path)
    clock.now += 9.9
    while_it_is_replaced = token()
    clock.now += 0.2

    assert while_it_is_replaced == "first"
    with pytest.raises(TokenError):
        token()
    path.write_text("second")
    assert token() == "second"


def test_a_missing_file_is_an_error_with_its_cause(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match=r"the token file `.*/none` cannot be read: No such file or directory"):
        FileToken(tmp_path / "none")()


def program(directory: Path, body: str) -> list[str]:
    """Return a command that counts its runs in the file `runs`."""
    path = directory / "program.py"
    path.write_text(f"import sys, os, time\nopen({str(directory / 'runs')!r}, 'a').write('x')\n{body}\n")
    return [sys.executable, str(path)]


def runs(directory: Path) -> int:
    return len((directory / "runs").read_text())


def jwt(**claims: object) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims, {})
    )


@pytest.mark.parametrize(
    ("exp", "seconds"), [(None, 60), (1_000, 940), (100, 40), (61, 1), (30, 1), (-5, 1), (10**9, 86_400)]
)
def test_a_command_runs_again_a_minute_before_its_token_expires(
    tmp_path: Path, clock: Clock, exp: int | None, seconds: float
) -> None:
    text = "opaque" if exp is None else jwt(exp=50_000 + exp)
    token = CommandToken(program(tmp_path, f"print({text!r})"), clock=clock, now=lambda: 50_000.0)

    first = token()
    clock.now += seconds - 0.01
    still_ready = token.ready()
    clock.now += 0.02
    over = token.ready()

    assert (first, still_ready, over) == (text, text, None)
    assert (token(), runs(tmp_path)) == (text, 2)


def test_a_command_that_fails_is_not_started_for_each_call(tmp_path: Path, clock: Clock) -> None:
    token = CommandToken(program(tmp_path, "sys.exit(3)"), clock=clock)

    for _ in range(5):
        with pytest.raises(TokenError, match=r"the token command `.*python.*` failed with exit code 3"):
            token()
    clock.now += 1
    with pytest.raises(TokenError):
        token()

    assert runs(tmp_path) == 2


def test_a_token_that_was_refused_is_renewed_but_at_most_once_a_second(tmp_path: Path, clock: Clock) -> None:
    token = CommandToken(program(tmp_path, "print('opaque')"), clock=clock)
    token()

    token.refused()
    token()
    clock.now += 1
    token.refused()
    token()

    assert runs(tmp_path) == 2


def test_threads_that_need_a_token_at_once_start_one_command(tmp_path: Path) -> None:
    token = CommandToken(program(tmp_path, "time.sleep(0.2)\nprint('opaque')"))
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait(10)
        return token()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))

    assert (answers, runs(tmp_path)) == (["opaque"] * 8, 1)


def test_an_endless_output_is_cut_and_the_command_ended(tmp_path: Path) -> None:
    token = CommandToken(program(tmp_path, "while True: os.write(1, b'x' * 4096)"))

    with pytest.raises(TokenError, match="gives more than 16384 bytes"):
        token()


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    # The child inherits the output, which stays open when only the parent is ended.
    body = f"pid = os.fork() or os.getpid()\nopen({str(tmp_path / 'pids')!r}, 'a').write(f'{{os.getpid()}} ')\ntime.sleep(60)"
    token = CommandToken(program(tmp_path, body), timeout=1.0)

    with pytest.raises(TokenError, match="has not ended within 1 seconds"):
        token()

    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    assert all(ends(pid) for pid in pids)


def ends(pid: int) -> bool:
    """Return whether a process has ended or ends by itself soon: it was sent the signal."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended = select.select([process], [], [], 10)[0]
    os.close(process)
    return bool(ended)


def test_a_command_that_closes_its_output_and_goes_on_is_ended(tmp_path: Path) -> None:
    token = CommandToken(program(tmp_path, "os.write(1, b'opaque')\nos.close(1)\ntime.sleep(60)"), timeout=1.0)

    with pytest.raises(TokenError, match="has not ended within 1 seconds"):
        token()


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    name = tmp_path / "with space; touch owned"
    name.write_text(f"#!{sys.executable}\nimport sys\nprint(repr(sys.argv[1]).replace(' ', '_'))\n")
    name.chmod(name.stat().st_mode | stat.S_IXUSR)

    assert CommandToken([str(name), "$HOME; x"])() == "'$HOME;_x'"
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("command", ["aws get-token", "", []])
def test_a_command_is_a_list(command: list[str]) -> None:
    with pytest.raises(ValueError, match="a token command is a list"):
        CommandToken(command)


def test_a_program_that_is_missing_is_an_error_with_its_cause(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match=r"the token command `/none` cannot be started: No such file or directory"):
        CommandToken(["/none"])()
    with pytest.raises(TokenError, match="cannot be started: embedded null byte"):
        CommandToken(["a\x00b"])()


def test_what_a_command_prints_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(TokenError) as caught:
        CommandToken(program(tmp_path, "print('my secret')"))()

    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("token", "expiry"),
    [
        (jwt(exp=7), 7.0),
        (jwt(exp=7.5), 7.5),
        (jwt(), None),
        (jwt(exp="7"), None),
        (jwt(exp=True), None),
        (jwt(exp=10**400), None),
        (jwt(exp=None), None),
        ("a.b", None),
        ("a.b.c", None),
        ("a.!!.c", None),
        (".".join(["", base64.urlsafe_b64encode(b"[1]").decode(), ""]), None),
        (".".join(["", base64.urlsafe_b64encode(b'{"exp": 1e999}').decode(), ""]), None),
        (".".join(["", base64.urlsafe_b64encode(b"[" * 9_000).decode(), ""]), None),
        (".".join(["", base64.urlsafe_b64encode(b"\xff").decode(), ""]), None),
        ("a.é.c", None),
    ],
)
def test_only_a_json_web_token_says_when_it_expires(token: str, expiry: float | None) -> None:
    assert expiry_of(token) == expiry


@given(st.lists(st.binary(max_size=30) | JSON.map(lambda value: json.dumps(value).encode()), min_size=1, max_size=4))
def test_the_expiry_of_any_text_is_a_time_or_unknown(parts: list[bytes]) -> None:
    token = ".".join(base64.urlsafe_b64encode(part).decode() for part in parts)

    expiry = expiry_of(token)

    assert expiry is None or abs(expiry) < math.inf
