"""Areas and groups as an admin makes and changes them. All through devices.areas and devices.groups."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from sqlalchemy.orm import Session

from devices import areas, groups
from devices.areas import MOST_LEVEL, MOST_NAME, Area
from loa.errors import DeviceError
from loa.tokens import Scope
from web import current
from web.api import places
from web.api.places import AreaItem, GroupItem
from web.api.routes import Route
from web.api.schedule_types import ReceiverIds
from web.api.wire import Id, Strict, named_in

MOST_HOUSEHOLDS = 10_000_000


class SentArea(Strict, frozen=True):
    """A place of the tree; what is left out is as in a new one."""

    name: Annotated[str, Meta(max_length=MOST_NAME)]
    level: Annotated[str, Meta(max_length=MOST_LEVEL)]
    """What people call such a place: xã, thôn, tổ dân phố."""
    parent_id: Id | None = None
    """The area it lies in; null is the top."""
    households: Annotated[int, Meta(ge=0, le=MOST_HOUSEHOLDS)] = 0
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None


class Language(Strict, frozen=True):
    """In which language bulletins are heard in an area and below it."""

    language: Annotated[str, Meta(max_length=8)] | None
    """A code as of a bulletin's `languages`; null: as in the area above."""


class SentGroup(Strict, frozen=True):
    """Receivers under one name."""

    name: Annotated[str, Meta(max_length=80)]
    receiver_ids: ReceiverIds = ()


def add_area(session: Session, body: SentArea) -> AreaItem:
    _demand_spot(body)
    made = areas.add(
        session, name=body.name, level=body.level, parent=_parent(session, body), households=body.households,
        lat=body.lat, lon=body.lon, now=current.now(), by=current.staff().login,
    )  # fmt: skip
    return places.areas_show(session, made.id)


def change_area(session: Session, area_id: int, body: SentArea) -> AreaItem:
    area = areas.get(session, area_id)
    _demand_spot(body)
    try:
        areas.change(
            session, area, name=body.name, level=body.level, households=body.households,
            parent=_parent(session, body), lat=body.lat, lon=body.lon, now=current.now(),
            by=current.staff().login,
        )  # fmt: skip
    except DeviceError as error:
        error.field = "parent_id" if error.field == "parent" else error.field
        raise
    return places.areas_show(session, area_id)


def _parent(session: Session, body: SentArea) -> Area | None:
    with named_in("parent_id"):
        return areas.get(session, body.parent_id) if body.parent_id is not None else None


def _demand_spot(body: SentArea) -> None:
    """Raise DeviceError for half a place on the map."""
    if (body.lat is None) != (body.lon is None):
        missing = "lat" if body.lat is None else "lon"
        raise DeviceError("Hãy gửi cả vĩ độ (lat) và kinh độ (lon), hoặc bỏ cả hai.", field=missing)


def speak(session: Session, area_id: int, body: Language) -> AreaItem:
    areas.set_language(
        session, areas.get(session, area_id), body.language, now=current.now(), by=current.staff().login
    )  # fmt: skip
    return places.areas_show(session, area_id)


def add_group(session: Session, body: SentGroup) -> GroupItem:
    with named_in("receiver_ids"):
        made = groups.add(
            session, body.name, body.receiver_ids, now=current.now(), by=current.staff().login
        )
    return places.groups_show(session, made.id)


def change_group(session: Session, group_id: int, body: SentGroup) -> GroupItem:
    group = groups.get(session, group_id)
    with named_in("receiver_ids"):
        groups.change(
            session, group, body.name, body.receiver_ids, now=current.now(), by=current.staff().login
        )  # fmt: skip
    return places.groups_show(session, group_id)


WRITE = Scope.PLACES_WRITE
ROUTES = (
    Route("POST", "/areas", add_area, "Add an area.", WRITE, 201),
    Route("POST", "/areas/<id:area_id>/change", change_area, "Name, level, place and households of an area.", WRITE),
    Route("POST", "/areas/<id:area_id>/language", speak, "In which language bulletins are heard there.", WRITE),
    Route("POST", "/groups", add_group, "Make a group of receivers.", WRITE, 201),
    Route("POST", "/groups/<id:group_id>/change", change_group, "Name a group, and say who is in it.", WRITE),
)  # fmt: skip
