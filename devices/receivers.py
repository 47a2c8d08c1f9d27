"""Receiver (đầu thu): the box that drives a cluster of loudspeakers; its presence and its journal as kept here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, validates

from devices import broker, signing
from devices.areas import Area, with_descendants
from devices.messages import State
from loa import audit, bulk, searching
from loa.database import Base
from loa.errors import DeviceError, NotFound
from loa.times import SECOND, Instant
from loa.words import say

MISSED_HEARTBEATS = 3


def _search_key(context: DefaultExecutionContext) -> str:
    values: dict[str, object] = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return searching.key(str(values["name"]))


class Receiver(Base):
    """A receiver the station knows. ``id`` is also its MQTT user name and client id."""

    __tablename__ = "receivers"

    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(128))
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("areas.id"), index=True)
    public_key: Mapped[str] = mapped_column(sa.String(64))
    """The receiver's own Ed25519 key, base64url: its journal is checked with it."""
    password_hash: Mapped[str] = mapped_column(sa.String(256))
    """For the broker's account file, in mosquitto's format."""
    volume: Mapped[int] = mapped_column(default=70)
    households: Mapped[int] = mapped_column(default=0)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    simulated: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True, index=True)
    retired_at: Mapped[Instant | None]
    added_at: Mapped[Instant]
    muted: Mapped[bool] = mapped_column(default=False)
    """Nothing its plan orders can be heard, not even an emergency; only what is played by hand beside it."""
    delay_ms: Mapped[int] = mapped_column(default=0)
    """Everything starts that much later, so that it is in time with a louder neighbour far away."""
    restarts: Mapped[int] = mapped_column(default=0)
    """How often it was told to start anew: the number its plan carries."""
    restart_at: Mapped[Instant | None]
    """When it was last told to."""
    search_key: Mapped[str] = mapped_column(sa.Text, default=_search_key)
    """The name without marks and as written, for searching."""
    confirmed_at: Mapped[Instant | None]
    """Since when somebody has heard it on the spot; None: it claimed its place, and gets no broadcast yet."""
    plan_stale: Mapped[bool] = mapped_column(default=True, index=True)
    """What its plan must hold has changed since its plan was last made."""

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
    presence: Mapped[Presence | None] = relationship(lazy="joined")

    @validates("name")
    def _follow_name(self, _key: str, name: str) -> str:
        self.search_key = searching.key(name)
        return name


class Presence(Base):
    """The last a receiver said of itself. A hint for staff, never evidence."""

    __tablename__ = "presences"

    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), primary_key=True)
    online: Mapped[bool]
    sid: Mapped[str] = mapped_column(sa.String(64))
    heard_at: Mapped[Instant]
    heartbeat_ms: Mapped[int]
    online_since: Mapped[Instant | None]
    """When it was first heard after the last silence."""
    lost_at: Mapped[Instant | None]
    """When it was last heard before that silence; None: there was none yet."""
    rev: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    clock_source: Mapped[str] = mapped_column(sa.String(8), default="none")
    clock_error_ms: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """How far its clock was from ours when it spoke; the way of the message is in it."""
    clock_bound_ms: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """How wrong a clock we put right may be at most, as it says itself."""
    output: Mapped[str] = mapped_column(sa.String(8), default="unk")
    power: Mapped[str] = mapped_column(sa.String(8), default="unk")
    disk: Mapped[float] = mapped_column(default=0.0)
    volume: Mapped[int] = mapped_column(default=0)
    firmware: Mapped[str] = mapped_column(sa.String(64), default="")
    playing: Mapped[str | None] = mapped_column(sa.String(64))
    ready: Mapped[int] = mapped_column(default=0)
    wanted: Mapped[int] = mapped_column(default=0)
    canned: Mapped[int] = mapped_column(default=0)
    kv: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    boot: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    up_ms: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    net_month: Mapped[str | None] = mapped_column(sa.String(7))
    net_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    """Sent and received in that month, by its own count."""

    def is_online(self, now: Instant) -> bool:
        """Said to be on, and heard within three heartbeats."""
        return _is_online(self, now)


