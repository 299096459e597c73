"""Scores the held-out cases of a work folder with the small judge or its base: adds to `predictions.parquet`.

    python -m training.score WORK [--checkpoint DIR | --shipped]

The judge is measured as it ships: its delta, that of a checkpoint or the one in the package, is merged with the base.
Each score is exactly that of the judge's own prompt, with the whole content: contents under one policy are packed, and
a pack gives what single passes would give, up to rounding. The two digits' logits are worked out in float32;
an engine that has them in bfloat16 gives log odds in steps of 1/8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.progress import track

from actors.calibration import sigmoid
from actors.prompt import Layout, layout_of
from actors.small_judge_model import DELTA_FILE, PARTS
from actors.small_model import prepare
from assay.policy import Policy, parse_policy
from assay.records import ItemKind
from training.cases import CaseRow, PolicyRow, read_cases, read_policies
from training.checkpoints import newest
from training.command import run
from training.deltas import save_delta
from training.encoding import Encoder
from training.lora import Judge, Precision
from training.packing import Pack, segment_ends
from training.predictions import BASE, JUDGE, Prediction, replace_predictions
from training.splits import Part

TOKENS = 3_000
"""Tokens of contents in a pack; a longer content is a pack of its own."""


def score(
    judge: Judge, encoder: Encoder, system: str, cases: Sequence[CaseRow], policies: dict[str, PolicyRow]
) -> list[Prediction]:
    """What the judge says of each case, in no particular order."""
    asked: dict[tuple[str, Layout], list[CaseRow]] = defaultdict(list)
    for case in cases:
        asked[case.policy_hash, layout_of(ItemKind(case.kind))].append(case)
    found: list[Prediction] = []
    for (policy_hash, layout), some in track(asked.items(), description="policies"):
        row = policies[policy_hash]
        policy = parse_policy(row.file, row.policy_id)
        for rows, pack in packs(encoder, policy, layout, some):
            places = [end - 1 for end in segment_ends(pack)]
            odds = judge.odds(pack, places, encoder.zero, encoder.one)
            found += [_prediction(system, each, sigmoid(odd)) for each, odd in zip(rows, odds, strict=True)]
    return found


def packs(
    encoder: Encoder, policy: Policy, layout: Layout, cases: Sequence[CaseRow]
) -> Iterator[tuple[list[CaseRow], Pack]]:
    """The cases by length, as many to a pack as TOKENS allows."""
    prefix, suffix = encoder.prompt(policy, layout)
    segments = [(each, (*encoder.ids(each.shown), *suffix, *encoder.opening)) for each in cases]
    rows: list[CaseRow] = []
    chosen: list[tuple[int, ...]] = []
    for each, segment in sorted(segments, key=lambda pair: len(pair[1])):
        if chosen and (len(chosen) + 1) * len(segment) > TOKENS:
            yield rows, Pack(prefix, tuple(chosen))
            rows, chosen = [], []
        rows.append(each)
        chosen.append(segment)
    if chosen:
        yield rows, Pack(prefix, tuple(chosen))


def _prediction(system: str, case: CaseRow, found: float) -> Prediction:
    of = (case.task, case.part, case.policy_id, case.policy_hash, case.key, case.group, case.label)
    return Prediction(system, *of, found)


def main(
    work: Annotated[Path, typer.Argument(help="The work folder, with cases.parquet and policies.parquet.")],
    checkpoint: Annotated[Path | None, typer.Option(help="Score the judge of this training run.")] = None,
    shipped: Annotated[bool, typer.Option("--shipped", help="Score the judge that ships.")] = False,
    model: Annotated[Path | None, typer.Option(help="The base model's folder, if it is made already.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads to compute with.")] = 2,
    precision: Annotated[Precision, typer.Option(help="What to compute in.")] = Precision.BFLOAT16,
) -> None:
    """Score every case that is not in the train part, with a judge, or with the base if none is named."""
    torch.set_num_threads(threads)
    folder = model or prepare(Path(".models"))
    judge = Judge(folder, first_layer=None, precision=precision)
    if shipped:
        judge.merge(PARTS / DELTA_FILE)
    elif checkpoint is not None:
        merge_checkpoint(judge, newest(checkpoint))
    cases = [row for row in read_cases(work) if row.part != Part.TRAIN]
    system = JUDGE if shipped or checkpoint is not None else BASE
    replace_predictions(work, score(judge, Encoder(folder), system, cases, read_policies(work)))


def merge_checkpoint(judge: Judge, checkpoint: Path) -> None:
    """Make the base what it would be with this checkpoint's delta."""
    with TemporaryDirectory() as folder:
        judge.merge(save_delta(checkpoint, Path(folder)))


if __name__ == "__main__":
    run(main)
