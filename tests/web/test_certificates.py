"""The certificate of a server: what it says, who may read its key, when it is made anew."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.web.certificates import (
    RENEW_DAYS,
    VALID_DAYS,
    Certificate,
    CertificateSource,
    keep_fresh,
    load,
    make,
    names_of,
    own_certificate,
)

NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def read(place: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(place.certificate.read_bytes())


def test_it_names_this_machine_may_sign_nothing_and_its_key_is_private(tmp_path):
    source = own_certificate(tmp_path / "tls", [*NAMES, "Cloud.Example.com"])
    made = source.current()
    certificate = read(made)
    assert names_of(certificate) == NAMES | {"cloud.example.com"}
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert [path.stat().st_mode & 0o777 for path in (made.key, made.key.parent)] == [0o600, 0o700]
    # a second start takes what is there
    assert read(source.current()) == certificate


def aged(place, now):
    """Make it one that ends soon."""
    place.certificate.unlink()
    make(place, NAMES, now - timedelta(days=VALID_DAYS - RENEW_DAYS + 1))


@pytest.mark.parametrize(
    "spoil",
    [
        aged,
        lambda place, now: make(place, NAMES - {"::1"}, now),
        lambda place, now: place.key.unlink(),
        lambda place, now: place.key.write_text("no key"),
        lambda place, now: place.certificate.write_bytes(spare(place, now)),
    ],
    ids=["ends soon", "lacks a name", "key is gone", "key is none", "of another key"],
)
def test_it_is_made_anew(tmp_path, spoil):
    source, now = own_certificate(tmp_path, NAMES), datetime.now(UTC)
    spoil(source.current(), now)
    before = read(source.place)
    source.current()
    assert read(source.place).serial_number != before.serial_number
    assert read(source.place).not_valid_after_utc > now + timedelta(days=VALID_DAYS - 1)
    load(source.place)


def spare(place, now):
    other = Certificate(place.certificate.with_name("c2"), place.key.with_name("k2"))
    make(other, NAMES, now)
    return other.certificate.read_bytes()


def test_a_brought_certificate_is_never_touched_and_must_fit(tmp_path):
    now = datetime.now(UTC)
    place = Certificate(tmp_path / "c.pem", tmp_path / "k.pem")
    with pytest.raises(UserError, match=r"cannot use the certificate .*c\.pem"):
        load(CertificateSource(place).current())
    make(place, {"cloud.example.com"}, now - timedelta(days=2 * VALID_DAYS))
    before = place.certificate.read_bytes()
    load(CertificateSource(place).current())
    assert place.certificate.read_bytes() == before
    place.certificate.write_bytes(spare(place, now))
    with pytest.raises(UserError, match="KEY_VALUES_MISMATCH"):
        load(place)


def test_what_cannot_be_written_or_named_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot write the certificate"):
        own_certificate(tmp_path / "file" / "tls", NAMES).current()
    with pytest.raises(UserError, match="no certificate can be made"):
        own_certificate(tmp_path, ["bü\u0001cher"]).current()


async def served(port, trust):
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    told = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(told)


def test_a_running_server_hands_out_the_renewed_one(tmp_path):
    source = own_certificate(tmp_path, NAMES)
    context, blind = load(source.current()), ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE

    async def scene():
        server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        before = await served(port, blind)
        aged(source.place, datetime.now(UTC))
        fresh = asyncio.create_task(keep_fresh(context, source, every_seconds=0))
        while await served(port, blind) == before:
            assert not fresh.done()
        fresh.cancel()
        # a client that reads the file now trusts it
        after = await served(port, ssl.create_default_context(cafile=source.place.certificate))
        server.close()
        return before, after

    before, after = asyncio.run(scene())
    assert after == read(source.place)
    assert after.not_valid_after_utc >= before.not_valid_after_utc
