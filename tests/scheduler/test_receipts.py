from __future__ import annotations

from datetime import date, time

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import messages, signing
from devices.messages import Entry
from devices.receivers import Journal, JournalEntry
from devices.signing import PrivateKey
from loa.database import Database
from loa.times import MINUTE, Instant, after
from scheduler import broadcasts, plans, receipts, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.broadcasts import State as BroadcastState
from scheduler.plans import Taken
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn
from tests.scheduler.test_dispatcher import work

FIVE_PM = vn("2026-11-21 17:00")
D = DeliveryState


class Pole:
    """A receiver's journal, told by hand."""

    def __init__(self, rid: str, key: PrivateKey, jid: str = "j1") -> None:
        self.rid, self.key, self.jid = rid, key, jid
        self.raw: list[bytes] = []

    def write(
        self, occ: str, code: str, t: Instant, src: str = "ntp", mono: int = 0, **detail: object
    ) -> None:
        entry = Entry(
            seq=len(self.raw) + 1,
            occ=occ,
            code=code,
            t=t,
            src=src,
            boot=1,
            mono=mono,
            detail=detail,
        )
        self.raw.append(messages.encode(entry))

    def head(self, upto: int) -> bytes:
        head = messages.first_hash(self.jid)
        for raw in self.raw[:upto]:
            head = messages.next_hash(head, raw)
        return head

    def batch(
        self, since: int = 1, upto: int | None = None, now: Instant = FIVE_PM, mono: int = 0
    ) -> bytes:
        upto = upto or len(self.raw)
        events = messages.Events(
            v=1, rid=self.rid, jid=self.jid, from_=since, head=self.head(upto).hex(), now=now, mono=mono,
            boot=1, src="ntp", e=tuple(msgspec.Raw(raw) for raw in self.raw[since - 1 : upto]),
        )  # fmt: skip
        return self.key.sign(messages.encode(events), "loa-events")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


@pytest.fixture
def broadcast(session: Session, cast: Cast) -> Broadcast:
    rule = Rule(
        kind=Kind.ONCE, at=time(17), start_date=date(2026, 11, 21), area_ids=(cast.commune.id,)
    )
    schedules.add(session, approved_bulletin(session, cast), cast.hoa, rule, now=NOON, zone=ZONE)
    work(session)
    plans.published(
        session, [Taken(each.receiver_id, each.rev) for each in plans.waiting(session, 10)], NOON
    )
    return session.scalars(sa.select(Broadcast)).one()


@pytest.fixture
def pole(cast: Cast) -> Pole:
    return Pole("r-0000", cast.keys["r-0000"])


def take(session: Session, pole: Pole, payload: bytes, now: Instant = FIVE_PM) -> messages.Evack:
    batch = receipts.verify(pole.rid, payload, pole.key.public.x)
    return receipts.record(session, [batch], now)[pole.rid]


def at_pole(session: Session, broadcast: Broadcast, rid: str = "r-0000") -> Delivery:
    return session.scalars(
        sa.select(Delivery).where(
            Delivery.broadcast_id == broadcast.id, Delivery.receiver_id == rid
        )
    ).one()


def tell_it_played(pole: Pole, occ: str) -> None:
    pole.write(occ, "accepted", NOON)
    pole.write(occ, "ready", after(NOON, 5000))
    pole.write(occ, "started", after(FIVE_PM, 3), late_ms=3, vol=70)
    pole.write(occ, "played", after(FIVE_PM, 30_003), ms=30_000, level="E1")


