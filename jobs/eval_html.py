"""An evaluation as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from jobs.attack_words import attack_cells, attack_heads, attack_title
from jobs.eval_plot import MARGIN, SIDE, marks
from jobs.eval_report import EvalReport
from jobs.eval_words import TITLES, agreement, both, excerpt, heading, interval, judgement, operating, value
from jobs.sql_output import printable
from measure.figures import FIGURES

MISTAKES = 200
"""So many of a policy's mistakes are listed."""

_CONTENT_CHARS = 2000


def eval_html(report: EvalReport) -> str:
    """The report as a page. Whatever an item, a label or a judge says is escaped, control characters included."""
    return page("eval.html.j2").render(
        report=report,
        figures=FIGURES,
        titles=TITLES,
        most=MISTAKES,
        content_chars=_CONTENT_CHARS,
        side=SIDE,
        margin=MARGIN,
    )


def page(name: str) -> Template:
    """A template of this package, with everything escaped that it shows and nothing allowed to be missing."""
    shelf = files("jobs").joinpath("templates")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda file: shelf.joinpath(file).read_text("utf-8")),
    )
    environment.filters |= {
        "agreement": agreement,
        "attack_cells": attack_cells,
        "attack_heads": attack_heads,
        "attack_title": attack_title,
        "both": both,
        "excerpt": excerpt,
        "heading": heading,
        "interval": interval,
        "judgement": judgement,
        "marks": marks,
        "operating": operating,
        "printable": printable,
        "value": value,
    }
    return environment.get_template(name)
