"""`token`: make static tokens, for set-ups without certificates and without an issuer of tokens."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from rolecall.cli.options.shared import Output, PlainOutputOption
from rolecall.cli.text.terminal import print_json

app = typer.Typer(no_args_is_help=True, help="Make static tokens for callers.")

NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="The name of the entry that is printed.")]


@app.callback()
def token() -> None:
    """Make static tokens for callers."""


@app.command()
def new(name: NameOption = "NAME", output: PlainOutputOption = Output.TABLE) -> None:
    """Make a token of 256 random bits, and print it with its entry for the callers file.

    The token is printed once and stored nowhere: give it to the caller, which sends it as `authorization: Bearer TOKEN`. The
    callers file has only its hash.
    """
    from rolecall.callers.static_tokens import new_token

    made = new_token()
    if output is Output.JSON:
        print_json({"token": made.text, "token_sha256": made.sha256})
        return
    sys.stdout.write(made.text + "\n")
    # The entry goes to the other stream, so that `rolecall token new > FILE` writes the token alone.
    sys.stderr.write(
        f'# for `callers` in the callers file\n- name: {name}\n  match: {{token_sha256: "{made.sha256}"}}\n'
        "  policies: [RolecallDecider]\n"
    )
