"""Prompt tokens of a plan, per policy: each content is encoded once, in threads beside the reading."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.prompt import Layout
from actors.prompt_sizes import FrameSize, PromptSizes
from assay.policy import Policy
from assay.records import Item, ItemKind
from jobs.plan_estimate import Sum

_AHEAD = 2


class Task(NamedTuple):
    """A content to be encoded. Bit p of `judged`: it is judged under policy p. `first`: it was not met before."""

    item: Item
    judged: int
    first: bool


@dataclass(slots=True)
class PolicyTokens:
    """Prompt tokens of what is judged, those of them that caching can serve, and what all contents would take."""

    prompt: Sum = field(default_factory=Sum)
    cacheable: Sum = field(default_factory=Sum)
    changed: Sum = field(default_factory=Sum)
    changed_cacheable: Sum = field(default_factory=Sum)


class Tokens:
    """A context manager: on leaving it, everything that was added has been counted. At most three batches are held."""

    def __init__(self, sizes: PromptSizes | None, policies: Sequence[Policy]) -> None:
        self._sizes = sizes
        self._fitting = [policy.applies_to for policy in policies]
        self.policies = [PolicyTokens() for _ in policies]
        if sizes is not None:
            self._frames = {layout: [sizes.frame(policy, layout) for policy in policies] for layout in sizes.layouts}
            self._room = max(frame.room for frames in self._frames.values() for frame in frames)
        self._under_way: deque[Future[None]] = deque()

    def __enter__(self) -> Tokens:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="assay-plan")
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self._thread.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            self._wait(0)

    def add(self, tasks: Sequence[Task]) -> None:
        """Without a tokenizer (a scripted judge) nothing is counted."""
        if self._sizes is None or not tasks:
            return
        self._wait(_AHEAD)
        self._under_way.append(self._thread.submit(self._count, tasks, self._sizes))

    def _wait(self, most: int) -> None:
        while len(self._under_way) > most:
            self._under_way.popleft().result()

    def _count(self, tasks: Sequence[Task], sizes: PromptSizes) -> None:
        shown = [sizes.show(task.item) for task in tasks]
        lengths = sizes.lengths([each.content for each in shown], self._room)
        alike: dict[tuple[Layout, ItemKind, int, bool], list[int]] = defaultdict(list)
        for task, each, length in zip(tasks, shown, lengths, strict=True):
            if length >= 0:
                alike[each.layout, task.item.kind, task.judged, task.first].append(length)
        for (layout, kind, judged, first), content in alike.items():
            self._tally(layout, kind, judged, first, np.array(content, np.int64))

    def _tally(self, layout: Layout, kind: ItemKind, judged: int, first: bool, content: NDArray[np.int64]) -> None:
        frames = self._frames[layout]
        for number, (frame, tokens) in enumerate(zip(frames, self.policies, strict=True)):
            fitting = content[content <= frame.room]
            if judged >> number & 1:
                _add(tokens.prompt, tokens.cacheable, frame, fitting)
            if first and kind in self._fitting[number]:
                _add(tokens.changed, tokens.changed_cacheable, frame, fitting)


def _add(prompt: Sum, cacheable: Sum, frame: FrameSize, content: NDArray[np.int64]) -> None:
    whole = content + frame.tokens
    prompt.total += int(whole.sum())
    prompt.squares += float(np.square(whole.astype(np.float64)).sum())
    cacheable.add(frame.cacheable, len(content))
