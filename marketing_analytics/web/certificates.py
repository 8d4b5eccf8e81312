"""A certificate for a server on this machine: made, kept beside its data, made anew in time.

It signs itself and may sign nothing else, so a client that trusts it trusts this server alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import ssl
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from marketing_analytics.core.errors import MachineError, UserError, reason_of
from marketing_analytics.core.written import replace_file

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

VALID_DAYS = 365
# browsers refuse more than 398 days; what is left when it is made anew
RENEW_DAYS = 30
LOOK_SECONDS = 6 * 3600.0
# a clock that is a little behind trusts it too
BACKDATED = timedelta(hours=1)
COMMON_NAME = "localhost"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Certificate:
    """The files of a certificate and of its key, both in PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class CertificateSource:
    """Where a server has its certificate from; `names` is empty for one that was brought."""

    place: Certificate
    names: frozenset[str] = frozenset()

    @property
    def is_own(self) -> bool:
        """Return whether the server makes the certificate."""
        return bool(self.names)

    def current(self) -> Certificate:
        """Return the certificate; make an own one that lacks a name or ends soon.

        Raise MachineError when it cannot be written.
        """
        now = datetime.now(UTC)
        if self.is_own and not is_good(self.place, self.names, now):
            try:
                make(self.place, self.names, now)
            except (OSError, MachineError) as error:
                reason = reason_of(error) if isinstance(error, OSError) else error.message
                raise MachineError(
                    f"cannot write the certificate {self.place.certificate}: {reason}",
                    hint="choose another --data-dir",
                ) from None
        return self.place


def own_certificate(folder: Path, names: Iterable[str]) -> CertificateSource:
    """Return the certificate that a server makes in a folder for some names."""
    place = Certificate(folder / "certificate.pem", folder / "key.pem")
    return CertificateSource(place, frozenset(name.lower() for name in names))


def is_good(found: Certificate, names: Set[str], now: datetime) -> bool:
    """Return whether a certificate and its key belong together, have all names and time left."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        key = load_pem_private_key(found.key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False
    has_time = certificate.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
    is_pair = key.public_key() == certificate.public_key()
    return has_time and is_pair and names <= names_of(certificate)


def names_of(certificate: x509.Certificate) -> set[str]:
    """Return the host names and addresses of a certificate."""
    from cryptography import x509

    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = found.get_values_for_type(x509.IPAddress)
    return {*found.get_values_for_type(x509.DNSName), *map(str, addresses)}


def make(place: Certificate, names: Set[str], now: datetime) -> None:
    """Make a key and its certificate; neither is ever readable by others."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    made = self_signed(key, names, now).public_bytes(serialization.Encoding.PEM)
    place.key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(place.key, private, is_private=True)
    replace_file(place.certificate, made, is_private=True)


def self_signed(key: EllipticCurvePrivateKey, names: Set[str], now: datetime) -> x509.Certificate:
    """Return a certificate of a key for some names, of the kind that strict clients take."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    public = key.public_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(map(general_name, sorted(names))), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False)
    )
    return builder.sign(key, hashes.SHA256())


def general_name(name: str) -> x509.GeneralName:
    """Return a host name or an address as certificates hold it. Raise UserError for neither."""
    from cryptography import x509

    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    try:
        return x509.DNSName(name)
    except ValueError:
        raise UserError(
            f"no certificate can be made for the host name {name!r}",
            hint="give it as DNS has it, or bring a certificate with --tls-cert and --tls-key",
        ) from None


def load(found: Certificate) -> ssl.SSLContext:
    """Return what a server needs to speak TLS. Raise UserError for files that do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(found.certificate, found.key, password=no_password)
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot use the certificate {found.certificate} with the key {found.key}: "
            + (getattr(error, "reason", "") or str(error)),
            hint="both in PEM, the chain in the first file, the key without a password",
        ) from None
    return context


def no_password() -> str:
    """Open no key that has a password: a server that asks at its start does not start."""
    raise ValueError("the key has a password")


async def keep_fresh(
    context: ssl.SSLContext, source: CertificateSource, every_seconds: float = LOOK_SECONDS
) -> None:
    """Give new connections the certificate as it is now, again and again."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            found = source.current()
            context.load_cert_chain(found.certificate, found.key, password=no_password)
        except (OSError, ValueError, MachineError) as error:
            log.warning(
                "the certificate was not renewed: %s", error, extra={"action": "certificate_failed"}
            )
