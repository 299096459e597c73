"""The ledger as it stands, without a sink: nothing is created, added or moved."""

from __future__ import annotations

import time
from collections.abc import Mapping

from assay.errors import TransientError
from sinks.delta import VERDICTS
from sinks.delta_log import DeltaLog, LogGap
from sinks.delta_table import FOREIGN, locate, open_table, translate

_ATTEMPTS = 5


def ledger_of(path: str) -> Mapping[str, int] | None:
    """Every key of the ledger under `path`; None if there is no table yet. Raises InputError, TransientError."""
    at = locate(path, VERDICTS)
    for attempt in range(_ATTEMPTS):
        table = open_table(at)
        if table is None:
            return None
        try:
            return DeltaLog(at.filesystem, at.root).txns(table.version())
        except LogGap as gap:  # cleaned up under us: the newer checkpoint serves
            problem = gap
            time.sleep(0.05 * attempt)
        except FOREIGN as error:
            raise translate(error, at.uri) from error
    raise TransientError(f"{at.uri}: the log can't be read: {problem}") from problem
