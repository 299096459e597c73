"""How long answers take over a table of 20 million verdicts, and how that grows.

    python benchmarks/reports.py [--quick] [--rows N] [--rounds N] [--only build|measure] [--folder PATH] [--seed N]

Two tables are built, one a tenth of the other, once: a later call finds them (`--folder`; 20 million take 8 GB). Their
rows are synthetic, written and joined as the product does it. Then each question is asked in a process of its own, on
two CPUs and with 4 GiB for DuckDB: over the table by the code of `assay sql` and `assay report`, and for comparison by
DuckDB alone, in its own words, over one Parquet file of the same rows, sorted by day, policy and time. Of the page
DuckDB answers the queries only, through the same views. The two take turns; a first round, which is not counted, brings
the files into the system's cache. Answers must be equal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from _machine import describe
from _reports_ask import QUESTIONS, Answer

_HERE = Path(__file__).parent
_LARGE, _QUICK = 20_000_000, 200_000
_GROWTH, _PAGE_BYTES, _MOST_MIB = 11.0, 3_000_000, 4096
_SECONDS = {"prevalence": 0.5, "by hour": 3.0, "top 100": 3.0, "page": 30.0, "page of all days": 30.0}
_BYTES_A_ROW = 400
_HOWS = ("table", "raw")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one question over one table: medians of seconds, and the most memory that the product took."""

    table_s: float
    raw_s: float
    peak_mib: int
    bytes: int


def build(folder: Path, rows: int, seed: int) -> None:
    """In a process of its own, so that what it needs of memory is not taken for ours. Raises SystemExit."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if not (folder / "built").exists() and free < rows * _BYTES_A_ROW:
        raise SystemExit(f"{folder}: {free / 1e9:.0f} GB are free, {rows * _BYTES_A_ROW / 1e9:.0f} GB are needed")
    done = subprocess.run([sys.executable, _HERE / "_reports_tables.py", folder, str(rows), str(seed)], check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def ask(question: str, how: str, folder: Path) -> Answer:
    command = [sys.executable, str(_HERE / "_reports_ask.py"), question, how, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{question}, {how}: {done.stderr}")
    return Answer(**json.loads(done.stdout.splitlines()[-1]))


def measure(folder: Path, rounds: int) -> dict[str, Figures]:
    """Every question both ways in each round, the one first that was second before."""
    found: dict[tuple[str, str], list[Answer]] = {(question, how): [] for question in _SECONDS for how in _HOWS}
    for turn in range(rounds + 1):
        for question in _SECONDS:
            answers = {how: ask(question, how, folder) for how in (_HOWS if turn % 2 else _HOWS[::-1])}
            _compare(question, answers["table"], answers["raw"])
            if turn:
                for how, answer in answers.items():
                    found[question, how].append(answer)
    return {question: _figures(question, found) for question in _SECONDS}


def _compare(question: str, table: Answer, raw: Answer) -> None:
    """Raises SystemExit if what both must say differs."""
    if question in QUESTIONS and (table.rows, table.digest) != (raw.rows, raw.digest):
        raise SystemExit(f"{question}: the answers differ: {table}, {raw}")


def _figures(question: str, found: dict[tuple[str, str], list[Answer]]) -> Figures:
    table, raw = found[question, "table"], found[question, "raw"]
    for how, several in (("table", table), ("raw  ", raw)):
        times = " ".join(f"{each.seconds:7.3f}" for each in several)
        print(f"  raw figures, {question:<17}{how} {times} s, {max(each.peak_mib for each in several)} MiB", flush=True)
    return Figures(
        statistics.median(each.seconds for each in table),
        statistics.median(each.seconds for each in raw),
        max(each.peak_mib for each in table),
        table[0].bytes,
    )


def show(rows: int, figures: dict[str, Figures]) -> None:
    print(f"{rows:,} rows")
    print(f"  {'question':<18}{'table s':>9}{'raw s':>9}{'ratio':>7}{'MiB':>7}{'bytes':>11}{'target s':>10}")
    for question, each in figures.items():
        ratio = each.table_s / each.raw_s
        size = f"{each.bytes:,}" if each.bytes else ""
        print(
            f"  {question:<18}{each.table_s:9.3f}{each.raw_s:9.3f}{ratio:7.2f}{each.peak_mib:7,}{size:>11}"
            f"{_SECONDS[question]:10.1f}",
            flush=True,
        )


def summary(large: dict[str, Figures], small: dict[str, Figures]) -> dict[str, object]:
    found: dict[str, object] = {}
    for question, each in large.items():
        name = question.replace(" ", "_")
        growth = each.table_s / small[question].table_s
        found |= {
            f"{name}_s": round(each.table_s, 3),
            f"{name}_ratio": round(each.table_s / each.raw_s, 2),
            f"{name}_growth": round(growth, 2),
        }
    peak, size = max(each.peak_mib for each in large.values()), max(each.bytes for each in large.values())
    within = all(each.table_s <= _SECONDS[question] for question, each in large.items())
    grows = all(each.table_s / small[question].table_s <= _GROWTH for question, each in large.items())
    fits = peak <= _MOST_MIB and size <= _PAGE_BYTES
    return {**found, "peak_mib": peak, "page_bytes": size, "met": within and grows and fits}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, one round")
    parser.add_argument("--rows", type=int, help="of the larger table; default 20 million")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("build", "measure"))
    parser.add_argument("--folder", type=Path, default=Path("out/bench-reports"))
    parser.add_argument("--seed", type=int, default=8)
    chosen = parser.parse_args()
    rows, rounds = chosen.rows or (_QUICK if chosen.quick else _LARGE), 1 if chosen.quick else chosen.rounds
    describe({"rows": rows, "rounds": rounds, "threads": 2, "duckdb_gib": 4, "seed": chosen.seed})
    sizes = {size: chosen.folder / f"rows-{size}-{chosen.seed}" for size in (rows // 10, rows)}
    if chosen.only != "measure":
        for size, folder in sizes.items():
            build(folder, size, chosen.seed)
    if chosen.only == "build":
        return
    found = {}
    for size, folder in sizes.items():
        found[size] = measure(folder, rounds)
        show(size, found[size])
    figures = {"rows": rows, **summary(found[rows], found[rows // 10]), "load": round(os.getloadavg()[0], 2)}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
