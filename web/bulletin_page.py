"""What a bulletin's page shows, and what its reader may do there: one look at the database for all its parts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, decisions, entries, parts, recordings, uploads
from content.bulletins import Bulletin, Decision, State
from content.dictionary import Dictionary
from content.recordings import Recording, Rendering, RenderingState
from content.uploads import Upload
from content.versions import Difference
from loa import languages
from loa.audit import AuditEntry
from loa.staff import May, Staff
from loa.times import Instant
from scheduler import level_bulletins, schedules
from scheduler.schedules import Schedule
from web import current, texts


@dataclass(frozen=True)
class Sound:
    """One of the bulletin's finished sounds."""

    language: str
    recording: Recording

    @property
    def name(self) -> str:
        """What staff call its language."""
        return languages.name(self.language)


@dataclass(frozen=True)
class Withdrawal:
    """Who took a bulletin back, and when."""

    name: str
    at: Instant


@dataclass(frozen=True)
class Page:
    """All that a bulletin's page shows."""

    bulletin: Bulletin
    sounds: list[Sound]
    """Its own first, then those of its translations; empty while they are made."""
    uploads: dict[str, Upload]
    """What is known of its uploaded files, by sha256."""
    rendering: Rendering | None
    decisions: list[Decision]
    given: list[Decision]
    """Approvals of this version so far: an emergency bulletin needs more than one."""
    writers: set[int]
    """Ids of the staff who may not approve it, for they wrote or changed it."""
    changes: Difference | None
    """Since it was last approved; None when it never was."""
    schedules: list[Schedule]
    """All it ever had."""
    running: list[Schedule]
    """Those that still broadcast it."""
    next: Instant | None
    """When the soonest of them does."""
    withdrawal: Withdrawal | None
    words: Dictionary
    """The commune's dictionary as it is now."""
    is_theirs: bool
    """Whether the reader may change it, by the area they work for."""

    @cached_property
    def text(self) -> texts.Shown:
        """Its texts as they are read now, and whether its sound says the same."""
        return texts.of(self.bulletin, self.recording, self.words)

    @property
    def translations(self) -> list[str]:
        """Names of the languages it has recordings in, besides its own."""
        return [languages.name(each.language) for each in self.bulletin.translations]

    @property
    def recording(self) -> Recording | None:
        """The bulletin's own sound."""
        return self.sounds[0].recording if self.sounds else None

    @property
    def is_waiting_for_sound(self) -> bool:
        return not self.sounds and self.bulletin.state is not State.WITHDRAWN

    @property
    def has_failed(self) -> bool:
        """Its sound could not be made."""
        failed = self.rendering is not None and self.rendering.state == RenderingState.FAILED
        return self.is_waiting_for_sound and failed

    @property
    def returned(self) -> Decision | None:
        """What an approver said who sent it back, until the next decision."""
        newest = self.decisions[0] if self.decisions else None
        is_open = self.bulletin.state in (State.DRAFT, State.SUBMITTED, State.REJECTED)
        return newest if newest and is_open and not newest.approved else None

    @property
    def was_approved(self) -> bool:
        """Whether any of its versions ever was."""
        return any(decision.complete for decision in self.decisions)

    @property
    def will_miss(self) -> Instant | None:
        """Its next broadcast, where that stays silent unless the bulletin is approved before."""
        return self.next if self.bulletin.state is not State.APPROVED else None

    def may_decide(self, staff: Staff) -> bool:
        """The second pair of eyes: an approver who neither wrote nor changed it, and has not approved it yet."""
        fresh = staff.id not in self.writers | {decision.staff_id for decision in self.given}
        return self.bulletin.state is State.SUBMITTED and staff.may(May.APPROVE) and fresh

    def may_submit(self, staff: Staff) -> bool:
        ready = self.bulletin.state in (State.DRAFT, State.REJECTED) and bool(self.sounds)
        return ready and self.is_theirs and staff.may(May.WRITE)

    def may_edit(self, staff: Staff) -> bool:
        is_open = self.bulletin.state is not State.WITHDRAWN
        return is_open and self.is_theirs and staff.may(May.WRITE)

    def may_withdraw(self, staff: Staff) -> bool:
        its_own = staff.id == self.bulletin.author_id
        trusted = its_own or staff.may(May.APPROVE) or staff.may(May.MANAGE)
        return trusted and self.is_theirs and self.bulletin.state is not State.WITHDRAWN

    def may_schedule(self, staff: Staff) -> bool:
        open_to_it = self.bulletin.state not in (State.WITHDRAWN, State.REJECTED)
        return open_to_it and not self.has_failed and staff.may(May.SCHEDULE)


def load(session: Session, bulletin_id: int) -> Page:
    """That bulletin with everything around it. Raises NotFound."""
    bulletin = bulletins.get(session, bulletin_id)
    names = parts.uploads(bulletin.parts, bulletin.translations)
    running = schedules.running(session, [bulletin_id], current.now(), current.zone())
    return Page(
        bulletin=bulletin,
        sounds=_sounds(session, bulletin),
        uploads={name: found for name in names if (found := uploads.get(session, name))},
        rendering=recordings.latest_rendering(session, bulletin_id),
        decisions=decisions.of(session, bulletin_id),
        given=decisions.standing(session, [bulletin_id]).get(bulletin_id, []),
        writers=bulletins.writers(session, bulletin),
        changes=bulletins.changes(session, [bulletin])[bulletin.id],
        schedules=schedules.listing(session, bulletin_id=bulletin_id),
        running=running,
        next=_soonest(running),
        withdrawal=_withdrawal(session, bulletin) if bulletin.state is State.WITHDRAWN else None,
        words=entries.in_force(session),
        is_theirs=level_bulletins.may_change(session, current.staff(), bulletin),
    )


def next_broadcast(session: Session, bulletin_id: int) -> Instant | None:
    """When a schedule wants the bulletin next."""
    now, zone = current.now(), current.zone()
    return _soonest(schedules.running(session, [bulletin_id], now, zone))


def _soonest(running: list[Schedule]) -> Instant | None:
    now, zone = current.now(), current.zone()
    ahead = (schedules.next_of(schedule, now, zone) for schedule in running)
    return min((moment for moment in ahead if moment is not None), default=None)


def _withdrawal(session: Session, bulletin: Bulletin) -> Withdrawal | None:
    """As the station's log has it."""
    acts = (
        sa.select(AuditEntry.at, AuditEntry.actor, Staff.name)
        .outerjoin(Staff, Staff.login == AuditEntry.actor)
        .where(AuditEntry.kind == "bulletin.withdraw")
        .where(AuditEntry.data == json.dumps({"bulletin": bulletin.id}))
        .order_by(AuditEntry.n.desc())
    )
    found = session.execute(acts.limit(1)).first()
    return Withdrawal(found.name or found.actor, found.at) if found else None


def _sounds(session: Session, bulletin: Bulletin) -> list[Sound]:
    order = [languages.KINH, *(each.language for each in bulletin.translations)]
    rendering = recordings.latest_rendering(session, bulletin.id)
    made = [(code, session.get(Recording, bulletin.sounds.get(code, ""))) for code in order]
    return [
        Sound(code, recordings.as_made(recording, rendering, code))
        for code, recording in made
        if recording is not None
    ]
