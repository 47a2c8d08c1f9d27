"""What the station does about reports by order, one step at a time, in a process of its own.

Each step is noted before it is taken: whoever is cut off finds on the next start how far it had come. A report whose
mail was under way then may have arrived or not; nobody can know, so it is not sent again before a person says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit, mail, times
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from loa.mail import MailError, MailSettings
from loa.times import DAY, HOUR, MINUTE, Instant, after
from loa.words import say
from scheduler.exports import files
from scheduler.report_orders import due, making, orders
from scheduler.report_orders.tables import ReportOrder, ReportRun, RunState, run_of

PAUSES = (5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY, DAY)
"""Between attempts; after the last a person has to look."""
CUT_OFF = say(
    "Đài tắt đúng lúc đang gửi: thư có thể đã đi hoặc chưa. Hãy hỏi người nhận trước khi gửi lại."
)
BROKEN = say("Lập báo cáo gặp lỗi lạ. Hãy báo người quản trị xem nhật ký của máy chủ.")
Send = Callable[..., dict[str, str]]


def work(config: Config, database: Database, stop: threading.Event) -> None:
    """All that is due now. Raises whatever keeps a report from being made that no person can put right."""
    while not stop.is_set() and step(config, database, times.now()):
        pass


def has_work(config: Config, database: Database, now: Instant) -> bool:
    """Whether ``step`` would do anything."""
    with database.read() as session:
        return bool(_missing(session, config, now)) or _next(session, now) is not None


def step(config: Config, database: Database, now: Instant, send: Send = mail.send) -> bool:
    """Begin what has become due, and do the next thing about one report; False: nothing is to be done now."""
    _begin_due(config, database, now)
    with database.read() as session:
        run = _next(session, now)
    if run is None:
        return False
    if run.sending_since is not None:
        _leave_unsure(database, run.id, now, CUT_OFF)
    elif run.state is RunState.DUE:
        _make(config, database, run.id, now)
    else:
        _send(config, database, run.id, now, send)
    return True


def _begin_due(config: Config, database: Database, now: Instant) -> None:
    with database.read() as session:
        if not _missing(session, config, now):
            return
    with database.write() as session:
        for order, each in _missing(session, config, now):
            orders.begin(session, order, each)


def _missing(session: Session, config: Config, now: Instant) -> list[tuple[ReportOrder, due.Due]]:
    """What has become due and has no row yet."""
    found = []
    for order in orders.listed(session):
        if order.paused_at is None:
            since = Instant(max(order.since, now - due.BACK))
            known = _known(session, order, since)
            found += [
                (order, each)
                for each in due.between(order, since, now, config.zone)
                if each.at not in known
            ]
    return found


def _known(session: Session, order: ReportOrder, since: Instant) -> set[Instant]:
    found = sa.select(ReportRun.due_at).where(
        ReportRun.order_id == order.id, ReportRun.due_at > since
    )
    return set(session.scalars(found))


def _next(session: Session, now: Instant) -> ReportRun | None:
    found = (
        sa.select(ReportRun)
        .join(ReportOrder, ReportOrder.id == ReportRun.order_id)
        .where(
            ReportRun.next_at <= now,
            ReportRun.state.in_((RunState.DUE, RunState.MADE)),
            ReportOrder.paused_at.is_(None),
            ReportOrder.ended_at.is_(None),
        )
        .order_by(ReportRun.next_at, ReportRun.id)
        .limit(1)
    )
    return session.scalars(found).first()


def _is_ours(run: ReportRun, state: RunState, now: Instant) -> bool:
    """Asked within the transaction that notes the attempt: nobody else has taken it up meanwhile."""
    return run.state is state and run.next_at is not None and run.next_at <= now


def _attempt(run: ReportRun, now: Instant) -> None:
    """Noted first: what takes the process down with it is not tried again at once, and not for ever."""
    pause = PAUSES[min(run.attempts, len(PAUSES) - 1)]
    run.attempts, run.next_at = run.attempts + 1, after(now, pause)


def _make(config: Config, database: Database, run_id: int, now: Instant) -> None:
    with database.write(wake=False) as session:
        run = run_of(session, run_id)
        if not _is_ours(run, RunState.DUE, now):
            return
        if run.attempts > len(PAUSES):
            _give_up(session, run, run.reason or BROKEN, now)
            return
        _attempt(run, now)
    try:
        making.make(config, database, run_id, now)
    except LoaError as error:
        _fail(database, run_id, now, error.sentence)
    except OSError as error:
        _fail(
            database,
            run_id,
            now,
            say("Không ghi được tệp báo cáo: %(why)s.", why=error.strerror or error),
        )


def _send(config: Config, database: Database, run_id: int, now: Instant, send: Send) -> None:
    try:
        settings = mail.settings(config)
        taken = _take_up(config, database, settings, run_id, now)
        if taken is None:
            return
        run, content = taken
        subject = f"{config.station.name}: báo cáo {making.period_of(run).name}"
        attachment = (run.name, content, files.KINDS[run.order.format])
        refused = send(
            settings, run.order.to, subject, run.said, [attachment], message_id=run.message_id
        )
    except MailError as error:
        if error.may_have_arrived:
            _leave_unsure(database, run_id, now, error.sentence)
        else:
            _fail(database, run_id, now, error.sentence, is_final=error.is_final)
    except OSError as error:
        _fail(
            database,
            run_id,
            now,
            say("Không đọc được tệp báo cáo: %(why)s.", why=error.strerror or error),
        )
    else:
        _note_sent(database, run_id, now, refused)


def _take_up(
    config: Config, database: Database, settings: MailSettings, run_id: int, now: Instant
) -> tuple[ReportRun, bytes] | None:
    """Note that the mail server is about to be spoken to; None: another does so. Raises OSError."""
    with database.write(wake=False) as session:
        run = run_of(session, run_id)
        if not _is_ours(run, RunState.MADE, now) or run.sending_since is not None:
            return None
        content = making.kept(config, run).read_bytes()
        _attempt(run, now)
        run.sending_since = now
        run.message_id = run.message_id or mail.new_id(settings)
    return run, content


def _note_sent(database: Database, run_id: int, now: Instant, refused: dict[str, str]) -> None:
    with database.write() as session:
        run = run_of(session, run_id)
        run.state, run.sent_at, run.next_at, run.sending_since = RunState.SENT, now, None, None
        told = "; ".join(f"{address} ({words})" for address, words in refused.items())
        run.refused, run.reason = (
            refused,
            say("Không nhận được: %(told)s.", told=told) if told else "",
        )
        audit.append(
            session, now, audit.SYSTEM, "report_order.sent", order=run.order_id, run=run.id, to=run.order.to,
            refused=refused, message_id=run.message_id, sha256=run.sha256,
        )  # fmt: skip


def _leave_unsure(database: Database, run_id: int, now: Instant, reason: str) -> None:
    with database.write() as session:
        run = run_of(session, run_id)
        run.state, run.next_at, run.sending_since = RunState.UNSURE, None, None
        run.reason = reason
        audit.append(
            session, now, audit.SYSTEM, "report_order.unsure", order=run.order_id, run=run.id,
            message_id=run.message_id,
        )  # fmt: skip


def _fail(
    database: Database, run_id: int, now: Instant, reason: str, *, is_final: bool = False
) -> None:
    with database.write(wake=False) as session:
        run = run_of(session, run_id)
        run.reason, run.sending_since = reason, None
        if is_final or run.attempts > len(PAUSES):
            _give_up(session, run, reason, now)
        elif run.next_at is None or run.next_at <= now:
            _attempt(run, now)  # it had not come as far as to note one


def _give_up(session: Session, run: ReportRun, reason: str, now: Instant) -> None:
    run.state, run.next_at, run.reason = RunState.FAILED, None, reason
    audit.append(
        session, now, audit.SYSTEM, "report_order.failed", order=run.order_id, run=run.id, reason=reason
    )  # fmt: skip
