"""Peak memory of a run at ten times the rows, over the peak at the rows.

    python benchmarks/memory.py [--quick]

Memory is the unique set size of the driver, the replica and the cluster's processes together, read ten times a second.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from _job import make_job, run_job
from _machine import describe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 and 200,000 rows")
    rows = 20_000 if parser.parse_args().quick else 60_000
    describe({"rows": [rows, 10 * rows], "policies": 1, "row_group": "one per file"})
    peaks = []
    for count in (rows, 10 * rows):
        with tempfile.TemporaryDirectory() as folder:
            config = make_job(Path(folder) / "job", items=count, policies=1, row_group=count)
            run = run_job(config)
            peaks.append(run.peak_bytes)
            print(f"{count:>9,} rows: peak {run.peak_bytes / 2**20:,.0f} MiB in {run.seconds:.1f} s", flush=True)
    print(json.dumps({"peak_ratio": round(peaks[1] / peaks[0], 3), "peaks_mib": [round(p / 2**20) for p in peaks]}))


if __name__ == "__main__":
    main()
