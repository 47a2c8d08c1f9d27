"""What a page needs of the station and of its own request: config, clock, transactions, who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from flask import current_app, g, request
from sqlalchemy.orm import Session

from loa.config import Config
from loa.database import Database
from loa.staff import May, Staff
from loa.times import Instant
from web.live import Hub

EXTENSION = "loa"
API = "/api"
View = TypeVar("View", bound=Callable[..., object])


@dataclass(frozen=True)
class Parts:
    """What create_app was given, and the hub it made."""

    config: Config
    database: Database
    clock: Callable[[], Instant]
    hub: Hub


def parts() -> Parts:
    """The parts of the application that answers this request."""
    return cast(Parts, current_app.extensions[EXTENSION])


def config() -> Config:
    return parts().config


def zone() -> ZoneInfo:
    return parts().config.zone


def now() -> Instant:
    """The instant of this request: the same wherever the page asks."""
    if "now" not in g:
        g.now = parts().clock()
    return cast(Instant, g.now)


def read() -> AbstractContextManager[Session]:
    return parts().database.read()


def write() -> AbstractContextManager[Session]:
    return parts().database.write()


def staff() -> Staff:
    """Who is signed in; only behind the sign-in check."""
    return cast(Staff, g.staff)


def is_signed_in() -> bool:
    return g.get("staff") is not None


def is_api() -> bool:
    """Whether a program asks (web.api), who is answered in JSON, whatever goes wrong."""
    return is_api_path(request.path)


def is_api_path(path: str) -> bool:
    return path == API or path.startswith(f"{API}/")


def needs(act: May) -> Callable[[View], View]:
    """Say what a page's reader must be allowed to do; without it READ is asked."""

    def mark(view: View) -> View:
        view.__dict__["needs"] = act
        return view

    return mark


def open_to_all(view: View) -> View:
    """A page that is shown before sign-in."""
    view.__dict__["open_to_all"] = True
    return view
