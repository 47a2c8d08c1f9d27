"""The list of receivers as a page shows it: filter, counts, and each row with what it plays, lacks and plays next."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import request
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from devices import fleet, groups, outages
from devices.fleet import Health, Order, Wanted
from devices.outages import Fault, Kind
from devices.receivers import Receiver
from loa.times import Instant
from loa.words import say
from scheduler import csv_values, levels, upcoming
from scheduler.upcoming import Next
from web import current, health, labels, lists, remedies
from web.forms import Form, choices

RETIRED = "thoi-dung"
"""Beside the four healths in the address."""
SLUGS = {
    Health.WELL: "truc-tuyen",
    Health.IMPAIRED: "co-loi",
    Health.OFFLINE: "mat-ket-noi",
    Health.NEVER: "chua-thay",
}
ORDERS = {
    Order.AREA: say("địa bàn"),
    Order.NAME: say("tên A–Z"),
    Order.WORST: say("hỏng trước"),
    Order.HEARD: say("mới báo về trước"),
    Order.VOLUME: say("âm lượng nhỏ trước"),
}
PLACED, UNPLACED = "co", "chua"
SAID_APART = frozenset({Kind.OFFLINE})
"""The badge already says it."""


class FleetForm(Form):
    """The filter; its answers stand in the address, so a view of the list can be kept or sent."""

    search = StringField(say("Tìm theo tên hoặc mã"), name="tim")
    state = SelectField(say("Tình trạng"), name="tinh_trang", validate_choice=False)
    area = SelectField(say("Địa bàn"), name="dia_ban", validate_choice=False)
    group = SelectField(say("Nhóm"), name="nhom", validate_choice=False)
    spot = SelectField(
        say("Vị trí trên bản đồ"), name="vi_tri", validate_choice=False,
        choices=choices([("", say("tất cả")), (PLACED, say("đã đặt")), (UNPLACED, say("chưa đặt"))]),
    )  # fmt: skip
    order = SelectField(say("Sắp xếp theo"), name="xep", choices=choices(ORDERS.items()))

    def choose_places(self, session: Session) -> None:
        tree = levels.tree(session, current.staff())
        named = [(area.id, f"{'— ' * depth}{area.full_name}") for depth, area in tree]
        self.area.choices = choices([("", say("tất cả")), *named])
        known = [(group.id, group.name) for group in groups.listing(session)]
        self.group.choices = choices([("", say("tất cả")), *known])

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for besides words and state."""
        places = (self.area.data, self.group.data, self.spot.data)
        return any(places) or self.order.data != Order.AREA

    @property
    def is_empty(self) -> bool:
        """Whether it lets every receiver in service through."""
        asked = (self.search, self.state, self.area, self.group, self.spot)
        return not any(each.data for each in asked)

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
            placed={PLACED: True, UNPLACED: False}.get(self.spot.data or ""),
        )


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
            ago = labels.ago(seen.heard_at, now)
            return say("nghe lần cuối %(last)s, %(ago)s", last=last, ago=ago)
        if not seen.online_since:
            return ""
        return say("từ %(when)s", when=labels.soon(seen.online_since, now, zone))

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
    slice: lists.Slice
    order: lists.Order


def form() -> FleetForm:
    """The filter of this request. Its lists are filled by ``choose_places``."""
    nothing = {"search": "", "state": "", "area": "", "group": "", "spot": "", "order": Order.AREA}
    return FleetForm(request.args, data=nothing)


def page(session: Session, form: FleetForm, now: Instant, per_page: int = lists.PER_PAGE) -> Page:
    """One page of the list, in a number of queries that does not depend on the fleet's size."""
    wanted = form.wanted
    counts, retired = fleet.counts(session, wanted, now), fleet.retired(session, wanted, now)
    total = sum(counts.values())
    found = retired if wanted.retired else counts[wanted.health] if wanted.health else total
    here, order = lists.slice_of(found, per_page), lists.order(*ORDERS)
    some = fleet.listing(
        session, wanted, now, order=Order(order.column), back=order.back,
        limit=here.per_page, offset=here.offset,
    )  # fmt: skip
    chips = [
        Chip(SLUGS[each], labels.HEALTH[each], counts[each], labels.HEALTH_TONES[each])
        for each in Health
    ]
    if retired or wanted.retired:
        chips.append(Chip(RETIRED, say("đã thôi dùng"), retired, "quiet"))
    return Page(rows(session, some, now), chips, total, found, here, order)


def count(session: Session, form: FleetForm, now: Instant, *, placed: bool) -> int:
    """How many that match have a place on the map, or have none."""
    wanted = replace(form.wanted, placed=placed)
    counts = fleet.counts(session, wanted, now)
    return counts[wanted.health] if wanted.health else sum(counts.values())


def spot_words(receiver: Receiver) -> str:
    """Where it stands as one types it: 20.8561, 106.6822; empty where nobody knows."""
    return csv_values.spot_words((receiver.lat, receiver.lon))


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
