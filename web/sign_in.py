"""Sign-in and sign-out, and the check before every page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    current_app,
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

from loa import staff as people
from loa.staff import May, Staff
from web import current
from web.forms import Form, required

bp = Blueprint("sign_in", __name__)

WRONG = "Tên đăng nhập hoặc mật khẩu không đúng. Hãy thử lại."
WAIT = "Đã nhập sai nhiều lần. Hãy chờ 5 phút rồi thử lại, hoặc nhờ quản trị đặt lại mật khẩu."


class SignInForm(Form):
    login = StringField("Tên đăng nhập", [required("Hãy nhập tên đăng nhập.")])
    password = PasswordField("Mật khẩu", [required("Hãy nhập mật khẩu.")])


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
    """Make this browser's session that person's; what it held before is dropped."""
    session.clear()
    session.permanent = True
    session["staff"], session["stamp"] = person.id, person.session_stamp


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
            remember(person)
            return redirect(target)
        form.form_errors = [refusal]
    page = render_template("sign_in/sign_in.html", form=form)
    return make_response(page, status if status != 200 else form.status)


def _try(login: str, password: str) -> tuple[Staff | None, str, int]:
    """The person signed in, or the sentence and status of the refusal."""
    keys = (f"login:{login.strip().lower()[:64]}", f"address:{request.remote_addr}")
    with current.read() as database:
        wait = people.wait_before_sign_in(database, keys, current.now())
        person = people.find_for_sign_in(database, login)
    if wait:
        return None, WAIT, 429
    # Outside any transaction: the hash is slow on purpose, and there is only one writer.
    matches = people.password_matches(person, password)
    with current.write() as database:
        # Asked again: many tries at once would all have seen the count before any of them failed.
        if people.wait_before_sign_in(database, keys, current.now()):
            return None, WAIT, 429
        people.record_sign_in(database, keys, person if matches else None, current.now())
    return (person, "", 200) if matches else (None, WRONG, 400)


@bp.post("/dang-xuat")
@current.open_to_all
def sign_out() -> AnyResponse:
    session.clear()
    return redirect(url_for("sign_in.sign_in"))
