"""Explaining ("Vì sao?"): what sounds at a receiver in any minute, past or future, by which rule, and what does not.

The past is told from what was kept of it alone: rows of broadcasts, what receivers said, versions of the regulation,
and marks and decisions as they stood then. What nobody knows is said to be unknown. The future is told from the same
wishes the planner works from (scheduler.projection), played as receivers will play them (scheduler.channel).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from devices import receivers
from devices.receivers import Receiver
from loa.times import DAY, MINUTE, Instant, after, local
from loa.words import recall, say
from scheduler import channel, context, explaining_kept, projection, rulebook, telling
from scheduler.broadcasts import OPEN, Delivery, DeliveryState
from scheduler.channel import Turn
from scheduler.context import Context
from scheduler.explaining_kept import Kept
from scheduler.levels import AreaDecision, Said
from scheduler.outlook import Outlook
from scheduler.projection import LONGEST, Sound
from scheduler.sources import Rules
from scheduler.telling import About, Clock, Reason

D = DeliveryState
SAID = frozenset({D.PLAYED, D.INTERRUPTED, D.STARTED, D.FAILED})
"""The receiver told of a start."""


class Verdict(enum.StrEnum):
    HEARD = "heard"
    """The receiver says that it sounded then."""
    WILL = "will"
    """It is to sound then, as things stand."""
    UNKNOWN = "unknown"
    """It was to sound then, and nobody knows whether it did."""
    NOT = "not"
    """It does not, or did not, sound then."""


@dataclass(frozen=True)
class Account:
    """What is to be said of one sound."""

    sound: Sound
    verdict: Verdict
    reasons: list[Reason]

    @property
    def about(self) -> About | None:
        """Its broadcast, once it is planned."""
        sound = self.sound
        return About("broadcast", sound.broadcast_id) if sound.broadcast_id else None


@dataclass(frozen=True)
class Answer:
    """Why one receiver sounds, or is silent, in the minute that begins at ``moment``."""

    receiver_id: str
    receiver_name: str
    area_name: str
    moment: Instant
    is_past: bool
    accounts: list[Account]
    """What sounds first, then what nobody knows of, then what does not sound."""
    circumstances: list[Reason]
    before: Sound | None
    after: Sound | None
    """What is nearest in time within a day, when nothing sounds."""

    @property
    def sounding(self) -> list[Account]:
        return [one for one in self.accounts if one.verdict in (Verdict.HEARD, Verdict.WILL)]

    @property
    def unknown(self) -> list[Account]:
        return [one for one in self.accounts if one.verdict is Verdict.UNKNOWN]

    @property
    def aside(self) -> list[Account]:
        return [one for one in self.accounts if one.verdict is Verdict.NOT]

    @property
    def alike(self) -> tuple[object, ...]:
        """Equal where two receivers have the same to say, but for the seconds."""
        return tuple((one.sound.name, one.verdict, one.sound.why_not) for one in self.accounts)


def at(session: Session, receiver_id: str, moment: Instant, now: Instant, rules: Rules) -> Answer:
    """The answer for one receiver. Raises NotFound."""
    receiver = receivers.get(session, receiver_id)
    return answers(session, [receiver], moment, now, rules)[0]


def answers(
    session: Session, asked: Sequence[Receiver], moment: Instant, now: Instant, rules: Rules
) -> list[Answer]:
    """The answer for each of these receivers, from one look at the station."""
    minute = Instant(moment - moment % MINUTE)
    found = context.read(session, rules)
    near = projection.project(session, after(minute, -DAY), after(minute, DAY), rules, found=found)
    kept = explaining_kept.read(session, near, asked, minute, now)
    asking = _Asking(found, near, kept, minute, now)
    return [asking.answer(each) for each in asked]


class _Asking:
    """One minute at many receivers."""

    def __init__(
        self, found: Context, near: list[Sound], kept: Kept, moment: Instant, now: Instant
    ) -> None:
        self._context, self._near, self._kept, self._now = found, near, kept, now
        self._since, self._until = moment, after(moment, MINUTE)
        self._is_past = self._until <= now
        self._then = min(moment, now)
        """Marks and decisions count as they stood then."""
        self._outlook = Outlook(found, after(moment, -LONGEST), self._until)
        self._clock = Clock(found.rules.zone)
        self._titles = {one.broadcast_id: one.title for one in near if one.broadcast_id}

    def answer(self, receiver: Receiver) -> Answer:
        near = [one for one in self._near if self._is_meant(one, receiver.id)]
        mine = [self._as_there(one, receiver.id) for one in near]
        turns = {id(turn.sound): turn for turn in self._play(mine, receiver)}
        accounts = [
            self._account(one, turns.get(id(one)), receiver)
            for one in mine
            if self._concerns(one, turns.get(id(one)), receiver.id)
        ]
        order = list(Verdict)
        accounts.sort(key=lambda one: (order.index(one.verdict), one.sound.starts_at))
        sounds = [one for one in mine if one.why_not is None and one.approved]
        return Answer(
            receiver.id, receiver.name, receiver.area.full_name, self._since, self._is_past, accounts,
            self._circumstances(receiver),
            max((one for one in sounds if one.ends_at <= self._since), key=_ends, default=None),
            min((one for one in sounds if one.starts_at >= self._until), key=_starts, default=None),
        )  # fmt: skip

    # -- which sounds -----------------------------------------------------------------------------

    def _is_meant(self, sound: Sound, receiver_id: str) -> bool:
        """By its deliveries once it has any: receivers come and go, and the past does not."""
        broadcast_id = sound.broadcast_id
        if broadcast_id is not None and broadcast_id in self._kept.delivered:
            return (broadcast_id, receiver_id) in self._kept.deliveries
        return receiver_id in self._context.fleet.resolve(sound.where)

    def _as_there(self, sound: Sound, receiver_id: str) -> Sound:
        """As long as it is heard there: in another language it may be longer."""
        delivery = self._delivery(sound, receiver_id)
        if delivery is None or not delivery.ms:
            return sound
        return sound._replace(ends_at=after(sound.starts_at, delivery.ms))

    def _play(self, mine: Iterable[Sound], receiver: Receiver) -> list[Turn[Sound]]:
        near = [
            one
            for one in mine
            if one.why_not is None
            and one.approved
            and one.starts_at < self._until
            and one.ends_at > after(self._since, -LONGEST)
            and not self._is_off(one, receiver.id)
        ]
        decided = {
            (said.broadcast_id, said.other_id)
            for said in self._decisions(receiver)
            if said.said is Said.FIRST and said.other_id is not None
        }
        late = self._context.rules.late
        return channel.play(near, late, decided, self._outlook.is_broken)

    def _is_off(self, sound: Sound, receiver_id: str) -> bool:
        delivery = self._delivery(sound, receiver_id)
        return delivery is not None and (
            delivery.dropped_at is not None or delivery.barred_at is not None
        )

    def _decisions(self, receiver: Receiver) -> list[AreaDecision]:
        """What the areas above it had said, and not taken back, by then."""
        line = self._context.fleet.line(receiver.area_id)
        return [
            said
            for said in self._kept.decisions
            if said.area_id in line
            and said.at <= self._then
            and (said.withdrawn_at is None or said.withdrawn_at > self._then)
        ]

    def _delivery(self, sound: Sound, receiver_id: str) -> Delivery | None:
        if sound.broadcast_id is None:
            return None
        return self._kept.deliveries.get((sound.broadcast_id, receiver_id))

    def _concerns(self, sound: Sound, turn: Turn[Sound] | None, receiver_id: str) -> bool:
        """Whether it sounded, was to sound, or waited to, within the minute."""
        end = max(sound.ends_at, after(sound.starts_at, MINUTE if sound.ms == 0 else 1))
        if sound.starts_at < self._until and self._since < end:
            return True
        if turn is not None and turn.is_heard_at(self._since, self._until):
            return True
        return self._was_heard(self._delivery(sound, receiver_id))

    def _was_heard(self, delivery: Delivery | None) -> bool:
        """By the receiver's own word, within the minute."""
        if delivery is None or delivery.started_at is None or delivery.state not in SAID:
            return False
        length = delivery.ms if delivery.played_ms is None else delivery.played_ms
        end = delivery.ended_at or after(delivery.started_at, length)
        return delivery.started_at < self._until and self._since < end

    # -- what is said of one ----------------------------------------------------------------------

    def _account(self, sound: Sound, turn: Turn[Sound] | None, receiver: Receiver) -> Account:
        delivery = self._delivery(sound, receiver.id)
        verdict = self._verdict(sound, turn, delivery)
        decided = [
            telling.decision(said, self._titles)
            for said in self._decisions(receiver)
            if said.broadcast_id == sound.broadcast_id
        ]
        reasons = [telling.origin(sound), *decided]
        gave_way = [
            said for said in self._decisions(receiver)
            if said.other_id == sound.broadcast_id and turn is None and sound.broadcast_id
        ]  # fmt: skip
        reasons += [telling.gave_way(said, self._titles) for said in gave_way]
        is_apart = len(reasons) > 1
        reasons[1:1] = self._from_above(sound, receiver, is_apart)
        if sound.why_not is not None:
            why = sound.why_not.sentence or say("Không phát: %(code)s", code=sound.why_not.code)
            reasons.append(Reason(recall(f"{why.rstrip('.')}.")))
        else:
            waivers = self._kept.waivers.of_sound(sound, self._context.rules)
            reasons += [telling.waiver(each, self._clock) for each in waivers]
            approvers = self._kept.approvers.get(sound.broadcast_id or 0, [])
            reasons.append(telling.approval(sound, approvers))
            reasons += list(telling.precedence(turn, self._clock)) if turn else []
        if delivery is not None:
            reasons += telling.delivered(delivery, self._clock, is_apart)
        if verdict is Verdict.UNKNOWN:
            reasons.append(Reason(telling.UNKNOWN))
        return Account(sound, verdict, reasons)

    def _from_above(self, sound: Sound, receiver: Receiver, is_decided: bool) -> list[Reason]:
        """Who set it, where that is somebody above the officers of the receiver's own area."""
        places = self._kept.places
        own = places.own(receiver.area_id)
        if own is None or not places.is_above(own, sound.by_area_id):
            return []
        return [
            telling.from_above(sound, places.name(sound.by_area_id), places.name(own), is_decided)
        ]

    def _verdict(
        self, sound: Sound, turn: Turn[Sound] | None, delivery: Delivery | None
    ) -> Verdict:
        if self._was_heard(delivery):
            return Verdict.HEARD
        if delivery is not None and delivery.state not in (*OPEN, D.UNKNOWN):
            return Verdict.NOT
        if sound.why_not is not None or not sound.approved or turn is None:
            return Verdict.NOT
        if delivery is not None and delivery.started_at is not None:
            return Verdict.NOT  # it told of a start at another time
        if not turn.is_heard_at(self._since, self._until):
            return Verdict.NOT
        begun = sound.broadcast_id is not None and sound.starts_at <= self._now
        return Verdict.UNKNOWN if begun and self._since <= self._now else Verdict.WILL

    # -- what holds for all -----------------------------------------------------------------------

    def _circumstances(self, receiver: Receiver) -> list[Reason]:
        moment, clock = self._since, self._clock
        day = local(moment, clock.zone).date()
        calendar = self._context.calendar
        kind = calendar.kind_then(day, moment) if self._is_past else calendar.kind(day)
        version = self._context.regulation_at(moment)
        line = self._context.fleet.line(receiver.area_id)
        held = [one for one in self._outlook.sessions(day) if one.slot.is_for(line)]
        found = [
            telling.regulation(version, clock),
            Reason(
                say(
                    "Ngày %(day)s là %(name)s (%(why)s).",
                    day=f"{day:%d/%m/%Y}",
                    name=recall(kind.name),
                    why=kind.why,
                ),
                About("days", 0),
            ),
            *telling.session(held, moment),
            *telling.hours(self._outlook, moment, self._until),
        ]
        at_clock = local(moment, clock.zone).time()
        cap = rulebook.cap_at(version.rules, at_clock, line) if version else None
        if cap is not None:
            found.append(
                Reason(
                    say("Âm lượng khi đó không quá %(cap)s %%.", cap=cap), About("regulation", 0)
                )
            )
        return [*found, *self._state_of(receiver)]

    def _state_of(self, receiver: Receiver) -> list[Reason]:
        """What is known of the receiver itself for that minute."""
        if receiver.added_at > self._since:
            return [Reason(say("Lúc đó đầu thu này chưa có trong đài."))]
        if receiver.retired_at is not None and receiver.retired_at <= self._since:
            return [Reason(say("Lúc đó đầu thu này đã ngừng dùng."))]
        if receiver.muted and not self._is_past:
            return [Reason(say("Đầu thu đang bị tắt tiếng: có phát cũng không nghe thấy gì."))]
        return []


def _ends(sound: Sound) -> Instant:
    return sound.ends_at


def _starts(sound: Sound) -> Instant:
    return sound.starts_at
