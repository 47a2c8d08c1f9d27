"""Programmes: when each item begins, what is left out and why, and what staff may change of it."""

from __future__ import annotations

from datetime import date, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Priority
from content.parts import Translation
from content.relays import Stream
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import context, exceptions, planner, programme_acts, programmes
from scheduler.broadcasts import Broadcast
from scheduler.context import Context
from scheduler.days import DayMark
from scheduler.exceptions import Otherwise
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind, Programme
from scheduler.regulation import Regulation
from scheduler.rulebook import DayKind, Rulebook, Slot
from scheduler.running_order import GAP
from scheduler.sources import Rules, Wanted
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, approved_bulletin, give_sound, settle_in, vn

TODAY = date(2026, 11, 21)  # a Saturday
DAILY = "FREQ=DAILY"
RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
MORNING = Slot(key="sang", name="Sáng", start="06:00", minutes=15)
FIVE_PM = vn("2026-11-21 17:00")
LONG_AGO = vn("2026-01-01 00:00")


def regulate(
    session: Session, since: Instant = LONG_AGO, quiet: str = "21:00-05:00", **rules: object
) -> Regulation:
    spans = [quiet.split("-")] if quiet else []
    made = Regulation(since=since, made_at=since, quiet=spans, rules=Rulebook(**rules), by="test")
    session.add(made)
    session.flush()
    return made


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulate(session, slots=(MORNING,))
    return settle_in(session)


def bulletin(session: Session, cast: Cast, seconds: float = 30, **fields: object) -> Bulletin:
    return approved_bulletin(session, cast, ms=round(seconds * SECOND), **fields)


def line(found: Bulletin, kind: ItemKind = ItemKind.BULLETIN, ms: int = 0) -> Line:
    return Line(kind, found.id, ms)


def order(cast: Cast, *lines: Line, **changes: object) -> Order:
    usual = {"name": "Chiều", "at": time(17), "minutes": 15, "rule": DAILY, "start_date": TODAY,
             "where": Where((cast.commune.id,)), "lines": lines}  # fmt: skip
    return Order(**{**usual, **changes})


def add(
    session: Session, cast: Cast, *lines: Line, now: Instant = NOON, **changes: object
) -> Programme:
    return programme_acts.add(session, cast.hoa, order(cast, *lines, **changes), now=now, zone=ZONE)


def known(session: Session, zone: ZoneInfo = ZONE) -> Context:
    return context.read(session, Rules(zone=zone, horizon=48 * HOUR, late=MINUTE))


def wishes(
    session: Session, made: Programme, since: Instant = NOON, span: int = DAY, zone: ZoneInfo = ZONE
) -> list[Wanted]:
    return list(programmes.wanted(made, since, after(since, span), known(session, zone)))


def plan(session: Session, now: Instant = NOON) -> list[Broadcast]:
    planner.plan(session, now, RULES)
    return list(session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at, Broadcast.item)))


# -- what it wants --------------------------------------------------------------------------------


def test_each_item_is_a_broadcast_of_its_own_back_to_back(session: Session, cast: Cast) -> None:
    chime = bulletin(session, cast, 8.123, title="Nhạc hiệu")
    first, second = bulletin(session, cast, 61.007), bulletin(session, cast, 90)
    made = add(
        session, cast, line(chime, ItemKind.CHIME), line(first), line(second), line(chime, ItemKind.CHIME)
    )  # fmt: skip
    rows = [row for row in plan(session) if row.starts_at < after(NOON, DAY)]
    starts = [FIVE_PM, after(FIVE_PM, 8_123 + GAP)]
    starts += [after(starts[-1], 61_007 + GAP)]
    starts += [after(starts[-1], 90_000 + GAP)]
    assert [row.starts_at for row in rows] == starts
    assert [row.item for row in rows] == [1, 2, 3, 4]
    assert [row.bulletin_id for row in rows] == [chime.id, first.id, second.id, chime.id]
    assert {row.programme_id for row in rows} == {made.id}
    assert all(len(row.deliveries) == 3 for row in rows)
    assert rows[1].origin == "Chương trình “Chiều”, mục 2, 17:00, hằng ngày."


