"""A running order as a page shows it: each entry with its time, what is wrong with it, and the bar below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.orm import Session

from content.bulletins import Priority
from content.bulletins import State as BulletinState
from loa import words
from loa.errors import ScheduleError
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from loa.words import say
from scheduler import context, fixes, programme_acts, programme_runs
from scheduler.context import Context
from scheduler.fixes import Report
from scheduler.neighbours import SourceId
from scheduler.programme_checks import Line
from scheduler.programme_runs import COLUMN, Part, Run
from scheduler.programmes import ItemKind, Programme
from scheduler.running_order import Fate, Sum
from scheduler.sources import Rules
from web import current, labels
from web.programme_form import ProgrammeForm, Told

NEXT = 3
"""Coming runs named while a programme is being built."""
SOON, AHEAD = 31 * DAY, 366 * DAY
KINDS = {
    ItemKind.CHIME: say("nhạc hiệu"),
    ItemKind.BULLETIN: say("bản tin"),
    ItemKind.RELAY: say("tiếp sóng"),
    ItemKind.FILL: say("dành cho chiến dịch"),
}
TONES = {Fate.PARTLY: "partly", Fate.NOT: "never", Fate.SHORTENED: "partly"}


class Notice(NamedTuple):
    """Something to know of an entry; ``tone`` as of a badge."""

    words: str
    tone: str


@dataclass(frozen=True)
class Row:
    """One entry."""

    place: int
    part: Part
    notices: list[Notice]

    @property
    def title(self) -> str:
        bulletin = self.part.item.bulletin
        return bulletin.title if bulletin else say("Khoảng dành cho chiến dịch")

    @property
    def kind(self) -> str:
        return KINDS[self.part.item.kind]

    @property
    def tone(self) -> str:
        """How it is coloured: partly, never, or not at all."""
        fate = self.part.placed.fate
        if self.part.item.kind is ItemKind.FILL:
            return "partly" if fate is Fate.NOT else ""  # that it takes what is left is its nature
        return TONES.get(fate, "")

    @property
    def minutes(self) -> int | None:
        """What stands in its field."""
        return self.part.item.ms // MINUTE or None


class Piece(NamedTuple):
    """An entry in the bar, in thousandths of its width."""

    x: float
    width: float
    tone: str


@dataclass(frozen=True)
class Laid:
    """All that is said of a running order."""

    rows: list[Row] = field(default_factory=list)
    run: Run | None = None
    next: list[Run] = field(default_factory=list)
    refusal: str = ""
    """Why it cannot be as it is."""
    reasons: list[str] = field(default_factory=list)
    """Rules it breaks that an officer may waive."""
    clashes: Report | None = None
    """What else sounds there at its time; None where nothing can be said yet."""
    told: Told = Told()  # noqa: RUF009 - it cannot be changed

    @property
    def total(self) -> Sum | None:
        return self.run.total if self.run else None

    @property
    def is_grave(self) -> bool:
        """Something would not be heard, here or elsewhere."""
        return self.clashes is not None and self.clashes.found.is_grave

    @property
    def is_timed(self) -> bool:
        """Whether it is known how long it may be."""
        return self.run is not None and bool(self.run.frame.name)

    @property
    def bar(self) -> list[Piece]:
        """Every entry as long as it is asked to be, those that fit and those that do not."""
        if self.run is None or not self.is_timed:
            return []
        lengths = [_shown_ms(row.part) for row in self.rows]
        whole = max(sum(lengths), self.run.frame.room, 1)
        starts = [sum(lengths[:place]) for place in range(len(lengths))]
        return [
            Piece(1000 * start / whole, 1000 * ms / whole, _tone(row.part))
            for row, start, ms in zip(self.rows, starts, lengths, strict=True)
        ]

    @property
    def limit(self) -> float:
        """Where in the bar its time is over."""
        if self.run is None:
            return 1000
        whole = max(sum(_shown_ms(row.part) for row in self.rows), self.run.frame.room, 1)
        return 1000 * self.run.frame.room / whole


def _shown_ms(part: Part) -> int:
    is_fill = part.item.kind is ItemKind.FILL
    return part.placed.ms if is_fill or part.placed.fate is Fate.BARRED else part.asked or 0


def _tone(part: Part) -> str:
    if part.item.kind is ItemKind.FILL:
        return "fill"
    return TONES.get(part.placed.fate, "heard")


def lay_out(
    session: Session,
    form: ProgrammeForm,
    lines: Sequence[Line],
    told: Told,
    programme_id: int | None,
) -> Laid:
    """What is now in the form, as it would be heard."""
    known, now = _known(session), current.now()
    try:
        programme = _sketch(session, form, lines, programme_id)
    except ScheduleError as error:
        return Laid(refusal=error.sentence, told=told)
    ahead = coming(programme, now, known)
    run = _shown(programme, ahead, now, known)
    refusal, reasons = _judged(session, programme, known)
    found = clashes(session, programme, known) if not refusal and programme.items else None
    return Laid(rows_of(run), run, ahead[:NEXT], refusal, reasons, found, told)


def _sketch(
    session: Session, form: ProgrammeForm, lines: Sequence[Line], programme_id: int | None
) -> Programme:
    """The programme as far as it is filled in."""
    order = form.order(lines)
    return programme_acts.draft(session, order, current.staff(), current.now(), programme_id)


def _judged(session: Session, programme: Programme, known: Context) -> tuple[str, list[str]]:
    """(why it is refused, what needs a reason)."""
    if not programme.items:
        return "", []
    try:
        programme.name = programme.name or say("chưa đặt tên")
        found = programme_acts.findings(session, programme, current.now(), known)
    except ScheduleError as error:
        return error.sentence, []
    refused = [each.sentence for each in found if each.answer == "refuse"]
    reasons = [each.sentence for each in found if each.answer == "reason"]
    return words.join(" ", refused), reasons


def clashes(session: Session, programme: Programme, known: Context) -> Report:
    """Everything it meets in the year ahead, at every receiver."""
    delivery = current.config().delivery
    rules = Rules(current.zone(), delivery.horizon_hours * HOUR, delivery.late_seconds * SECOND)
    asked = programme_acts.asked(programme, current.now(), known)
    but = SourceId(COLUMN, programme.id) if programme.id else None
    return fixes.report(session, asked, rules, but=but)


def of(session: Session, programme: Programme) -> Laid:
    """A stored programme."""
    known, now = _known(session), current.now()
    ahead = coming(programme, now, known) if programme.ended_at is None else []
    run = _shown(programme, ahead, now, known)
    return Laid(rows_of(run), run, ahead)


def coming(programme: Programme, now: Instant, known: Context) -> list[Run]:
    """Its runs of the next weeks; of a rarer one those of a year."""
    return programme_runs.runs(programme, now, after(now, SOON), known) or programme_runs.runs(
        programme, now, after(now, AHEAD), known
    )


def _shown(programme: Programme, ahead: Sequence[Run], now: Instant, known: Context) -> Run:
    """The next that is heard."""
    run = next((each for each in ahead if each.frame.why_not is None), None)
    return run or programme_runs.without_end(programme, now, known)


def rows_of(run: Run) -> list[Row]:
    """The entries of a run."""
    seen_normal = False
    rows = []
    for place, part in enumerate(run.parts, start=1):
        bulletin = part.item.bulletin
        is_late = seen_normal and bulletin is not None and bulletin.priority is Priority.PRIORITY
        rows.append(Row(place, part, list(_notices(part, is_late))))
        if (
            part.item.kind is ItemKind.BULLETIN
            and bulletin
            and bulletin.priority is Priority.NORMAL
        ):
            seen_normal = True
    return rows


def _notices(part: Part, is_late: bool) -> Iterator[Notice]:
    bulletin, placed = part.item.bulletin, part.placed
    if (
        bulletin is not None
        and bulletin.state is not BulletinState.APPROVED
        and placed.fate is not Fate.BARRED
    ):
        state = labels.BULLETIN_STATES[bulletin.state]
        yield Notice(say("%(state)s: chưa duyệt thì không phát", state=state), "bad")
    if part.asked is None:
        yield Notice(say("chưa có âm thanh nên chưa biết dài bao lâu"), "doubt")
    over = programme_runs.words(placed.over)
    match placed.fate:
        case Fate.PARTLY:
            yield Notice(say("thiếu %(time)s: không phát", time=over), "doubt")
        case Fate.NOT if bulletin is not None:
            yield Notice(say("hết giờ: không phát"), "bad")
        case Fate.NOT:
            yield Notice(say("không còn phút nào cho chiến dịch"), "doubt")
        case Fate.SHORTENED:
            tone = "doubt" if bulletin is not None else "quiet"
            yield Notice(say("chỉ còn %(time)s", time=labels.duration(placed.ms)), tone)
        case Fate.BARRED if part.why_not is not None:
            yield Notice(part.why_not.sentence, "quiet")
    if is_late:
        yield Notice(say("bản tin ưu tiên nên đứng trước bản tin thông thường"), "quiet")


def warnings(laid: Laid) -> list[Notice]:
    """What the list says of a programme, the worst first."""
    found = [
        Notice(say("Mục %(n)s %(notice)s", n=row.place, notice=notice.words), notice.tone)
        for row in laid.rows
        for notice in row.notices
    ]
    return sorted((each for each in found if each.tone != "quiet"), key=lambda each: each.tone)


def _known(session: Session) -> Context:
    return context.read(session, Rules(zone=current.zone(), horizon=0, late=0))


def next_of(laid: Laid) -> Instant | None:
    """When it is heard next."""
    return next((run.starts_at for run in laid.next if run.frame.why_not is None), None)
