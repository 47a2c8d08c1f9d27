"""What officers decide of broadcasts that are planned: stop them, decline them, put them in order; and alarms."""

from __future__ import annotations

from itertools import combinations

import sqlalchemy as sa

from content.bulletins import Priority
from content.bulletins import State as BulletinState
from loa.times import HOUR, MINUTE, SECOND, after
from scheduler import alert_consent, alert_orders, broadcasts, declining, level_acts
from scheduler.alerts import Alert, State
from scheduler.broadcasts import Broadcast
from scheduler.levels import AreaDecision
from tests.cast import ZONE
from tests.office.office import Act, NothingThere, Office


def _ahead(office: Office, *which: sa.ColumnElement[bool]) -> list[Broadcast]:
    found = sa.select(Broadcast).where(
        Broadcast.starts_at > office.now, Broadcast.stop_requested_at.is_(None), *which
    )
    return list(office.session.scalars(found.order_by(Broadcast.id)))


def stop(office: Office) -> None:
    chosen = office.row(Broadcast, Broadcast.starts_at > after(office.now, -10 * MINUTE))
    broadcasts.stop(office.session, chosen, office.cast.minh, office.now)
    office.say(chosen.title, chosen.starts_at)


def stop_all(office: Office) -> None:
    broadcasts.stop_all(office.session, office.cast.minh, office.now)


def decline(office: Office) -> None:
    staff = office.one([office.cast.hoa, office.cast.lan])
    chosen = office.one(_ahead(office, Broadcast.by_area_id.is_(None)))
    level_acts.decline(office.session, chosen, staff, "Trùng lễ hội của xã.", office.now)
    office.say(staff.login, chosen.id, chosen.title, chosen.starts_at)


def _meet(one: Broadcast, two: Broadcast) -> bool:
    """Of two areas, and both to sound at one moment."""
    apart = declining.end(one) <= two.starts_at or declining.end(two) <= one.starts_at
    return one.by_area_id != two.by_area_id and not apart


def put_first(office: Office) -> None:
    """Of two priority ones that meet, either."""
    staff = office.one([office.cast.hoa, office.cast.lan])
    ahead = _ahead(office, Broadcast.priority == Priority.PRIORITY)
    met = [pair for pair in combinations(ahead, 2) if _meet(*pair)]
    first, other = office.dice.sample(office.one(met), 2)
    said = level_acts.put_first(
        office.session, first, other, staff, now=office.now, zone=ZONE, again=office.maybe(0.7)
    )
    office.say(staff.login, first.id, other.id, said.schedule and said.schedule.id, said.refusal)


def take_back(office: Office) -> None:
    said = office.row(AreaDecision, AreaDecision.withdrawn_at.is_(None))
    staff = office.cast.hoa if said.area_id == office.cast.commune.id else office.cast.lan
    level_acts.withdraw(office.session, said, staff, office.now)
    office.say(said.id)


# -- alarms ---------------------------------------------------------------------------------------


def alarm(office: Office) -> None:
    """Prepared by one and agreed to by another, at any hour; or a drill, which keeps the regulation."""
    dice, staff = office.dice, office.person()
    every = dice.choice((0, 5 * MINUTE, 30 * MINUTE))
    is_drill = office.maybe(0.3)
    words = {"title": "Lũ lên", "body": "Nước đang lên nhanh."}
    order = alert_orders.Order(
        where=office.where(staff), expires_at=after(office.now, dice.randint(1, 6) * HOUR), every_ms=every,
        times=dice.choice((0, 3)) if every else 0, drill=is_drill,
        **(words if is_drill else {"bulletin": office.emergency}),
    )  # fmt: skip
    made = alert_orders.prepare(office.session, staff, order, office.now, ZONE)
    office.say(made.id, order.where, every, is_drill)
    if not made.bulletin.sounds:
        office.record(made.bulletin, 25 * SECOND)
    if office.maybe(0.8):
        _agree(office, made)


def _agree(office: Office, made: Alert) -> None:
    for staff in (office.cast.minh, office.second):
        if made.state is State.WAITING and staff.id != made.staff_id:
            heard = made.bulletin.sounds.values()
            alert_consent.agree(office.session, made, staff, heard, office.now, ZONE)


def alarm_agreed(office: Office) -> None:
    _agree(office, office.row(Alert, Alert.state == State.WAITING))


def alarm_alone(office: Office) -> None:
    made = office.row(Alert, Alert.state == State.WAITING)
    heard = made.bulletin.sounds.values()
    alert_consent.sound_alone(office.session, made, office.second, heard, office.now, ZONE)


def alarm_ended(office: Office) -> None:
    made = office.row(Alert, Alert.state == State.ACTIVE)
    alert_orders.end(office.session, made, office.cast.minh, "Nước đã rút.", office.now)


def alarm_approved_again(office: Office) -> None:
    if office.emergency.state is BulletinState.APPROVED:
        raise NothingThere("it is")
    office.approve(office.emergency)


DECIDING: dict[Act, int] = {
    stop: 2, stop_all: 1, decline: 3, put_first: 4, take_back: 2, alarm: 3, alarm_agreed: 1, alarm_alone: 1,
    alarm_ended: 1, alarm_approved_again: 1,
}  # fmt: skip