def test_the_longest_language_heard_there_moves_what_follows(session: Session, cast: Cast) -> None:
    spoken = bulletin(
        session,
        cast,
        30,
        translations=(Translation(language="tyz", upload="a" * 64, name="t.mp3"),),
    )
    made = add(session, cast, line(spoken), line(bulletin(session, cast)))
    assert wishes(session, made)[1].starts_at == after(FIVE_PM, 30 * SECOND + GAP)
    cast.villages[0].language = "tyz"
    session.flush()
    assert wishes(session, made)[1].starts_at == after(FIVE_PM, 40 * SECOND + GAP)


def test_what_does_not_fit_is_a_row_that_says_so(session: Session, cast: Cast) -> None:
    long, short = bulletin(session, cast, 14 * 60), bulletin(session, cast, 90)
    add(session, cast, line(long), line(short), line(short))
    rows = plan(session)[:3]
    assert [(row.state.value, row.code) for row in rows] == [
        ("planned", None), ("cancelled", "cut"), ("cancelled", "cut"),
    ]  # fmt: skip
    assert rows[1].reason == "Không vừa thời lượng của chương trình (15 phút): thiếu 31 giây."
    assert rows[1].deliveries == []


def test_nothing_of_it_reaches_into_the_quiet_hours(session: Session, cast: Cast) -> None:
    one = bulletin(session, cast, 5 * 60)
    made = add(session, cast, line(one), line(one), at=time(20, 52), minutes=30)
    first, second = wishes(session, made)
    assert first.why_not is None
    assert second.why_not.code == "cut"
    assert "lúc bắt đầu giờ không phát 21:00–05:00" in second.why_not.sentence
    rows = plan(session)
    assert [row.reason for row in rows if row.code is None] == [None] * 2  # today and tomorrow


def test_a_relay_is_heard_for_its_minutes_and_no_longer_than_the_session(
    session: Session, cast: Cast
) -> None:
    upper = bulletin(session, cast, 20)
    upper.relay = Stream("http://127.0.0.1/live", ("127.0.0.1",), 30 * MINUTE)
    made = add(session, cast, line(bulletin(session, cast)), line(upper, ms=5 * MINUTE), minutes=10)
    assert made.items[1].kind is ItemKind.RELAY
    relay = wishes(session, made)[1].relay
    assert (relay.url, relay.ms, relay.hosts) == (
        "http://127.0.0.1/live",
        5 * MINUTE,
        ("127.0.0.1",),
    )
    made.items[1].ms = 0
    assert wishes(session, made)[1].relay.ms == 10 * MINUTE - 30 * SECOND - GAP


def test_it_gives_campaigns_what_is_left(session: Session, cast: Cast) -> None:
    one = bulletin(session, cast, 60)
    made = add(session, cast, line(one), Line(ItemKind.FILL, ms=HOUR), line(one))
    (fill,) = programmes.fills([made], NOON, after(NOON, DAY), known(session))
    assert fill == programmes.Fill(
        after(FIVE_PM, MINUTE + GAP), 13 * MINUTE - 2 * GAP, made.where, made.id, 2
    )
    assert [wish.item for wish in wishes(session, made)] == [1, 3]
    assert wishes(session, made)[1].starts_at == after(FIVE_PM, 14 * MINUTE)
    programme_acts.end(session, made, cast.hoa, NOON)
    assert programmes.fills([made], NOON, after(NOON, DAY), known(session)) == []


def test_an_unmade_sound_keeps_its_place_and_takes_it_once_made(
    session: Session, cast: Cast
) -> None:
    unmade = bulletins.write(
        session, cast.hoa, bulletins.Draft(title="Mới", parts=bulletin(session, cast).parts), NOON
    )
    add(session, cast, line(unmade), line(bulletin(session, cast)))
    first, second = plan(session)[:2]
    assert (first.starts_at, second.starts_at) == (FIVE_PM, FIVE_PM)
    give_sound(session, unmade, 40_000)
    rows = [row for row in plan(session, after(NOON, SECOND)) if row.starts_at < after(NOON, DAY)]
    assert [(row.item, row.starts_at - FIVE_PM, row.code) for row in rows] == [
        (1, 0, None), (2, 0, "changed"), (2, 40_000 + GAP, None),
    ]  # fmt: skip


# -- when -----------------------------------------------------------------------------------------


