"""What a receiver says of itself is kept whole, and what staff want of it is checked and noted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import receivers, remote
from devices.messages import State
from devices.receivers import Presence, Receiver
from devices.remote import Obeyed
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import DeviceError
from loa.times import MINUTE, SECOND, after
from tests.cast import NOON, settle_in

BEAT = 60 * SECOND
BY = {"now": NOON, "by": "hoa"}


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        settle_in(opened)
        opened.execute(sa.update(Receiver).values(plan_stale=False))
        yield opened


def says(session, at=NOON, **said):
    usual = {"sid": "s", "on": 1, "t": at}
    return receivers.note_states(session, {"r-0000": State(**{**usual, **said})}, at, BEAT)


def test_all_it_says_of_its_health_is_kept(session):
    says(
        session,
        src="rtc",
        err_ms=40,
        can=3,
        kv=9,
        boot=4,
        up=5_000,
        net=("2026-11", 12),
        t=NOON - 250,
    )
    seen = session.get_one(Presence, "r-0000")
    assert (seen.clock_source, seen.clock_error_ms, seen.clock_bound_ms) == ("rtc", -250, 40)
    assert (seen.canned, seen.kv, seen.boot, seen.up_ms) == (3, 9, 4, 5_000)
    assert (seen.net_month, seen.net_bytes) == ("2026-11", 12)
    says(session, after(NOON, BEAT))
    assert (seen.net_month, seen.net_bytes) == (None, None)


def test_since_when_it_is_there_and_how_long_it_was_not(session):
    says(session)
    seen = session.get_one(Presence, "r-0000")
    assert (seen.online_since, seen.lost_at) == (NOON, None)
    says(session, after(NOON, BEAT))
    assert seen.online_since == NOON
    back = after(NOON, 30 * MINUTE)
    assert says(session, back) == ["r-0000"]
    assert (seen.lost_at, seen.online_since) == (after(NOON, BEAT), back)


def test_it_is_found_by_its_name_however_it_came_or_was_renamed(session):
    receiver = session.get_one(Receiver, "r-0000")
    assert receiver.search_key == "cot r-0000\ncột r-0000"
    receiver.name = "Đình Đoài"
    session.flush()
    assert receiver.search_key.startswith("dinh doai")
    session.execute(
        sa.insert(Receiver),
        [{"id": "x-0001", "name": "Chợ", "area_id": 1, "public_key": "k", "password_hash": "p", "added_at": NOON}],
    )  # fmt: skip
    assert session.get_one(Receiver, "x-0001").search_key == "cho\nchợ"


def test_an_order_goes_only_where_it_changes_something(session):
    both = ["r-0000", "r-0001"]
    assert remote.set_volume(session, both, 40, **BY) == both
    assert remote.set_volume(session, both, 40, **BY) == []
    assert remote.set_muted(session, ["r-0001"], True, **BY) == ["r-0001"]
    assert remote.set_delay(session, both, 100, **BY) == both
    stale = sa.select(Receiver.id).where(Receiver.plan_stale).order_by(Receiver.id)
    assert list(session.scalars(stale)) == both
    kinds = session.scalars(
        sa.select(AuditEntry.kind).where(AuditEntry.actor == "hoa").order_by(AuditEntry.n)
    )
    assert list(kinds) == ["receiver.volume", "receiver.muted", "receiver.delay_ms"]


@pytest.mark.parametrize(
    ("act", "value", "field"),
    [
        (remote.set_volume, 101, "volume"),
        (remote.set_volume, -1, "volume"),
        (remote.set_delay, 1_001, "delay_ms"),
        (remote.set_delay, -1, "delay_ms"),
    ],
)
def test_it_refuses_what_no_receiver_could_do(session, act, value, field):
    with pytest.raises(DeviceError) as refused:
        act(session, ["r-0000"], value, **BY)
    assert refused.value.field == field


def test_a_retired_one_is_told_nothing(session):
    receivers.retire(session, session.get_one(Receiver, "r-0000"), **BY)
    assert remote.set_volume(session, ["r-0000"], 5, **BY) == []
    assert remote.restart(session, ["r-0000"], **BY) == []


def test_each_restart_is_a_number_of_its_own_and_none_comes_on_the_heels_of_another(session):
    assert remote.restart(session, ["r-0000"], **BY) == ["r-0000"]
    assert remote.restart(session, ["r-0000"], now=after(NOON, MINUTE), by="hoa") == []
    assert remote.restart(session, ["r-0000"], now=after(NOON, 3 * MINUTE), by="hoa") == ["r-0000"]
    session.expire_all()
    assert session.get_one(Receiver, "r-0000").restarts == 2


@pytest.mark.parametrize(
    ("stale", "rev", "published", "said", "wanted"),
    [
        (True, 5, True, 5, Obeyed.WAITING),
        (False, None, False, None, Obeyed.WAITING),
        (False, 5, False, 4, Obeyed.WAITING),
        (False, 5, True, 4, Obeyed.SENT),
        (False, 5, True, None, Obeyed.SENT),
        (False, 5, True, 5, Obeyed.TAKEN),
        (False, 5, False, 6, Obeyed.TAKEN),
    ],
)
def test_an_order_is_taken_when_the_heartbeat_says_so(stale, rev, published, said, wanted):
    seen = None if said is None else Presence(receiver_id="r", rev=said)
    receiver = Receiver(id="r", name="r", plan_stale=stale, presence=seen)
    assert remote.obeyed(receiver, rev, published) is wanted


def test_sound_takes_a_tenth_of_a_second_over_34_metres():
    assert remote.delay_for(34) == 100
    assert remote.delay_for(100) == 290
