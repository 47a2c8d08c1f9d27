"""Clauses about power cuts and broken lines."""

from __future__ import annotations

from devices.conformance.clauses import Group, clause, hold
from devices.conformance.on_playing import TONE_MS, at_end, long_sound
from devices.conformance.stand import LEAD, Stand
from loa import times
from loa.times import HOUR, SECOND

RECONNECT = 45
"""Seconds: the waits between attempts grow to 30."""


def reach(s: Stand, moment: int) -> None:
    """Wait for a moment (ms UTC)."""
    s.pause(max(0, moment - times.now()) / SECOND)


@clause(
    "power.interrupted",
    "Journal",
    "Cut while it sounds: started was written before, the next boot says interrupted{power}, and it is over.",
)
def interrupted(s: Stand) -> str:
    sound = long_sound(s, "cut")
    occ = s.occurrence(sound)
    s.order(occ, sounds=[sound])
    s.entry("ready", occ.id)
    s.confirms = False
    reach(s, occ.at + 1_500)
    mark = s.mark()
    s.cut_power()
    s.confirms = True
    s.acknowledge()
    held = s.entry("interrupted", occ.id)
    hold(held.why == "power", str(held))
    boot = s.entry("boot", "", since=min(mark, held.entry.seq - 2))
    hold(boot.entry.seq < held.entry.seq, f"{boot} after {held}")
    s.pause(3.0)
    story = s.story(occ.id)
    hold(story.count("started") == 1 and story[-1] == "interrupted", f"{story}")
    return str(held)


@clause(
    "power.boot",
    "Journal",
    "Every boot has a number of its own, one higher, and the journal goes on.",
)
def boot(s: Stand) -> str:
    before = s.state(lambda one: one.on == 1, "a state")
    s.cut_power()
    now = s.state(lambda one: one.on == 1 and one.boot > before.boot, "a state of the next boot")
    hold(now.boot == before.boot + 1, f"boot {before.boot}, then {now.boot}")
    hold(
        now.jid == before.jid and now.n > before.n,
        f"entry {before.n} of {before.jid}, then {now.n}",
    )
    return f"boot {now.boot}, entry {now.n}"


@clause("power.restart", "Plan", "With onint restart it begins again after the power cut.")
def restart(s: Stand) -> str:
    sound = long_sound(s, "cut and restarted", 4)
    occ = s.occurrence(sound, onint="restart")
    s.order(occ, sounds=[sound])
    s.entry("started", occ.id)
    reach(s, occ.at + 1_500)
    s.cut_power()
    s.entry("played", occ.id, seconds=20)
    hold(
        s.story(occ.id)[-4:] == ["started", "interrupted", "started", "played"],
        f"{s.story(occ.id)}",
    )
    return "started, interrupted, started, played"


@clause(
    "power.once",
    "Plan",
    "What was played is not played again after a power cut, whatever newer plans say.",
)
def once(s: Stand) -> str:
    occ = s.occurrence()
    s.order(occ)
    at_end(s, occ, TONE_MS)
    s.cut_power()
    s.accepted(s.order(s.occurrence(in_ms=1_000, id=occ.id)))
    s.pause(3.0)
    hold(s.story(occ.id).count("started") == 1, f"{s.story(occ.id)}")
    return "one start"


@clause(
    "power.within",
    "Plan",
    "Power back within the late window: it plays, from the plan that was kept, without a link.",
)
def within(s: Stand) -> str:
    occ = s.occurrence(in_ms=LEAD + 1_000)
    s.order(occ)
    s.entry("accepted", occ.id)
    s.pause(0.5)
    s.line.shut()
    s.kill()
    reach(s, occ.at + 500)
    s.program.start()
    reach(s, occ.at + 9_000)
    s.line.mend()
    late = s.entry("started", occ.id, seconds=RECONNECT).entry
    hold(late.t < occ.at + 9_000, "it began only when the link was back")
    s.entry("played", occ.id)
    return f"late_ms {late.detail.get('late_ms')}"


@clause("power.after", "Plan", "Power back after at + late: missed{off}.")
def after_window(s: Stand) -> str:
    occ = s.occurrence(late=SECOND)
    s.order(occ)
    s.entry("accepted", occ.id)
    s.kill()
    reach(s, occ.at + 1_500)
    s.start()
    held = s.entry("missed", occ.id)
    hold(held.why == "off", str(held))
    return str(held)


@clause("power.rev", "Plan", "The rev of the plan survives a power cut: a lower one is refused.")
def rev(s: Stand) -> str:
    old = s.sign(s.document(s.occurrence(in_ms=HOUR)))
    s.accepted(s.order())
    s.cut_power()
    mark = s.mark()
    s.publish_plan(old)
    held = s.until(lambda: s.find("refused", "", since=mark, why="old_rev"), "refused{old_rev}")
    s.publish_plan(s.token)
    return str(held)


@clause(
    "link.plays",
    "The receiver protocol",
    "With the line down it plays at its time, and the evidence comes after.",
)
def plays(s: Stand) -> str:
    occ = s.occurrence()
    s.order(occ)
    s.entry("accepted", occ.id)
    s.line.shut()
    reach(s, occ.at + TONE_MS + 1_500)
    lines = s.line.lines
    s.line.mend()
    s.until(lambda: s.line.lines > lines, "a new connection", RECONNECT)
    return at_end(s, occ, TONE_MS)


@clause(
    "link.goes_on", "The receiver protocol", "A line that breaks while it sounds changes nothing."
)
def goes_on(s: Stand) -> str:
    sound = long_sound(s, "goes on", 4)
    occ = s.occurrence(sound)
    s.order(occ, sounds=[sound])
    s.entry("started", occ.id)
    reach(s, occ.at + 1_000)
    s.line.cut()
    return at_end(s, occ, sound.ms)


POWER = (
    Group("power", (interrupted, boot, rev)),
    Group("power2", (once, after_window)),
    Group("back", (restart, within)),
)
LINE = Group("gap", (goes_on, plays))
