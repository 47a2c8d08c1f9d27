"""All routes of the API. A resource is a module with ``ROUTES``; this is where it is added."""

from __future__ import annotations

from web.api import broadcasts, bulletins, me, places, schedules
from web.api.routes import Route

ROUTES: tuple[Route, ...] = (
    *me.ROUTES,
    *bulletins.ROUTES,
    *places.ROUTES,
    *schedules.ROUTES,
    *broadcasts.ROUTES,
)
