"""The demo: builds what configs/demo.yaml names, runs it as a user would, and shows what came of it.

Run as `python -m jobs.demo [CONFIG]` from anywhere.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, TypeAdapter
from rich.console import Console
from rich.table import Table

from actors.small_model import prepare
from assay.config import Config, ParquetConfig
from assay.errors import AssayError, FatalError
from jobs.load import load_config
from jobs.sample import write_sample

ROOT = Path(__file__).resolve().parent.parent
_PREVALENCE = (
    "select policy_id, count(*) as verdicts, count(*) filter (violation) as flagged from verdicts group by 1 order by 1"
)
_NEXT = "select item_id, policy_id, violation, score, rationale from verdicts order by score desc nulls last limit 5"


class Result(BaseModel):
    """What the demo shows of a run's summary."""

    items: int
    cases: int
    verdicts: int
    rejected: int
    skipped: int
    seconds: float
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int


class Prevalence(BaseModel):
    """Verdicts under one policy, over all runs of the demo."""

    policy_id: str
    verdicts: int
    flagged: int


def demo(config_path: Path, console: Console) -> None:
    """Build the sample and the model if they are absent, audit, and print a short table. Raises AssayError."""
    config = load_config(config_path)
    _build(config, console)
    shown = _shown(config_path)
    if isinstance(config.source, ParquetConfig) and config.source.limit:
        console.print(f"the demo takes the first {config.source.limit} items of the sample; source.limit says so")
    console.print(f"[bold]$ assay backfill {shown}[/]   (two minutes or so)")
    result = Result.model_validate_json(_assay("backfill", str(config_path), "--json"))
    rows = _assay("sql", str(config_path), _PREVALENCE, "--format", "json")
    show(result, TypeAdapter(list[Prevalence]).validate_json(rows), config, console)
    console.print("\nTry next:\n")
    console.print(f'  .venv/bin/assay sql {shown} "{_NEXT}"', highlight=False, soft_wrap=True)


def show(result: Result, policies: Sequence[Prevalence], config: Config, console: Console) -> None:
    """The run as a table; or, when there was nothing to do, a sentence that says so, and the verdicts of before."""
    if result.skipped == result.cases:
        console.print(f"nothing left to judge: all {result.cases} cases of {result.items} items were settled before")
    table = Table(title="the demo's audit", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in _rows(result):
        table.add_row(name, value)
    table.add_section()
    for policy in policies:
        table.add_row(f"flagged under {policy.policy_id}", f"{policy.flagged} of {policy.verdicts}")
    console.print(table)
    if config.judge.kind == "vllm":
        console.print(
            "This judge has 135 million parameters and can't follow a written policy. Its verdicts are noise: they "
            "show that the machinery works, and nothing about the items. configs/ has jobs for judges that can."
        )


def _rows(result: Result) -> tuple[tuple[str, str], ...]:
    return (
        ("items", f"{result.items:,}"),
        ("cases (items x policies)", f"{result.cases:,}"),
        ("settled before", f"{result.skipped:,}"),
        ("verdicts", f"{result.verdicts:,}"),
        ("rejections", f"{result.rejected:,}"),
        ("seconds", f"{result.seconds:,.1f}"),
        ("tokens read", f"{result.prompt_tokens:,}"),
        ("  of them cached", f"{result.cached_tokens:,}"),
        ("tokens written", f"{result.output_tokens:,}"),
    )


def _build(config: Config, console: Console) -> None:
    sample = Path(config.source.path[0]) if isinstance(config.source, ParquetConfig) else None
    if sample is not None and not sample.exists():
        console.print(f"writing the sample to {_shown(sample)}")
        write_sample(ROOT / "configs" / "sample", sample)
    if config.judge.kind == "vllm" and not Path(config.judge.model).exists():
        console.print(f"making the small model in {_shown(Path(config.judge.model))} (half a minute)")
        prepare(Path(config.judge.model).parent)


def _shown(path: Path) -> Path:
    path = path.resolve()
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _assay(*arguments: str) -> str:
    """The standard output of one `assay` command; its progress goes where ours goes. Raises FatalError if it fails."""
    command = [sys.executable, "-m", "jobs.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise FatalError(f"assay {arguments[0]} failed with exit code {done.returncode}; the reason is above")
    return done.stdout


def main(arguments: Sequence[str]) -> int:
    config = Path(arguments[0]) if arguments else ROOT / "configs" / "demo.yaml"
    try:
        demo(config.resolve(), Console())
    except AssayError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
