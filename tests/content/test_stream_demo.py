"""The stream demo's script, on a real broker, with a judge that needs no model in the place of the small one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from assay.config import KafkaConfig
from jobs.load import load_job
from jobs.stream_demo import ITEMS
from sinks.counts import count_by_track

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "stream-demo.yaml"


def _demo(config: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    cleared = {key: value for key, value in os.environ.items() if key not in ("KAFKA_HOME", "ASSAY_DEMO_KAFKA")}
    return subprocess.run(
        [sys.executable, "-m", "jobs.stream_demo", str(config), str(folder)],
        cwd=ROOT,
        env={**cleared, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _home() -> str:
    home = os.environ.get("KAFKA_HOME")
    if not home:
        why = "KAFKA_HOME is not set: unpack an Apache Kafka release and name its folder"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    return home


def _job(folder: Path, **judge: object) -> Path:
    """The demo's config with a scripted judge."""
    job = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    job["judge"] = {"kind": "scripted", "match": "(?i)raincoat|gratis|claim", **judge}
    job["policies"] = [str(CONFIG.parent / path) for path in job["policies"]]
    config = folder / "demo.yaml"
    config.write_text(yaml.safe_dump(job), encoding="utf-8")
    return config


@pytest.mark.slow
def test_it_shows_each_verdict_and_the_summary_and_the_second_time_judges_new_events_only(tmp_path: Path) -> None:
    config = _job(tmp_path)
    cases = ITEMS * len(load_job(config).policies)
    for _ in range(2):
        done = _demo(config, tmp_path / "out", KAFKA_HOME=_home())
        assert done.returncode == 0, done.stderr
        verdicts = [line for line in done.stdout.splitlines() if line.startswith("item-")]
        assert len(verdicts) == len({line[:30] for line in verdicts}) == cases
        assert any("severity" in line for line in verdicts)
        assert f"verdicts   {cases}" in done.stdout
        assert "assay sql" in done.stdout


@pytest.mark.slow
def test_an_interrupt_ends_the_job_and_the_broker(tmp_path: Path) -> None:
    config = _job(tmp_path, latency_ms=500, window=2)
    command = [sys.executable, "-m", "jobs.stream_demo", str(config), str(tmp_path / "out")]
    environment = {**os.environ, "KAFKA_HOME": _home(), "ASSAY_DEMO_KAFKA": "", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("item-") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode == 130
    port = int((tmp_path / "out" / "broker" / "ports").read_text().split()[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    settled = sum(track.rows for track in count_by_track(str(tmp_path / "out" / "audit")).values())
    assert 0 < settled < ITEMS * len(load_job(config).policies)


def test_without_a_broker_it_says_how_to_get_one(tmp_path: Path) -> None:
    done = _demo(CONFIG, tmp_path)
    assert done.returncode == 2
    assert "KAFKA_HOME" in done.stderr
    assert "docker compose" in done.stderr


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    done = _demo(CONFIG, tmp_path, KAFKA_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "has no libs/" in done.stderr


def test_its_config_is_complete() -> None:
    job = load_job(CONFIG)
    assert len(job.policies) >= 3
    assert job.config.judge.kind == "vllm"
    assert isinstance(job.config.source, KafkaConfig)
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    [port] = compose["services"]["kafka"]["ports"]
    assert port.startswith(f"{job.config.source.bootstrap}:")
    assert (
        f"//{job.config.source.bootstrap}" in compose["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    )
