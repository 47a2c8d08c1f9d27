"""The stations that hand in: who is expected, and by which keys their bundles are known."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit
from loa.errors import NotFound
from loa.staff import May, Staff
from loa.times import Instant
from loa.words import say
from scheduler import levels
from scheduler.rollup.reading import Bundle, RollupError
from scheduler.rollup.tables import RollupBundle, RollupStation

ENOUGH_DIGITS = 8
"""Of a fingerprint, for somebody to confirm it."""


def demand(session: Session, staff: Staff) -> None:
    """Raise NotAllowed unless this person may bring other stations' figures."""
    staff.demand(May.MANAGE)
    levels.demand_whole(session, staff, say("tổng hợp báo cáo của các xã"))


def listed(session: Session) -> list[RollupStation]:
    """All, by name."""
    return list(session.scalars(sa.select(RollupStation).order_by(RollupStation.name)))


def expect(session: Session, name: str, staff: Staff, now: Instant) -> RollupStation:
    """From now on it is missed while it has handed in nothing. Raises RollupError."""
    demand(session, staff)
    name = " ".join(name.split())
    if not name or len(name) > 128:
        raise RollupError(say("Hãy nhập tên đài, ví dụ “Đài truyền thanh xã Mẫu”."), field="name")
    if _named(session, name) is not None:
        raise RollupError(say("Đã có “%(name)s” trong danh sách.", name=name), field="name")
    return _add(session, name, staff, now)


def drop(session: Session, station: RollupStation, staff: Staff, now: Instant) -> None:
    """It is expected no more. Raises RollupError where it has handed in."""
    demand(session, staff)
    if session.scalar(sa.select(sa.exists().where(RollupBundle.station_id == station.id))):
        raise RollupError(
            say("“%(name)s” đã nộp gói nên vẫn nằm trong báo cáo.", name=station.name)
        )
    session.delete(station)
    audit.append(session, now, staff.login, "rollup.drop", station=station.name)


def get(session: Session, station_id: int) -> RollupStation:
    """Raises NotFound."""
    found = session.get(RollupStation, station_id)
    if found is None:
        raise NotFound(say("Không có đài này trong danh sách. Hãy tải lại trang."))
    return found


def of_bundle(
    session: Session, bundle: Bundle, staff: Staff, now: Instant, *, name: str = "", confirmed: str = ""
) -> tuple[RollupStation, str]:  # fmt: skip
    """Whose bundle it is, by its key, and what is to be said of that; a new station where there is none.

    ``name``: under which it goes here, when not under its own; ``confirmed``: beginning of the fingerprint of a new
    key that a person has compared. Raises RollupError for a key nobody has confirmed.
    """
    wanted = " ".join(name.split()) or bundle.manifest.station.name
    owner = next((each for each in listed(session) if bundle.signer in each.keys), None)
    if owner is not None:
        if name and owner.name != wanted:
            raise RollupError(
                say(
                    "Gói này ký bằng khoá của “%(name)s”, không phải “%(wanted)s”.",
                    name=owner.name,
                    wanted=wanted,
                ),
                field="name",
            )
        return owner, ""
    station = _named(session, wanted) or _add(session, wanted, staff, now)
    is_first = not station.keys
    if not is_first and not _is_confirmed(bundle, confirmed):
        raise RollupError(
            say(
                "Gói của “%(name)s” ký bằng khoá %(signer)s, khác khoá đã ghi (%(keys)s). Hãy hỏi xã: "
                "nếu xã vừa đổi khoá, nhập dấu vân tay mới để xác nhận; nếu là xã khác trùng tên, nhập tên khác.",
                name=station.name,
                signer=bundle.signer,
                keys=", ".join(station.keys),
            ),
            field="key",
        )
    station.keys = [*station.keys, bundle.signer]
    audit.append(session, now, staff.login, "rollup.key", station=station.name, key=bundle.signer)
    if not is_first:
        return station, say("Đã ghi thêm khoá mới %(signer)s.", signer=bundle.signer)
    return (
        station,
        say(
            "Lần đầu nhận: đã ghi khoá %(signer)s. Hãy đối chiếu dấu vân tay này với xã.",
            signer=bundle.signer,
        ),
    )


def _is_confirmed(bundle: Bundle, confirmed: str) -> bool:
    digits = confirmed.strip().lower()
    return len(digits) >= ENOUGH_DIGITS and bundle.signer.startswith(digits)


def _named(session: Session, name: str) -> RollupStation | None:
    return session.scalars(sa.select(RollupStation).where(RollupStation.name == name)).first()


def _add(session: Session, name: str, staff: Staff, now: Instant) -> RollupStation:
    station = RollupStation(name=name, keys=[], added_at=now)
    session.add(station)
    session.flush()
    audit.append(session, now, staff.login, "rollup.expect", station=name)
    return station
