"""The list of receivers as a page shows it: filter, counts, and each row with what it plays, lacks and plays next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from devices import fleet, groups, outages
from devices.fleet import Health, Order, Wanted
from devices.outages import Fault, Kind
from devices.receivers import Receiver
from loa.times import Instant
from scheduler import levels, upcoming
from scheduler.upcoming import Next
from web import current, health, labels, remedies
from web.forms import Form, choices

PER_PAGE = 50
RETIRED = "thoi-dung"
"""Beside the four healths in the address."""
SLUGS = {
    Health.WELL: "truc-tuyen",
    Health.IMPAIRED: "co-loi",
    Health.OFFLINE: "mat-ket-noi",
    Health.NEVER: "chua-thay",
}
ORDERS = {
    Order.AREA: "địa bàn",
    Order.NAME: "tên A–Z",
    Order.WORST: "hỏng trước",
    Order.HEARD: "mới báo về trước",
}
SAID_APART = frozenset({Kind.OFFLINE})
"""The badge already says it."""


class FleetForm(Form):
    """The filter; its answers stand in the address, so a view of the list can be kept or sent."""

    search = StringField("Tìm theo tên hoặc mã", name="tim")
    state = SelectField("Tình trạng", name="tinh_trang", validate_choice=False)
    area = SelectField("Địa bàn", name="dia_ban", validate_choice=False)
    group = SelectField("Nhóm", name="nhom", validate_choice=False)
    order = SelectField("Sắp xếp theo", name="xep", choices=choices(ORDERS.items()))

    def choose_places(self, session: Session) -> None:
        tree = levels.tree(session, current.staff())
        named = [(area.id, f"{'— ' * depth}{area.full_name}") for depth, area in tree]
        self.area.choices = choices([("", "tất cả"), *named])
        known = [(group.id, group.name) for group in groups.listing(session)]
        self.group.choices = choices([("", "tất cả"), *known])

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for besides words and state."""
        return bool(self.area.data or self.group.data) or self.order.data != Order.AREA

    @property
    def is_empty(self) -> bool:
        """Whether it lets every receiver in service through."""
        return not any(each.data for each in (self.search, self.state, self.area, self.group))

    @property
    def wanted(self) -> Wanted:
        """What it asks for; what makes no sense narrows nothing."""
        states = {slug: each for each, slug in SLUGS.items()}
        return Wanted(
            health=states.get(self.state.data or ""),
            retired=self.state.data == RETIRED,
            search=self.search.data or "",
            area_id=_number(self.area.data),
            group_id=_number(self.group.data),
            within_id=current.staff().area_id,
        )

    @property
    def sorted_by(self) -> Order:
        return Order(self.order.data) if self.order.data in list(Order) else Order.AREA


@dataclass(frozen=True)
class Row:
    """A receiver in the list."""

    receiver: Receiver
    health: Health
    faults: list[Fault]
    playing: str | None
    """Title of what it says it plays; empty for a sound that is no bulletin."""
    next: Next | None

    @property
    def word(self) -> str:
        return labels.HEALTH[self.health]

    @property
    def tone(self) -> str:
        return labels.HEALTH_TONES[self.health]

    @property
    def since(self) -> str:
        """Since when it is so."""
        seen, now, zone = self.receiver.presence, current.now(), current.zone()
        if seen is None:
            return ""
        if self.health is Health.OFFLINE:
            last = labels.soon(seen.heard_at, now, zone)
            return f"nghe lần cuối {last}, {labels.ago(seen.heard_at, now)}"
        return f"từ {labels.soon(seen.online_since, now, zone)}" if seen.online_since else ""

    @property
    def complaints(self) -> list[tuple[str, str]]:
        """(words, tone) of what is wrong with it besides its silence."""
        listed = {fault.kind for fault in self.faults}
        seen = self.receiver.presence
        told = health.troubles(seen) if seen and self.health is not Health.OFFLINE else []
        kinds = {*listed, *told}
        return [
            (remedies.FAULTS[kind], remedies.TONES.get(kind, "doubt"))
            for kind in Kind
            if kind in kinds and kind not in SAID_APART
        ]


@dataclass(frozen=True)
class Chip:
    """A state as a filter, with how many are in it."""

    slug: str
    word: str
    number: int
    tone: str


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    chips: list[Chip]
    total: int
    """Receivers in service that match, whatever their state."""
    found: int
    """Receivers that match with the state asked for."""
    number: int
    pages: int


def form() -> FleetForm:
    """The filter of this request. Its lists are filled by ``choose_places``."""
    nothing = {"search": "", "state": "", "area": "", "group": "", "order": Order.AREA}
    return FleetForm(request.args, data=nothing)


def asked() -> dict[str, Any]:
    """What stands in the address, but for the number of the page."""
    return {key: value for key, value in request.args.items() if key != "trang" and value}


def page(session: Session, form: FleetForm, now: Instant) -> Page:
    """One page of the list, in a number of queries that does not depend on the fleet's size."""
    wanted = form.wanted
    counts, retired = fleet.counts(session, wanted, now), fleet.retired(session, wanted, now)
    total = sum(counts.values())
    found = retired if wanted.retired else counts[wanted.health] if wanted.health else total
    pages = max(-(-found // PER_PAGE), 1)
    number = min(max(request.args.get("trang", 1, type=int), 1), pages)
    some = fleet.listing(
        session, wanted, now, order=form.sorted_by, limit=PER_PAGE, offset=(number - 1) * PER_PAGE
    )
    chips = [
        Chip(SLUGS[each], labels.HEALTH[each], counts[each], labels.HEALTH_TONES[each])
        for each in Health
    ]
    if retired or wanted.retired:
        chips.append(Chip(RETIRED, "đã thôi dùng", retired, "quiet"))
    return Page(rows(session, some, now), chips, total, found, number, pages)


def rows(session: Session, found: list[Receiver], now: Instant) -> list[Row]:
    """Those receivers with what they play, lack and play next: three queries for all of them."""
    ids = [receiver.id for receiver in found]
    faults, coming = outages.open_of(session, ids), upcoming.next_of(session, ids, now)
    sounding = [r.presence.playing for r in found if r.presence and r.presence.playing]
    titles = upcoming.titles(session, sounding) if sounding else {}
    return [
        Row(
            receiver=receiver,
            health=fleet.health_of(receiver, now),
            faults=faults.get(receiver.id, []),
            playing=_playing(receiver, titles, now),
            next=coming.get(receiver.id),
        )
        for receiver in found
    ]


def _playing(receiver: Receiver, titles: dict[str, str], now: Instant) -> str | None:
    seen = receiver.presence
    if seen is None or not seen.playing or not seen.is_online(now):
        return None
    return titles.get(seen.playing, "")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