def test_it_follows_the_session_of_the_regulation_of_its_day(session: Session, cast: Cast) -> None:
    one = bulletin(session, cast, 10 * 60)
    made = add(
        session, cast, line(one), line(one, ItemKind.BULLETIN), slot="sang", at=None, minutes=0
    )
    later = Slot(key="sang", name="Sáng", start="06:30", minutes=30)
    regulate(session, vn("2026-11-24 12:00"), slots=(later,))
    found = wishes(session, made, NOON, 4 * DAY)
    assert [wish.starts_at for wish in found if wish.item == 1] == [
        vn("2026-11-22 06:00"), vn("2026-11-23 06:00"), vn("2026-11-24 06:00"), vn("2026-11-25 06:30"),
    ]  # fmt: skip
    cut = [wish.why_not.code if wish.why_not else None for wish in found if wish.item == 2]
    assert cut == ["cut", "cut", "cut", None]
    assert found[0].origin == "Chương trình “Chiều”, mục 1, khung giờ Sáng, hằng ngày."


def test_a_session_that_is_gone_is_told_of(session: Session, cast: Cast) -> None:
    made = add(session, cast, line(bulletin(session, cast)), slot="sang", at=None)
    regulate(session, vn("2026-11-22 12:00"), slots=())
    first, second = wishes(session, made, NOON, 2 * DAY)
    assert first.why_not is None
    assert second.starts_at == vn("2026-11-23 06:00")
    assert second.why_not == ("no_slot", "Quy chế không còn khung giờ Sáng.")


def test_on_days_without_the_session_nothing_is_wanted_and_a_holiday_says_why(
    session: Session, cast: Cast
) -> None:
    kinds = tuple(
        DayKind(key=kind.key, name=kind.name, sessions=kind.key not in ("weekend", "holiday"))
        for kind in Rulebook().kinds
    )
    regulate(session, vn("2026-02-01 00:00"), slots=(MORNING,), kinds=kinds)
    made = add(session, cast, line(bulletin(session, cast)), slot="sang", at=None)
    found = wishes(session, made, vn("2026-12-31 00:00"), 4 * DAY)
    assert [wish.starts_at for wish in found] == [
        vn("2026-12-31 06:00"), vn("2027-01-01 06:00")]  # fmt: skip
    assert found[1].why_not.code == "no_slot"
    assert "ngày lễ" in found[1].why_not.sentence


def test_in_mourning_only_priority_items_are_heard(session: Session, cast: Cast) -> None:
    plain, urgent = bulletin(session, cast), bulletin(session, cast, priority=Priority.PRIORITY)
    made = add(session, cast, line(plain), line(urgent))
    session.add(
        DayMark(
            first=TODAY,
            last=TODAY,
            kind="mourning",
            name="Quốc tang",
            staff_id=cast.hoa.id,
            made_at=NOON,
        )
    )
    session.flush()
    first, second = wishes(session, made)
    assert (first.why_not.code, second.why_not) == ("day_kind", None)
    assert second.starts_at == FIVE_PM  # what is not heard takes no time
    made.skips = ["mourning"]
    assert [wish.why_not.code for wish in wishes(session, made)] == ["day_kind_skipped"] * 2


def test_where_clocks_change_the_items_stay_back_to_back(session: Session, cast: Cast) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    one = bulletin(session, cast, 10 * 60)
    regulate(session, vn("2026-02-01 00:00"), quiet="")
    made = programme_acts.add(
        session, cast.hoa, order(cast, line(one), line(one), line(one), at=time(2, 50), minutes=40,
                                start_date=date(2026, 10, 1)),
        now=vn("2026-10-01 00:00"), zone=berlin,
    )  # fmt: skip
    autumn = wishes(session, made, vn("2026-10-25 00:00"), DAY, berlin)
    assert [b.starts_at - a.starts_at for a, b in pairwise(autumn)] == [
        600_300,
        600_300,
    ]
    # 02:50 of the day on which it comes twice is the first; on that of spring there is none.
    assert autumn[0].starts_at == vn("2026-10-25 07:50")
    assert wishes(session, made, vn("2027-03-28 00:00"), DAY, berlin) == []


