"""Clauses about how sounds come to the receiver."""

from __future__ import annotations

import time
from collections.abc import Callable

from devices import messages
from devices.conformance.clauses import Group, Untested, clause, hold
from devices.conformance.on_playing import TONE_MS, at_end, long_sound
from devices.conformance.packets import Subscribe
from devices.conformance.sounds import Sound, silence
from devices.conformance.stand import LEAD, Stand
from devices.conformance.web import Web
from loa import times
from loa.times import HOUR, SECOND

SOON = 15 * SECOND
"""Ahead, and yet asked for at once."""
RESUMED = 12


def big_sound(s: Stand, name: str, blocks: int = RESUMED) -> Sound:
    """A sound of so many blocks, the last of them short."""
    seconds = blocks * messages.BLOCK_BYTES // 20_000 - 1
    return silence(seconds * SECOND, f"{s.rid} {name}", 160)


@clause(
    "audio.blocks",
    "Audio",
    "Asks for at most eight blocks at a time, having subscribed the sound's topic.",
)
def blocks(s: Stand) -> str:
    sound = big_sound(s, "big")
    occ = s.occurrence(sound, in_ms=SOON)
    s.order(occ, sounds=[sound])
    s.entry("ready", occ.id, seconds=20)
    asks = [one.get.want for one in s.blocks.asks(sound.sha)]
    hold(all(len(want) <= messages.MAX_WANTED_BLOCKS for want in asks), f"asked for {asks}")
    if s.gate:
        filters = [name for one in s.packets(Subscribe) for name in one.filters]
        hold(messages.audio_topics(sound.sha) in filters, f"subscribed {filters}")
    s.order()
    return f"{sound.blocks} blocks in {len(asks)} requests"


@clause(
    "audio.ask",
    "Audio",
    "Requests fit the schema, and name blocks that exist of sounds the plan names.",
)
def ask(s: Stand) -> str:
    hold(bool(s.blocks.log), "nothing was asked for")
    hold("audio.ask" not in s.evidence.faults, s.evidence.faults.get("audio.ask", ""))
    return f"{len(s.blocks.log)} requests"


@clause(
    "audio.hash",
    "Audio",
    "A sound with a wrong hash is never ready and never plays; it is fetched again.",
)
def wrong_hash(s: Stand) -> str:
    sound = long_sound(s, "spoilt", 2)
    occ = s.occurrence(sound, in_ms=1_000, late=40 * SECOND)
    spoiling = [True]
    s.blocks.change = lambda _sha, _n, data: data[:-4] + b"spoi" if spoiling[0] else data
    s.order(occ, sounds=[sound])
    s.until(lambda: s.blocks.asks(sound.sha), "a request for it")
    s.pause(3.0)
    hold("ready" not in s.story(occ.id), "it is ready with the wrong bytes")
    hold("started" not in s.story(occ.id), "it sounds with the wrong bytes")
    spoiling[0] = False
    s.entry("ready", occ.id, seconds=30)
    s.entry("played", occ.id)
    s.blocks.change = None
    return f"fetched {len(s.blocks.asks(sound.sha))} times"


@clause("audio.size", "Audio", "Blocks of a wrong size, or beyond the end, are dropped.")
def size(s: Stand) -> str:
    sound = long_sound(s, "too much", 2)
    occ = s.occurrence(sound, in_ms=1_000, late=60 * SECOND)
    first = [True]

    def swell(sha: str, number: int, data: bytes) -> bytes:
        if not first:
            return data
        first.clear()
        s.blocks.publish(messages.block_topic(sha, number + 1), bytes(1_000))
        return data + bytes(500)

    s.blocks.change = swell
    s.order(occ, sounds=[sound])
    s.entry("played", occ.id, seconds=40)
    s.blocks.change = None
    asks = len(s.blocks.asks(sound.sha))
    hold(asks >= 2, "it took a block that was 500 bytes too long")
    return f"asked {asks} times"


@clause("audio.late", "Audio", "Without its sound it does not play: missed{no_audio}.")
def no_audio(s: Stand) -> str:
    sound = long_sound(s, "never comes", 1)
    occ = s.occurrence(sound, late=SECOND)
    s.blocks.change = lambda _sha, _n, _data: None
    s.order(occ, sounds=[sound])
    held = s.entry("missed", occ.id)
    s.blocks.change = None
    hold(held.why == "no_audio", str(held))
    s.order()
    return str(held)


@clause(
    "audio.cached",
    "Audio",
    "A sound that is whole is not fetched again, by later plans or after a power cut.",
)
def cached(s: Stand) -> str:
    sound = long_sound(s, "kept", 1)
    far = s.occurrence(sound, in_ms=SOON)
    s.order(far, sounds=[sound])
    s.entry("ready", far.id, seconds=20)
    asks = len(s.blocks.asks(sound.sha))
    near = s.occurrence(sound)
    s.order(far, near, sounds=[sound])
    at_end(s, near, sound.ms)
    s.cut_power()
    last = s.occurrence(sound)
    s.order(last, sounds=[sound])
    at_end(s, last, sound.ms)
    again = len(s.blocks.asks(sound.sha)) - asks
    hold(again == 0, f"asked {again} times more")
    return "0 bytes"


