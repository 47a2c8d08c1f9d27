"""The emergency orders that sound or wait, as every page's head shows them to its reader."""

from __future__ import annotations

from contextlib import suppress

from flask import g
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from content import bulletins, decisions
from loa import words
from loa.words import say
from scheduler import alerts
from scheduler.alerts import Alert, State
from scheduler.level_views import View
from web import current, labels


def lines(found: list[Alert]) -> list[str]:
    """What stands, in a line each: kept on the reader's device for when there is no network."""
    return [str(words.told(_line(alert))) for alert in found]


def _line(alert: Alert) -> str:
    if alert.state is State.WAITING:
        line = say("%(title)s: chờ đồng ý, chưa phát", title=alert.title)
    elif alert.drill:
        line = say("%(title)s: đang diễn tập đến %(until)s", title=alert.title, until=_until(alert))
    else:
        line = say(
            "%(title)s: đang phát khẩn cấp đến %(until)s", title=alert.title, until=_until(alert)
        )
    return line


def _until(alert: Alert) -> str:
    return labels.moment(alert.until, current.zone())


def shown() -> list[Alert]:
    """What sounds and what waits: asked once for a page, which must not fail for want of it."""
    if "alerts" not in g:
        g.alerts, g.alerts_given, g.alerts_mine = [], {}, set()
        with suppress(OperationalError, PoolTimeout), current.read() as session:
            view = View(session, current.staff())
            g.alerts = view.sources(alerts.standing(session))
            g.alerts_mine = {each.id for each in g.alerts if view.owns(each.staff.area_id)}
            waiting = [alert.bulletin_id for alert in g.alerts if alert.state is State.WAITING]
            g.alerts_given = decisions.standing(session, waiting) if waiting else {}
    return list(g.alerts)


def for_me() -> list[Alert]:
    """Those that wait for this reader's word."""
    me, found = current.staff(), shown()
    given = {
        bulletin_id: {decision.staff_id for decision in those}
        for bulletin_id, those in g.alerts_given.items()
    }
    return [
        alert
        for alert in found
        if alerts.waits_for(alert, me)
        and alert.id in g.alerts_mine
        and (
            alert.bulletin.state is bulletins.State.APPROVED
            or me.id not in given.get(alert.bulletin_id, ())
        )
    ]
