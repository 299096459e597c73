"""Writes the labelled cases that judge and baselines are measured on: `python -m training.prepare DATA --out DIR`.

Each task has one policy for its train, valid and test parts. Of the held-out contents up to MOST are taken, at their
natural rate, but at least LEAST of either label where there are so many. Policies that ship are asked about other valid
content too, as an audit asks them about everything: thresholds are chosen on both. The train part holds all contents of
the training split under the same policies, and what a training run of DRAWN steps is shown, under many policies.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from actors.prompt import Layout, instructions
from actors.small_judge_model import RATIONALE_CHARS
from training.cases import CaseRow, PolicyRow, write_cases
from training.command import run
from training.composing import inverted, worded
from training.contents import key_of
from training.drawing import ALLOWED_UNDER, PACKS, Drawer, Drawn
from training.golden_sources import golden_cases
from training.sources import Labelled, contents_of, read_all
from training.splits import Part
from training.wordings import Worded, as_shipped, banks, shipped

MOST, LEAST, DRAWN = 600, 100, 600
TURNED = 48
"""How many test contents of each task are shown under its inverted policy, under others', and in unseen wordings."""

ORDINARY = 40
"""How many valid contents of each source that a policy has nothing to say about are shown under it."""

UNSEEN_PACKS = 12
"""Packs of unseen attributes."""

_SHIPPED_TASKS = {
    "harassment": ("harassment", None),
    "sms_spam": ("spam", "sms"),
    "email_spam": ("spam", "email"),
    "injection": ("prompt-injection", None),
}
_BANK_TASKS = ("hate", "offensive", "dialogue", "sexism", "jailbreak")

Rows = tuple[list[CaseRow], list[PolicyRow]]
Found = Mapping[str, Sequence[Labelled]]


def fixed_policies() -> dict[str, Worded]:
    """The policy of each task that is measured; one source only where two tasks share a policy."""
    named: dict[str, Worded] = {}
    for task in _BANK_TASKS:
        bank = banks()[task]
        named[task] = worded(bank, bank.wordings[0], random.Random(f"fixed:{task}"), "sections")
    for task, (policy_id, source) in _SHIPPED_TASKS.items():
        each = shipped()[policy_id]
        named[task] = as_shipped(each.model_copy(update={"sources": (source,)}) if source else each, each.policy)
    return named


def rows_of(found: Found, seed: int, drawn: int = DRAWN) -> Rows:
    """All cases and policies, by contents and seed alone; with what a training run of `drawn` steps is shown."""
    cases: list[CaseRow] = []
    policies: list[PolicyRow] = []
    held = {}
    for task, under in fixed_policies().items():
        policies.append(policy_row(task, under))
        for part in Part:
            listed = [each for each in _of(found, under) if each.part is part]
            chosen = listed if part is Part.TRAIN else _chosen(listed, under)
            cases += [case_row(task, part, under, each) for each in chosen]
            held[task] = chosen
    for more in (
        _ordinary(found),
        _turned(held),
        _unseen(held, found, seed),
        _drawn(found, seed, drawn),
        golden_cases(),
    ):
        cases += more[0]
        policies += more[1]
    return cases, policies


def case_row(task: str, part: str, under: Worded, each: Labelled) -> CaseRow:
    broken = under.broken(each.content)
    policy = under.policy
    kind = each.content.kind.value
    return CaseRow(task, part, policy.id, policy.hash, each.key, each.group, kind, each.shown, bool(broken), [*broken])


def policy_row(task: str, under: Worded) -> PolicyRow:
    policy = under.policy
    text = instructions(policy, Layout.TEXT, RATIONALE_CHARS)
    return PolicyRow(policy.hash, policy.id, task, under.style, text, policy.text)


def _of(found: Found, under: Worded) -> Iterator[Labelled]:
    return (each for name in under.sources for each in found[name] if under.fits(each.content))


def _from(under: Worded, listed: Sequence[Labelled]) -> list[Labelled]:
    """Those that the bank's policies have something to say about; a policy that ships may be about more."""
    return [each for each in listed if each.content.source in under.sources]


def _chosen(listed: Sequence[Labelled], under: Worded) -> list[Labelled]:
    """At most MOST, in the order of their keys, which is a random one; of the rarer label at least LEAST."""
    ordered = sorted(listed, key=lambda each: each.key)
    chosen = ordered[:MOST]
    for label in (True, False):
        lack = LEAST - sum(bool(under.broken(each.content)) is label for each in chosen)
        more = [each for each in ordered[MOST:] if bool(under.broken(each.content)) is label][: max(0, lack)]
        spare = [each for each in reversed(chosen) if bool(under.broken(each.content)) is not label][: len(more)]
        gone = {each.key for each in spare}
        chosen = [each for each in chosen if each.key not in gone] + more
    return chosen


