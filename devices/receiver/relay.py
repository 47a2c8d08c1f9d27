"""An upper station's stream as a sound: opened ahead, heard while it comes, a recording where it does not."""

from __future__ import annotations

import contextlib
import http.client
import logging
import threading
from array import array
from collections.abc import Callable
from typing import Literal, Protocol

from devices.messages import Relay
from devices.receiver import decoder, streams
from devices.receiver.decoder import Decoder
from devices.receiver.outputs import RATE, Pieces, decode, faded_in
from loa.times import SECOND

log = logging.getLogger(__name__)

LEAD = 8 * SECOND
"""Before its time a stream is opened: a name, a handshake and a first segment take their time."""
OPEN_MOST = 15 * SECOND
"""So much silence at the beginning, at most, before the recording is heard instead."""
BREAK_MOST = 5 * SECOND
KEPT_SECONDS = 4
BREAK_FRAMES = BREAK_MOST * RATE // SECOND
START_FRAMES = RATE // 2
"""What must have come before it is heard, so that a hiccup of the net is not."""
AGAIN_FRAMES = RATE
AGAIN_SECONDS = 1.0
PIECE = RATE // 50
Count = Callable[[int], None]
"""Told how many bytes came."""
Heard = Literal["stream", "fallback", "mixed", "none"]


class Feed(Protocol):
    """A stream's samples as they come. Nothing here waits."""

    why: str
    """What last went wrong, or empty."""

    @property
    def is_dead(self) -> bool:
        """True when nothing more will come, however long one waits."""
        ...

    def waiting(self) -> int:
        """Frames that are there."""
        ...

    def take(self, frames: int) -> array[int]:
        """So many of them, or as many as there are."""
        ...

    def close(self) -> None: ...


