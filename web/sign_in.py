"""Sign-in and sign-out, and the check before every page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField, StringField

from loa import second_step as steps
from loa import staff as people
from loa.errors import Crowded, LoaError
from loa.second_step import Outcome
from loa.staff import May, Staff
from loa.times import MINUTE
from loa.words import counted, say
from web import current, in_turn, second_step
from web.forms import Form, required
from web.second_step import PASSED_AT, Confirmed

bp = Blueprint("sign_in", __name__)

WRONG = say("Tên đăng nhập hoặc mật khẩu không đúng. Hãy thử lại.")
HALF = "half"
"""In a browser's cookie: whose password was right, and who has yet to type a code."""
HALF_FOR = 10 * MINUTE
FEW_CODES = 3
WAIT = say("Đã nhập sai nhiều lần. Hãy chờ 5 phút rồi thử lại, hoặc nhờ quản trị đặt lại mật khẩu.")


class SignInForm(Form):
    login = StringField(say("Tên đăng nhập"), [required(say("Hãy nhập tên đăng nhập."))])
    password = PasswordField(say("Mật khẩu"), [required(say("Hãy nhập mật khẩu."))])


class StepForm(Confirmed, Form):
    """The code at sign-in."""


def admit() -> AnyResponse | None:
    """Before each request: who asks, and may they?"""
    if current.is_api():
        g.staff = None
        return None  # a token says who asks, and web.api looks at it
    view = current_app.view_functions.get(request.endpoint or "")
    g.staff = _signed_in() if request.endpoint != "static" else None
    if request.endpoint == "static" or getattr(view, "open_to_all", False):
        return None
    if g.staff is None:
        return _send_to_sign_in()
    if view is not None:
        current.staff().demand(getattr(view, "needs", May.READ))
    return None


def _signed_in() -> Staff | None:
    """The person of this session, unless the account was closed or its password changed since."""
    staff_id = session.get("staff")
    if staff_id is None:
        return None
    with current.read() as database:
        person = database.get(Staff, staff_id)
    if person is None or not person.active or person.session_stamp != session.get("stamp"):
        session.clear()
        return None
    return person


def _send_to_sign_in() -> AnyResponse:
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.sign_in")})
    if request.method not in ("GET", "HEAD") or request.endpoint == "live.stream":
        return (
            redirect(url_for("sign_in.sign_in"))
            if request.method == "POST"
            else Response(status=401)
        )
    here = request.full_path.rstrip("?")
    return redirect(url_for("sign_in.sign_in", tiep=here if here != "/" else None))


def remember(person: Staff) -> None:
    """Make this browser's session that person's; what another held before is dropped."""
    passed_at = session.get(PASSED_AT) if session.get("staff") == person.id else None
    session.clear()
    session.permanent = True
    session["staff"], session["stamp"] = person.id, person.session_stamp
    if passed_at is not None:
        session[PASSED_AT] = passed_at


def local_path(target: str | None) -> str:
    """``target`` when it leads to a page of this station, else the first page."""
    target = target or "/"
    parts = urlsplit(target)
    # "\" because browsers read it as "/": "/\evil.example" leaves the station.
    safe = target.startswith("/") and not target.startswith("//") and "\\" not in target
    safe = safe and not parts.scheme and not parts.netloc and target.isprintable()
    return target if safe else "/"


@bp.route("/dang-nhap", methods=["GET", "POST"])
@current.open_to_all
def sign_in() -> AnyResponse:
    target = local_path(request.args.get("tiep"))
    if current.is_signed_in() and request.method == "GET":
        return redirect(target)
    form, status = SignInForm(), 200
    if form.validate_on_submit():
        person, refusal, status = _try(form.login.data or "", form.password.data or "")
        if person is not None:
            return _let_in(person, target)
        form.form_errors = [refusal]
    page = render_template("sign_in/sign_in.html", form=form)
    return make_response(page, status if status != 200 else form.status)


