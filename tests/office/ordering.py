"""What staff order: schedules, single days of them, programmes, campaigns."""

from __future__ import annotations

from datetime import date, timedelta

from loa.staff import Staff
from loa.times import DAY, MINUTE, after, local
from scheduler import campaigns, one_day, programme_acts, programme_days, recurrence, schedules
from scheduler.campaign_orders import Line as Message
from scheduler.campaign_orders import Order as CampaignOrder
from scheduler.campaign_tables import Campaign, Per, Target
from scheduler.exceptions import Kind as OneDayKind
from scheduler.exceptions import Otherwise, ScheduleException
from scheduler.programme_checks import Line, Order
from scheduler.programme_tables import ItemKind, Programme
from scheduler.schedules import Kind, Rule, Schedule
from tests.cast import ZONE
from tests.office.office import SLOTS, Act, Office

RULE_TEXTS = (
    "", "", "FREQ=DAILY", "FREQ=DAILY", "FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", "FREQ=WEEKLY;BYDAY=MO,TH",
    "FREQ=WEEKLY;BYDAY=SA,SU", "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=14,15",
)  # fmt: skip
NOT_ON = ((), (), ("weekend",), ("mourning",))


def _rule(office: Office, staff: Staff, minutes: int) -> Rule:
    dice, where, text = office.dice, office.where(staff), office.dice.choice(RULE_TEXTS)
    return Rule(
        kind=Kind.OTHER if text else Kind.ONCE, recurs=text, at=office.clock(), start_date=office.day(1),
        area_ids=where.area_ids, group_ids=where.group_ids, except_ids=where.except_ids, skips=dice.choice(NOT_ON),
        minutes=minutes, resumes=office.maybe(0.3),
    )  # fmt: skip


# -- schedules ------------------------------------------------------------------------------------


def schedule(office: Office) -> None:
    staff, said = office.person(), office.bulletin()
    minutes = office.dice.choice((0, 1, 4)) if said.relay else 0
    made = schedules.add(
        office.session, said, staff, _rule(office, staff, minutes), now=office.now, zone=ZONE, waived_why=office.why()
    )  # fmt: skip
    office.say(
        "schedule",
        made.id,
        made.rule,
        made.at,
        made.start_date,
        made.where,
        said.title,
        made.waived,
    )


def at_once(office: Office) -> None:
    staff = office.person()
    where = office.where(staff)
    schedules.broadcast_now(
        office.session, office.bulletin(), staff, where.area_ids, now=office.now, zone=ZONE,
        group_ids=where.group_ids, except_ids=where.except_ids, waived_why=office.why(),
    )  # fmt: skip


def change(office: Office) -> None:
    chosen, staff = office.row(Schedule, Schedule.ended_at.is_(None)), office.person()
    minutes = office.dice.choice((0, 3)) if chosen.bulletin.relay else 0
    rule = _rule(office, staff, minutes)
    schedules.change(
        office.session, chosen, staff, rule, now=office.now, zone=ZONE, waived_why=office.why()
    )
    office.say("schedule", chosen.id, chosen.rule, chosen.at, chosen.where, chosen.waived)


def end(office: Office) -> None:
    chosen = office.row(Schedule, Schedule.ended_at.is_(None))
    schedules.end(office.session, chosen, office.person(), office.now)
    office.say("schedule", chosen.id)


# -- single days ----------------------------------------------------------------------------------


def _otherwise(office: Office, ahead: list[date]) -> Otherwise:
    return Otherwise(
        day=office.dice.choice(ahead or [office.today]), kind=office.dice.choice(list(OneDayKind)),
        to_day=office.day(), to_time=office.clock() if office.maybe(0.8) else None,
        bulletin_id=office.bulletin().id,
    )  # fmt: skip


def one_day_otherwise(office: Office) -> None:
    chosen = office.row(Schedule, Schedule.ended_at.is_(None))
    coming = schedules.occurrences(chosen, office.now, after(office.now, 4 * DAY), ZONE)
    wanted = _otherwise(office, [local(each, ZONE).date() for each in coming])
    one_day.make(
        office.session, chosen, office.person(), wanted, now=office.now, zone=ZONE, waived_why=office.why()
    )  # fmt: skip
    office.say("schedule", chosen.id, wanted)


def day_put_back(office: Office) -> None:
    said = office.row(
        ScheduleException, ScheduleException.withdrawn_at.is_(None), ScheduleException.schedule_id.is_not(None)
    )  # fmt: skip
    chosen = schedules.get(office.session, said.schedule_id or 0)
    one_day.undo(
        office.session, chosen, said, office.person(), now=office.now, zone=ZONE, waived_why=office.why()
    )  # fmt: skip
    office.say("schedule", chosen.id, said.day)


