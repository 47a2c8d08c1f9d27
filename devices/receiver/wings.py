"""What waits in the wings: sounds opened ahead of their time, from bytes whose hash was right just then."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import msgspec

from devices.messages import Occurrence, Settings
from devices.receiver.agenda import Coming
from devices.receiver.fetch import Fetcher
from devices.receiver.outputs import Output, Playing, Sound, Undecodable, factor
from devices.receiver.relay import LEAD, Order, Relays
from devices.receiver.shelf import Shelf
from loa.times import SECOND, Instant

log = logging.getLogger(__name__)

PREPARE = 3 * SECOND
"""Before its time a sound is read, its hash checked again, and its beginning decoded."""


class Prepared(NamedTuple):
    """A sound, opened, and the stream it is of."""

    playing: Playing
    sound: Sound
    order: Order | None


class Wings:
    """Opens, keeps and gives up. ``lost`` is told of a sound that is no longer what it was."""

    def __init__(
        self, shelf: Shelf, fetcher: Fetcher, output: Output, relays: Relays, lost: Callable[[str], None]
    ) -> None:  # fmt: skip
        self._shelf, self._fetcher, self._output = shelf, fetcher, output
        self._relays, self._lost = relays, lost
        self._prepared: dict[str, Prepared] = {}

    def prepare(self, coming: Coming, settings: Settings) -> Prepared | None:
        """The sound opened, now if it was not before; None when it cannot be."""
        if coming.id in self._prepared or coming.audio is None:
            return self._prepared.get(coming.id)
        data = self._shelf.read(coming.sha, coming.audio.n)
        if data is None:
            log.warning("%s is not what it was when it was fetched", coming.sha[:16])
            self._lost(coming.sha)
            return None
        try:
            prepared = self._open(coming, data, settings)
        except Undecodable:
            self._fetcher.spoiled[coming.sha] = "decode"
            return None
        self._prepared[coming.id] = prepared
        return prepared

    def _open(self, coming: Coming, data: bytes, settings: Settings) -> Prepared:
        level = loudness(settings, coming.occ)
        sound = Sound(coming.id, data, coming.length(coming.due), level)
        if coming.relay is None:
            return Prepared(self._output.open(sound), sound, None)
        order = self._relays.order(coming.relay, data, coming.occ.late)
        sound = replace(sound, live=order.open)
        return Prepared(self._output.open(sound), sound, order)

    def prepare_soon(self, coming: Coming, now: Instant, settings: Settings) -> None:
        """Open it if it is time."""
        if coming.relay and coming.due < now:
            self.discard(coming.id)  # a stream is not kept waiting behind another sound
        elif coming.due - ahead(coming) <= now:
            self.prepare(coming, settings)

    def leave(self, name: str) -> None:
        """It has gone on stage."""
        del self._prepared[name]

    def discard(self, name: str) -> None:
        """It is not wanted as it is."""
        prepared = self._prepared.pop(name, None)
        if prepared:
            prepared.playing.close()

    def clear(self) -> None:
        """None is: they are for another sound or volume, perhaps, and quickly done again."""
        for name in list(self._prepared):
            self.discard(name)


def ahead(coming: Coming) -> int:
    """How long before its time it is opened."""
    return LEAD if coming.relay else PREPARE


def volume(settings: Settings, occ: Occurrence | None = None) -> int:
    """0 to 100, as it is heard; that occurrence may have a cap of its own."""
    if settings.mute:
        return 0
    cap = _cap(occ) if occ else None
    return settings.vol if cap is None else min(settings.vol, cap)


def loudness(settings: Settings, occ: Occurrence) -> float:
    """What the samples of an occurrence are multiplied by."""
    # A gain must not lift it over its cap.
    gain = occ.gain if _cap(occ) is None else min(occ.gain, 0)
    return factor(volume(settings, occ), gain)


def _cap(occ: Occurrence) -> int | None:
    """None where nothing caps it: an emergency is never made softer."""
    return None if occ.cls == "E" or occ.vol is msgspec.UNSET else occ.vol