class Ring:
    """Samples on their way from one thread to another; whoever puts in too much waits."""

    def __init__(self, frames: int) -> None:
        self._most, self._frames = frames, array("h")
        self._changed = threading.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frames: array[int]) -> bool:
        """False when it is closed. Waits for room."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._frames) < self._most)
            self._frames += frames
            return not self._is_closed

    def take(self, frames: int) -> array[int]:
        with self._changed:
            taken, self._frames = self._frames[:frames], self._frames[frames:]
            self._changed.notify_all()
        return taken

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class Tuner:
    """Fetches and decodes, in two threads: one between the net and the decoder, one between it and the ring."""

    def __init__(self, source: streams.Source, ffmpeg: str | None) -> None:
        self._source, self._ffmpeg = source, ffmpeg
        self._ring = Ring(KEPT_SECONDS * RATE)
        self._closed = threading.Event()
        self._kind = ""
        self._decoder: Decoder | None = None
        self._draining: threading.Thread | None = None
        self._lock = threading.Lock()
        self.is_dead = False
        self.why = ""
        self.waiting = self._ring.__len__
        self.take = self._ring.take
        threading.Thread(target=self._fetch, name="relay-fetch", daemon=True).start()

    def close(self) -> None:
        """At once; the threads end by themselves."""
        self._closed.set()
        self._source.close()
        self._ring.close()
        with self._lock:
            if self._decoder:
                self._decoder.close()

    def _fetch(self) -> None:
        while not self._closed.is_set():
            try:
                with contextlib.closing(self._source.chunks()) as chunks:
                    for kind, data in chunks:
                        self._decoder_for(kind).feed(data)
                self.why = "ended"
            except streams.Ended:
                self.why = "ended"
                break
            except streams.Refused as error:
                self.why, self.is_dead = str(error), True
                break
            except ValueError:  # a host that no resolver takes
                self.why, self.is_dead = "url", True
                break
            except (streams.Broken, http.client.HTTPException, OSError) as error:
                self.why = str(error) or type(error).__name__
            if self._decoder and not self._decoder.is_running:
                self.why, self.is_dead = "decode", True
                break
            self._closed.wait(AGAIN_SECONDS)
        if self._decoder and self._draining:
            self._decoder.finish()
            # The decoder is killed when the thread that began it ends: not before its last sample is out.
            self._draining.join()
        self.is_dead = True

    def _decoder_for(self, kind: str) -> Decoder:
        """The child, begun with the first bytes. A stream that comes back as something else is refused."""
        if self._decoder is None:
            with self._lock:
                if self._closed.is_set():
                    raise streams.Broken("closed")
                self._kind, self._decoder = kind, Decoder(kind, self._ffmpeg)
            self._draining = threading.Thread(
                target=self._drain, args=(self._decoder,), name="relay-drain", daemon=True
            )
            self._draining.start()
        if kind != self._kind:
            raise streams.Refused("type")
        return self._decoder

    def _drain(self, child: Decoder) -> None:
        odd = b""
        while data := child.read(2 * PIECE):
            data = odd + data
            odd = data[len(data) & ~1 :]
            if not self._ring.put(array("h", data[: len(data) & ~1])):
                break
        child.bury()


class Relayed:
    """The stream as pieces of sound: silence until it comes, and the recording when it does not.

    Time is counted in the frames that are asked for. Once the recording is heard it stays so: no going back and forth.
    """

    def __init__(self, feed: Feed, fallback: bytes, patience_ms: int) -> None:
        """Raises Undecodable when the recording is none."""
        self._feed, self._patience = feed, patience_ms * RATE // SECOND
        self._fallback: Pieces = decode(fallback)
        self._fallen = False
        self._streaming = False
        self._dry = 0
        self._silent = self._streamed = self._recorded = 0
        self.why = ""

    def __iter__(self) -> Relayed:
        return self

    def __next__(self) -> array[int]:
        if not self._fallen:
            piece = self._live()
            if piece:
                return piece
            self._fall_back()
        piece = next(self._fallback)
        first, self._recorded = self._recorded, self._recorded + len(piece)
        return faded_in(piece, first)

    def _live(self) -> array[int]:
        """A piece of the stream, or of silence while it may still come; empty when it is given up."""
        needed = 1 if self._streaming else AGAIN_FRAMES if self._streamed else START_FRAMES
        if self._feed.waiting() >= needed:
            piece = self._feed.take(PIECE)
            piece = piece if self._streaming else faded_in(piece, 0)
            self._streaming, self._dry = True, 0
            self._streamed += len(piece)
            return piece
        self._streaming = False
        patience = BREAK_FRAMES if self._streamed else self._patience
        if self._feed.is_dead or self._dry >= patience:
            return array("h")
        self._dry += PIECE
        self._silent += PIECE
        return array("h", bytes(2 * PIECE))

    def _fall_back(self) -> None:
        self._fallen, self.why = True, (self._feed.why or "stalled")[:60]
        log.warning("the relay is given up: %s", self.why)
        self._feed.close()

    def close(self) -> None:
        """No more is wanted."""
        self._feed.close()
        self._fallback.close()

    @property
    def heard(self) -> Heard:
        """What has sounded so far."""
        if self._streamed:
            return "mixed" if self._recorded else "stream"
        return "fallback" if self._recorded else "none"

    @property
    def detail(self) -> dict[str, str | int]:
        """For the journal: what sounded, for how long nothing did, and why the recording was needed."""
        gap = self._silent * SECOND // RATE
        detail: dict[str, str | int] = {"rel": self.heard}
        if gap >= SECOND // 10:
            detail["gap_ms"] = gap
        return detail | ({"rel_why": self.why} if self.why else {})


class Order:
    """One relay that was ordered: opened when an output wants its samples, asked afterwards what was heard."""

    def __init__(
        self, tune: Callable[[Relay], Feed], relay: Relay, fallback: bytes, late: int
    ) -> None:
        self._tune, self._relay, self._fallback = tune, relay, fallback
        self._patience = max(SECOND, min(OPEN_MOST, late))
        self._relayed: Relayed | None = None

    def open(self) -> Pieces:
        """Raises Undecodable when the recording is none."""
        self._relayed = Relayed(self._tune(self._relay), self._fallback, self._patience)
        return self._relayed

    @property
    def detail(self) -> dict[str, str | int]:
        return self._relayed.detail if self._relayed else {"rel": "none"}


class Relays:
    """Where the streams come from: this machine's net, with its decoder."""

    def __init__(self, ffmpeg: str = "", ca_file: str = "", count: Count | None = None) -> None:
        self._ffmpeg = ffmpeg or decoder.find_ffmpeg()
        self._ca_file, self._count = ca_file, count

    def order(self, relay: Relay, fallback: bytes, late: int) -> Order:
        """``late``: milliseconds after its time a start is still wanted."""
        return Order(self.tune, relay, fallback, late)

    def tune(self, relay: Relay) -> Feed:
        """Open the stream; it comes when it comes."""
        return Tuner(streams.Source(relay, self._ca_file, self._count), self._ffmpeg)
