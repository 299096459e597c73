"""A week of nightly audits on real texts: how many tokens the engine reads and writes, of what it would without reuse.

    python benchmarks/week.py --texts tweets.csv [--column tweet] [--items 3000]

Each night brings so many items: 30 % were there the night before, the others are drawn from the texts, text number r
(in a shuffled order) with a chance that goes as 1 / (r + 10) ** 1.05, so that a few are posted again and again. Four
policies; one is edited on day 4. The runs are real and so is what is reused; the judge is scripted, and what a judged
case takes is counted afterwards with the tokenizer of the small model: its prompt, and 80 tokens for the answer, which
is an assumption. The engine is taken to read a policy's prefix once a night and replica, in blocks of 16.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from _job import run_job, write_job
from _machine import describe
from _model import item_texts, policy_text

from actors import small_model
from actors.engine_load import Language, load_language
from actors.prompt import Layout
from assay.config import VllmConfig
from assay.policy import Policy, parse_policy
from jobs.sql import query

_DAYS, _EDITED_ON, _OVERLAP = 7, 4, 0.3
_ANSWER, _BLOCK = 80, 16
_SENTENCES = 18


@dataclass
class Meter:
    """Tokens of cases, by the small model's tokenizer."""

    language: Language
    _content: dict[str, int] = field(default_factory=dict)

    def content(self, text: str) -> int:
        if text not in self._content:
            self._content[text] = len(self.language.renderer.encoder.encode(text))
        return self._content[text]

    def frame(self, policy: Policy) -> tuple[int, int]:
        """Tokens of the prefix, and of the suffix."""
        frame = self.language.renderer.frame(policy, Layout.TEXT)
        return len(frame.prefix), len(frame.suffix)


def read_texts(path: Path | None, column: str) -> list[str]:
    if path is None:
        return item_texts(320, 0)
    with path.open(newline="", encoding="utf-8") as file:
        return [row[column] for row in csv.DictReader(file) if row[column].strip()]


def nights(texts: Sequence[str], items: int, chance: random.Random) -> list[list[str]]:
    pool = list(texts)
    chance.shuffle(pool)
    weights = list(accumulate((rank + 10) ** -1.05 for rank in range(len(pool))))
    found: list[list[str]] = []
    for _ in range(_DAYS):
        old = chance.sample(found[-1], int(items * _OVERLAP)) if found else []
        found.append([*old, *chance.choices(pool, cum_weights=weights, k=items - len(old))])
    return found


def write_policies(folder: Path, day: int) -> list[Policy]:
    policies = []
    for number in range(4):
        text = policy_text(number, _SENTENCES)
        if number == 0 and day >= _EDITED_ON:
            text = text.replace('version: "1"', 'version: "2"')
            text += "Since this week the same holds for pictures that are described in words.\n"
        (folder / f"p{number}.md").write_text(text)
        policies.append(parse_policy(text, f"p{number}"))
    return policies


def spend(
    rows: Sequence[dict[str, Any]], night: Sequence[str], policies: Sequence[Policy], meter: Meter
) -> dict[str, int]:
    """Tokens of one night: what all of it would take, what each kind of reuse saved, and what is left."""
    tokens = {"naive": 0, "recalled": 0, "repeated": 0, "prefix": 0}
    frames = {policy.id: meter.frame(policy) for policy in policies}
    for row in rows:
        prefix, suffix = frames[row["policy_id"]]
        case = prefix + meter.content(night[int(row["item_id"].split("-")[1])]) + suffix + _ANSWER
        tokens["naive"] += case
        if row["stage"] == "reused":
            tokens["repeated" if row["reused_run"] == row["run_id"] else "recalled"] += case
        else:
            tokens["prefix"] += prefix // _BLOCK * _BLOCK
    judged = {row["policy_id"] for row in rows if row["stage"] == "judge"}
    tokens["prefix"] -= sum(frames[policy][0] // _BLOCK * _BLOCK for policy in judged)
    tokens["engine"] = tokens["naive"] - tokens["recalled"] - tokens["repeated"] - tokens["prefix"]
    return tokens


def week(folder: Path, weekly: Sequence[Sequence[str]], meter: Meter) -> list[dict[str, int]]:
    source = {"kind": "parquet", "path": "night-1.parquet", "columns": {"id": "id", "text": "text"}}
    config = write_job(folder / "job", source, 4, {"judge": {"latency_ms": 2}})
    days = []
    for day, night in enumerate(weekly, start=1):
        ids = [f"night{day}-{number}" for number in range(len(night))]
        pq.write_table(pa.table({"id": ids, "text": list(night)}), config.parent / f"night-{day}.parquet")
        config.write_text(config.read_text().replace(f"night-{day - 1}.parquet", f"night-{day}.parquet"))
        policies = write_policies(config.parent / "policies", day)
        run_id = run_job(config).summary["run_id"]
        rows = query(
            str(config.parent / "audit"),
            "select item_id, policy_id, stage, run_id, reused_run from verdicts where run_id = $run",
            params={"run": run_id},
        ).to_pylist()
        assert len(rows) == 4 * len(night), "an item is missing"
        days.append(spend(rows, night, policies, meter))
        share = days[-1]["engine"] / days[-1]["naive"]
        print(f"day {day}: {json.dumps(days[-1])}, engine / naive {share:.3f}", flush=True)
    return days


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, help="a CSV file with real texts (default: the sample's few)")
    parser.add_argument("--column", default="text")
    parser.add_argument("--items", type=int, default=3000, help="a night")
    parser.add_argument("--quick", action="store_true", help="200 items a night")
    chosen = parser.parse_args()
    items = 200 if chosen.quick else chosen.items
    texts = read_texts(chosen.texts, chosen.column)
    model = str(small_model.prepare(Path(__file__).parents[1] / ".models"))
    meter = Meter(load_language(VllmConfig(kind="vllm", model=model)))
    weekly = nights(texts, items, random.Random(1))
    distinct = len({text for night in weekly for text in night})
    settings = {"items": items, "policies": 4, "overlap": _OVERLAP, "edited_on": _EDITED_ON, "answer": _ANSWER}
    describe({**settings, "texts": len(texts), "distinct_in_the_week": distinct})
    with tempfile.TemporaryDirectory() as folder:
        days = week(Path(folder), weekly, meter)
    total = {name: sum(day[name] for day in days) for name in days[0]}
    shares = {name: round(count / total["naive"], 4) for name, count in total.items()}
    print(json.dumps({"tokens": total, "share_of_naive": shares, "load": round(os.getloadavg()[0], 2)}))


if __name__ == "__main__":
    main()
