"""Receiver (đầu thu): the box that drives a cluster of loudspeakers; its presence and its journal as kept here."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices import broker, signing
from devices.areas import Area, with_descendants
from devices.messages import State
from loa import audit
from loa.database import Base
from loa.errors import DeviceError, NotFound
from loa.times import SECOND, Instant

MISSED_HEARTBEATS = 3


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
    plan_stale: Mapped[bool] = mapped_column(default=True, index=True)
    """What its plan must hold has changed since its plan was last made."""

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
    presence: Mapped[Presence | None] = relationship(lazy="joined")


class Presence(Base):
    """The last a receiver said of itself. A hint for staff, never evidence."""

    __tablename__ = "presences"

    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), primary_key=True)
    online: Mapped[bool]
    sid: Mapped[str] = mapped_column(sa.String(64))
    heard_at: Mapped[Instant]
    heartbeat_ms: Mapped[int]
    rev: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    clock_source: Mapped[str] = mapped_column(sa.String(8), default="none")
    clock_error_ms: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    output: Mapped[str] = mapped_column(sa.String(8), default="unk")
    power: Mapped[str] = mapped_column(sa.String(8), default="unk")
    disk: Mapped[float] = mapped_column(default=0.0)
    volume: Mapped[int] = mapped_column(default=0)
    firmware: Mapped[str] = mapped_column(sa.String(64), default="")
    playing: Mapped[str | None] = mapped_column(sa.String(64))
    ready: Mapped[int] = mapped_column(default=0)
    wanted: Mapped[int] = mapped_column(default=0)

    def is_online(self, now: Instant) -> bool:
        """Said to be on, and heard within three heartbeats."""
        return (
            self.online
            and now - self.heard_at <= MISSED_HEARTBEATS * self.heartbeat_ms + 5 * SECOND
        )


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


def add(
    session: Session, *, id: str, name: str, area: Area, public_key: str, password: str, now: Instant, by: str,
    volume: int = 70, households: int = 0, lat: float | None = None, lon: float | None = None, simulated: bool = False,
) -> Receiver:  # fmt: skip
    """Make a receiver known. Raises DeviceError naming the field."""
    if not re.fullmatch(r"[a-z0-9-]{4,32}", id) or id in (
        "audio",
        broker.STATION,
        *broker.CANARIES,
    ):
        raise DeviceError(
            f"Mã đầu thu “{id}” cần 4–32 ký tự gồm chữ thường không dấu, số, gạch nối.", field="id"
        )
    if session.get(Receiver, id):
        raise DeviceError(f"Mã đầu thu “{id}” đã có. Hãy dùng mã khác.", field="id")
    if not name.strip():
        raise DeviceError("Hãy nhập tên đầu thu, ví dụ: Cột nhà văn hoá.", field="name")
    receiver = Receiver(
        id=id, name=name.strip(), area_id=area.id, public_key=signing.public_key(public_key, id).x,
        password_hash=broker.hash_password(password), households=_at_least_zero(households), lat=lat, lon=lon,
        simulated=simulated, active=True, added_at=now, plan_stale=True, volume=_volume(volume),
    )  # fmt: skip
    session.add(receiver)
    session.flush()
    audit.append(session, now, by, "receiver.add", receiver=id, name=receiver.name, area=area.id)
    return receiver


def change(
    session: Session, receiver: Receiver, *, name: str, area: Area, volume: int, households: int,
    lat: float | None, lon: float | None, now: Instant, by: str,
) -> None:  # fmt: skip
    """Change what staff may change; the volume reaches the receiver with its next plan."""
    if not name.strip():
        raise DeviceError("Hãy nhập tên đầu thu, ví dụ: Cột nhà văn hoá.", field="name")
    if receiver.volume != _volume(volume):
        receiver.plan_stale = True
    receiver.name, receiver.area_id, receiver.volume = name.strip(), area.id, volume
    receiver.households, receiver.lat, receiver.lon = _at_least_zero(households), lat, lon
    audit.append(
        session, now, by, "receiver.change", receiver=receiver.id, name=receiver.name, volume=volume
    )


def retire(session: Session, receiver: Receiver, *, now: Instant, by: str) -> None:
    """Take a receiver out of service. Its history stays, and its account until it can hold no plan any more."""
    receiver.active, receiver.retired_at = False, now
    receiver.plan_stale = True
    audit.append(session, now, by, "receiver.retire", receiver=receiver.id)


def _volume(volume: int) -> int:
    if not 0 <= volume <= 100:
        raise DeviceError(f"Âm lượng {volume} nằm ngoài khoảng 0–100.", field="volume")
    return volume


def _at_least_zero(households: int) -> int:
    if households < 0:
        raise DeviceError(
            f"Số hộ {households} không hợp lệ; hãy nhập số từ 0 trở lên.", field="households"
        )
    return households


def get(session: Session, receiver_id: str) -> Receiver:
    """That receiver. Raises NotFound."""
    receiver = session.get(Receiver, receiver_id)
    if receiver is None:
        raise NotFound(f"Không tìm thấy đầu thu “{receiver_id}”. Hãy tải lại danh sách đầu thu.")
    return receiver


def listing(session: Session, *, active: bool = True) -> list[Receiver]:
    """Receivers by area and name."""
    found = sa.select(Receiver).join(Receiver.area).where(Receiver.active == active)
    return list(session.scalars(found.order_by(Area.name, Receiver.name)))


def in_areas(session: Session, area_ids: Iterable[int]) -> list[Receiver]:
    """Active receivers that stand in these areas or below them."""
    wanted = with_descendants(session, area_ids)
    found = (
        sa.select(Receiver)
        .where(Receiver.active, Receiver.area_id.in_(wanted))
        .order_by(Receiver.id)
    )
    return list(session.scalars(found))


def mark_stale(session: Session, receiver_ids: Iterable[str] | None = None) -> None:
    """Say that these receivers' plans (all when None) must be made anew."""
    stale = sa.update(Receiver).values(plan_stale=True)
    session.execute(
        stale if receiver_ids is None else stale.where(Receiver.id.in_(list(receiver_ids)))
    )


