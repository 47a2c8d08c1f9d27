"""The days of a series in a form: whatever is stored is shown, and saved again it is the same."""

from __future__ import annotations

import pytest

from scheduler import recurrence
from scheduler.series import Kind
from web import recurrence_form
from web.recurrence_form import KEPT, RecurrenceFields

RULES = {
    recurrence.ONCE: Kind.ONCE,
    "FREQ=DAILY": Kind.DAILY,
    "FREQ=WEEKLY;BYDAY=MO,FR": Kind.WEEKDAYS,
    "FREQ=DAILY;INTERVAL=3": Kind.OTHER,
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR": Kind.OTHER,
    "FREQ=MONTHLY;BYMONTHDAY=1,15,-1": Kind.OTHER,
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1SU": Kind.OTHER,
    "FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=2": Kind.OTHER,
    "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15": Kind.OTHER,
    "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=15,30;SKIP=BACKWARD": Kind.OTHER,
    "RSCALE=VIETNAMESE;FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=10": Kind.OTHER,
    "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=27": KEPT,
    "RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=30": KEPT,
}
"""Rule → what is ticked; KEPT where the fields have no words for it."""


@pytest.mark.parametrize(("rule", "ticked"), RULES.items())
def test_what_is_shown_of_a_rule_says_that_rule(app, rule, ticked):
    with app.test_request_context():
        form = RecurrenceFields(data=recurrence_form.filled(rule))
        assert form.kind.data == ticked
        assert form.days == (Kind.OTHER if ticked == KEPT else ticked, rule)
        assert (KEPT in dict(form.kind.choices)) == (ticked == KEPT)


def test_a_rule_that_is_none_is_not_kept_because_a_page_says_so(app):
    sent = {"kind": KEPT, "rule": "FREQ=HOURLY"}
    with app.test_request_context(method="POST", data=sent):
        form = RecurrenceFields()
        assert form.carry_out(lambda: form.days) is None
        assert form.errors["kind"] == ["Lựa chọn này không có. Hãy chọn lại."]
