"""Bản tin: list, write, edit, and the page on which one is read, heard and decided about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf.file import FileField
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length

from content import bulletins, recordings
from content.bulletins import MAX_TITLE, Bulletin, Decision, Draft, Kind, Priority, State
from content.recordings import Recording, Rendering
from loa.errors import ContentError
from loa.staff import May, Staff
from scheduler import schedules
from scheduler.schedules import Schedule
from web import current, labels, live, texts, uploads
from web.forms import Day, Form, choices, given, optional, required

bp = Blueprint("bulletins", __name__)

MOST_LISTED = 200


class BulletinForm(Form):
    """``kept`` names a file received by an earlier sending, so that it need not be chosen again."""

    kind = RadioField("Nguồn âm thanh", choices=choices(labels.BULLETIN_KINDS.items()))
    title = StringField(
        "Tên bản tin",
        [
            required("Hãy đặt tên cho bản tin."),
            Length(max=MAX_TITLE, message=f"Tên bản tin dài quá {MAX_TITLE} ký tự."),
        ],
    )
    body = TextAreaField("Nội dung", filters=[lambda text: (text or "").replace("\r\n", "\n")])
    upload = FileField("Tệp ghi âm")
    kept = HiddenField()
    kept_name = HiddenField()
    field = SelectField(
        "Lĩnh vực", coerce=int, choices=choices((n, f"{n}. {w}") for n, w in labels.FIELDS.items())
    )
    priority = RadioField("Mức ưu tiên", choices=choices(labels.PRIORITIES.items()))
    speed = IntegerField("Tốc độ đọc", [given("Hãy nhập tốc độ đọc, ví dụ 135.")])
    chimes = BooleanField("Nhạc hiệu mở đầu và kết thúc")
    valid_from = Day("Có hiệu lực từ ngày", [optional()])
    valid_until = Day("Hết hiệu lực sau ngày", [optional()])

    def validate(self, extra_validators: Any = None) -> bool:
        """Keep a file that came along before anything else: no other mistake may cost it."""
        refusal = self._keep_file() if self.kind.data == Kind.UPLOAD else None
        well_formed = bool(super().validate(extra_validators))
        if refusal is not None:
            self.take(refusal)
        return well_formed and refusal is None

    def _keep_file(self) -> ContentError | None:
        file, config = self.upload.data, current.config()
        if not isinstance(file, FileStorage) or not file.filename:
            if not uploads.is_kept(config, self.kept.data or ""):
                self.kept.data = self.kept_name.data = ""
            return None
        try:
            self.kept.data, self.kept_name.data = uploads.keep(config, file)
        except ContentError as error:
            return error
        return None


@dataclass(frozen=True)
class Page:
    """All that a bulletin's page shows."""

    bulletin: Bulletin
    recording: Recording | None
    rendering: Rendering | None
    decisions: list[Decision]
    schedules: list[Schedule]

    @property
    def is_waiting_for_sound(self) -> bool:
        return self.recording is None and self.bulletin.state is not State.WITHDRAWN

    def may_decide(self, staff: Staff) -> bool:
        """The second pair of eyes: an approver who neither wrote nor changed it."""
        of_another = staff.id not in (self.bulletin.author_id, self.bulletin.editor_id)
        return self.bulletin.state is State.SUBMITTED and staff.may(May.APPROVE) and of_another

    def may_submit(self, staff: Staff) -> bool:
        ready = self.bulletin.state in (State.DRAFT, State.REJECTED) and self.recording is not None
        return ready and staff.may(May.WRITE)

    def may_withdraw(self, staff: Staff) -> bool:
        its_own = staff.id == self.bulletin.author_id
        trusted = its_own or staff.may(May.APPROVE) or staff.may(May.MANAGE)
        return trusted and self.bulletin.state is not State.WITHDRAWN

    def may_schedule(self, staff: Staff) -> bool:
        open_to_it = self.bulletin.state not in (State.WITHDRAWN, State.REJECTED)
        return open_to_it and staff.may(May.SCHEDULE)


def load(session: Session, bulletin_id: int) -> Page:
    """That bulletin with everything around it. Raises NotFound."""
    bulletin = bulletins.get(session, bulletin_id)
    sha = bulletin.recording_sha
    return Page(
        bulletin=bulletin,
        recording=session.get(Recording, sha) if sha else None,
        rendering=recordings.latest_rendering(session, bulletin_id),
        decisions=bulletins.decisions(session, bulletin_id),
        schedules=schedules.listing(session, bulletin_id=bulletin_id),
    )


@bp.get("/ban-tin")
def listing() -> str:
    state = next((s for s in State if s == request.args.get("trang_thai")), None)
    search = request.args.get("tim", "")
    with current.read() as session:
        found = bulletins.listing(session, state=state, search=search, limit=MOST_LISTED)
    return render_template(
        "bulletins/listing.html", bulletins=found, state=state, search=search, most=MOST_LISTED
    )


