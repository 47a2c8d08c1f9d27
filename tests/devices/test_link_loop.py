"""The loop: deadlines in order, calls from any thread, sockets, and nothing done for those that want nothing."""

from __future__ import annotations

import itertools
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from devices import loop as loops
from devices.link import Connected, Disconnected, Incoming, Link, LinkSettings, Message, Will
from devices.loop import NEVER, Driven, Loop
from tests.parts import Mosquitto, wait_until


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


class Noted(Driven):
    """Writes down its turns, and asks for the next as it was told."""

    def __init__(self, notes: list[tuple[str, int]], name: str, dues: Iterator[float]) -> None:
        self.notes, self.name, self.dues = notes, name, dues

    def turn(self, mask: int) -> None:
        self.notes.append((self.name, mask))
        self.due = next(self.dues, NEVER)


def test_it_turns_in_the_order_of_the_deadlines_and_only_what_is_due(loop: Loop) -> None:
    notes: list[tuple[str, int]] = []
    now = time.monotonic()
    for name, due in (("late", now + 3600), ("second", now + 0.02), ("first", now + 0.01)):
        loop.call(Noted(notes, name, iter([due])))
    loop.turn(0)
    assert [name for name, _ in notes] == ["late", "second", "first"]
    notes.clear()
    while len(notes) < 2:
        loop.turn(1)
    assert notes == [("first", 0), ("second", 0)]


def test_a_deadline_put_off_is_not_kept_and_one_brought_forward_is(loop: Loop) -> None:
    notes: list[tuple[str, int]] = []
    now = time.monotonic()
    later = Noted(notes, "later", iter([now + 0.005, NEVER]))
    sooner = Noted(notes, "sooner", iter([now + 3600, now + 0.01]))
    for one in (later, sooner):
        loop.call(one)
    loop.turn(0)
    later.due = now + 3600
    loop.call(sooner)
    loop.turn(0)
    notes.clear()
    while not notes:
        loop.turn(1)
    assert notes == [("sooner", 0)]


def test_many_deadlines_leave_a_heap_no_larger_than_their_number(loop: Loop) -> None:
    notes: list[tuple[str, int]] = []
    ones = [Noted(notes, str(n), iter([0.0] * 20)) for n in range(50)]
    for one in ones:
        loop.call(one)
    wait_turns(loop, lambda: len(notes) >= 50 * 21)
    assert len(notes) == 50 * 21
    assert not loop._heap


