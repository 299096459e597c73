"""`assay optimize`: compact, checkpoint and vacuum."""

from __future__ import annotations

import json
from dataclasses import asdict

from assay.config import Config
from sinks.upkeep import optimize


def optimize_job(config: Config, as_json: bool) -> str:
    """Tidy the job's tables; what that came to. Raises InputError if there are none."""
    report = asdict(optimize(config.sink, config.sink.path))
    if as_json:
        return json.dumps(report)
    return "\n".join(f"{name.replace('_', ' ')}: {value:,}" for name, value in report.items())
