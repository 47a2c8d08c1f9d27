"""Heartbeats wait for one another; all else takes them along."""

from __future__ import annotations

import threading

from devices import messages
from devices.inbox import EACH, Inbox
from devices.link import Connected, Message

BEAT = Message(messages.state_topic("r-0000"), b"{}")
NEWS = Message(messages.events_topic("r-0000"), b"")
LONG = 60.0
"""Seconds; whoever waits so long has not been woken."""


def test_a_heartbeat_wakes_nobody_and_is_there_when_the_wait_is_over() -> None:
    inbox = Inbox()
    inbox.put(BEAT)
    assert not inbox._pressing.is_set()
    assert inbox.take(10, 0) == [BEAT]
    assert inbox.take(10, 0) == []


def test_all_else_wakes_at_once_and_takes_heartbeats_along() -> None:
    inbox, taken = Inbox(), []
    waiting = threading.Thread(target=lambda: taken.extend(inbox.take(10, LONG)))
    waiting.start()
    inbox.put(BEAT)
    inbox.put(NEWS)
    waiting.join(LONG / 2)
    assert taken == [BEAT, NEWS]


def test_many_heartbeats_wait_no_longer() -> None:
    inbox = Inbox(many=2)
    inbox.put(BEAT)
    inbox.put(BEAT)
    assert inbox.take(10, LONG) == [BEAT, BEAT]


def test_what_is_left_is_there_at_once() -> None:
    inbox = Inbox()
    for _ in range(3):
        inbox.put(NEWS)
    assert [len(inbox.take(2, LONG)) for _ in range(2)] == [2, 1]


def test_what_the_link_says_can_be_taken_without_messages() -> None:
    inbox = Inbox()
    for event in (NEWS, Connected(), BEAT, Connected()):
        inbox.put(event)
    assert [inbox.take_events(1) for _ in range(3)] == [[Connected()], [Connected()], []]
    assert inbox.take(10, LONG) == [NEWS, BEAT]


def test_what_is_long_is_taken_in_smaller_numbers() -> None:
    inbox = Inbox()
    for _ in range(3):
        inbox.put(NEWS)
        inbox.put(Connected())
    both = 2 * (len(NEWS.topic) + EACH)
    assert inbox.take(10, LONG, both) == [Connected()] * 3 + [NEWS] * 2
    assert inbox.take(10, LONG, both) == [NEWS]


def test_too_many_messages_are_counted_and_what_the_link_says_is_kept() -> None:
    inbox = Inbox(most=2 * (len(NEWS.topic) + EACH))
    for _ in range(3):
        inbox.put(NEWS)
    inbox.put(Connected())
    assert (len(inbox), inbox.overflow) == (3, 1)
    assert inbox.take(10, 0) == [Connected(), NEWS, NEWS]
    inbox.put(NEWS)
    assert (len(inbox), inbox.overflow) == (1, 1)
