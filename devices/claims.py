"""Claims: how a box becomes a receiver of this station. Staff add it by its serial, a code is typed at the box, the
box shows a key of its own, and somebody on the spot hears the test tone. docs/protocol.md, "Claiming".

A code is good once, for ten minutes, and dies after five wrong tries. Until it has been heard a receiver gets no
broadcast: whoever got hold of a code sounds in the wrong place, and is found out before anything is entrusted to it.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column, relationship

from devices import admission, clones, groups, receivers
from devices.areas import Area
from devices.receivers import Receiver
from loa import audit
from loa.database import Base, word_of
from loa.errors import DeviceError, NotFound
from loa.times import MINUTE, Instant, after
from loa.words import say

CODE_LIFE = 10 * MINUTE
WRONG_MOST = 5
"""Wrong tries that a code outlives."""
PAGES = ("them", "nhieu", "nhom", "nhap", "xuat", "tinh-trang", "cho-nhan", "tem-nhan", "ban-do")
"""Ids that would hide behind a page of the same address."""


class Kind(enum.StrEnum):
    NEW = "new"
    REPLACE = "replace"
    """A new box in the place of a broken one."""
    REISSUE = "reissue"
    """The same receiver begins anew, with a new key and a new journal."""


class State(enum.StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


OPEN = (State.WAITING, State.CLAIMED)


class Claim(Base):
    """A place that waits for its box. The receiver itself is made when the box comes."""

    __tablename__ = "claims"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(word_of(Kind))
    state: Mapped[State] = mapped_column(word_of(State), default=State.WAITING, index=True)
    receiver_id: Mapped[str] = mapped_column(sa.String(32), index=True)
    serial: Mapped[str] = mapped_column(sa.String(32), index=True)
    name: Mapped[str] = mapped_column(sa.String(128))
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("areas.id"))
    volume: Mapped[int] = mapped_column(default=70)
    households: Mapped[int] = mapped_column(default=0)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    replaces_id: Mapped[str | None] = mapped_column(sa.ForeignKey("receivers.id"))
    code: Mapped[str | None] = mapped_column(sa.String(16))
    """As shown to staff while it is good."""
    code_key: Mapped[bytes | None]
    code_until: Mapped[Instant | None]
    wrong: Mapped[int] = mapped_column(default=0)
    """Wrong tries at the present code."""
    added_at: Mapped[Instant]
    added_by: Mapped[str] = mapped_column(sa.String(64))
    claimed_at: Mapped[Instant | None]
    claimed_from: Mapped[str | None] = mapped_column(sa.String(64))
    clock_off_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    """How far the box's clock was ahead of ours when it came."""
    public_key: Mapped[str | None] = mapped_column(sa.String(64))
    ended_at: Mapped[Instant | None]
    """Confirmed or cancelled."""
    ended_by: Mapped[str | None] = mapped_column(sa.String(64))

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)

    def has_code(self, now: Instant) -> bool:
        """Whether a code can be typed at the box now."""
        return self.code is not None and self.code_until is not None and now < self.code_until

    @property
    def is_dead(self) -> bool:
        """Tried wrongly so often that its code was taken back."""
        return self.wrong >= WRONG_MOST


class FormerKey(Base):
    """A key a receiver had before: evidence signed with it in that time stays checkable."""

    __tablename__ = "receiver_keys"

    public_key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), index=True)
    since: Mapped[Instant]
    until: Mapped[Instant]


@dataclass(frozen=True)
class Place:
    """What staff say of a receiver to come."""

    name: str
    area: Area
    volume: int = 70
    households: int = 0
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True)
class Newcomer:
    """A place with what is known of its box; without an id it gets the next number."""

    place: Place
    serial: str = ""
    id: str = ""


# -- what staff do --------------------------------------------------------------------------------


def add(
    session: Session, place: Place, *, serial: str = "", id: str = "", now: Instant, by: str,
    replaces: Receiver | None = None,
) -> Claim:  # fmt: skip
    """Make room for a new receiver, or for one in the place of ``replaces``. Raises DeviceError naming the field.

    Without an id it gets the next number, without a serial its id is the serial. A code must be issued yet.
    """
    id = id.strip() or (_successor(session, replaces.id) if replaces else next_number(session))
    _check_place(session, place, id, is_open=any(_open_of(session, id)))
    claim = Claim(
        kind=Kind.REPLACE if replaces else Kind.NEW, receiver_id=id,
        replaces_id=replaces.id if replaces else None, serial=_serial(session, serial or id),
        **_facts(place), state=State.WAITING, wrong=0, added_at=now, added_by=by,
    )  # fmt: skip
    return _begin(session, claim, now, by)


