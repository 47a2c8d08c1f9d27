"""The station's certificate authority: made once, renewed without a visit to any pole, warned of in time."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from devices import authority, canary, mosquitto
from loa.config import Config, Station
from loa.errors import DeviceError
from loa.times import DAY, Instant

NOW = Instant(1_795_290_000_000)
"""2026-11-21."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(folder=tmp_path, station=Station(name="Đài xã Hoà Bình"))


def served(config: Config) -> x509.Certificate:
    return x509.load_pem_x509_certificate((config.broker / "server.crt").read_bytes())


def trusted(config: Config, name: str, ca: bytes) -> None:
    """Shake hands in memory, as a receiver with that ca.crt would. Raises ssl.SSLError."""
    client_context = ssl.create_default_context(cadata=ca.decode())
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(config.broker / "server.crt", config.broker / "server.key")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.fixture
def real_now() -> Instant:
    """OpenSSL looks at the true clock."""
    return Instant(int(datetime.datetime.now(datetime.UTC).timestamp() * 1000))


@pytest.mark.parametrize(
    "name", ["mqtt.xa-mau.example.vn", "203.0.113.7", "localhost", "127.0.0.1", "2001:db8::7"]
)
def test_a_receiver_that_knows_the_authority_trusts_the_broker(
    config: Config, real_now: Instant, name: str
) -> None:
    names = ["mqtt.xa-mau.example.vn", "203.0.113.7", "2001:DB8::7"]
    authority.make(config, names, real_now)
    trusted(config, name, (config.broker / "ca.crt").read_bytes())


def test_a_receiver_trusts_no_other_name_and_no_other_station(
    config: Config, real_now: Instant, tmp_path: Path
) -> None:
    authority.make(config, ["mqtt.xa-mau.example.vn"], real_now)
    with pytest.raises(ssl.SSLError, match="Hostname mismatch"):
        trusted(config, "mqtt.example.com", (config.broker / "ca.crt").read_bytes())
    lan = Config(folder=tmp_path / "lan")
    authority.make(lan, ["mqtt.xa-mau.example.vn"], real_now)
    with pytest.raises(ssl.SSLError, match="certificate verify failed"):
        trusted(config, "mqtt.xa-mau.example.vn", (lan.broker / "ca.crt").read_bytes())


def test_its_keys_are_its_owners_alone(config: Config) -> None:
    authority.make(config, ["mqtt.xa.vn"], NOW)
    for file in (config.secrets / "ca.key", config.broker / "server.key"):
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    assert b"PRIVATE" not in (config.broker / "ca.crt").read_bytes()


def test_a_key_that_others_can_read_is_found(config: Config) -> None:
    authority.make(config, ["mqtt.xa.vn"], NOW)
    assert authority.exposed(config) == []
    (config.broker / "server.key").chmod(0o640)
    assert authority.exposed(config) == [config.broker / "server.key"]
    assert [one.what for one in canary._private_keys(config)] == [
        f"Người khác trên máy này đọc được khoá {config.broker / 'server.key'}."
    ]


def test_the_first_time_says_that_receivers_need_the_authority(config: Config) -> None:
    first = authority.make(config, ["đài.xa.vn"], NOW)
    assert first.new_authority
    assert first.names == ("xn--i-rfa0m.xa.vn", "localhost", "127.0.0.1", "::1")
    assert first.server_ends == NOW + 730 * DAY
    assert first.authority_ends == NOW + 20 * 365 * DAY
    assert not authority.make(config, ["đài.xa.vn"], NOW).new_authority


def test_renewing_keeps_the_authority_the_key_and_the_names(
    config: Config, real_now: Instant
) -> None:
    long_ago = Instant(real_now - 700 * DAY)
    authority.make(config, ["mqtt.xa.vn"], long_ago)
    before = {name: (config.broker / name).read_bytes() for name in ("ca.crt", "server.key")}
    old = served(config)
    assert authority.renew(config, real_now)
    assert {name: (config.broker / name).read_bytes() for name in before} == before
    assert served(config).serial_number != old.serial_number
    trusted(config, "mqtt.xa.vn", before["ca.crt"])
    assert not authority.renew(config, real_now), "once is enough"


def test_it_renews_sixty_days_before_the_end_and_not_earlier(config: Config) -> None:
    authority.make(config, ["mqtt.xa.vn"], NOW)
    assert not authority.renew(config, Instant(NOW + 670 * DAY))
    assert authority.renew(config, Instant(NOW + 671 * DAY))


def test_without_certificates_there_is_nothing_to_renew_or_warn_of(config: Config) -> None:
    assert not authority.renew(config, NOW)
    assert authority.expires(config) == []
    assert authority.warnings(config, NOW) == []


