"""All routes of the API. A resource is a module with ``ROUTES``; this is where it is added."""

from __future__ import annotations

from web.api import (
    alerts,
    audit,
    broadcasts,
    bulletins,
    campaigns,
    days,
    log,
    me,
    occurrences,
    place_acts,
    places,
    plan,
    previews,
    programme_days,
    programmes,
    regulation,
    remote,
    reports,
    schedules,
    uploads,
    versions,
)
from web.api.routes import Route

ROUTES: tuple[Route, ...] = (
    *me.ROUTES,
    *bulletins.ROUTES,
    *versions.ROUTES,
    *uploads.ROUTES,
    *places.ROUTES,
    *place_acts.ROUTES,
    *remote.ROUTES,
    *schedules.ROUTES,
    *previews.ROUTES,
    *occurrences.ROUTES,
    *programmes.ROUTES,
    *programme_days.ROUTES,
    *campaigns.ROUTES,
    *broadcasts.ROUTES,
    *plan.ROUTES,
    *alerts.ROUTES,
    *regulation.ROUTES,
    *days.ROUTES,
    *log.ROUTES,
    *reports.ROUTES,
    *audit.ROUTES,
)