def add_all(
    session: Session, newcomers: Sequence[Newcomer], *, now: Instant, by: str
) -> list[Claim]:
    """As ``add`` for some hundred new receivers: what is taken is read once, not for each. Raises DeviceError."""
    numbers = itertools.count(_last_number(session) + 1)
    ids = [each.id.strip() or f"r-{next(numbers):04d}" for each in newcomers]
    open_ids = set(session.scalars(_select_open(ids).with_only_columns(Claim.receiver_id)))
    named = [plain_serial(each.serial or id) for each, id in zip(newcomers, ids, strict=True)]
    held, made = _holders(session, named), list[Claim]()
    for each, id, serial in zip(newcomers, ids, named, strict=True):
        _check_place(session, each.place, id, is_open=id in open_ids)
        _demand_free(serial, held.get(serial, {}), id)
        held.setdefault(serial, {})[id] = each.place.name
        open_ids.add(id)
        claim = Claim(
            kind=Kind.NEW, receiver_id=id, serial=serial, **_facts(each.place), state=State.WAITING,
            wrong=0, added_at=now, added_by=by,
        )  # fmt: skip
        made.append(claim)
    session.add_all(made)
    session.flush()
    for claim in made:
        _note(session, claim, now, by)
    return made


def reissue(
    session: Session, receiver: Receiver, *, serial: str = "", now: Instant, by: str
) -> Claim:
    """Let a receiver that was wiped claim its place anew; until it does, nothing of it changes. Raises DeviceError.

    Where it is still waited for, that goes on, under a serial that may be another.
    """
    if not receiver.active:
        raise DeviceError(
            say(
                "Đầu thu “%(name)s” đã ngừng dùng. Hãy thêm một đầu thu mới thay cho nó.",
                name=receiver.name,
            )
        )
    wanted = serial or serial_of(session, receiver.id) or receiver.id
    checked = _serial(session, wanted, receiver.id)
    if (waited_for := open_of(session, receiver.id)) is not None:
        waited_for.serial = checked
        return waited_for
    place = Place(
        receiver.name, receiver.area, receiver.volume, receiver.households, receiver.lat, receiver.lon
    )  # fmt: skip
    claim = Claim(
        kind=Kind.REISSUE, receiver_id=receiver.id, serial=checked, **_facts(place),
        state=State.WAITING, wrong=0, added_at=now, added_by=by,
    )  # fmt: skip
    return _begin(session, claim, now, by)


def _begin(session: Session, claim: Claim, now: Instant, by: str) -> Claim:
    session.add(claim)
    session.flush()
    _note(session, claim, now, by)
    return claim


def _note(session: Session, claim: Claim, now: Instant, by: str) -> None:
    audit.append(
        session, now, by, "claim.add", claim=claim.id, claim_kind=claim.kind, receiver=claim.receiver_id,
        serial=claim.serial, replaces=claim.replaces_id,
    )  # fmt: skip


def issue(session: Session, claim: Claim, *, now: Instant, by: str) -> None:
    """Give it a new code, good for ten minutes from now; one given before is no good any more."""
    _demand_open(claim)
    claim.code = admission.new_code()
    claim.code_key = admission.code_key(claim.code, claim.serial)
    claim.code_until, claim.wrong, claim.state = after(now, CODE_LIFE), 0, State.WAITING
    audit.append(session, now, by, "claim.code", claim=claim.id, receiver=claim.receiver_id)


def cancel(session: Session, claim: Claim, *, now: Instant, by: str) -> None:
    """Give it up. A receiver that came by it and was never heard goes out of service; its traces stay."""
    _demand_open(claim)
    receiver = session.get(Receiver, claim.receiver_id) if claim.claimed_at else None
    _end(claim, State.CANCELLED, now, by)
    audit.append(session, now, by, "claim.cancel", claim=claim.id, receiver=claim.receiver_id)
    if receiver is not None and claim.kind is not Kind.REISSUE and receiver.active:
        receivers.retire(session, receiver, now=now, by=by)


def confirm(session: Session, claim: Claim, *, now: Instant, by: str) -> None:
    """Somebody has heard the test tone where the receiver stands: from here on it gets broadcasts.

    One that replaces another puts that out of service now, and not before. Raises DeviceError before it was claimed.
    """
    if claim.state is not State.CLAIMED:
        raise DeviceError(
            say("Đầu thu này chưa nhận mã, hoặc đã được xác nhận. Hãy tải lại trang.")
        )
    receiver = receivers.get(session, claim.receiver_id)
    if not receiver.active:
        raise DeviceError(
            say("Đầu thu “%(name)s” đã ngừng dùng nên không xác nhận được nữa.", name=receiver.name)
        )
    receiver.confirmed_at, receiver.plan_stale = now, True
    _end(claim, State.CONFIRMED, now, by)
    audit.append(session, now, by, "claim.confirm", claim=claim.id, receiver=receiver.id)
    if claim.replaces_id is not None:
        _take_over(session, receivers.get(session, claim.replaces_id), receiver, now, by)