def test_one_that_passes_midnight_is_whole_in_whatever_steps_it_is_asked_for(
    session: Session, cast: Cast
) -> None:
    regulate(session, vn("2026-02-01 00:00"), quiet="")
    one = bulletin(session, cast, 8 * 60)
    made = add(session, cast, *[line(one)] * 3, at=time(23, 50), minutes=30)
    midnight = vn("2026-11-22 00:00")
    both = wishes(session, made, NOON, midnight - NOON) + wishes(
        session, made, midnight, NOON + DAY - midnight
    )
    assert [wish.item for wish in both] == [1, 2, 3]
    assert [wish.key for wish in both] == [wish.key for wish in wishes(session, made)]


# -- exceptions -----------------------------------------------------------------------------------


def except_day(session: Session, cast: Cast, made: Programme, **said: object) -> None:
    exceptions.add(session, made, "programme_id", cast.hoa, Otherwise(day=TODAY, **said), NOON)
    session.expire_all()


def test_a_day_skipped_says_who_and_why(session: Session, cast: Cast) -> None:
    made = add(session, cast, line(bulletin(session, cast)))
    plan(session)
    except_day(session, cast, made, kind=exceptions.Kind.SKIP, reason="mất điện cả xã")
    today, tomorrow = plan(session)
    assert (today.code, tomorrow.code) == ("skipped", None)
    assert today.reason == "Hoa bỏ lượt ngày 21/11/2026: mất điện cả xã."


def test_a_day_moved_is_heard_there_and_says_so_here(session: Session, cast: Cast) -> None:
    made = add(session, cast, line(bulletin(session, cast)), line(bulletin(session, cast)))
    except_day(
        session, cast, made, kind=exceptions.Kind.MOVE, to_day=date(2026, 11, 23), to_time=time(10)
    )
    found = wishes(session, made, NOON, 2 * DAY)
    told = [
        (wish.starts_at, wish.why_not.code if wish.why_not else None)
        for wish in found
        if wish.item == 1
    ]
    assert told == [
        (FIVE_PM, "moved"), (vn("2026-11-22 17:00"), None), (vn("2026-11-23 10:00"), None)]  # fmt: skip
    late = wishes(session, made, vn("2026-11-23 09:00"), HOUR * 2)
    assert [wish.item for wish in late] == [1, 2]
    assert "dời từ ngày 21/11/2026" in late[0].origin


def test_another_bulletin_takes_the_place_between_the_chimes(session: Session, cast: Cast) -> None:
    chime, instead = bulletin(session, cast, 5), bulletin(session, cast, 60)
    made = add(
        session, cast, line(chime, ItemKind.CHIME), line(bulletin(session, cast)),
        Line(ItemKind.FILL, ms=MINUTE), line(chime, ItemKind.CHIME),
    )  # fmt: skip
    except_day(session, cast, made, kind=exceptions.Kind.REPLACE, bulletin_id=instead.id)
    heard = [wish for wish in wishes(session, made) if wish.why_not is None]
    assert [(wish.item, wish.bulletin.id) for wish in heard] == [
        (1, chime.id),
        (2, instead.id),
        (4, chime.id),
    ]
    assert heard[2].starts_at == after(FIVE_PM, 65 * SECOND + 2 * GAP)
    assert [wish.why_not.code for wish in wishes(session, made) if wish.why_not] == ["replaced"]
    assert programmes.fills([made], NOON, after(NOON, DAY), known(session)) == []


# -- what staff do --------------------------------------------------------------------------------


def test_a_change_holds_from_the_next_run_on(session: Session, cast: Cast) -> None:
    first, second = bulletin(session, cast, 120), bulletin(session, cast, 120)
    made = add(session, cast, line(first), line(second))
    plan(session)
    on_air = after(FIVE_PM, 30 * SECOND)
    other = order(cast, line(second), line(first), line(second))
    programme_acts.change(session, made, cast.hoa, other, now=on_air, zone=ZONE)
    rows = plan(session, on_air)
    today = [row for row in rows if row.starts_at < after(NOON, DAY)]
    assert [(row.bulletin_id, row.code) for row in today] == [(first.id, None), (second.id, None)]
    assert all(not each.dropped_at for row in today for each in row.deliveries)
    tomorrow = [row for row in rows if row.starts_at > after(NOON, DAY) and row.code is None]
    assert [row.bulletin_id for row in tomorrow[:3]] == [second.id, first.id, second.id]


