"""What a training step is shown: one policy and some contents, drawn by seed, step and place alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from actors.prompt import Layout
from assay.errors import InputError
from assay.records import ItemKind, Turn
from training.attributes import SOURCES, attribute_policy, with_attributes
from training.composing import inverted, renamed, worded
from training.contents import Content, as_chat
from training.golden_sources import golden_contents, golden_policy
from training.splits import Part
from training.teacher import NOBODY, Teacher
from training.wordings import Worded, as_shipped, banks, shipped

CASES = 32
"""The most contents behind one policy."""

PACKS = 1
"""Packs in a step of training."""

MODES = {"real": 0.51, "golden": 0.05, "attribute": 0.06, "inverted": 0.18, "swapped": 0.2}
"""How often a pack is of which kind, once the judge can tell contents apart."""

FIRST = {"real": 0.78, "golden": 0.05, "swapped": 0.17}
"""The same for the first part of a run: packs whose labels don't contradict each other. With inverted policies from the
beginning the loss stays at chance for thousands of cases."""

FIRST_SHARE = 0.3
"""How much of a run is its first part."""

TASKS = {"hate": 1.9, "offensive": 0.5, "dialogue": 2.1, "sexism": 2.0, "jailbreak": 0.9, "spam": 0.6, "injection": 0.8}
"""How often a task is drawn: about the square root of its size, with more for what is hard to learn."""

SHIPPED_SHARE = 0.3
"""How many of the packs of a task with a shipped policy are of that policy."""

TEXTS_SHARE = 0.5
"""How many of the packs are of texts alone, where a policy's sources have texts and chats. Mixed packs are of chats."""

SHORT, LONG = 360, 1_200
"""The most characters of a turn that are shown in training, mostly and now and then; the middle is left out."""

TEACHER_WEIGHT = 0.6
"""What the teacher's word counts in a target beside the label."""

_TRIES = 100

_SHIPPED_FOR = {
    "spam": "spam",
    "injection": "prompt-injection",
    "hate": "harassment",
    "sexism": "harassment",
    "dialogue": "harassment",
}
ALLOWED_UNDER: Mapping[str, tuple[str, ...]] = {
    "spam": ("davidson", "edos", "diasafety", "injection", "conduct", "everyday"),
    "injection": ("davidson", "edos", "diasafety", "sms", "email", "conduct", "everyday", "everyday"),
    "harassment": ("sms", "email", "injection", "everyday"),
    "hate": ("sms", "email", "injection", "everyday"),
    "sexism": ("injection", "email", "everyday"),
    "offensive": ("injection", "everyday"),
}
"""For each task the sources whose contents, whatever their own labels say, its policies allow; one twice counts so."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One content under the drawn policy: how it is shown, its group, and the rules that it breaks (none: allowed).

    `target` is the P(violation) that the judge is to learn.
    """

    shown: str
    group: str
    broken: tuple[str, ...]
    target: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """One policy and contents under it. `sure` says that the labels are computed and not people's."""

    mode: str
    worded: Worded
    layout: Layout
    shots: tuple[Shot, ...]
    sure: bool


class Drawer:
    """Draws packs out of `contents`, by source, all of which are of `part`, and the golden items of that part.

    The same (seed, step, place) is always the same pack.
    """

    def __init__(
        self, contents: Mapping[str, Sequence[Content]], part: Part, seed: int, teacher: Teacher = NOBODY
    ) -> None:
        if empty := [name for name, found in contents.items() if not found]:
            raise InputError(f"no contents to train on from {', '.join(empty)}")
        self._contents = contents
        self._golden = golden_contents(part)
        self._seed = seed
        self._teacher = teacher

    def draw(self, step: int, place: int, done: float = 1.0) -> Drawn:
        """A pack of a mode and task that are drawn too, for the point of a run where the share `done` is behind."""
        rng = random.Random(f"{self._seed}:{step}:{place}")
        modes = FIRST if done < FIRST_SHARE else MODES
        mode = rng.choices(list(modes), list(modes.values()))[0]
        tasks = [task for task in TASKS if mode != "swapped" or task in ALLOWED_UNDER]
        return self.drawn(mode, rng.choices(tasks, [TASKS[each] for each in tasks])[0], rng)

    def drawn(self, mode: str, task: str, rng: random.Random, unseen: bool = False) -> Drawn:
        """A pack of this mode and task; attribute and golden packs have no task.

        `unseen` wordings and attributes are for evaluation.
        """
        if mode == "attribute":
            return self._attribute(rng, unseen)
        if mode == "golden":
            return self._of_golden(rng)
        for _ in range(_TRIES):
            under = inverted(banks()[task], rng) if mode == "inverted" else _policy(task, rng, unseen)
            pools = self._pools(under, ALLOWED_UNDER[task] if mode == "swapped" else (), rng)
            if all(pools):
                return _drawn(mode, under, _balanced(pools, rng), rng, NOBODY if mode == "swapped" else self._teacher)
        raise InputError(f"the contents for {task} all have the same label; it can't be trained")

    def _pools(self, under: Worded, foreign: Sequence[str], rng: random.Random) -> tuple[list[Content], list[Content]]:
        """Contents that violate, and contents that don't; the latter all from `foreign` sources where there are any."""
        own = [self._contents[name] for name in under.sources]
        layouts = (Layout.TEXT,) if rng.random() < TEXTS_SHARE else tuple(Layout)
        bad = _sample(own, rng, lambda each: each.layout in layouts and under.fits(each) and bool(under.broken(each)))
        if foreign:
            others = [self._contents[name] for name in foreign]
            return bad, _sample(others, rng, lambda each: each.layout in layouts)
        return bad, _sample(
            own, rng, lambda each: each.layout in layouts and under.fits(each) and not under.broken(each)
        )

    def _of_golden(self, rng: random.Random) -> Drawn:
        policy_id = rng.choice([name for name, found in self._golden.items() if found])
        each, listed = golden_policy(policy_id), self._golden[policy_id]
        under = as_shipped(each, each.policy) if rng.random() < 0.6 else renamed(each, rng)
        under = replace(under, only_first=False)
        bad, good = ([content for content in listed if bool(under.broken(content)) is side] for side in (True, False))
        pools = rng.sample(bad, len(bad)), rng.sample(good, len(good))
        return _drawn("golden", under, _balanced(pools, rng), rng)

    def _attribute(self, rng: random.Random, unseen: bool) -> Drawn:
        for _ in range(_TRIES):
            under = attribute_policy(rng, unseen)
            source = self._contents[rng.choice(SOURCES)]
            found = [with_attributes(each) for each in rng.choices(source, k=120) if len(each.shown) < SHORT]
            bad, good = (
                [each for each in found if under.broken(each)],
                [each for each in found if not under.broken(each)],
            )
            if min(len(bad), len(good)) >= CASES // 4:
                return _drawn("attribute", under, _balanced((bad, good), rng), rng)
        raise InputError("the contents are too alike: no attribute tells enough of them apart")