def _take_over(session: Session, old: Receiver, new: Receiver, now: Instant, by: str) -> None:
    """The new one stands where the old one stood, with its groups and settings; each keeps a history of its own."""
    audit.append(session, now, by, "receiver.replace", old=old.id, new=new.id)
    clones.settle(session, old.id, now=now, by=by)
    groups.follow(session, old.id, new.id)
    new.muted, new.delay_ms = old.muted, old.delay_ms
    if old.active:
        receivers.retire(session, old, now=now, by=by)


def not_heard(session: Session, claim: Claim, *, now: Instant, by: str) -> None:
    """Write down that the tone was not heard on the spot."""
    audit.append(session, now, by, "claim.not_heard", claim=claim.id, receiver=claim.receiver_id)


def _demand_open(claim: Claim) -> None:
    if claim.state not in OPEN:
        raise DeviceError(
            say("Lần cấp mã này đã xong hoặc đã huỷ. Hãy bắt đầu lại từ trang Đầu thu.")
        )


def _end(claim: Claim, state: State, now: Instant, by: str) -> None:
    claim.state, claim.ended_at, claim.ended_by = state, now, by
    claim.code = claim.code_key = claim.code_until = None


def _facts(place: Place) -> dict[str, object]:
    return {
        "name": place.name.strip(), "area_id": place.area.id, "volume": place.volume,
        "households": place.households, "lat": place.lat, "lon": place.lon,
    }  # fmt: skip


def _check_place(session: Session, place: Place, id: str, *, is_open: bool) -> None:
    receivers.check(
        session, id=id, name=place.name, volume=place.volume, households=place.households
    )
    if id in PAGES:
        raise DeviceError(
            say("Mã đầu thu “%(id)s” trùng với một trang của đài. Hãy dùng mã khác.", id=id),
            field="id",
        )
    if is_open:
        raise DeviceError(say("Mã đầu thu “%(id)s” đang chờ một máy khác nhận.", id=id), field="id")


def plain_serial(typed: str) -> str:
    """The serial as it is kept. Raises DeviceError when it can be none."""
    serial = admission.plain_serial(typed)
    if serial is None:
        raise DeviceError(
            say(
                "Số máy “%(typed)s” cần 3–32 ký tự gồm chữ không dấu, số, dấu chấm, gạch nối, như in trên hộp.",
                typed=typed.strip(),
            ),
            field="serial",
        )
    return serial


def _serial(session: Session, typed: str, receiver_id: str = "") -> str:
    """The serial as it is kept. Raises DeviceError when another receiver has it."""
    serial = plain_serial(typed)
    _demand_free(serial, _holders(session, [serial]).get(serial, {}), receiver_id)
    return serial


def _holders(session: Session, serials: Collection[str]) -> dict[str, dict[str, str]]:
    """Serial → id → name of the receivers that have it, or wait for the box that has."""
    found = (
        sa.select(Claim.serial, Claim.receiver_id, Claim.name)
        .outerjoin(Receiver, Receiver.id == Claim.receiver_id)
        .where(
            Claim.serial.in_(serials),
            sa.or_(Claim.state.in_(OPEN), sa.and_(Claim.state == State.CONFIRMED, Receiver.active)),
        )
    )
    held: dict[str, dict[str, str]] = {}
    for serial, receiver_id, name in session.execute(found):
        held.setdefault(serial, {})[receiver_id] = name
    return held


def _demand_free(serial: str, holders: dict[str, str], receiver_id: str) -> None:
    for other, name in holders.items():
        if other != receiver_id:
            raise DeviceError(
                say(
                    "Số máy %(serial)s đã thuộc về đầu thu “%(name)s” (%(other)s). Máy ấy được cài lại "
                    "thì dùng “Cấp lại mã” ở trang của nó.",
                    serial=serial,
                    name=name,
                    other=other,
                ),
                field="serial",
            )


def next_number(session: Session) -> str:
    """The next free id of the form r-0042."""
    return f"r-{_last_number(session) + 1:04d}"


def _last_number(session: Session) -> int:
    """The greatest number an id of that form has; found by the database, so that no ids are fetched."""
    return max(session.scalar(_greatest(each)) or 0 for each in (Receiver.id, Claim.receiver_id))


def _greatest(ids: InstrumentedAttribute[str]) -> sa.Select[int]:
    digits = sa.func.substr(ids, 3)
    is_number = sa.and_(
        ids.like("r-%"),
        sa.func.length(ids).between(3, 8),
        sa.func.ltrim(digits, "0123456789") == "",
    )
    return sa.select(sa.func.max(sa.case((is_number, sa.cast(digits, sa.Integer)))))


