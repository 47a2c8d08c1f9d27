"""Whose evidence is let in: many at once, one that floods, one that forges, and what receivers say of attacks."""

from __future__ import annotations

import threading
from concurrent.futures.process import BrokenProcessPool
from unittest.mock import Mock

import pytest
import sqlalchemy as sa

from devices import claims, signing
from devices.receivers import JournalEntry, Receiver
from loa.audit import AuditEntry
from loa.database import Database
from loa.times import MINUTE, SECOND, Instant, after
from scheduler import attacks, gate, receipts, verifying
from scheduler.gate import Gate, Quota
from scheduler.verifying import Token, Verifiers, fault
from tests.cast import NOON, Cast, settle_in
from tests.scheduler.test_receipts import Pole

RID = "r-0000"


@pytest.fixture
def cast(database: Database) -> Cast:
    with database.write() as session:
        return settle_in(session)


@pytest.fixture
def pole(cast: Cast) -> Pole:
    pole = Pole(RID, cast.keys[RID])
    pole.write("", "boot", NOON, why="power")
    return pole


def names(batches: list[receipts.Batch]) -> list[str]:
    return [batch.receiver_id for batch in batches]


def test_what_a_receiver_signed_is_let_in_and_nothing_else(
    database: Database, cast: Cast, pole: Pole
) -> None:
    other = Pole("r-0001", cast.keys["r-0002"])
    other.write("", "boot", NOON)
    arrived = [
        (RID, pole.batch()),
        ("r-0001", other.batch()),
        ("r-0002", b"x" * 20_000),
        ("r-gone", pole.batch()),
        ("r-0001", b"no token"),
    ]
    opened = Gate(database)
    assert names(opened.let_in(arrived, NOON)) == [RID]
    assert opened.quota._account("r-0001", NOON).forged == 2
    assert opened.quota._account("r-0002", NOON).forged == 1


def test_a_key_given_anew_is_found_and_one_taken_back_still_vouches(
    database: Database, cast: Cast, pole: Pole
) -> None:
    opened = Gate(database)
    assert names(opened.let_in([(RID, pole.batch())], NOON)) == [RID]
    new = signing.generate(RID)
    with database.write() as session:
        receiver = session.get(Receiver, RID)
        assert receiver is not None
        session.add(
            claims.FormerKey(
                public_key=receiver.public_key, receiver_id=RID, since=NOON, until=after(NOON, 1)
            )
        )
        receiver.public_key = new.public.x
    renewed = Pole(RID, new, jid="j2")
    renewed.write("", "boot", NOON, why="reset")
    assert names(opened.let_in([(RID, renewed.batch())], NOON)) == [RID]
    opened.keys.forget()
    assert names(opened.let_in([(RID, pole.batch())], NOON)) == [RID]
    assert opened.quota._account(RID, NOON).forged == 0


