"""What both demos do with their judge: make its model, and say what to expect of it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from actors import small_judge_model, small_model
from assay.config import Config

_MAKERS = {small_judge_model.NAME: small_judge_model.prepare, small_model.NAME: small_model.prepare}
_SMALL = {
    small_judge_model.NAME: (
        "This judge has 135 million parameters: it runs on any machine, and errs more than a large one. "
        "docs/small-judge.md says how much, and what not to use it for; configs/ has jobs for large ones."
    ),
    small_model.NAME: (
        "This model was never trained to judge, and can't follow a written policy: its verdicts show the machinery."
    ),
}


def make_model(config: Config, console: Console) -> None:
    """The folder that `judge.model` names, if it is one that comes with assay. Raises FatalError."""
    model = Path(config.judge.model) if config.judge.kind == "vllm" else None
    if model is None or model.name not in _MAKERS:
        return
    if not model.exists():
        console.print(f"making the small model in {shown(model)} (half a minute)")
    _MAKERS[model.name](model.parent)


def about(config: Config) -> str:
    """What its verdicts are worth, if it is one of those; else nothing."""
    return _SMALL.get(Path(config.judge.model).name, "") if config.judge.kind == "vllm" else ""


def shown(path: Path) -> Path:
    """As one would type it here."""
    path = path.resolve()
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
