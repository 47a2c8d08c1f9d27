"""Early: officers decide on what comes from above before the planner has made a broadcast of it.

A decision is kept with a broadcast. Of one further ahead than broadcasts are planned the row is made on the spot;
plays of campaigns are not, for these are laid out anew every night.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from loa.errors import NotFound
from loa.staff import Staff
from loa.times import Instant
from loa.words import say
from scheduler import from_above, level_acts, planner, programmes, schedules
from scheduler.broadcasts import Broadcast
from scheduler.projection import Sound
from scheduler.sources import Rules

GET = {schedules.KIND.column: schedules.get, programmes.KIND.column: programmes.get}


def bring_forward(
    session: Session, name: str, staff: Staff, now: Instant, rules: Rules
) -> Broadcast:
    """The broadcast of what ``Coming.name`` names, made now; of a priority one those it meets here are made as well.

    Raises NotFound where it does not come any more.
    """
    area_id = level_acts.own_area(staff)
    page = from_above.look(session, area_id, now, rules)
    chosen = next((each for each in page.coming if each.name == name and each.may_be_early), None)
    if chosen is None:
        raise _gone()
    for mine in chosen.meets:
        if mine.broadcast_id is None:
            _made(session, mine, now, rules)
    return _made(session, chosen.sound, now, rules)


def _made(session: Session, sound: Sound, now: Instant, rules: Rules) -> Broadcast:
    source = GET[sound.column](session, sound.source_id)
    key = (sound.starts_at, sound.bulletin_id, sound.item)
    made = planner.plan_ahead(session, sound.column, source, key, now, rules)
    if made is None:
        raise _gone()
    return made


def _gone() -> NotFound:
    return NotFound(say("Lượt này không còn tới địa bàn của bạn. Hãy tải lại trang Cấp trên."))
