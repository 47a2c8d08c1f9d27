from __future__ import annotations

from loa.database import Database
from loa.times import SECOND, after
from scheduler import leases
from scheduler.leases import Claim
from tests.cast import NOON


def test_the_second_waits_and_takes_over_when_the_first_stands_still(database: Database) -> None:
    first, second = Claim("first"), Claim("second")
    with database.write() as session:
        assert first.take(session, NOON, 0.0)
        assert not second.take(session, NOON, 100.0)  # another machine's steady clock
        assert second.waiting_for == "first"
        assert first.renew(session, NOON)
        assert not second.take(session, NOON, 109.0)  # it has moved: the wait begins anew
        assert not second.take(session, NOON, 118.9)
        assert second.take(session, NOON, 119.0)
        assert not first.renew(session, NOON)


def test_the_holder_gives_up_before_another_takes_over(database: Database) -> None:
    claim = Claim()
    with database.write() as session:
        claim.take(session, NOON, 0.0)
    assert not claim.due(2.9)
    assert claim.due(3.0)
    assert not claim.lapsed(7.9)
    assert claim.lapsed(8.0)
    with database.write() as session:
        assert claim.renew(session, NOON)
        assert claim.lapsed(8.0)  # not yet committed
    claim.renewed(3.0)
    assert not claim.lapsed(10.9)
    assert claim.lapsed(11.0)
    assert leases.GIVE_UP_SECONDS < leases.STANDSTILL_SECONDS


def test_an_orderly_end_lets_the_next_in_at_once(database: Database) -> None:
    first, second = Claim("first"), Claim("second")
    with database.write() as session:
        first.take(session, NOON, 0.0)
        second.take(session, NOON, 0.0)
        first.release(session)
        assert second.take(session, NOON, 0.1)


def test_the_pages_know_whether_anyone_works(database: Database) -> None:
    with database.write() as session:
        assert not leases.alive(session, NOON)
        claim = Claim()
        claim.take(session, NOON, 0.0)
        assert leases.alive(session, after(NOON, 5 * SECOND))
        assert not leases.alive(session, after(NOON, 11 * SECOND))
        claim.release(session)
        session.expire_all()
        assert not leases.alive(session, NOON)