def _let_in(person: Staff, target: str) -> AnyResponse:
    """After the right password: in, or on to the second step."""
    with current.read() as database:
        half = steps.is_on(database, person)
    if not half:
        remember(person)
        return redirect(target)
    session.clear()
    session[HALF] = [person.id, person.session_stamp, int(current.now()), target]
    return redirect(url_for("sign_in.step"))


@bp.route("/dang-nhap/buoc-hai", methods=["GET", "POST"])
@current.open_to_all
def step() -> AnyResponse:
    """The second step of somebody whose password was right."""
    person = _half_way()
    if person is None:
        return redirect(url_for("sign_in.sign_in"))
    target = local_path(session[HALF][3])
    form = StepForm()
    outcome = form.carry_out(lambda: _pass(person, form))
    if outcome is None:
        page = render_template("sign_in/step.html", form=form, person=person)
        return make_response(page, form.status)
    remember(person)
    second_step.passed()
    if outcome is Outcome.RECOVERED:
        _tell_codes_left(person)
    return redirect(target)


def _half_way() -> Staff | None:
    """Whose password this browser gave within the last minutes; None for anybody else."""
    half = session.get(HALF)
    if not isinstance(half, list) or not 0 <= current.now() - half[2] < HALF_FOR:
        return None
    with current.read() as database:
        person = database.get(Staff, half[0])
    is_same = person is not None and person.active and person.session_stamp == half[1]
    return person if is_same else None


def _pass(person: Staff, form: StepForm) -> Outcome:
    outcome = second_step.check(person, form.code.data or "")
    with current.write() as database:
        people.record_sign_in(database, _keys(person.login), person, current.now())
    return outcome


def _tell_codes_left(person: Staff) -> None:
    with current.read() as database:
        left = steps.codes_left(database, person)
    told = counted("Bạn vừa dùng một mã dự phòng; còn %(n)s mã.", left)
    if left <= FEW_CODES:
        told = say("%(left)s Hãy tạo mã mới ở trang Tài khoản.", left=told)
    flash(told)


def _keys(login: str) -> tuple[str, str]:
    return f"login:{login.strip().lower()[:64]}", f"address:{request.remote_addr}"


def _try(login: str, password: str) -> tuple[Staff | None, str, int]:
    """The person signed in, or the sentence and status of the refusal."""
    keys = _keys(login)
    with current.read() as database:
        wait = people.wait_before_sign_in(database, keys, current.now())
        person = people.find_for_sign_in(database, login)
    if wait:
        return None, WAIT, 429
    # Outside any transaction: the hash is slow on purpose, and there is only one writer.
    try:
        with in_turn.aside():
            matches = people.password_matches(person, password)
    except Crowded as error:
        return None, error.sentence, 503
    anew = people.hashed_anew(person, password) if person is not None and matches else None
    with current.write() as database:
        # Asked again: many tries at once would all have seen the count before any of them failed.
        if people.wait_before_sign_in(database, keys, current.now()):
            return None, WAIT, 429
        # With a second step to come, nobody has signed in yet.
        if not matches or person is None or not steps.is_on(database, person):
            people.record_sign_in(database, keys, person if matches else None, current.now())
        if person is not None and anew is not None:
            people.keep_hash(database, person, anew)
    return (person, "", 200) if matches else (None, WRONG, 400)


def demand_password(typed: str) -> None:
    """The reader's own, before what changes the account. Raises LoaError at ``present``; tries are limited.

    Outside any transaction: the hash is slow on purpose.
    """
    person = current.staff()
    key = f"own:{person.login}"
    with current.read() as database:
        wait = people.wait_before_sign_in(database, (key,), current.now())
    if wait:
        raise LoaError(WAIT, field="present")
    with in_turn.aside():
        matches = people.password_matches(person, typed)
    if matches:
        return
    with current.write() as database:
        people.record_sign_in(database, (key,), None, current.now())
    raise LoaError(say("Mật khẩu hiện nay không đúng."), field="present")


@bp.post("/dang-xuat")
@current.open_to_all
def sign_out() -> AnyResponse:
    session.clear()
    return redirect(url_for("sign_in.sign_in"))
