"""What must hold at the end of every schedule, recounted apart from the code that is judged.

The receiver's own store and what its horn gave forth are the truth; the station's tables are held against them.
Each broken promise is one sentence that begins with its number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from devices import messages, signing
from loa.times import MINUTE, SECOND, Instant, local
from tests.cast import ZONE
from tests.model.horn import Heard
from tests.model.pole import Pole
from tests.model.recount import expected, rows
from tests.model.scenery import GRACE_SECONDS, LATE_SECONDS
from tests.model.world import World

LEAST_LATE = SECOND
"""A receiver may start so late even where the plan allows no lateness."""
SLACK = 100


def verdict(world: World) -> list[str]:
    """Everything that is wrong; empty when all is well."""
    found = [f"I0 {said}" for said in (*world.told, *_complaints(world))]
    for judge in (
        events_kept, plays_once, plans_converge, ends_true, sounds_only_as_told, plays_in_time, audit_holds,
    ):  # fmt: skip
        found += judge(world)
    return found


def _complaints(world: World) -> Iterator[str]:
    """What was logged as an error and has no cause among the faults."""
    for said in world.complaints.said:
        if "database is locked" not in said or not world.time.counts["commits fail"]:
            yield said


def events_kept(world: World) -> Iterator[str]:
    """I1: what a receiver ever committed is in the station's tables, byte for byte, in order, once."""
    for pole in world.poles:
        jid, mine = pole.store.fact("jid"), pole.store.raws()
        kept = world.shelves.raw.execute(
            "select seq, raw from journal_entries where receiver_id = ? and jid = ? order by seq", (pole.rid, jid)
        ).fetchall()  # fmt: skip
        theirs = [bytes(raw) for _, raw in kept]
        if [seq for seq, _ in kept] != list(range(1, len(kept) + 1)):
            yield f"I1 {pole.rid}: the entries kept have a gap"
        if theirs != mine:
            yield f"I1 {pole.rid}: {len(mine)} entries written, {len(theirs)} kept, or not the same"
        world.time.counts["I1 entries"] += len(mine)
    strange = world.shelves.raw.execute(
        "select receiver_id, jid from journals where tampered_at is not null"
    ).fetchall()
    for rid, jid in strange:
        yield f"I1 {rid}: journal {jid} is said to contradict itself"


def plays_once(world: World) -> Iterator[str]:
    """I2: no occurrence is begun twice on a receiver."""
    for pole in world.poles:
        begun = [heard.occ for heard in pole.heard]
        for occ in sorted({one for one in begun if begun.count(one) > 1}):
            yield f"I2 {pole.rid}: {occ} sounded {begun.count(occ)} times"


def plans_converge(world: World) -> Iterator[str]:
    """I3: each receiver has the station's newest plan, and that says what the database wants now."""
    raw = world.shelves.raw
    for pole in world.poles:
        newest = raw.execute(
            "select rev, jws from plans where receiver_id = ? order by rev desc limit 1", (pole.rid,)
        ).fetchone()  # fmt: skip
        active, volume = raw.execute(
            "select active, volume from receivers where id = ?", (pole.rid,)
        ).fetchone()
        if not active:
            continue
        if newest is None:
            yield f"I3 {pole.rid}: the station never made a plan for it"
            continue
        if pole.store.fact("rev") != newest[0] or pole.store.fact("plan") != bytes(newest[1]):
            yield f"I3 {pole.rid}: has revision {pole.store.fact('rev')}, the newest is another {newest[0]}"
        plan = messages.decode(signing.payload(bytes(newest[1])), messages.Plan)
        yield from _plan_says(world, pole, plan, volume)


