"""How a Kafka cluster is reached: settings for its clients, and their errors in our words. Imports no client."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from assay.config import KafkaConfig, Security
from assay.errors import AssayError, FatalError, InputError, TransientError

CONNECT_SECONDS = 15.0

_WAYS_OUT = {
    "TopicAuthorizationFailedError": "source.topics: the user may not read or write {what}; grant it READ and DESCRIBE",
    "GroupAuthorizationFailedError": "source.group: the user may not use the group {group!r}; grant it READ on it",
    "ClusterAuthorizationFailedError": "source.security: the cluster refuses this user; ask who runs it for the right",
    "UnknownTopicOrPartitionError": "source.topics: {what}: there is no such topic; create it or correct the name",
    "InvalidTopicError": "source.topics: {what}: not a topic's name",
    "UnsupportedSaslMechanismError": "source.security.mechanism: the broker does not know it; name one that it has",
    "InconsistentGroupProtocolError": "source.group: consumers of another kind use the group {group!r}; take another",
    "InvalidSessionTimeoutError": "source.session_seconds: the broker allows no such value (group.*.session.timeout)",
}
_CREDENTIALS = ("SaslAuthenticationFailedError", "AuthenticationFailedError", "AuthenticationMethodNotSupported")
_RETRIED = ("KafkaTimeoutError", "KafkaConnectionError", "NoBrokersAvailable", "NodeNotReadyError")

T = TypeVar("T")


class Net(Protocol):
    """The part of a client that holds its thread and sockets."""

    def close(self) -> None: ...


class NoBroker(InputError):
    """Nobody answered. Once a job has begun, that is no reason to end it."""


def client_settings(config: KafkaConfig) -> dict[str, object]:
    """Keyword arguments that every client of the cluster takes. Raises InputError if a secret is not where it is said.

    The result holds secrets: it goes to the client and nowhere else.
    """
    servers = [server.strip() for server in config.bootstrap.split(",")]
    settings: dict[str, object] = {"bootstrap_servers": servers, "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000)}
    security = config.security
    settings["security_protocol"] = security.protocol
    if security.protocol.startswith("SASL"):
        settings["sasl_mechanism"] = security.mechanism
        settings["sasl_plain_username"] = _secret(security, "username")
        settings["sasl_plain_password"] = _secret(security, "password")
    if security.protocol.endswith("SSL"):
        settings["ssl_check_hostname"] = security.check_hostname
        for key in ("ca_file", "cert_file", "key_file"):
            if (path := getattr(security, key)) is not None:
                settings[f"ssl_{key.removesuffix('_file')}file"] = _existing(path, key)
        if security.key_password_env:
            settings["ssl_password"] = _variable(security.key_password_env, "key_password_env")
    return settings


def translate(error: Exception, config: KafkaConfig, what: str = "") -> AssayError:
    """A client's error as one of ours: TransientError if waiting may help, else InputError or FatalError."""
    name = type(error).__name__
    if name in _WAYS_OUT:
        return InputError(_WAYS_OUT[name].format(what=what or ", ".join(config.topics), group=config.group))
    if name in _CREDENTIALS:
        return InputError(f"source.security: {config.bootstrap} refuses the credentials; correct user and password")
    if name in _RETRIED or getattr(error, "retriable", False):
        return TransientError(f"{config.bootstrap} does not answer ({name})")
    return FatalError(f"{config.bootstrap}: {name}: {error}")


def connected(
    make: Callable[..., T], net: Callable[..., Net], base: type[Exception], config: KafkaConfig, **settings: object
) -> T:
    """A client that `make` connects, or an error of ours with nothing left behind: no thread, no socket.

    `net` makes the part of it that holds those; the client itself would keep them when it fails to start. `base`: what
    its errors have in common. Raises NoBroker, InputError, TransientError, FatalError.
    """
    nets: list[Net] = []

    def kept(**more: object) -> Net:
        nets.append(net(**more))
        return nets[-1]

    try:
        return make(kafka_client=kept, **settings)
    except (base, OSError, ValueError) as error:
        for made in nets:
            made.close()
        raise connection_error(error, config) from error


def connection_error(error: Exception, config: KafkaConfig) -> AssayError:
    """As `translate`, but of a first connection: NoBroker without an answer, else a fault of the config."""
    name = type(error).__name__
    if name == "KafkaTimeoutError":
        return _unreachable(config)
    if name == "KafkaConfigurationError" or isinstance(error, ValueError):
        return InputError(f"source.bootstrap: {config.bootstrap}: {error}; correct it")
    if isinstance(error, OSError):
        return InputError(f"source.security: {error}; correct its files")
    return translate(error, config)


def _unreachable(config: KafkaConfig) -> NoBroker:
    """What to say when no connection was made at all: clients can't tell an absent broker from refused credentials."""
    secured = config.security.protocol != "PLAINTEXT"
    also = ", or it refuses the credentials or certificates of source.security" if secured else ""
    return NoBroker(
        f"source.bootstrap: no Kafka broker answers at {config.bootstrap} within {CONNECT_SECONDS:.0f} s{also}; "
        "correct the address, start the broker, or see source.security"
    )


def _secret(security: Security, what: str) -> str:
    variable, path = getattr(security, f"{what}_env"), getattr(security, f"{what}_file")
    if variable is not None:
        return _variable(variable, f"{what}_env")
    try:
        return Path(_existing(path, f"{what}_file")).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"source.security.{what}_file: {path} can't be read: {type(error).__name__}") from None


def _variable(name: str, key: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise InputError(f"source.security.{key}: the environment variable {name} is not set")
    return value


def _existing(path: str, key: str) -> str:
    if not os.path.isfile(path):
        raise InputError(f"source.security.{key}: there is no file {path}")
    return path
