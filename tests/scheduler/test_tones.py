from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import messages, receivers
from devices.messages import Entry
from devices.receiver import tone as built_in
from devices.receivers import JournalEntry
from loa import audit
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import SECOND, Instant, after
from scheduler import regulation, tones
from scheduler.tones import Outcome, Stage, Tone
from tests.cast import NOON, ZONE, settle_in, vn

RID = "r-0000"


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as session:
        settle_in(session)
        regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
        yield session


def ask(session: Session, now: Instant = NOON, rid: str = RID) -> Tone:
    receiver = receivers.get(session, rid)
    return tones.ask(session, receiver, now=now, zone=ZONE, by="quantri")


def say(
    session: Session, tone: Tone, *codes: str, jid: str = "j", rid: str = RID, **detail: object
) -> None:
    known = session.scalar(sa.select(sa.func.count(JournalEntry.seq))) or 0
    for seq, code in enumerate(codes, known + 1):
        at = after(tone.starts_at, seq * SECOND)
        raw = messages.encode(Entry(seq, tone.occurrence, code, at, "ntp", 1, 0, detail))
        session.add(
            JournalEntry(receiver_id=rid, jid=jid, seq=seq, raw=raw, occurrence=tone.occurrence, code=code,
                         raw_at=at, at=at, received_at=after(NOON, seq))
        )  # fmt: skip
    session.flush()


def test_a_tone_is_ordered_for_a_few_seconds_from_now_and_noted(session: Session) -> None:
    asked = ask(session)
    assert (asked.starts_at, asked.occurrence) == (
        after(NOON, 5 * SECOND),
        f"tone.{RID}.{NOON + 5000}",
    )
    assert receivers.get(session, RID).plan_stale
    last = session.scalars(sa.select(audit.AuditEntry).order_by(audit.AuditEntry.n.desc())).first()
    assert (last.kind, last.actor) == ("receiver.tone", "quantri")
    (wanted,) = tones.occurrences(session, [RID, "r-0001"], NOON).pop(RID)
    occurrence, audio = wanted
    assert (occurrence.cls, occurrence.sha, occurrence.st) == ("N", built_in.SHA, "on")
    assert (audio.n, audio.ct, audio.ms) == (len(built_in.data()), "audio/wav", built_in.MS)
    assert occurrence.end == asked.over_at


def test_a_second_tap_orders_no_second_tone(session: Session) -> None:
    assert ask(session) is ask(session, after(NOON, SECOND))
    assert ask(session, after(NOON, 6 * SECOND)).id == 2


def test_it_leaves_the_plan_when_it_can_sound_no_more(session: Session) -> None:
    asked = ask(session)
    assert tones.occurrences(session, [RID], after(asked.over_at, -1))
    assert tones.occurrences(session, [RID], asked.over_at) == {}


@pytest.mark.parametrize(
    ("clock", "allowed"),
    [("20:59:50", True), ("20:59:54", False), ("04:59:54", False), ("04:59:55", True)],
)
def test_no_tone_is_sent_that_the_receiver_would_refuse(
    session: Session, clock: str, allowed: bool
) -> None:
    now = vn(f"2026-11-22 {clock}")
    if allowed:
        assert ask(session, now)
        return
    with pytest.raises(ScheduleError, match="giờ không phát"):
        ask(session, now)


def test_a_retired_receiver_has_no_tone(session: Session) -> None:
    receivers.retire(session, receivers.get(session, RID), now=NOON, by="quantri")
    with pytest.raises(ScheduleError, match="đã ngừng dùng"):
        ask(session)


@pytest.mark.parametrize(
    ("codes", "stage"),
    [
        ((), Stage.SENT),
        (("accepted",), Stage.ACCEPTED),
        (("accepted", "ready"), Stage.ACCEPTED),
        (("accepted", "ready", "started"), Stage.STARTED),
        (("accepted", "ready", "started", "played"), Stage.PLAYED),
        (("accepted", "missed"), Stage.FAILED),
        (("refused",), Stage.FAILED),
        (("accepted", "started", "interrupted"), Stage.FAILED),
    ],
)
def test_what_became_of_it_is_what_the_journal_says(
    session: Session, codes: tuple[str, ...], stage: Stage
) -> None:
    asked = ask(session)
    say(session, asked, *codes)
    assert tones.outcome(session, asked, asked.starts_at).stage is stage
    over = after(asked.over_at, tones.GRACE + 1)
    is_open = stage in (Stage.SENT, Stage.ACCEPTED, Stage.STARTED)
    assert tones.outcome(session, asked, over).stage is (Stage.SILENT if is_open else stage)


def test_why_it_failed_is_told_and_another_receivers_word_is_not_its_own(session: Session) -> None:
    asked = ask(session)
    say(session, asked, "played", rid="r-0001")
    assert tones.outcome(session, asked, NOON) == Outcome(asked, Stage.SENT)
    say(session, asked, "refused", why="quiet")
    assert tones.outcome(session, asked, NOON).reason == "quiet"


def test_late_evidence_counts(session: Session) -> None:
    asked = ask(session)
    late = after(asked.over_at, 3_600 * SECOND)
    assert tones.outcome(session, asked, late).stage is Stage.SILENT
    say(session, asked, "accepted", "started", "played")
    assert tones.outcome(session, asked, late).stage is Stage.PLAYED


def test_pages_learn_of_each_step(session: Session) -> None:
    asked = ask(session)
    seen = [tones.recent(session, NOON)]
    for code in ("accepted", "played"):
        say(session, asked, code)
        seen.append(tones.recent(session, NOON))
    assert [row[0][1] for row in seen] == [0, 1, 2]
    assert tones.recent(session, after(asked.over_at, tones.GRACE + 1))[0][2]


def test_a_retired_receiver_is_told_to_leave_its_tone(session: Session) -> None:
    ask(session)
    receivers.retire(session, receivers.get(session, RID), now=NOON, by="quantri")
    session.flush()
    ((occurrence, _),) = tones.occurrences(session, [RID], NOON)[RID]
    assert occurrence.st == "off"
