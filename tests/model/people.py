"""What staff do: schedule, warn, stop, correct, withdraw, set quiet hours, turn volumes, move and retire receivers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from content.parts import spoken
from devices import receivers
from devices.areas import Area
from devices.receivers import Receiver
from loa.errors import LoaError
from loa.staff import Staff
from loa.times import HOUR, MINUTE, SECOND, Instant, local
from scheduler import broadcasts, regulation, schedules
from scheduler.broadcasts import LIVE, Broadcast
from scheduler.regulation import QuietHours
from scheduler.schedules import Kind, Rule
from tests.cast import ZONE
from tests.model import scenery
from tests.model.desk import Desk
from tests.model.timeline import Timeline

COMMUNE = 1
VILLAGES = (2, 3)
EMERGENCY = 4
"""The bulletin that is one."""
Deed = Callable[[Session, Instant], None]


class People:
    """Each deed is one committed page of the station's own; what the station refuses is not done."""

    def __init__(self, time: Timeline, desk: Desk) -> None:
        self._time, self._desk = time, desk
        self._random = time.random("people")
        self._uids = 0
        self.last = 0
        """When the last of what was asked for is over."""

    def do(self, deed: Deed) -> None:
        """In a transaction of the web's process, whatever becomes of the station's."""
        ledger = self._desk.ledger
        try:
            with super(type(ledger), ledger).write() as session:
                deed(session, self._desk.now)
        except LoaError as refusal:
            self._time.note("refused to staff", type(refusal).__name__)
            return
        self._time.note(f"staff: {deed.__name__}")
        self._desk.changed()

    # -- deeds ------------------------------------------------------------------------------------

    def schedule(self, session: Session, now: Instant) -> None:
        """Once, soon, in the commune or one village."""
        at = self._time.now + self._random.randrange(12 * SECOND, 2 * MINUTE)
        self._add(session, now, self._random.randint(1, 3), Instant(at))

    def schedule_far(self, session: Session, now: Instant) -> None:
        """Hours ahead: still to come when everything else is over."""
        at = self._time.now + self._random.randrange(1 * HOUR, 6 * HOUR)
        self._add(session, now, self._random.randint(1, 3), Instant(at), far=True)

    def warn(self, session: Session, now: Instant) -> None:
        """An emergency, at once."""
        bulletin, hoa = session.get_one(Bulletin, EMERGENCY), self._staff(session, "minh")
        made = schedules.broadcast_now(session, bulletin, hoa, [COMMUNE], now=now, zone=ZONE)
        self._named(made)
        self._note_end(self._time.now + 10 * SECOND, bulletin)

    def _add(
        self, session: Session, now: Instant, number: int, at: Instant, *, far: bool = False
    ) -> None:
        moment = local(at, ZONE).replace(microsecond=0) + timedelta(seconds=1)
        area = self._random.choice((COMMUNE, COMMUNE, *VILLAGES))
        rule = Rule(kind=Kind.ONCE, at=moment.time(), start_date=moment.date(), area_ids=(area,))
        bulletin, hoa = session.get_one(Bulletin, number), self._staff(session, "hoa")
        self._named(schedules.add(session, bulletin, hoa, rule, now=now, zone=ZONE))
        if not far:
            self._note_end(at + SECOND, bulletin)

    def _named(self, schedule: schedules.Schedule) -> None:
        """Occurrences have names that a seed repeats, and that no restore makes come twice."""
        self._uids += 1
        schedule.uid = f"s{self._uids}"

    def _note_end(self, at: int, bulletin: Bulletin) -> None:
        self.last = max(self.last, at + scenery.length(bulletin.id - 1, 1))

    def stop(self, session: Session, now: Instant) -> None:
        """Silence one that sounds or is to come."""
        found = session.scalars(
            sa.select(Broadcast).where(Broadcast.state.in_(LIVE)).order_by(Broadcast.starts_at)
        ).all()
        if found:
            chosen = found[min(len(found) - 1, self._random.randrange(2))]
            broadcasts.stop(session, chosen, self._staff(session, "minh"), now)

    def stop_all(self, session: Session, now: Instant) -> None:
        broadcasts.stop_all(session, self._staff(session, "minh"), now)

    def end_schedule(self, session: Session, now: Instant) -> None:
        found = schedules.listing(session)
        if found:
            chosen = self._random.choice(found)
            schedules.end(session, chosen, self._staff(session, "hoa"), now)

    def withdraw(self, session: Session, now: Instant) -> None:
        bulletin = session.get_one(Bulletin, self._random.randint(1, 3))
        bulletins.withdraw(session, bulletin, self._staff(session, "minh"), now)

    def correct(self, session: Session, now: Instant) -> None:
        """Another text, another sound; sometimes approved at once, sometimes later."""
        bulletin = session.get_one(Bulletin, self._random.randint(1, 3))
        hoa = self._staff(session, "hoa")
        turn = bulletin.version % 2
        draft = msgspec.structs.replace(
            bulletin.draft, parts=spoken(f"Mời bà con, lần {bulletin.version}.")
        )
        if not bulletins.edit(session, bulletin, hoa, draft, now):
            return
        number, approved = bulletin.id, bulletin.version

        def approve(later: Session, when: Instant) -> None:
            found = later.get(Bulletin, number)
            if found is not None and found.version == approved and not found.sounds:
                staff = [self._staff(later, login) for login in ("minh", "duyet2")]
                writer = self._staff(later, "hoa")
                scenery.approve(later, found, turn, writer, staff, when)

        wait = self._random.choice((1_000, 5_000, 40_000))
        self._time.within(wait, lambda: self.do(approve))

    def set_quiet(self, session: Session, now: Instant) -> None:
        """Quiet hours that begin within minutes, or end."""
        begins = local(
            Instant(self._time.now + self._random.randrange(-2, 3) * MINUTE), ZONE
        ).replace(second=0, microsecond=0)
        ends = begins + timedelta(minutes=self._random.choice((2, 5, 300)))
        spans = [QuietHours(begins.time(), ends.time())] if self._random.random() < 0.7 else []
        regulation.set_quiet(session, self._staff(session, "quantri"), spans, now)

    def turn_volume(self, session: Session, now: Instant) -> None:
        self._change(session, now, volume=self._random.randint(0, 100))

    def move(self, session: Session, now: Instant) -> None:
        """To the other village."""
        self._change(session, now, area_id=self._random.choice(VILLAGES))

    def _change(
        self, session: Session, now: Instant, *, volume: int | None = None, area_id: int | None = None
    ) -> None:  # fmt: skip
        found = self._random.choice(receivers.listing(session))
        receivers.change(
            session, found, name=found.name, area=session.get_one(Area, area_id or found.area_id),
            volume=found.volume if volume is None else volume, households=100, lat=None, lon=None,
            now=now, by="quantri",
        )  # fmt: skip

    def retire(self, session: Session, now: Instant) -> None:
        active = receivers.listing(session)
        if len(active) > 1:
            receivers.retire(session, active[-1], now=now, by="quantri")

    def remove_others(self, count: int) -> Deed:
        """Only the first ``count`` receivers stand in this schedule's commune."""

        def furnish(session: Session, now: Instant) -> None:
            session.execute(sa.delete(Receiver).where(Receiver.id.in_(scenery.RIDS[count:])))

        return furnish

    def _staff(self, session: Session, login: str) -> Staff:
        return session.scalars(sa.select(Staff).where(Staff.login == login)).one()
