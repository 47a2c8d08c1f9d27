"""Clauses about what sounds, when, and what becomes of it."""

from __future__ import annotations

import wave

import msgspec

from devices.conformance.clauses import Group, Untested, clause, hold
from devices.conformance.sounds import Sound, silence
from devices.conformance.stand import LEAD, Stand
from devices.messages import Occurrence
from loa import times
from loa.times import HOUR, MINUTE, SECOND

EARLY, LATE = 400, 1_500
"""Milliseconds by which the end of a sound may miss its time on a busy machine; a real one's are far smaller."""
LEVELS = ("none", "E1", "E2", "E3")
SILENCE = 3.0
TONE_MS = 1_500


def at_end(s: Stand, occ: Occurrence, ms: int, delay: int = 0) -> str:
    """Wait for its end; raise unless that comes when it must by the receiver's clock."""
    wait = max(0, occ.at - times.now() + ms) / SECOND + 10
    held = s.entry("played", occ.id, seconds=wait)
    off = held.entry.t - (occ.at + delay + ms)
    hold(-EARLY <= off <= LATE * s.patience, f"ended {off} ms after its time")
    return f"ended {off:+d} ms from its time"


def long_sound(s: Stand, name: str, seconds: int = 6) -> Sound:
    return silence(seconds * SECOND, f"{s.rid} {name}")


def never(s: Stand, occ: str, code: str = "started", seconds: float = SILENCE) -> None:
    """Let time pass in which it must not."""
    s.pause(seconds)
    hold(code not in s.story(occ), f"{s.story(occ)}")


@clause("play.start", "Plan", "Plays at its time: accepted, ready, started, played, in this order.")
def start(s: Stand) -> str:
    occ = s.occurrence()
    s.order(occ, set=s.settings(vol=35))
    seen = at_end(s, occ, TONE_MS)
    story = s.story(occ.id)
    hold(story == ["accepted", "ready", "started", "played"], f"{story}")
    late = s.entry("started", occ.id).entry.detail.get("late_ms")
    hold(isinstance(late, int) and 0 <= late <= LATE * s.patience, f"late_ms {late}")
    return f"late_ms {late}, {seen}"


@clause(
    "play.volume",
    "Plan",
    "Started says the plan's volume and the sound; played the time, the level and the output.",
)
def volume(s: Stand) -> str:
    held = [one for one in s.evidence.held if one.code == "played"]
    if not held:
        occ = s.occurrence()
        s.order(occ, set=s.settings(vol=35))
        held = [s.entry("played", occ.id)]
    end = held[-1].entry.detail
    begin = s.entry("started", held[-1].entry.occ).entry.detail
    hold(begin.get("vol") == 35, f"started {begin}")
    hold(len(str(begin.get("sha"))) == 16, f"started {begin}")
    hold(end.get("level") in LEVELS and bool(end.get("out")), f"played {end}")
    hold(abs(end.get("ms", 0) - TONE_MS) <= EARLY and end.get("asked") == TONE_MS, f"played {end}")
    return f"{end}"


@clause("play.once", "Plan", "One play per id, whatever newer plans say.")
def once(s: Stand) -> str:
    occ = s.occurrence()
    s.order(occ)
    at_end(s, occ, TONE_MS)
    again = s.occurrence(in_ms=1_000, id=occ.id)
    s.accepted(s.order(again))
    s.pause(SILENCE)
    hold(s.story(occ.id).count("started") == 1, f"{s.story(occ.id)}")
    return "one start"


@clause(
    "play.late", "Plan", "What comes late but within its window plays at once, and says how late."
)
def late(s: Stand) -> str:
    occ = s.occurrence(in_ms=-4 * SECOND)
    s.order(occ)
    ms = s.entry("started", occ.id).entry.detail.get("late_ms", -1)
    hold(
        4 * SECOND <= ms <= (4 + 12 * s.patience) * SECOND, f"late_ms {ms} of an occurrence 4 s ago"
    )
    s.entry("played", occ.id)
    return f"late_ms {ms}"


@clause("play.window", "Plan", "What is past its late window, or its end, does not play: missed.")
def window(s: Stand) -> str:
    past = s.occurrence(in_ms=-MINUTE, late=5 * SECOND)
    over = s.occurrence(in_ms=-10 * SECOND, late=MINUTE)
    over = msgspec.structs.replace(over, end=over.at + 5 * SECOND)
    s.order(past, over)
    whys = [s.entry("missed", one.id).why for one in (past, over)]
    hold(all(why in ("no_plan", "off") for why in whys), f"missed {whys}")
    return f"missed {whys}"


@clause("play.delay", "Plan", "set.delay_ms is added to the start.")
def delay(s: Stand) -> str:
    occ = s.occurrence()
    s.order(occ, set=s.settings(delay_ms=1_000))
    return at_end(s, occ, TONE_MS, 1_000)


@clause("play.mute", "Plan", "Muted, everything runs at volume 0.")
def mute(s: Stand) -> str:
    occ = s.occurrence()
    plan = s.order(occ, set=s.settings(mute=True, vol=80))
    s.state(lambda one: one.rev == plan.rev and one.vol == 0, "a state with volume 0")
    begin = s.entry("started", occ.id).entry.detail
    hold(begin.get("vol") == 0, f"started {begin}")
    s.entry("played", occ.id)
    return "volume 0"


