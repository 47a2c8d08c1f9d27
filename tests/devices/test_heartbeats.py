"""A heartbeat that says nothing new may wait, and no other."""

from __future__ import annotations

import msgspec
import pytest

from devices.heartbeats import LONGEST, WAIT, Heartbeats, wait_for
from devices.messages import State
from loa.times import SECOND, Instant

NOW = Instant(1_000_000)
EACH = 20 * SECOND
"""A heartbeat so often: the shortest for which none waits longer than WAIT."""
STATE = State(on=1, sid="s", boot=1, jid="j", n=3, acked=3, head="aa", rev=7, t=1, up=1)


def known(state: State = STATE) -> Heartbeats:
    heartbeats = Heartbeats(EACH)
    assert not heartbeats.hold("r", state, NOW)
    heartbeats.settled({"r": state})
    return heartbeats


def test_the_same_again_but_later_is_held_until_it_has_waited_enough() -> None:
    heartbeats = known()
    later = msgspec.structs.replace(STATE, t=60_001, up=60_001, net=("2026-11", 5))
    assert heartbeats.hold("r", later, Instant(NOW + 1))
    assert not heartbeats.due(Instant(NOW + WAIT))
    assert heartbeats.due(Instant(NOW + 1 + WAIT))
    assert heartbeats.take() == ({"r": later}, {"r": NOW + 1})
    assert not heartbeats.due(Instant(NOW + 10 * WAIT))


def test_a_clock_set_back_holds_nothing_up() -> None:
    heartbeats = known()
    heartbeats.hold("r", STATE, NOW)
    assert heartbeats.due(Instant(NOW - 1))


@pytest.mark.parametrize(
    "news",
    [
        {"sid": "t"}, {"boot": 2}, {"jid": "k"}, {"n": 4}, {"acked": 2}, {"head": "bb"}, {"rev": 8},
        {"kv": 1}, {"src": "ntp"}, {"nonce": "x" * 22}, {"disk": 0.5}, {"pwr": "bat"}, {"out": "fault"}, {"vol": 3},
        {"play": "o"}, {"ready": 1}, {"want": 1}, {"can": 1}, {"fw": "2"},
    ],
)  # fmt: skip
def test_whatever_else_has_changed_is_news_and_takes_the_place_of_what_waits(news) -> None:
    heartbeats = known()
    assert heartbeats.hold("r", STATE, NOW)
    assert not heartbeats.hold("r", msgspec.structs.replace(STATE, **news), NOW)
    assert not heartbeats.due(Instant(NOW + WAIT))
    # What is not written yet is news still, when it is said again.
    assert not heartbeats.hold("r", STATE, NOW)


def test_who_has_still_to_be_told_something_is_looked_at_each_time() -> None:
    heartbeats = Heartbeats(EACH)
    for rid in ("r", "q"):
        assert not heartbeats.hold(rid, STATE, NOW)
    heartbeats.settled({"r": STATE, "q": STATE}, but=["r"])
    assert not heartbeats.hold("r", STATE, NOW)
    assert heartbeats.hold("q", STATE, NOW)


def test_a_will_is_news_and_ends_what_was_heard_before() -> None:
    heartbeats = known()
    assert heartbeats.hold("r", STATE, NOW)
    assert not heartbeats.hold("r", State(on=0, sid="s"), NOW)
    assert heartbeats.take() == ({"r": STATE}, {"r": NOW})
    assert not heartbeats.hold("r", STATE, NOW)


def test_one_that_was_silent_for_long_does_not_wait_for_others() -> None:
    heartbeats = known()
    assert heartbeats.hold("r", STATE, Instant(NOW + 2 * EACH))
    assert not heartbeats.hold("r", STATE, Instant(NOW + 4 * EACH + 1))
    heartbeats.settled({"r": STATE})
    assert heartbeats.hold("r", STATE, Instant(NOW + 5 * EACH))


@pytest.mark.parametrize("seconds", [2, 5, 20, 60, 300, 3600])
def test_nobody_is_called_offline_for_what_waits(seconds) -> None:
    """The longest silence after which a heartbeat waits, and its wait, are no more than makes one offline."""
    assert 2 * seconds * SECOND + wait_for(seconds * SECOND) <= (3 * seconds + 5) * SECOND
    assert WAIT <= wait_for(seconds * SECOND) <= LONGEST
