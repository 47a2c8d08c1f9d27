"""Minh is from the province, Hoa from commune A, Lan from commune B: who schedules where, what a commune may say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Draft, Priority
from content.parts import spoken
from devices import areas, groups
from devices.areas import Area
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import LoaError, NotAllowed, NotFound, ScheduleError
from loa.staff import Role
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, local
from scheduler import (
    alert_consent,
    alert_orders,
    amending,
    broadcasts,
    campaigns,
    conflicts,
    context,
    day_plan,
    declining,
    explaining,
    from_above,
    level_acts,
    level_early,
    levels,
    one_day,
    planner,
    programme_acts,
    regulation,
    schedules,
)
from scheduler.admission import Asked
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState, State
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.exceptions import Otherwise
from scheduler.level_views import View
from scheduler.levels import AreaDecision, Said
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.sources import Rules
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, add_receiver, approve, approved_bulletin, settle_in

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=60 * SECOND)
FIVE = after(NOON, 5 * HOUR)
D = DeliveryState


@dataclass
class Province:
    """Commune A (the cast's, Hoa's) with three receivers, commune B (Lan's) with two."""

    session: Session
    cast: Cast
    root: Area
    a: Area
    b: Area

    def schedule(
        self, staff, *where: Area, at: Instant = FIVE, priority: Priority = Priority.NORMAL, title: str = "Tin",
        ms: int = 60_000,
    ) -> Broadcast:  # fmt: skip
        """A bulletin of that person's, scheduled once and planned."""
        said = approved_bulletin(self.session, self.cast, title=title, priority=priority, ms=ms)
        schedule = self.order(said, staff, *where, at=at)
        self.plan()
        return self.session.scalars(
            sa.select(Broadcast).where(Broadcast.schedule_id == schedule.id)
        ).one()

    def order(self, said, staff, *where: Area, at: Instant = FIVE) -> Schedule:
        moment = local(at, ZONE)
        rule = Rule(
            kind=Kind.ONCE, at=moment.time(), start_date=moment.date(),
            area_ids=tuple(area.id for area in where),
        )  # fmt: skip
        return schedules.add(self.session, said, staff, rule, now=NOON, zone=ZONE)

    def plan(self, now: Instant = NOON) -> None:
        # Twice: what changes about one broadcast may matter to another.
        planner.plan(self.session, now, RULES)
        planner.plan(self.session, now, RULES)

    def deliveries(self, broadcast: Broadcast) -> dict[str, Delivery]:
        found = sa.select(Delivery).where(Delivery.broadcast_id == broadcast.id)
        return {each.receiver_id: each for each in self.session.scalars(found)}

    def heard(self, broadcast: Broadcast) -> set[str]:
        """Receivers whose plans have it."""
        return {
            rid
            for rid, each in self.deliveries(broadcast).items()
            if each.dropped_at is None and each.state is not D.CANCELLED
        }


A = {"r-0000", "r-0001", "r-0002"}
B = {"ban-1", "ban-2"}


@pytest.fixture
def here(database: Database) -> Province:
    with database.write() as session:
        cast = settle_in(session)
        regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
        root = areas.add(session, name="Biển", level="tỉnh", now=NOON, by="test")
        b = areas.add(session, name="Bạn", level="xã", parent=root, now=NOON, by="test")
        village = areas.add(session, name="Trại", level="thôn", parent=b, now=NOON, by="test")
        cast.commune.parent_id = root.id
        for rid in sorted(B):
            add_receiver(session, cast, rid, village)
        cast.hoa.area_id, cast.lan.area_id = cast.commune.id, b.id
        cast.lan.role = Role.EDITOR
        session.flush()
        yield Province(session, cast, root, cast.commune, b)


# -- who schedules where --------------------------------------------------------------------------


def test_it_lets_each_schedule_for_the_own_area_and_below(here: Province) -> None:
    cast = here.cast
    assert here.heard(here.schedule(cast.hoa, here.a)) == A
    assert here.heard(here.schedule(cast.hoa, cast.villages[0])) == {"r-0000"}
    assert here.heard(here.schedule(cast.lan, here.b)) == B
    assert here.heard(here.schedule(cast.minh, here.a, here.b)) == A | B
    assert here.heard(here.schedule(cast.minh, here.root)) == A | B


def test_it_names_the_area_a_person_may_not_choose(here: Province) -> None:
    said = approved_bulletin(here.session, here.cast)
    for place, name in ((here.b, "xã Bạn"), (here.root, "tỉnh Biển")):
        with pytest.raises(ScheduleError, match=f"không đặt phát ở {name} được") as caught:
            here.order(said, here.cast.hoa, here.a, place)
        assert caught.value.field == "area_ids"
        assert "Hãy chọn địa bàn trong xã Mẫu" in caught.value.sentence


def test_a_group_with_a_receiver_elsewhere_is_refused_by_name(here: Province) -> None:
    mixed = groups.add(here.session, "Trường", ["r-0000", "ban-1"], now=NOON, by="test")
    own = groups.add(here.session, "Chợ", ["r-0000"], now=NOON, by="test")
    levels.demand_within(here.session, here.cast.hoa, Where(group_ids=(own.id,)))
    with pytest.raises(ScheduleError, match="đầu thu Cột ban-1") as caught:
        levels.demand_within(here.session, here.cast.hoa, Where(group_ids=(mixed.id,)))
    assert caught.value.field == "group_ids"
    levels.demand_within(
        here.session, here.cast.hoa, Where(group_ids=(mixed.id,), except_ids=("ban-1",))
    )
    levels.demand_within(here.session, here.cast.minh, Where(group_ids=(mixed.id,)))


def test_every_door_keeps_to_the_area(here: Province) -> None:
    session, hoa = here.session, here.cast.hoa
    said = approved_bulletin(session, here.cast)
    alarm = approved_bulletin(session, here.cast, priority=Priority.EMERGENCY)
    b = Where((here.b.id,))
    day = date(2026, 11, 22)
    running = Order(
        name="Sáng", at=time(6), minutes=15, rule="FREQ=DAILY", start_date=day, where=b,
        lines=(Line(ItemKind.BULLETIN, said.id),),
    )  # fmt: skip
    drive = campaigns.Order(
        name="Tiêm chủng", start_date=day, end_date=date(2026, 11, 30), where=b,
        target=campaigns.Target(number=20), lines=(campaigns.Line(bulletin_id=said.id),),
    )  # fmt: skip
    order = alert_orders.Order(where=b, expires_at=after(NOON, HOUR), bulletin=alarm)
    doors = (
        lambda: schedules.broadcast_now(session, said, hoa, [here.b.id], now=NOON, zone=ZONE),
        lambda: programme_acts.add(session, hoa, running, now=NOON, zone=ZONE),
        lambda: campaigns.add(session, drive, hoa, NOON, ZONE),
        lambda: alert_orders.prepare(session, hoa, order, NOON, ZONE),
    )
    for door in doors:
        with pytest.raises(ScheduleError, match="xã Bạn") as caught:
            door()
        assert caught.value.field == "area_ids"


def test_what_was_set_above_is_not_changed_or_stopped_below(here: Province) -> None:
    session, hoa, minh = here.session, here.cast.hoa, here.cast.minh
    row = here.schedule(minh, here.a)
    schedule = row.schedule
    rule = Rule(kind=Kind.ONCE, at=time(18), start_date=date(2026, 11, 21), area_ids=(here.a.id,))
    skip = Otherwise(day=date(2026, 11, 21), kind=ExceptionKind.SKIP)
    hoa.role = Role.OPERATOR
    for act in (
        lambda: schedules.change(session, schedule, hoa, rule, now=NOON, zone=ZONE),
        lambda: schedules.end(session, schedule, hoa, NOON),
        lambda: one_day.make(session, schedule, hoa, skip, now=NOON, zone=ZONE),
        lambda: broadcasts.stop(session, row, hoa, NOON),
    ):
        with pytest.raises(NotAllowed, match="cấp trên hoặc địa bàn khác đặt"):
            act()
    own = here.schedule(hoa, here.a, at=after(NOON, 5 * MINUTE))
    soon = here.schedule(minh, here.a, at=after(NOON, 8 * MINUTE))
    assert broadcasts.stop_all(session, hoa, NOON) == 1
    assert own.stop_requested_at == NOON
    assert soon.stop_requested_at is None
    broadcasts.stop(session, soon, minh, NOON)
    assert soon.stop_requested_at == NOON


def test_whoever_is_above_ends_what_is_set_below(here: Province) -> None:
    row = here.schedule(here.cast.hoa, here.a)
    schedules.end(here.session, row.schedule, here.cast.minh, NOON)
    assert row.schedule.ended_at == NOON


def test_days_of_the_whole_station_are_not_for_one_area(here: Province) -> None:
    marking = amending.Marking(
        first=date(2026, 11, 25), last=date(2026, 11, 25), kind="holiday", name="Lễ"
    )
    with pytest.raises(NotAllowed, match="chỉ làm việc cho xã Mẫu"):
        amending.mark(here.session, here.cast.hoa, marking, NOON, RULES)


def test_an_emergency_from_above_is_agreed_to_and_ended_above(here: Province) -> None:
    session, cast = here.session, here.cast
    alarm = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    order = alert_orders.Order(
        where=Where((here.root.id,)), expires_at=after(NOON, HOUR), bulletin=alarm
    )
    cast.admin.area_id = None
    flood = alert_orders.prepare(session, cast.admin, order, NOON, ZONE)
    cast.hoa.role = Role.APPROVER
    with pytest.raises(NotAllowed):
        alert_consent.agree(session, flood, cast.hoa, alarm.sounds.values(), NOON, ZONE)
    alert_consent.agree(session, flood, cast.minh, alarm.sounds.values(), NOON, ZONE)
    here.plan()
    with pytest.raises(NotAllowed):
        alert_orders.end(session, flood, cast.hoa, "ồn", NOON)
    row = session.scalars(sa.select(Broadcast).where(Broadcast.alert_id == flood.id)).one()
    with pytest.raises(ScheduleError, match="Lượt khẩn cấp từ cấp trên phát ngay"):
        level_acts.decline(session, row, cast.hoa, "ồn", NOON)
    assert here.heard(row) == A | B


def test_a_person_sees_what_touches_the_own_area(here: Province) -> None:
    cast = here.cast
    rows = {
        "Hoa": here.schedule(cast.hoa, here.a),
        "Lan": here.schedule(cast.lan, here.b),
        "Tỉnh": here.schedule(cast.minh, here.root),
    }

    def seen(person) -> list[str]:
        shown = View(here.session, person).broadcasts(list(rows.values()))
        return [name for name, row in rows.items() if row in shown]

    assert seen(cast.hoa) == ["Hoa", "Tỉnh"]
    assert seen(cast.lan) == ["Lan", "Tỉnh"]
    assert seen(cast.minh) == ["Hoa", "Lan", "Tỉnh"]
    view = View(here.session, cast.hoa)
    assert len(view.sources(schedules.listing(here.session))) == 2
    assert view.shows_receiver("r-0000")
    assert not view.shows_receiver("ban-1")
    assert view.tallies([rows["Tỉnh"].id])[rows["Tỉnh"].id].total == 3


# -- declining ------------------------------------------------------------------------------------


def test_a_declined_one_is_dropped_here_and_plays_elsewhere(here: Province) -> None:
    session, hoa = here.session, here.cast.hoa
    row = here.schedule(here.cast.minh, here.root)
    assert here.heard(row) == A | B
    said = level_acts.decline(session, row, hoa, "Trùng lễ hội của xã", NOON)
    here.plan()
    assert here.heard(row) == B
    here_ = here.deliveries(row)["r-0000"]
    assert (here_.state, here_.reason) == (D.CANCELLED, "declined")
    assert level_acts.decline(session, row, hoa, "lần nữa", NOON) is said

    level_acts.withdraw(session, said, hoa, after(NOON, MINUTE))
    here.plan(after(NOON, MINUTE))
    assert here.heard(row) == A | B
    kinds = session.scalars(sa.select(AuditEntry.kind).where(AuditEntry.kind.like("level.%")))
    assert list(kinds) == ["level.decline", "level.withdraw"]


def test_a_new_receiver_of_the_area_does_not_get_what_was_declined(here: Province) -> None:
    row = here.schedule(here.cast.minh, here.root)
    level_acts.decline(here.session, row, here.cast.hoa, "Lễ hội", NOON)
    add_receiver(here.session, here.cast, "r-0003", here.cast.villages[0])
    here.plan()
    assert here.heard(row) == B


def test_one_that_only_the_area_would_hear_says_why_it_is_not(here: Province) -> None:
    session, hoa = here.session, here.cast.hoa
    row = here.schedule(here.cast.minh, here.a)
    said = level_acts.decline(session, row, hoa, "Lễ hội", NOON)
    here.plan()
    assert (row.state, row.reason) == (State.CANCELLED, declining.NOBODY)
    assert [each.decision for each in look(here).coming] == [said]
    level_acts.withdraw(session, said, hoa, NOON)
    here.plan()
    assert (row.state, row.reason) == (State.PLANNED, None)
    assert here.heard(row) == A


def test_why_says_who_declined_it(here: Province) -> None:
    row = here.schedule(here.cast.minh, here.root)
    level_acts.decline(here.session, row, here.cast.hoa, "Lễ hội", NOON)
    here.plan()
    later = after(NOON, HOUR)
    told = explaining.at(here.session, "r-0000", FIVE, later, RULES)
    assert [one.sound.title for one in told.aside] == ["Tin"]
    sentences = [reason.sentence for reason in told.aside[0].reasons]
    assert "Hoa quyết định không nhận lượt này: Lễ hội." in sentences
    assert not [each for each in sentences if "không còn thuộc nơi phát" in each]
    elsewhere = explaining.at(here.session, "ban-1", FIVE, later, RULES)
    assert [one.sound.title for one in elsewhere.sounding] == ["Tin"]
    assert "Hoa" not in str(elsewhere.sounding[0].reasons)


def test_plan_of_the_day_leaves_it_out_there(here: Province) -> None:
    row = here.schedule(here.cast.minh, here.root)
    level_acts.decline(here.session, row, here.cast.hoa, "Lễ hội", NOON)
    here.plan()
    found = context.read(here.session, RULES)
    both = after(NOON, HOUR), after(NOON, 6 * HOUR)
    assert not day_plan.lines(here.session, found, A, *both, NOON)
    (line,) = day_plan.lines(here.session, found, A | B, *both, NOON)
    assert line.receivers == 2


def test_its_minutes_are_free_again_in_that_area(here: Province) -> None:
    session, cast = here.session, here.cast
    row = here.schedule(cast.minh, here.root, ms=10 * MINUTE)

    def clashes() -> bool:
        found, _ = conflicts.check(session, conflicts_asked(here), RULES)
        return not found.is_clear

    assert clashes()
    level_acts.decline(session, row, cast.hoa, "Lễ hội", NOON)
    assert not clashes()


def conflicts_asked(here: Province) -> Asked:
    return Asked(
        title="Xã", priority=Priority.NORMAL, where=Where((here.a.id,)), moments=[after(FIVE, MINUTE)], ms=30_000,
        kind="schedule",
    )  # fmt: skip


def test_it_stays_declined_where_it_is_moved_within_the_hour(here: Province) -> None:
    session, cast = here.session, here.cast
    row = here.schedule(cast.minh, here.root)
    level_acts.decline(session, row, cast.hoa, "Lễ hội", NOON)
    here.plan()
    rule = Rule(
        kind=Kind.ONCE, at=time(17, 10), start_date=date(2026, 11, 21), area_ids=(here.root.id,)
    )
    schedules.change(session, row.schedule, cast.minh, rule, now=NOON, zone=ZONE)
    here.plan()
    again = session.scalars(sa.select(Broadcast).where(Broadcast.stop_requested_at.is_(None))).one()
    assert local(again.starts_at, ZONE).time() == time(17, 10)
    assert here.heard(again) == B
    (said,) = (each.decision for each in look(here).coming)
    assert (said.broadcast_id, said.reason, said.staff_id) == (again.id, "Lễ hội", cast.hoa.id)


@pytest.mark.parametrize(
    ("reason", "sentence"), [(" ", "Hãy ghi lý do"), ("x" * 301, "trong 300 chữ")]
)
def test_a_reason_is_asked_for(here: Province, reason: str, sentence: str) -> None:
    row = here.schedule(here.cast.minh, here.root)
    with pytest.raises(ScheduleError, match=sentence) as caught:
        level_acts.decline(here.session, row, here.cast.hoa, reason, NOON)
    assert caught.value.field == "reason"


def test_a_priority_one_cannot_be_declined(here: Province) -> None:
    row = here.schedule(here.cast.minh, here.root, priority=Priority.PRIORITY)
    with pytest.raises(ScheduleError, match="ưu tiên từ cấp trên không từ chối được"):
        level_acts.decline(here.session, row, here.cast.hoa, "Lễ hội", NOON)
    assert here.heard(row) == A | B


def test_what_becomes_urgent_sounds_whatever_was_said(here: Province) -> None:
    session, cast = here.session, here.cast
    row = here.schedule(cast.minh, here.root)
    level_acts.decline(session, row, cast.hoa, "Lễ hội", NOON)
    here.plan()
    assert here.heard(row) == B
    bulletin = bulletins.get(session, row.bulletin_id)
    urgent = Draft(title="Tin", parts=spoken("Lũ về, sơ tán ngay."), priority=Priority.EMERGENCY)
    bulletins.edit(session, bulletin, cast.hoa, urgent, NOON)
    approve(session, cast, bulletin)
    here.plan()
    assert here.heard(row) == A | B


def test_not_everything_may_be_declined(here: Province) -> None:
    session, cast = here.session, here.cast
    own = here.schedule(cast.hoa, here.a)
    other = here.schedule(cast.minh, here.b)
    above = here.schedule(cast.minh, here.a)
    for row in (own, other):
        with pytest.raises(NotFound):
            level_acts.decline(session, row, cast.hoa, "Lễ hội", NOON)
    with pytest.raises(ScheduleError, match="đã đến giờ phát"):
        level_acts.decline(session, above, cast.hoa, "Lễ hội", above.starts_at)
    with pytest.raises(NotAllowed, match="làm việc cho cả đài"):
        level_acts.decline(session, above, cast.minh, "Lễ hội", NOON)
    cast.hoa.role = Role.VIEWER
    with pytest.raises(NotAllowed, match="không có quyền đặt lịch phát"):
        level_acts.decline(session, above, cast.hoa, "Lễ hội", NOON)
    assert not session.scalars(sa.select(AreaDecision)).all()


def test_only_the_area_takes_it_back_and_in_time(here: Province) -> None:
    session, cast = here.session, here.cast
    row = here.schedule(cast.minh, here.root)
    said = level_acts.decline(session, row, cast.hoa, "Lễ hội", NOON)
    with pytest.raises(NotAllowed):
        level_acts.withdraw(session, said, cast.lan, NOON)
    with pytest.raises(ScheduleError, match="Đã đến giờ phát"):
        level_acts.withdraw(session, said, cast.hoa, FIVE)
    assert said.withdrawn_at is None


# -- decided before it is planned -----------------------------------------------------------------

FAR = after(FIVE, 5 * DAY)


def forward(here: Province, name: str, now: Instant = NOON) -> Broadcast:
    return level_early.bring_forward(here.session, name, here.cast.hoa, now, RULES)


def test_what_is_days_ahead_may_be_declined_now(here: Province) -> None:
    session, cast = here.session, here.cast
    here.order(approved_bulletin(session, cast), cast.minh, here.root, at=FAR)
    here.plan()
    (ahead,) = look(here).coming
    assert (ahead.sound.broadcast_id, ahead.may_be_early, ahead.may_be_declined) == (
        None,
        True,
        False,
    )
    row = forward(here, ahead.name)
    level_acts.decline(session, row, cast.hoa, "Lễ hội", NOON)
    for now in (NOON, after(NOON, DAY), after(NOON, 4 * DAY)):
        here.plan(now)
        assert session.scalars(sa.select(Broadcast)).all() == [row], "made once, and kept"
        assert (here.heard(row), row.code) == (B, None)


def test_what_its_source_no_longer_wants_is_taken_back_in_its_time(here: Province) -> None:
    session, cast = here.session, here.cast
    schedule = here.order(approved_bulletin(session, cast), cast.minh, here.root, at=FAR)
    here.plan()
    row = forward(here, look(here).coming[0].name)
    moment = local(FAR, ZONE)
    later = Rule(
        kind=Kind.ONCE, at=time(9), start_date=moment.date(), area_ids=(here.root.id,)
    )  # fmt: skip
    schedules.change(session, schedule, cast.minh, later, now=NOON, zone=ZONE)
    here.plan()
    assert [each.sound.starts_at for each in look(here).coming] == [after(FAR, -8 * HOUR)]
    here.plan(after(NOON, 4 * DAY))
    assert row.code == "changed"


def test_two_that_will_meet_days_ahead_may_be_put_in_order_now(here: Province) -> None:
    session, cast = here.session, here.cast
    said = [
        approved_bulletin(session, cast, title=title, ms=10 * MINUTE, priority=Priority.PRIORITY)
        for title in ("Tỉnh", "Xã")
    ]
    here.order(said[0], cast.minh, here.root, at=FAR)
    here.plan()
    (ahead,) = look(here).coming
    assert not ahead.may_be_early, "it meets nothing: there is nothing to decide"
    here.order(said[1], cast.hoa, here.a, at=after(FAR, 5 * MINUTE))
    here.plan()
    (ahead,) = look(here).coming
    assert [each.title for each in ahead.meets] == ["Xã"]
    above = forward(here, ahead.name)
    here.plan()
    (asked,) = look(here).meetings
    own = session.get_one(Broadcast, asked.own.broadcast_id)
    put(here, own, above, again=False)
    here.plan(after(NOON, 4 * DAY))
    assert (here.heard(above), here.heard(own)) == (B, A)
    assert not from_above.undecided(session, here.a.id, after(NOON, 4 * DAY), RULES)


def test_what_does_not_come_to_the_area_is_brought_forward_by_nobody(here: Province) -> None:
    session, cast = here.session, here.cast
    here.order(approved_bulletin(session, cast), cast.minh, here.b, at=FAR)
    here.plan()
    (elsewhere,) = from_above.look(session, here.b.id, NOON, RULES).coming
    for name in (elsewhere.name, "schedule_id-99-1-1-0", ""):
        with pytest.raises(NotFound):
            forward(here, name)
    assert session.scalars(sa.select(Broadcast)).all() == []


# -- the order of two -----------------------------------------------------------------------------


def look(here: Province) -> from_above.Page:
    return from_above.look(here.session, here.a.id, NOON, RULES)


@pytest.fixture
def meeting(here: Province) -> tuple[Broadcast, Broadcast]:
    """The province speaks for ten minutes from 17:00, commune A for one from 17:05."""
    urgent = {"priority": Priority.PRIORITY}
    above = here.schedule(here.cast.minh, here.root, title="Tỉnh", ms=10 * MINUTE, **urgent)
    own = here.schedule(here.cast.hoa, here.a, at=after(FIVE, 5 * MINUTE), title="Xã", **urgent)
    return above, own


def put(here: Province, first: Broadcast, other: Broadcast, **more):
    return level_acts.put_first(
        here.session, first, other, here.cast.hoa, now=NOON, zone=ZONE, **more
    )


def test_two_that_meet_are_asked_about_with_the_usual_rule(here: Province, meeting) -> None:
    above, own = meeting
    (asked,) = from_above.undecided(here.session, here.a.id, NOON, RULES)
    assert (asked.above.broadcast_id, asked.own.broadcast_id) == (above.id, own.id)
    assert asked.receivers == 3
    assert asked.usual.title == "Tỉnh", "begins earlier"
    assert not from_above.undecided(here.session, here.b.id, NOON, RULES)
    assert [each.sound.title for each in look(here).coming] == ["Tỉnh"]


def test_the_own_one_first_and_the_other_right_after(here: Province, meeting) -> None:
    above, own = meeting
    done = put(here, own, above, reason="Họp dân")
    here.plan()
    assert here.heard(own) == A
    assert here.heard(above) == B, "the other commune is not concerned"
    dropped = here.deliveries(above)["r-0000"]
    assert (dropped.state, dropped.reason) == (D.CANCELLED, "order")
    again = here.session.scalars(
        sa.select(Broadcast).where(Broadcast.schedule_id == done.schedule.id)
    ).one()
    assert local(again.starts_at, ZONE).time() == time(17, 6, 3)
    assert (again.bulletin_id, here.heard(again)) == (above.bulletin_id, A)
    assert not from_above.undecided(here.session, here.a.id, NOON, RULES)
    assert look(here).meetings[0].first.title == "Xã"


def test_the_upper_one_first_and_the_own_right_after(here: Province, meeting) -> None:
    above, own = meeting
    done = put(here, above, own)
    here.plan()
    assert here.heard(above) == A | B
    assert here.heard(own) == set()
    assert (own.state, own.reason) == (State.CANCELLED, declining.NOBODY)
    assert done.schedule.at == time(17, 10, 3)
    assert look(here).meetings[0].first.title == "Tỉnh"


def test_who_gives_way_may_simply_not_be_heard(here: Province, meeting) -> None:
    above, own = meeting
    done = put(here, own, above, again=False)
    assert (done.schedule, done.refusal) == (None, "")
    here.plan()
    assert here.heard(above) == B


def test_where_it_cannot_follow_it_is_dropped_and_says_why(here: Province, meeting) -> None:
    above, own = meeting
    slot = Slot(key="chieu", name="Chiều", start="17:00", minutes=12)
    _rule(here, Rulebook(slots=(slot,)))
    done = put(here, own, above)
    assert done.schedule is None
    assert "quá khung giờ “Chiều”" in done.refusal
    here.plan()
    assert here.heard(above) == B


def test_what_gives_way_is_not_counted_twice(here: Province, meeting) -> None:
    above, own = meeting
    _rule(here, Rulebook(most_minutes=12, too_long="refuse"))
    assert put(here, own, above).schedule is not None


def test_a_day_that_is_full_keeps_it_out(here: Province, meeting) -> None:
    above, own = meeting
    _rule(here, Rulebook(most_minutes=10, too_long="refuse"))
    done = put(here, own, above)
    assert done.schedule is None
    assert "10 phút mỗi ngày" in done.refusal


def _rule(here: Province, version: Rulebook) -> None:
    found = regulation.in_force(regulation.versions(here.session), NOON)
    found.rules = version
    here.session.flush()


def test_another_order_takes_the_place_of_the_first(here: Province, meeting) -> None:
    above, own = meeting
    before = put(here, own, above)
    put(here, above, own, again=False)
    here.plan()
    assert before.decision.withdrawn_at == NOON
    assert before.schedule.ended_at == NOON
    assert here.heard(above) == A | B
    assert here.heard(own) == set()
    standing = here.session.scalars(
        sa.select(AreaDecision).where(AreaDecision.withdrawn_at.is_(None))
    ).all()
    assert [(each.said, each.broadcast_id) for each in standing] == [(Said.FIRST, above.id)]


def test_taken_back_both_are_heard_by_the_usual_rule(here: Province, meeting) -> None:
    above, own = meeting
    done = put(here, own, above)
    here.plan()
    level_acts.withdraw(here.session, done.decision, here.cast.hoa, NOON)
    here.plan()
    assert here.heard(above) == A | B
    assert here.heard(own) == A
    again = sa.select(Broadcast).where(Broadcast.schedule_id == done.schedule.id)
    assert here.session.scalars(again).one().state is State.CANCELLED
    assert from_above.undecided(here.session, here.a.id, NOON, RULES)


def test_without_the_first_the_other_is_heard_at_its_own_time(here: Province, meeting) -> None:
    above, own = meeting
    put(here, own, above, again=False)
    here.plan()
    broadcasts.stop(here.session, own, here.cast.hoa, NOON)
    here.plan()
    assert here.heard(above) == A | B


def test_an_order_is_asked_for_anew_where_one_of_them_is_moved(here: Province, meeting) -> None:
    above, own = meeting
    done = put(here, own, above)
    here.plan()
    rule = Rule(
        kind=Kind.ONCE, at=time(17, 8), start_date=date(2026, 11, 21), area_ids=(here.a.id,)
    )
    schedules.change(here.session, own.schedule, here.cast.hoa, rule, now=NOON, zone=ZONE)
    here.plan()
    assert done.decision.withdrawn_at == NOON
    assert done.schedule.ended_at == NOON
    assert here.heard(above) == A | B
    assert len(from_above.undecided(here.session, here.a.id, NOON, RULES)) == 1


def test_it_gives_way_only_where_both_are_heard(here: Province) -> None:
    urgent = {"priority": Priority.PRIORITY}
    above = here.schedule(here.cast.minh, here.root, title="Tỉnh", ms=10 * MINUTE, **urgent)
    own = here.schedule(
        here.cast.hoa, here.cast.villages[0], at=after(FIVE, MINUTE), title="Thôn", **urgent
    )
    done = put(here, own, above)
    here.plan()
    assert here.heard(above) == (A | B) - {"r-0000"}
    assert set(done.schedule.where.except_ids) == {"r-0001", "r-0002"}


def test_why_says_who_put_it_first(here: Province, meeting) -> None:
    above, own = meeting
    put(here, own, above, reason="Họp dân")
    here.plan()
    told = explaining.at(here.session, "r-0000", after(FIVE, 5 * MINUTE), after(NOON, HOUR), RULES)
    assert [one.sound.title for one in told.sounding] == ["Xã"]
    assert "Hoa quyết định phát lượt này trước “Tỉnh”: Họp dân." in [
        reason.sentence for reason in told.sounding[0].reasons
    ]
    aside = [reason.sentence for one in told.aside for reason in one.reasons]
    assert (
        "Nhường “Xã”: Hoa quyết định lượt kia phát trước. Lượt này được xếp lại ngay sau đó."
        in aside
    )


@pytest.mark.parametrize("which", ["emergency", "normal", "apart", "both above"])
def test_there_is_not_always_an_order_to_choose(here: Province, which: str) -> None:
    P, cast = Priority.PRIORITY, here.cast
    above = here.schedule(
        cast.minh,
        here.root,
        ms=10 * MINUTE,
        priority=Priority.EMERGENCY if which == "emergency" else P,
    )
    own = here.schedule(
        cast.minh if which == "both above" else cast.hoa, here.a,
        at=after(FIVE, 11 * MINUTE if which == "apart" else MINUTE),
        priority=Priority.NORMAL if which == "normal" else P,
    )  # fmt: skip
    with pytest.raises(LoaError) as caught:
        put(here, own, above)
    expected = {"emergency": "khẩn cấp luôn phát ngay", "normal": "Chỉ hai lượt ưu tiên"}
    assert expected.get(which, "không còn gặp nhau") in caught.value.sentence
    assert not look(here).meetings


# -- for who is above -----------------------------------------------------------------------------


def test_the_province_sees_what_each_commune_said(here: Province, meeting) -> None:
    session, cast = here.session, here.cast
    row = here.schedule(cast.minh, here.root, at=after(FIVE, HOUR), title="Thường")
    level_acts.decline(session, row, cast.hoa, "Lễ hội", NOON)
    level_acts.decline(session, row, cast.lan, "Đám tang", after(NOON, MINUTE))
    put(here, meeting[1], meeting[0], again=False)
    told = from_above.told(session, cast.minh, after(NOON, HOUR))
    assert [(each.area.name, each.decision.said, each.decision.reason) for each in told] == [
        ("Bạn", Said.DECLINED, "Đám tang"),
        ("Mẫu", Said.FIRST, ""),
        ("Mẫu", Said.DECLINED, "Lễ hội"),
    ]
    assert from_above.told(session, cast.hoa, after(NOON, HOUR)) == []
    seen = {
        who.name: [each.area.name for each in from_above.of_broadcast(session, row.id, who)]
        for who in (cast.minh, cast.hoa, cast.lan)
    }
    assert seen == {"Minh": ["Bạn", "Mẫu"], "Hoa": ["Mẫu"], "Lan": ["Bạn"]}