def _plan_says(world: World, pole: Pole, plan: messages.Plan, volume: int) -> Iterator[str]:
    now = world.time.now
    said = {(o.id, o.at, o.sha) for o in plan.occ if o.st == "on" and o.at > now}
    wanted = {
        (row.occurrence, row.starts_at, row.sha)
        for row in rows(world.shelves.raw)
        if row.rid == pole.rid and row.starts_at > now and row.wanted
    }
    world.time.counts["I3 still to come"] += len(wanted)
    # What the receiver itself has closed meanwhile, by a clock that was wrong, its plan may still name.
    closed = {
        row.occurrence for row in rows(world.shelves.raw) if row.rid == pole.rid and row.closed
    }
    if {one for one in said if one[0] not in closed} != wanted:
        yield f"I3 {pole.rid}: its plan says {sorted(said)}, wanted is {sorted(wanted)}"
    quiet = world.shelves.raw.execute(
        "select quiet from regulations where since <= ? order by since desc, id desc limit 1", (now,)
    ).fetchone()[0]  # fmt: skip
    if [list(pair) for pair in plan.set.quiet] != json.loads(quiet) or plan.set.vol != volume:
        yield f"I3 {pole.rid}: its plan's settings are not the station's"


def ends_true(world: World) -> Iterator[str]:
    """I4: the state of every delivery that is over is what receiver and horn say, and none waits for ever."""
    poles = {pole.rid: pole for pole in world.poles}
    signed = {rid: plans_of(world, rid) for rid in poles}
    over = world.time.now - (LATE_SECONDS + GRACE_SECONDS) * SECOND
    for row in rows(world.shelves.raw):
        if row.rid not in poles or row.starts_at + row.ms > over:
            continue
        world.time.counts[f"I4 {row.state}"] += 1
        states, why = expected(poles[row.rid], row, signed[row.rid])
        if row.state not in states:
            yield f"I4 {row.rid}: {row.occurrence} is {row.state} ({row.reason}), but {why}"
    yield from _journals_tell_the_truth(world)


def _journals_tell_the_truth(world: World) -> Iterator[str]:
    """What a receiver says it has played has sounded whole; what has sounded whole it says, if it lived to."""
    for pole in world.poles:
        codes: dict[str, list[str]] = {}
        for _, occ, code, *_ in pole.entries():
            codes.setdefault(occ, []).append(code)
        for heard in pole.heard:
            said = codes.get(heard.occ, [])
            if "started" not in said:
                yield f"I4 {pole.rid}: {heard.occ} sounded and its journal says {said}"
            if "played" in said and not heard.whole:
                yield f"I4 {pole.rid}: {heard.occ} is said to be played and was cut short"
        sounded = {heard.occ for heard in pole.heard}
        for occ in sorted(occ for occ, said in codes.items() if occ and "played" in said):
            if occ not in sounded:
                yield f"I4 {pole.rid}: {occ} is said to be played and never sounded"


# -- I5 -------------------------------------------------------------------------------------------


def sounds_only_as_told(world: World) -> Iterator[str]:
    """I5: only what a plan the station signed for this receiver orders at this time, and not in quiet hours."""
    for pole in world.poles:
        signed = {plan.rev: plan for plan in plans_of(world, pole.rid)}
        for heard in pole.heard:
            world.time.counts["I5 sounds"] += 1
            plan = signed.get(heard.rev)
            had = [one.plan.rev for one in pole.obeyed if one.when <= heard.begun]
            if heard.rev < max(had, default=0):
                yield f"I5 {pole.rid}: {heard.occ} sounded by a plan older than one it had obeyed"
            if plan is None:
                yield f"I5 {pole.rid}: {heard.occ} sounded by a plan {heard.rev} the station never signed for it"
                continue
            yield from (f"I5 {pole.rid}: {heard.occ} {wrong}" for wrong in _against(plan, heard))
            yield from _off_is_silence(pole, heard)


def plans_of(world: World, rid: str) -> list[messages.Plan]:
    """Every plan the station signed for that receiver and gave to the wire."""
    given = world.desk.given.get(rid, [])
    return [
        messages.decode(signing.payload(token), messages.Plan) for token in dict.fromkeys(given)
    ]


def _against(plan: messages.Plan, heard: Heard) -> Iterator[str]:
    occ = {one.id: one for one in plan.occ}.get(heard.occ)
    if occ is None or occ.st != "on":
        yield "sounded though its plan did not order it"
        return
    if occ.sha != heard.sha:
        yield "sounded with other bytes than the plan names"
    if not occ.at <= heard.wall <= occ.at + max(occ.late, LEAST_LATE) + SLACK:
        yield f"sounded {heard.wall - occ.at} ms after its time by the receiver's clock"
    if heard.source == "none" or heard.wall >= plan.exp:
        yield "sounded without a clock or after the plan had ended"
    if occ.cls != "E" and _is_quiet(plan, heard):
        yield "sounded in the quiet hours"


