"""What needs attention on Hôm nay: each in a sentence, with the page on which to deal with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import Session

from content import bulletins, library
from content.bulletins import Bulletin, Priority
from content.recordings import Rendering, RenderingState
from devices import clones, fleet, outages, receivers
from devices.fleet import Health, Wanted
from devices.outages import Kind
from loa import words
from loa.staff import May
from loa.times import Instant
from loa.words import counted, say
from scheduler import broadcasts, readiness
from scheduler.broadcasts import Broadcast, Tally
from scheduler.evidence import echoes, outside
from scheduler.level_views import View
from scheduler.readiness import Unready
from scheduler.report_orders import orders
from web import current, health, labels, levels, remedies, standing_alerts
from web.fleet import SLUGS

MOST_NAMED = 3
"""Receivers named in one notice; the broadcast's own page names them all."""
MOST_NOTICES = 5
"""Receivers with a notice of their own; of more one notice tells."""
COMPLAINTS = (Kind.OUTPUT, Kind.CLOCK, Kind.DISK, Kind.BATTERY)


@dataclass(frozen=True)
class Notice:
    """Something that needs attention, and the page on which to deal with it."""

    sentence: str
    link: str
    tone: str = "doubt"


def everything(
    session: Session, near: list[Broadcast], tallies: dict[int, Tally], now: Instant
) -> Iterable[Notice]:
    """For the reader of this request, the most pressing first; ``near``: the broadcasts of today and tomorrow."""
    if not health.scheduler_is_running(session, now):
        yield Notice(
            say("Bộ điều hành của đài chưa chạy: không có lệnh phát mới nào được gửi đi. "
            "Hãy báo người quản trị khởi động lại Loa."), "", "bad",
        )  # fmt: skip
    yield from _alarms()
    yield from _from_above()
    yield from _contradicted(session)
    yield from _log_contradicted(session, now)
    yield from _not_handed(session, now)
    yield from _cloned(session)
    yield from _waiting(session)
    yield from _unready(session, near, tallies, now)
    yield from _faulty(session, now)
    yield from _without_sound(session)
    yield from _stuck_reports(session, now)


def _alarms() -> Iterable[Notice]:
    """Orders to sound an emergency that wait for this reader."""
    for alert in standing_alerts.for_me():
        link = url_for("emergency.alert", alert_id=alert.id)
        sentence = (
            say("Diễn tập “%(title)s” chờ bạn nghe và đồng ý.", title=alert.title)
            if alert.drill
            else say("Lệnh khẩn cấp “%(title)s” chờ bạn nghe và đồng ý.", title=alert.title)
        )
        yield Notice(sentence, link, "bad")


def _from_above() -> Iterable[Notice]:
    """Two priority broadcasts that meet, until somebody of the area has said which goes first."""
    for meeting in levels.undecided():
        upper, own = (
            say(
                "“%(title)s” (%(moment)s)",
                title=each.title,
                moment=labels.soon(each.starts_at, current.now(), current.zone()),
            )
            for each in (meeting.above, meeting.own)
        )
        sentence = say(
            "%(upper)s từ cấp trên trùng giờ với %(own)s của địa bàn. Hãy chọn lượt nào phát trước.",
            upper=upper,
            own=own,
        )
        yield Notice(sentence, url_for("levels.show") + f"#thu-tu-{meeting.key}", "bad")


def _not_handed(session: Session, now: Instant) -> Iterable[Notice]:
    """Somebody outside waits for the day's checkpoint of the audit log, and it does not get there."""
    failing = outside.failing(session, current.config(), now)
    if failing and current.staff().may(May.STOP):
        yield Notice(
            say(
                "Dấu mốc nhật ký hệ thống hôm nay chưa tới được %(place)s: %(error)s",
                place=failing[0].place,
                error=words.recall(failing[0].error or ""),
            ),
            url_for("evidence.show"),
        )


def _log_contradicted(session: Session, now: Instant) -> Iterable[Notice]:
    """Receivers were told another past of the station's own log than it has now."""
    if found := echoes.contradicting(session, now):
        yield Notice(
            counted(
                "Nhật ký hệ thống của đài không khớp với dấu mốc mà %(n)s đầu thu giữ (ví dụ %(name)s): dữ liệu "
                "của đài đã được phục hồi từ bản sao lưu, hoặc đã bị sửa. Hãy báo người quản trị đối chiếu.",
                len(found),
                name=found[0],
            ),
            url_for("receivers.listing"),
            "bad",
        )