def test_the_receivers_own_word_becomes_the_delivery(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    tell_it_played(pole, broadcast.occurrence)
    assert take(session, pole, pole.batch()) == messages.Evack(jid="j1", upto=4)
    found = at_pole(session, broadcast)
    assert (found.state, found.started_at, found.played_ms) == (D.PLAYED, after(FIVE_PM, 3), 30_000)
    assert (found.late_ms, found.volume, found.evidence, found.ready_at) == (
        3,
        70,
        "E1",
        after(NOON, 5000),
    )
    assert broadcast.state is BroadcastState.ON_AIR  # two receivers have not spoken yet


def test_the_same_batch_twice_is_one(session: Session, broadcast: Broadcast, pole: Pole) -> None:
    tell_it_played(pole, broadcast.occurrence)
    take(session, pole, pole.batch())
    assert take(session, pole, pole.batch()).upto == 4
    assert session.scalar(sa.select(sa.func.count()).select_from(JournalEntry)) == 4


def test_a_batch_beyond_a_gap_waits(session: Session, broadcast: Broadcast, pole: Pole) -> None:
    tell_it_played(pole, broadcast.occurrence)
    assert take(session, pole, pole.batch(since=3)).upto == 0
    assert at_pole(session, broadcast).state is D.SENT
    assert take(session, pole, pole.batch(upto=2)).upto == 2
    assert take(session, pole, pole.batch(since=2)).upto == 4  # overlaps what is kept
    assert at_pole(session, broadcast).state is D.PLAYED


def test_batches_that_arrive_in_reverse_end_in_the_true_state(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    tell_it_played(pole, broadcast.occurrence)
    late, early = pole.batch(since=3), pole.batch(upto=2)
    for payload in (late, early, late, early):
        take(session, pole, payload)
    assert at_pole(session, broadcast).state is D.PLAYED


def test_raw_bytes_are_kept_and_the_chain_can_be_checked(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    tell_it_played(pole, broadcast.occurrence)
    take(session, pole, pole.batch())
    kept = session.scalars(sa.select(JournalEntry.raw).order_by(JournalEntry.seq)).all()
    assert list(kept) == pole.raw
    journal = session.scalars(sa.select(Journal)).one()
    assert journal.head == pole.head(4).hex()


def test_a_second_story_is_not_believed(session: Session, broadcast: Broadcast, pole: Pole) -> None:
    tell_it_played(pole, broadcast.occurrence)
    take(session, pole, pole.batch())
    other = Pole(pole.rid, pole.key)
    other.write(broadcast.occurrence, "missed", NOON, why="off")
    assert take(session, other, other.batch()).upto == 4
    assert at_pole(session, broadcast).state is D.PLAYED
    assert session.scalars(sa.select(Journal)).one().tampered_at == FIVE_PM


def test_a_broken_link_of_the_chain_is_not_taken(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    tell_it_played(pole, broadcast.occurrence)
    take(session, pole, pole.batch(upto=2))
    pole.raw[0] = pole.raw[0].replace(
        b"accepted", b"refused!"
    )  # the head now follows from another past
    assert take(session, pole, pole.batch(since=3)).upto == 2
    assert session.scalars(sa.select(Journal)).one().tampered_at is not None


def test_a_new_journal_after_a_reset_is_kept_beside_the_old(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    pole.write("", "boot", NOON, why="power")
    take(session, pole, pole.batch())
    reset = Pole(pole.rid, pole.key, jid="j2")
    reset.write("", "boot", NOON, why="reset")
    assert take(session, reset, reset.batch()) == messages.Evack(jid="j2", upto=1)
    assert session.scalar(sa.select(sa.func.count()).select_from(Journal)) == 2


def test_times_written_without_a_clock_are_put_right_and_kept_raw(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    pole.write(broadcast.occurrence, "started", Instant(5_000), src="none", mono=10_000, late_ms=0)
    take(session, pole, pole.batch(now=after(FIVE_PM, 60_000), mono=70_000))
    found = at_pole(session, broadcast)
    assert (found.started_at, found.started_raw_at) == (FIVE_PM, 5_000)


@pytest.mark.parametrize("spoil", ["signature", "other key", "other receiver", "sequence", "size"])
def test_a_batch_that_is_not_the_receivers_is_refused(cast: Cast, pole: Pole, spoil: str) -> None:
    tell_it_played(pole, "x")
    payload, rid, key = pole.batch(), pole.rid, pole.key.public.x
    if spoil == "signature":
        payload = payload[:-4] + (b"AAAA" if payload[-4:] != b"AAAA" else b"BBBB")
    elif spoil == "other key":
        key = cast.keys["r-0001"].public.x
    elif spoil == "other receiver":
        rid, payload = (
            "r-0001",
            PrivateKey("r-0001", pole.key.seed).sign(
                signing.verify(payload, "loa-events", {pole.rid: pole.key.public})[0], "loa-events"
            ),
        )
    elif spoil == "sequence":
        pole.raw[1] = pole.raw[3]
        payload = pole.batch()
    else:
        payload += b"A" * 20_000
    with pytest.raises(signing.BadSignature):
        receipts.verify(rid, payload, key)


def test_no_evidence_is_said_plainly_until_late_evidence_comes(
    session: Session, cast: Cast, broadcast: Broadcast, pole: Pole
) -> None:
    over = after(broadcast.ends_at, MINUTE + 2 * MINUTE)
    assert receipts.expire(session, over, late=MINUTE, grace=2 * MINUTE) == 0
    assert receipts.expire(session, after(over, 1), late=MINUTE, grace=2 * MINUTE) == 3
    assert at_pole(session, broadcast).state is D.UNKNOWN
    assert broadcast.state is BroadcastState.FINISHED
    tell_it_played(pole, broadcast.occurrence)
    take(session, pole, pole.batch(), after(over, MINUTE))
    assert at_pole(session, broadcast).state is D.PLAYED
    tally = broadcasts.tallies(session, [broadcast.id])[broadcast.id]
    assert (tally.of(D.PLAYED), tally.of(D.UNKNOWN), tally.total) == (1, 2, 3)


def test_what_was_never_handed_out_is_missed_not_unknown(
    session: Session, broadcast: Broadcast
) -> None:
    found = at_pole(session, broadcast)
    found.rev, found.state = None, D.PLANNED
    receipts.expire(session, after(FIVE_PM, 600_000), late=MINUTE, grace=MINUTE)
    assert (at_pole(session, broadcast).state, at_pole(session, broadcast).reason) == (
        D.MISSED,
        "not_sent",
    )


def test_a_reset_journal_does_not_unsay_that_it_sounded(
    session: Session, broadcast: Broadcast, pole: Pole
) -> None:
    pole.write(broadcast.occurrence, "started", FIVE_PM, late_ms=0)
    take(session, pole, pole.batch())
    reset = Pole(pole.rid, pole.key, jid="j2")
    reset.write(broadcast.occurrence, "missed", FIVE_PM, why="off")
    take(session, reset, reset.batch())
    found = at_pole(session, broadcast)
    assert (found.state, found.reason, found.started_at) == (D.INTERRUPTED, "reset", FIVE_PM)


def test_numbers_no_clock_can_show_are_refused(pole: Pole) -> None:
    pole.write("x", "boot", Instant(2**63))
    with pytest.raises(msgspec.ValidationError):
        receipts.verify(pole.rid, pole.batch(), pole.key.public.x)


@pytest.mark.parametrize(
    "detail", [b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", b'{"a":"' + b"x" * 3000 + b'"}']
)
def test_an_entry_meant_to_choke_us_is_refused(pole: Pole, detail: bytes) -> None:
    pole.raw.append(b'[1,"x","boot",1,"ntp",1,0,' + detail + b"]")
    with pytest.raises((msgspec.DecodeError, signing.BadSignature)):
        receipts.verify(pole.rid, pole.batch(), pole.key.public.x)


def test_one_receivers_fault_keeps_nobody_elses_evidence_out(
    session: Session, cast: Cast, broadcast: Broadcast, pole: Pole, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Pole("r-0001", cast.keys["r-0001"])
    bad.write("", "boot", NOON)
    tell_it_played(pole, broadcast.occurrence)
    real = receipts._continue

    def fail_for_one(ledger: object, page: object, batch: receipts.Batch) -> None:
        if batch.receiver_id == "r-0001":
            raise OverflowError("a number the database does not take")
        real(ledger, page, batch)

    monkeypatch.setattr(receipts, "_continue", fail_for_one)
    batches = [receipts.verify(p.rid, p.batch(), p.key.public.x) for p in (bad, pole)]
    assert set(receipts.record(session, batches, FIVE_PM)) == {"r-0000"}
    assert at_pole(session, broadcast).state is D.PLAYED


STORIES = [
    ((("accepted", {}), ("refused", {"why": "quiet"})), D.REFUSED, "quiet"),
    ((("accepted", {}), ("missed", {"why": "off"})), D.MISSED, "off"),
    ((("accepted", {}), ("cancelled", {})), D.CANCELLED, None),
    ((("accepted", {}), ("cancelled", {}), ("accepted", {}), ("ready", {})), D.READY, None),
    (
        (("started", {"late_ms": 2}), ("interrupted", {"at_ms": 900, "why": "power"})),
        D.INTERRUPTED,
        "power",
    ),
    (
        (
            ("started", {}),
            ("interrupted", {"at_ms": 9, "why": "power"}),
            ("started", {}),
            ("played", {"ms": 5}),
        ),
        D.PLAYED,
        None,
    ),
    ((("started", {}), ("cancelled", {"at_ms": 1200})), D.CANCELLED, None),
    ((("started", {}), ("played", {"ms": 5}), ("cancelled", {})), D.PLAYED, None),
    ((("accepted", {}), ("failed", {"why": "hash"})), D.FAILED, "hash"),
    ((("accepted", {}), ("something_new", {})), D.ACCEPTED, None),
    ((("played", {"ms": "không phải số"}),), D.PLAYED, None),
]


@pytest.mark.parametrize(("story", "state", "reason"), STORIES)
def test_each_story_ends_in_its_true_state(
    session: Session,
    broadcast: Broadcast,
    pole: Pole,
    story: tuple,
    state: DeliveryState,
    reason: str | None,
) -> None:
    for code, detail in story:
        pole.write(broadcast.occurrence, code, FIVE_PM, **detail)
    take(session, pole, pole.batch())
    found = at_pole(session, broadcast)
    assert (found.state, found.reason) == (state, reason)
