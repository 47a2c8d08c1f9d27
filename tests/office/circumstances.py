"""What changes under what was ordered: bulletins, places, the regulation, days."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import sqlalchemy as sa

from content import bulletins
from content.bulletins import Bulletin
from content.parts import spoken
from devices import areas, groups, receivers, remote
from devices.receivers import Receiver
from loa.times import SECOND
from scheduler import amending, regulation, schedules
from scheduler.days import DayMark
from scheduler.regulation import Regulation
from tests.cast import ZONE, add_receiver
from tests.office.office import BOOKS, QUIET, RULES, TAY, Act, Office

# -- bulletins ------------------------------------------------------------------------------------


def edit(office: Office) -> None:
    """Other words, and so another sound; perhaps approved at once, perhaps for others to approve."""
    said = office.bulletin()
    draft = msgspec.structs.replace(said.draft, parts=spoken(f"Tin mới {office.dice.random()}"))
    bulletins.edit(office.session, said, office.cast.hoa, draft, office.now)
    office.record(said, office.dice.choice((20, 60, 200, 400)) * SECOND)
    if office.maybe(0.6):
        office.approve(said)
    office.say(said.title, said.state)


def edit_terms(office: Office) -> None:
    """Other days on which it is in force, or another class."""
    said = office.bulletin()
    changes = office.dice.choice(
        (
            {"valid_until": office.day()}, {"valid_until": None, "valid_from": None}, {"valid_from": office.day()},
            {"priority": office.dice.choice((bulletins.Priority.NORMAL, bulletins.Priority.PRIORITY))},
        )
    )  # fmt: skip
    draft = msgspec.structs.replace(said.draft, **changes)
    bulletins.edit(office.session, said, office.cast.hoa, draft, office.now)
    if office.maybe(0.7) and said.state is not bulletins.State.APPROVED:
        office.approve(said)
    office.say(said.title, changes, said.state)


def approve(office: Office) -> None:
    said = office.row(Bulletin, Bulletin.state.in_(("draft", "submitted", "rejected")))
    office.approve(said)
    office.say(said.title)


def reject(office: Office) -> None:
    said = office.row(Bulletin, Bulletin.state.in_(("submitted", "approved")))
    sounds = said.sounds.values()
    bulletins.reject(office.session, said, office.cast.minh, sounds, "Sai ngày.", office.now)
    office.say(said.title)


def withdraw(office: Office) -> None:
    said = office.bulletin()
    bulletins.withdraw(office.session, said, office.cast.minh, office.now)
    schedules.end_all_of(office.session, said.id, office.cast.minh, office.now, ZONE)
    office.pool[office.pool.index(said)] = office._bulletin(office.pool.index(said))
    office.say(said.title)


# -- places ---------------------------------------------------------------------------------------


def regroup(office: Office) -> None:
    chosen = office.row(groups.Group)
    ids = [each.id for each in office.dice.sample(office.cast.receivers, 2)]
    groups.change(office.session, chosen, chosen.name, ids, now=office.now, by="quantri")
    office.say(chosen.name, ids)


def move_receiver(office: Office) -> None:
    pole = office.row(Receiver, Receiver.active)
    area = office.one(office.places()[1:])
    receivers.change(
        office.session, pole, name=pole.name, area=area, volume=office.dice.choice((30, 60, 90)), households=10,
        lat=None, lon=None, now=office.now, by="quantri",
    )  # fmt: skip
    office.say(pole.id, area.name)


def add_pole(office: Office) -> None:
    if len(office.cast.receivers) < 7:
        place = office.one(office.places()[2:])
        rid = f"moi-{len(office.cast.receivers)}"
        add_receiver(office.session, office.cast, rid, place, office.now)
        office.say(rid, place.name)


def retire(office: Office) -> None:
    active = office.session.scalars(sa.select(Receiver).where(Receiver.active)).all()
    if len(active) > 4:
        pole = office.row(Receiver, Receiver.active)
        receivers.retire(office.session, pole, now=office.now, by="quantri")
        office.say(pole.id)


def delay(office: Office) -> None:
    pole = office.row(Receiver, Receiver.active)
    wanted = office.dice.choice((0, 300, 1000))
    remote.set_delay(office.session, [pole.id], wanted, now=office.now, by="quantri")


def speak(office: Office) -> None:
    place = office.one(office.cast.villages)
    language = office.dice.choice((TAY, None))
    areas.set_language(office.session, place, language, now=office.now, by="quantri")
    office.say(place.name, language)


def hang_elsewhere(office: Office) -> None:
    """A village that comes to another commune: no page does that yet, whoever merges communes by hand does."""
    place = office.one(office.cast.villages)
    place.parent_id = office.dice.choice((office.cast.commune.id, office.b.id))
    office.say(place.name, place.parent_id)


# -- the regulation, and days ---------------------------------------------------------------------


def enact(office: Office) -> None:
    quiet = [regulation.parse_quiet(office.dice.choice(QUIET))]
    since = office.today + timedelta(days=office.dice.randint(0, 2))
    draft = amending.Draft(quiet=quiet, rules=office.dice.choice(BOOKS), since=since)
    amending.enact(office.session, office.cast.admin, draft, office.now, RULES)
    office.say(quiet[0], since, BOOKS.index(draft.rules))


def repeal(office: Office) -> None:
    version = office.row(Regulation, Regulation.since > office.now)
    amending.repeal(office.session, office.cast.admin, version, office.now, RULES)


def mark(office: Office) -> None:
    first = office.day()
    kind = office.dice.choice(("mourning", "holiday", "normal", "weekend"))
    marking = amending.Marking(kind=kind, first=first, last=first, name="Dịp")
    amending.mark(office.session, office.cast.minh, marking, office.now, RULES)
    office.say(first, kind)


def unmark(office: Office) -> None:
    made = office.row(DayMark, DayMark.withdrawn_at.is_(None))
    amending.unmark(office.session, office.cast.minh, made, office.now, RULES)
    office.say(made.first)


CIRCUMSTANCES: dict[Act, int] = {
    edit: 3, edit_terms: 2, approve: 3, reject: 1, withdraw: 1, regroup: 2, move_receiver: 2, add_pole: 1, retire: 1,
    delay: 1, speak: 1, hang_elsewhere: 1, enact: 3, repeal: 1, mark: 2, unmark: 1,
}  # fmt: skip
