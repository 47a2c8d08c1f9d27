from __future__ import annotations

from datetime import date

import pytest

from content.bulletins import Priority
from content.bulletins import State as BulletinState
from devices.fleet import Health
from devices.outages import Kind
from devices.remote import Obeyed
from loa import words
from loa.staff import Role
from loa.times import HOUR, MINUTE
from scheduler.broadcasts import DeliveryState, Tally
from scheduler.broadcasts import State as BroadcastState
from scheduler.readiness import Why
from scheduler.schedules import Kind as ScheduleKind
from scheduler.tones import Stage
from tests.cast import NOON, ZONE, vn
from web import labels, remedies

D, S = DeliveryState, BroadcastState


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (labels.BULLETIN_STATES, BulletinState), (labels.PRIORITIES, Priority),
        (labels.BROADCAST_STATES, BroadcastState), (labels.DELIVERY_STATES, DeliveryState), (labels.ROLES, Role),
        (labels.ROLE_DUTIES, Role), (labels.SCHEDULE_KINDS, ScheduleKind), (labels.HEALTH, Health),
        (labels.HEALTH_TONES, Health), (remedies.FAULTS, Kind),
        (remedies.REMEDIES, Kind), (remedies.WHYS, Why), (remedies.WHY_REMEDIES, Why),
        (remedies.ORDERS, Obeyed), (remedies.TONE_STAGES, Stage), (labels.BULLETIN_TONES, BulletinState),
    ],
)  # fmt: skip
def test_every_state_has_a_word(words, kind):
    assert set(words) == set(kind)


@pytest.mark.parametrize(
    ("state", "counts", "badge", "rest"),
    [
        (S.PLANNED, {D.PLANNED: 5}, "chờ phát", "5 đầu thu"),
        (S.DISPATCHED, {D.READY: 4, D.SENT: 1}, "chờ phát", "đã giao lệnh · 4/5 đầu thu sẵn sàng"),
        (S.ON_AIR, {D.STARTED: 3, D.PLAYED: 2}, "đang phát 3/5", "đã phát 2/5"),
        (S.ON_AIR, {D.STARTED: 4, D.FAILED: 1}, "đang phát 4/5", "1 lỗi"),
        (S.FINISHED, {D.PLAYED: 5}, "đã phát 5/5", ""),
        (S.FINISHED, {D.PLAYED: 3, D.UNKNOWN: 2}, "đã phát 3/5", "2 chưa có xác nhận"),
        (S.FINISHED, {D.UNKNOWN: 5}, "chưa có xác nhận", "5 đầu thu"),
        (
            S.FINISHED,
            {D.UNKNOWN: 1, D.MISSED: 4},
            "không trọn vẹn",
            "1 chưa có xác nhận · 4 lỡ giờ",
        ),
        (S.MISSED, {D.MISSED: 5}, "lỡ giờ", "5 lỡ giờ"),
        (S.CANCELLED, {D.CANCELLED: 5}, "đã huỷ", "5 đã huỷ"),
        (S.PLANNED, {}, "chờ phát", "không có đầu thu nào"),
    ],
)
def test_a_broadcast_is_told_in_a_few_words(state, counts, badge, rest):
    told = labels.outcome(state, Tally(counts))
    assert (told.badge, told.rest) == (badge, rest)


@pytest.mark.parametrize(
    ("ms", "told"),
    [(0, "0 giây"), (45_000, "45 giây"), (59_900, "59 giây"), (12_960, "12 giây"), (80_000, "1 phút 20 giây"),
     (3_600_000, "1 giờ 00 phút"), (5_400_000, "1 giờ 30 phút"), (None, "")],
)  # fmt: skip
def test_a_length_in_two_units(ms, told):
    assert labels.duration(ms) == told


@pytest.mark.parametrize(
    ("ms", "told"),
    [(0, "đúng giờ"), (999, "đúng giờ"), (1000, "muộn 1 giây"), (72_000, "muộn 1 phút 12 giây"),
     (-2000, "sớm 2 giây"), (None, "")],
)  # fmt: skip
def test_lateness_in_words(ms, told):
    assert labels.lateness(ms) == told


