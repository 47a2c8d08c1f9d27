"""The second step of a request: whether its reader has one, passed it lately, or must type a code now."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, g, session
from wtforms import StringField

from loa import second_step as steps
from loa.errors import LoaError
from loa.one_time import Keeper
from loa.second_step import FRESH, Outcome, SecondStep
from loa.staff import Staff
from loa.times import DAY, local
from loa.words import say
from web import current, labels

bp = Blueprint("second_step", __name__)

PASSED_AT = "step_at"
"""In the sign-in of a browser: when a code was typed last."""
TOLD_FOR = 14 * DAY
"""So long a person is told that somebody else took the second step off."""
EMPTY = say("Hãy gõ mã 6 số ở ứng dụng trên điện thoại, hoặc một mã dự phòng.")
REFUSALS = {
    Outcome.USED: say(
        "Mã này đã dùng rồi. Hãy chờ ứng dụng hiện mã mới (không quá 30 giây), hoặc dùng một mã dự phòng."
    ),
    Outcome.WAIT: say("Đã nhập sai nhiều mã. Hãy chờ 5 phút, hoặc dùng ngay một mã dự phòng."),
    Outcome.UNREADABLE: say(
        "Đài không mở được khoá của bước xác nhận này (tệp khoá đã đổi). "
        "Hãy dùng một mã dự phòng, rồi đặt lại ở trang Tài khoản."
    ),
}
MISSING = say(
    "Đài yêu cầu người duyệt có bước xác nhận thứ hai. Hãy đặt ở trang Tài khoản (mất khoảng một phút), rồi làm lại "
    "việc này."
)


class Confirmed:
    """Added to a form whose act wants a code, where the last one was typed too long ago."""

    code = StringField(say("Mã xác nhận"))


def keeper() -> Keeper:
    return steps.keeper(current.config().secrets)


def mine() -> SecondStep | None:
    """The reader's own, in force or not; asked once a request."""
    if "second_step" not in g:
        with current.read() as database:
            g.second_step = steps.of(database, current.staff())
    return cast(SecondStep | None, g.second_step)


def is_on() -> bool:
    step = mine()
    return step is not None and step.is_on


def is_fresh() -> bool:
    """Whether a code was typed within the last quarter of an hour, by the station's clock."""
    at = session.get(PASSED_AT)
    return isinstance(at, int) and 0 <= current.now() - at < FRESH


@bp.app_template_global("step_wanted")
def is_wanted() -> bool:
    """Whether an order to sound an emergency wants a code of its reader now."""
    return is_on() and not is_fresh()


@bp.app_template_global("step_missing")
def is_missing() -> bool:
    """Whether the station lets its reader approve nothing until a second step is set up."""
    return current.config().staff.second_step == "demanded" and not is_on()


@bp.app_template_global("step_reminder")
def reminder() -> str:
    """What Hôm nay tells its reader about the second step; empty when all is well."""
    step, asked = mine(), current.config().staff.second_step != "none"
    if step is not None and step.is_on:
        return ""
    if step is not None and step.removed_by and current.now() - (step.removed_at or 0) < TOLD_FOR:
        when = labels.moment(step.removed_at, current.zone())
        return say(
            "“%(login)s” đã tắt bước xác nhận thứ hai của tài khoản bạn lúc %(when)s. "
            "Nếu bạn không nhờ, hãy đổi mật khẩu và báo quản trị ngay; nếu có, hãy đặt lại.",
            login=step.removed_by,
            when=when,
        )
    if asked and steps.is_wanted_of(current.staff()):
        return say(
            "Tài khoản của bạn chỉ có mật khẩu. Hãy đặt bước xác nhận thứ hai bằng điện thoại, "
            "để người biết mật khẩu vẫn không ra lệnh thay bạn được."
        )
    return ""


def demand(form: Any, *, emergency: bool) -> None:
    """Before an approval. ``form`` has ``code``. Raises LoaError where the second step is missing or not passed.

    To sound an emergency a code typed within the last quarter of an hour is wanted; of others only that there is one.
    """
    if is_missing():
        raise LoaError(MISSING, code="second_step_missing")
    if emergency and is_wanted():
        check(current.staff(), form.code.data or "")
        passed()


def passed() -> None:
    """Remember that this browser's reader typed a good code."""
    session[PASSED_AT] = int(current.now())


def check(person: Staff, typed: str) -> Outcome:
    """Try a code for that person. Raises LoaError naming the field."""
    if not typed.strip():
        raise LoaError(EMPTY, field="code")
    with current.read() as database:
        step = steps.of(database, person)
    # Outside any transaction: a recovery code's hash is slow on purpose, and there is only one writer.
    tried = steps.prepare(step, typed)
    with current.write() as database:
        outcome = steps.attempt(database, keeper(), person, tried, current.now())
    if outcome in (Outcome.PASSED, Outcome.RECOVERED):
        return outcome
    raise LoaError(REFUSALS.get(outcome) or _wrong(), field="code", code=f"step_{outcome.value}")


def _wrong() -> str:
    """With the station's time, so that a wrong clock is seen: codes depend on it."""
    now = local(current.now(), current.zone())
    return say(
        "Mã không đúng. Giờ của đài đang là %(time)s ngày %(day)s: nếu điện thoại hiện giờ khác thì một trong hai "
        "đồng hồ sai; hãy dùng một mã dự phòng và báo quản trị. Mã của ứng dụng đổi sau mỗi 30 giây.",
        time=f"{now:%H:%M}", day=f"{now:%d/%m/%Y}",
    )  # fmt: skip
