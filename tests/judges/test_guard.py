"""An engine does not outlive its owner, even one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil

OWNER = """
import subprocess, sys, time
from actors.guard import Guard
engine = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, start_new_session=True)
guard = Guard([engine.pid])
print(engine.pid, flush=True)
if sys.argv[1] == "stop":
    guard.stop()
else:
    time.sleep(600)
"""


def owner(mode: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", OWNER, mode], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as lines:
        return process, psutil.Process(int(lines.readline()))


def test_the_engine_is_killed_when_its_owner_is() -> None:
    process, engine = owner("wait")
    assert engine.is_running()
    process.kill()
    process.wait()
    psutil.wait_procs([engine], timeout=20)
    assert not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE


def test_a_guard_that_was_stopped_kills_nothing() -> None:
    process, engine = owner("stop")
    process.wait()
    assert engine.is_running()
    os.kill(engine.pid, signal.SIGKILL)
