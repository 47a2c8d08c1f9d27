"""Who asks, and where: for a program to see that it is let in."""

from __future__ import annotations

from sqlalchemy.orm import Session

from loa.staff import Role
from loa.tokens import Scope
from web import current
from web.api import calls
from web.api.routes import Route
from web.api.wire import Moment, Person, Told, moment


class Station(Told, frozen=True):
    """The station that answers."""

    name: str
    timezone: str
    """All wall clocks and days are of this zone."""
    now: Moment


class Me(Told, frozen=True):
    """As whom the token acts, and what it is good for."""

    staff: Person
    role: Role
    area_id: int | None
    """Works for this area and all below it; null is the whole station."""
    token: str
    scopes: list[Scope]
    expires_at: Moment
    station: Station


def show(session: Session) -> Me:  # noqa: ARG001 - all routes are called alike
    staff, token, config = current.staff(), calls.token(), current.config()
    return Me(
        staff=Person(login=staff.login, name=staff.name),
        role=staff.role,
        area_id=staff.area_id,
        token=token.name,
        scopes=[Scope(each) for each in token.scopes],
        expires_at=moment(token.expires_at),
        station=Station(
            name=config.station.name, timezone=config.station.timezone, now=moment(current.now())
        ),
    )


ROUTES = (Route("GET", "/me", show, "Who the token acts as, and what it may do."),)