def test_keys_are_read_once(
    database: Database, cast: Cast, pole: Pole, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Gate(database)
    opened.let_in([(RID, pole.batch())], NOON)
    monkeypatch.setattr(database, "read", None)  # whoever reads now fails
    assert names(opened.let_in([(RID, pole.batch())], NOON)) == [RID]


def test_one_that_floods_costs_itself_its_turn_and_nobody_else(
    database: Database, cast: Cast, pole: Pole
) -> None:
    honest = Pole("r-0001", cast.keys["r-0001"])
    honest.write("", "boot", NOON)
    opened, batch = Gate(database), pole.batch()
    let_in = []
    for second in range(100):
        arrived = [(RID, batch)] * 400 + [("r-0001", honest.batch())]
        let_in += names(opened.let_in(arrived, after(NOON, second)))
    assert let_in.count("r-0001") == 100
    assert let_in.count(RID) == gate.BURST + 1  # the burst, and what 99 ms give
    (alarm,) = opened.quota.alarms(after(NOON, 100))
    assert (alarm.receiver_id, alarm.forged) == (RID, 0)
    assert alarm.dropped > 0


def test_a_forger_is_looked_at_once_a_second_and_named_every_ten_minutes() -> None:
    quota, looked_at, named = Quota(), 0, []
    for tenth in range(20 * 60 * 10):
        now = after(NOON, tenth * 100)
        if quota.admit(RID, now):
            looked_at += 1
            quota.forged(RID, now)
        named += quota.alarms(now)
    assert 20 * 60 <= looked_at <= 20 * 60 + gate.BURST // gate.FORGED_COSTS + 1
    assert [each.receiver_id for each in named] == [RID, RID]
    assert named[1].forged == pytest.approx(10 * 60, abs=2)


def test_a_receiver_that_rests_is_forgotten_and_a_clock_set_back_silences_nobody() -> None:
    quota = Quota()
    for _ in range(gate.BURST):
        assert quota.admit(RID, NOON)
    assert not quota.admit(RID, NOON)
    assert quota.admit(RID, after(NOON, -60 * MINUTE))
    quota.alarms(NOON)
    assert len(quota) == 1
    quota.alarms(after(NOON, 30 * MINUTE))
    assert len(quota) == 0


def tokens(key: signing.PrivateKey, count: int) -> list[Token]:
    good = key.sign(b"{}", "loa-events")
    bad = good[:-6] + b"AAAAAA"
    return [
        Token(bad if number % 7 == 3 else good, "loa-events", key.public.kid, (key.public.x,))
        for number in range(count)
    ]


def started(verifiers: Verifiers) -> None:
    assert verifiers._warm is not None
    assert verifiers._warm.result(60) == []


def test_many_signatures_are_checked_in_processes_that_end_when_it_is_quiet() -> None:
    verifiers = Verifiers(workers=2, flood=20, many=60)
    jobs = tokens(signing.generate(RID), 50)
    try:
        assert list(verifiers.faults(jobs[:10], NOON)) == [fault(job) for job in jobs[:10]]
        assert not verifiers.is_awake
        for _ in ("while they start", "once they have started"):
            assert list(verifiers.faults(jobs, NOON)) == [
                "signature" if number % 7 == 3 else "" for number in range(50)
            ]
            assert verifiers.is_awake
            started(verifiers)
        verifiers.rest(after(NOON, 59 * SECOND))
        assert verifiers.is_awake
        verifiers.rest(after(NOON, MINUTE))
        assert not verifiers.is_awake
    finally:
        verifiers.close()


def test_what_all_answer_once_is_checked_without_processes() -> None:
    """Their start would take the cores from the very answers."""
    verifiers = Verifiers(workers=2, flood=20, many=101)
    jobs = tokens(signing.generate(RID), 50)
    checked = [fault(job) for job in jobs]
    try:
        for minutes in range(3):
            for seconds in (0, 5):
                now = after(NOON, minutes * MINUTE + seconds * SECOND)
                assert list(verifiers.faults(jobs, now)) == checked
                assert not verifiers.is_awake
    finally:
        verifiers.close()


def test_a_process_that_is_killed_costs_no_signature() -> None:
    verifiers = Verifiers(workers=1, flood=2, many=8)
    jobs = tokens(signing.generate(RID), 8)
    try:
        list(verifiers.faults(jobs, NOON))
        started(verifiers)
        assert verifiers._pool is not None
        for process in list(verifiers._pool._processes.values()):
            process.kill()
            process.join(60)
        assert list(verifiers.faults(jobs, NOON)) == [fault(job) for job in jobs]
        for seconds in (0, 59):  # nor are they started again for every message
            later = after(NOON, seconds * SECOND)
            assert list(verifiers.faults(jobs, later)) == [fault(job) for job in jobs]
            assert not verifiers.is_awake
        list(verifiers.faults(jobs, after(NOON, MINUTE)))
        assert verifiers.is_awake
    finally:
        verifiers.close()


def test_one_killed_amid_a_flood_leaves_no_other_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    verifiers = Verifiers(workers=2, flood=2, many=8)
    jobs = tokens(signing.generate(RID), 2_000)
    checked = [fault(job) for job in jobs]
    list(verifiers.faults(jobs[:8], NOON))
    started(verifiers)
    assert verifiers._pool is not None
    list(verifiers.faults(jobs, NOON))  # both have begun
    processes = list(verifiers._pool._processes.values())
    assert len(processes) == 2

    def kill_and_check(job: Token) -> str:
        processes[0].kill()
        return fault(job)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(verifying, "fault", kill_and_check)
            assert list(verifiers.faults(jobs, NOON)) == checked
        assert not verifiers.is_awake
        for process in processes:
            process.join(20)
        assert [process.exitcode is None for process in processes] == [False, False]
    finally:
        for process in processes:
            process.kill()


def test_a_pool_left_stuck_by_a_killed_process_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older Pythons wait for what they write into a pipe that only they themselves still hold."""
    monkeypatch.setattr(verifying, "END_SECONDS", 0.01)
    closed = threading.Event()
    manager = threading.Thread(target=closed.wait, daemon=True)
    manager.start()
    pool = Mock(_executor_manager_thread=manager)
    pool._call_queue._reader.close = closed.set
    verifying._end(pool)
    assert not manager.is_alive()
    pool.shutdown.assert_called_once_with(wait=False, cancel_futures=True)


def test_processes_that_cannot_be_started_are_tried_again_in_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verifiers = Verifiers(workers=1, flood=2, many=8)
    verifiers.expect(1_000)
    jobs = tokens(signing.generate(RID), 8)
    starts: list[int] = []

    def refuse(*_: object) -> None:
        starts.append(1)
        raise OSError(11, "Resource temporarily unavailable")

    try:
        with monkeypatch.context() as patch:
            patch.setattr("multiprocessing.context.SpawnProcess.start", refuse)
            for seconds in (0, 1, 59):
                verifiers.rest(after(NOON, seconds * SECOND))
                later = after(NOON, seconds * SECOND)
                assert list(verifiers.faults(jobs, later)) == [fault(job) for job in jobs]
                assert not verifiers.is_awake
        assert len(starts) == 1
        verifiers.rest(after(NOON, MINUTE))
        started(verifiers)
        assert list(verifiers.faults(jobs, after(NOON, MINUTE))) == [fault(job) for job in jobs]
    finally:
        verifiers.close()


def test_one_that_died_at_rest_is_missed_before_the_next_crowd_comes() -> None:
    verifiers = Verifiers(workers=1)
    verifiers.expect(1_000)
    try:
        verifiers.rest(NOON)
        started(verifiers)
        assert verifiers._pool is not None
        for process in list(verifiers._pool._processes.values()):
            process.kill()
        with pytest.raises(BrokenProcessPool):
            verifiers._pool.submit(fault, tokens(signing.generate(RID), 1)[0]).result(60)
        verifiers.rest(after(NOON, MINUTE))
        assert not verifiers.is_awake
        verifiers.rest(after(NOON, 2 * MINUTE))
        started(verifiers)
    finally:
        verifiers.close()


def test_where_a_crowd_may_answer_at_once_the_processes_are_there_before() -> None:
    verifiers = Verifiers(workers=1)
    try:
        verifiers.expect(999)
        verifiers.rest(NOON)
        assert not verifiers.is_awake
        verifiers.expect(1_000)
        verifiers.rest(NOON)
        assert verifiers.is_awake
        verifiers.rest(after(NOON, 10 * MINUTE))
        assert verifiers.is_awake
        verifiers.expect(999)
        verifiers.rest(after(NOON, 11 * MINUTE))
        assert not verifiers.is_awake
    finally:
        verifiers.close()


def test_an_older_key_does_as_well_and_no_key_at_all_does_not() -> None:
    old, new = signing.generate(RID), signing.generate(RID)
    job = tokens(old, 1)[0]
    assert fault(job._replace(keys=(new.public.x,))) == "signature"
    assert fault(job._replace(keys=(new.public.x, old.public.x))) == ""
    assert fault(job._replace(keys=())) == "kid"


def refusals(pole: Pole, *each: tuple[Instant, dict[str, object]]) -> None:
    for at, detail in each:
        pole.write("", "refused", at, **detail)


def alarms(database: Database) -> list[tuple[str, Instant]]:
    with database.read() as session:
        rows = session.execute(
            sa.select(AuditEntry.actor, AuditEntry.at)
            .where(AuditEntry.kind == attacks.KIND)
            .order_by(AuditEntry.n)
        )
        return [(row.actor, row.at) for row in rows]


def take(database: Database, pole: Pole, now: Instant, since: int = 1) -> None:
    with database.write() as session:
        batch = receipts.verify(pole.rid, pole.batch(since=since), pole.key.public.x)
        receipts.record(session, [batch], now)


def test_three_forged_plans_in_ten_minutes_raise_one_alarm(database: Database, pole: Pole) -> None:
    refusals(
        pole, (NOON, {"why": "bad_sig"}), (NOON, {"why": "old_rev"}), (NOON, {"why": "expired"})
    )
    take(database, pole, NOON)
    assert alarms(database) == []
    refusals(pole, (after(NOON, 9 * MINUTE), {"why": "wrong_rid"}))
    take(database, pole, after(NOON, 9 * MINUTE), since=5)
    assert alarms(database) == [(RID, after(NOON, 9 * MINUTE))]
    refusals(pole, (after(NOON, 10 * MINUTE), {"why": "bad_sig"}))
    take(database, pole, after(NOON, 10 * MINUTE), since=6)
    assert len(alarms(database)) == 1
    refusals(pole, (after(NOON, 25 * MINUTE), {"why": "flood", "more": 40}))
    take(database, pole, after(NOON, 25 * MINUTE), since=7)
    assert alarms(database)[1:] == [(RID, after(NOON, 25 * MINUTE))]


@pytest.mark.parametrize(
    "detail",
    [{"why": "expired"}, {"why": "key"}, {"why": "no_role", "of": "can"}, {"why": ["?"]}, {}],
)
def test_what_our_own_plans_can_be_refused_for_is_no_attack(
    database: Database, pole: Pole, detail: dict[str, object]
) -> None:
    refusals(pole, *[(NOON, detail)] * 5)
    take(database, pole, NOON)
    assert alarms(database) == []
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(JournalEntry)) == 6
