"""What staff are told of retention, in sentences: the rule, each archive's state, and what is wrong with one."""

from __future__ import annotations

import json
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.audit import AuditEntry
from loa.config import Config
from loa.errors import ScheduleError
from loa.times import Instant
from loa.words import say
from scheduler.evidence import station_keys
from scheduler.retention import archives
from scheduler.retention.tables import Archive, Progress

FAILED = "retention.failed"


class Kept(NamedTuple):
    """One kind of data, for how long it is kept, and what becomes of it."""

    what: str
    how_long: str
    then: str


def rule(config: Config, *, confirmed: bool) -> str:
    """Whether and when anything leaves, in one sentence."""
    months = config.retention.log_months
    if months == 0:
        return say("Nhật ký được giữ mãi trong cơ sở dữ liệu; không có gì được lưu trữ hay xoá.")
    agreed = "" if confirmed else say(" Quản trị chưa đồng ý nên chưa có gì được chuyển đi.")
    return say(
        "Mỗi tháng nhật ký được giữ đủ %(months)s tháng, rồi chuyển sang tệp lưu trữ.%(agreed)s",
        months=months,
        agreed=agreed,
    )


def kinds(config: Config) -> list[Kept]:
    """Every kind of data that piles up."""
    log = _months(config.retention.log_months)
    return [
        Kept(
            say("Kết quả phát, nhật ký đầu thu và chữ ký, lệnh phát"),
            log,
            say("vào tệp lưu trữ, vẫn xem và báo cáo được"),
        ),
        Kept(say("Số liệu báo cáo, lượt phát, bản báo cáo đã phát hành"), say("mãi mãi"), ""),
        Kept(say("Nhật ký hệ thống và dấu mốc đã ký"), say("mãi mãi"), ""),
        Kept(say("Sự cố, thời gian trực tuyến, dung lượng SIM theo tháng"), say("mãi mãi"), ""),
        Kept(say("Bản tin, quyết định duyệt, âm thanh đã làm và đã gửi lên"), say("mãi mãi"), ""),
        Kept(
            say("Câu đã đọc sẵn của giọng đọc"),
            say("tới 500 MB"),
            say("xoá câu lâu không dùng, cần thì đọc lại"),
        ),
        Kept(say("Trả lời cho phần mềm gọi lại cùng một lệnh"), say("48 giờ"), say("xoá")),
    ]


def _months(months: int) -> str:
    return say("%(months)s tháng trọn", months=months) if months else say("mãi mãi")


def state(archive: Archive, progress: Progress, config: Config) -> str:
    """How far it is, and whether its file is there; quick, so its content is not looked at."""
    if not (config.archives / archive.name).exists():
        return say("không thấy tệp")
    if progress.finished_at is None:
        return say("đang chuyển") if progress.upto else say("đã ghi, chưa chuyển")
    return (
        say("đã chuyển một phần, phần còn lại ở tệp sau")
        if progress.stopped
        else say("đã chuyển xong")
    )


def wrong(session: Session, config: Config, archive: Archive) -> str | None:
    """What is wrong with its file, read whole and verified as a stranger would; None: nothing."""
    said = session.get(AuditEntry, archive.audit_n)
    if said is None or json.loads(said.data).get("sha256") != archive.sha256:
        return say(
            "nhật ký hệ thống, dòng %(n)s, không ghi mã băm này: sổ lưu trữ đã bị sửa.",
            n=archive.audit_n,
        )
    try:
        path = archives.demand_there(archive, config)
        archives.demand_good(path, station_keys.of(config, session))
    except ScheduleError as error:
        return error.sentence
    return None


def last_failure(session: Session, since: Instant) -> tuple[Instant, str] | None:
    """When and why the work last stopped; None: not since then."""
    found = sa.select(AuditEntry).where(AuditEntry.kind == FAILED, AuditEntry.at >= since)
    entry = session.scalars(found.order_by(AuditEntry.n.desc()).limit(1)).first()
    return None if entry is None else (entry.at, str(json.loads(entry.data)["why"]))