@clause(
    "audio.resume", "Audio", "After a power cut only the blocks that are missing are asked for."
)
def resume(s: Stand) -> str:
    sound = big_sound(s, "resumed")
    occ = s.occurrence(sound, in_ms=SOON, late=60 * SECOND)
    given: set[int] = set()

    def half(_sha: str, number: int, data: bytes) -> bytes | None:
        if len(given) >= RESUMED // 2:
            return None
        given.add(number)
        return data

    s.blocks.change = half
    s.order(occ, sounds=[sound])
    s.until(lambda: len(given) >= RESUMED // 2, "requests for half of it", 20)
    s.pause(1.5)
    since = time.monotonic()
    s.blocks.change = None
    s.cut_power()
    s.entry("ready", occ.id, seconds=40)
    asked = {number for one in s.blocks.asks(sound.sha, since) for number in one.get.want}
    twice = asked & given
    s.order()
    hold(len(twice) <= 1, f"asked again for {len(twice)} of the {len(given)} blocks it had")
    return f"had {len(given)} of {sound.blocks}, asked for {len(asked)} more"


@clause("audio.urgent", "Audio", "An emergency's sound is asked for before everything else.")
def urgent(s: Stand) -> str:
    bulk, alarm = big_sound(s, "bulk", 30), long_sound(s, "alarm", 1)
    normal = s.occurrence(bulk, in_ms=SOON)
    s.blocks.change = lambda sha, number, data: None if sha == bulk.sha and number > 7 else data
    s.order(normal, sounds=[bulk])
    s.until(lambda: s.blocks.asks(bulk.sha), "a request")
    emergency = s.occurrence(alarm, cls="E", in_ms=LEAD)
    s.order(normal, emergency, sounds=[bulk, alarm], key=s.keys.alarm)
    seen = at_end(s, emergency, alarm.ms)
    s.blocks.change = None
    s.order()
    return seen


@clause(
    "audio.spread", "Audio", "What is needed in hours is asked for at a random time, not at once."
)
def spread(s: Stand) -> str:
    # By chance one may be asked for within seconds; both, once in ten million runs.
    sounds = [long_sound(s, f"far {n}", 1) for n in range(2)]
    s.accepted(s.order(*(s.occurrence(one, in_ms=3 * HOUR) for one in sounds), sounds=sounds))
    s.pause(3.0)
    hold(any(not s.blocks.asks(one.sha) for one in sounds), "both were asked for within 3 s")
    s.order()
    return "not in the first 3 s"


@clause("audio.tone", "Canned sounds", "The test tone is there: nothing is fetched for it.")
def tone(s: Stand) -> str:
    occ = s.occurrence()
    s.order(occ)
    seen = at_end(s, occ, TONE_MS)
    hold(not s.blocks.asks(occ.sha), "it asked for the tone")
    return seen


@clause(
    "audio.undecodable",
    "Journal",
    "Bytes that are no sound never play: failed{decode}.",
    must=False,
)
def undecodable(s: Stand) -> str:
    sound = Sound(b"This is no sound. " * 200, 2_000)
    occ = s.occurrence(sound, late=SECOND)
    s.order(occ, sounds=[sound])
    s.until(lambda: len(s.story(occ.id)) > 1, "its end")
    held = s.find("failed", occ.id)
    if held is None and s.find("started", occ.id):
        raise Untested("this output does not decode")
    held = s.entry("failed", occ.id)
    hold(held.why == "decode", str(held))
    return str(held)


def over_web(s: Stand, name: str, spoil: Callable[[bytes], bytes] | None = None) -> tuple[Web, str]:
    """Offer a sound over HTTP as well, order it, and wait for its end."""
    sound = big_sound(s, name, 3)
    occ = s.occurrence(sound, in_ms=6_000, late=60 * SECOND)
    occ_off = occ.at + 60 * SECOND
    with Web({sound.sha: spoil(sound.data) if spoil else sound.data}) as web:
        s.order(occ, sounds=[sound], base=web.base)
        s.entry("ready", occ.id, seconds=max(20, (occ_off - times.now()) / SECOND))
        s.order()
        if not web.asked:
            raise Untested("this receiver does not use base")
        return web, sound.sha


@clause(
    "audio.https",
    "Audio",
    "Fetches from base by hash, with a Range of what is missing.",
    must=False,
)
def https(s: Stand) -> str:
    web, sha = over_web(s, "web")
    hold(not s.blocks.asks(sha), "it asked the broker as well")
    hold(all(one.range.startswith("bytes=") for one in web.asked), f"asked {web.asked}")
    return ", ".join(one.range for one in web.asked)


@clause(
    "audio.https_wrong",
    "Audio",
    "What comes from base with a wrong hash is fetched over the broker.",
    must=False,
)
def https_wrong(s: Stand) -> str:
    _, sha = over_web(s, "spoilt web", lambda data: data[:-4] + b"spoi")
    hold(bool(s.blocks.asks(sha)), "it was ready without asking the broker")
    return f"{len(s.blocks.asks(sha))} requests by up/get"


AUDIO_GROUP = Group("audio", (blocks, urgent, no_audio, spread, tone, undecodable, ask))
REPAIR = Group("repair", (wrong_hash, size, https, https_wrong))
CACHE = Group("cache", (cached, resume))
