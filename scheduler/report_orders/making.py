"""Making a report that is due: its document, its file, and the figures kept as those that left the house."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from sqlalchemy.orm import Session

from loa import audit
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from loa.times import Instant, local
from loa.words import say
from scheduler.broadcasts import Broadcast
from scheduler.exports import files
from scheduler.exports.tables import Document
from scheduler.report_orders import orders
from scheduler.report_orders.tables import ReportOrder, ReportRun, RunState, What, run_of
from scheduler.reporting import document, figures, issuing, papers, reached, unheard
from scheduler.reporting.papers import About
from scheduler.reporting.periods import Period

AS_PERIOD = {What.WEEK: "week", What.MONTH: "month", What.HALF: "half", What.YEAR: "year"}


def make(config: Config, database: Database, run_id: int, now: Instant) -> None:
    """Write the file, then say so: cut off in between, the same is done again. Raises LoaError, OSError."""
    with database.read() as session:
        run = run_of(session, run_id)
        made = _document(session, config, run, now)
        for table in made.tables:
            table.rows = list(table.rows)  # read twice: for the file, and for what is kept of it
    path = kept(config, run)
    name = f"{_name(run)}.{run.order.format}"
    _write(made, run.order, path, config)
    if run.order.folder:
        _drop(path, config.data / "reports" / run.order.folder / name)
    with database.write() as session:
        _note(session, config, run_of(session, run_id), made, (name, _sha256(path)), now)


def kept(config: Config, run: ReportRun) -> Path:
    """Where the file of a report stays."""
    return config.data / "reports" / orders.RESERVED / f"{run.id}.{run.order.format}"


def period_of(run: ReportRun) -> Period:
    """The days it is about, by the name of their kind."""
    return Period(run.first, run.last, AS_PERIOD.get(run.order.what, "span"))


def _document(session: Session, config: Config, run: ReportRun, now: Instant) -> Document:
    about = About(config.station.name, config.zone, now)
    if run.order.what is What.CAMPAIGN:
        return _of_campaign(session, run.order, about)
    period = period_of(run)
    made = papers.of_period(session, period, about).document
    if period.bounds(config.zone)[1] > now:
        made.footnotes.append(
            say(
                "Số liệu tính đến %(clock)s ngày %(day)s, trước khi hết kỳ.",
                clock=f"{local(now, config.zone):%H:%M}",
                day=f"{local(now, config.zone):%d/%m/%Y}",
            )
        )
    return made


def _of_campaign(session: Session, order: ReportOrder, about: About) -> Document:
    campaign = order.campaign
    if campaign is None:
        raise LoaError(say("Chiến dịch của báo cáo này không còn. Hãy xoá báo cáo định kỳ này."))
    counted = figures.of_campaign(session, campaign, about.zone)
    made = document.of_period(
        counted,
        None,
        title=say("Kết quả chiến dịch “%(name)s”", name=campaign.name),
        station=about.station,
        made_on=about.today,
    )
    reach = reached.of_campaign(session, campaign, about.zone, about.now)
    made.tables.insert(1, document.of_reach(reach))
    named = unheard.of(session, Broadcast.campaign_id == campaign.id)
    made.footnotes += unheard.footnotes(named, about.zone)
    return made


def _name(run: ReportRun) -> str:
    days = f"{run.first:%Y%m%d}-{run.last:%Y%m%d}"
    if run.order.what is What.CAMPAIGN:
        return f"bao-cao-chien-dich-{run.order.campaign_id}-{days}-{run.id}"
    return f"bao-cao-{days}-{run.id}"


def _write(made: Document, order: ReportOrder, path: Path, config: Config) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{path.name}")  # its ending tells a writer what it is
    files.write(made, order.format, part, config.zone)
    _settle(part, path)


def _drop(path: Path, to: Path) -> None:
    """Into the folder, where nobody ever sees half of it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".part-{to.name}")
    shutil.copyfile(path, part)
    _settle(part, to)


def _settle(part: Path, to: Path) -> None:
    """In its place, whole, even after a power cut."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(to)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(
    session: Session, config: Config, run: ReportRun, made: Document, file: tuple[str, str], now: Instant
) -> None:  # fmt: skip
    run.state, run.made_at, run.attempts, run.reason = RunState.MADE, now, 0, ""
    run.name, run.sha256 = file
    run.said = "\n".join(
        [f"{made.title}, {made.period}.", "", *made.sentences, "", *made.footnotes]
    )
    run.next_at = now if run.order.to else None
    if run.order.what is not What.CAMPAIGN:
        bounds = period_of(run).bounds(config.zone)
        issuing.issue(session, bounds, made.tables, run.order.staff, now)
    audit.append(
        session, now, audit.SYSTEM, "report_order.made", order=run.order_id, run=run.id, name=run.name,
        sha256=run.sha256, folder=run.order.folder,
    )  # fmt: skip
