"""How the package's commands end: a mistake of the user's is one line and exit code 2, all else of ours exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from assay.errors import AssayError, InputError


def run(main: Callable[..., None]) -> None:
    """Run `main` with the command line's arguments, which its signature declares as typer reads it."""
    try:
        typer.run(main)
    except AssayError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)
