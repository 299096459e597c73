"""`assay stream` and a cluster with locks: how it gets in, how it is refused, and that no secret shows anywhere."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from kafka import TopicPartition

from tests.kafka.secure_broker import ALLOWED, Certificates, SecureBroker, make_certificates
from tests.kafka.stream_place import StreamPlace, make_stream, messages

pytestmark = pytest.mark.slow

PASSWORD = f"planted-{secrets.token_hex(12)}"
WRONG = f"planted-{secrets.token_hex(12)}"
KEY_PASSWORD = f"planted-{secrets.token_hex(12)}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), KEY_PASSWORD)


@pytest.fixture(scope="module")
def broker(
    kafka_home: Path, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecureBroker]:
    broker = SecureBroker(kafka_home, tmp_path_factory.mktemp("secure"), certificates, PASSWORD)
    broker.start()
    broker.open_up()
    yield broker
    broker.stop()


@pytest.fixture
def place(tmp_path: Path, broker: SecureBroker, topic_name: str, monkeypatch: pytest.MonkeyPatch) -> StreamPlace:
    """A job that gets in with PLAIN; its topic has one partition and ten records."""
    monkeypatch.setenv("AUDIT_USER", "reader")
    monkeypatch.setenv("AUDIT_PASSWORD", PASSWORD)
    topic = f"{ALLOWED}-{topic_name}"
    broker.create_topic(topic)
    broker.produce(topic, messages(1, 10))
    place = make_stream(tmp_path, broker, topic)
    place.config["replicas"]["count"] = 1
    place.config["source"]["bootstrap"] = broker.at["SASL_PLAINTEXT"]
    place.config["source"]["security"] = {
        "protocol": "SASL_PLAINTEXT",
        "mechanism": "PLAIN",
        "username_env": "AUDIT_USER",
        "password_env": "AUDIT_PASSWORD",
    }
    return place


@pytest.fixture
def ray_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the runs of a test have their clusters' logs. Its path is short: sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="r"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def refused(place: StreamPlace) -> str:
    """What the job says when it is turned away: nothing was judged, and there is no table."""
    done = place.run("stream", "CONFIG", "--until-end", code=2, seconds=30)
    assert not done.stdout
    assert not (place.folder / "out").exists()
    return done.stderr


def files_with(needle: bytes, *folders: Path) -> list[str]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in files if needle in path.read_bytes()]


def all_rows(place: StreamPlace) -> str:
    return repr(place.query("select * from outcomes")) + repr(place.query("select * from runs"))


def shows(words: Iterable[str], text: str) -> list[str]:
    return [word for word in words if word in text]


def test_passwords_show_nowhere(
    place: StreamPlace, broker: SecureBroker, ray_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = place.run("stream", "CONFIG", "--until-end", "--json")
    broker.produce(place.topic, messages(1, 10))
    admin = broker.admin()
    admin.delete_records({TopicPartition(place.topic, 0): 15})
    admin.close()
    gone = place.run("stream", "CONFIG", "--until-end", code=2)
    assert "offset 10 to before 15" in gone.stderr
    monkeypatch.setenv("AUDIT_PASSWORD", WRONG)
    wrong = place.run("stream", "CONFIG", "--until-end", code=2)
    assert "credentials" in wrong.stderr
    text = "".join(each.stdout + each.stderr for each in (said, gone, wrong)) + all_rows(place)
    assert [row["state"] for row in place.query("select state from runs order by started_at")] == ["done", "failed"]
    assert "AUDIT_PASSWORD" in text
    assert not shows((PASSWORD, WRONG), text)
    out = place.folder / "out"
    assert files_with(b"Replica", ray_folder)
    assert files_with(b"verdicts", out)
    for secret in (PASSWORD, WRONG):
        assert not files_with(secret.encode(), out, ray_folder)


def test_scram_over_tls_with_secrets_in_files(
    place: StreamPlace, broker: SecureBroker, certificates: Certificates, ray_folder: Path
) -> None:
    secret = place.folder / "secret"
    secret.mkdir()
    (secret / "user").write_text("reader\n")
    (secret / "password").write_text(f"{PASSWORD}\n")
    place.config["source"]["bootstrap"] = broker.at["SASL_SSL"]
    place.config["source"]["security"] = {
        "protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-512",
        "username_file": str(secret / "user"),
        "password_file": str(secret / "password"),
        "ca_file": str(certificates.ca),
    }
    done = place.run("stream", "CONFIG", "--until-end")
    assert place.rows() == place.expected([10])
    assert not shows((PASSWORD,), done.stdout + done.stderr + all_rows(place))
    assert not files_with(PASSWORD.encode(), place.folder / "out", ray_folder)
    os.unlink(secret / "user")
    assert f"source.security.username_file: there is no file {secret / 'user'}" in again(place)


def again(place: StreamPlace) -> str:
    """What a second run is told that is turned away."""
    return place.run("stream", "CONFIG", "--until-end", code=2, seconds=30).stderr


def test_a_certificate_opens_too(
    place: StreamPlace,
    broker: SecureBroker,
    certificates: Certificates,
    ray_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AUDIT_KEY", KEY_PASSWORD)
    place.config["replicas"]["count"] = 2
    place.config["source"]["bootstrap"] = broker.at["SSL"]
    place.config["source"]["security"] = {
        "protocol": "SSL",
        "ca_file": str(certificates.ca),
        "cert_file": str(certificates.client),
        "key_file": str(certificates.client_key),
        "key_password_env": "AUDIT_KEY",
    }
    done = place.run("stream", "CONFIG", "--until-end")
    assert "replicas.count: 1 partitions for 2 replicas: 1 will be idle" in done.stderr
    assert place.rows() == place.expected([10])
    assert not shows((KEY_PASSWORD,), done.stdout + done.stderr + all_rows(place))
    assert not files_with(KEY_PASSWORD.encode(), place.folder / "out", ray_folder)
    monkeypatch.setenv("AUDIT_KEY", WRONG)
    wrong = again(place)
    assert "source.security" in wrong
    assert not shows((WRONG, KEY_PASSWORD), wrong)
    del place.config["source"]["security"]["cert_file"], place.config["source"]["security"]["key_file"]
    assert "source.security" in again(place)


def test_wrong_credentials_are_refused(place: StreamPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    security = place.config["source"]["security"]
    monkeypatch.setenv("AUDIT_PASSWORD", WRONG)
    for security["mechanism"] in ("PLAIN", "SCRAM-SHA-512"):
        said = refused(place)
        assert "source.security: " in said
        assert "refuses the credentials; correct user and password" in said
        assert WRONG not in said
    monkeypatch.delenv("AUDIT_PASSWORD")
    assert "source.security.password_env: the environment variable AUDIT_PASSWORD is not set" in refused(place)


def test_a_broker_of_unknown_authority_is_refused(place: StreamPlace, broker: SecureBroker, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    place.config["source"]["bootstrap"] = broker.at["SASL_SSL"]
    place.config["source"]["security"] |= {
        "protocol": "SASL_SSL",
        "ca_file": str(make_certificates(other, KEY_PASSWORD).ca),
    }
    said = refused(place)
    assert "source.security" in said
    assert "certificate" in said


def test_what_the_user_may_not_use_is_refused(place: StreamPlace, broker: SecureBroker, topic_name: str) -> None:
    allowed = place.topic
    broker.create_topic(topic_name)
    place.config["source"]["topics"] = [allowed, topic_name]
    said = refused(place)
    assert "source.topics" in said
    assert f"{topic_name}; grant it READ and DESCRIBE" in said
    place.config["source"]["topics"] = [allowed]
    place.config["source"]["group"] = topic_name
    assert f"source.group: the user may not use the group {topic_name!r}; grant it READ on it" in refused(place)
