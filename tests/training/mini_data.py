"""A folder with miniatures of all labelled data sets, in the form in which they are published; every word made up."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

KINDS = ("old", "new", "blue")
THINGS = ("kettle", "ladder", "meadow", "needle", "orchard", "pebble", "quilt", "ribbon", "saddle", "teapot")
SAYINGS = (
    "is mine",
    "fell over",
    "won a prize",
    "looks at you",
    "cost 5 dollars",
    "makes my mother laugh",
    "is NEVER late!",
)


def sentences(start: str) -> list[str]:
    return [f"{start} the {kind} {thing} {saying}" for kind in KINDS for thing in THINGS for saying in SAYINGS]


def write_data(folder: Path) -> Path:
    """210 contents of each set; a third of them violates, or a third is of either kind, in diasafety one half."""
    _davidson(folder / "davidson-hate-offensive")
    _diasafety(folder / "diasafety")
    _edos(folder / "edos")
    _csv(
        folder / "gptfuzz" / "train.csv",
        ("question", "Response", "label"),
        [(n % 9, words, int(n % 3 == 0)) for n, words in enumerate(sentences("certainly"))],
    )
    lines = [f"{'spam' if n % 3 == 0 else 'ham'}\t{words}" for n, words in enumerate(sentences("hey"))]
    _write(folder / "sms-spam" / "half.tsv", "\n".join(lines) + "\n")
    _spamassassin(folder / "spamassassin")
    return folder


def _davidson(folder: Path) -> None:
    rows = [(n, 3, 0, 0, 3, n % 3, f"@somebody &amp; {words}") for n, words in enumerate(sentences("wow"))]
    _csv(
        folder / "labeled_data.csv",
        ("", "count", "hate_speech", "offensive_language", "neither", "class", "tweet"),
        rows,
    )


def _diasafety(folder: Path) -> None:
    kinds = ("Offending User", "Biased Opinion", "Risk Ignorance", "Unauthorized Expertise", "Toxicity Agreement")
    rows = [
        {"context": words, "response": f"so {words}", "category": kinds[n % 5], "label": ("Safe", "Unsafe")[n % 2]}
        for n, words in enumerate(sentences("why"))
    ]
    _write(folder / "train.json", json.dumps(rows[:60]))
    _write(folder / "val.json", json.dumps(rows[60:]))


def _edos(folder: Path) -> None:
    kinds = ("1. threats, plans to harm and incitement", "2. derogation", "3. animosity", "4. prejudiced discussions")
    rows = [
        (f"e{n}", words, "sexist", kinds[n // 3 % 4], "-", "train")
        if n % 3 == 0
        else (f"e{n}", words, "not sexist", "none", "none", "dev")
        for n, words in enumerate(sentences("she says"))
    ]
    _csv(
        folder / "train_dev.csv",
        ("rewire_id", "text", "label_sexist", "label_category", "label_vector", "split"),
        rows,
    )


def _spamassassin(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows = [
        {"id": str(n), "group": "g", "label": "spam" if n % 3 == 0 else "ham", "text": f"Subject: {words}\n\n{words}."}
        for n, words in enumerate(sentences("dear all"))
    ]
    with gzip.open(folder / "spamassassin.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _csv(path: Path, names: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
