"""How mistakes of the file of contexts, of options and of variables are reported: what is wrong, and what to do."""

from __future__ import annotations

import pytest

from rolecall.cli.failure import CommandError
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.remote.context_errors import errors_of_contexts
from rolecall_client.contexts.errors import ContextProblem, ContextsError


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("--tls-key is missing", "--tls-key is missing", ""),
        ("--tls-key is missing; give it", "--tls-key is missing", "give it"),
        ("it is missing; give it; or leave it out", "it is missing", "give it; or leave it out"),
        ("a;b", "a;b", ""),
    ],
)
def test_what_to_do_about_an_option_stands_after_the_first_semicolon(text: str, message: str, hint: str) -> None:
    with pytest.raises(CommandError) as caught, errors_of_contexts():
        raise ValueError(text)

    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_every_mistake_of_a_file_has_its_place_and_its_remedy() -> None:
    mistakes = [ContextProblem("f.yaml", 2, 3, "wrong", "mend it"), ContextProblem("f.yaml", 0, 0, "empty")]

    with pytest.raises(ProblemsError) as caught, errors_of_contexts():
        raise ContextsError(mistakes)

    assert caught.value.problems == (
        Problem(location=Location("f.yaml", 2, 3), message="wrong", hint="mend it"),
        Problem(location=Location("f.yaml"), message="empty"),
    )
    assert str(caught.value) == "f.yaml:2:3: wrong; f.yaml: empty"