def _successor(session: Session, id: str) -> str:
    """thon-dong-01 → thon-dong-01-b, then -c …; the next number where that is too long."""
    has_letter = sa.select(Claim.id).where(Claim.receiver_id == id, Claim.kind == Kind.REPLACE)
    stem = id[:-2] if re.search(r"-[b-z]$", id) and session.scalar(has_letter) else id
    for letter in "bcdefghijklmnopqrstuvwxyz":
        wanted = f"{stem}-{letter}"
        is_free = session.get(Receiver, wanted) is None and not any(_open_of(session, wanted))
        if is_free and len(wanted) <= 32:
            return wanted
    return next_number(session)


# -- what is known --------------------------------------------------------------------------------


def get(session: Session, claim_id: int) -> Claim:
    """That claim. Raises NotFound."""
    claim = session.get(Claim, claim_id)
    if claim is None:
        raise NotFound(say("Không tìm thấy lần thêm đầu thu này. Hãy quay lại trang Đầu thu."))
    return claim


def waiting(session: Session, *, limit: int | None = None, offset: int = 0) -> list[Claim]:
    """Claims that are not over, the newest first."""
    found = sa.select(Claim).where(Claim.state.in_(OPEN)).order_by(Claim.added_at.desc(), Claim.id)
    return list(session.scalars(found.limit(limit).offset(offset)))


def count_waiting(session: Session) -> int:
    """How many are not over."""
    return session.scalar(sa.select(sa.func.count(Claim.id)).where(Claim.state.in_(OPEN))) or 0


def waiting_marks(session: Session, now: Instant) -> tuple[Any, ...]:
    """Numbers of which at least one is another when a claim that waits has changed: one row, whatever their number."""
    is_good = sa.and_(Claim.code.is_not(None), Claim.code_until > now)
    found = sa.select(
        sa.func.count(Claim.id),
        sa.func.sum(Claim.id),
        sa.func.sum(Claim.wrong),
        sa.func.sum(Claim.code_until),
        sa.func.sum(Claim.claimed_at),
        *(
            sa.func.sum(sa.case((each, 1), else_=0))
            for each in (is_good, Claim.claimed_at.is_(None))
        ),
        sa.func.sum(sa.case((Claim.state == State.CLAIMED, Claim.id), else_=0)),
    )
    return tuple(session.execute(found.where(Claim.state.in_(OPEN))).one())


def open_of(session: Session, receiver_id: str) -> Claim | None:
    """The claim of that receiver that is not over, if any."""
    return next(iter(_open_of(session, receiver_id)), None)


def _open_of(session: Session, receiver_id: str) -> list[Claim]:
    return list(session.scalars(_select_open([receiver_id]).order_by(Claim.id.desc())))


def _select_open(receiver_ids: Collection[str]) -> sa.Select[Claim]:
    return sa.select(Claim).where(Claim.receiver_id.in_(receiver_ids), Claim.state.in_(OPEN))


def serial_of(session: Session, receiver_id: str) -> str:
    """The serial on that receiver's box; empty where nobody has said."""
    return serials(session, [receiver_id]).get(receiver_id, "")


def serials(session: Session, receiver_ids: list[str]) -> dict[str, str]:
    """The serial on each of these receivers' boxes, where one is known."""
    found = sa.select(Claim.receiver_id, Claim.serial).where(
        Claim.receiver_id.in_(receiver_ids), Claim.claimed_at.is_not(None)
    )
    rows = session.execute(found.order_by(Claim.id))
    return {row.receiver_id: row.serial for row in rows}


def replaced_by(session: Session, receiver_id: str) -> Receiver | None:
    """The receiver that stands now where that one stood."""
    found = sa.select(Receiver).join(Claim, Claim.receiver_id == Receiver.id)
    return session.scalars(
        found.where(Claim.replaces_id == receiver_id, Claim.state == State.CONFIRMED)
    ).first()


def replaces(session: Session, receiver_id: str) -> Receiver | None:
    """The receiver that stood before where that one stands."""
    found = sa.select(Receiver).join(Claim, Claim.replaces_id == Receiver.id)
    return session.scalars(
        found.where(Claim.receiver_id == receiver_id, Claim.state == State.CONFIRMED)
    ).first()


def former_keys(session: Session, receiver_id: str) -> list[FormerKey]:
    """Keys that receiver had before, the newest first: evidence of that time is checked with them."""
    found = sa.select(FormerKey).where(FormerKey.receiver_id == receiver_id)
    return list(session.scalars(found.order_by(FormerKey.until.desc())))
