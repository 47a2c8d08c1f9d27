"""``POST /claim``: a new box shows its key and the code, and is given what it needs. For machines, not for people."""

from __future__ import annotations

import logging

import msgspec
from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState

from devices import admission, claim_desk, messages, trust
from devices.admission import BadClaim, Grant, Request
from devices.claim_desk import Refusal, Taken
from devices.receiver.identity import Station
from loa.config import Config
from loa.errors import DeviceError, LoaError
from web import current

log = logging.getLogger(__name__)
bp = Blueprint("claiming", __name__)

MOST_BYTES = 4_096
STATUSES = {
    Refusal.SHAPE: 400,
    Refusal.REFUSED: 403,
    Refusal.EXPIRED: 410,
    Refusal.USED: 409,
    Refusal.KEY: 409,
    Refusal.SLOW: 429,
}
SENTENCES = {
    Refusal.SHAPE: "Đài không hiểu yêu cầu này: thiết bị và đài có thể khác phiên bản.",
    Refusal.REFUSED: "Số máy hoặc mã một lần không đúng. Hãy so lại với trang Thêm đầu thu; "
    "sai 5 lần thì mã ấy bị huỷ.",
    Refusal.EXPIRED: "Mã này đã hết hạn. Hãy bấm “Tạo mã mới” trên trang của đài rồi gõ mã mới.",
    Refusal.USED: "Mã này đã được một máy khác dùng. Nếu không phải máy của đài, hãy báo người quản trị ngay.",
    Refusal.KEY: "Khoá của máy này đã dùng cho một đầu thu khác hoặc một lần trước. "
    "Hãy chạy lại với một thư mục mới, trống.",
    Refusal.SLOW: "Địa chỉ này đã bị từ chối quá nhiều lần. Hãy chờ 10 phút rồi thử lại.",
}


@bp.record_once
def _let_machines_in(state: BlueprintSetupState) -> None:
    """A box has no page and no cookie: what it signs says who it is."""
    state.app.extensions["csrf"].exempt(claim)


@bp.post("/claim")
@current.open_to_all
def claim() -> Response:
    request.max_content_length = MOST_BYTES
    try:
        ca = _ca(current.config())
        taken = _take(request.get_data(cache=False))
    except LoaError as error:
        log.error("a claim could not be answered: %s", error.sentence)
        return _say(503, "busy", error.sentence)
    if isinstance(taken, Refusal):
        return _say(STATUSES[taken], taken.value, SENTENCES[taken])
    return _grant(taken, ca)


def _take(body: bytes) -> Taken | Refusal:
    try:
        token = messages.decode(body, Request).claim.encode()
    except ValueError:
        token = b""  # judged like any other that is none, so that it counts
    secret = trust.secret_at(current.config().secrets / "claims.key")
    with current.write() as session:
        return claim_desk.take(
            session, token, address=request.remote_addr or "", now=current.now(), secret=secret
        )


def _grant(taken: Taken, ca: str) -> Response:
    station = trust.station_json(current.config(), taken.receiver_id, taken.password)
    granted = Grant(1, messages.decode(station, Station), ca)
    try:
        answer = admission.grant(taken.claim, taken.code_key, granted)
    except BadClaim:
        return _say(STATUSES[Refusal.SHAPE], Refusal.SHAPE.value, SENTENCES[Refusal.SHAPE])
    return _json(200, msgspec.json.encode(answer))


def _ca(config: Config) -> str:
    """The certificates by which a receiver is to know the broker; empty where those of its machine do."""
    if not config.mqtt.ca_file:
        return ""
    try:
        return (config.folder / config.mqtt.ca_file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceError(
            f"Đài không đọc được tệp chứng chỉ [mqtt] ca_file nên chưa cấp cho đầu thu được: {error}. "
            "Hãy báo người quản trị."
        ) from error


def _say(status: int, error: str, sentence: str) -> Response:
    return _json(status, msgspec.json.encode({"error": error, "sentence": str(sentence)}))


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, mimetype="application/json")
