"""Vì sao?: what it said beforehand is what was heard, what it says of the past stays said, and nothing is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from devices import receivers
from devices.remote import MOST_DELAY
from loa.times import MINUTE, Instant, after, local
from scheduler import explaining
from scheduler.broadcasts import Delivery
from scheduler.explaining import Answer, Verdict
from tests.cast import ZONE
from tests.office.office import RULES, Office
from tests.office.poles import Pole
from tests.office.rows import Look


class Told(NamedTuple):
    """What was once answered of the past."""

    moment: Instant
    answers: dict[str, tuple[tuple[str, Verdict], ...]]


def minutes(look: Look, poles: Collection[Pole], most: int) -> list[Instant]:
    """Some in which something begins, goes on or ends; and some at which something does not sound."""
    found: set[Instant] = set()
    for pole in poles:
        for heard in pole.heard:
            if heard.starts > look.now:
                ends = min(heard.until, look.until) - 1
                found |= {_minute(heard.starts), _minute(ends), _minute((heard.starts + ends) // 2)}
    found |= {_minute(each.starts_at) for each in look.sounds}
    inside = sorted(each for each in found if look.now < each and each + MINUTE <= look.until)
    return look.office.dice.sample(inside, min(most, len(inside)))


def _minute(moment: int) -> Instant:
    return Instant(moment - moment % MINUTE)


def answers(office: Office, ids: Sequence[str], moment: Instant, now: Instant) -> list[Answer]:
    asked = [receivers.get(office.session, each) for each in ids]
    return explaining.answers(office.session, asked, moment, now, RULES)


def foretold_otherwise(look: Look, poles: dict[str, Pole], moment: Instant) -> Iterator[str]:
    """Where what Vì sao? says beforehand is not what was heard in that minute, or something is left out."""
    for answer in answers(look.office, sorted(poles), moment, look.now):
        pole = poles[answer.receiver_id]
        where = f"{local(moment, ZONE):%d.%m. %H:%M} at {pole.rid}"
        said = {each.sound.name for each in answer.accounts if each.verdict is not Verdict.NOT}
        if not _is_heard(pole, moment, said):
            heard = sorted(_heard(pole, moment, 0))
            every = [(each.sound.name, str(each.verdict)) for each in answer.accounts]
            yield f"foretold otherwise: {where}: heard {heard}, said {every}"
        yield from _unexplained(answer, where)
        yield from _left_out(look, answer, moment, where)


def _is_heard(pole: Pole, moment: Instant, said: set[str]) -> bool:
    """Whether that is what sounded in the minute, give or take the second a receiver may be set to be late."""
    return _heard(pole, moment, MOST_DELAY) <= said <= _heard(pole, moment, -MOST_DELAY)


def _heard(pole: Pole, moment: Instant, inside: int) -> set[str]:
    """What sounded longer than ``inside`` within the minute, or so near to it."""
    since, until = moment + inside, moment + MINUTE - inside
    return {
        each.occ for each in pole.heard
        if each.starts < until and since < each.until and each.starts < each.until
    }  # fmt: skip


def _unexplained(answer: Answer, where: str) -> Iterator[str]:
    names = [each.sound.name for each in answer.accounts]
    if len(names) != len(set(names)):
        yield f"told twice: {where}: {names}"
    for each in answer.accounts:
        sentences = [reason.sentence for reason in each.reasons]
        least = 2  # where it comes from, and why it sounds or does not
        if len(sentences) < least or not all(
            one.strip().endswith((".", "?", "!", "”")) for one in sentences
        ):
            yield f"unexplained: {where}: {each.sound.title}, {each.verdict}: {sentences}"


def _left_out(look: Look, answer: Answer, moment: Instant, where: str) -> Iterator[str]:
    told = {each.sound.broadcast_id for each in answer.accounts}
    mine = {each.broadcast_id for each in look.deliveries if each.receiver_id == answer.receiver_id}
    for sound in look.sounds:
        begins = moment <= sound.starts_at < moment + MINUTE
        if begins and sound.broadcast_id in mine and sound.broadcast_id not in told:
            yield f"left out: {where}: {sound.title}"


# -- the past -------------------------------------------------------------------------------------


def past(office: Office, ids: Sequence[str], moment: Instant) -> Told:
    """What is said of a minute that is over."""
    found = answers(office, ids, moment, office.now)
    near = {each.sound.broadcast_id for answer in found for each in answer.accounts}
    delivered = office.session.scalars(
        sa.select(Delivery.broadcast_id).where(Delivery.broadcast_id.in_(near))
    )
    kept = set(delivered)
    return Told(moment, {each.receiver_id: _verdicts(each, kept) for each in found})


def _verdicts(answer: Answer, delivered: Collection[int | None]) -> tuple[tuple[str, Verdict], ...]:
    """Of what was planned for nobody, nothing is kept of who was meant: it is asked of as places stand now."""
    told = [
        each for each in answer.accounts
        if each.verdict is not Verdict.NOT or each.sound.broadcast_id in delivered
    ]  # fmt: skip
    return tuple(sorted((each.sound.name, each.verdict) for each in told))


def unheard(told: Told, poles: dict[str, Pole]) -> Iterator[str]:
    """Where the past is told otherwise than it was heard, all evidence being in."""
    for rid, accounts in told.answers.items():
        said = {name for name, verdict in accounts if verdict is not Verdict.NOT}
        if not _is_heard(poles[rid], told.moment, said):
            where = f"{local(told.moment, ZONE):%d.%m. %H:%M} at {rid}"
            heard = sorted(_heard(poles[rid], told.moment, 0))
            yield f"past: {where}: heard {heard}, told {accounts}"


def changed(office: Office, told: Told) -> Iterator[str]:
    """Where later acts changed what is said of the past."""
    again = past(office, sorted(told.answers), told.moment)
    for rid, before in told.answers.items():
        if again.answers[rid] != before:
            where = f"{local(told.moment, ZONE):%d.%m. %H:%M} at {rid}"
            yield f"past changed: {where}: {before} became {again.answers[rid]}"


__all__ = ["Told", "after", "changed", "foretold_otherwise", "minutes", "past", "unheard"]
