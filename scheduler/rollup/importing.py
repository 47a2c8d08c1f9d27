"""Taking a bundle in: nothing is counted twice, and of two that tell of the same broadcast the newer is believed.

The unit is the broadcast: a bundle with one has all its deliveries, so replacing it replaces each delivery (station,
receiver, broadcast) and no other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit
from loa.staff import Staff
from loa.times import Instant, local
from loa.words import say
from scheduler.exports import words
from scheduler.rollup import stations
from scheduler.rollup.reading import Bundle, RollupError, Told
from scheduler.rollup.tables import RollupBroadcast, RollupBundle, RollupCount, RollupStation

AT_ONCE = 500
"""Rows named in one statement."""


class Known(NamedTuple):
    """A broadcast there is already, and when the bundle was made that told of it."""

    id: int
    made_at: Instant


@dataclass
class Outcome:
    """What became of a bundle, in broadcasts."""

    station: str
    is_known: bool = False
    """The very same had been taken in before: nothing was done."""
    said: str = ""
    """Of its key."""
    new: int = 0
    replaced: int = 0
    kept: int = 0
    """Left as a newer bundle tells of them."""
    dropped: int = 0
    """In an older bundle of the same days, and not in this one."""
    campaign: str | None = None

    @property
    def sentences(self) -> list[str]:
        if self.is_known:
            return [
                say("“%(station)s”: gói này đã nhập rồi, không tính lần nữa.", station=self.station)
            ]
        told: list[str] = [
            say(
                "“%(station)s”: nhận %(new)s lượt phát mới.",
                station=self.station,
                new=words.number(self.new),
            )
        ]
        told += self._changes()
        if self.campaign is not None:
            told.append(
                say(
                    "Gói chỉ có chiến dịch “%(campaign)s”: chưa thay cho gói của cả kỳ.",
                    campaign=self.campaign,
                )
            )
        return [*told, self.said] if self.said else told

    def _changes(self) -> Iterator[str]:
        """What became of broadcasts that an earlier bundle told of."""
        if self.replaced:
            yield say(
                "%(number)s lượt đã có được thay bằng số liệu của gói mới hơn này.",
                number=words.number(self.replaced),
            )
        if self.kept:
            yield say(
                "%(number)s lượt giữ theo gói mới hơn đã nhập trước.",
                number=words.number(self.kept),
            )
        if self.dropped:
            yield say(
                "%(number)s lượt của gói cũ không còn trong gói mới hơn này, đã bỏ.",
                number=words.number(self.dropped),
            )


def take_in(
    session: Session, bundle: Bundle, file: str, staff: Staff, now: Instant, *, name: str = "", key: str = ""
) -> Outcome:  # fmt: skip
    """Count the bundle. ``name``, ``key``: as ``stations.of_bundle`` takes them. Raises RollupError, NotAllowed."""
    stations.demand(session, staff)
    known = session.scalars(
        sa.select(RollupBundle).where(RollupBundle.sha256 == bundle.sha256)
    ).first()
    if known is not None:
        return Outcome(known.station.name, is_known=True)
    if bundle.manifest.made_at > now:
        raise RollupError(
            say(
                "Gói ghi lúc lập sau giờ hiện tại của máy này. Hãy xem lại đồng hồ hai bên rồi xuất lại gói."
            ),
            field="file",
        )
    station, said = stations.of_bundle(session, bundle, staff, now, name=name, confirmed=key)
    row = _note(session, station, bundle, file, staff, now)
    outcome = Outcome(station.name, said=said, campaign=bundle.manifest.campaign)
    _merge(session, row, bundle, outcome)
    audit.append(
        session, now, staff.login, "rollup.import", station=station.name, bundle=row.id, sha256=bundle.sha256,
        since=row.since, until=row.until, rows=row.rows, new=outcome.new, replaced=outcome.replaced,
        kept=outcome.kept, dropped=outcome.dropped,
    )  # fmt: skip
    return outcome


def _note(
    session: Session, station: RollupStation, bundle: Bundle, file: str, staff: Staff, now: Instant
) -> RollupBundle:  # fmt: skip
    said = bundle.manifest
    row = RollupBundle(
        station_id=station.id, sha256=bundle.sha256, name=file[:200], signer=bundle.signer,
        made_at=Instant(said.made_at), since=Instant(said.since), until=Instant(said.until), campaign=said.campaign,
        rows=bundle.rows, imported_at=now, by=staff.name,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _merge(session: Session, row: RollupBundle, bundle: Bundle, outcome: Outcome) -> None:
    """Put the bundle's broadcasts in the place of those that older bundles told of."""
    known = _known(session, row, bundle.broadcasts)
    newer = _newer(session, row)
    gone: list[int] = []
    taken: dict[str, Told] = {}
    for occ, told in bundle.broadcasts.items():
        before = known.pop(occ, None)
        if _is_older(row, told, before, newer):
            outcome.kept += 1
            continue
        taken[occ] = told
        if before is None:
            outcome.new += 1
        else:
            outcome.replaced += 1
            gone.append(before.id)
    if row.campaign is None:
        stale = [each.id for each in known.values() if each.made_at < row.made_at]
        outcome.dropped = len(stale)
        gone += stale
    _remove(session, gone)
    _insert(session, row, bundle, taken)


