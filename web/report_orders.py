"""Báo cáo định kỳ: which reports are made and sent by themselves, when next, and what became of the last."""

from __future__ import annotations

from datetime import time
from typing import cast

from flask import Blueprint, flash, make_response, redirect, render_template, send_file, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import Field, IntegerField, SelectField, StringField, TextAreaField

from loa.errors import LoaError, NotFound
from loa.staff import May
from loa.words import say
from scheduler import campaign_tables, levels
from scheduler.exports import files
from scheduler.report_orders import making, orders
from scheduler.report_orders.orders import Wanted
from scheduler.report_orders.tables import RunState, What, order_of, run_of
from web import current, labels, lists, report_order_list, spreadsheets
from web.forms import Clock, Form, choices, given

bp = Blueprint("report_orders", __name__)
ABOUT = {
    What.WEEK: say("Mỗi tuần một báo cáo của tuần trước đó, từ thứ Hai đến Chủ nhật."),
    What.MONTH: say("Mỗi tháng một báo cáo của tháng trước."),
    What.HALF: say(
        "Báo cáo 6 tháng, phải nộp trước 01/6 và trước 01/12. Lập trước hạn nên số liệu tính đến lúc lập."
    ),
    What.YEAR: say(
        "Mỗi năm một báo cáo: đặt từ tháng 1 đến tháng 6 là của năm trước, từ tháng 7 là của năm đang chạy."
    ),
    What.CAMPAIGN: say("Một báo cáo, khi chiến dịch đã xong."),
}
DAY = {
    What.WEEK: say("Vào thứ"),
    What.MONTH: say("Ngày trong tháng (1–28)"),
    What.HALF: say("Trước 01/6 và 01/12 mấy ngày (1–30)"),
    What.YEAR: say("Ngày (1–28)"),
    What.CAMPAIGN: say("Sau ngày cuối mấy ngày (0–60)"),
}
FORMATS = {"docx": "Word (.docx)", "xlsx": "Excel (.xlsx)", "csv": "CSV", "json": "JSON"}
TONES = {RunState.SENT: "good", RunState.MADE: "good", RunState.DUE: "wait"}


class OrderForm(Form):
    """One order; ``day`` is called by what it means there."""

    day: Field = IntegerField(say("Ngày"), [given(say("Hãy nhập một số."))])
    month = IntegerField(say("Tháng (1–12)"), [given(say("Hãy nhập tháng."))])
    campaign = SelectField(say("Chiến dịch"), coerce=int)
    at = Clock(say("Lúc"), [given(say("Hãy nhập giờ, ví dụ 08:00."))])
    format = SelectField(say("Định dạng"), choices=choices(FORMATS.items()))
    to = TextAreaField(say("Gửi thư tới"))
    folder = StringField(say("Để vào thư mục"))


class WeekForm(OrderForm):
    day = SelectField(say("Vào thứ"), coerce=int, choices=choices(enumerate(labels.WEEKDAYS)))


@bp.get("/bao-cao/dinh-ky")
@current.needs(May.SCHEDULE)
def listing() -> Response:
    form = report_order_list.form()
    with current.read() as session:
        _demand_whole(session)
        page = report_order_list.page(session, form)
    shown = render_template(
        "report_orders/listing.html", page=page, form=form, asked=lists.asked(), **_words()
    )
    return make_response(shown, form.status)


@bp.get("/bao-cao/dinh-ky/danh-sach.csv")
@current.needs(May.SCHEDULE)
def table() -> Response:
    """The orders of the filter, all of them."""
    form = report_order_list.form()
    with spreadsheets.writing() as (text, file), current.read() as session:
        _demand_whole(session)
        spreadsheets.rows(report_order_list.rows(session, form), text)
    return spreadsheets.answer(file, "bao-cao-dinh-ky.csv")


def _words() -> dict[str, object]:
    return {
        "kinds": report_order_list.KINDS,
        "states": report_order_list.STATES,
        "tones": TONES,
        "formats": FORMATS,
        "What": What,
        "has_mail": bool(current.config().mail.host),
    }


