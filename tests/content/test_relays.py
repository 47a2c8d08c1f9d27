from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from sqlalchemy.orm import Session

from content import bulletins, relays
from content.bulletins import Draft, State
from content.parts import Chime, spoken
from content.relays import Stream
from loa.database import Database
from loa.errors import ContentError
from loa.times import HOUR, MINUTE, SECOND
from tests.cast import NOON, Cast, approved_bulletin, settle_in

URL = "https://stream.tinh.example.vn:8443/live.m3u8?kenh=1"
STREAM = Stream(URL, ("cdn.example.vn",), 30 * MINUTE)
DRAFT = Draft(title="Tiếp sóng", parts=spoken("Xin lỗi bà con, hôm nay mất sóng."), relay=STREAM)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


@pytest.mark.parametrize(
    "url",
    [
        "http://vov.example.vn/live.mp3",
        URL,
        "https://8.8.8.8/live",
        "https://[2606:4700::1111]:8000/a",
    ],
)
def test_an_upper_stations_address_is_taken(url: str) -> None:
    relays.check(replace(STREAM, url=url))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "phải bắt đầu bằng http"),
        ("stream.vov.vn/live", "phải bắt đầu bằng http"),
        ("ftp://vov.example.vn/live", "phải bắt đầu bằng http"),
        ("file:///etc/passwd", "phải bắt đầu bằng http"),
        ("javascript:alert(1)", "phải bắt đầu bằng http"),
        ("https:///live", "phải bắt đầu bằng http"),
        ("https://hoa:bimat@vov.example.vn/live", "chứa tên hoặc mật khẩu"),
        ("https://@vov.example.vn/live", "chứa tên hoặc mật khẩu"),
        ("https://vov.example.vn:cong/live", "không đúng dạng"),
        ("https://[::1/live", "không đúng dạng"),
        ("https://vov.example.vn/phát thanh", "dấu cách"),
        ("https://vov.example.vn/\nHost:x", "dấu cách"),
        ("https://đài.vn/live", "chữ có dấu"),
        ("https://vov.example.vn/" + "a" * 500, "tối đa 512"),
        ("https://vov_live.example.vn/", "không phải tên máy chủ"),
        ("https://127.1/live", "không phải tên máy chủ"),
        ("https://2130706433/live", "không phải tên máy chủ"),
        ("https://0x7f000001/live", "không phải tên máy chủ"),
        ("https://127.0.0.1/live", "mạng riêng"),
        ("https://[::1]/live", "mạng riêng"),
        ("https://[::ffff:127.0.0.1]/live", "mạng riêng"),
        ("https://10.1.2.3/live", "mạng riêng"),
        ("https://192.168.1.1/live", "mạng riêng"),
        ("https://169.254.169.254/latest", "mạng riêng"),
        ("https://0.0.0.0/live", "mạng riêng"),
        ("https://localhost/live", "mạng riêng"),
        ("https://LOCALHOST:8000/live", "mạng riêng"),
        ("https://dai.local/live", "mạng riêng"),
        ("https://router/live", "mạng riêng"),
    ],
)
def test_an_address_that_is_none_or_leads_into_the_own_net_is_refused(
    url: str, sentence: str
) -> None:
    with pytest.raises(ContentError, match=sentence) as caught:
        relays.check(replace(STREAM, url=url))
    assert caught.value.field == "relay_url"


def test_the_station_may_name_hosts_of_its_own_net() -> None:
    relays.check(replace(STREAM, url="http://10.20.0.5:8000/live"), ["10.20.0.5"])
    relays.check(replace(STREAM, url="http://Dai.Lan/live", hosts=("dai.lan",)), ["DAI.lan"])
    with pytest.raises(ContentError, match=r"10\.20\.0\.6"):
        relays.check(replace(STREAM, hosts=("10.20.0.6",)), ["10.20.0.5"])


@pytest.mark.parametrize("ms", [0, 59 * SECOND, 4 * HOUR + 1, -MINUTE])
def test_it_is_heard_for_a_minute_at_least_and_four_hours_at_most(ms: int) -> None:
    with pytest.raises(ContentError, match="từ 1 đến 240") as caught:
        relays.check(replace(STREAM, ms=ms))
    assert caught.value.field == "relay_minutes"


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        (tuple(f"may{n}.example.vn" for n in range(9)), "tối đa 8"),
        (("https://cdn.example.vn",), "không phải tên máy chủ"),
        (("cdn.example.vn:8000",), "không phải tên máy chủ"),
        (("a" * 64 + ".vn",), "không phải tên máy chủ"),
        (("127.0.0.1",), "mạng riêng"),
    ],
)
def test_other_hosts_are_names_and_few(hosts: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ContentError, match=sentence) as caught:
        relays.check(replace(STREAM, hosts=hosts))
    assert caught.value.field == "relay_hosts"


def test_it_is_kept_without_blanks_each_host_once(session: Session, cast: Cast) -> None:
    typed = Stream(f" {URL}\n", ("CDN.example.vn", "", "cdn.example.vn "), 30 * MINUTE)
    bulletin = bulletins.write(session, cast.hoa, replace(DRAFT, relay=typed), NOON)
    assert bulletin.relay == STREAM


@pytest.mark.parametrize("parts", [(), (Chime(),)])
def test_it_needs_something_to_fall_back_on(session: Session, cast: Cast, parts: tuple) -> None:
    with pytest.raises(ContentError, match="cần một bản dự phòng") as caught:
        bulletins.write(session, cast.hoa, replace(DRAFT, parts=parts), NOON)
    assert caught.value.field == "body"


@pytest.mark.parametrize(
    "relay",
    [
        None,
        replace(STREAM, url="https://khac.example.vn/"),
        replace(STREAM, hosts=("cdn.example.vn", "b.example.vn")),
        replace(STREAM, ms=31 * MINUTE),
    ],
)
def test_another_stream_ends_the_approval_and_leaves_the_sound(
    session: Session, cast: Cast, relay: Stream | None
) -> None:
    bulletin = approved_bulletin(session, cast, relay=STREAM)
    sounds = bulletin.sounds
    assert bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, relay=relay), NOON)
    assert (bulletin.state, bulletin.sounds, bulletin.version) == (State.DRAFT, sounds, 2)
    changed = bulletins.changes(session, [bulletin])[bulletin.id]
    assert changed is not None
    assert changed.fields == ("relay",)
