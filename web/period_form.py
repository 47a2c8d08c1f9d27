"""The span a report is asked of; its answers stand in the address."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from flask import request

from loa.times import local
from loa.words import say
from scheduler.reporting import periods
from scheduler.reporting.periods import Period
from web import current
from web.forms import Day, Form


class PeriodForm(Form):
    """Both days belong to the span."""

    since = Day(say("Từ ngày"), name="tu")
    until = Day(say("Đến ngày"), name="den")

    @property
    def period(self) -> Period | None:
        """What the form asks for; None when it must be corrected first."""
        return self.checked(
            lambda: periods.span(cast(date, self.since.data), cast(date, self.until.data))
        )


def form(given: object = None) -> PeriodForm:
    """What was asked; this month where nothing was."""
    month = periods.month(today())
    return PeriodForm(given or request.args, data={"since": month.first, "until": month.last})


def today() -> date:
    return local(current.now(), current.zone()).date()


def asked(period: Period | None) -> dict[str, Any]:
    """The arguments of an address that asks the same."""
    return {} if period is None else {"tu": str(period.first), "den": str(period.last)}
