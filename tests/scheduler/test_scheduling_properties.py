"""Whatever staff do for two weeks, chosen at random: quiet hours, sessions and kinds of day hold, and Vì sao? agrees.

Everything goes through the doors staff use. After each round the planner works, and what its rows say of the next
twelve hours is looked at, receiver by receiver. The last tests take a protection away and must then find it missing.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Priority
from loa.database import Database
from loa.errors import LoaError
from loa.times import HOUR, MINUTE, SECOND, Instant, after, local
from scheduler import (
    admission,
    amending,
    broadcasts,
    campaigns,
    channel,
    context,
    days,
    explaining,
    following,
    one_day,
    planner,
    programme_acts,
    projection,
    regulation,
    rulebook,
    schedules,
    upkeep,
)
from scheduler.alerts import Alert
from scheduler.alerts import State as AlertState
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.campaign_orders import Line as Message
from scheduler.campaign_orders import Order as CampaignOrder
from scheduler.campaign_tables import Per, Target
from scheduler.channel import Turn
from scheduler.context import Context
from scheduler.exceptions import Kind as Otherwise
from scheduler.exceptions import Otherwise as OneDay
from scheduler.explaining import Verdict
from scheduler.outlook import Outlook
from scheduler.programme_checks import Line, Order
from scheduler.programme_tables import ItemKind
from scheduler.projection import Sound
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.sources import Rules
from scheduler.targets import Where
from tests.cast import ZONE, another_approver, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
BEGIN = vn("2026-11-20 00:10")
ROUND = 12 * HOUR
ROUNDS = 24
ACTS = 4
SEEDS = range(4)
MUTANTS = 12
ASKED = 5
"""Of so many sounds a round it is asked why."""
SLOTS = tuple(
    Slot(key=key, name=key, start=start, minutes=minutes)
    for key, start, minutes in (("sang", "05:30", 10), ("trua", "11:00", 8), ("chieu", "17:00", 15))
)
BOOK = Rulebook(slots=SLOTS, too_long="refuse")
CLOCKS = (
    "05:30",
    "05:33",
    "11:00",
    "11:04",
    "17:00",
    "17:05",
    "17:10",
    "19:45",
    "20:58",
    "03:15",
    "23:50",
)
RULE_TEXTS = (
    "", "FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=WEEKLY;BYDAY=SA,SU",
    "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=MONTHLY;BYDAY=-1FR",
)  # fmt: skip
QUIET = ("21:00-05:00", "20:00-05:30", "22:00-04:00", "11:02-13:00")


@pytest.fixture
def session(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Session]:
    shutil.copy(migrated_sqlite, tmp_path / "loa.db")
    opened = Database(f"sqlite:///{tmp_path / 'loa.db'}")
    with opened.write() as one:
        yield one
    opened.close()


class Office:
    """Staff who do anything at any time; what a door refuses is not done."""

    def __init__(self, session: Session, seed: int) -> None:
        self.session, self.dice, self.now = session, random.Random(seed), BEGIN
        self.cast = settle_in(session, 3, BEGIN)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        quiet = [regulation.parse_quiet("21:00-05:00")]
        regulation.add(session, None, quiet, BOOK, since=Instant(0), now=BEGIN)
        self.pool = [self._bulletin(number) for number in range(10)]
        another_approver(session, BEGIN)
        self.emergency = approved_bulletin(
            session, self.cast, ms=30 * SECOND, now=BEGIN, title="Lũ", priority=Priority.EMERGENCY
        )

    def _bulletin(self, number: int) -> Bulletin:
        priority = Priority.PRIORITY if number % 4 == 0 else Priority.NORMAL
        ms = self.dice.choice((20, 45, 60, 90, 200, 330)) * SECOND
        title = f"Bản tin {number}"
        return approved_bulletin(
            self.session, self.cast, ms=ms, now=BEGIN, title=title, priority=priority
        )

    def act(self) -> None:
        """One thing, wholly or not at all."""
        acts = [self.schedule] * 6 + [
            self.programme,
            self.campaign,
            self.otherwise,
            self.otherwise,
            self.change,
        ]
        acts += [self.end, self.mark, self.quiet, self.stop, self.withdraw, self.alert]
        chosen = self.dice.choice(acts)
        try:
            with self.session.begin_nested():
                chosen()
            self.done[chosen.__name__] += 1
        except LoaError:
            self.refused[chosen.__name__] += 1

    # -- what they do -----------------------------------------------------------------------------

    @property
    def today(self) -> date:
        return local(self.now, ZONE).date()

    def day(self, most: int = 5) -> date:
        return self.today + timedelta(days=self.dice.randint(0, most))

    def where(self) -> Where:
        places = [self.cast.commune, *self.cast.villages]
        return Where((self.dice.choice(places).id,))

    def rule(self) -> Rule:
        text = self.dice.choice(RULE_TEXTS)
        return Rule(
            kind=Kind.OTHER if text else Kind.ONCE, recurs=text, at=time.fromisoformat(self.dice.choice(CLOCKS)),
            start_date=self.day(), area_ids=self.where().area_ids, skips=self.dice.choice(((), (), ("weekend",))),
        )  # fmt: skip

    def schedule(self) -> None:
        chosen = self.dice.choice(self.pool)
        schedules.add(self.session, chosen, self.cast.hoa, self.rule(), now=self.now, zone=ZONE)

    def _schedule(self) -> Schedule:
        found = self.session.scalars(sa.select(Schedule).order_by(Schedule.id)).all()
        if not found:
            raise LoaError("none yet")
        return self.dice.choice(found)

    def change(self) -> None:
        schedules.change(
            self.session, self._schedule(), self.cast.hoa, self.rule(), now=self.now, zone=ZONE
        )

    def end(self) -> None:
        schedules.end(self.session, self._schedule(), self.cast.hoa, self.now)

    def otherwise(self) -> None:
        schedule = self._schedule()
        ahead = [
            local(each, ZONE).date()
            for each in schedules.occurrences(
                schedule, self.now, after(self.now, 6 * 24 * HOUR), ZONE
            )
        ]
        wanted = OneDay(
            day=self.dice.choice(ahead or [self.today]), kind=self.dice.choice(list(Otherwise)), to_day=self.day(),
            to_time=time.fromisoformat(self.dice.choice(CLOCKS)), bulletin_id=self.dice.choice(self.pool).id,
        )  # fmt: skip
        one_day.make(self.session, schedule, self.cast.hoa, wanted, now=self.now, zone=ZONE)

    def programme(self) -> None:
        lines = [
            Line(kind=ItemKind.BULLETIN, bulletin_id=each.id)
            for each in self.dice.sample(self.pool, 2)
        ]
        lines.insert(self.dice.randint(0, 2), Line(kind=ItemKind.FILL, ms=MINUTE))
        order = Order(
            name=f"Chương trình {self.dice.random()}", slot=self.dice.choice(SLOTS).key, rule="FREQ=DAILY",
            start_date=self.day(), where=self.where(), lines=tuple(lines),
        )  # fmt: skip
        programme_acts.add(self.session, self.cast.hoa, order, now=self.now, zone=ZONE)

    def campaign(self) -> None:
        first = self.day()
        target = Target(number=self.dice.randint(1, 4), per=self.dice.choice((Per.DAY, Per.TOTAL)))
        order = CampaignOrder(
            name=f"Chiến dịch {self.dice.random()}", start_date=first, end_date=first + timedelta(days=5),
            where=self.where(), target=target, lines=(Message(bulletin_id=self.dice.choice(self.pool).id),),
        )  # fmt: skip
        campaigns.add(self.session, order, self.cast.hoa, self.now, ZONE)

    def mark(self) -> None:
        kind, first = self.dice.choice(("mourning", "holiday", "normal")), self.day()
        marking = amending.Marking(kind=kind, first=first, last=first, name="Dịp")
        amending.mark(self.session, self.cast.hoa, marking, self.now, RULES)

    def quiet(self) -> None:
        draft = amending.Draft(quiet=[regulation.parse_quiet(self.dice.choice(QUIET))], rules=BOOK)
        amending.enact(self.session, self.cast.admin, draft, self.now, RULES)

    def stop(self) -> None:
        found = sa.select(Broadcast).where(Broadcast.starts_at > self.now).order_by(Broadcast.id)
        ahead = self.session.scalars(found).all()
        if not ahead:
            raise LoaError("none yet")
        broadcasts.stop(self.session, self.dice.choice(ahead), self.cast.minh, self.now)

    def withdraw(self) -> None:
        if self.dice.random() < 0.3:
            gone = self.dice.choice(self.pool)
            bulletins.withdraw(self.session, gone, self.cast.minh, self.now)
            schedules.end_all_of(self.session, gone.id, self.cast.minh, self.now, ZONE)

    def alert(self) -> None:
        starts = after(self.now, self.dice.randint(1, 600) * MINUTE)
        self.session.add(
            Alert(
                uid=f"a{self.dice.getrandbits(40):x}", title="Lũ", bulletin_id=self.emergency.id, where=self.where(),
                state=AlertState.ACTIVE, starts_at=starts, expires_at=after(starts, HOUR), every_ms=5 * MINUTE, times=3,
                staff_id=self.cast.hoa.id, second_id=self.cast.minh.id, agreed_at=self.now, heard={},
                created_at=self.now, planned_until=self.now,
            )
        )  # fmt: skip
        self.session.flush()


# -- what must hold -------------------------------------------------------------------------------


class Look:
    """The rows of the next hours at every receiver."""

    def __init__(self, office: Office) -> None:
        self.office, self.session, self.now = office, office.session, office.now
        self.known = context.read(office.session, RULES)
        self.until = after(self.now, ROUND)
        self.sounds = projection.planned(self.session, after(self.now, 1), self.until, self.known)
        found = self.session.scalars(
            sa.select(Delivery).where(
                Delivery.broadcast_id.in_([each.broadcast_id for each in self.sounds])
            )
        )
        self.deliveries = {(each.broadcast_id, each.receiver_id): each for each in found}

    def sent(self, receiver: str) -> list[Sound]:
        """What its plan orders."""
        return [
            each
            for each in self.sounds
            if each.why_not is None and each.approved and self._is_wanted(each, receiver)
        ]

    def _is_wanted(self, sound: Sound, receiver: str) -> bool:
        delivery = self.deliveries.get((sound.broadcast_id, receiver))
        return delivery is not None and delivery.dropped_at is None and delivery.barred_at is None

    def check(self, asking: bool) -> list[str]:
        """What does not hold, in words; ``asking`` Vì sao? takes most of the time."""
        wrong: list[str] = []
        is_quiet = Outlook(self.known, self.now, self.until).is_broken
        for receiver in (each.id for each in self.office.cast.receivers):
            sent = self.sent(receiver)
            turns = channel.play(sent, RULES.late, is_quiet=is_quiet)
            wrong += [f"in quiet hours: {each}" for each in sent if breaks_quiet(self.known, each)]
            wrong += [f"on such a day: {each}" for each in sent if breaks_day(self.known, each)]
            wrong += at_once(turns)
            wrong += too_long(self.known, turns)
        return wrong + (self.unexplained() if asking else [])

    def unexplained(self) -> list[str]:
        """Sounds of which Vì sao? says anything else than their rows."""
        receiver = self.office.dice.choice(self.office.cast.receivers).id
        is_quiet = Outlook(self.known, self.now, self.until).is_broken
        turns = channel.play(self.sent(receiver), RULES.late, is_quiet=is_quiet)
        asked = [(turn.sound, turn.heard[0][0], Verdict.WILL) for turn in turns if turn.heard]
        silent = [each for each in self.sounds if (each.broadcast_id, receiver) in self.deliveries]
        silent = [each for each in silent if not self._is_wanted(each, receiver) or each.why_not]
        asked += [(each, each.starts_at, Verdict.NOT) for each in silent]
        some = self.office.dice.sample(asked, min(ASKED, len(asked)))
        return [wrong for each in some if (wrong := self._asked(receiver, *each))]

    def _asked(self, receiver: str, sound: Sound, moment: Instant, verdict: Verdict) -> str:
        answer = explaining.at(self.session, receiver, moment, self.now, RULES)
        told = [each for each in answer.accounts if each.sound.broadcast_id == sound.broadcast_id]
        if (
            len(told) == 1
            and told[0].verdict is verdict
            and all(each.sentence for each in told[0].reasons)
        ):
            return ""
        return (
            f"unexplained at {receiver}: {sound}, {verdict} but {[each.verdict for each in told]}"
        )


def breaks_quiet(known: Context, sound: Sound) -> bool:
    """Minute by minute by the wall clock, as a receiver asks."""
    if sound.priority is Priority.EMERGENCY:
        return False
    moments = [*range(sound.starts_at, sound.ends_at, 10 * SECOND), sound.ends_at - 1]
    for moment in moments:
        version, clock = known.regulation_at(Instant(moment)), local(Instant(moment), ZONE).time()
        for span in version.quiet_hours if version else ():
            inside = span.since <= clock < span.until
            if inside if span.since < span.until else clock >= span.since or clock < span.until:
                return True
    return False


def breaks_day(known: Context, sound: Sound) -> bool:
    """Something normal on a day marked as one of mourning."""
    day = local(sound.starts_at, ZONE).date()
    marked = [each for each in known.marks if each.first <= day <= each.last]
    return bool(marked) and marked[-1].kind == "mourning" and sound.priority is Priority.NORMAL


def at_once(turns: list[Turn[Sound]]) -> list[str]:
    heard = sorted(span for turn in turns for span in turn.heard)
    return [f"at once: {one} and {two}" for one, two in pairwise(heard) if two[0] < one[1]]


def too_long(known: Context, turns: list[Turn[Sound]]) -> list[str]:
    """Sessions in which more sounds than they may have minutes; emergencies count nowhere."""
    used: Counter[tuple[date, str]] = Counter()
    for turn in turns:
        moment: datetime = local(turn.sound.starts_at, ZONE)
        if turn.sound.priority is Priority.EMERGENCY:
            continue
        for slot in rulebook.slots_on(BOOK, moment.date(), known.calendar.kind(moment.date()).key):
            if slot.holds(moment.time()):
                used[moment.date(), slot.key] += sum(end - start for start, end in turn.heard)
    most = {slot.key: slot.minutes * MINUTE for slot in SLOTS}
    return [f"{key} has {ms} ms" for key, ms in used.items() if ms > most[key[1]]]


def weeks(session: Session, seed: int, *, asking: bool = True) -> tuple[Office, list[str], int]:
    """Staff at work; what was found wrong, and how many sounds were looked at."""
    office, looked = Office(session, seed), 0
    for _ in range(ROUNDS):
        for _ in range(ACTS):
            office.act()
        planner.plan(session, office.now, RULES)
        look = Look(office)
        looked += len(look.sounds)
        if wrong := look.check(asking):
            return office, wrong, looked
        office.now = after(office.now, ROUND)
    return office, [], looked


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_staff_do_the_rules_hold_and_are_explained(session: Session, seed: int) -> None:
    office, wrong, looked = weeks(session, seed)
    assert wrong == []
    assert looked > 30, "something was looked at"
    assert office.done["schedule"], "a door opened"
    assert office.refused["schedule"], "and stayed shut"


# -- a protection taken away is missed -------------------------------------------------------------


def found_within(session: Session, words: str) -> bool:
    """Whether that is found wrong with any of so many staff."""
    for seed in range(MUTANTS):
        with session.begin_nested() as mark:
            _, wrong, _ = weeks(session, seed, asking=False)
            mark.rollback()
        session.expire_all()
        if any(each.startswith(words) or words in each for each in wrong):
            return True
    return False


Patch = Callable[[pytest.MonkeyPatch], None]


def no_quiet_hours(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(following, "_span", lambda *_: None)


def no_sums(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission, "together", lambda *_: iter(()))


def no_mourning(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(days, "held_back", lambda wish, _: wish)
    patch.setattr(upkeep, "_cancel_if_day_forbids", lambda *_: None)


@pytest.mark.parametrize(
    ("mutate", "words"),
    [(no_quiet_hours, "in quiet hours"), (no_sums, "ms"), (no_mourning, "on such a day")],
)
def test_without_a_protection_it_is_found(
    session: Session, monkeypatch: pytest.MonkeyPatch, mutate: Patch, words: str
) -> None:
    mutate(monkeypatch)
    assert found_within(session, words)
