"""The office: a province with two communes, its staff, and dice that say what they do next.

What one seed makes happen is the same each time: the dice are its own, and so are the names of sources and the
journals of receivers.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Priority
from content.parts import Translation
from content.recordings import Recording
from content.relays import Stream
from devices import areas, groups
from devices.areas import Area
from loa import audit
from loa.errors import LoaError
from loa.languages import KINH
from loa.staff import Role, Staff
from loa.times import HOUR, MINUTE, SECOND, Instant, local
from scheduler import regulation
from scheduler.rulebook import Cap, Rulebook, Slot
from scheduler.sources import Rules
from scheduler.targets import Where
from tests.cast import ZONE, add_receiver, another_approver, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
BEGIN = vn("2026-11-20 00:00")
SLOTS = tuple(
    Slot(key=key, name=key, start=start, minutes=minutes)
    for key, start, minutes in (("sang", "05:30", 10), ("trua", "11:00", 8), ("chieu", "17:00", 15))
)
BOOKS = (
    Rulebook(slots=SLOTS, too_long="refuse"),
    Rulebook(slots=SLOTS, too_long="reason", outside="reason", alone_minutes=10),
    Rulebook(slots=SLOTS, too_long="refuse", most_minutes=20, caps=(Cap(since="17:00", until="06:00", most=40),)),
    Rulebook(slots=(*SLOTS[:2], Slot(key="toi", name="toi", start="19:00", minutes=6)), too_long="reason"),
)  # fmt: skip
QUIET = ("21:00-05:00", "20:00-05:30", "22:00-04:00", "12:02-13:00")
CLOCKS = (
    "05:30", "05:33", "11:00", "11:04", "12:00", "17:00", "17:00", "17:05", "17:10", "19:00", "20:30", "20:58",
    "21:30", "03:15",
)  # fmt: skip
TAY = "tyz"
URGENT = 3
"""Each so manieth bulletin is a priority one."""
REASONS = 0.3
"""How often an officer gives a reason."""
Act = Callable[["Office"], None]
T = TypeVar("T")


class NothingThere(LoaError):
    """What the dice chose to act on does not exist yet."""


class Office:
    """Staff who do anything at any time; what a door refuses is not done."""

    def __init__(self, session: Session, seed: int, patch: pytest.MonkeyPatch) -> None:
        self.session, self.dice, self.now = session, random.Random(seed), BEGIN
        names = random.Random(seed)
        patch.setattr(secrets, "token_hex", lambda n=32: f"{names.getrandbits(8 * n):0{2 * n}x}")
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.trace: list[str] = []
        """What was done, for whoever looks for the cause of a failure."""
        self._settle()
        quiet = [regulation.parse_quiet(QUIET[0])]
        regulation.add(session, None, quiet, BOOKS[0], since=Instant(0), now=BEGIN)
        self.pool = [self._bulletin(number) for number in range(12)]
        self.emergency = approved_bulletin(
            session, self.cast, ms=30 * SECOND, now=BEGIN, title="Lũ", priority=Priority.EMERGENCY
        )
        groups.add(session, "Trường học", ["r-0000", "ban-1"], now=BEGIN, by="test")
        groups.add(session, "Chợ", ["r-0001"], now=BEGIN, by="test")

    def _settle(self) -> None:
        """Minh works for the province, Hoa for commune Mẫu (three poles), Lan for commune Bạn (two)."""
        session = self.session
        self.cast = cast = settle_in(session, 3, BEGIN)
        self.second = another_approver(session, BEGIN)
        self.root = areas.add(session, name="Biển", level="tỉnh", now=BEGIN, by="test")
        self.b = areas.add(session, name="Bạn", level="xã", parent=self.root, now=BEGIN, by="test")
        village = areas.add(session, name="Trại", level="thôn", parent=self.b, now=BEGIN, by="test")
        cast.commune.parent_id, cast.villages[1].language = self.root.id, TAY
        for rid in ("ban-1", "ban-2"):
            add_receiver(session, cast, rid, village, BEGIN)
        cast.hoa.area_id, cast.lan.area_id, cast.lan.role = cast.commune.id, self.b.id, Role.EDITOR
        session.flush()

    def _bulletin(self, number: int) -> Bulletin:
        ms = self.dice.choice((20, 45, 60, 90, 200, 330)) * SECOND
        more: dict[str, Any] = {"title": f"Bản tin {number}"}
        if number % URGENT == 0:
            more["priority"] = Priority.PRIORITY
        if number % 6 == 1:
            more["relay"] = Stream(
                "http://ctv.example.com/song", ms=self.dice.choice((2, 5)) * MINUTE
            )
        if number % 6 == 2:
            more["translations"] = (Translation(language=TAY, upload="b" * 64, name="tày.mp3"),)
        return approved_bulletin(self.session, self.cast, ms=ms, now=BEGIN, **more)

    # -- doing ------------------------------------------------------------------------------------

    def act(self, habits: Mapping[Act, int]) -> str:
        """One thing, wholly or not at all; returns its name, or nothing where a door stayed shut."""
        chosen = self.dice.choices(list(habits), list(habits.values()))[0]
        name = chosen.__name__
        try:
            with self.session.begin_nested():
                chosen(self)
                self.session.flush()
        except LoaError as error:
            self.refused[name] += 1
            self.trace.append(
                f"{local(self.now, ZONE):%d %H:%M} refused {name}: {error.sentence[:150]}"
            )
            return ""
        self.done[name] += 1
        self.trace.append(f"{local(self.now, ZONE):%d %H:%M} {name}")
        return name

    def say(self, *what: object) -> None:
        """Note what the act is about."""
        self.trace.append("    " + " ".join(map(str, what)))

    # -- the dice ---------------------------------------------------------------------------------

    def one(self, found: Sequence[T]) -> T:
        if not found:
            raise NothingThere("none yet")
        return self.dice.choice(found)

    def row(self, table: type[T], *which: sa.ColumnElement[bool]) -> T:
        """Any of those rows."""
        order = sa.inspect(table).primary_key
        return self.one(
            self.session.scalars(sa.select(table).where(*which).order_by(*order)).unique().all()
        )

    def maybe(self, chance: float) -> bool:
        return self.dice.random() < chance

    def person(self) -> Staff:
        """Somebody who schedules."""
        return self.dice.choice((self.cast.hoa, self.cast.lan, self.cast.minh))

    def why(self) -> str:
        """An officer's reason; most often none."""
        return "Ban chỉ huy yêu cầu phát" if self.maybe(REASONS) else ""

    @property
    def today(self) -> date:
        return local(self.now, ZONE).date()

    def day(self, most: int = 4) -> date:
        return self.today + timedelta(days=self.dice.randint(0, most))

    def clock(self) -> time:
        return time.fromisoformat(self.dice.choice(CLOCKS))

    def places(self) -> list[Area]:
        return [self.root, self.cast.commune, *self.cast.villages, self.b]

    def where(self, staff: Staff) -> Where:
        """Most often somewhere that the person may choose."""
        own = {self.cast.hoa.id: self.places()[1:5], self.cast.lan.id: [self.b]}
        if self.maybe(0.15):
            return Where(group_ids=(self.row(groups.Group).id,))
        found = self.places() if self.maybe(0.1) else own.get(staff.id, self.places())
        left_out = (self.dice.choice(self.cast.receivers).id,) if self.maybe(0.1) else ()
        return Where((self.dice.choice(found).id,), except_ids=left_out)

    def bulletin(self) -> Bulletin:
        return self.dice.choice(self.pool)

    # -- sounds -----------------------------------------------------------------------------------

    def record(self, bulletin: Bulletin, ms: int) -> None:
        """Its sounds, as if the worker had made them."""
        bulletin.sounds = {
            language: self._sound(bulletin, language, ms + 10 * SECOND * number)
            for number, language in enumerate(
                [KINH, *(each.language for each in bulletin.translations)]
            )
        }
        self.session.flush()

    def _sound(self, bulletin: Bulletin, language: str, ms: int) -> str:
        sha = f"{self.dice.getrandbits(256):064x}"
        self.session.add(
            Recording(sha256=sha, size=ms * 6, ms=ms, lufs=-16.0, true_peak_db=-1.0, peaks=[50], voices=[], notes=[],
                      spoken="", made_at=self.now)
        )  # fmt: skip
        return sha

    def approve(self, bulletin: Bulletin) -> None:
        if bulletin.state in (bulletins.State.DRAFT, bulletins.State.REJECTED):
            bulletins.submit(self.session, bulletin, self.cast.minh, self.now)
        approvers = [self.second, self.cast.minh]
        if bulletin.priority is not Priority.EMERGENCY:
            approvers = approvers[:1]
        for each in approvers:
            bulletins.approve(self.session, bulletin, each, bulletin.sounds.values(), self.now)

    def logged_since(self, n: int) -> list[audit.AuditEntry]:
        found = sa.select(audit.AuditEntry).where(audit.AuditEntry.n > n)
        return list(self.session.scalars(found.order_by(audit.AuditEntry.n)))
