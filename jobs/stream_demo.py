"""The demo of a stream: sends the sample items to a topic, audits them as a user would, shows verdicts as they come.

Run as `python -m jobs.stream_demo [CONFIG [FOLDER]]` from anywhere. The broker is the one at ASSAY_DEMO_KAFKA
(host:port), else one that is started from the release in KAFKA_HOME and stopped at the end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import yaml
from pydantic import BaseModel
from rich.console import Console

from assay.config import Config, KafkaConfig
from assay.errors import AssayError, FatalError, InputError
from jobs.broker import LocalBroker, kafka_home
from jobs.demo_judge import about, make_model, shown
from jobs.load import load_config
from jobs.sql_output import printable
from sources.kafka_play import Tap, ensure_topics, send

ROOT = Path(__file__).resolve().parent.parent
ITEMS = 30
_READ_SECONDS = 0.5
_LAST_SECONDS = 2.0
_STOP_SECONDS = 90.0
_RATIONALE_CHARS = 60
_NEXT = "select item_id, policy_id, violation, rationale from verdicts order by judged_at desc limit 5"
_NO_BROKER = """\
the demo needs a Kafka broker. Either of these will do:
  unpack an Apache Kafka release (4 or newer; it needs Java 17) and set KAFKA_HOME to its folder
  docker compose up -d, then ASSAY_DEMO_KAFKA=127.0.0.1:9092 make stream-demo"""


class Message(BaseModel):
    """What the demo shows of a message on the verdict topic (docs/verdict_topic.md)."""

    item_id: str
    policy_id: str
    violation: bool
    severity: int
    action: str
    rationale: str


def demo(config_path: Path, folder: Path, console: Console) -> None:
    """Send the sample items and audit them; broker and outcomes are in `folder`. Raises AssayError.

    Each time is new events: what was sent before is settled, and not judged again.
    """
    config = load_config(config_path)
    with broker(folder, console) as (address, sink):
        job = _localised(config, address, sink)
        source, topic = _topics(job)
        written = folder / "stream-demo.yaml"
        _write(job, written)
        make_model(job, console)
        ensure_topics(source, [source.topics[0], topic])
        with closing(Tap(source, topic)) as tap:
            count = send(source, source.topics[0], _events(ROOT / "configs" / "sample" / "items.jsonl"))
            console.print(f"sent {count} items to topic {source.topics[0]} at {address}")
            console.print(f"[bold]$ assay stream {shown(written)} --until-end[/]   (two minutes or so)", soft_wrap=True)
            summary = audit(written, tap, lambda message: _show(message, console))
    printed = "".join(line for line in summary.splitlines(keepends=True) if not line.startswith("try next"))
    console.print(f"\n{printed}", markup=False, highlight=False, soft_wrap=True, end="")
    if text := about(config):
        console.print(f"\nMost of the wait is the judge's start. {text}")
    console.print(f'\nTry next:\n\n  .venv/bin/assay sql {shown(written)} "{_NEXT}"', highlight=False, soft_wrap=True)


@contextmanager
def broker(folder: Path, console: Console) -> Iterator[tuple[str, Path]]:
    """The address of a broker, and where outcomes of what is on it go: offsets of another broker mean other records.

    Raises InputError if there is no way to have one.
    """
    running = os.environ.get("ASSAY_DEMO_KAFKA")
    if running:
        yield running, folder / f"audit-{running.replace(':', '-').replace('/', '-')}"
        return
    if not os.environ.get("KAFKA_HOME"):
        raise InputError(_NO_BROKER)
    console.print(f"starting a broker in {shown(folder / 'broker')}")
    own = LocalBroker(kafka_home(), folder / "broker")
    try:
        yield own.start(), folder / "audit"
    finally:
        own.stop()


def audit(config: Path, tap: Tap, show: Callable[[Message], None]) -> str:
    """Run `assay stream` on it, showing messages as they come; what it printed. Raises FatalError if it fails."""
    command = [sys.executable, "-m", "jobs.cli", "stream", str(config), "--until-end"]
    # In a session of its own: a ^C is passed on once, by us, and the job drains.
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            while process.poll() is None:
                _pass_on(tap.read(_READ_SECONDS), show)
            while values := tap.read(_LAST_SECONDS):
                _pass_on(values, show)
        except BaseException:
            process.terminate()
            process.wait(_STOP_SECONDS)
            raise
        assert process.stdout is not None
        printed = process.stdout.read()
    if process.returncode:
        raise FatalError(f"assay stream failed with exit code {process.returncode}; the reason is above")
    return printed


def _pass_on(values: Sequence[bytes], show: Callable[[Message], None]) -> None:
    for value in values:
        show(Message.model_validate_json(value))


def _show(message: Message, console: Console) -> None:
    decision = f"{message.action}, severity {message.severity}" if message.violation else "-"
    rationale = printable(message.rationale[:_RATIONALE_CHARS])
    line = f"{printable(message.item_id):<10} {message.policy_id:<18} {decision:<20} {rationale}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _events(items: Path) -> Iterator[tuple[bytes, bytes]]:
    """The first items of the sample as records: key and value."""
    with items.open("rb") as lines:
        for _, line in zip(range(ITEMS), lines, strict=False):
            yield json.loads(line)["id"].encode(), line.strip()


def _localised(config: Config, address: str, sink: Path) -> Config:
    """The job on this broker, with this table."""
    return config.model_copy(
        update={
            "source": config.source.model_copy(update={"bootstrap": address}),
            "sink": config.sink.model_copy(update={"path": str(sink.resolve())}),
        }
    )


def _topics(job: Config) -> tuple[KafkaConfig, str]:
    if not isinstance(job.source, KafkaConfig) or job.sink.verdict_topic is None:
        raise InputError("the demo's job needs source.kind: kafka and a sink.verdict_topic")
    return job.source, job.sink.verdict_topic.topic


def _write(job: Config, path: Path) -> None:
    content = yaml.safe_dump(job.model_dump(mode="json", exclude_none=True), sort_keys=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# Written by the demo: its config, with the broker and the folders of this time.\n{content}")


def main(arguments: Sequence[str]) -> int:
    config = Path(arguments[0]) if arguments else ROOT / "configs" / "stream-demo.yaml"
    folder = Path(arguments[1]) if len(arguments) > 1 else ROOT / "out" / "stream-demo"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        demo(config.resolve(), folder.resolve(), Console())
    except KeyboardInterrupt:
        return 130
    except AssayError as error:
        print(f"stream-demo: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
