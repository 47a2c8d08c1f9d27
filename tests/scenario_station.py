"""A station as a scenario file says it: the same objects, once in no database and once in one."""

from __future__ import annotations

import hashlib
from datetime import time
from typing import Any

from sqlalchemy.orm import Session

from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from content.decisions import Decision
from content.parts import spoken
from content.recordings import Recording
from content.relays import Stream
from devices.areas import Area
from devices.groups import Group, Member
from devices.receivers import Receiver
from loa.staff import Role, Staff
from loa.times import HOUR, MINUTE, SECOND, Instant
from scheduler import rethinking
from scheduler.alerts import Alert
from scheduler.alerts import State as AlertState
from scheduler.campaign_tables import Aim, Campaign, Message, Per, Target
from scheduler.days import DayMark
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.exceptions import ScheduleException
from scheduler.programme_tables import Item, ItemKind, Programme
from scheduler.regulation import Regulation
from scheduler.rulebook import USUAL_KINDS, Cap, DayKind, Rulebook, Slot
from scheduler.schedule_tables import Schedule, ScheduleArea, ScheduleExcept, ScheduleGroup
from scheduler.targets import Where
from tests.scenario_files import LISTED, NAMED, SOURCES, Data, Scenario


class Station:
    """The objects of a scenario; in a database where there is a session."""

    def __init__(self, scenario: Scenario, session: Session | None = None) -> None:
        self.scenario, self.session = scenario, session
        self.known: dict[str, dict[str, Any]] = {name: {} for name in NAMED}
        self.listed: dict[str, list[Any]] = {name: [] for name in LISTED}
        self.lengths: dict[str, int] = {}
        self._before: Data = {name: {} for name in NAMED} | {name: [] for name in LISTED}
        self.hoa = self._add(_person(1, "hoa", "Hoa", Role.EDITOR))
        self.minh = self._add(_person(2, "minh", "Minh", Role.APPROVER))

    def bring(self, data: Data, now: Instant) -> None:
        """Make all of it as ``data`` has it, from ``now`` on."""
        makers = {
            "areas": self._area, "receivers": self._receiver, "groups": self._group, "bulletins": self._bulletin,
            "schedules": self._schedule, "programmes": self._programme, "campaigns": self._campaign,
            "alerts": self._alert,
        }  # fmt: skip
        for kind, make in makers.items():
            for name, fields in data[kind].items():
                if fields != self._before[kind].get(name):
                    self.known[kind][name] = made = self._add(make(name, fields, now))
                    if kind in SOURCES:
                        _think_again(made, now, fields)
        self._lists(data, now)
        self._before = data
        self._flush()

    def _lists(self, data: Data, now: Instant) -> None:
        makers = {
            "regulations": self._regulation,
            "marks": self._mark,
            "exceptions": self._exception,
        }
        for kind, make in makers.items():
            for fields in data[kind][len(self.listed[kind]) :]:
                self.listed[kind].append(self._add(make(fields, now)))
                if kind != "exceptions" and self.session is not None:
                    rethinking.everything(self.session, now, self.scenario.rules)

    def _add(self, made: Any) -> Any:
        if self.session is not None:
            self.session.add(made)
            self.session.flush()
        return made

    def _flush(self) -> None:
        if self.session is not None:
            self.session.flush()

    def _id(self, kind: str, name: str) -> int:
        """Its number: the place of its name in the file."""
        known = self.known[kind]
        return list(known).index(name) + 1 if name in known else len(known) + 1

    def where(self, fields: Data) -> Where:
        return Where(
            tuple(sorted(self.known["areas"][each].id for each in fields.get("where", ()))),
            tuple(sorted(self.known["groups"][each].id for each in fields.get("groups", ()))),
            tuple(sorted(fields.get("leave_out", ()))),
        )

    # -- places -----------------------------------------------------------------------------------

    def _area(self, name: str, fields: Data, _now: Instant) -> Area:
        area = self.known["areas"].get(name) or Area(
            id=self._id("areas", name), level="thôn", households=0
        )
        above = fields.get("in")
        area.name, area.language = fields.get("name", name), fields.get("language")
        area.parent_id = self.known["areas"][above].id if above else None
        return area

    def _receiver(self, name: str, fields: Data, now: Instant) -> Receiver:
        made = self.known["receivers"].get(name) or Receiver(
            id=name,
            public_key="x",
            password_hash="x",
            households=100,
            added_at=now,
            confirmed_at=now,
        )
        area = self.known["areas"][fields["in"]]
        made.name, made.area_id, made.area = fields.get("name", f"Cột {name}"), area.id, area
        made.active = not fields.get("retired", False)
        made.households = fields.get("households", 100)
        return made

    def _group(self, name: str, fields: list[str], now: Instant) -> Group:
        number = self._id("groups", name)
        group = self.known["groups"].get(name) or self._add(
            Group(id=number, name=name, added_at=now)
        )
        if self.session is not None:
            before = set(self._before["groups"].get(name, ()))
            for gone in before - set(fields):
                self.session.delete(self.session.get(Member, (number, gone)))
            for new in set(fields) - before:
                self.session.add(Member(group_id=number, receiver_id=new))
        return group

    # -- what is said -----------------------------------------------------------------------------

    def _bulletin(self, name: str, fields: Data, now: Instant) -> Bulletin:
        made = self.known["bulletins"].get(name) or Bulletin(
            id=self._id("bulletins", name), parts=spoken("Xin chào."), author=self.hoa, author_id=1, editor=self.hoa,
            editor_id=1, created_at=now, updated_at=now, field=1, version=1, translations=(), sounds={},
        )  # fmt: skip
        made.title, made.priority = (
            fields.get("title", name),
            Priority(fields.get("priority", "normal")),
        )
        made.valid_from, made.valid_until = fields.get("valid_from"), fields.get("valid_until")
        made.state = BulletinState(fields.get("state", "approved"))
        minutes = fields.get("relay_minutes")
        made.relay = (
            Stream("https://example.vn/truc-tiep", (), minutes * MINUTE) if minutes else None
        )
        made.sounds = self._sounds(
            made, {"vi": fields["seconds"], **fields.get("languages", {})}, now
        )
        if made.state is BulletinState.APPROVED:
            self._approve(made, now)
        return made

    def _sounds(self, bulletin: Bulletin, seconds: dict[str, int], now: Instant) -> dict[str, str]:
        found = {}
        for language, length in seconds.items():
            found[language] = sha = hashlib.sha256(
                f"{bulletin.id} {language} {length}".encode()
            ).hexdigest()
            if sha not in self.lengths:
                self._add(Recording(sha256=sha, size=1, ms=length * SECOND, lufs=-16.0, true_peak_db=-1.0, peaks=[],
                                    voices=[], notes=[], made_at=now))  # fmt: skip
            self.lengths[sha] = length * SECOND
        return found

    def _approve(self, bulletin: Bulletin, now: Instant) -> None:
        """Minh's word for the sounds it has now, in place of what he said before."""
        if self.session is None:
            return
        self._add(bulletin)
        for before in self.session.query(Decision).filter_by(
            bulletin_id=bulletin.id, ended_at=None
        ):
            before.ended_at, before.ended_why = now, "Bản tin đã đổi"
        self.session.add(Decision(bulletin_id=bulletin.id, version=1, sounds=bulletin.sounds, approved=True,
                                  complete=True, staff_id=2, at=now))  # fmt: skip

    # -- the rules --------------------------------------------------------------------------------

    def _regulation(self, fields: Data, now: Instant) -> Regulation:
        since = self.scenario.moment(fields["since"]) if "since" in fields else Instant(0)
        rules = {
            name: value
            for name, value in fields.items()
            if name not in ("since", "quiet", "slots", "kinds", "caps")
        }
        kinds = tuple(DayKind(**each) for each in fields.get("kinds", ()))
        slots = [_slot(each, self.known["areas"]) for each in fields.get("slots", ())]
        return Regulation(
            id=len(self.listed["regulations"]) + 1, since=since, made_at=now, by="quantri", note="",
            quiet=[each.split("-") for each in fields.get("quiet", ())],
            rules=Rulebook(slots=tuple(slots), kinds=kinds or USUAL_KINDS,
                           caps=tuple(Cap(**each) for each in fields.get("caps", ())), **rules),
        )  # fmt: skip

    def _mark(self, fields: Data, now: Instant) -> DayMark:
        gone = fields.get("withdrawn")
        return DayMark(
            id=len(self.listed["marks"]) + 1, first=fields["first"], last=fields.get("last", fields["first"]),
            kind=fields["kind"], name=fields.get("name", fields["kind"]), staff=self.hoa, staff_id=1, made_at=now,
            withdrawn_at=self.scenario.moment(gone) if gone else None,
        )  # fmt: skip

    def _exception(self, fields: Data, now: Instant) -> ScheduleException:
        """One day of a series otherwise; ``again`` takes back what was otherwise about it."""
        kind = "schedules" if fields["of"] in self.known["schedules"] else "programmes"
        source, other = (
            self.known[kind][fields["of"]],
            self.known["bulletins"].get(fields.get("bulletin")),
        )
        for before in self.listed["exceptions"]:
            if (before.schedule_id, before.programme_id) == _named(
                kind, source.id
            ) and before.day == fields["day"]:
                before.withdrawn_at = before.withdrawn_at or now
        source.planned_until = min(source.planned_until, now)
        schedule_id, programme_id = _named(kind, source.id)
        is_again = fields["kind"] == "again"
        return ScheduleException(
            id=len(self.listed["exceptions"]) + 1, schedule_id=schedule_id, programme_id=programme_id,
            day=fields["day"],
            kind=ExceptionKind("skip" if is_again else fields["kind"]), to_day=fields.get("to_day"),
            to_time=_clock(fields.get("to_time")), bulletin=other, bulletin_id=other.id if other else None, reason="",
            staff=self.hoa, staff_id=1, made_at=now, withdrawn_at=now if is_again else None,
        )  # fmt: skip

    # -- sources ----------------------------------------------------------------------------------

    def _schedule(self, name: str, fields: Data, now: Instant) -> Schedule:
        number, bulletin = self._id("schedules", name), self.known["bulletins"][fields["bulletin"]]
        made = self.known["schedules"].get(name) or Schedule(
            id=number, uid=f"s{number:03d}", staff=self.hoa, staff_id=1, created_at=now, planned_until=now,
            is_now=False, waived=[], waived_why="",
        )  # fmt: skip
        made.bulletin, made.bulletin_id, made.at = bulletin, bulletin.id, _clock(fields["at"])
        made.rule, made.skips = fields.get("rule", ""), list(fields.get("skips", ()))
        made.start_date = fields["start"]
        made.end_date = fields.get("end", None if made.rule else fields["start"])
        made.minutes, made.resumes = fields.get("minutes", 0), fields.get("resumes", False)
        where = self.where(fields)
        made.targets = [ScheduleArea(area_id=each) for each in where.area_ids]
        made.groups = [ScheduleGroup(group_id=each) for each in where.group_ids]
        made.excepts = [ScheduleExcept(receiver_id=each) for each in where.except_ids]
        return made

    def _programme(self, name: str, fields: Data, now: Instant) -> Programme:
        number = self._id("programmes", name)
        made = self.known["programmes"].get(name) or Programme(
            id=number, uid=f"p{number:03d}", staff=self.hoa, staff_id=1, created_at=now, planned_until=now,
            waived=[], waived_why="", sounds_mark="",
        )  # fmt: skip
        made.name, made.slot, made.at = name, fields.get("slot"), _clock(fields.get("at"))
        made.minutes, made.rule = fields.get("minutes", 0), fields.get("rule", "FREQ=DAILY")
        made.skips, made.where = list(fields.get("skips", ())), self.where(fields)
        made.start_date, made.end_date = fields["start"], fields.get("end")
        made.items = [
            self._item(place, each) for place, each in enumerate(fields["items"], start=1)
        ]
        return made

    def _item(self, place: int, fields: Data) -> Item:
        bulletin = self.known["bulletins"].get(fields.get("bulletin"))
        kind = ItemKind(fields.get("kind", "bulletin"))
        return Item(place=place, kind=kind, bulletin=bulletin, bulletin_id=bulletin.id if bulletin else None,
                    ms=fields.get("minutes", 0) * MINUTE)  # fmt: skip

    def _campaign(self, name: str, fields: Data, now: Instant) -> Campaign:
        number = self._id("campaigns", name)
        made = self.known["campaigns"].get(name) or Campaign(
            id=number, uid=f"c{number:03d}", basis="", staff=self.hoa, staff_id=1, created_at=now, planned_until=now,
            rethought_at=now, seen=0, lost=0, paused_at=None,
        )  # fmt: skip
        made.name, made.weight, made.where = name, fields.get("weight", 1), self.where(fields)
        made.start_date, made.end_date = fields["start"], fields["end"]
        made.target = Target(
            aim=Aim(fields.get("aim", "plays")),
            number=fields["number"],
            per=Per(fields.get("per", "total")),
        )
        if not made.messages:
            made.messages = [
                self._message(number, place, each)
                for place, each in enumerate(fields["messages"], start=1)
            ]
        return made

    def _message(self, number: int, place: int, fields: Data) -> Message:
        bulletin = self.known["bulletins"][fields["bulletin"]]
        return Message(id=number * 100 + place, bulletin=bulletin, bulletin_id=bulletin.id,
                       weight=fields.get("weight", 1), apart_ms=fields.get("apart_hours", 0) * HOUR)  # fmt: skip

    def _alert(self, name: str, fields: Data, now: Instant) -> Alert:
        number, bulletin = self._id("alerts", name), self.known["bulletins"][fields["bulletin"]]
        return self.known["alerts"].get(name) or Alert(
            id=number, uid=f"a{number:03d}", template=None, title=name, bulletin=bulletin, bulletin_id=bulletin.id,
            where=self.where(fields), state=AlertState.ACTIVE, drill=fields.get("drill", False),
            starts_at=self.scenario.moment(fields["starts"]), expires_at=self.scenario.moment(fields["expires"]),
            every_ms=fields.get("every_minutes", 0) * MINUTE, times=fields.get("times", 0), staff=self.hoa, staff_id=1,
            created_at=now, second=self.minh, second_id=2, agreed_at=now, heard={}, planned_until=now,
        )  # fmt: skip


def _person(number: int, login: str, name: str, role: Role) -> Staff:
    return Staff(id=number, login=login, name=name, role=role, password_hash="x", active=True, created_at=Instant(0),
                 session_stamp="x")  # fmt: skip


def _clock(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _slot(fields: Data, areas: dict[str, Area]) -> Slot:
    plain = {name: value for name, value in fields.items() if name != "areas"}
    lists = {name: tuple(plain[name]) for name in ("weekdays", "kinds") if name in plain}
    return Slot(
        **{"name": fields["key"], **plain, **lists},
        area_ids=tuple(areas[each].id for each in fields.get("areas", ())),
    )


def _named(kind: str, number: int) -> tuple[int | None, int | None]:
    return (number, None) if kind == "schedules" else (None, number)


def _think_again(source: Any, now: Instant, fields: Data) -> None:
    source.planned_until = now
    if isinstance(source, Campaign):
        source.rethought_at, source.paused_at = now, now if fields.get("paused") else None
    if fields.get("ended") and source.ended_at is None:
        source.ended_at = now
