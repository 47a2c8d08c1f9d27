"""Which deliveries have left the database, and into which archives."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.config import Config
from loa.errors import ScheduleError
from loa.times import Instant
from loa.words import join, say
from scheduler.broadcasts import Broadcast
from scheduler.retention.tables import Archive, Progress

Registered = tuple[Archive, Progress]


def listing(session: Session) -> list[Registered]:
    """All archives with how far their rows have left, the newest month first."""
    found = sa.select(Archive, Progress).join(Progress, Progress.archive_id == Archive.id)
    rows = session.execute(found.order_by(Archive.since.desc(), Archive.id.desc()))
    return [(archive, progress) for archive, progress in rows]


def touching(session: Session, since: Instant, until: Instant) -> list[Registered]:
    """Archives that hold deliveries of [since, until) which are no more in the database, the newest first."""
    return [
        (archive, progress)
        for archive, progress in listing(session)
        if archive.since < until and archive.until > since and progress.upto
    ]


def is_touched(session: Session, since: Instant, until: Instant) -> bool:
    """Whether deliveries of [since, until) have left the database."""
    return bool(touching(session, since, until))


def of_campaign(
    session: Session, campaign_id: int, since: Instant, until: Instant
) -> list[Registered]:
    """The same of a campaign's alone."""
    return [
        (archive, progress)
        for archive, progress in touching(session, since, until)
        if session.scalar(
            sa.select(Broadcast.id)
            .where(
                Broadcast.campaign_id == campaign_id,
                Broadcast.starts_at >= max(archive.since, since),
                Broadcast.starts_at < min(archive.until, until),
            )
            .limit(1)
        )
    ]


def demand_here(
    session: Session, config: Config, since: Instant, until: Instant, campaign_id: int | None = None
) -> None:
    """Raise ScheduleError, naming the archives, where that span's evidence is no more in the database."""
    found = (
        touching(session, since, until)
        if campaign_id is None
        else of_campaign(session, campaign_id, since, until)
    )
    if found:
        every = join("; ", [named(archive) for archive, _ in found])
        raise ScheduleError(
            say(
                "Kỳ này có phần đã lưu trữ. %(every)s, trong %(archives)s. "
                "Mỗi tệp ấy là gói chứng cứ của cả tháng, kiểm được bằng “loa verify”: "
                "hãy dùng chính tệp ấy, và xuất phần còn lại từ sau tháng cuối đã lưu trữ.",
                every=every,
                archives=config.archives,
            )
        )


def demand_current(session: Session, since: Instant, until: Instant) -> None:
    """Raise ScheduleError where a report of [since, until) can no more be issued: its figures stand."""
    if is_touched(session, since, until):
        raise ScheduleError(
            say(
                "Kỳ này có phần đã lưu trữ: số liệu của nó không đổi nữa nên không ghi phát hành lại được. "
                "Bản đã phát hành trước đây vẫn còn."
            )
        )


def named(archive: Archive) -> str:
    """The archive by its name and hash, to begin a sentence about it."""
    month, year = archive.month[5:], archive.month[:4]
    return say(
        "Tệp lưu trữ tháng %(month)s/%(year)s %(name)s (sha256 %(sha256)s)",
        month=month,
        year=year,
        name=archive.name,
        sha256=archive.sha256,
    )
