"""`assay optimize`: compact, checkpoint and vacuum."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from assay.config import Config
from sinks.upkeep import OptimizeReport, optimize


@dataclass(frozen=True, slots=True)
class Optimized:
    report: OptimizeReport

    def text(self, as_json: bool) -> str:
        if as_json:
            return json.dumps(asdict(self.report))
        return "\n".join(f"{name.replace('_', ' ')}: {value:,}" for name, value in asdict(self.report).items())


def optimize_job(config: Config) -> Optimized:
    """Tidy the job's tables. Raises InputError if there are none."""
    return Optimized(optimize(config.sink, config.sink.path))