def test_a_lost_ca_crt_is_made_again_and_receivers_need_nothing(
    config: Config, real_now: Instant
) -> None:
    authority.make(config, ["mqtt.xa.vn"], Instant(real_now - DAY))
    given_out = (config.broker / "ca.crt").read_bytes()
    for name in ("ca.crt", "server.crt", "server.key"):
        (config.broker / name).unlink()
    assert not authority.make(config, ["mqtt.xa.vn"], real_now).new_authority
    trusted(config, "mqtt.xa.vn", given_out)


def test_a_certificate_outlives_neither_its_authority_nor_predates_it(config: Config) -> None:
    made = authority.make(config, ["mqtt.xa.vn"], NOW)
    late = Instant(made.authority_ends - 100 * DAY)
    assert authority.make(config, ["mqtt.xa.vn"], late).server_ends == made.authority_ends
    ours = served(config)
    ca = x509.load_pem_x509_certificate((config.broker / "ca.crt").read_bytes())
    assert ours.not_valid_before_utc == ca.not_valid_before_utc, "for clocks that stopped back then"


def test_a_certificate_from_elsewhere_is_used_as_it_is(config: Config, tmp_path: Path) -> None:
    elsewhere = Config(folder=tmp_path / "elsewhere")
    authority.make(elsewhere, ["mqtt.xa.vn"], NOW)
    config.broker.mkdir(parents=True)
    for name in ("server.crt", "server.key"):
        (config.broker / name).write_bytes((elsewhere.broker / name).read_bytes())
    before = (config.broker / "server.crt").read_bytes()
    with pytest.raises(DeviceError, match="do nơi khác cấp"):
        authority.make(config, ["mqtt.xa.vn"], NOW)
    assert not authority.renew(config, Instant(NOW + 729 * DAY))
    assert (config.broker / "server.crt").read_bytes() == before
    assert not (config.secrets / "ca.key").exists()
    (only,) = authority.expires(config)
    assert (only.what, only.ours, only.ends) == ("server", False, NOW + 730 * DAY)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, []),
        (670, []),
        (671, ["còn 59 ngày nữa là hết hạn"]),
        (731, ["đã hết hạn"]),
        (-2, ["chưa đến ngày có hiệu lực", "chưa đến ngày có hiệu lực"]),
        (19 * 365, ["đã hết hạn", "còn 365 ngày nữa là hết hạn"]),
    ],
)
def test_it_warns_in_time(config: Config, days: int, said: list[str]) -> None:
    authority.make(config, ["mqtt.xa.vn"], NOW)
    warned = authority.warnings(config, Instant(NOW + days * DAY))
    assert len(warned) == len(said)
    assert all(part in sentence for part, sentence in zip(said, warned, strict=True))


@pytest.mark.parametrize(
    "name", ["", "một xã", "a..b", "*.xa.vn", "mqtt_xa.vn/", "-", "x" * 64 + ".vn"]
)
def test_what_is_no_name_is_refused_at_its_field(config: Config, name: str) -> None:
    with pytest.raises(DeviceError, match="không phải tên miền") as caught:
        authority.make(config, [name], NOW)
    assert caught.value.field == "name"
    assert not (config.secrets / "ca.key").exists()


@pytest.mark.parametrize(
    ("file", "said"),
    [("broker/server.crt", "không phải chứng chỉ"), ("broker/server.key", "hỏng hoặc có mật khẩu"),
     ("secrets/ca.key", "hỏng hoặc có mật khẩu"), ("broker/ca.crt", "không phải chứng chỉ")],
)  # fmt: skip
def test_a_broken_file_is_named(config: Config, file: str, said: str) -> None:
    authority.make(config, ["mqtt.xa.vn"], NOW)
    (config.data / file).write_text("broken")
    with pytest.raises(DeviceError, match=said) as caught:
        authority.make(config, ["mqtt.xa.vn"], NOW)
    assert Path(file).name in caught.value.sentence


def test_two_authorities_are_not_mixed(config: Config, tmp_path: Path) -> None:
    authority.make(config, ["mqtt.xa.vn"], NOW)
    lan = Config(folder=tmp_path / "lan")
    authority.make(lan, ["mqtt.xa.vn"], NOW)
    (config.broker / "ca.crt").write_bytes((lan.broker / "ca.crt").read_bytes())
    with pytest.raises(DeviceError, match=r"không đi cùng .*ca\.key"):
        authority.make(config, ["mqtt.xa.vn"], NOW)


def test_a_pair_that_does_not_fit_is_found_before_mosquitto_trips(config: Config) -> None:
    authority.make(config, ["mqtt.xa.vn"], NOW)
    mosquitto.check_certificate(config.broker)
    (config.broker / "server.key").write_bytes((config.secrets / "ca.key").read_bytes())
    with pytest.raises(DeviceError, match="không cùng một cặp"):
        mosquitto.check_certificate(config.broker)
