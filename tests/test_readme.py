"""The README does what it says: its config is saved, its commands are run, their output is compared."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from assay.config import KafkaConfig
from jobs.broker import LocalBroker, kafka_home
from jobs.load import load_job
from jobs.sample import write_sample
from sinks.counts import count_by_track
from sources.kafka_play import ensure_topics, send

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "configs" / "sample"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """(command, the output that the README shows; "" where it shows none), in the order of the page."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) >= 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_its_make_targets_exist() -> None:
    targets = set(re.findall(r"(?:^    |`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "stream-demo", "test", "check"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


@pytest.mark.slow
def test_its_commands_run_and_print_what_it_shows(tmp_path: Path) -> None:
    write_sample(SAMPLE, tmp_path / "out" / "demo" / "items.parquet")
    _save_configs(tmp_path)
    here = [each for each in commands() if not re.search(r"live\.yaml|demo\.yaml", each[0])]
    shown = [_run(command, output, tmp_path) for command, output in here]
    assert any(shown)


@pytest.mark.slow
def test_its_stream_runs(tmp_path: Path) -> None:
    if not os.environ.get("KAFKA_HOME"):
        why = "KAFKA_HOME is not set: unpack an Apache Kafka release and name its folder"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    broker = LocalBroker(kafka_home(), tmp_path / "broker")
    try:
        _save_configs(tmp_path, broker.start())
        job = load_job(tmp_path / "live.yaml").config
        assert isinstance(job.source, KafkaConfig)
        assert job.sink.verdict_topic is not None
        ensure_topics(job.source, [*job.source.topics, job.sink.verdict_topic.topic])
        lines = (SAMPLE / "items.jsonl").read_bytes().splitlines()
        texts = [line for line in lines if "text" in json.loads(line)]
        send(job.source, job.source.topics[0], ((b"", line) for line in texts))
        streamed = [command for command, _ in commands() if "live.yaml" in command]
        assert streamed
        for command in streamed:
            _run(command, "", tmp_path)
        counted = count_by_track(job.sink.path)
        assert {track.rows for track in counted.values()} == {len(texts)}
    finally:
        broker.stop()


def _save_configs(folder: Path, broker: str = "") -> None:
    """Each job of the page under its name, with the address of a broker in the place of the one that it shows."""
    (folder / "configs").symlink_to(ROOT / "configs")
    for config in blocks("yaml"):
        name = yaml.safe_load(config)["name"]
        (folder / f"{name}.yaml").write_text(config.replace("127.0.0.1:9092", broker), encoding="utf-8")


def _run(command: str, output: str, folder: Path) -> bool:
    """Run it as the page says; whether it shows an output, to which the real one is equal."""
    done = subprocess.run(
        ["bash", "-c", command.replace(".venv/bin/assay", f"{sys.executable} -m jobs.cli", 1)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert not output or _lines(done.stdout) == _lines(output), command
    return bool(output)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
