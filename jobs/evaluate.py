"""`assay eval`: judge labelled items, measure the answers, keep the figures, and hold them against the gates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from actors.board import Status
from assay.errors import FatalError, InputError
from jobs.eval_adversarial import Suite, attack_job, by_trials, check_suite
from jobs.eval_benchmark import Labelled, read_benchmark
from jobs.eval_golden import GoldenSet, golden_files, own_golden, under_job
from jobs.eval_html import eval_html
from jobs.eval_markdown import eval_markdown
from jobs.eval_report import EvalReport, GateResult, Looks, Want, evaluate
from jobs.eval_text import eval_text
from jobs.load import Job
from jobs.trial import run_trial
from measure.gate import Gate, judge_estimate, judge_gate, parse_gate
from sinks.delta_table import FOREIGN, locate, translate

EXACT_MATCH = "exact_match"
REPORTS = "evals/reports"
"""Where the reports are, under a job's `sink.path`."""


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What the command line says, as it says it. `policies` are ids with commas between them, "" for all."""

    golden: tuple[Path, ...] = ()
    mapping: tuple[str, ...] = ()
    policy: str | None = None
    policies: str = ""
    by: tuple[str, ...] = ()
    threshold: bool = False
    wants: tuple[str, ...] = ()
    repeats: int = 1
    fail_under: tuple[str, ...] = ()
    benchmark: str | None = None
    categories: tuple[str, ...] = ()
    suite: Suite | None = None


def evaluate_job(
    job: Job, options: EvalOptions, on_status: Callable[[Status, int], None], stopping: Callable[[], bool]
) -> EvalReport:
    """Judge what was not judged in an earlier evaluation, measure everything, and keep the report.

    Raises InputError before anything is judged; FatalError if the run fails; Interrupted. A gate that fails raises
    nothing: it is in the report.
    """
    asked = _checked(job, options)
    items = asked.golden.items
    trial = run_trial(asked.job, items, repeats=options.repeats, on_status=on_status, stopping=stopping)
    report = evaluate(
        trial,
        items,
        asked.job.policies,
        asked.looks,
        job=job.config.name,
        golden=asked.golden.files,
        repeats=options.repeats,
        run_id=trial.run_id,
    )
    if asked.labelled:
        report = replace(report, published=asked.labelled.published(trial))
    if options.suite:
        report = replace(report, attacks=attack_job(asked.job, items, options.suite, by_trials(on_status, stopping)))
    report = replace(report, gates=tuple(each for gate in asked.gates for each in _results(*gate, report)))
    keep_report(job.config.sink.path, report.run_id, render(report, "json"))
    return report


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the options come to: the policies and items that are left, and what is to be looked at."""

    job: Job
    golden: GoldenSet
    labelled: Labelled | None
    looks: Looks
    gates: tuple[tuple[str, Gate], ...]


def _checked(job: Job, options: EvalOptions) -> _Asked:
    """Everything that can be wrong with the options is found here. Raises InputError."""
    if options.repeats < 1:
        raise InputError(f"--repeats {options.repeats}: ask at least once")
    looks = Looks(options.by, options.threshold, tuple(map(parse_want, options.wants)))
    job, labelled = job.under(options.policies), None
    if options.benchmark is not None:
        labelled = read_benchmark(options.benchmark, options.golden, options.categories)
    golden = labelled.golden if labelled else _golden(job, options)
    job, golden = under_job(golden, job, restricted=bool(options.policies))
    gates = tuple((text, _gate(text, job)) for text in options.fail_under)
    _check_columns(options.by, golden)
    if options.suite:
        check_suite(job, options.suite)
    return _Asked(job, golden, labelled, looks, gates)


def parse_want(text: str) -> Want:
    """`precision=0.9` or `recall=0.9`. Raises InputError."""
    figure, _, target = text.partition("=")
    try:
        want = Want(figure, float(target))
    except ValueError:
        want = Want("", 0)
    if want.figure not in ("precision", "recall") or not 0 < want.target <= 1:
        raise InputError(f"--want {text}: write precision=0.9 or recall=0.9, a number above 0 and up to 1")
    return want


def render(report: EvalReport, format: str, *, terminal: bool = False) -> str:
    """The report as text, json, md or html. Raises InputError for another format."""
    match format:
        case "text":
            return eval_text(report, terminal=terminal)
        case "json":
            return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
        case "md":
            return eval_markdown(report)
        case "html":
            return eval_html(report)
    raise InputError(f"--format {format}: choose one of text, json, md, html")


def refuse_if_failed(report: EvalReport) -> None:
    """Raises FatalError that names the figure, its interval and the bound of each gate that did not let pass."""
    if report.failed:
        raise FatalError("a gate failed\n" + "\n".join(f"  {gate.text}" for gate in report.failed))


def report_path(path: str, run_id: str) -> str:
    """Where the report of this run is kept, under a job's `sink.path`."""
    return f"{locate(path, REPORTS).uri}/{run_id}.json"


def keep_report(path: str, run_id: str, text: str) -> None:
    """Write a report's JSON to `report_path`. Raises TransientError, FatalError."""
    at = locate(path, REPORTS)
    try:
        at.filesystem.create_dir(at.root, recursive=True)
        with at.filesystem.open_output_stream(f"{at.root}/{run_id}.json") as out:
            out.write(text.encode())
    except FOREIGN as error:
        raise translate(error, at.uri) from error


def _golden(job: Job, options: EvalOptions) -> GoldenSet:
    if options.categories:
        raise InputError("--category: it goes with --benchmark, which says what the categories are")
    if options.golden:
        return golden_files(job, options.golden, options.mapping, options.policy)
    if options.mapping or options.policy:
        raise InputError("--map and --policy say how to read the files of --golden; name one")
    return own_golden(job)


def _check_columns(by: Sequence[str], golden: GoldenSet) -> None:
    there = sorted({name for item in golden.items for name, _ in item.carried})
    for column in by:
        if column not in there:
            raise InputError(f"--by {column}: no such column in the golden files; there are: {', '.join(there) or '-'}")


def _gate(text: str, job: Job) -> Gate:
    gate = parse_gate(text)
    there = [policy.id for policy in job.policies]
    if gate.policy_id is not None and gate.policy_id not in there:
        raise InputError(f"--fail-under {text}: {gate.policy_id} is not evaluated here; there are: {', '.join(there)}")
    return gate


def _results(text: str, gate: Gate, report: EvalReport) -> Iterator[GateResult]:
    if gate.figure == EXACT_MATCH:
        judged = judge_estimate(gate, report.exact_match)
        yield GateResult(text, "", judged.passed, judged.text)
        return
    for policy in report.policies:
        if gate.applies_to(policy.policy_id):
            judged = judge_gate(gate, policy.figures)
            yield GateResult(text, policy.policy_id, judged.passed, f"{policy.policy_id}: {judged.text}")