def wait_turns(loop: Loop, condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        loop.turn(1)
    raise AssertionError("never")


def test_a_call_from_another_thread_ends_the_wait(loop: Loop) -> None:
    notes: list[tuple[str, int]] = []
    one = Noted(notes, "called", iter([]))
    loop.turn(0)  # from here on this thread owns it
    threading.Thread(target=loop.call, args=(one,)).start()
    wait_turns(loop, lambda: bool(notes))
    assert notes == [("called", 0)]


def test_a_call_during_the_turn_is_not_lost(loop: Loop) -> None:
    class Again(Driven):
        turns = 0

        def turn(self, mask: int) -> None:
            self.turns += 1
            if self.turns < 3:
                loop.call(self)

    one = Again()
    loop.call(one)
    for _ in range(5):
        loop.turn(0)
    assert one.turns == 3


def test_a_socket_turns_what_watches_it_until_forgotten(loop: Loop) -> None:
    notes: list[tuple[str, int]] = []
    here, there = socket.socketpair()
    one = Noted(notes, "socket", itertools.repeat(NEVER))
    loop.watch(here.fileno(), 1, one)
    there.send(b"!")
    loop.turn(1)
    loop.rewatch(here.fileno(), 2, one)
    loop.turn(1)
    loop.forget(here.fileno())
    loop.forget(here.fileno())
    loop.turn(0)
    assert notes == [("socket", 1), ("socket", 2)]
    here.close()
    there.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_work_aside_is_followed_by_a_turn(workers: int) -> None:
    loop = Loop(workers)
    notes: list[tuple[str, int]] = []
    done: list[str] = []
    one = Noted(notes, "after", iter([]))
    loop.aside(lambda: done.append(threading.current_thread().name), one)
    wait_turns(loop, lambda: bool(notes))
    assert done[0].startswith("aside-" if workers else "MainThread")
    loop.close()


def test_it_says_when_its_thread_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    hold = threading.Event()

    class Stuck(Driven):
        def turn(self, mask: int) -> None:
            hold.wait(60)

    loop.start("stuck")
    assert loop.healthy
    monkeypatch.setattr(loops, "STALL_SECONDS", 0.05)
    loop.call(Stuck())
    wait_until(lambda: not loop.healthy, "the stall to be noticed")
    hold.set()
    assert loop.stop(60)


# --- links that share one ------------------------------------------------------------------------


class Many:
    """Links in one loop that this test's thread turns; what they say by number."""

    def __init__(self, port: int, count: int) -> None:
        self.loop = Loop(workers=4)
        self.said: list[list[Incoming]] = [[] for _ in range(count)]
        self.links = [
            Link(
                LinkSettings(
                    host="127.0.0.1", port=port, client_id=f"many-{n}", reconnect_first=0.05, reconnect_most=0.5,
                    subscriptions=((f"to/{n}", 1),), will=Will(f"gone/{n}", b"", 1, False),
                ),
                loop=self.loop, hear=self.said[n].append,
            )
            for n in range(count)
        ]  # fmt: skip

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "never"
            self.loop.turn(0.1)

    def kinds(self, number: int) -> list[type]:
        return [type(one) for one in self.said[number]]

    def close(self) -> None:
        for link in self.links:
            link.end()
        self.until(lambda: all(link.ended for link in self.links))
        self.loop.close()


@pytest.fixture
def many(mosquitto: Mosquitto) -> Iterator[Many]:
    made = Many(mosquitto.port, 60)
    for link in made.links:
        link.start()
    made.until(lambda: all(Connected in made.kinds(n) for n in range(60)))
    yield made
    made.close()


def test_sixty_links_in_one_loop_talk_to_one_another(many: Many) -> None:
    threads = threading.active_count()
    for n, link in enumerate(many.links):
        link.publish(f"to/{59 - n}", b"%d" % n, qos=1)
    many.until(lambda: all(Message in many.kinds(n) for n in range(60)))
    for n in range(60):
        assert many.said[n] == [Connected(), Message(f"to/{n}", b"%d" % (59 - n))]
    assert threading.active_count() == threads
    assert all(link.healthy and not link.waiting for link in many.links)


def test_one_that_is_cut_comes_back_and_the_others_notice_nothing(many: Many) -> None:
    many.links[7].cut()
    many.until(lambda: many.kinds(7).count(Connected) == 2)
    assert many.kinds(7) == [Connected, Disconnected, Connected]
    assert all(many.kinds(n) == [Connected] for n in range(60) if n != 7)


def test_a_dropped_link_leaves_its_will_and_an_ended_one_does_not(
    many: Many, mosquitto: Mosquitto
) -> None:
    watch = Link(
        LinkSettings(host="127.0.0.1", port=mosquitto.port, client_id="watch", subscriptions=(("#", 1),))
    )  # fmt: skip
    watch.start()
    assert watch.inbox.get(timeout=60) == Connected()
    many.links[3].end()
    many.links[4].publish("never", b"", qos=1)
    many.links[4].drop()
    many.until(lambda: many.links[3].ended and many.links[4].ended)
    many.links[5].publish("last", b"", qos=1)
    many.until(lambda: not watch.inbox.empty())
    heard = [watch.inbox.get(timeout=60)]
    while heard[-1] != Message("last", b""):
        many.loop.turn(0.05)
        heard += [watch.inbox.get()] if not watch.inbox.empty() else []
    assert heard == [Message("gone/4", b""), Message("last", b"")]
    watch.stop()


def test_a_killed_broker_is_survived_by_all(many: Many, mosquitto: Mosquitto) -> None:
    mosquitto.kill()
    many.until(lambda: not any(link.connected for link in many.links))
    many.links[0].publish("to/1", b"meanwhile", qos=1)
    mosquitto.start()
    many.until(lambda: Message("to/1", b"meanwhile") in many.said[1] or many.links[1].connected)
    many.until(lambda: all(link.connected for link in many.links))
    many.links[0].publish("to/2", b"after", qos=1)
    many.until(lambda: Message("to/2", b"after") in many.said[2])


def test_a_link_in_a_shared_loop_can_be_started_again(mosquitto: Mosquitto) -> None:
    loop, said = Loop(), queue.Queue[Incoming]()
    settings = LinkSettings(host="127.0.0.1", port=mosquitto.port, client_id="twice")
    link = Link(settings, said, loop=loop)
    link.publish("kept/until/it/starts", b"", qos=1)
    loop.turn(0)
    assert link.due == NEVER
    for _ in range(2):
        link.start()
        while said.empty():
            loop.turn(1)
        assert said.get() == Connected()
        with pytest.raises(RuntimeError):
            link.start()
        link.end()
        while not link.ended:
            loop.turn(1)
        assert said.get() == Disconnected("stopped")
    assert not link.healthy
    assert not link.waiting
    loop.close()
