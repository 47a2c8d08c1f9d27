from __future__ import annotations

import argparse
import http.client
import json
import stat
from pathlib import Path

import msgspec
import pytest

from devices import admission, signing
from devices.admission import Grant, Request
from devices.receiver import claiming, identity
from devices.receiver.identity import Mqtt, Station
from loa import files
from loa.commands import receiver as front
from loa.errors import DeviceError
from tests.loopback import Asked, Reply, certificate, serve

SERIAL, CODE = "SN-001", "ABCD-EFGH"
URL = "http://10.0.0.5:8080"
STATION = Station(
    "r-0042", (signing.generate("plan-1", ("plan",)).public,), Mqtt("mqtt.xa", 8883, "r-0042", "p" * 32, tls=True)
)  # fmt: skip


class Office:
    """A station that gives every box with the right code its place; ``faults`` come first."""

    def __init__(self, station: Station = STATION, ca: str = "", code: str = CODE) -> None:
        self.granted = Grant(1, station, ca)
        self.key = admission.code_key(code, SERIAL)
        self.claims: list[admission.Claim] = []
        self.asked: list[tuple[str, bytes, str]] = []
        self.faults: list[Exception] = []

    def __call__(self, url: str, body: bytes, ca_file: str = "") -> tuple[int, bytes]:
        self.asked.append((url, body, ca_file))
        if self.faults:
            raise self.faults.pop()
        claim = admission.read(msgspec.json.decode(body, type=Request).claim.encode())
        if not admission.is_proven(claim, admission.code_key(CODE, SERIAL)):
            return 403, json.dumps({"error": "refused", "sentence": "Mã không đúng."}).encode()
        self.claims.append(claim)
        return 200, msgspec.json.encode(admission.grant(claim, self.key, self.granted))

    def reply(self, asked: Asked) -> Reply:
        status, body = self(asked.path, asked.body)
        return Reply(body, status)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "box"


def claim(office: Office, folder: Path, **more: str) -> claiming.Claimed:
    asked = {"url": URL, "serial": SERIAL, "code": CODE, **more}
    url, serial, code = (asked.pop(name) for name in ("url", "serial", "code"))
    return claiming.claim(url, serial, code, folder, post=office, **asked)


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_box_is_given_all_it_needs_and_keeps_its_key_to_itself(folder: Path) -> None:
    office = Office()
    claimed = claim(office, folder, output="null")
    loaded = identity.load(folder)
    assert (claimed.rid, loaded.rid, loaded.mqtt.host) == ("r-0042", "r-0042", "mqtt.xa")
    assert (loaded.output, str(loaded.mqtt.password)) == ("null", "p" * 32)
    assert claimed.fingerprint == signing.fingerprint(loaded.key.public)
    assert office.claims[0].x == loaded.key.public.x
    assert office.asked[0][0] == URL + "/claim"
    sent = msgspec.json.decode(office.asked[0][1], type=Request).claim.encode()
    for secret in ((folder / identity.KEY).read_bytes(), CODE.encode(), b"ABCDEFGH"):
        assert secret not in sent + signing.payload(sent)
    for name in (identity.KEY, identity.STATION):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_code_and_the_serial_may_be_typed_as_people_do(folder: Path) -> None:
    assert claim(Office(), folder, serial=" sn-001 ", code="abcd efgh").rid == "r-0042"


def test_the_brokers_certificate_comes_with_it(folder: Path) -> None:
    station = Station("r-0042", STATION.keys, Mqtt("mqtt.xa", 8883, "r-0042", "x", "ca.crt", True))
    claim(Office(station, "PEM"), folder)
    assert (folder / "ca.crt").read_text() == "PEM"
    assert identity.load(folder).mqtt.ca_file == str(folder / "ca.crt")


@pytest.mark.parametrize(
    "name", ["../ca.crt", "/etc/ca.crt", "", "a/b", "..", identity.KEY, identity.IDENTITY]
)
def test_a_certificate_is_written_nowhere_else(folder: Path, name: str) -> None:
    station = Station("r-0042", STATION.keys, Mqtt("h", 1, "r-0042", "x", name, True))
    claim(Office(station, "PEM"), folder)
    assert kept(folder) == sorted([identity.CA, identity.IDENTITY, identity.KEY, identity.STATION])
    assert (folder / identity.CA).read_text() == "PEM"
    assert identity.load(folder).mqtt.ca_file == str(folder / identity.CA)


