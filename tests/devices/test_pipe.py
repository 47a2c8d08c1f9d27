"""Few calls of the system for many small reads and writes, and nothing lost or out of order."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from devices.pipe import MOST_UNSENT, Pipe


class Counting:
    """A socket that counts what is asked of it, and takes no more than ``room`` bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.room = sock, 10**9
        self.reads = self.writes = 0

    def recv(self, size: int) -> bytes:
        self.reads += 1
        return self.sock.recv(size)

    def send(self, data: bytes) -> int:
        self.writes += 1
        if not self.room:
            raise BlockingIOError
        taken = self.sock.send(data[: self.room])
        self.room -= taken
        return taken

    def fileno(self) -> int:
        return self.sock.fileno()

    def close(self) -> None:
        self.sock.close()


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    with near, far:
        yield near, far


@pytest.fixture
def far(line) -> socket.socket:
    return line[1]


@pytest.fixture
def near(line) -> Counting:
    return Counting(line[0])


@pytest.fixture
def pipe(near) -> Pipe:
    return Pipe(near)  # type: ignore[arg-type]


def test_small_reads_are_one_of_the_network(far, near, pipe) -> None:
    far.send(b"abcdef")
    assert pipe.recv(1) == b"a"
    assert pipe.is_unread
    assert [pipe.recv(2), pipe.recv(9)] == [b"bc", b"def"]
    assert not pipe.is_unread
    assert near.reads == 1
    with pytest.raises(BlockingIOError):
        pipe.recv(1)
    assert not pipe.is_unread


def test_the_end_is_told_after_what_came_before_it(far, pipe) -> None:
    far.send(b"ab")
    far.close()
    assert [pipe.recv(1), pipe.recv(1), pipe.recv(1)] == [b"a", b"b", b""]


def test_small_writes_leave_together(far, near, pipe) -> None:
    assert [pipe.send(b"ab"), pipe.send(bytearray(b"c"))] == [2, 1]
    assert near.writes == 0
    pipe.flush()
    assert far.recv(9) == b"abc"
    pipe.flush()
    assert near.writes == 1
    assert not pipe.is_full


def test_much_leaves_at_once_and_in_order(far, near, pipe) -> None:
    pipe.send(b"a")
    block = bytes(MOST_UNSENT + 1)
    assert pipe.send(block) == len(block)
    assert near.writes == 2
    assert far.recv(10**6) == b"a" + block


def test_what_the_network_does_not_take_waits_and_no_more_is_taken(far, near, pipe) -> None:
    near.room = 3
    pipe.send(b"abcdef")
    pipe.flush()
    assert pipe.is_full
    with pytest.raises(BlockingIOError):
        pipe.send(bytes(MOST_UNSENT))
    near.room = 10**9
    pipe.flush()
    assert not pipe.is_full
    assert far.recv(9) == b"abcdef"


def test_a_goodbye_leaves_before_the_end(far, pipe) -> None:
    pipe.send(b"bye")
    pipe.close()
    assert [far.recv(9), far.recv(9)] == [b"bye", b""]


def test_a_power_cut_says_nothing_more(far, pipe) -> None:
    pipe.send(b"bye")
    pipe.drop()
    assert far.recv(9) == b""