# -- programmes -----------------------------------------------------------------------------------


def _order(office: Office, staff: Staff) -> Order:
    chosen = [office.bulletin() for _ in range(office.dice.randint(1, 3))]
    lines = [
        Line(kind=ItemKind.BULLETIN, bulletin_id=each.id, ms=MINUTE if each.relay else 0)
        for each in chosen
    ]
    lines.insert(office.dice.randint(0, len(lines)), Line(kind=ItemKind.FILL, ms=MINUTE))
    is_own = office.maybe(0.3)
    return Order(
        name="Chương trình", slot=None if is_own else office.dice.choice(SLOTS).key, at=office.clock(),
        minutes=office.dice.randint(2, 9), rule=office.dice.choice(RULE_TEXTS[1:6]) or recurrence.ONCE,
        start_date=office.day(1), where=office.where(staff), lines=tuple(lines), skips=office.dice.choice(NOT_ON),
    )  # fmt: skip


def programme(office: Office) -> None:
    staff = office.person()
    order = _order(office, staff)
    made = programme_acts.add(
        office.session, staff, order, now=office.now, zone=ZONE, waived_why=office.why()
    )
    office.say("programme", made.id, order)


def programme_change(office: Office) -> None:
    chosen, staff = office.row(Programme, Programme.ended_at.is_(None)), office.person()
    order = _order(office, staff)
    programme_acts.change(
        office.session, chosen, staff, order, now=office.now, zone=ZONE, waived_why=office.why()
    )
    office.say("programme", chosen.id, order)


def programme_end(office: Office) -> None:
    chosen = office.row(Programme, Programme.ended_at.is_(None))
    programme_acts.end(office.session, chosen, office.person(), office.now)
    office.say("programme", chosen.id)


def programme_otherwise(office: Office) -> None:
    chosen = office.row(Programme, Programme.ended_at.is_(None))
    first = max(chosen.start_date, office.today)
    wanted = _otherwise(office, [first, first + timedelta(days=1)])
    programme_days.except_day(
        office.session, chosen, office.person(), wanted, now=office.now, zone=ZONE, waived_why=office.why()
    )  # fmt: skip
    office.say("programme", chosen.id, wanted)


def programme_put_back(office: Office) -> None:
    said = office.row(
        ScheduleException, ScheduleException.withdrawn_at.is_(None), ScheduleException.programme_id.is_not(None)
    )  # fmt: skip
    chosen = office.session.get_one(Programme, said.programme_id)
    programme_days.restore_day(
        office.session, chosen, office.person(), said, now=office.now, zone=ZONE, waived_why=office.why()
    )  # fmt: skip
    office.say("programme", chosen.id, said.day)


# -- campaigns ------------------------------------------------------------------------------------


def _campaign(office: Office, staff: Staff) -> CampaignOrder:
    first, dice = office.day(1), office.dice
    return CampaignOrder(
        name="Chiến dịch", start_date=first, end_date=first + timedelta(days=dice.randint(1, 5)),
        where=office.where(staff), weight=dice.randint(1, 3),
        target=Target(number=dice.randint(1, 4), per=dice.choice((Per.DAY, Per.TOTAL))),
        lines=(Message(bulletin_id=office.bulletin().id),),
    )  # fmt: skip


def campaign(office: Office) -> None:
    staff = office.person()
    made = campaigns.add(office.session, _campaign(office, staff), staff, office.now, ZONE)
    office.say("campaign", made.id, made.messages[0].bulletin.title, made.where)


def campaign_change(office: Office) -> None:
    chosen, staff = office.row(Campaign, Campaign.ended_at.is_(None)), office.person()
    campaigns.change(office.session, chosen, _campaign(office, staff), staff, office.now, ZONE)
    office.say("campaign", chosen.id)


def campaign_held(office: Office) -> None:
    """Paused, resumed or ended."""
    chosen = office.row(Campaign, Campaign.ended_at.is_(None))
    act = office.dice.choice((campaigns.pause, campaigns.resume, campaigns.end))
    act(office.session, chosen, office.person(), office.now)
    office.say("campaign", chosen.id, act.__name__)


ORDERING: dict[Act, int] = {
    schedule: 14, at_once: 2, change: 4, end: 1, one_day_otherwise: 6, day_put_back: 4, programme: 4,
    programme_change: 2, programme_end: 1, programme_otherwise: 3, programme_put_back: 2, campaign: 3,
    campaign_change: 1, campaign_held: 1,
}  # fmt: skip
