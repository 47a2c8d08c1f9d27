"""A station in the middle of a week of work, behind the real server: what screenshots and axe look at.

All is made up: three villages, seven receivers in every health, broadcasts in every state, something waiting for
everybody. The station's clock stands at noon of its day, so that each page is the same each time.
"""

from __future__ import annotations

import math
import struct
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from content import bulletins, recordings, uploads
from content.bulletins import Bulletin, Draft
from content.parts import spoken
from content.recordings import Recording
from content.uploads import Upload
from devices import outages
from devices.outages import Kind, Wrong
from devices.receivers import Presence
from loa.config import Config, Web
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, after, at
from scheduler import broadcasts, leases, planner, programme_acts, regulation, schedules
from scheduler.broadcasts import Broadcast, DeliveryState
from scheduler.planner import Rules
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind
from scheduler.schedules import Rule
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, approved_bulletin, give_sound, settle_in
from tests.reports.broadcasting import play
from web import create_app, current, serving

TODAY = date(2026, 11, 21)
PLACES = {
    "Mẫu": (20.9640, 105.7715),
    "Đông": (20.9671, 105.7712),
    "Đoài": (20.9645, 105.7634),
    "Bãi": (20.9590, 105.7801),
}
POLES = (
    "Cột nhà văn hoá",
    "Cột đình làng",
    "Cột bến đò",
    "Cột cổng chợ",
    "Cột trạm bơm",
    "Cột đê",
    "Cột trường học",
)
HEALTHS: tuple[dict[str, object] | None, ...] = (
    {}, {}, {"heard_at": after(NOON, -5 * HOUR), "online": False, "lost_at": after(NOON, -5 * HOUR)},
    {"disk": 0.95}, {"power": "bat"}, None, {"clock_source": "none"},
)  # fmt: skip
"""What differs from a receiver that is well; None: never heard of."""
WRONG = {
    ("r-0002", Kind.OFFLINE): Wrong(after(NOON, -5 * HOUR)),
    ("r-0003", Kind.DISK): Wrong(after(NOON, -DAY), "95 %"),
    ("r-0004", Kind.BATTERY): Wrong(after(NOON, -2 * HOUR)),
    ("r-0006", Kind.CLOCK): Wrong(after(NOON, -3 * DAY)),
}
HEARD = ("played", "played", "unknown", "played", "interrupted", "missed", "failed")
"""What mostly became of a broadcast at the seven, in their order."""
TITLES = (
    "Lịch thu gom rác",
    "Tiêm phòng dại cho chó, mèo",
    "Thời tiết và mùa vụ",
    "Họp thôn cuối tháng",
)


def settle(database: Database, config: Config) -> Cast:
    """The staff, the places and the morning's first broadcast, planned for 12:30 at all receivers."""
    with database.write() as session:
        regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
        leases.Claim().take(session, NOON, 0.0)
        cast = settle_in(session, len(POLES))
        _name(session, cast)
    # The planner forgets what a session knows; what the cast is asked for must not be forgotten.
    with database.write() as session:
        bulletin = approved_bulletin(session, cast)
        rule = Rule(
            kind=schedules.Kind.ONCE, at=time(12, 30), start_date=TODAY, area_ids=(cast.commune.id,)
        )
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
        _plan(session)
    return cast


def live_through(database: Database, config: Config, cast: Cast) -> None:
    """The week behind and the days ahead; the files of all sounds."""
    with database.write() as session:
        _see_receivers(session)
        written = [
            approved_bulletin(session, cast, title=title, field=1 + n)
            for n, title in enumerate(TITLES)
        ]
        _behind(session, cast, written)
        _ahead(session, cast, written)
        _waiting(session, cast)
        _examine(session)
        _plan(session)
    _give_sounds(database, config)


