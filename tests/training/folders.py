"""Work folders of made-up cases: contents whose words tell, under policies that say which words are forbidden."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training.cases import CaseRow

WORDS = ("apple", "boat", "candle", "drum", "eagle", "fork")
_FILLER = ("green", "slow", "paper", "north", "seven", "window", "bright", "under", "old", "river")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def policy_file(word: str, *, turned: bool = False) -> str:
    said = f"Everything but the word {word} is forbidden" if turned else f"The word {word} is forbidden"
    return f"---\nid: {word}\nversion: '1'\nrules:\n  - {{id: R1, text: {said}}}\n---\n# Instruction\n{said}.\n"


def row(word: str, part: str, text: str, *, turned: bool = False) -> CaseRow:
    label = (word in text.split()) != turned
    file = policy_file(word, turned=turned)
    return CaseRow(word, part, word, digest(file), digest(text), "", "text", text, label, [])


def made(seed: int = 0, per_part: int = 60, words: Sequence[str] = WORDS, unseen: str = "fork") -> list[CaseRow]:
    """Cases of every part: each word but `unseen` is a task with a policy of its own."""
    rng, found = np.random.default_rng(seed), []
    parts = {"train": 4 * per_part, "valid": per_part, "test": per_part}
    for word in words:
        for part, count in parts.items() if word != unseen else [("unseen", per_part)]:
            found += [row(word, part, _text(rng, word)) for _ in range(count)]
    tested = [each for each in found if each.part == "test"]
    turned = [row(each.task, "inverted", each.shown, turned=True) for each in tested]
    lessons = [row(each.task, "train", each.shown, turned=True) for each in found if each.part == "train"]
    return [*found, *turned, *lessons[::3]]


def _text(rng: np.random.Generator, word: str) -> str:
    others = rng.choice([each for each in WORDS if each != word], 1).tolist()
    told = [word] if rng.random() < 0.5 else []
    drawn = [*rng.choice(_FILLER, 4).tolist(), *others, *told, str(rng.integers(10**6))]
    return " ".join(rng.permutation(drawn).tolist())


def write_folder(folder: Path, rows: Iterable[CaseRow]) -> Path:
    """The rows as cases.parquet, with policies.parquet."""
    cases = list(rows)
    pq.write_table(pa.Table.from_pylist([asdict(each) for each in cases]), folder / "cases.parquet")
    asked = {each.policy_hash: each for each in cases}
    turned = {digest(policy_file(word, turned=True)) for word in WORDS}
    files = [policy_file(each.policy_id, turned=key in turned) for key, each in asked.items()]
    columns = {
        "policy_hash": list(asked),
        "policy_id": [each.policy_id for each in asked.values()],
        "task": [each.task for each in asked.values()],
        "style": ["inverted" if key in turned else "plain" for key in asked],
        "text": files,
        "file": files,
    }
    pq.write_table(pa.table(columns), folder / "policies.parquet")
    return folder


def with_labels_turned(rows: Iterable[CaseRow], parts: Sequence[str]) -> list[CaseRow]:
    return [replace(each, label=not each.label) if each.part in parts else each for each in rows]