@clause(
    "play.cap",
    "Plan",
    "An occurrence with vol is no louder than that, and never louder than set.vol; an emergency heeds no cap.",
)
def cap(s: Stand) -> str:
    capped, above = s.occurrence(vol=20), s.occurrence(in_ms=LEAD + 2_500, vol=90)
    alarm = s.occurrence(in_ms=LEAD + 5_000, cls="E", vol=20)
    s.order(capped, above, alarm, set=s.settings(vol=35), key=s.keys.alarm)
    said = [s.entry("started", one.id).entry.detail.get("vol") for one in (capped, above, alarm)]
    hold(said == [20, 35, 35], f"started at {said}, asked for 20, 35 and 35")
    ends = [s.entry("played", one.id).entry.detail.get("vol") for one in (capped, above, alarm)]
    hold(ends == said, f"played at {ends}, begun at {said}")
    return f"volumes {said}"


@clause("play.expired", "Plan", "After exp nothing of the plan sounds: refused{expired}.")
def expired(s: Stand) -> str:
    occ = s.occurrence(in_ms=5_000, late=0)
    s.order(occ, exp=occ.at - 1_500)
    held = s.entry("refused", occ.id, instead="started")
    hold(held.why == "expired", str(held))
    hold("started" not in s.story(occ.id), f"{s.story(occ.id)}")
    return str(held)


@clause(
    "play.heard",
    "The reference receiver's identity.json",
    "The file of an occurrence is as long as its sound.",
    must=False,
)
def heard(s: Stand) -> str:
    if not s.wav:
        raise Untested("run with --wav, for receivers that write what would be heard")
    occ = s.occurrence()
    s.order(occ)
    s.entry("played", occ.id)
    with wave.open(str(s.folder / "sound" / f"{occ.id}.wav")) as file:
        ms = file.getnframes() * SECOND // file.getframerate()
    hold(abs(ms - TONE_MS) <= 100, f"{ms} ms of {TONE_MS}")
    return f"{ms} ms"


@clause("stop.before", "Plan", "st off before its start cancels it.")
def off_before(s: Stand) -> str:
    occ = s.occurrence(in_ms=4_000)
    s.order(occ)
    s.entry("accepted", occ.id)
    s.order(_off(occ))
    s.entry("cancelled", occ.id, instead="started")
    never(s, occ.id, seconds=max(0, occ.at - times.now()) / SECOND + 1.5)
    return "cancelled"


def _off(occ: Occurrence) -> Occurrence:
    return msgspec.structs.replace(occ, st="off")


@clause("stop.during", "Plan", "st off while it sounds stops it: cancelled{at_ms}.")
def off_during(s: Stand) -> str:
    sound = long_sound(s, "stopped", 8)
    occ = s.occurrence(sound)
    s.order(occ, sounds=[sound])
    s.entry("started", occ.id)
    s.until(lambda: times.now() > occ.at + 1_500, "a second and a half")
    s.order(_off(occ), sounds=[sound])
    at_ms = s.entry("cancelled", occ.id, instead="played").entry.detail.get("at_ms", -1)
    hold(500 <= at_ms < sound.ms - 1_000, f"at_ms {at_ms}")
    s.pause(1.0)
    hold(s.story(occ.id)[-1] == "cancelled", f"{s.story(occ.id)}")
    return f"cancelled at {at_ms} ms"


@clause("stop.unheard_of", "Plan", "st off of what it never heard of is cancelled, once.")
def off_unheard_of(s: Stand) -> str:
    occ = _off(s.occurrence(in_ms=HOUR))
    s.order(occ)
    s.entry("cancelled", occ.id)
    s.accepted(s.order(occ))
    s.pause(0.5)
    hold(s.story(occ.id) == ["cancelled"], f"{s.story(occ.id)}")
    return "cancelled"


@clause("stop.omitted", "Plan", "What a newer plan leaves out is cancelled if it has not begun.")
def omitted(s: Stand) -> str:
    occ = s.occurrence(in_ms=3_500)
    s.order(occ)
    s.entry("accepted", occ.id)
    s.order()
    s.entry("cancelled", occ.id, instead="started")
    never(s, occ.id, seconds=max(0, occ.at - times.now()) / SECOND + 1.5)
    return "cancelled"


@clause("stop.omitted_sounding", "Plan", "What a newer plan leaves out while it sounds goes on.")
def omitted_sounding(s: Stand) -> str:
    sound = long_sound(s, "omitted", 4)
    occ = s.occurrence(sound)
    s.order(occ, sounds=[sound])
    s.entry("started", occ.id)
    s.until(lambda: times.now() > occ.at + 500, "half a second")
    s.order()
    return at_end(s, occ, sound.ms)


@clause(
    "stop.wanted_again",
    "Plan",
    "Cancelled and never begun, it is accepted again under a plan that wants it.",
)
def wanted_again(s: Stand) -> str:
    occ = s.occurrence(in_ms=LEAD + 2_500)
    s.order(occ)
    s.entry("accepted", occ.id)
    s.order()
    s.entry("cancelled", occ.id)
    s.order(occ)
    return at_end(s, occ, TONE_MS)


PLAYING = (
    Group("play", (start, volume, once, late)),
    Group("play2", (window, delay, mute, cap, expired, heard)),
)
STOPPING = (
    Group("stop", (off_before, off_during, off_unheard_of)),
    Group("stop2", (omitted, omitted_sounding, wanted_again)),
)