class Journal(Base):
    """One life of a receiver's journal; a factory reset begins another."""

    __tablename__ = "journals"

    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), primary_key=True)
    jid: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    upto: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """Entries 1 to ``upto`` are kept here without a gap."""
    head: Mapped[str] = mapped_column(sa.String(64))
    """Chain hash of entry ``upto``."""
    begun_at: Mapped[Instant]
    tampered_at: Mapped[Instant | None]
    """When a batch contradicted what is kept: the first word stands, and staff are told."""
    closed_at: Mapped[Instant | None]
    """The receiver was given a new key and began a new journal: what is missing of this one stays missing."""


class JournalEntry(Base):
    """One line of a receiver's journal, in its exact bytes."""

    __tablename__ = "journal_entries"

    receiver_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    jid: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    raw: Mapped[bytes]
    occurrence: Mapped[str] = mapped_column(sa.String(64), index=True)
    code: Mapped[str] = mapped_column(sa.String(16))
    raw_at: Mapped[Instant]
    """By the receiver's clock when it wrote."""
    at: Mapped[Instant]
    """The same moment by the clock the receiver had when it reported."""
    received_at: Mapped[Instant]


def check(session: Session, *, id: str, name: str, volume: int, households: int) -> None:
    """Raise DeviceError naming the field when no receiver could be made of this."""
    if not re.fullmatch(r"[a-z0-9-]{4,32}", id) or id in (
        "audio",
        broker.STATION,
        *broker.CANARIES,
    ):
        raise DeviceError(
            say(
                "Mã đầu thu “%(id)s” cần 4–32 ký tự gồm chữ thường không dấu, số, gạch nối.", id=id
            ),
            field="id",
        )
    if session.get(Receiver, id):
        raise DeviceError(say("Mã đầu thu “%(id)s” đã có. Hãy dùng mã khác.", id=id), field="id")
    if not name.strip():
        raise DeviceError(say("Hãy nhập tên đầu thu, ví dụ: Cột nhà văn hoá."), field="name")
    _volume(volume)
    _at_least_zero(households)


def add(
    session: Session, *, id: str, name: str, area: Area, public_key: str, password: str, now: Instant, by: str,
    volume: int = 70, households: int = 0, lat: float | None = None, lon: float | None = None, simulated: bool = False,
    confirmed: bool = True,
) -> Receiver:  # fmt: skip
    """Make a receiver known; one not ``confirmed`` gets no broadcast yet. Raises DeviceError naming the field."""
    check(session, id=id, name=name, volume=volume, households=households)
    receiver = Receiver(
        id=id, name=name.strip(), area_id=area.id, public_key=signing.public_key(public_key, id).x,
        password_hash=broker.hash_password(password), households=_at_least_zero(households), lat=lat, lon=lon,
        simulated=simulated, active=True, added_at=now, plan_stale=True, volume=_volume(volume),
        confirmed_at=now if confirmed else None,
    )  # fmt: skip
    session.add(receiver)
    session.flush()
    audit.append(
        session, now, by, "receiver.add", receiver=id, name=receiver.name, area=area.id, key=receiver.public_key
    )  # fmt: skip
    return receiver


def change(
    session: Session, receiver: Receiver, *, name: str, area: Area, volume: int, households: int,
    lat: float | None, lon: float | None, now: Instant, by: str,
) -> None:  # fmt: skip
    """Change what staff may change; the volume reaches the receiver with its next plan."""
    if not name.strip():
        raise DeviceError(say("Hãy nhập tên đầu thu, ví dụ: Cột nhà văn hoá."), field="name")
    # Caps of volume differ by area, too.
    if (receiver.volume, receiver.area_id) != (_volume(volume), area.id):
        receiver.plan_stale = True
    receiver.name, receiver.area_id, receiver.volume = name.strip(), area.id, volume
    receiver.households, receiver.lat, receiver.lon = _at_least_zero(households), lat, lon
    audit.append(
        session, now, by, "receiver.change", receiver=receiver.id, name=receiver.name, volume=volume
    )