@bp.route("/bao-cao/dinh-ky/them/<what>", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def add(what: str) -> Response:
    kind = _kind(what)
    with current.read() as session:
        _demand_whole(session)
        known = [(each.id, each.name) for each in campaign_tables.listing(session)]
    form = _form(kind, known)
    if form.carry_out(lambda: _add(kind, form)):
        flash(say("Đã đặt báo cáo định kỳ. Loa tự lập và gửi khi đến hạn."))
        return redirect(url_for("report_orders.listing"))
    page = render_template(
        "report_orders/form.html", form=form, what=kind, about=ABOUT[kind], campaigns=known,
        **_words(),
    )  # fmt: skip
    return make_response(page, form.status)


def _kind(what: str) -> What:
    try:
        return What(what)
    except ValueError:
        raise NotFound(
            say("Không có loại báo cáo này. Hãy quay lại trang Báo cáo định kỳ.")
        ) from None


def _form(kind: What, known: list[tuple[int, str]]) -> OrderForm:
    day = {What.WEEK: 0, What.HALF: 5, What.CAMPAIGN: 3}.get(kind, 5)
    form = (WeekForm if kind is What.WEEK else OrderForm)(
        data={"day": day, "month": 1, "at": time(8)}
    )
    form.day.label.text = DAY[kind]
    if kind is not What.YEAR:
        del form.month
    if kind is What.CAMPAIGN:
        form.campaign.choices = choices(known)
    else:
        del form.campaign
    return form


def _add(kind: What, form: OrderForm) -> bool:
    given_ = form.data
    wanted = Wanted(
        kind, format=form.format.data, day=int(given_["day"]), month=int(given_.get("month") or 1), at=given_["at"],
        to=(form.to.data or "").replace(",", "\n").splitlines(), folder=form.folder.data or "",
        campaign_id=given_.get("campaign"),
    )  # fmt: skip
    with current.write() as session:
        orders.add(session, wanted, current.staff(), current.now())
    return True


@bp.post("/bao-cao/dinh-ky/<int:order_id>/tam-dung")
@current.needs(May.SCHEDULE)
def pause(order_id: int) -> Response:
    with current.write() as session:
        orders.pause(session, order_of(session, order_id), current.staff(), current.now())
    flash(say("Đã tạm dừng: không lập, không gửi cho đến khi chạy lại."))
    return redirect(url_for("report_orders.listing"))


@bp.post("/bao-cao/dinh-ky/<int:order_id>/chay-lai")
@current.needs(May.SCHEDULE)
def resume(order_id: int) -> Response:
    with current.write() as session:
        orders.resume(session, order_of(session, order_id), current.staff(), current.now())
    flash(say("Đã cho chạy lại. Các kỳ đến hạn trong lúc dừng không được lập bù."))
    return redirect(url_for("report_orders.listing"))


@bp.post("/bao-cao/dinh-ky/<int:order_id>/lap-ngay")
@current.needs(May.SCHEDULE)
def make_now(order_id: int) -> Response:
    try:
        with current.write() as session:
            order = order_of(session, order_id)
            orders.ask_now(session, order, current.staff(), current.now(), current.zone())
        flash(say("Loa đang lập báo cáo; tải lại trang này sau ít giây để xem kết quả."))
    except NotFound:
        raise
    except LoaError as error:
        flash(error.sentence)
    return redirect(url_for("report_orders.listing"))


@bp.get("/bao-cao/dinh-ky/<int:order_id>/xoa")
@current.needs(May.SCHEDULE)
def ask_end(order_id: int) -> str:
    with current.read() as session:
        _demand_whole(session)
        order = order_of(session, order_id)
    return render_template("report_orders/drop.html", order=order, **_words())


@bp.post("/bao-cao/dinh-ky/<int:order_id>/xoa")
@current.needs(May.SCHEDULE)
def end(order_id: int) -> Response:
    with current.write() as session:
        orders.end(session, order_of(session, order_id), current.staff(), current.now())
    flash(say("Đã xoá báo cáo định kỳ. Các báo cáo đã lập vẫn còn trên máy của đài."))
    return redirect(url_for("report_orders.listing"))


@bp.post("/bao-cao/dinh-ky/lan/<int:run_id>/gui-lai")
@current.needs(May.SCHEDULE)
def again(run_id: int) -> Response:
    try:
        with current.write() as session:
            orders.again(session, run_of(session, run_id), current.staff(), current.now())
        flash(say("Loa đang làm lại; tải lại trang này sau ít giây để xem kết quả."))
    except NotFound:
        raise
    except LoaError as error:
        flash(error.sentence)
    return redirect(url_for("report_orders.listing"))


@bp.get("/bao-cao/dinh-ky/lan/<int:run_id>/tep")
@current.needs(May.SCHEDULE)
def download(run_id: int) -> Response:
    """The very file that was sent."""
    with current.read() as session:
        _demand_whole(session)
        run = run_of(session, run_id)
    path = making.kept(current.config(), run)
    if run.made_at is None or not path.exists():
        raise NotFound(say("Tệp báo cáo này chưa có hoặc không còn trên máy của đài."))
    mime = files.KINDS[run.order.format]
    return cast(Response, send_file(path, mime, as_attachment=True, download_name=run.name))


def _demand_whole(session: Session) -> None:
    levels.demand_whole(session, current.staff(), say("xem báo cáo định kỳ"))
