"""The station's own certificate authority: who may call itself the broker, for receivers that trust nobody else.

``data/secrets/ca.key`` signs and never leaves the station; ``data/broker/ca.crt`` goes to every receiver and stays
the same for twenty years, so that renewing the broker's certificate costs no visit to a pole.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devices import accounts
from devices.mosquitto import CERTIFICATE, KEY
from loa.config import Config
from loa.errors import DeviceError
from loa.times import DAY, Instant

CA_KEY = "ca.key"
CA_CERTIFICATE = "ca.crt"
CA_DAYS = 20 * 365
SERVER_DAYS = 730
RENEW_DAYS = {"server": 60, "authority": 730}
"""One with fewer days left is renewed, or warned of; the authority's means a visit to every pole."""
OWN_NAMES = ("localhost", "127.0.0.1", "::1")
"""By which the station itself may call its broker."""

What = Literal["server", "authority"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Expiry(msgspec.Struct, frozen=True):
    """A certificate and the moment it ends."""

    file: Path
    what: What
    begins: Instant
    ends: Instant
    ours: bool
    """Signed by the station's own authority, so that it can renew it by itself."""

    def days_left(self, now: Instant) -> int:
        """Whole days; negative once it is over."""
        return (self.ends - now) // DAY


class Made(msgspec.Struct, frozen=True):
    """What ``make`` has left behind."""

    names: tuple[str, ...]
    server_ends: Instant
    authority_ends: Instant
    new_authority: bool
    """Every receiver must be given ca.crt."""


def make(config: Config, names: Iterable[str], now: Instant) -> Made:
    """The authority if there is none yet, and a certificate of the broker for these names and addresses.

    The broker keeps its key, so a renewal replaces one file. Raises DeviceError for a name that is none, and
    when the certificate there was given by another authority.
    """
    wanted = tuple(dict.fromkeys([*map(_name, names), *OWN_NAMES]))
    new = not (config.secrets / CA_KEY).exists()
    if new:
        _refuse_foreign(config)
    ca_key = _key_at(config.secrets / CA_KEY)
    authority = _authority(config, ca_key, now)
    _refuse_foreign(config)
    server = _sign_server(_key_at(config.broker / KEY), wanted, ca_key, authority, now)
    accounts.write(config.broker / CERTIFICATE, _pem(server))
    return Made(wanted, _ends(server), _ends(authority), new)


def renew(config: Config, now: Instant) -> bool:
    """Renew a certificate of our own authority that soon ends, for the same names; whether it was.

    A serving broker takes it over without dropping anyone. Raises DeviceError when a file cannot be used.
    """
    due = [one for one in expires(config) if one.what == "server" and one.ours]
    if (
        not due
        or due[0].days_left(now) >= RENEW_DAYS["server"]
        or not (config.secrets / CA_KEY).exists()
    ):
        return False
    make(config, names_of_before(config), now)
    return True


def names_of_before(config: Config) -> list[str]:
    """What the broker's certificate is for, if there is one of ours."""
    file = config.broker / CERTIFICATE
    if not file.exists():
        return []
    return [name for name in _names(_load(file)[0]) if name not in OWN_NAMES]


def expires(config: Config) -> list[Expiry]:
    """The broker's certificate and the authority's, as far as there are any. Raises DeviceError for a broken one.

    Of a chain, what ends first counts.
    """
    files: tuple[tuple[str, What], ...] = ((CERTIFICATE, "server"), (CA_CERTIFICATE, "authority"))
    return [
        _expiry(config, config.broker / name, what)
        for name, what in files
        if (config.broker / name).exists()
    ]


def _expiry(config: Config, file: Path, what: What) -> Expiry:
    chain = _load(file)
    begins = Instant(max(_ms(one.not_valid_before_utc) for one in chain))
    return Expiry(file, what, begins, Instant(min(map(_ends, chain))), _is_ours(config, chain[0]))


def warnings(config: Config, now: Instant) -> list[str]:
    """A sentence for each certificate that is over, soon ends, or has not begun."""
    return [sentence for one in expires(config) if (sentence := _warning(one, now))]


def exposed(config: Config) -> list[Path]:
    """Private keys that others on this machine can read."""
    keys = (config.secrets / CA_KEY, config.broker / KEY)
    return [file for file in keys if file.exists() and file.stat().st_mode & 0o077]


def _warning(one: Expiry, now: Instant) -> str:
    left = one.days_left(now)
    what = "Chứng chỉ của máy chủ MQTT" if one.what == "server" else "Chứng chỉ gốc của đài"
    remedy = (
        "Hãy chạy “loa broker tls make” để gia hạn."
        if one.ours and one.what == "server"
        else "Hãy chép chứng chỉ mới vào cùng chỗ."
        if one.what == "server"
        else "Hãy tạo chứng chỉ gốc mới và chép ca.crt tới từng đầu thu trước ngày đó."
    )
    if now < one.begins:
        return f"{what} ({one.file}) chưa đến ngày có hiệu lực. Hãy xem lại đồng hồ của máy chủ."
    if left < 0:
        return f"{what} ({one.file}) đã hết hạn: đầu thu không kết nối được. {remedy}"
    if left < RENEW_DAYS[one.what]:
        return f"{what} ({one.file}) còn {left} ngày nữa là hết hạn. {remedy}"
    return ""


# --- names ---------------------------------------------------------------------------------------


def _name(text: str) -> str:
    """A DNS name as certificates spell it (đài.vn → xn--…), or an address. Raises DeviceError."""
    text = text.strip().rstrip(".").lower()
    if (address := _address(text)) is not None:
        return str(address)
    try:
        ascii_name = text.encode("idna").decode()
    except UnicodeError:
        ascii_name = ""
    labels = ascii_name.split(".")
    if not all(label and label.replace("-", "").isalnum() for label in labels):
        raise DeviceError(
            f"“{text}” không phải tên miền hay địa chỉ IP. Ví dụ đúng: mqtt.xa-mau.example.vn hoặc 203.0.113.7.",
            field="name",
        )
    return ascii_name


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _names(certificate: x509.Certificate) -> list[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(one.value) for one in extension.value]


def _general(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


# --- keys and certificates -----------------------------------------------------------------------


def _key_at(file: Path) -> ec.EllipticCurvePrivateKey:
    """P-256: every TLS library a small receiver may have knows it. Made on first use, its owner's alone."""
    if not file.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        accounts.write(file, pem.decode())
        return made
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise DeviceError(
            f"Tệp khoá {file} hỏng hoặc có mật khẩu. Hãy phục hồi tệp này từ bản sao lưu."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise DeviceError(f"Tệp khoá {file} không do Loa tạo. Hãy chuyển tệp này đi nơi khác.")
    return key


def _authority(config: Config, key: ec.EllipticCurvePrivateKey, now: Instant) -> x509.Certificate:
    file = config.broker / CA_CERTIFICATE
    if file.exists():
        kept = _load(file)[0]
        if kept.public_key() != key.public_key():
            raise DeviceError(
                f"{file} không đi cùng {config.secrets / CA_KEY}. Hãy phục hồi cả hai tệp từ cùng một bản sao lưu."
            )
        return kept
    # Named by its key: should ca.crt be lost, the one made again is the same to all who hold the old one.
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    subject = _subject(f"Loa CA {digest.hex()[:16]}")
    made = _builder(subject, subject, key, _utc(now), _after(now, CA_DAYS))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    signed = made.sign(key, hashes.SHA256())
    accounts.write(file, _pem(signed))
    return signed


def _sign_server(
    key: ec.EllipticCurvePrivateKey, names: tuple[str, ...],
    ca_key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, now: Instant,
) -> x509.Certificate:  # fmt: skip
    # As old as the authority: a receiver whose clock stopped with it must still get in to learn the time.
    begins = authority.not_valid_before_utc + datetime.timedelta(days=1)
    ends = min(_after(now, SERVER_DAYS), authority.not_valid_after_utc)
    made = _builder(_subject(names[0]), authority.subject, key, begins, ends)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_usage(digital_signature=True), critical=True)
    alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
    made = made.add_extension(alternatives, critical=False)
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    made = made.add_extension(purpose, critical=False)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return made.add_extension(signer, critical=False).sign(ca_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey,
    begins: datetime.datetime, ends: datetime.datetime,
) -> x509.CertificateBuilder:  # fmt: skip
    made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    # A day early, for clocks that are a little late.
    made = made.not_valid_before(begins - datetime.timedelta(days=1))
    made = made.not_valid_after(ends)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return made.add_extension(identifier, critical=False)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _usage(**yes: bool) -> x509.KeyUsage:
    kinds = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{kind: yes.get(kind, False) for kind in kinds})


def _refuse_foreign(config: Config) -> None:
    file = config.broker / CERTIFICATE
    if file.exists() and not _is_ours(config, _load(file)[0]):
        raise DeviceError(
            f"{file} do nơi khác cấp, không phải CA của đài, nên được giữ nguyên. Muốn dùng CA của đài, hãy chuyển "
            f"{CERTIFICATE} và {KEY} đi nơi khác rồi chạy lại lệnh này.",
            field="name",
        )


def _is_ours(config: Config, certificate: x509.Certificate) -> bool:
    file = config.broker / CA_CERTIFICATE
    if not file.exists():
        return False
    try:
        certificate.verify_directly_issued_by(_load(file)[0])
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _load(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError as error:
        raise DeviceError(f"{file} không phải chứng chỉ dạng PEM. Hãy chép lại tệp này.") from error
    except OSError as error:
        raise DeviceError(
            f"Không đọc được {file} ({error.strerror}). Hãy đổi chủ tệp này thành người dùng chạy Loa."
        ) from error


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _ends(certificate: x509.Certificate) -> Instant:
    return _ms(certificate.not_valid_after_utc)


def _ms(moment: datetime.datetime) -> Instant:
    return Instant(int(moment.timestamp() * 1000))


def _after(now: Instant, days: int) -> datetime.datetime:
    return _utc(now) + datetime.timedelta(days=days)


def _utc(moment: Instant) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment // 1000, datetime.UTC)
