"""A receiver was given a new key: what its old one may still say, and what nobody may say with it any more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import signing
from devices.claims import FormerKey
from devices.messages import Evack
from devices.receivers import Journal, JournalEntry, Receiver
from loa.audit import AuditEntry
from loa.times import MINUTE, SECOND, Instant, after
from scheduler import receipts
from scheduler.broadcasts import Broadcast, DeliveryState
from scheduler.gate import Gate
from scheduler.tones import Tone
from tests.cast import NOON
from tests.scheduler.test_receipts import (
    FIVE_PM,
    Pole,
    at_pole,
    broadcast,
    cast,
    pole,
    session,
    take,
    tell_it_played,
)

__all__ = ["broadcast", "cast", "pole", "session"]
RID = "r-0000"
BEFORE, AFTER = after(FIVE_PM, -MINUTE), after(FIVE_PM, MINUTE)
D = DeliveryState


def give_a_new_key(session: Session, now: Instant) -> signing.PrivateKey:
    """As a claim of that id does: the old key is kept with its time, its journals are closed."""
    receiver, new = session.get_one(Receiver, RID), signing.generate(RID)
    since = session.scalar(sa.select(sa.func.max(FormerKey.until))) or NOON
    session.add(FormerKey(public_key=receiver.public_key, receiver_id=RID, since=since, until=now))
    receiver.public_key = new.public.x
    session.execute(
        sa.update(Journal)
        .where(Journal.receiver_id == RID, Journal.closed_at.is_(None))
        .values(closed_at=now)
    )
    session.flush()
    return new


class SameSession:
    """A database as the gate sees it: what the test has not committed yet is known, too."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        yield self.session


def send(session: Session, payload: bytes, now: Instant = AFTER) -> Evack | None:
    """Through the gate."""
    batches = Gate(SameSession(session)).let_in([(RID, payload)], now)
    assert len(batches) == 1
    return receipts.record(session, batches, now).get(RID)


def said(session: Session, kind: str) -> list[tuple[str, Instant]]:
    rows = session.execute(sa.select(AuditEntry).where(AuditEntry.kind == kind)).scalars()
    return [(row.actor, row.at) for row in rows]


def jids(session: Session) -> set[str]:
    return set(session.scalars(sa.select(Journal.jid).where(Journal.receiver_id == RID)))


def test_what_was_under_way_when_the_key_was_taken_back_is_kept_and_called_late_once(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    pole.write(broadcast.occurrence, "accepted", NOON)
    take(session, pole, pole.batch(), NOON)
    give_a_new_key(session, AFTER)
    pole.write(broadcast.occurrence, "started", after(FIVE_PM, 100), late_ms=100, vol=70)
    first = send(session, pole.batch(since=2))
    assert first is not None
    assert (first.jid, first.upto) == ("j1", 2)
    pole.write(broadcast.occurrence, "played", after(FIVE_PM, 30 * SECOND), ms=30_000)
    second = send(session, pole.batch(since=2), after(AFTER, SECOND))
    assert second is not None
    assert second.upto == 3
    assert at_pole(session, broadcast).state is D.PLAYED
    assert said(session, "journal.late") == [(RID, AFTER)]
    assert said(session, "receiver.old_key") == []


def test_a_key_that_was_taken_back_begins_no_journal_and_is_named_every_ten_minutes(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    pole.write("", "boot", NOON)
    take(session, pole, pole.batch(), NOON)
    give_a_new_key(session, BEFORE)
    forged = Pole(RID, pole.key, jid="brandnew")
    tell_it_played(forged, broadcast.occurrence)
    times = [after(AFTER, minutes * MINUTE) for minutes in (0, 1, 9, 10, 11)]
    assert [send(session, forged.batch(), now) for now in times] == [None] * 5
    assert at_pole(session, broadcast).state is D.SENT
    assert jids(session) == {"j1"}
    assert said(session, "receiver.old_key") == [(RID, times[0]), (RID, times[3])]


def test_an_old_journal_proves_nothing_that_sounds_after_its_closing(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    """Whatever times the old key writes: those of after the closing, or times of before it that are a lie."""
    pole.write("", "boot", NOON)
    take(session, pole, pole.batch(), NOON)
    give_a_new_key(session, BEFORE)
    tone = Tone(
        receiver_id=RID, occurrence="tone.1", starts_at=FIVE_PM, asked_at=FIVE_PM, asked_by="x"
    )
    session.add(tone)
    for upto, (occ, code, at) in enumerate(
        [
            (broadcast.occurrence, "played", FIVE_PM),
            (broadcast.occurrence, "played", NOON),
            (broadcast.occurrence, "started", NOON),
            ("tone.1", "played", NOON),
            ("never-heard-of", "played", NOON),
        ]
    ):
        pole.write("", "boot", NOON)  # believed: it is the next that is a lie
        pole.write(occ, code, at)
        answer = send(session, pole.batch(since=upto + 2))
        assert answer is not None
        assert answer.upto == upto + 2
        pole.raw.pop()
    assert at_pole(session, broadcast).state is D.SENT
    codes = sa.select(JournalEntry.code).where(JournalEntry.receiver_id == RID)
    assert set(session.scalars(codes)) == {"boot"}
    assert said(session, "receiver.old_key") == [(RID, AFTER)]


def test_what_comes_later_is_not_called_off_by_an_old_journal(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    pole.write("", "boot", NOON)
    take(session, pole, pole.batch(), NOON)
    give_a_new_key(session, BEFORE)
    pole.write(broadcast.occurrence, "missed", NOON, why="late")
    answer = send(session, pole.batch())
    assert answer is not None
    assert answer.upto == 2
    assert at_pole(session, broadcast).state is D.SENT


def test_a_closed_journal_is_its_own_keys_alone(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    pole.write("", "boot", NOON)
    take(session, pole, pole.batch(), NOON)
    second = give_a_new_key(session, after(NOON, MINUTE))
    tell_it_played(pole, broadcast.occurrence)
    pole.key = second
    answer = send(session, pole.batch())
    assert answer is not None
    assert answer.upto == 1
    give_a_new_key(session, AFTER)
    assert send(session, pole.batch()) is None
    assert at_pole(session, broadcast).state is D.SENT
    assert said(session, "receiver.old_key") == [(RID, AFTER)]


def test_the_new_journal_is_answered_before_the_old(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    pole.write("", "boot", NOON)
    take(session, pole, pole.batch(), NOON)
    renewed = Pole(RID, give_a_new_key(session, AFTER), jid="j2")
    renewed.write("", "boot", AFTER)
    arrived = [(RID, renewed.batch()), (RID, pole.batch())]
    for order in (arrived, arrived[::-1]):
        batches = Gate(SameSession(session)).let_in(order, AFTER)
        assert receipts.record(session, batches, AFTER)[RID].jid == "j2"