def accounts(session: Session, retired_since: Instant) -> list[broker.Account]:
    """Whom the broker lets in besides the station.

    A receiver retired since ``retired_since`` still is: it must hear that it has nothing left to play, and its
    last evidence must reach us.
    """
    found = (
        sa.select(Receiver.id, Receiver.password_hash)
        .where(sa.or_(Receiver.active, Receiver.retired_at > retired_since))
        .order_by(Receiver.id)
    )
    return [
        broker.Account(username=row.id, password_hash=row.password_hash)
        for row in session.execute(found)
    ]


def note_state(
    session: Session, receiver_id: str, state: State, now: Instant, heartbeat_ms: int
) -> bool:
    """Keep what a receiver says of itself; True when it came or went. A will of an older connection is ignored."""
    seen = session.get(Presence, receiver_id)
    if state.on == 0:
        if seen is None or seen.sid != state.sid or not seen.online:
            return False
        seen.online = False
        return True
    came = seen is None or not seen.is_online(now)
    if seen is None:
        seen = Presence(receiver_id=receiver_id)
        session.add(seen)
    seen.online, seen.sid, seen.heard_at, seen.heartbeat_ms = True, state.sid, now, heartbeat_ms
    seen.rev, seen.clock_source, seen.clock_error_ms = (
        state.rev,
        state.src,
        state.t - now if state.t else 0,
    )
    seen.output, seen.power, seen.disk, seen.volume = state.out, state.pwr, state.disk, state.vol
    seen.firmware, seen.playing, seen.ready, seen.wanted = (
        state.fw[:64],
        state.play,
        state.ready,
        state.want,
    )
    session.flush()
    return came


def contradicted(session: Session) -> list[Receiver]:
    """Active receivers one of whose journals contradicts what is kept here."""
    tampered = sa.select(Journal.receiver_id).where(Journal.tampered_at.is_not(None))
    return list(
        session.scalars(sa.select(Receiver).where(Receiver.active, Receiver.id.in_(tampered)))
    )