def _name(session: Session, cast: Cast) -> None:
    for area in (cast.commune, *cast.villages):
        area.lat, area.lon = PLACES[area.name]
    for number, receiver in enumerate(cast.receivers):
        lat, lon = PLACES[receiver.area.name]
        receiver.name = POLES[number]
        receiver.lat, receiver.lon = lat + 0.001 * (number // 3), lon + 0.0015 * (number // 3)
        receiver.households = 40 + 15 * number
    session.flush()
    for each in (cast.commune, *cast.villages, *cast.receivers):
        session.refresh(each)


def _see_receivers(session: Session) -> None:
    usual = {
        "online": True, "sid": "s", "heard_at": after(NOON, -20 * SECOND), "heartbeat_ms": 60_000,
        "clock_source": "ntp", "output": "ok", "power": "ac", "online_since": after(NOON, -6 * DAY), "disk": 0.31,
        "volume": 80, "firmware": "loa 1.0", "ready": 4, "wanted": 4, "up_ms": 6 * DAY,
    }  # fmt: skip
    for number, more in enumerate(HEALTHS):
        if more is not None:
            session.add(Presence(receiver_id=f"r-{number:04d}", **{**usual, **more}))
    session.add(outages.Watch(since=after(NOON, -30 * DAY), until=NOON))
    outages.settle(session, WRONG, NOON)


def _behind(session: Session, cast: Cast, written: list[Bulletin]) -> None:
    """Twice a day for a week, with the first of today; and one that sounds now."""
    for ago in range(7, -1, -1):
        for n, clock in enumerate((time(5, 30), time(17, 15))):
            starts_at = at(TODAY - timedelta(days=ago), clock, ZONE)
            if starts_at < NOON:
                states = HEARD if ago in (0, 3) else ("played",) * 5 + ("missed", "played")
                _over(session, play(session, cast, written[(ago + n) % 4], starts_at, states))
    on_air = play(
        session, cast, written[0], after(NOON, -12 * SECOND), ("started",) * 2 + ("sent",) * 5
    )
    for delivery in on_air.deliveries:
        if delivery.state is DeliveryState.STARTED:
            delivery.started_at = on_air.starts_at
    _over(session, on_air)


def _over(session: Session, broadcast: Broadcast) -> None:
    for delivery in broadcast.deliveries:
        if delivery.state in (DeliveryState.FAILED, DeliveryState.INTERRUPTED):
            delivery.reason = "power" if delivery.state is DeliveryState.INTERRUPTED else "decode"
    broadcasts.settle(session, broadcast)


def _ahead(session: Session, cast: Cast, written: list[Bulletin]) -> None:
    everywhere = (cast.commune.id,)
    for bulletin, clock in zip(
        written, (time(17, 5), time(17, 20), time(6), time(18)), strict=True
    ):
        rule = Rule(kind=schedules.Kind.DAILY, at=clock, start_date=TODAY, area_ids=everywhere)
        schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    programme = Order(
        name="Bản tin chiều", at=time(16, 30), minutes=20, rule="FREQ=DAILY", start_date=TODAY,
        where=Where(everywhere), lines=tuple(Line(ItemKind.BULLETIN, each.id) for each in written[:3]),
    )  # fmt: skip
    programme_acts.add(session, cast.hoa, programme, now=NOON, zone=ZONE)


def _waiting(session: Session, cast: Cast) -> None:
    """One for Minh to approve, one that he sent back, one that is being written."""
    drafts = [
        Draft(title=title, parts=spoken(body))
        for title, body in (
            ("Cắt điện sáng Chủ nhật", "Ngừng cấp điện từ 8h00 đến 11h30 tại thôn Bãi."),
            ("Diễn tập phòng cháy", "Diễn tập lúc 14h ngày 28/11 tại chợ."),
            ("Đại hội thể thao", "Khai mạc lúc 7h30 ngày 5/12."),
        )
    ]
    asked, returned, _ = [bulletins.write(session, cast.hoa, draft, NOON) for draft in drafts]
    for bulletin in (asked, returned):
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    heard = returned.sounds.values()
    bulletins.reject(session, returned, cast.minh, heard, "Sai ngày: diễn tập ngày 29/11.", NOON)


def _examine(session: Session) -> None:
    """As if the worker had listened to what was uploaded."""
    for upload in session.scalars(sa.select(Upload)):
        upload.examined_at, upload.ms, upload.lufs, upload.peaks = NOON, 5_000, -18.0, [40] * 600


def _plan(session: Session) -> None:
    planner.plan(session, NOON, Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE))


def _give_sounds(database: Database, config: Config) -> None:
    """A hum of some seconds for each: what a page plays must be there."""
    with database.read() as session:
        shas = session.scalars(sa.select(Recording.sha256))
        paths = [recordings.file(config.recordings, sha) for sha in shas]
        paths += [uploads.preview(config, sha) for sha in session.scalars(sa.select(Upload.sha256))]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _hum(path)


def _hum(path: Path, seconds: int = 5) -> None:
    samples = [int(6000 * math.sin(n / 3) * math.sin(n / 900) ** 2) for n in range(8_000 * seconds)]
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(struct.pack(f"<{len(samples)}h", *samples))


@contextmanager
def served(database: Database, folder: Path) -> Iterator[str]:
    """The address of the real server over that database, at the station's noon."""
    stop, up, ports = threading.Event(), threading.Event(), []

    def ready(port: int) -> None:
        ports.append(port)
        up.set()

    config = Config(folder=folder, web=Web(port=0, threads=24))
    thread = threading.Thread(
        target=serving.serve, args=(config, database, stop), kwargs={"clock": lambda: NOON, "ready": ready}
    )  # fmt: skip
    thread.start()
    try:
        assert up.wait(90)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        stop.set()
        thread.join(15)


@contextmanager
def application(database: Database, folder: Path) -> Iterator[Flask]:
    """To ask what pages there are."""
    app = create_app(Config(folder=folder), database, clock=lambda: NOON)
    yield app
    app.extensions[current.EXTENSION].hub.close()
