"""A comparison as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from jobs import diff_words
from jobs.diff_report import DiffReport
from jobs.eval_html import page

CHANGES = 200
"""So many of a policy's changed items are listed."""

_CONTENT_CHARS = 2000


def diff_html(report: DiffReport) -> str:
    """The report as a page. Whatever an item, a policy or a judge says is escaped, control characters included."""
    return page("diff.html.j2").render(report=report, words=diff_words, most=CHANGES, content_chars=_CONTENT_CHARS)
