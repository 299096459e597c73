"""Claims by themselves: how long one holds, and what is said of one that is taken over."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from sinks import signs_of_life
from sinks.claims import Claims, Taken

KEY = b"k" * 16


def test_who_sleeps_holds_up_nobody_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asleep, other = Claims(tmp_path), Claims(tmp_path)
    assert asleep.take([KEY]) == Taken({KEY}, inherited=False)
    assert other.take([KEY]) == Taken(set(), inherited=False)
    monkeypatch.setattr(signs_of_life, "PATIENCE_SECONDS", -1.0)
    assert other.take([KEY]) == Taken({KEY}, inherited=True)
    monkeypatch.undo()
    asleep.release([KEY])
    assert asleep.take([KEY]) == Taken(set(), inherited=False), "what was taken over is not released by who had it"
    asleep.close()
    other.close()


def test_what_somebody_had_who_is_gone_is_inherited_and_what_was_released_is_not(tmp_path: Path) -> None:
    gone, other = Claims(tmp_path), Claims(tmp_path)
    released = b"r" * 16
    gone.take([KEY, released])
    gone.release([released])
    gone._lock.close()
    assert other.take([released]) == Taken({released}, inherited=False)
    assert other.take([KEY]) == Taken({KEY}, inherited=True), "it may have committed and not said so"
    gone._sql.close()
    other.close()


def hold(folder: Path, started: multiprocessing.Queue[int]) -> None:
    owner = Claims(folder)
    owner.take([KEY])
    started.put(os.getpid())
    time.sleep(600)
    owner.close()


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    started: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=hold, args=(tmp_path, started), daemon=True)
    process.start()
    started.get(timeout=60)
    other = Claims(tmp_path)
    assert other.take([KEY]) == Taken(set(), inherited=False)
    process.kill()
    process.join()
    assert other.take([KEY]) == Taken({KEY}, inherited=True)
    other.close()


def hold_long(folder: Path, started: multiprocessing.Queue[int]) -> None:
    signs_of_life.PATIENCE_SECONDS, signs_of_life.SIGN_SECONDS = 2.0, 0.2
    hold(folder, started)


def test_a_claim_outlasts_a_slow_judge_but_not_a_process_that_sleeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signs_of_life, "PATIENCE_SECONDS", 2.0)
    context = multiprocessing.get_context("spawn")
    started: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=hold_long, args=(tmp_path, started), daemon=True)
    process.start()
    pid = started.get(timeout=60)
    other = Claims(tmp_path)
    time.sleep(3)
    assert other.take([KEY]) == Taken(set(), inherited=False)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(3)
    assert other.take([KEY]) == Taken({KEY}, inherited=True)
    process.kill()
    process.join()
    other.close()