def _contradicted(session: Session) -> Iterable[Notice]:
    """A journal that tells its past in another way than it did: restored, cloned, or tampered with."""
    view = View(session, current.staff())
    found = [each for each in receivers.contradicted(session) if view.shows_receiver(each.id)]
    known = outages.known_of(session, Kind.TAMPERED) if found else set()
    unknown = [receiver for receiver in found if receiver.id not in known]
    if len(unknown) > MOST_NOTICES:
        yield Notice(
            counted(
                "Nhật ký của %(n)s đầu thu mâu thuẫn với phần đã gửi về trước đây: thiết bị có thể đã bị sao "
                "chép, phục hồi hoặc can thiệp. Đài giữ bản đầu tiên và không nhận phần sau.",
                len(unknown),
            ),
            url_for("faults.listing", loai=Kind.TAMPERED),
            "bad",
        )
        return
    for receiver in unknown:
        yield Notice(
            say(
                "Nhật ký của đầu thu “%(name)s” mâu thuẫn với phần đã gửi về trước đây: thiết bị có thể đã bị "
                "sao chép, phục hồi hoặc can thiệp. Đài giữ bản đầu tiên và không nhận phần sau.",
                name=receiver.name,
            ),
            url_for("receivers.show", receiver_id=receiver.id),
            "bad",
        )


def _cloned(session: Session) -> Iterable[Notice]:
    """Two boxes that say they are one receiver, until somebody has dealt with it."""
    view = View(session, current.staff())
    found = [each for each, _ in clones.standing(session) if view.shows_receiver(each.id)]
    if len(found) > MOST_NOTICES:
        named = ", ".join(f"“{receiver.name}”" for receiver in found[:MOST_NAMED])
        yield Notice(
            counted(
                "%(n)s đầu thu có thể đang bị hai máy cùng dùng danh tính: %(named)s và "
                "%(more)s đầu thu nữa. Hãy xem lần lượt, bắt đầu từ “%(name)s”.",
                len(found),
                named=named,
                more=len(found) - MOST_NAMED,
                name=found[0].name,
            ),
            url_for("receivers.show", receiver_id=found[0].id),
            "bad",
        )
        return
    for receiver in found:
        yield Notice(
            say(
                "Có thể có hai máy cùng dùng danh tính của đầu thu “%(name)s”. Hãy đến xem máy, rồi cấp lại mã "
                "hoặc thay máy.",
                name=receiver.name,
            ),
            url_for("receivers.show", receiver_id=receiver.id),
            "bad",
        )


def _waiting(session: Session) -> Iterable[Notice]:
    """Bulletins that wait for this reader."""
    me = current.staff()
    waiting = library.to_decide(session, me)
    if urgent := sum(bulletin.priority is Priority.EMERGENCY for bulletin in waiting):
        link = url_for("decisions.queue")
        yield Notice(counted("%(n)s bản tin khẩn cấp chờ bạn nghe và duyệt.", urgent), link, "bad")
    if usual := len(waiting) - urgent:
        yield Notice(
            counted("%(n)s bản tin chờ bạn nghe và duyệt.", usual),
            url_for("decisions.queue"),
            "wait",
        )
    if me.may(May.WRITE):
        returned = sa.select(sa.func.count()).where(
            Bulletin.state == bulletins.State.REJECTED, Bulletin.author_id == me.id
        )
        if number := session.scalar(returned):
            link = url_for("library.show", trang_thai="rejected")
            yield Notice(counted("%(n)s bản tin của bạn bị trả lại, cần sửa.", number), link)


