"""Public benchmarks by the metric that they were published with. Their files are the user's; none is shipped.

- moderation-2022: Markov et al., "A Holistic Approach to Undesired Content Detection in the Real World" (2022). JSON
  lines with a text under `prompt` and a 0 or 1 for each category; a category that is missing is unknown, not a 0. Its
  metric is the area under the precision-recall curve of each category.
- toxicchat: Lin et al., "ToxicChat" (2023). CSV with a text under `user_input` and a 0 or 1 under `toxicity` and
  `jailbreaking`. Its metrics are precision, recall and F1 of the verdicts, and the same area.

The area is computed as average precision, which is what both used.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import fsspec

from assay.errors import InputError
from assay.golden import Expected, GoldenItem
from assay.records import ItemKind, Turn
from jobs.eval_golden import GoldenSet
from jobs.eval_report import Published, PublishedFigure, answers_of
from jobs.trial import Trial
from measure.answers import Answer
from measure.figures import figures

Labels = Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A file's format, and the figures that were published for it. `categories` is each label with what it means."""

    title: str
    format: Literal["jsonl", "csv"]
    text: str
    categories: Mapping[str, str]
    figures: tuple[str, ...]


BENCHMARKS: Mapping[str, Benchmark] = {
    "moderation-2022": Benchmark(
        "Moderation evaluation set of 2022",
        "jsonl",
        "prompt",
        {
            "S": "sexual",
            "H": "hate",
            "V": "violence",
            "HR": "harassment",
            "SH": "self-harm",
            "S3": "sexual content about minors",
            "H2": "hate with a threat",
            "V2": "graphic violence",
        },
        ("average_precision",),
    ),
    "toxicchat": Benchmark(
        "ToxicChat",
        "csv",
        "user_input",
        {"toxicity": "toxic", "jailbreaking": "an attempt to jailbreak"},
        ("precision", "recall", "f1", "average_precision"),
    ),
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A benchmark's items, with the labels of their categories by item id, and the policy of each category."""

    name: str
    golden: GoldenSet
    labels: Mapping[str, Labels]
    policy_of: Mapping[str, str]

    def published(self, trial: Trial) -> Published:
        """Each mapped category by its published metric: the policy's answers against the category's own labels."""
        benchmark = BENCHMARKS[self.name]
        answers = answers_of(trial, self.golden.items)
        found = []
        for category, policy_id in self.policy_of.items():
            own = [self._under(category, each) for each in answers if each.policy_id == policy_id]
            result, violations = figures(own), sum(each.expected is True for each in own)
            found += [
                PublishedFigure(category, policy_id, name, result.estimate(name), violations)
                for name in benchmark.figures
            ]
        return Published(self.name, benchmark.title, tuple(found))

    def _under(self, category: str, answer: Answer) -> Answer:
        return Answer(
            answer.item_id,
            answer.group,
            answer.policy_id,
            self.labels[answer.item_id].get(category),
            answer.violation,
            answer.score,
            reason=answer.reason,
            repeat=answer.repeat,
        )


def read_benchmark(name: str, paths: Sequence[Path], categories: Sequence[str]) -> Labelled:
    """Read a benchmark's files (gzip or not); `categories` are as `--category` has them: H=harassment.

    Raises InputError for an unknown benchmark or category, no category at all, and a file that is not as published.
    """
    benchmark = BENCHMARKS.get(name)
    if benchmark is None:
        raise InputError(f"--benchmark: {name!r} is none of {', '.join(BENCHMARKS)}")
    if not paths:
        raise InputError(f"--benchmark {name}: name its file with --golden; assay ships none")
    policy_of = _mapping(name, benchmark, categories)
    labels: dict[str, Labels] = {}
    items = []
    for path in paths:
        for place, text, given in _rows(benchmark, path):
            item_id = f"{path.name}:{place}"
            labels[item_id] = given
            items.append(_item(item_id, text, given, policy_of))
    if not items:
        raise InputError(f"{paths[0]}: no rows")
    return Labelled(name, GoldenSet(tuple(items), tuple(path.name for path in paths)), labels, policy_of)


def _mapping(name: str, benchmark: Benchmark, categories: Sequence[str]) -> Mapping[str, str]:
    there = ", ".join(f"{category} ({meaning})" for category, meaning in benchmark.categories.items())
    found = {}
    for pair in categories:
        category, _, policy_id = pair.partition("=")
        if category not in benchmark.categories or not policy_id:
            raise InputError(f"--category {pair}: write CATEGORY=POLICY; the categories of {name} are {there}")
        found[category] = policy_id
    if not found:
        raise InputError(
            f"--benchmark {name}: say which policy stands for which category, --category X=POLICY: {there}"
        )
    return found


def _item(item_id: str, text: str, labels: Labels, policy_of: Mapping[str, str]) -> GoldenItem:
    policies = dict.fromkeys(policy_of.values())
    expected = tuple(
        Expected(policy, _any([labels.get(each) for each, its in policy_of.items() if its == policy]))
        for policy in policies
    )
    return GoldenItem(item_id, ItemKind.TEXT, (), (Turn("user", text),), expected, item_id)


def _any(labels: Sequence[bool | None]) -> bool | None:
    """Of categories that one policy covers: a violation if it is one of any, allowed only if all are known."""
    if True in labels:
        return True
    return None if None in labels else False


def _rows(benchmark: Benchmark, path: Path) -> Iterator[tuple[int, str, Labels]]:
    """Number from 1, text, and the labels that are there."""
    try:
        with fsspec.open(str(path), "rb", compression="infer") as stream:
            content = stream.read().decode("utf-8-sig")
        rows = _json_lines(content) if benchmark.format == "jsonl" else csv.DictReader(io.StringIO(content, newline=""))
        for number, row in enumerate(rows, 1):
            yield number, *_row(benchmark, row, f"{path}: row {number}")
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: can't be read as the {benchmark.title} ({benchmark.format}): {error}") from error


def _json_lines(content: str) -> Iterator[Mapping[str, object]]:
    for line in content.split("\n"):
        if line.strip():
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line is not an object")
            yield row


def _row(benchmark: Benchmark, row: Mapping[str, object], where: str) -> tuple[str, Labels]:
    text = row.get(benchmark.text)
    if not isinstance(text, str):
        raise InputError(f"{where}: no text under {benchmark.text!r}; is this the file as published?")
    return text, {each: _label(row[each], f"{where}: {each}") for each in benchmark.categories if each in row}


def _label(value: object, where: str) -> bool | None:
    if value in (None, ""):
        return None
    if value in (0, 1, "0", "1"):
        return value in (1, "1")
    raise InputError(f"{where}: {value!r} is neither 0 nor 1")
