"""A broker with every kind of lock that a job can open: passwords, SCRAM, certificates, and rights per user."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)

from jobs.broker import free_ports
from tests.kafka.broker import Broker

ALLOWED = "allowed"
"""Users may read topics and use groups whose names begin so."""

_PROTOCOLS = ("SASL_PLAINTEXT", "SASL_SSL", "SSL")
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


class SecureBroker(Broker):
    """Listens with SASL_PLAINTEXT, SASL_SSL and SSL (with a client's certificate) beside its open port.

    User `reader` has `password` with PLAIN, and with SCRAM once `add_scram_user` was called. Whoever comes by the open
    port may do everything, users what `ALLOWED` says.
    """

    def __init__(self, home: Path, folder: Path, certificates: Certificates, password: str) -> None:
        ports = free_ports(len(_PROTOCOLS))
        self.at = {name: f"127.0.0.1:{port}" for name, port in zip(_PROTOCOLS, ports, strict=True)}
        self._certificates, self._password = certificates, password
        super().__init__(home, folder)

    def properties(self) -> dict[str, str]:
        known = super().properties()
        locked = "".join(f",{name}://{address}" for name, address in self.at.items())
        mechanisms = {"plain": f'{_PLAIN} user_reader="{self._password}";', "scram-sha-512": _SCRAM}
        logins = {
            f"listener.name.{listener}.{mechanism}.sasl.jaas.config": login
            for listener in ("sasl_plaintext", "sasl_ssl")
            for mechanism, login in mechanisms.items()
        }
        return {
            **known,
            **logins,
            "listeners": known["listeners"] + locked,
            "advertised.listeners": known["advertised.listeners"] + locked,
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._certificates.server),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self._certificates.ca),
            "listener.name.ssl.ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    def open_up(self) -> None:
        """Makes the SCRAM user, and lets every user do what `ALLOWED` says."""
        rights = [
            ACL(user, "*", ACLOperation.READ, ACLPermissionType.ALLOW, _pattern(kind))
            for user in ("User:reader", "User:CN=client")
            for kind in (ResourceType.TOPIC, ResourceType.GROUP)
        ]
        admin = self.admin()
        said = admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("reader", "SCRAM-SHA-512", self._password)]
        )
        assert said == {"reader": None}
        assert not admin.create_acls(rights)["failed"]
        admin.close()


def _pattern(kind: ResourceType) -> ResourcePattern:
    return ResourcePattern(kind, ALLOWED, ACLResourcePatternType.PREFIXED)


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: an authority, a server's key with its certificate, a client's certificate and its locked key."""

    ca: Path
    server: Path
    client: Path
    client_key: Path


def make_certificates(folder: Path, key_password: str) -> Certificates:
    """Valid for a day, for 127.0.0.1; the client is called `client`."""
    ca_key, server_key, client_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca = _certificate("authority", ca_key, "authority", ca_key, is_authority=True)
    server = _certificate("broker", server_key, "authority", ca_key)
    client = _certificate("client", client_key, "authority", ca_key)
    files = Certificates(*(folder / name for name in ("ca.pem", "server.pem", "client.pem", "client-key.pem")))
    files.ca.write_bytes(_pem(ca))
    files.server.write_bytes(_key(server_key, NoEncryption()) + _pem(server))
    files.client.write_bytes(_pem(client))
    files.client_key.write_bytes(_key(client_key, BestAvailableEncryption(key_password.encode())))
    return files


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    known = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(known, critical=False)
        .add_extension(by, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key(key: ec.EllipticCurvePrivateKey, lock: KeySerializationEncryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