def _is_older(
    row: RollupBundle, told: Told, before: Known | None, newer: Sequence[RollupBundle]
) -> bool:
    """Whether a newer bundle has told of it, or that there is no such broadcast."""
    if before is not None:
        return before.made_at >= row.made_at
    return any(each.since <= told.starts_at < each.until for each in newer)


def _known(session: Session, row: RollupBundle, occs: Collection[str]) -> dict[str, Known]:
    """What there is of the same broadcasts, or of the same days."""
    found = (
        sa.select(RollupBroadcast.occ, RollupBroadcast.id, RollupBroadcast.starts_at, RollupBundle.made_at)
        .join(RollupBundle, RollupBundle.id == RollupBroadcast.bundle_id)
        .where(RollupBroadcast.station_id == row.station_id)
    )  # fmt: skip
    return {
        occ: Known(id, made_at)
        for occ, id, starts_at, made_at in session.execute(found)
        if occ in occs or row.since <= starts_at < row.until
    }


def _newer(session: Session, row: RollupBundle) -> list[RollupBundle]:
    """Whole bundles of that station that are not older, and not this one."""
    found = sa.select(RollupBundle).where(
        RollupBundle.station_id == row.station_id, RollupBundle.id != row.id,
        RollupBundle.campaign.is_(None), RollupBundle.made_at >= row.made_at,
    )  # fmt: skip
    return list(session.scalars(found))


def _remove(session: Session, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        session.execute(sa.delete(RollupCount).where(RollupCount.broadcast_id.in_(some)))
        session.execute(sa.delete(RollupBroadcast).where(RollupBroadcast.id.in_(some)))


def _insert(session: Session, row: RollupBundle, bundle: Bundle, told: Mapping[str, Told]) -> None:
    made = {
        occ: RollupBroadcast(
            station_id=row.station_id, bundle_id=row.id, occ=occ, starts_at=each.starts_at,
            day=local(each.starts_at, bundle.zone).date(), priority=each.priority, drill=each.drill,
            heard=each.heard, unheard=each.unheard,
        )
        for occ, each in told.items()
    }  # fmt: skip
    session.add_all(made.values())
    session.flush()
    counts = [
        {
            "broadcast_id": made[occ].id, "area_name": area, "state": state, "deliveries": sums.deliveries,
            "asked_ms": sums.asked_ms, "played_ms": sums.played_ms, "timed": sums.timed,
        }
        for occ, each in told.items()
        for (area, state), sums in each.sums.items()
    ]  # fmt: skip
    if counts:  # all at once: meanwhile nobody else writes
        session.execute(sa.insert(RollupCount), counts)
