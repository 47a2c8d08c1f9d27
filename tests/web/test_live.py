from __future__ import annotations

import queue
import threading
import time

import pytest

from content import bulletins, recordings
from content.bulletins import Draft
from content.parts import spoken
from devices import claims
from devices.receivers import Presence, Receiver
from loa.times import HOUR, after
from scheduler import leases
from scheduler.broadcasts import Delivery, DeliveryState
from tests.cast import NOON
from web import current, live

BOTH_DATABASES = True
PATIENCE = 60
"""Seconds for what is to come, however busy the machine; it comes within one."""


class Stream:
    """An open page's stream: events come from a thread, so that a silent one fails the test and not the clock."""

    def __init__(self, client):
        self.answer = client.get("/truc-tiep", buffered=False)
        self._events, self._new = [], threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for chunk in self.answer.response:
            text = chunk.decode() if isinstance(chunk, bytes) else chunk
            with self._new:
                self._events.append(text)
                self._new.notify_all()

    def changed(self, seconds=PATIENCE):
        """The topics of the next change; None when there was none in time."""
        deadline = time.monotonic() + seconds
        with self._new:
            while True:
                for number, text in enumerate(self._events):
                    if text.startswith("event: changed"):
                        del self._events[: number + 1]
                        return set(text.split("data: ")[1].split())
                if not self._new.wait(deadline - time.monotonic()):
                    return None

    def end(self):
        self._thread.join(5)
        assert not self._thread.is_alive()
        self.answer.close()


@pytest.fixture
def hub(app):
    return app.extensions[current.EXTENSION].hub


@pytest.fixture
def told(hub, monkeypatch):
    """Each set of topics the watcher tells, as it has told it."""
    found, tell = queue.SimpleQueue(), hub._tell

    def tell_and_note(topics):
        tell(topics)
        found.put(topics)

    monkeypatch.setattr(hub, "_tell", tell_and_note)
    return found


@pytest.fixture
def stream(hoa, hub, told):
    hub.join()
    assert told.get(timeout=PATIENCE) == set(live.TOPICS)  # its first look is over
    opened = Stream(hoa)
    # What may have changed while the page was on its way.
    assert opened.changed() == set(live.TOPICS)
    yield opened
    hub.close()
    opened.end()


def test_it_is_not_buffered_on_its_way(hoa, hub):
    answer = hoa.get("/truc-tiep", buffered=False)
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Cache-Control"] == "no-store"
    answer.close()
    assert hub.clients == 0


def test_it_tells_of_a_commit(broadcast, stream, database):
    with database.write() as session:
        session.query(Delivery).first().state = DeliveryState.READY
    assert stream.changed() == {"broadcasts"}


def test_it_tells_of_progress_of_a_sound(stream, database, cast):
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="Họp", parts=spoken("Họp.")), NOON
        )
        rendering = recordings.queue(session, bulletin, NOON)
    assert stream.changed() == {"bulletins"}
    with database.write() as session:
        session.get_one(recordings.Rendering, rendering.id).percent = 50
    assert stream.changed() == {"bulletins"}


def test_it_keeps_quiet_about_what_no_page_shows(stream, database):
    with database.write() as session:
        session.get_one(leases.Lease, leases.NAME).count += 1
    assert stream.changed(0.8) is None


def test_a_slow_reader_misses_nothing_and_keeps_little():
    client = live.Client()
    client.wait(0)
    for _ in range(1000):
        client.tell({"broadcasts"})
    client.tell({"receivers"})
    assert client.wait(0) == {"broadcasts", "receivers"}
    assert client.wait(0) == set()


def test_it_turns_away_more_than_there_are_threads_for(hoa, hub, config):
    most = live.room(config.web.threads)
    assert most == 72  # of 96
    joined = [hub.join() for _ in range(most)]
    assert None not in joined
    refused = hoa.get("/truc-tiep")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "60"
    hub.leave(joined[0])
    answer = hoa.get("/truc-tiep", buffered=False)
    assert answer.status_code == 200
    answer.close()