def _unready(
    session: Session, near: list[Broadcast], tallies: dict[int, Tally], now: Instant
) -> Iterable[Notice]:
    """Broadcasts to come that will not sound as things stand, with who may miss them and why."""
    missing: dict[int, list[Unready]] = {}
    for each in View(session, current.staff()).here(readiness.unready(session, now)):
        missing.setdefault(each.broadcast_id, []).append(each)
    for broadcast in near:
        if broadcast.starts_at <= now or broadcast.state in broadcasts.OVER:
            continue
        what = {
            "moment": labels.soon(broadcast.starts_at, now, current.zone()),
            "title": broadcast.title,
        }
        if broadcast.recording_sha is None:
            link = url_for("bulletins.show", bulletin_id=broadcast.bulletin_id)
            sentence = say(
                "Lượt %(moment)s “%(title)s” sẽ không phát vì bản tin chưa được duyệt.", **what
            )
            yield Notice(sentence, link, "bad")
        elif found := missing.get(broadcast.id):
            link = url_for("broadcasts.show", broadcast_id=broadcast.id)
            sentence = say(
                "Lượt %(moment)s “%(title)s”: %(n)s/%(total)s đầu thu chưa sẵn sàng: %(named)s.",
                **what,
                n=len(found),
                total=tallies[broadcast.id].total,
                named=_named(found),
            )
            yield Notice(sentence, link)


def _named(found: list[Unready]) -> str:
    """The first of them with what each lacks."""
    named = words.join(
        ", ",
        [
            say("%(name)s (%(why)s)", name=each.name, why=remedies.WHYS[each.why])
            for each in found[:MOST_NAMED]
        ],
    )
    more = len(found) - MOST_NAMED
    if more <= 0:
        return named
    return counted("%(named)s và %(n)s đầu thu nữa", more, named=named)


def _faulty(session: Session, now: Instant) -> Iterable[Notice]:
    """How many receivers are not well, but for those that somebody looks after."""
    counts = fleet.counts(session, Wanted(within_id=current.staff().area_id), now)
    new, known = outages.counts(session)
    total = sum(counts.values())
    offline = counts[Health.OFFLINE] - known.get(Kind.OFFLINE, 0)
    impaired = counts[Health.IMPAIRED] - sum(known.get(kind, 0) for kind in COMPLAINTS)
    if offline > 0:
        link = url_for("receivers.listing", tinh_trang=SLUGS[Health.OFFLINE])
        yield Notice(
            say("%(number)s/%(total)s đầu thu mất kết nối.", number=offline, total=total), link
        )
    if impaired > 0:
        link = url_for("receivers.listing", tinh_trang=SLUGS[Health.IMPAIRED])
        yield Notice(
            say("%(number)s/%(total)s đầu thu báo có trục trặc.", number=impaired, total=total),
            link,
        )
    for kind in (Kind.SILENT, Kind.KEYS):
        if number := new.get(kind, 0):
            yield Notice(
                counted("%(n)s đầu thu %(fault)s.", number, fault=remedies.FAULTS[kind]),
                url_for("faults.listing", loai=kind),
            )


def _without_sound(session: Session) -> Iterable[Notice]:
    newest = sa.select(sa.func.max(Rendering.id)).group_by(Rendering.bulletin_id)
    failed = session.execute(
        sa.select(Bulletin.id, Bulletin.title)
        .join(Rendering, Rendering.bulletin_id == Bulletin.id)
        .where(
            Rendering.id.in_(newest),
            Rendering.state == RenderingState.FAILED,
            Bulletin.sounds == {},
            Bulletin.state != bulletins.State.WITHDRAWN,
        )
    )
    for bulletin_id, title in failed:
        link = url_for("bulletins.show", bulletin_id=bulletin_id)
        yield Notice(
            say("Không tạo được âm thanh của bản tin “%(title)s”.", title=title), link, "bad"
        )


def _stuck_reports(session: Session, now: Instant) -> Iterable[Notice]:
    """Reports by order that nobody gets unless somebody looks."""
    me = current.staff()
    if not me.may(May.SCHEDULE) or me.area_id is not None:
        return
    found = orders.troubled(session, now)
    if found:
        told = {
            "first": labels.short_date(found[0].first),
            "last": labels.short_date(found[0].last),
            "reason": words.recall(found[0].reason),
        }
        more = len(found) - 1
        yield Notice(
            counted(
                "Báo cáo định kỳ %(first)s – %(last)s và %(n)s báo cáo nữa chưa đến nơi nhận: %(reason)s",
                more,
                **told,
            )
            if more
            else say("Báo cáo định kỳ %(first)s – %(last)s chưa đến nơi nhận: %(reason)s", **told),
            url_for("report_orders.listing") + f"#bao-cao-{found[0].order_id}",
            "bad",
        )
