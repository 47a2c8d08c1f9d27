"""The station tells a receiver to start anew: once, not in the middle of a sound, and never again by itself."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from devices.messages import Settings
from devices.receiver import identity, run
from devices.receiver.receiver import Receiver
from devices.receiver.store import FileStore
from loa.times import SECOND
from tests.devices.receiver_rig import RID, T0, Bench, CuttableStore, PowerCut, key, tone
from tests.parts import free_port

NEVER, ONCE, TWICE = (Settings(hb=3_600, boot=number) for number in range(3))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    begun = Bench(tmp_path).boot()
    begun.give(set=NEVER)
    return begun


def again(bench: Bench) -> str:
    """End in good order and begin anew; why, by the new life's word."""
    bench.receiver.stop()
    bench.boot()
    return str(bench.detail("", "boot")["why"])


def test_it_starts_anew_once_for_each_order(bench: Bench) -> None:
    assert not bench.receiver.wants_restart
    bench.give(set=ONCE)
    assert bench.receiver.wants_restart
    assert again(bench) == "asked"
    assert not bench.receiver.wants_restart
    bench.give(set=ONCE)
    assert not bench.receiver.wants_restart
    assert again(bench) == "restart"
    bench.give(set=TWICE)
    assert bench.receiver.wants_restart


def test_it_lets_a_sound_end_first(bench: Bench) -> None:
    at = T0 + 10 * SECOND
    bench.give(bench.occ("b1", at, tone(4)), set=NEVER)
    bench.until(at + SECOND, serve=True)
    bench.give(bench.occ("b1", at, tone(4)), set=ONCE)
    assert not bench.receiver.wants_restart
    bench.until(at + 5 * SECOND)
    assert bench.codes("b1")[-1] == "played"
    assert bench.receiver.wants_restart


def test_one_that_has_but_begun_need_not_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path).boot()
    bench.give(set=TWICE)
    assert not bench.receiver.wants_restart
    assert again(bench) == "restart"
    bench.give(set=TWICE)
    assert not bench.receiver.wants_restart


def test_an_older_number_means_nothing(bench: Bench) -> None:
    bench.give(set=TWICE)
    again(bench)
    bench.give(set=ONCE)
    assert not bench.receiver.wants_restart


@pytest.mark.parametrize("where", ["cut_before", "cut_after"])
def test_a_power_cut_over_the_order_makes_no_second_start(bench: Bench, where: str) -> None:
    store: CuttableStore = bench.store
    # The plan is the first commit, the order the second.
    setattr(store, where, store.commits + 2)
    with pytest.raises(PowerCut):
        bench.give(set=ONCE)
    setattr(store, where, None)
    bench.cut()
    bench.boot()
    assert not bench.receiver.wants_restart
    assert bench.detail("", "boot")["why"] == "power"
    assert again(bench) == "restart"


def test_the_process_ends_in_good_order_and_asks_to_be_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity.create(tmp_path, RID)
    document = {
        "rid": RID,
        "keys": [{"kid": "plan", "x": key("plan").public.x, "roles": ["plan"]}],
        "mqtt": {"host": "127.0.0.1", "port": free_port(), "username": RID, "password": "x"},
    }
    (tmp_path / identity.STATION).write_text(json.dumps(document))
    monkeypatch.setattr(Receiver, "wants_restart", True)
    with pytest.raises(SystemExit) as ended:
        run.run(tmp_path, threading.Event(), "null")
    assert ended.value.code == run.RESTART_STATUS
    store = FileStore(tmp_path / "receiver.db")
    assert store.load().number("clean") == 1
    store.close()