def _is_quiet(plan: messages.Plan, heard: Heard) -> bool:
    """By the receiver's clock, which is the true one unless a fault said otherwise; minute by minute."""
    spans = [tuple(int(text[:2]) * 60 + int(text[3:]) for text in pair) for pair in plan.set.quiet]
    for moment in (*range(heard.wall, heard.wall + heard.ms, MINUTE), heard.wall + heard.ms - 1):
        clock = local(Instant(moment), ZONE)
        minute = clock.hour * 60 + clock.minute
        for since, until in spans:
            inside = since <= minute < until if since < until else minute >= since or minute < until
            if inside:
                return True
    return False


def _off_is_silence(pole: Pole, heard: Heard) -> Iterator[str]:
    """Once a plan that says off is stored, it does not sound any more."""
    for obeyed in pole.obeyed:
        off = {one.id for one in obeyed.plan.occ if one.st == "off"}
        if heard.occ in off and heard.begun <= obeyed.when < (heard.until or pole.time.now):
            yield f"I5 {pole.rid}: {heard.occ} sounds on though stopped at {obeyed.when}"


# -- I6 and I7 ------------------------------------------------------------------------------------


def plays_in_time(world: World) -> Iterator[str]:
    """I6: accepted and ready, with power and the right time, it plays within its lateness, whoever is down."""
    for pole in world.poles:
        ends = [following.when for following in pole.obeyed[1:]]
        for obeyed, until in zip(pole.obeyed, [*ends, world.time.now], strict=False):
            for occ in obeyed.plan.occ:
                window = (occ.at - 10 * SECOND, occ.at + occ.late)
                if occ.st != "on" or window[0] < obeyed.when or until <= window[1]:
                    continue
                if _was_prevented(pole, obeyed.plan, occ, *window):
                    continue
                world.time.counts["I6 judged"] += 1
                starts = [one.starts for one in pole.heard if one.occ == occ.id]
                if not any(occ.at <= at <= occ.at + occ.late + SLACK for at in starts):
                    yield f"I6 {pole.rid}: {occ.id} was ready at its time and did not sound"


def _was_prevented(
    pole: Pole, plan: messages.Plan, occ: messages.Occurrence, since: int, until: int
) -> bool:
    """By its power, its clock, another sound, the quiet hours, or because its sound had not come."""
    disturbed = any(since - MINUTE <= when <= until for when in pole.troubled)
    timed = zip(pole.store.written, pole.entries(), strict=True)
    before = [entry for when, entry in timed if entry[1] == occ.id and when <= since]
    is_ready = bool(before) and before[-1][2] == "ready"
    others = any(
        one.occ != occ.id and one.starts <= until and (one.until or until) >= occ.at
        for one in pole.heard
    )
    ghost = Heard("", occ.sha, plan.aud[occ.sha].ms, 1.0, 0, 0, occ.at, 0, "ntp", plan.rev)
    late = Heard("", occ.sha, ghost.ms, 1.0, 0, 0, occ.at + occ.late, 0, "ntp", plan.rev)
    quiet = occ.cls != "E" and (_is_quiet(plan, ghost) or _is_quiet(plan, late))
    wrong = pole.skew_at(occ.at) != 0 or pole.clock.keeper == "rtc"
    return disturbed or not is_ready or others or quiet or wrong or not pole.on_at(occ.at)


def audit_holds(world: World) -> Iterator[str]:
    """I7: the log is one unbroken chain."""
    previous: Any = "0" * 64
    found = world.shelves.raw.execute(
        "select n, at, actor, kind, data, previous, hash from audit order by n"
    ).fetchall()
    for place, (*row, digest) in enumerate(found, start=1):
        text = json.dumps(row, ensure_ascii=False)
        if (
            row[0] != place
            or row[5] != previous
            or hashlib.sha256(text.encode()).hexdigest() != digest
        ):
            yield f"I7 the audit log is broken at row {place}"
            return
        previous = digest