def test_times_are_told_as_in_vietnam():
    noon = vn("2026-11-21 17:05:02")
    assert labels.clock(noon, ZONE) == "17:05"
    assert labels.seconds(noon, ZONE) == "17:05:02"
    assert labels.day(noon, ZONE) == "21/11/2026"
    assert labels.moment(noon, ZONE) == "17:05 ngày 21/11/2026"
    assert labels.long_day(noon_date := labels.local(noon, ZONE).date()) == "thứ Bảy, 21/11/2026"
    assert labels.short_date(noon_date) == "21/11/2026"
    assert labels.clock(None, ZONE) == ""


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (5, "vừa xong"),
        (90, "1 phút trước"),
        (7200, "2 giờ trước"),
        (200_000, "2 ngày trước"),
        (-5, "vừa xong"),
    ],
)
def test_how_long_ago(seconds, told):
    assert (
        labels.ago(vn("2026-11-21 12:00"), labels.Instant(vn("2026-11-21 12:00") + seconds * 1000))
        == told
    )


def test_numbers_are_written_as_in_vietnam():
    assert labels.number(1234567.5, 1) == "1.234.567,5"
    assert labels.size(999_000) == "999 kB"
    assert labels.size(1_234_567) == "1,2 MB"


@pytest.mark.parametrize(
    ("lufs", "peak", "told"),
    [(-16.1, -1.0, "độ to đạt chuẩn"), (-17.0, -0.5, "độ to đạt chuẩn"), (-18.4, -3.0, "độ to thấp hơn chuẩn"),
     (-14.9, -1.0, "độ to cao hơn chuẩn"), (-16.0, -0.2, "có chỗ to quá, dễ rè loa")],
)  # fmt: skip
def test_loudness_in_words(lufs, peak, told):
    assert labels.loudness(lufs, peak) == told


@pytest.mark.parametrize(
    ("name", "told"),
    [("Đài truyền thanh xã Mẫu", ("Đài truyền thanh", "xã Mẫu")), ("Loa xã Mẫu", ("", "Loa xã Mẫu")),
     ("Đài Truyền Thanh", ("", "Đài Truyền Thanh")), ("Đài truyền thanh xã", ("", "Đài truyền thanh xã"))],
)  # fmt: skip
def test_a_stations_name_in_two_parts(name, told):
    assert labels.station_parts(name) == told


def test_a_reason_nobody_foresaw_is_shown_as_it_came():
    assert labels.reason(None) == ""
    assert labels.reason("power") == "mất điện"
    assert labels.reason("gremlins") == "đầu thu báo “gremlins”"


@pytest.fixture
def english():
    """A reader of English, to whom this much is known."""
    known = {
        "%(left)s.%(right)s": "%(left)s,%(right)s", "%(whole)s,%(part)s": "%(whole)s.%(part)s",
        "đã giao lệnh": "handed out", "%(n)s/%(total)s đầu thu sẵn sàng": "%(n)s/%(total)s receivers ready",
        "%(hours)s giờ %(minutes)s phút": "%(hours)s h %(minutes)s min", "muộn %(span)s": "%(span)s late",
        "%(day)s tháng %(month)s": "lunar %(day)s/%(month)s", "rằm": "15", "thứ Bảy": "Saturday",
        "%(time)s ngày %(date)s": "%(time)s on %(date)s",
    }  # fmt: skip
    token = words.translator.set(lambda template, _number: known.get(template, template))
    yield
    words.translator.reset(token)


def test_numbers_are_written_as_their_reader_does(english):
    assert labels.number(1_234_567.5, 1) == "1.234.567,5"
    assert words.told(labels.number(1_234_567.5, 1)) == "1,234,567.5"
    assert words.told(labels.size(1_234_000_000)) == "1,234.0 MB"
    assert words.told(labels.number(12)) == "12"


def test_every_part_of_what_is_told_is_in_the_readers_language(english):
    told = labels.outcome(S.DISPATCHED, Tally({D.READY: 4, D.SENT: 1}))
    assert told.rest == "đã giao lệnh · 4/5 đầu thu sẵn sàng"
    assert words.told(told.rest) == "handed out · 4/5 receivers ready"
    assert words.told(labels.lateness(HOUR + 5 * MINUTE)) == "1 h 05 min late"
    assert words.told(labels.moon(date(2026, 11, 23))) == "lunar 15/10"
    assert words.told(labels.long_day(date(2026, 11, 21))) == "Saturday, 21/11/2026"
    assert words.told(labels.moment(NOON, ZONE)) == "12:00 on 21/11/2026"
