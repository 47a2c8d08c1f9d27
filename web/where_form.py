"""Where something is to be heard, as the forms of schedules, campaigns and programmes ask for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session
from wtforms import StringField

from devices import areas, groups, receivers
from devices.areas import Area
from devices.groups import Group, Member
from devices.receivers import Receiver
from loa.words import say
from scheduler.level_views import View
from scheduler.targets import Where
from web import current
from web.forms import Checkboxes, Form

LISTED = 200
"""Receivers offered one by one to be left out; of more, their ids are typed."""


class PlaceForm(Form):
    area_ids = Checkboxes(say("Phát ở đâu"), coerce=int, validate_choice=False)
    group_ids = Checkboxes(say("Nhóm đầu thu"), coerce=int, validate_choice=False)
    except_ids = Checkboxes(say("Trừ các đầu thu này"), coerce=str, validate_choice=False)
    except_text = StringField(say("Trừ các đầu thu có mã"))

    @property
    def where(self) -> Where:
        """Where the bulletin is to be heard."""
        typed = re.split(r"[\s,;]+", (self.except_text.data or "").strip())
        left_out = [*(self.except_ids.data or ()), *(each for each in typed if each)]
        return Where(
            tuple(self.area_ids.data or ()), tuple(self.group_ids.data or ()), tuple(left_out)
        )


@dataclass(frozen=True)
class Place:
    """An area of the tree as the form offers it; ``receivers`` stand in it or below."""

    area: Area
    depth: int
    receivers: int


@dataclass(frozen=True)
class Offer:
    """What there is to choose from: the tree, groups with their sizes, and receivers to leave out."""

    places: list[Place]
    groups: list[tuple[Group, int]]
    by_area: list[tuple[str, list[tuple[str, str]]]]
    """Area → (id, name) of each receiver in it; empty when there are more than LISTED."""
    receivers: int


def offer(session: Session) -> Offer:
    """What there is to choose from now, for who is signed in."""
    sizes, view = groups.sizes(session), View(session, current.staff())
    standing = sa.and_(receivers.in_service(), view.receivers())
    number = session.scalar(sa.select(sa.func.count()).select_from(Receiver).where(standing)) or 0
    return Offer(
        places=own_places(session),
        groups=[
            (group, sizes.get(group.id, 0)) for group in groups.listing(session) if _is_within(session, group, view)
        ],
        by_area=_by_area(session, standing) if number <= LISTED else [],
        receivers=number,
    )  # fmt: skip


def own_places(session: Session) -> list[Place]:
    """The part of the tree for which who is signed in works, with its root at depth 0."""
    inside = View(session, current.staff()).inside
    found = [each for each in places(session) if inside is None or each.area.id in inside]
    top = min((each.depth for each in found), default=0)
    return [replace(each, depth=each.depth - top) for each in found]


def _is_within(session: Session, group: Group, view: View) -> bool:
    """Whether all of its receivers stand where the person works."""
    if view.inside is None:
        return True
    found = (
        sa.select(Receiver.id)
        .join(Member, Member.receiver_id == Receiver.id)
        .where(Member.group_id == group.id, sa.not_(view.receivers()))
    )
    return session.scalar(found.limit(1)) is None


def _by_area(
    session: Session, standing: sa.ColumnElement[bool]
) -> list[tuple[str, list[tuple[str, str]]]]:
    found = (
        sa.select(Area.level, Area.name, Receiver.id, Receiver.name.label("called"))
        .join(Receiver, Receiver.area_id == Area.id)
        .where(standing)
        .order_by(Area.name, Area.id, Receiver.name, Receiver.id)
    )
    named: dict[str, list[tuple[str, str]]] = {}
    for row in session.execute(found):
        named.setdefault(f"{row.level} {row.name}", []).append((row.id, row.called))
    return list(named.items())


def places(session: Session) -> list[Place]:
    """The tree of areas with the number of receivers that each would reach."""
    tree = areas.tree(session)
    counted = sa.select(Receiver.area_id, sa.func.count()).where(receivers.in_service())
    rows = session.execute(counted.group_by(Receiver.area_id))
    standing: dict[int, int] = {one: number for one, number in rows}  # noqa: C416 - a Row is no pair to mypy
    found: list[Place] = []
    # From the last row up: below an area stand the deeper rows that follow it.
    for depth, area in reversed(tree):
        below = 0
        for each in reversed(found):
            if each.depth <= depth:
                break
            below += each.receivers if each.depth == depth + 1 else 0
        found.append(Place(area, depth, standing.get(area.id, 0) + below))
    return found[::-1]


def everywhere(places: list[Place]) -> dict[str, object]:
    """A station of one commune usually speaks to all of it."""
    roots = [place.area.id for place in places if place.depth == 0]
    return {"area_ids": roots if len(roots) == 1 else []}