@pytest.mark.parametrize("cut_at", [1, 2])
def test_a_power_cut_at_any_write_is_mended_by_the_same_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    """The station has given the place; the box goes down before it is written, or half-way."""
    office, done = Office(), []
    real = files.replace

    def replace(path: Path, content: bytes) -> None:
        done.append(path)
        if len(done) == cut_at:
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(files, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        claim(office, folder)
    assert not (folder / identity.STATION).exists()
    monkeypatch.setattr(files, "replace", real)
    assert claim(office, folder).rid == "r-0042"
    first, second = office.claims
    assert first.x == second.x
    assert first.seal != second.seal
    assert identity.load(folder).rid == "r-0042"


def test_a_lost_answer_is_asked_for_again_with_the_same_key(folder: Path) -> None:
    office = Office()
    office.faults = [ConnectionResetError("cut"), http.client.RemoteDisconnected("gone")]
    for _ in range(2):
        with pytest.raises(DeviceError, match="chạy lại đúng lệnh này"):
            claim(office, folder)
    assert kept(folder) == [identity.KEY]
    before = (folder / identity.KEY).read_bytes()
    claim(office, folder)
    assert (folder / identity.KEY).read_bytes() == before


def test_a_wrong_code_says_so_and_changes_nothing(folder: Path) -> None:
    with pytest.raises(DeviceError, match=r"^Mã không đúng\.$"):
        claim(Office(), folder, code="AAAA-AAAA")
    assert kept(folder) == [identity.KEY]


def test_an_answer_of_one_who_does_not_know_the_code_is_not_believed(folder: Path) -> None:
    """Someone between the box and the station would have it obey keys of their own."""
    with pytest.raises(DeviceError, match="kẻ đứng giữa"):
        claim(Office(code="ZZZZ-ZZZZ"), folder)
    assert kept(folder) == [identity.KEY]


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b'{"v":1,"epk":"x","box":""}', b"[" * 9_000, b"\xff"]
)
def test_an_answer_that_is_none_is_not_believed(folder: Path, answer: bytes) -> None:
    def post(_url: str, _body: bytes, _ca: str) -> tuple[int, bytes]:
        return 200, answer

    with pytest.raises(DeviceError, match="không phải của đài"):
        claiming.claim(URL, SERIAL, CODE, folder, post=post)


@pytest.mark.parametrize(
    ("status", "said", "wanted"),
    [
        (404, b"<html>", "địa chỉ đài không"),
        (301, b"", "địa chỉ đài không"),
        (502, b"", "trả lời 502"),
        (403, b'{"sentence": 7}', "trả lời 403"),
        (403, b'{"sentence": "a\\u001b[2J"}', "trả lời 403"),
    ],
)
def test_another_server_is_told_apart(folder: Path, status: int, said: bytes, wanted: str) -> None:
    with pytest.raises(DeviceError, match=wanted):
        claiming.claim(URL, SERIAL, CODE, folder, post=lambda *_: (status, said))


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "ftp://x"), ("url", "http://"), ("url", "http://a:b@x"), ("url", "http://x:99999"),
     ("serial", "x"), ("code", "ABCD-EFG0"), ("code", "")],
)  # fmt: skip
def test_what_cannot_be_right_is_not_even_asked(folder: Path, field: str, value: str) -> None:
    office = Office()
    with pytest.raises(DeviceError) as refused:
        claim(office, folder, **{field: value})
    assert (refused.value.field, office.asked) == (field, [])
    assert not folder.exists()


@pytest.mark.parametrize("name", [identity.STATION, "receiver.db"])
def test_a_folder_with_a_past_is_left_as_it_is(folder: Path, name: str) -> None:
    folder.mkdir()
    (folder / name).write_text("{}")
    office = Office()
    with pytest.raises(DeviceError, match="thư mục mới"):
        claim(office, folder)
    assert (kept(folder), office.asked) == ([name], [])


def test_settings_made_before_stay(folder: Path) -> None:
    identity.create(folder, "cot-so-1", "wav")
    claim(Office(), folder, output="system")
    loaded = identity.load(folder)
    assert (loaded.rid, loaded.output) == ("r-0042", "wav")


@pytest.mark.parametrize(
    ("url", "is_open"),
    [("http://10.0.0.5:8080", True), ("10.0.0.5:8080", True), ("https://xa.vn", False),
     ("http://127.0.0.1:1", False), ("http://localhost", False)],
)  # fmt: skip
def test_it_knows_where_others_may_listen(url: str, is_open: bool) -> None:
    assert claiming.is_open(url) is is_open


def test_over_a_real_connection_from_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office()

    with serve(office.reply) as served:
        url = f"http://127.0.0.1:{served.port}"
        assert run(["claim", url, "--serial", SERIAL, "--code", CODE, "--folder", str(folder)]) == 0
    said = capsys.readouterr()
    assert "“r-0042”" in said.out
    assert signing.fingerprint(identity.load(folder).key.public) in said.out
    assert "http không mã hoá" not in said.err


def test_over_https_the_station_must_show_a_certificate_that_is_trusted(
    folder: Path, tmp_path: Path
) -> None:
    office, both = Office(), certificate(tmp_path)
    with serve(office.reply, both) as served:
        url = f"https://127.0.0.1:{served.port}"
        with pytest.raises(DeviceError, match="--ca-file"):
            claiming.claim(url, SERIAL, CODE, folder)
        assert office.asked == []
        assert claiming.claim(url, SERIAL, CODE, folder, ca_file=str(both)).rid == "r-0042"


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    front.arguments(parser)
    return front.run(parser.parse_args(arguments))


def test_nobody_listens_there(folder: Path) -> None:
    with pytest.raises(DeviceError, match="Không gọi được đài"):
        claiming.claim("http://127.0.0.1:9", SERIAL, CODE, folder)
    assert kept(folder) == [identity.KEY]
