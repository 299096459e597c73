"""The small judge's model card, from what a work folder holds.

    python -m training.card WORKFOLDER --out docs/small-judge.md [--speed FILE] [--judge FOLDER]

The prose is that of card.md.jinja; every table, and every figure of a result, is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from actors.calibration import ShippedJudge, read_shipped
from actors.small_judge_model import PARTS, RATIONALE_CHARS
from assay.errors import FatalError
from training import card_tables
from training.baselines import PER_TASK
from training.card_data import AIM, TASKS, TaskCounts, task_counts
from training.card_speed import SPEED, Speed, read_speed
from training.command import run
from training.figures import CHANGES, EVERY, TEST, UNSEEN, Report, Slice, Spread, report
from training.predictions import JUDGE
from training.readers import MAIL_CHARS


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the card is made of. Without a `speed` the card says that none was measured."""

    report: Report
    counts: tuple[TaskCounts, ...]
    judge: ShippedJudge
    speed: Speed | None
    spread: Spread

    @property
    def reached(self) -> list[str]:
        """The tasks whose AUC reaches the aim."""
        return [title for title, auc in self._aims() if auc >= AIM]

    @property
    def missed(self) -> list[str]:
        return [title for title, auc in self._aims() if auc < AIM]

    @property
    def unseen_difference(self) -> str:
        """On policies it never saw: better or worse than the best baseline, or neither for certain; "" if unknown."""
        best = card_tables.best_baseline(self.report, Slice(JUDGE, UNSEEN, EVERY, EVERY))
        found = best.difference if best else None
        if found is None or found.low is None or found.high is None:
            return ""
        return "better than" if found.low > 0 else "worse than" if found.high < 0 else "level with"

    def has(self, part: str) -> bool:
        return any((each.slice.system, each.slice.part) == (JUDGE, part) for each in self.report.measured)

    def _aims(self) -> list[tuple[str, float]]:
        found = ((title, self.report.of(Slice(JUDGE, TEST, task, EVERY))) for task, title in TASKS.items())
        return [(title, each.auc.value) for title, each in found if each and each.auc.value is not None]


def render(facts: Facts) -> str:
    """The card, as Markdown."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    template = environment.get_template("card.md.jinja")
    return template.render(
        facts=facts,
        tables=card_tables,
        test=TEST,
        unseen=UNSEEN,
        changes=CHANGES,
        aim=AIM,
        chars=RATIONALE_CHARS,
        mail_chars=f"{MAIL_CHARS:,}",
        per_task=PER_TASK,
    )


def card(
    folder: Path, out: Path, *, judge: Path = PARTS, speed: Path | None = None, spread: Spread | None = None
) -> None:
    """Write the card of the judge in `judge`, measured in the work folder. `speed` is a file for `read_speed`.

    Raises InputError for what is missing or wrong, FatalError if the card can't be written.
    """
    spread = spread or Spread()
    facts = Facts(
        report=report(folder, spread),
        counts=task_counts(folder),
        judge=read_shipped(judge),
        speed=read_speed(speed) if speed else None,
        spread=spread,
    )
    try:
        out.write_text(render(facts), encoding="utf-8")
    except OSError as error:
        raise FatalError(f"--out {out}: can't be written: {error}") from error


def main(
    folder: Annotated[Path, typer.Argument(metavar="WORKFOLDER", help="The folder with cases and predictions.")],
    out: Annotated[Path, typer.Option(help="Where the card goes.")] = Path("docs/small-judge.md"),
    judge: Annotated[Path, typer.Option(help="The folder with the judge's judge.json.")] = PARTS,
    speed: Annotated[
        Path | None,
        typer.Option(help="What benchmarks/small_judge.py printed. Default: the folder's speed.txt."),
    ] = None,
) -> None:
    """Write the model card."""
    kept = folder / SPEED
    card(folder, out, judge=judge, speed=speed or (kept if kept.is_file() else None))


if __name__ == "__main__":
    run(main)