@bp.route("/ban-tin/moi", methods=["GET", "POST"])
@current.needs(May.WRITE)
@uploads.takes_upload
def new() -> Response:
    form = BulletinForm(data=_defaults()) if request.method == "GET" else BulletinForm()
    bulletin_id = form.carry_out(lambda: _write(form))
    if bulletin_id is not None:
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    return make_response(
        render_template("bulletins/form.html", form=form, bulletin=None), form.status
    )


@bp.route("/ban-tin/<int:bulletin_id>/sua", methods=["GET", "POST"])
@current.needs(May.WRITE)
@uploads.takes_upload
def edit(bulletin_id: int) -> Response:
    with current.read() as session:
        bulletin = bulletins.get(session, bulletin_id)
    form = BulletinForm(data=_values(bulletin)) if request.method == "GET" else BulletinForm()
    if form.carry_out(lambda: _edit(bulletin_id, form)):
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    page = render_template("bulletins/form.html", form=form, bulletin=bulletin)
    return make_response(page, form.status)


@bp.get("/ban-tin/<int:bulletin_id>")
def show(bulletin_id: int) -> str:
    with current.read() as session:
        page = load(session, bulletin_id)
    return render_template(
        "bulletins/show.html",
        page=page,
        text=texts.of(page.bulletin, page.recording),
        part=live.part("bulletins/sound.html", page=page),
    )


@bp.post("/ban-tin/doc-thu")
@current.needs(May.WRITE)
def try_reading() -> str:
    """How a text that is not saved yet would be read out: a part of the form."""
    body = request.form.get("body", "")[: current.config().content.max_characters]
    return render_template("bulletins/reading.html", text=texts.read(body), only_spoken=True)


@bp.post("/ban-tin/<int:bulletin_id>/bo-dong")
@current.needs(May.WRITE)
def drop_lines(bulletin_id: int) -> Response:
    """Take out the lines a person marked as no part of the bulletin."""
    unwanted = set(request.form.getlist("line", type=int))
    if not unwanted:
        raise ContentError("Hãy đánh dấu ít nhất một dòng cần bỏ.", field="line")
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        if bulletin.version != request.form.get("version", type=int):
            raise ContentError("Bản tin đã được sửa sau khi trang được mở. Hãy tải lại trang.")
        lines = enumerate(bulletin.body.split("\n"), start=1)
        body = "\n".join(line for number, line in lines if number not in unwanted)
        _save(session, bulletin, _draft_of(bulletin, body=body))
    flash("Đã bỏ các dòng được đánh dấu. Âm thanh đang được tạo lại.")
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))


def _write(form: BulletinForm) -> int:
    now, most = current.now(), current.config().content.max_characters
    draft = _draft(form, voice=current.config().content.voice)
    with current.write() as session:
        bulletin = bulletins.write(session, current.staff(), draft, now, max_characters=most)
        recordings.queue(session, bulletin, now)
    return bulletin.id


def _edit(bulletin_id: int, form: BulletinForm) -> bool:
    with current.read() as session:
        voice = bulletins.get(session, bulletin_id).voice
    draft = _draft(form, voice=voice)
    with current.write() as session:
        _save(session, bulletins.get(session, bulletin_id), draft)
    return True


def _save(session: Session, bulletin: Bulletin, draft: Draft) -> None:
    now, most = current.now(), current.config().content.max_characters
    if bulletins.edit(session, bulletin, current.staff(), draft, now, max_characters=most):
        recordings.queue(session, bulletin, now)


def _draft(form: BulletinForm, *, voice: str) -> Draft:
    return Draft(
        title=form.title.data or "", body=form.body.data or "", kind=Kind(form.kind.data),
        upload=form.kept.data or None, upload_name=form.kept_name.data or None, voice=voice,
        speed=form.speed.data or 0, chimes=form.chimes.data, field=form.field.data,
        priority=Priority(form.priority.data), valid_from=form.valid_from.data,
        valid_until=form.valid_until.data,
    )  # fmt: skip


def _defaults() -> dict[str, Any]:
    return {
        "kind": Kind.TEXT, "field": 1, "priority": Priority.NORMAL, "chimes": True,
        "speed": current.config().content.speed,
    }  # fmt: skip


def _values(bulletin: Bulletin) -> dict[str, Any]:
    names = (
        "kind",
        "title",
        "body",
        "field",
        "priority",
        "speed",
        "chimes",
        "valid_from",
        "valid_until",
    )
    values = {name: getattr(bulletin, name) for name in names}
    return {**values, "kept": bulletin.upload or "", "kept_name": bulletin.upload_name or ""}


def _draft_of(bulletin: Bulletin, *, body: str) -> Draft:
    values = {name: getattr(bulletin, name) for name in Draft.__dataclass_fields__}
    return Draft(**{**values, "body": body})