def place(
    session: Session, receiver: Receiver, lat: float | None, lon: float | None, *, now: Instant, by: str
) -> None:  # fmt: skip
    """Say where it stands, in degrees; None and None: nobody knows any more."""
    before = [receiver.lat, receiver.lon]
    receiver.lat, receiver.lon = lat, lon
    audit.append(
        session, now, by, "receiver.place", receiver=receiver.id, before=before, after=[lat, lon]
    )


def retire(session: Session, receiver: Receiver, *, now: Instant, by: str) -> None:
    """Take a receiver out of service. Its history stays, and its account until it can hold no plan any more."""
    receiver.active, receiver.retired_at = False, now
    receiver.plan_stale = True
    audit.append(session, now, by, "receiver.retire", receiver=receiver.id)


def _volume(volume: int) -> int:
    if not 0 <= volume <= 100:
        raise DeviceError(
            say("Âm lượng %(volume)s nằm ngoài khoảng 0–100.", volume=volume), field="volume"
        )
    return volume


def _at_least_zero(households: int) -> int:
    if households < 0:
        raise DeviceError(
            say(
                "Số hộ %(households)s không hợp lệ; hãy nhập số từ 0 trở lên.",
                households=households,
            ),
            field="households",
        )
    return households


def get(session: Session, receiver_id: str) -> Receiver:
    """That receiver. Raises NotFound."""
    receiver = session.get(Receiver, receiver_id)
    if receiver is None:
        raise NotFound(
            say("Không tìm thấy đầu thu “%(id)s”. Hãy tải lại danh sách đầu thu.", id=receiver_id)
        )
    return receiver


def listing(session: Session, *, active: bool = True) -> list[Receiver]:
    """Receivers by area and name."""
    found = sa.select(Receiver).join(Receiver.area).where(Receiver.active == active)
    return list(session.scalars(found.order_by(Area.name, Receiver.name)))


def count(session: Session) -> int:
    """How many there are, retired ones aside."""
    return session.scalar(sa.select(sa.func.count()).where(Receiver.active)) or 0


def in_service() -> sa.ColumnElement[bool]:
    """The condition of taking part in broadcasts: not retired, and heard on the spot by somebody."""
    return sa.and_(Receiver.active, Receiver.confirmed_at.is_not(None))


def in_areas(session: Session, area_ids: Iterable[int]) -> list[Receiver]:
    """Active, confirmed receivers that stand in these areas or below them."""
    wanted = with_descendants(session, area_ids)
    found = (
        sa.select(Receiver).where(in_service(), Receiver.area_id.in_(wanted)).order_by(Receiver.id)
    )
    return list(session.scalars(found))


def mark_stale(
    session: Session, receiver_ids: Iterable[str] | sa.Select[str] | None = None
) -> None:
    """Say that these receivers' plans (all when None) must be made anew; a query names any number of them."""
    stale = sa.update(Receiver).where(Receiver.plan_stale.is_(False)).values(plan_stale=True)
    if receiver_ids is not None:
        named = receiver_ids if isinstance(receiver_ids, sa.Select) else list(receiver_ids)
        stale = stale.where(Receiver.id.in_(named))
    session.execute(stale)


def accounts(session: Session, retired_since: Instant) -> list[broker.Account]:
    """Whom the broker lets in besides the station.

    A receiver retired since ``retired_since`` still is: it must hear that it has nothing left to play, and its
    last evidence must reach us.
    """
    return [
        broker.Account(username=row.id, password_hash=row.password_hash)
        for row in session.execute(_let_in(retired_since))
    ]


