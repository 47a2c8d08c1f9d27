"""Bulletins between what is sent, what is kept and what is told."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import corrections, parts, recordings, uploads
from content.bulletins import Bulletin, Draft
from content.decisions import Decision
from content.parts import Chime, Part, Recorded, Text
from content.recordings import Recording, RenderingState
from content.relays import Stream
from loa.errors import ContentError
from loa.languages import KINH
from loa.times import MINUTE
from web import current
from web import uploads as web_uploads
from web.api.bulletin_types import (
    BulletinItem,
    ChimePart,
    Content,
    DecisionItem,
    NewBulletin,
    OneBulletin,
    PartItem,
    RecordedPart,
    RelayItem,
    SentPart,
    SentRelay,
    Sound,
)
from web.api.refusals import Invalid
from web.api.wire import moment, perhaps, person

# -- as it is sent --------------------------------------------------------------------------------


def draft(session: Session, body: NewBulletin, former: Draft | None = None) -> Draft:
    """What was sent, as the pages' form would have it. Raises ContentError naming the field."""
    found = _parts(session, body)
    before = former.parts if former else ()
    return Draft(
        title=body.title, parts=tuple(_kept(each, before, n) for n, each in enumerate(found)),
        translations=former.translations if former else (), chimes=body.chimes, field=body.field,
        priority=body.priority, relay=_stream(body.relay), valid_from=body.valid_from,
        valid_until=body.valid_until,
    )  # fmt: skip


def _parts(session: Session, body: NewBulletin) -> parts.Parts:
    if body.parts and body.body is not None:
        raise ContentError("Hãy gửi “body” hoặc “parts”, không gửi cả hai.", field="parts")
    if body.parts:
        return tuple(_part(session, each, n) for n, each in enumerate(body.parts))
    if body.body is None:
        raise Invalid("Thiếu mục “body”. Hãy thêm vào.", field="body", code="missing_field")
    return parts.spoken(body.body, body.voice, body.speed)


def _part(session: Session, sent: SentPart, number: int) -> Part:
    match sent:
        case RecordedPart():
            _demand_upload(session, sent.upload, f"parts[{number}].upload")
            name = sent.name or f"{sent.upload[:8]}.mp3"
            return Recorded(upload=sent.upload, name=name, music=sent.music, cuts=sent.cuts)
        case ChimePart():
            return Chime(chime=sent.chime)
        case _:
            return Text(body=sent.body, voice=sent.voice, speed=sent.speed)


def _demand_upload(session: Session, sha256: str, field: str) -> None:
    is_kept = web_uploads.is_kept(current.config(), sha256)
    if not is_kept or uploads.get(session, sha256) is None:
        raise ContentError(
            f"Đài không có tệp {sha256[:12]}…. Hãy gửi tệp lên /uploads trước.", field=field
        )


def _kept(part: Part, before: parts.Parts, number: int) -> Part:
    """With what was corrected of the reading of the text that stood there, as far as its words still do."""
    old = before[number] if number < len(before) else None
    if not isinstance(part, Text) or not isinstance(old, Text):
        return part
    kept, _ = corrections.carry_over(old.corrections, old.body, part.body)
    return Text(body=part.body, voice=part.voice, speed=part.speed, corrections=kept)


def _stream(relay: SentRelay | None) -> Stream | None:
    return None if relay is None else Stream(relay.url, relay.hosts, relay.minutes * MINUTE)


# -- as it is told --------------------------------------------------------------------------------


def item(bulletin: Bulletin) -> BulletinItem:
    return BulletinItem(
        id=bulletin.id, title=bulletin.title, state=bulletin.state, version=bulletin.version,
        priority=bulletin.priority, field=bulletin.field, author=person(bulletin.author),
        has_sound=bulletin.recording_sha is not None, valid_from=bulletin.valid_from,
        valid_until=bulletin.valid_until, created_at=moment(bulletin.created_at),
        updated_at=moment(bulletin.updated_at), submitted_at=perhaps(bulletin.submitted_at),
    )  # fmt: skip


def one(session: Session, bulletin: Bulletin) -> OneBulletin:
    brief, said = item(bulletin), content(bulletin.draft)
    return OneBulletin(
        **{name: getattr(brief, name) for name in brief.__struct_fields__},
        **{name: getattr(said, name) for name in said.__struct_fields__},
        body=bulletin.body,
        sound=_sound(session, bulletin),
    )


def content(said: Draft) -> Content:
    return Content(
        parts=[_told(each) for each in said.parts],
        chimes=said.chimes,
        relay=_relay(said.relay),
        languages=[KINH, *(each.language for each in said.translations)],
    )


def _told(part: Part) -> PartItem:
    match part:
        case Text():
            return PartItem(type="text", body=part.body, voice=part.voice, speed=part.speed)
        case Recorded():
            return PartItem(
                type="recorded", upload=part.upload, name=part.name, music=part.music, cuts=list(part.cuts)
            )  # fmt: skip
        case Chime():
            return PartItem(type="chime", chime=part.chime)


def _relay(stream: Stream | None) -> RelayItem | None:
    if stream is None:
        return None
    return RelayItem(url=stream.url, hosts=list(stream.hosts), minutes=stream.ms // MINUTE)


def _sound(session: Session, bulletin: Bulletin) -> Sound | None:
    sha = bulletin.recording_sha
    if sha is not None:
        ms = session.scalar(sa.select(Recording.ms).where(Recording.sha256 == sha))
        return Sound(state=RenderingState.DONE, percent=100, ms=ms, sha256=sha, error=None)
    making = recordings.latest_rendering(session, bulletin.id)
    if making is None:
        return None
    state = RenderingState(making.state)
    return Sound(state=state, percent=making.percent, ms=None, sha256=None, error=making.error)


def decision(said: Decision) -> DecisionItem:
    return DecisionItem(
        approved=said.approved, complete=said.complete, by=person(said.staff), at=moment(said.at),
        reason=said.reason, sounds=said.sounds, ended_at=perhaps(said.ended_at), ended_why=said.ended_why,
    )  # fmt: skip
