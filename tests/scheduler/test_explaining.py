"""Vì sao?: the chain of reasons for any minute at any receiver; the past from what was in force then."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Draft, Priority
from content.parts import spoken
from devices import remote
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import broadcasts, explaining, levels, one_day, planner, regulation, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.days import DayMark
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.exceptions import Otherwise
from scheduler.explaining import Answer, Verdict
from scheduler.levels import Said
from scheduler.rulebook import Cap, Rulebook, Slot
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.sources import Rules
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
TODAY = date(2026, 11, 21)
FIVE_PM = vn("2026-11-21 17:00")
LATER = after(NOON, 10 * DAY)
D = DeliveryState


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], after(NOON, -DAY))
    return settle_in(session)


def daily(
    session: Session, cast: Cast, at: time = time(17), *, ms: int = 2 * MINUTE,
    priority: Priority = Priority.NORMAL, title: str = "Tiêm chủng", **changes: object,
) -> Schedule:  # fmt: skip
    bulletin = approved_bulletin(session, cast, ms=ms, priority=priority, title=title)
    usual = {"kind": Kind.DAILY, "at": at, "start_date": TODAY, "area_ids": (cast.commune.id,)}
    return schedules.add(
        session, bulletin, cast.hoa, Rule(**(usual | changes)), now=NOON, zone=ZONE
    )


def planned(session: Session, now: Instant = NOON) -> list[Broadcast]:
    planner.plan(session, now, RULES)
    return list(session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at)))


def delivery(session: Session, broadcast: Broadcast, receiver_id: str = "r-0000") -> Delivery:
    found = sa.select(Delivery).where(
        Delivery.broadcast_id == broadcast.id, Delivery.receiver_id == receiver_id
    )
    return session.scalars(found).one()


def ask(session: Session, moment: Instant, now: Instant = NOON, receiver: str = "r-0000") -> Answer:
    return explaining.at(session, receiver, moment, now, RULES)


def said(answer: Answer, place: int = 0) -> str:
    return " ".join(reason.sentence for reason in answer.accounts[place].reasons)


def about(answer: Answer) -> str:
    return " ".join(reason.sentence for reason in answer.circumstances)


def test_what_is_planned_is_told_with_its_rule_and_who_answers_for_it(
    session: Session, cast: Cast
) -> None:
    schedule = daily(session, cast)
    (broadcast, _) = planned(session)
    answer = ask(session, FIVE_PM)
    (one,) = answer.sounding
    assert (one.verdict, one.sound.broadcast_id) == (Verdict.WILL, broadcast.id)
    assert "do Hoa đặt" in said(answer)
    assert "Minh duyệt" in said(answer)
    assert (one.reasons[0].about.kind, one.reasons[0].about.id) == ("schedule", schedule.id)


def test_every_minute_it_sounds_and_no_other_is_told_so(session: Session, cast: Cast) -> None:
    daily(session, cast)
    planned(session)
    minutes = [after(FIVE_PM, n * MINUTE) for n in range(-1, 4)]
    assert [len(ask(session, each).accounts) for each in minutes] == [0, 1, 1, 0, 0]


def test_beyond_what_is_planned_the_same_is_told_from_wishes(session: Session, cast: Cast) -> None:
    daily(session, cast)
    planned(session)
    answer = ask(session, after(FIVE_PM, 200 * DAY))
    assert [one.verdict for one in answer.accounts] == [Verdict.WILL]
    assert answer.accounts[0].about is None


def test_the_receivers_own_word_is_told_of_the_past(session: Session, cast: Cast) -> None:
    daily(session, cast)
    (broadcast, _) = planned(session)
    one = delivery(session, broadcast)
    one.state, one.started_at, one.ended_at = (
        D.PLAYED,
        after(FIVE_PM, 2_000),
        after(FIVE_PM, 122_000),
    )
    one.played_ms = 120_000
    answer = ask(session, FIVE_PM, LATER)
    assert (answer.accounts[0].verdict, answer.is_past) == (Verdict.HEARD, True)
    assert "Đầu thu báo bắt đầu phát lúc 17:00:02, phát hết lúc 17:02:02." in said(answer)
    assert ask(session, after(FIVE_PM, 2 * MINUTE), LATER).sounding, "it went on for two seconds"


def test_what_nobody_has_confirmed_is_said_to_be_unknown(session: Session, cast: Cast) -> None:
    daily(session, cast)
    (broadcast, _) = planned(session)
    for state in (D.PLANNED, D.SENT, D.READY, D.UNKNOWN):
        delivery(session, broadcast).state = state
        session.flush()
        answer = ask(session, FIVE_PM, LATER)
        assert (len(answer.unknown), len(answer.sounding)) == (1, 0), state
        assert "Chưa có xác nhận" in said(answer)


@pytest.mark.parametrize(
    ("state", "reason", "sentence"),
    [
        (D.MISSED, "off", "lỡ giờ: đầu thu tắt lúc đến giờ"),
        (D.REFUSED, "quiet", "bị từ chối: rơi vào giờ không phát"),
        (D.FAILED, "decode", "lỗi: đầu thu không giải mã được âm thanh"),
    ],
)
def test_why_it_was_not_delivered_is_told_by_the_receivers_journal(
    session: Session, cast: Cast, state: DeliveryState, reason: str, sentence: str
) -> None:
    daily(session, cast)
    (broadcast, _) = planned(session)
    one = delivery(session, broadcast)
    one.state, one.reason = state, reason
    answer = ask(session, FIVE_PM, LATER)
    assert len(answer.aside) == 1
    assert sentence in said(answer)


def test_an_interruption_names_what_interrupted_it(session: Session, cast: Cast) -> None:
    daily(session, cast)
    daily(session, cast, time(17, 1), priority=Priority.EMERGENCY, title="Báo bão")
    long, *_ = planned(session)
    ahead = ask(session, after(FIVE_PM, MINUTE))
    assert [one.sound.title for one in ahead.sounding] == ["Báo bão"]
    assert "Bị “Báo bão” (17:01) ngắt: khẩn cấp phát trước thông thường." in said(ahead, 1)
    one = delivery(session, long)
    one.state, one.started_at, one.reason = D.INTERRUPTED, FIVE_PM, "preempt"
    one.ended_at = after(FIVE_PM, MINUTE)
    past = ask(session, after(FIVE_PM, MINUTE), LATER)
    assert "bị ngắt lúc 17:01:00 (bị ngắt để phát khẩn)" in " ".join(
        said(past, n) for n in range(len(past.accounts))
    )


def test_one_that_waits_in_vain_is_told_so(session: Session, cast: Cast) -> None:
    daily(session, cast)
    daily(session, cast, time(17, 0, 30), title="Họp thôn")
    planned(session)
    answer = ask(session, FIVE_PM)
    assert [one.sound.title for one in answer.aside] == ["Họp thôn"]
    assert "Chờ “Tiêm chủng” (17:00) quá lâu nên không phát" in said(answer, 1)


def test_an_officers_order_of_two_priority_ones_is_told_with_its_reason(
    session: Session, cast: Cast
) -> None:
    daily(session, cast, priority=Priority.PRIORITY, title="Tỉnh")
    daily(session, cast, time(17, 1), priority=Priority.PRIORITY, title="Xã")
    first, second, *_ = planned(session)
    session.add(
        levels.AreaDecision(
            area_id=cast.commune.id, broadcast_id=second.id, other_id=first.id, said=Said.FIRST,
            reason="họp dân", staff_id=cast.minh.id, at=after(NOON, HOUR),
        )
    )  # fmt: skip
    session.flush()
    before = ask(session, after(FIVE_PM, MINUTE), NOON)
    assert [one.sound.title for one in before.sounding] == ["Tỉnh"], "not decided yet"
    decided = ask(session, after(FIVE_PM, MINUTE), after(NOON, 2 * HOUR))
    assert [one.sound.title for one in decided.sounding] == ["Xã"]
    assert "Minh quyết định phát lượt này trước “Tỉnh”: họp dân." in said(decided)
    assert "Nhường “Xã” (17:01): cán bộ xã quyết định lượt kia phát trước." in said(decided, 1)


def test_what_was_stopped_is_told_with_who_stopped_it(session: Session, cast: Cast) -> None:
    daily(session, cast)
    (broadcast, _) = planned(session)
    broadcasts.stop(session, broadcast, cast.minh, NOON)
    answer = ask(session, FIVE_PM, LATER)
    assert "Minh dừng" in said(answer)
    assert answer.sounding == answer.unknown == []


def test_what_nobody_approved_is_told_so_ahead(session: Session, cast: Cast) -> None:
    draft = bulletins.write(session, cast.hoa, Draft(title="Họp", parts=spoken("Họp.")), NOON)
    rule = Rule(kind=Kind.ONCE, at=time(17), start_date=TODAY, area_ids=(cast.commune.id,))
    schedules.add(session, draft, cast.hoa, rule, now=NOON, zone=ZONE)
    planned(session)
    answer = ask(session, FIVE_PM)
    assert answer.aside
    assert "Bản tin chưa được duyệt" in said(answer)


def test_the_past_is_told_by_the_regulation_of_its_day(session: Session, cast: Cast) -> None:
    slot = Slot(key="chieu", name="Chiều", start="17:00", minutes=30)
    cap = Cap(since="16:00", until="18:00", most=60)
    old = regulation.add(
        session,
        cast.admin,
        [],
        Rulebook(slots=(slot,), caps=(cap,)),
        since=after(NOON, -HOUR),
        now=NOON,
    )
    regulation.add(session, cast.admin, [], Rulebook(), since=after(NOON, DAY), now=NOON)
    assert old.id
    then, later = about(ask(session, FIVE_PM, LATER)), about(ask(session, after(FIVE_PM, 2 * DAY)))
    assert "Nằm trong khung giờ “Chiều” (17:00, 30 phút)." in then
    assert "Âm lượng khi đó không quá 60 %." in then
    assert "khung giờ" not in later
    assert "22/11/2026" in later


def test_the_past_knows_no_mark_that_was_made_after_it(session: Session, cast: Cast) -> None:
    mark = DayMark(
        first=TODAY, last=TODAY, kind="mourning", name="Quốc tang", staff_id=cast.hoa.id,
        made_at=after(FIVE_PM, HOUR),
    )  # fmt: skip
    session.add(mark)
    session.flush()
    assert "Quốc tang" not in about(ask(session, FIVE_PM, LATER))
    assert "Quốc tang" in about(ask(session, after(FIVE_PM, 2 * HOUR), LATER))


def test_silence_is_told_by_what_is_nearest_and_by_the_quiet_hours(
    session: Session, cast: Cast
) -> None:
    daily(session, cast)
    planned(session)
    answer = ask(session, vn("2026-11-22 03:15"))
    assert answer.accounts == []
    assert (answer.before.starts_at, answer.after.starts_at) == (FIVE_PM, after(FIVE_PM, DAY))
    assert "Nằm trong giờ không phát 21:00–05:00" in about(answer)


def test_a_receiver_that_came_later_was_not_there(session: Session, cast: Cast) -> None:
    assert "chưa có trong đài" in about(ask(session, after(NOON, -2 * DAY), LATER))


def test_a_muted_receiver_is_said_to_be_heard_by_nobody(session: Session, cast: Cast) -> None:
    remote.set_muted(session, [cast.receivers[0].id], True, now=NOON, by="test")
    assert "tắt tiếng" in about(ask(session, FIVE_PM))


def test_one_who_left_the_place_is_told_since_when(session: Session, cast: Cast) -> None:
    daily(session, cast, area_ids=(cast.villages[0].id,))
    planned(session)
    cast.receivers[0].area_id = cast.villages[1].id
    session.flush()
    planned(session, after(NOON, MINUTE))
    answer = ask(session, FIVE_PM, after(NOON, MINUTE))
    assert answer.sounding == []
    assert "không còn thuộc nơi phát của lượt này từ 12:01 ngày 21/11/2026" in said(answer)


def test_receivers_that_say_the_same_are_alike(session: Session, cast: Cast) -> None:
    daily(session, cast)
    (broadcast, _) = planned(session)
    delivery(session, broadcast, "r-0001").state = D.MISSED
    session.flush()
    found = explaining.answers(session, cast.receivers, FIVE_PM, LATER, RULES)
    assert [one.receiver_id for one in found] == ["r-0000", "r-0001", "r-0002"]
    assert found[0].alike == found[2].alike != found[1].alike
    assert after(FIVE_PM, 30 * SECOND) - found[0].moment == 30 * SECOND


# -- what was let through -------------------------------------------------------------------------


@pytest.fixture
def strict(session: Session, cast: Cast) -> None:
    """Normal broadcasts outside the one session need a reason."""
    rules = Rulebook(
        slots=(Slot(key="s", name="Sáng", start="05:30", minutes=30),), outside="reason"
    )
    quiet = [regulation.parse_quiet("21:00-05:00")]
    regulation.add(session, None, quiet, rules, since=after(NOON, -DAY), now=NOON)


def let_through(session: Session, cast: Cast) -> Schedule:
    wanted = Rule(
        kind=Kind.DAILY, at=time(17), start_date=TODAY, area_ids=(cast.commune.id,)
    )  # fmt: skip
    bulletin = approved_bulletin(session, cast, ms=2 * MINUTE)
    return schedules.add(
        session, bulletin, cast.hoa, wanted, now=NOON, zone=ZONE, waived_why="cả xã đi làm về"
    )


WAIVED = "Ngoài quy chế: phát ngoài các khung giờ. Hoa cho phép lúc 12:00 ngày 21/11/2026, lý do: cả xã đi làm về."


def test_who_let_it_through_is_told_with_the_rule_and_the_reason(
    session: Session, cast: Cast, strict: None
) -> None:
    let_through(session, cast)
    planned(session)
    assert WAIVED in said(ask(session, FIVE_PM))
    assert WAIVED in said(ask(session, after(FIVE_PM, 100 * DAY))), "beyond what is planned too"


def test_what_was_changed_since_is_told_by_what_holds_now(
    session: Session, cast: Cast, strict: None
) -> None:
    schedule = let_through(session, cast)
    inside = Rule(kind=Kind.DAILY, at=time(5, 30), start_date=TODAY, area_ids=(cast.commune.id,))
    schedules.change(session, schedule, cast.hoa, inside, now=NOON, zone=ZONE)
    planned(session)
    assert "Ngoài quy chế" not in said(ask(session, vn("2026-11-22 05:30")))


def test_one_day_that_was_let_through_says_nothing_of_the_others(
    session: Session, cast: Cast, strict: None
) -> None:
    morning = daily(session, cast, time(5, 30))
    day = date(2026, 11, 23)
    wanted = Otherwise(day=day, kind=ExceptionKind.MOVE, to_time=time(17))
    moved = one_day.make(
        session, morning, cast.hoa, wanted, now=NOON, zone=ZONE, waived_why="cả xã đi làm về"
    )
    planned(session)
    there = vn("2026-11-23 17:00")
    assert WAIVED in said(ask(session, there))
    assert "Ngoài quy chế" not in said(ask(session, vn("2026-11-22 05:30")))
    one_day.undo(session, morning, moved, cast.hoa, now=NOON, zone=ZONE)
    planned(session)
    assert "Ngoài quy chế" not in said(ask(session, vn("2026-11-23 05:30")))


# -- from above -----------------------------------------------------------------------------------


def test_what_comes_from_above_is_told_with_what_the_area_decided(
    session: Session, cast: Cast
) -> None:
    daily(session, cast)
    (first, *_) = planned(session)
    assert "cấp trên" not in said(ask(session, FIVE_PM)), "nobody works for less than the station"
    cast.minh.area_id = cast.commune.id
    session.flush()
    told = said(ask(session, FIVE_PM))
    assert "cán bộ của cả đài đặt cho xã Mẫu; xã Mẫu không có quyết định riêng" in told
    session.add(
        levels.AreaDecision(
            area_id=cast.commune.id, broadcast_id=first.id, said=Said.DECLINED, reason="lễ hội",
            staff_id=cast.minh.id, at=NOON,
        )
    )  # fmt: skip
    session.flush()
    told = said(ask(session, FIVE_PM))
    assert "cán bộ của cả đài đặt cho xã Mẫu. Minh quyết định không nhận lượt này: lễ hội." in told


def test_what_the_area_set_itself_comes_from_nowhere_else(session: Session, cast: Cast) -> None:
    cast.hoa.area_id = cast.commune.id
    session.flush()
    daily(session, cast)
    planned(session)
    assert "cấp trên" not in said(ask(session, FIVE_PM))