def test_one_made_while_its_session_is_on_begins_with_the_next(
    session: Session, cast: Cast
) -> None:
    one = bulletin(session, cast, 60)
    add(session, cast, line(one), line(one), now=after(FIVE_PM, 30 * SECOND))
    rows = plan(session, after(FIVE_PM, 30 * SECOND))
    assert rows[0].starts_at == after(FIVE_PM, DAY)


def test_ended_it_cancels_what_has_not_begun(session: Session, cast: Cast) -> None:
    made = add(session, cast, line(bulletin(session, cast)))
    plan(session)
    programme_acts.end(session, made, cast.hoa, NOON)
    assert {row.code for row in plan(session)} == {"programme_ended"}
    with pytest.raises(ScheduleError, match="đã kết thúc"):
        programme_acts.change(session, made, cast.hoa, order(cast), now=NOON, zone=ZONE)


def test_what_is_done_to_it_is_logged(session: Session, cast: Cast) -> None:
    one = bulletin(session, cast)
    made = add(session, cast, line(one), Line(ItemKind.FILL, ms=MINUTE))
    programme_acts.change(session, made, cast.hoa, order(cast, line(one)), now=NOON, zone=ZONE)
    programme_acts.end(session, made, cast.minh, NOON)
    programme_acts.end(session, made, cast.minh, NOON)
    kinds = session.execute(
        sa.select(AuditEntry.kind, AuditEntry.actor)
        .where(AuditEntry.kind.like("programme.%"))
        .order_by(AuditEntry.n)
    ).all()
    assert [tuple(row) for row in kinds] == [
        ("programme.add", "hoa"), ("programme.change", "hoa"), ("programme.end", "minh")]  # fmt: skip


def test_a_viewer_makes_none(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        programme_acts.add(session, cast.lan, order(cast), now=NOON, zone=ZONE)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": "  "}, "name", "đặt tên"),
        ({"at": None}, "at", "giờ phát"),
        ({"minutes": 0}, "minutes", "từ 1 đến 720"),
        ({"slot": "trua"}, "slot", "không có khung giờ này"),
        ({"end_date": date(2026, 11, 20)}, "end_date", "trước ngày bắt đầu"),
        ({"where": Where()}, "area_ids", "ít nhất một địa bàn"),
        ({"where": Where((999,))}, "area_ids", "Không có địa bàn số 999"),
        ({"rule": "", "start_date": date(2026, 11, 20)}, "start_date", "Không còn lần phát nào"),
        ({"rule": "FREQ=HOURLY"}, "kind", "Không hiểu"),
        ({"lines": ()}, "items", "chưa có mục nào"),
        ({"lines": (Line(ItemKind.BULLETIN),)}, "items", "Mục 1: hãy chọn bản tin"),
        ({"lines": (Line(ItemKind.FILL, ms=0),)}, "items", "Mục 1: số phút"),
        ({"lines": (Line(ItemKind.FILL, ms=MINUTE),) * 41}, "items", "tối đa 40"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    session: Session, cast: Cast, changes: dict[str, object], field: str, words: str
) -> None:
    one = bulletin(session, cast)
    with pytest.raises(ScheduleError, match=words) as refused:
        add(session, cast, line(one), **changes)
    assert refused.value.field == field
    assert session.scalars(sa.select(Programme)).all() == []


def test_emergencies_and_withdrawn_bulletins_have_no_place_in_it(
    session: Session, cast: Cast
) -> None:
    alarm = bulletin(session, cast, priority=Priority.EMERGENCY)
    with pytest.raises(ScheduleError, match="phải phát ngay"):
        add(session, cast, line(alarm))
    gone = bulletin(session, cast)
    made = add(session, cast, line(gone), line(bulletin(session, cast)))
    bulletins.withdraw(session, gone, cast.minh, NOON)
    assert [wish.why_not and wish.why_not.code for wish in wishes(session, made)] == [
        "withdrawn",
        None,
    ]
    with pytest.raises(ScheduleError, match="đã bị thu hồi"):
        programme_acts.change(session, made, cast.hoa, order(cast, line(gone)), now=NOON, zone=ZONE)
