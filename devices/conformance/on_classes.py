"""Clauses about which sound goes before which, and about the quiet hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from devices.conformance.clauses import Group, clause, hold
from devices.conformance.on_playing import TONE_MS, at_end, long_sound
from devices.conformance.stand import LEAD, Stand
from loa import times
from loa.times import HOUR, MINUTE, SECOND

HANOI, ELSEWHERE = "Asia/Ho_Chi_Minh", "America/New_York"
MIDST = 1_500
"""Milliseconds into a sound at which another is to begin."""
SOON = 12
"""Seconds a range of quiet hours must be ahead for a test of its beginning."""


def minutes_from(zone: str, minutes: int) -> str:
    """The wall clock of ``zone``, so many minutes from now."""
    return f"{datetime.now(ZoneInfo(zone)) + timedelta(minutes=minutes):%H:%M}"


def around_now(zone: str = HANOI) -> tuple[tuple[str, str], ...]:
    """A range that holds for an hour before and after."""
    return ((minutes_from(zone, -60), minutes_from(zone, 60)),)


@clause(
    "class.emergency",
    "Plan",
    "E interrupts whatever sounds, which is its end: interrupted{preempt}.",
)
def emergency(s: Stand) -> str:
    sound = long_sound(s, "interrupted")
    normal = s.occurrence(sound)
    alarm = s.occurrence(in_ms=LEAD + MIDST, cls="E")
    s.order(normal, alarm, sounds=[sound], key=s.keys.alarm)
    held = s.entry("interrupted", normal.id, instead="played")
    hold(held.why == "preempt" and held.entry.detail.get("at_ms", 0) > 0, str(held))
    seen = at_end(s, alarm, TONE_MS)
    s.pause(1.5)
    hold(s.story(normal.id)[-1] == "interrupted", f"{s.story(normal.id)}")
    return f"{held}; the alarm {seen}"


@clause(
    "class.restart",
    "Plan",
    "With onint restart it begins again after the interruption, from its beginning.",
)
def restart(s: Stand) -> str:
    sound = long_sound(s, "restarted", 4)
    normal = s.occurrence(sound, onint="restart")
    alarm = s.occurrence(in_ms=LEAD + MIDST, cls="E")
    s.order(normal, alarm, sounds=[sound], key=s.keys.alarm)
    played = s.entry("played", normal.id, seconds=20)
    hold(
        s.story(normal.id)[-4:] == ["started", "interrupted", "started", "played"],
        f"{s.story(normal.id)}",
    )
    ms = played.entry.detail.get("ms", 0)
    hold(abs(ms - sound.ms) <= 500, f"played {ms} of {sound.ms} ms")
    return f"played {ms} ms"


@clause("class.priority", "Plan", "P goes before N.")
def priority(s: Stand) -> str:
    sound = long_sound(s, "gives way")
    normal = s.occurrence(sound)
    urgent = s.occurrence(in_ms=LEAD + MIDST, cls="P")
    s.order(normal, urgent, sounds=[sound])
    held = s.entry("interrupted", normal.id, instead="played")
    hold(held.why == "preempt", str(held))
    return at_end(s, urgent, TONE_MS)


@clause(
    "class.waits",
    "Plan",
    "What does not go before waits within its late window, and is missed{busy} beyond it.",
)
def waits(s: Stand) -> str:
    sound = long_sound(s, "goes first", 5)
    first = s.occurrence(sound, cls="P")
    patient = s.occurrence(in_ms=LEAD + MIDST)
    hasty = s.occurrence(in_ms=LEAD + MIDST, late=SECOND)
    s.order(first, patient, hasty, sounds=[sound])
    missed = s.entry("missed", hasty.id)
    hold(missed.why == "busy", str(missed))
    at_end(s, first, sound.ms)
    late = s.entry("started", patient.id).entry.detail.get("late_ms", 0)
    hold(late >= sound.ms - MIDST - 500, f"late_ms {late}")
    s.entry("played", patient.id)
    return f"late_ms {late}"


@clause("class.equals", "Plan", "E does not interrupt E.")
def equals(s: Stand) -> str:
    sound = long_sound(s, "first alarm", 3)
    first = s.occurrence(sound, cls="E")
    second = s.occurrence(in_ms=LEAD + 1_000, cls="E")
    s.order(first, second, sounds=[sound], key=s.keys.alarm)
    at_end(s, first, sound.ms)
    s.entry("played", second.id)
    return "one after the other"


@clause("quiet.accept", "Plan", "What would sound in quiet hours is refused when the plan comes.")
def on_accepting(s: Stand) -> str:
    occ = s.occurrence(in_ms=5_000)
    s.order(occ, set=s.settings(quiet=around_now(), tz=HANOI))
    held = s.entry("refused", occ.id, instead="accepted")
    hold(held.why == "quiet", str(held))
    return str(held)


@clause(
    "quiet.part",
    "Plan",
    "In part is enough: a sound that begins before them and ends in them is refused.",
)
def in_part(s: Stand) -> str:
    quiet = ((minutes_from(HANOI, 120), minutes_from(HANOI, 180)),)
    begins = 120 * MINUTE - times.now() % MINUTE
    sound = long_sound(s, "too long", 8)
    inside, before = (
        s.occurrence(sound, in_ms=begins - 5_000),
        s.occurrence(sound, in_ms=begins - 60_000),
    )
    s.order(inside, before, sounds=[sound], set=s.settings(quiet=quiet, tz=HANOI))
    held = s.entry("refused", inside.id, instead="accepted")
    hold(held.why == "quiet", str(held))
    s.entry("accepted", before.id)
    return str(held)


@clause("quiet.midnight", "Plan", "A range may pass midnight.")
def midnight(s: Stand) -> str:
    tomorrow = datetime.now(ZoneInfo(HANOI)).replace(hour=0, minute=0) + timedelta(days=1)
    night, noon = (_ms_until(tomorrow + timedelta(hours=hour)) for hour in (2, 12))
    late, free = s.occurrence(in_ms=night), s.occurrence(in_ms=noon)
    s.order(late, free, set=s.settings(quiet=(("22:00", "05:00"),), tz=HANOI))
    held = s.entry("refused", late.id, instead="accepted")
    hold(held.why == "quiet", str(held))
    s.entry("accepted", free.id)
    return str(held)


def _ms_until(moment: datetime) -> int:
    return int(moment.timestamp() * SECOND) - times.now()


@clause("quiet.zone", "Plan", "The wall clock is that of set.tz.")
def zone(s: Stand) -> str:
    quiet = around_now(ELSEWHERE)
    occ = s.occurrence(in_ms=HOUR // 2)
    s.order(occ, set=s.settings(quiet=quiet, tz=HANOI))
    s.entry("accepted", occ.id)
    other = s.occurrence(in_ms=HOUR // 2)
    s.order(other, set=s.settings(quiet=quiet, tz=ELSEWHERE))
    held = s.entry("refused", other.id, instead="accepted")
    hold(held.why == "quiet", str(held))
    return f"{quiet[0][0]}–{quiet[0][1]} in {ELSEWHERE}"


@clause("quiet.emergency", "Plan", "Class E sounds in quiet hours.")
def breaks(s: Stand) -> str:
    occ = s.occurrence(cls="E")
    s.order(occ, key=s.keys.alarm, set=s.settings(quiet=around_now(), tz=HANOI))
    return at_end(s, occ, TONE_MS)


@clause(
    "quiet.lifted",
    "Plan",
    "Refused for quiet hours, it is accepted under a newer plan without them.",
)
def lifted(s: Stand) -> str:
    occ = s.occurrence(in_ms=LEAD + 2_500)
    s.order(occ, set=s.settings(quiet=around_now(), tz=HANOI))
    s.entry("refused", occ.id, instead="accepted")
    s.order(occ)
    return at_end(s, occ, TONE_MS)


@clause(
    "quiet.start", "Plan", "They are judged again at the start: what is late into them is refused."
)
def at_start(s: Stand) -> str:
    left = MINUTE - times.now() % MINUTE
    ahead = 1 if left >= SOON * SECOND else 2
    boundary = left + (ahead - 1) * MINUTE
    quiet = ((minutes_from(HANOI, ahead), minutes_from(HANOI, ahead + 60)),)
    sound = long_sound(s, "late into quiet hours", 1)
    occ = s.occurrence(sound, in_ms=boundary - 4_000, late=MINUTE)
    s.blocks.change = lambda _sha, _number, _data: None
    s.order(occ, sounds=[sound], set=s.settings(quiet=quiet, tz=HANOI))
    s.entry("accepted", occ.id)
    s.until(lambda: times.now() > occ.at + 4_500, "the quiet hours", 90)
    s.blocks.change = None
    held = s.entry("refused", occ.id, seconds=40)
    hold(held.why == "quiet" and "started" not in s.story(occ.id), f"{s.story(occ.id)}")
    return str(held)


CLASSES = (
    Group("class", (emergency, restart)),
    Group("class2", (priority, waits, equals)),
)
QUIET = Group("quiet", (on_accepting, in_part, midnight, zone, breaks, lifted))
QUIET_START = Group("quiet2", (at_start,))
