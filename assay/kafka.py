"""How a Kafka cluster is reached: settings for its clients, and their errors in our words. Imports no client."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

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
    nets: list[Any] = []
    refusals: list[AssayError] = []

    def kept(**more: object) -> Any:
        nets.append(net(**more))
        _heed_refusals(nets[-1]._manager, config, refusals)
        return nets[-1]

    try:
        made = make(kafka_client=kept, **settings)
    except (base, OSError, ValueError) as error:
        for one in nets:
            one.close()
        waited = settings.get("bootstrap_timeout_ms")
        seconds = waited / 1000 if isinstance(waited, int) else None
        raise next(iter(refusals), connection_error(error, config, seconds)) from error
    for one in nets:
        del one._manager.get_connection
    return made


def _heed_refusals(manager: Any, config: KafkaConfig, refusals: list[AssayError]) -> None:
    """Has the first connection fail once every address refused it, until the manager's `get_connection` is deleted.

    kafka-python 3.0.12 means to do that. But it drops what comes together with a connection's end, which is the reason
    for it, and forgets the reason if it has one, and tries until its time is over.
    """
    connect, refused = manager.get_connection, dict[object, Exception]()

    def get_connection(node: object, **more: object) -> Any:
        if node in refused and len(refused) >= len(config.bootstrap.split(",")):
            raise refused[node]
        connection = connect(node, **more)
        begin = connection.connection_made

        def connection_made(transport: Any) -> None:
            transport._sock_recv = partial(_last_words_first, transport._sock_recv)
            begin(transport)

        connection.connection_made = connection_made
        connection.init_future.add_errback(partial(note, node))
        return connection

    def note(node: object, error: Exception) -> None:
        refusal = _refusal(error, config)
        if refusal is not None and manager.cluster.is_bootstrap(node):
            refusals.append(refusal)
            refused[node] = error

    manager.get_connection = get_connection


def _last_words_first(receive: Callable[[], tuple[bytes, Exception | None]]) -> tuple[bytes, Exception | None]:
    """The end of a connection is there to be received again, after the bytes that came before it."""
    received, error = receive()
    return received, None if received else error


def _refusal(error: Exception, config: KafkaConfig) -> AssayError | None:
    """What to say if a connection was lost in a way that will not change by itself."""
    if type(error).__name__ in (*_CREDENTIALS, "UnsupportedSaslMechanismError"):
        return translate(error, config)
    if isinstance(error, ssl.SSLError):
        return InputError(f"source.security: {error}; correct its files")
    if isinstance(why := error.__context__, ssl.SSLCertVerificationError):
        return InputError(
            f"source.security: the certificate of {config.bootstrap} is not accepted: {why.verify_message}; "
            "correct ca_file, or the address"
        )
    return None


def connection_error(error: Exception, config: KafkaConfig, waited: float | None = None) -> AssayError:
    """As `translate`, but of a first connection: NoBroker without an answer in `waited` seconds, else InputError."""
    name = type(error).__name__
    if name == "KafkaTimeoutError":
        return _unreachable(config, waited)
    if name == "KafkaConfigurationError" or isinstance(error, ValueError):
        return InputError(f"source.bootstrap: {config.bootstrap}: {error}; correct it")
    if isinstance(error, OSError):
        return InputError(f"source.security: {error}; correct its files")
    return translate(error, config)


def _unreachable(config: KafkaConfig, waited: float | None) -> NoBroker:
    """What to say when no connection was made at all: not every broker says that it wants another protocol."""
    secured = config.security.protocol != "PLAINTEXT"
    also = ", or not with the protocol or certificates of source.security" if secured else ""
    within = "" if waited is None else f" within {waited:.0f} s"
    return NoBroker(
        f"source.bootstrap: no Kafka broker answers at {config.bootstrap}{within}{also}; "
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
