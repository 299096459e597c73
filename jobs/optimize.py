"""`assay optimize`: compact, checkpoint and vacuum."""

from __future__ import annotations

import json
from dataclasses import asdict

from assay.config import Config
from jobs.trial import trial_table
from sinks.counts import active_files
from sinks.upkeep import optimize


def optimize_job(config: Config, as_json: bool) -> str:
    """Tidy the job's tables, and those of its trials; what the former came to. Raises InputError if there are none."""
    report = asdict(optimize(config.sink, config.sink.path))
    if active_files(trials := trial_table(config.sink.path), "verdicts") is not None:
        optimize(config.sink, trials)
    if as_json:
        return json.dumps(report)
    return "\n".join(f"{name.replace('_', ' ')}: {value:,}" for name, value in report.items())