def test_a_quiet_stream_sends_comments_and_ends_by_itself(monkeypatch):
    monkeypatch.setattr(live, "COMMENT_SECONDS", 0.01)
    monkeypatch.setattr(live, "GONE_SECONDS", 0.01)
    monkeypatch.setattr(live, "LIFE_SECONDS", 0.1)
    client = live.Client()
    client.wait(0)
    sent = list(live._events(client, lambda: False))
    assert sent[0].startswith("retry:")
    assert set(sent[1:]) == {": \n\n"}


def test_a_stream_ends_when_its_reader_has_gone():
    client, gone = live.Client(), iter([False, False, True])
    assert len(list(live._events(client, lambda: next(gone)))) == 2


def test_it_outlives_a_database_that_goes_away(app, hub, told, database, monkeypatch, caplog):
    lost = threading.Event()

    def changes():
        if not lost.is_set():
            lost.set()
            raise OSError("gone")
        return real()

    real = database.changes
    monkeypatch.setattr(database, "changes", changes)
    monkeypatch.setattr(
        hub._stop, "wait", lambda seconds: threading.Event().wait(min(seconds, 0.05))
    )
    hub.join()
    assert told.get(timeout=PATIENCE) == set(live.TOPICS)
    assert "cannot watch" in caplog.text


def test_it_takes_no_one_in_once_it_is_closed(hub):
    hub.close()
    assert hub.join() is None


def told_apart(database, topic, change):
    """Whether the change is seen; nothing having changed must not be."""

    def look():
        with database.read() as session:
            return live.TOPICS[topic](session, NOON)

    before = look()
    assert look() == before
    with database.write() as session:
        change(session)
    return look() != before


@pytest.mark.parametrize(
    "change",
    [
        lambda session, claim: claims.issue(session, claim, now=NOON, by="test"),
        lambda session, claim: claims.cancel(session, claim, now=NOON, by="test"),
        lambda session, claim: setattr(claim, "wrong", 1),
        lambda session, claim: setattr(claim, "state", claims.State.CLAIMED),
    ],
)
def test_it_sees_what_becomes_of_one_claim_of_many_without_fetching_them(database, cast, change):
    with database.write() as session:
        some = [claims.Newcomer(claims.Place("Cột", cast.commune)) for _ in range(3)]
        second = claims.add_all(session, some, now=NOON, by="test")[1].id
    assert told_apart(
        database, "claims", lambda session: change(session, claims.get(session, second))
    )
    with database.read() as session:
        assert len(claims.waiting_marks(session, NOON)) == len(
            claims.waiting_marks(session, NOON + 1)
        )


def test_a_code_that_runs_out_is_seen(database, cast):
    with database.write() as session:
        claim = claims.add(session, claims.Place("Cột", cast.commune), now=NOON, by="test")
        claims.issue(session, claim, now=NOON, by="test")
    with database.read() as session:
        good, over = (claims.waiting_marks(session, at) for at in (NOON, after(NOON, HOUR)))
    assert good != over


@pytest.mark.parametrize(
    "change",
    [
        lambda session: setattr(session.get_one(Presence, "r-0001"), "playing", None),
        lambda session: setattr(session.get_one(Presence, "r-0001"), "ready", 2),
        lambda session: setattr(session.get_one(Receiver, "r-0002"), "muted", True),
        lambda session: setattr(session.get_one(Receiver, "r-0002"), "name", "Khác"),
        lambda session: setattr(session.get_one(Receiver, "r-0002"), "lat", 21.03),
        lambda session: session.delete(session.get_one(Presence, "r-0001")),
    ],
)
def test_it_sees_what_becomes_of_one_receiver(database, cast, change):
    with database.write() as session:
        session.add(
            Presence(
                receiver_id="r-0001",
                online=True,
                sid="s",
                heard_at=NOON,
                heartbeat_ms=60_000,
                playing="u.1",
            )
        )
    assert told_apart(database, "receivers", change)
    assert not told_apart(
        database,
        "receivers",
        lambda session: setattr(session.get_one(Receiver, "r-0002"), "households", 7),
    )
