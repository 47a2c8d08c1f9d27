"""The check of a broker: it passes ours, and finds each fault of one that is set up wrongly."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices import accounts, authority, canary, mosquitto
from devices.accounts import STATION, Account
from devices.canary import Finding
from loa.commands import broker as command
from loa.config import Config, Mqtt
from loa.errors import DatabaseError, DeviceError
from loa.station import open_station
from loa.times import DAY, Instant, now
from tests.devices.test_broker import HASHES, HOST, Serving
from tests.devices.test_broker_life import answers
from tests.parts import end, free_port, need, wait_until


def station(folder: Path, port: int, **mqtt: str) -> Config:
    return Config(folder=folder, mqtt=Mqtt(port=port, **mqtt))


def wrong(findings: list[Finding]) -> list[str]:
    return [one.what for one in findings if not one.ok]


# --- brokers as they should be -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_our_own_brokers_keep_to_every_rule(tmp_path: Path, kind: str) -> None:
    if kind == "mosquitto":
        need("mosquitto")
    running = Serving(Config(folder=tmp_path).broker, kind)
    try:
        config = station(tmp_path, running.port)
        findings = canary.check(config, now(), "5" if kind == "mosquitto" else "3.1.1")
    finally:
        running.stop()
    assert wrong(findings) == []
    said = " ".join(one.what for one in findings)
    assert f"mqtt://{HOST}:{running.port}" in said
    assert ("broker từ chối (Not authorized)" in said) is (kind == "mosquitto")
    assert ("Phiên bản: mosquitto version" in said) is (kind == "mosquitto")


def test_it_passes_over_tls_too_and_says_when_the_certificate_ends(tmp_path: Path) -> None:
    need("mosquitto")
    config = Config(folder=tmp_path)
    authority.make(config, ["mqtt.xa.vn"], Instant(now() - 700 * DAY))
    running = Serving(config.broker, "mosquitto")
    try:
        config = station(tmp_path, running.port, ca_file="data/broker/ca.crt")
        (only,) = wrong(canary.check(config, now()))
        stranger = station(tmp_path, running.port, advertise="localhost")
        unknown = canary.check(stranger, now())[-1]
    finally:
        running.stop()
    assert "còn 29 ngày nữa là hết hạn" in only
    assert not unknown.ok
    assert "CERTIFICATE_VERIFY_FAILED" in unknown.what
    assert "advertise" in unknown.remedy


# --- brokers as they should not be ---------------------------------------------------------------

Change = Callable[[str], str]


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Config]]:
    """mosquitto with our files, changed; stopped after the test."""
    program = need("mosquitto")
    monkeypatch.setattr(canary, "ANSWER_SECONDS", 2.0)
    started = []

    def start(config_change: Change = str, acl_change: Change = str) -> Config:
        config = station(tmp_path, free_port())
        accounts.write_accounts(config.broker, [Account(STATION, HASHES[STATION])])
        path = mosquitto.write_mosquitto_config(config.broker, host=HOST, port=config.mqtt.port)
        path.write_text(config_change(path.read_text()))
        acl = config.broker / "acl"
        acl.write_text(acl_change(acl.read_text()))
        started.append(subprocess.Popen([program, "-c", str(path)], stderr=subprocess.DEVNULL))
        wait_until(lambda: answers(config.mqtt.port), "mosquitto to answer", 20)
        return config

    yield start
    for process in started:
        end(process)


def without(line: str) -> Change:
    return lambda text: "".join(
        one for one in text.splitlines(keepends=True) if not one.startswith(line)
    )


def test_it_finds_nothing_wrong_where_nothing_is(
    faulty: Callable[..., Config], caplog: pytest.LogCaptureFixture
) -> None:
    assert wrong(canary.check(faulty(), now())) == []
    assert not caplog.records, "what it meant to be refused alarms nobody"


def test_it_finds_a_broker_without_an_access_list(faulty: Callable[..., Config]) -> None:
    found = canary.check(faulty(without("acl_file")), now())
    assert wrong(found) == [
        "Đầu thu ghi được vào kế hoạch của đầu thu khác (loa/1/canary-watch/dn/plan).",
        "Đầu thu ghi được vào báo về của đầu thu khác (loa/1/canary-watch/up/evt).",
        "Đầu thu ghi được vào kế hoạch của chính nó (loa/1/canary-loa/dn/plan).",
        "Đầu thu ghi được vào âm thanh dùng chung (loa/1/audio/0000000000000000/0).",
        "Đầu thu nghe được kế hoạch của đầu thu khác.",
    ]
    assert all(one.remedy for one in found if not one.ok)


def test_it_finds_that_one_topic_is_open(faulty: Callable[..., Config]) -> None:
    config = faulty(acl_change=lambda acl: acl + "pattern write loa/1/audio/#\n")
    (only,) = wrong(canary.check(config, now()))
    assert only.startswith("Đầu thu ghi được vào âm thanh dùng chung")


def test_it_finds_that_anybody_may_come_in(faulty: Callable[..., Config]) -> None:
    config = faulty(
        lambda text: without("use_username_as_clientid")(text).replace(
            "allow_anonymous false", "allow_anonymous true"
        )
    )
    assert wrong(canary.check(config, now()))[-1] == "Broker nhận cả kết nối không tên."


def test_it_finds_that_any_password_will_do(faulty: Callable[..., Config]) -> None:
    config = faulty(
        lambda text: without("password_file")(text).replace(
            "allow_anonymous false", "allow_anonymous true"
        )
    )
    assert "Broker nhận cả mật khẩu sai." in wrong(canary.check(config, now()))


def test_it_finds_that_connections_can_be_taken_over(faulty: Callable[..., Config]) -> None:
    config = faulty(without("use_username_as_clientid"))
    (only,) = wrong(canary.check(config, now()))
    assert only.startswith("Một đầu thu chiếm được kết nối của đầu thu khác")


def test_it_finds_that_receivers_get_no_plans(faulty: Callable[..., Config]) -> None:
    config = faulty(acl_change=without("pattern read loa/1/%u/dn/#"))
    assert wrong(canary.check(config, now())) == ["Chưa đạt: Đầu thu nhận được kế hoạch của nó."]


def test_it_finds_that_receivers_are_not_heard(faulty: Callable[..., Config]) -> None:
    config = faulty(acl_change=without("pattern write loa/1/%u/up/evt"))
    assert wrong(canary.check(config, now())) == ["Chưa đạt: Báo về của đầu thu tới được đài."]


def test_it_says_what_to_do_when_its_account_is_missing(faulty: Callable[..., Config]) -> None:
    config = faulty()
    (config.broker / "canary-watch.password").unlink()
    last = canary.check(config, now())[-1]
    assert not last.ok
    assert "loa broker accounts" in last.remedy


def test_it_says_what_to_do_when_there_is_no_broker(tmp_path: Path) -> None:
    last = canary.check(station(tmp_path, free_port()), now())[-1]
    assert not last.ok
    assert "Không vào được broker 127.0.0.1" in last.what
    assert "Xem broker có đang chạy không" in last.remedy


@pytest.mark.parametrize(
    ("mqtt", "ok"),
    [
        (Mqtt(), True),
        (Mqtt(host="0.0.0.0"), False),  # noqa: S104
        (Mqtt(url="mqtt://mqtt.xa.vn"), False),
        (Mqtt(url="mqtts://mqtt.xa.vn"), True),
        (Mqtt(url="mqtt://127.0.0.1:1883"), True),
    ],
)
def test_it_minds_passwords_that_can_be_overheard(tmp_path: Path, mqtt: Mqtt, ok: bool) -> None:
    assert canary._encrypted(Config(folder=tmp_path, mqtt=mqtt)).ok is ok


# --- loa broker ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(f"[mqtt]\nport = {free_port()}\n")
    return tmp_path


@pytest.fixture
def ready(folder: Path) -> Config:
    """A station whose database is there."""
    config = command.common.config.load(folder / "config.toml")
    open_station(config).close()
    return config


def loa_broker(folder: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    return command.run(parser.parse_args([*words, "--config", str(folder / "config.toml")]))


def test_config_writes_all_a_mosquitto_needs_and_says_what_to_do(
    ready: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loa_broker(ready.folder, "config") == 0
    made = ready.data / "mosquitto"
    assert {path.name for path in made.iterdir()} == {"loa.conf", "passwords", "acl"}
    assert accounts.read_accounts(made).keys() == {STATION, *accounts.CANARIES}
    assert "listener 1883 127.0.0.1" in (made / "loa.conf").read_text()
    assert "password_file /etc/mosquitto/loa/passwords" in (made / "loa.conf").read_text()
    said = capsys.readouterr().out
    assert "sudo systemctl restart mosquitto" in said
    assert 'url = "mqtt://127.0.0.1:1883"' in said


def test_config_again_changes_nothing(ready: Config) -> None:
    loa_broker(ready.folder, "config")
    stamps = {path: accounts.stamp(path) for path in (ready.data / "mosquitto").iterdir()}
    loa_broker(ready.folder, "config")
    assert {path: accounts.stamp(path) for path in stamps} == stamps


def test_config_opens_nothing_to_the_network_unencrypted(ready: Config) -> None:
    with pytest.raises(DeviceError, match="loa broker tls make") as caught:
        loa_broker(ready.folder, "config", "--host", "0.0.0.0")  # noqa: S104
    assert caught.value.field == "host"
    assert not (ready.data / "mosquitto").exists()
    assert loa_broker(ready.folder, "config", "--plain", "--port", "2883") == 0
    assert "listener 2883 0.0.0.0" in (ready.data / "mosquitto" / "loa.conf").read_text()


def test_config_takes_the_certificate_along(
    ready: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loa_broker(ready.folder, "tls", "make", "--name", "mqtt.xa.vn") == 0
    assert loa_broker(ready.folder, "config", "--at", "/srv/mqtt") == 0
    text = (ready.data / "mosquitto" / "loa.conf").read_text()
    assert "listener 8883 0.0.0.0" in text
    assert "keyfile /srv/mqtt/server.key" in text
    assert (ready.data / "mosquitto" / "server.key").stat().st_mode & 0o777 == 0o600
    assert 'ca_file = "data/broker/ca.crt"' in capsys.readouterr().out


def test_accounts_alone_and_where_it_is_told(
    ready: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ready.folder / "there"
    assert loa_broker(ready.folder, "accounts", "--folder", str(there)) == 0
    assert [path.name for path in there.iterdir()] == ["passwords"]
    assert "3 tài khoản." in capsys.readouterr().out
    assert loa_broker(ready.folder, "accounts", "--folder", str(there)) == 0
    assert "không có gì đổi" in capsys.readouterr().out


def test_without_a_database_it_says_so(folder: Path) -> None:
    with pytest.raises(DatabaseError):
        loa_broker(folder, "accounts")


def test_tls_make_tells_how_long_and_what_to_carry_where(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loa_broker(folder, "tls", "make", "--name", "đài.xa.vn", "--ip", "203.0.113.7") == 0
    said = capsys.readouterr().out
    assert "xn--i-rfa0m.xa.vn, 203.0.113.7, localhost" in said
    assert 'advertise = "xn--i-rfa0m.xa.vn"' in said
    assert "ca.crt vào thư mục của từng đầu thu" in said
    assert loa_broker(folder, "tls", "make") == 0
    again = capsys.readouterr().out
    assert "xn--i-rfa0m.xa.vn, 203.0.113.7" in again, "the names stay"
    assert "CA không đổi" in again


def test_check_marks_what_is_wrong_and_ends_with_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loa_broker(folder, "check") == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("✓")
    assert said[1].startswith("✗ Không vào được broker")
    assert said[2].startswith("    → ")
    assert said[-1] == "1 điều cần sửa."


def test_check_is_content_with_our_broker(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need("mosquitto")
    running = Serving(Config(folder=folder).broker, "mosquitto")
    try:
        (folder / "config.toml").write_text(f"[mqtt]\nport = {running.port}\n")
        assert loa_broker(folder, "check") == 0
    finally:
        running.stop()
    assert capsys.readouterr().out.endswith("Broker giữ đúng phân quyền.\n")