def _even(listed: Sequence[Labelled], under: Worded, count: int) -> list[Labelled]:
    """About half of either label."""
    bad = [each for each in listed if under.broken(each.content)][: count // 2]
    return bad + [each for each in listed if not under.broken(each.content)][: count - len(bad)]


def _turned(held: Mapping[str, Sequence[Labelled]]) -> Rows:
    """Test contents again: under the policy turned round, and violating ones under policies that allow them."""
    cases: list[CaseRow] = []
    policies: list[PolicyRow] = []
    fixed = fixed_policies()
    for task in ("hate", "offensive", "dialogue", "sexism", "jailbreak", "sms_spam", "email_spam", "injection"):
        under = inverted(banks()[fixed[task].task], random.Random(f"turned:{task}"), "sections")
        policies.append(policy_row(task, under))
        own = _from(under, held[task])
        cases += [case_row(task, "inverted", under, each) for each in _even(own, fixed[task], TURNED)]
    for task in ("sms_spam", "injection", "hate", "sexism", "offensive"):
        allowed = ALLOWED_UNDER[fixed[task].task]
        tagged = [each for listed in held.values() for each in listed if each.content.tags]
        foreign = {each.key: each for each in tagged if each.content.source in allowed}
        ordered = [foreign[key] for key in sorted(foreign)]
        cases += [case_row(task, "swapped", fixed[task], each) for each in ordered[:TURNED]]
    return cases, policies


def _ordinary(found: Found) -> Rows:
    """Valid contents of other sources, under each policy that ships: it allows them, whatever their own labels say."""
    cases: list[CaseRow] = []
    for task in ("sms_spam", "harassment", "injection"):
        under = fixed_policies()[task]
        for source in sorted(set(ALLOWED_UNDER[under.task])):
            listed = sorted((each for each in found[source] if each.part is Part.VALID), key=lambda each: each.key)
            cases += [case_row("ordinary", Part.VALID, under, each) for each in listed[:ORDINARY]]
    return cases, []


def _unseen(held: Mapping[str, Sequence[Labelled]], found: Found, seed: int) -> Rows:
    """Test contents under wordings and attributes that are never trained on."""
    cases: list[CaseRow] = []
    policies: list[PolicyRow] = []
    tasks = {"spam": "sms_spam"} | {task: task for task in (*_BANK_TASKS, "injection")}
    for bank_name, task in tasks.items():
        bank = banks()[bank_name]
        wording = next(each for each in bank.wordings if each.unseen)
        under = worded(bank, wording, random.Random(f"unseen:{task}"), "sections")
        policies.append(policy_row(task, under))
        cases += [case_row(task, "unseen", under, each) for each in _even(_from(under, held[task]), under, TURNED)]
    drawer = Drawer(contents_of(found, Part.TEST), Part.TEST, seed)
    for number in range(UNSEEN_PACKS):
        drawn = drawer.drawn("attribute", "", random.Random(f"{seed}:unseen:{number}"), unseen=True)
        cases += _pack_rows("attribute", "unseen", drawn)
        policies.append(policy_row("attribute", drawn.worded))
    return cases, policies


def _drawn(found: Found, seed: int, steps: int) -> Rows:
    """What a judge with this seed is trained on in a run of so many steps."""
    drawer = Drawer(contents_of(found, Part.TRAIN), Part.TRAIN, seed)
    cases: list[CaseRow] = []
    policies: list[PolicyRow] = []
    for step, place in product(range(steps), range(PACKS)):
        drawn = drawer.draw(step, place, step / steps)
        cases += _pack_rows(drawn.worded.task, Part.TRAIN, drawn)
        policies.append(policy_row(drawn.worded.task, drawn.worded))
    return cases, policies


def _pack_rows(task: str, part: str, drawn: Drawn) -> list[CaseRow]:
    policy = drawn.worded.policy
    kind = "text" if drawn.layout is Layout.TEXT else "chat"
    about = (task, part, policy.id, policy.hash)
    return [
        CaseRow(*about, key_of(shot.shown), shot.group, kind, shot.shown, bool(shot.broken), [*shot.broken])
        for shot in drawn.shots
    ]


def main(
    data: Annotated[Path, typer.Argument(help="The folder that holds the labelled data sets.")],
    out: Annotated[Path, typer.Option(help="The work folder.")] = Path("out/training"),
    seed: Annotated[int, typer.Option(help="That of the training run.")] = 0,
    drawn: Annotated[
        int, typer.Option(min=0, help="What a training run of so many steps is shown becomes train cases too.")
    ] = DRAWN,
) -> None:
    """Write cases.parquet and policies.parquet."""
    cases, policies = rows_of(read_all(data), seed, drawn)
    write_cases(out, cases, policies)
    print(f"{len(cases):,} cases under {len(policies):,} policies in {out}")


if __name__ == "__main__":
    run(main)
