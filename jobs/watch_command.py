"""The options of `assay watch`, and how it is ended."""

from __future__ import annotations

import math
import sys
from typing import Annotated

import typer

from assay.errors import InputError
from jobs.cli_parts import ConfigPath, stop_signals
from jobs.load import load_config

_EVERY = 2.0
_LONGEST = 86_400.0

Every = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Renew the view so often. Default: 2; into a file or pipe: never."),
]
Once = Annotated[bool, typer.Option("--once", help="Print one view and end.")]


def watch_command(config: ConfigPath, every: Every = None, once: Once = False) -> None:
    """Show how a job stands while it runs: rates, what is flagged, rejections, freshness. Reads the table alone."""
    seconds = _seconds(every)
    with stop_signals(told="") as stopping:
        from jobs.watch_loop import draw_on, print_on, print_once

        job, terminal = load_config(config), sys.stdout.isatty()
        if once or (every is None and not terminal):
            print_once(job)
        elif terminal:
            draw_on(job, seconds, stopping)
        else:
            print_on(job, seconds, stopping)


def _seconds(every: float | None) -> float:
    if every is not None and not (math.isfinite(every) and 0 < every <= _LONGEST):
        raise InputError(f"--every {every:g}: give seconds, more than 0 and at most {_LONGEST:,.0f}")
    return _EVERY if every is None else every
