"""The options of `assay report`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from jobs.cli_parts import ConfigPath, Out, show_report
from jobs.load import load_config


class PageFormat(StrEnum):
    HTML = "html"
    MD = "md"
    JSON = "json"


class Compare(StrEnum):
    PREVIOUS = "previous"
    NONE = "none"


From = Annotated[
    datetime | None,
    typer.Option(
        "--from", formats=["%Y-%m-%d"], metavar="DAY", help="The first day, in UTC. Default: six days before --to."
    ),
]
To = Annotated[
    datetime | None,
    typer.Option(
        "--to", formats=["%Y-%m-%d"], metavar="DAY", help="The last day, included. Default: the table's last."
    ),
]
Policy = Annotated[str, typer.Option(help="Only the policies with these ids: a,b,c.")]
Against = Annotated[Compare, typer.Option(help="Compare with as many days before, or with nothing.")]
Redact = Annotated[bool, typer.Option("--redact", help="Leave out content, rationales, details and messages.")]
Format = Annotated[PageFormat, typer.Option(help="A page for people, Markdown for a chat, or JSON for machines.")]


def report_command(
    config: ConfigPath,
    out: Out = None,
    since: From = None,
    until: To = None,
    policy: Policy = "",
    compare: Against = Compare.PREVIOUS,
    redact: Redact = False,
    format: Format = PageFormat.HTML,
) -> None:
    """One page on what was audited: rates, what moved, the cases to look at, how sure that is, and what it cost."""
    from jobs.report import ReportOptions, render, report_job

    options = ReportOptions(
        since=since.date() if since else None,
        until=until.date() if until else None,
        policies=tuple(dict.fromkeys(each.strip() for each in policy.split(",") if each.strip())) or None,
        compare=compare is Compare.PREVIOUS,
        redact=redact,
    )
    show_report(render(report_job(load_config(config), options), format.value), out)
