from __future__ import annotations

import threading

import pytest

from loa.errors import Crowded
from loa.turns import Turns
from tests.parts import wait_until


def test_whoever_comes_to_a_full_line_is_told_to_come_again() -> None:
    turns, inside, over = Turns(at_once=1, waiting=1), threading.Event(), threading.Event()
    done: list[str] = []

    def work(name: str) -> None:
        with turns.one():
            inside.set()
            assert over.wait(60)
            done.append(name)

    first = threading.Thread(target=work, args=("first",))
    first.start()
    assert inside.wait(60)
    second = threading.Thread(target=work, args=("second",))
    second.start()
    wait_until(lambda: not turns._room._value, "the second to stand in line")
    with pytest.raises(Crowded, match="chờ vài giây"), turns.one():
        pass
    over.set()
    for thread in (first, second):
        thread.join(60)
    assert done == ["first", "second"]
    with turns.one():
        done.append("third")


def test_a_turn_that_fails_is_given_back() -> None:
    turns = Turns(at_once=1, waiting=0)
    with pytest.raises(ZeroDivisionError), turns.one():
        raise ZeroDivisionError
    with turns.one():
        pass