def _policy(task: str, rng: random.Random, unseen: bool) -> Worded:
    if unseen:
        return worded(banks()[task], rng.choice([each for each in banks()[task].wordings if each.unseen]), rng)
    shipped_id = _SHIPPED_FOR.get(task)
    if shipped_id is None or rng.random() >= SHIPPED_SHARE:
        bank = banks()[task]
        return worded(bank, rng.choice(bank.seen), rng)
    each = shipped()[shipped_id]
    return renamed(each, rng) if rng.random() < 0.4 else as_shipped(each, each.policy)


def _sample(
    sources: Sequence[Sequence[Content]], rng: random.Random, wanted: Callable[[Content], bool]
) -> list[Content]:
    """Up to CASES wanted contents, from each source alike as far as it has some."""
    found: list[Content] = []
    for _ in range(CASES * 60):
        if len(found) == CASES:
            break
        drawn = rng.choice(rng.choice(sources))
        if wanted(drawn):
            found.append(drawn)
    return found


def _balanced(pools: tuple[Sequence[Content], Sequence[Content]], rng: random.Random) -> list[Content]:
    """As many of either pool as there are, in random order, so that what a budget cuts off is balanced too."""
    bad, good = pools
    half = min(len(bad), len(good), CASES // 2)
    chosen = [*bad[:half], *good[:half]]
    rng.shuffle(chosen)
    return chosen


def _drawn(
    mode: str, under: Worded, contents: Sequence[Content], rng: random.Random, teacher: Teacher = NOBODY
) -> Drawn:
    limit = LONG if rng.random() < 0.06 else SHORT
    kinds = {each.layout for each in contents}
    role = rng.choice(("user", "assistant")) if len(kinds) > 1 or rng.random() < 0.12 else None
    shots = [_shot(each, under, _shown(each, limit, role), teacher) for each in contents]
    layout = Layout.TURNS if role else next(iter(kinds), Layout.TEXT)
    return Drawn(mode, under, layout, tuple(shots), sure=mode == "attribute")


def _shot(content: Content, under: Worded, shown: str, teacher: Teacher) -> Shot:
    broken, said = under.broken(content), teacher.chance(under, content)
    label = float(bool(broken))
    return Shot(shown, content.group, broken, label if said is None else label + TEACHER_WEIGHT * (said - label))


def _shown(content: Content, limit: int, role: str | None) -> str:
    """As the judge sees it; a text as the only turn of `role` where one is named."""
    per_turn = limit if not content.context else limit // 2
    cut = replace(content, context=_shorter(content.context, per_turn), judged=_shorter(content.judged, per_turn))
    return (as_chat(cut, role) if role and cut.kind is ItemKind.TEXT else cut).shown


def _shorter(turns: Sequence[Turn], limit: int) -> tuple[Turn, ...]:
    return tuple(Turn(turn.role, shorten(turn.content, limit)) for turn in turns)


def shorten(words: str, limit: int) -> str:
    """`words`, its middle left out where it has more than `limit` characters."""
    if len(words) <= limit:
        return words
    head = limit * 3 // 5
    return f"{words[:head]} ... {words[len(words) - (limit - head) :]}"
