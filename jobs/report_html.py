"""A report as one HTML file that needs nothing else: no script, no font, no request.

What an item, a label, a judge or a policy says is escaped, cut, and has its control characters as escapes; the page's
own policy (Content-Security-Policy) lets no script run and nothing be fetched, whatever is in it.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from jobs import report_plots, report_words
from jobs.eval_words import excerpt
from jobs.report_cases import CASE_KINDS, CONTENT_CHARS
from jobs.report_record import PolicySection, Report
from jobs.report_summary import summary
from jobs.sql_output import printable

_ROWS = 12
_RUNS = 30


def report_html(report: Report) -> str:
    """The report as a page."""
    style = _file("page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _pages()
        .get_template("page.html.jinja")
        .render(
            report=report,
            summary=summary(report),
            plots=_Plots(report),
            css=Markup(style),
            css_hash=Markup(f"sha256-{digest}"),
            case_kinds=CASE_KINDS,
            content_chars=CONTENT_CHARS,
            most_rows=_ROWS,
            most_runs=_RUNS,
        )
    )


class _Plots:
    """The plots of one report, drawn when the page asks for them."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def rate(self, policy: PolicySection) -> Markup:
        return report_plots.rate_plot(policy.points, policy.events, self._report.period)

    def scores(self, policy: PolicySection) -> Markup:
        return report_plots.score_plot(policy.scores)

    def changes(self) -> Markup:
        return report_plots.change_plot(self._report.changes)

    def tokens(self) -> Markup:
        return report_plots.token_plot(self._report.costs.days)


@cache
def _pages() -> Environment:
    """Everything that is shown is escaped, and nothing may be missing."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_file),
    )
    environment.filters |= {
        "base": report_words.base,
        "source": report_words.source,
        "excerpt": excerpt,
        "printable": printable,
    }
    environment.globals["words"] = report_words
    return environment


def _file(name: str) -> str:
    return files("jobs").joinpath(f"report_page/{name}").read_text("utf-8")