def accounts_mark(session: Session, retired_since: Instant) -> int:
    """As ``bulk.mark`` of ``accounts``: they are asked for at every change."""
    return bulk.mark(session, _let_in(retired_since))


def _let_in(retired_since: Instant) -> sa.Select[str, str]:
    return (
        sa.select(Receiver.id, Receiver.password_hash)
        .where(sa.or_(Receiver.active, Receiver.retired_at > retired_since))
        .order_by(Receiver.id)
    )


def note_states(
    session: Session, states: Mapping[str, State], now: Instant, heartbeat_ms: int,
    heard: Mapping[str, Instant] | None = None,
) -> list[str]:  # fmt: skip
    """Keep what receivers (by id) say of themselves, many in a few statements; those that came or went.

    ``heard``: when, where that was before ``now``. A will of an older connection is ignored.
    """
    at = dict.fromkeys(states, now) | dict(heard or {})
    session.flush()
    seen = _seen(session, states)
    left = [
        rid
        for rid, state in states.items()
        if not state.on and rid in seen and seen[rid].online and seen[rid].sid == state.sid
    ]
    said = {rid: state for rid, state in states.items() if state.on}
    came = [rid for rid in said if rid not in seen or not _is_online(seen[rid], at[rid])]
    rows = [
        {"receiver_id": rid, **_said(state, at[rid], heartbeat_ms)} for rid, state in said.items()
    ]
    new = [row for row in rows if row["receiver_id"] not in seen]
    bulk.insert(session, Presence, [row | {"online_since": row["heard_at"]} for row in new])
    bulk.update(session, Presence, [row for row in rows if row["receiver_id"] in seen])
    again = [
        {"receiver_id": rid, "lost_at": seen[rid].heard_at, "online_since": at[rid]}
        for rid in came
        if rid in seen
    ]
    bulk.update(session, Presence, again)
    bulk.update(session, Presence, [{"receiver_id": rid, "online": False} for rid in left])
    session.expire_all()  # these statements went past what the session holds
    return left + came


def _is_online(seen: Presence | sa.Row[*tuple[Any, ...]], now: Instant) -> bool:
    silent = now - seen.heard_at
    return bool(seen.online and silent <= MISSED_HEARTBEATS * seen.heartbeat_ms + 5 * SECOND)


def _seen(session: Session, receiver_ids: Collection[str]) -> dict[str, sa.Row[*tuple[Any, ...]]]:
    found = sa.select(
        Presence.receiver_id,
        Presence.online,
        Presence.sid,
        Presence.heard_at,
        Presence.heartbeat_ms,
    ).where(bulk.among(session, Presence.receiver_id, receiver_ids))
    return {row.receiver_id: row for row in session.execute(found)}


def _said(state: State, now: Instant, heartbeat_ms: int) -> dict[str, Any]:
    """The columns of ``Presence`` that a state fills."""
    month, sent = state.net or (None, None)
    return {
        "online": True, "sid": state.sid, "heard_at": now, "heartbeat_ms": heartbeat_ms, "rev": state.rev,
        "clock_source": state.src, "clock_error_ms": state.t - now if state.t else 0,
        "clock_bound_ms": state.err_ms, "output": state.out, "power": state.pwr, "disk": state.disk,
        "volume": state.vol, "firmware": state.fw[:64], "playing": state.play, "ready": state.ready,
        "wanted": state.want, "canned": state.can, "kv": state.kv, "boot": state.boot, "up_ms": state.up,
        "net_month": month, "net_bytes": sent,
    }  # fmt: skip


def contradicted(session: Session) -> list[Receiver]:
    """Active receivers one of whose journals contradicts what is kept here."""
    tampered = sa.select(Journal.receiver_id).where(
        Journal.tampered_at.is_not(None), Journal.closed_at.is_(None)
    )
    return list(
        session.scalars(sa.select(Receiver).where(Receiver.active, Receiver.id.in_(tampered)))
    )
