"""CAP 1.2 in and out; the messages are files under tests/cap."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import NotAllowed, NotFound, ScheduleError
from loa.times import HOUR, MINUTE, after
from scheduler import alert_consent, alert_orders, cap, cap_messages, cap_out, regulation
from scheduler.alert_orders import LEAD, Order
from scheduler.alert_words import DRILL
from scheduler.alerts import Alert, State
from scheduler.cap_messages import CapMessage
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, another_approver, give_sound, settle_in, vn

SAMPLES = Path(__file__).parent.parent / "cap"
STATION = "Đài truyền thanh xã Mẫu"


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
    return settle_in(session)


def read(name: str) -> bytes:
    return (SAMPLES / f"{name}.xml").read_bytes()


def take_in(
    session: Session, cast: Cast, name: str, by: object = None, now: int = NOON
) -> CapMessage:
    row = cap_messages.take_in(session, by or cast.hoa, read(name), now, ZONE)
    session.flush()
    session.refresh(row)
    return row


def sound(session: Session, cast: Cast, alert: Alert) -> None:
    """Place chosen, both approvers agreed."""
    alert_orders.choose_where(session, alert, cast.hoa, Where((cast.commune.id,)), NOON)
    if not alert.bulletin.sounds:
        give_sound(session, alert.bulletin)
    for person in (cast.minh, another_approver(session)):
        heard = alert.bulletin.sounds.values()
        if alert.state is State.WAITING:
            alert_consent.agree(session, alert, person, heard, NOON, ZONE)
    assert alert.state is State.ACTIVE


# -- reading --------------------------------------------------------------------------------------


def test_it_reads_what_a_message_says() -> None:
    message = cap.parse(read("alert"))
    assert (message.sender, message.identifier) == ("kttv@example.org", "LU-001")
    assert (message.status, message.kind, message.scope) == ("Actual", "Alert", "Public")
    assert message.sent == vn("2026-11-21 11:50")
    info = message.info
    assert info.expires == vn("2026-11-21 15:00")
    assert info.areas == (cap.Area("xã Mẫu, thôn Đông", (("DVHC", "00123"),)),)


def test_vietnamese_goes_before_what_comes_first() -> None:
    assert cap.parse(read("alert_two_languages")).info.headline == "Cảnh báo lũ quét xã Mẫu"
    assert not cap.parse(read("alert_english")).info.is_vietnamese


def test_no_web_address_is_read_out() -> None:
    said = cap.parse(read("alert")).info.speech
    assert "http" not in said
    assert said.startswith("Cảnh báo lũ quét xã Mẫu\n\nMưa lớn")
    assert said.endswith("Bà con rời chỗ thấp ngay.")


@pytest.mark.parametrize("path", sorted((SAMPLES / "bad").iterdir()), ids=lambda path: path.stem)
def test_a_message_that_is_none_is_refused_with_what_is_wrong(path: Path) -> None:
    with pytest.raises(ScheduleError, match="Hãy xin nơi gửi") as refusal:
        cap.parse(path.read_bytes())
    assert refusal.value.field == "file"


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"<", b"<alert/>", b"\xff\xfe<", b"a" * (cap.MOST_BYTES + 1), b"<a>" * 20_000],
)
def test_no_bytes_bring_it_down(data: bytes) -> None:
    with pytest.raises(ScheduleError):
        cap.parse(data)


# -- coming in ------------------------------------------------------------------------------------


def test_an_alert_waits_for_people_and_a_place(session, cast) -> None:
    row = take_in(session, cast, "alert", cast.hoa)
    alert = row.alert
    assert alert.state is State.WAITING
    assert alert.where.is_nowhere
    assert alert.expires_at == vn("2026-11-21 15:00")
    assert alert.title == "Cảnh báo lũ quét xã Mẫu"
    assert cap_messages.suggest(session, alert) == [cast.commune.id, cast.villages[0].id]
    give_sound(session, alert.bulletin)
    heard = alert.bulletin.sounds.values()
    with pytest.raises(ScheduleError) as refusal:
        alert_consent.agree(session, alert, cast.minh, heard, NOON, ZONE)
    assert refusal.value.field == "area_ids"
    sound(session, cast, alert)


def test_the_same_message_is_not_prepared_twice(session, cast) -> None:
    first = take_in(session, cast, "alert")
    assert take_in(session, cast, "alert", now=after(NOON, MINUTE)) is first
    assert session.scalar(sa.select(sa.func.count(Alert.id))) == 1


def test_an_exercise_becomes_a_drill(session, cast) -> None:
    alert = take_in(session, cast, "exercise").alert
    assert alert.drill
    assert alert.state is State.WAITING
    assert alert.bulletin.body.startswith(DRILL)
    assert alert.bulletin.body.endswith(DRILL)


@pytest.mark.parametrize(
    "name", ["test", "system", "draft", "ack", "error", "restricted", "alert_expired"]
)
def test_what_is_not_for_the_public_now_is_kept_and_nothing_else(session, cast, name) -> None:
    row = take_in(session, cast, name)
    assert row.alert is None
    assert "chỉ lưu lại" in row.outcome
    assert row.raw.encode() == read(name)
    assert session.scalars(sa.select(Alert)).all() == []


def test_without_an_expiry_it_holds_two_hours_and_never_more_than_a_day(session, cast) -> None:
    assert take_in(session, cast, "alert_no_expiry").alert.expires_at == after(NOON, 2 * HOUR)
    assert take_in(session, cast, "alert_days").alert.expires_at == after(NOON, 24 * HOUR)


def test_an_update_takes_the_place_of_what_waits(session, cast) -> None:
    old = take_in(session, cast, "alert").alert
    new = take_in(session, cast, "update").alert
    assert (old.state, old.ended_why) == (State.REFUSED, "Nơi gửi đã có tin cập nhật.")
    assert new.state is State.WAITING
    assert new.replaces_id is None


def test_an_update_of_what_sounds_takes_its_place_when_people_agree(session, cast) -> None:
    old = take_in(session, cast, "alert").alert
    sound(session, cast, old)
    new = take_in(session, cast, "update").alert
    assert old.state is State.ACTIVE
    sound(session, cast, new)
    assert old.state is State.ENDED


def test_a_cancel_ends_what_waits(session, cast) -> None:
    old = take_in(session, cast, "alert").alert
    assert take_in(session, cast, "cancel").outcome == "Tin huỷ: đã kết thúc 1 lệnh."
    assert old.state is State.REFUSED


def test_a_cancel_ends_what_sounds_when_somebody_brings_it_who_may_stop(session, cast) -> None:
    old = take_in(session, cast, "alert").alert
    sound(session, cast, old)
    with pytest.raises(NotAllowed):
        take_in(session, cast, "cancel", cast.hoa)
    assert cap_messages.find(session, "kttv@example.org", "LU-001-3") is None
    take_in(session, cast, "cancel", cast.minh)
    assert (old.state, old.ended_why) == (State.ENDED, "Nơi gửi huỷ tin. Nước đã rút.")
    assert "alert.end" in session.scalars(sa.select(AuditEntry.kind)).all()


def named(
    session: Session, by: object, name: str, identifier: str, refs: str = "", sender: str = ""
) -> CapMessage:
    """That message under another name, speaking of others (``LU-001 LU-002``)."""
    text = read(name).decode()
    text = re.sub("<identifier>.*?<", f"<identifier>{identifier}<", text)
    text = re.sub("<sender>.*?<", f"<sender>{sender or 'kttv@example.org'}<", text)
    told = " ".join(f"kttv@example.org,{each},2026-11-21T11:50:00+07:00" for each in refs.split())
    text = re.sub("<references>.*?<", f"<references>{told}<", text, flags=re.DOTALL)
    row = cap_messages.take_in(session, by, text.encode(), NOON, ZONE)
    session.flush()
    session.refresh(row)
    return row


def test_a_cancel_of_the_latest_ends_what_sounds_under_an_older_message(session, cast) -> None:
    old = take_in(session, cast, "alert").alert
    sound(session, cast, old)
    new = named(session, cast.hoa, "update", "B", "LU-001").alert
    named(session, cast.minh, "cancel", "C", "B")
    assert (old.state, new.state) == (State.ENDED, State.REFUSED)


def test_an_update_of_an_update_takes_the_place_of_what_still_sounds(session, cast) -> None:
    old = take_in(session, cast, "alert").alert
    sound(session, cast, old)
    second = named(session, cast.hoa, "update", "B", "LU-001").alert
    third = named(session, cast.hoa, "update", "C", "B").alert
    assert (old.state, second.state) == (State.ACTIVE, State.REFUSED)
    sound(session, cast, third)
    assert (old.state, third.state) == (State.ENDED, State.ACTIVE)


def test_an_update_of_two_that_sound_ends_both(session, cast) -> None:
    both = [named(session, cast.hoa, "alert", name).alert for name in ("A1", "A2")]
    for alert in both:
        sound(session, cast, alert)
    sound(session, cast, named(session, cast.hoa, "update", "B", "A1 A2").alert)
    assert [alert.state for alert in both] == [State.ENDED, State.ENDED]


def test_messages_that_speak_of_each_other_are_followed_once(session, cast) -> None:
    named(session, cast.hoa, "update", "B", "C")
    named(session, cast.hoa, "update", "C", "B")
    assert named(session, cast.hoa, "cancel", "D", "B").outcome.startswith("Tin huỷ")


def test_a_cancel_of_what_waits_needs_somebody_who_may_refuse_it(session, cast) -> None:
    old = take_in(session, cast, "alert", cast.minh).alert
    with pytest.raises(NotAllowed):
        take_in(session, cast, "cancel", cast.hoa)
    assert old.state is State.WAITING
    take_in(session, cast, "cancel", another_approver(session))
    assert old.state is State.REFUSED
    assert "alert.refuse" in session.scalars(sa.select(AuditEntry.kind)).all()


@pytest.mark.parametrize("name", ["cancel", "update"])
def test_nobody_speaks_of_the_messages_of_another_sender(session, cast, name) -> None:
    old = take_in(session, cast, "alert").alert
    named(session, cast.minh, name, "X", "LU-001", sender="ai@example.org")
    assert old.state is State.WAITING


def test_another_senders_cancel_keeps_out_nothing(session, cast) -> None:
    named(session, cast.minh, "cancel", "X", "LU-001", sender="ai@example.org")
    assert take_in(session, cast, "alert").alert is not None


def test_an_exercise_cancels_nothing_real(session, cast) -> None:
    old = take_in(session, cast, "alert").alert
    take_in(session, cast, "exercise_cancel_of_actual")
    assert old.state is State.WAITING


@pytest.mark.parametrize("later", ["update", "cancel"])
def test_a_message_that_comes_after_its_successor_is_not_prepared(session, cast, later) -> None:
    take_in(session, cast, later)
    row = take_in(session, cast, "alert")
    assert row.alert is None
    assert "thay hoặc huỷ" in row.outcome


def test_who_only_looks_on_brings_no_message(session, cast) -> None:
    with pytest.raises(NotAllowed):
        take_in(session, cast, "alert", cast.lan)


# -- going out ------------------------------------------------------------------------------------

ALERT = ("identifier sender sent status msgType source? scope restriction? addresses? code* note? references? "
         "incidents? info*")  # fmt: skip
INFO = ("language? category+ event responseType* urgency severity certainty audience? eventCode* effective? "
        "onset? expires? senderName? headline? description? instruction? web? contact? parameter* "
        "resource* area*")  # fmt: skip
AREA = "areaDesc polygon* circle* geocode* altitude? ceiling?"
MOMENT = re.compile(r"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
VALUES = {
    "status": cap.STATUSES, "msgType": cap.KINDS, "scope": cap.SCOPES, "category": cap.CATEGORIES,
    "urgency": cap.URGENCIES, "severity": cap.SEVERITIES, "certainty": cap.CERTAINTIES,
}  # fmt: skip


def conforms(found: Element, schema: str) -> None:
    """The children of an element are those the schema of CAP 1.2 names, as often and in the order it names them."""
    names = [child.tag.removeprefix(f"{{{cap.NAMESPACE}}}") for child in found]
    pattern = "".join(
        f"(?:{word.rstrip('?*+')} ){word[-1] if word[-1] in '?*+' else ''}"
        for word in schema.split()
    )
    assert re.fullmatch(pattern, "".join(f"{name} " for name in names)), names
    for name, child in zip(names, found, strict=True):
        text = child.text or ""
        assert name not in VALUES or text in VALUES[name], (name, text)
        assert name not in ("sent", "effective", "expires") or MOMENT.fullmatch(text), (name, text)
        assert name not in ("identifier", "sender") or re.fullmatch(r"[^\s,<&]+", text), text
        assert len(child) or text.strip(), f"<{name}> is empty"


def demand_valid(data: bytes) -> None:
    root = ElementTree.fromstring(data)  # noqa: S314 - our own
    assert root.tag == f"{{{cap.NAMESPACE}}}alert"
    conforms(root, ALERT)
    for info in root.findall(f"{{{cap.NAMESPACE}}}info"):
        conforms(info, INFO)
        for area in info.findall(f"{{{cap.NAMESPACE}}}area"):
            conforms(area, AREA)
            for code in area.findall(f"{{{cap.NAMESPACE}}}geocode"):
                conforms(code, "valueName value")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.xml")), ids=lambda path: path.stem)
def test_what_was_read_is_written_as_the_schema_has_it(path: Path) -> None:
    message = cap.parse(path.read_bytes())
    written = cap.write(message, ZONE)
    demand_valid(written)
    again = cap.parse(written)
    assert (again.sender, again.identifier, again.sent) == (
        message.sender,
        message.identifier,
        message.sent,
    )
    assert again.infos == message.infos
    assert again.references == message.references


def out(session: Session, alert: Alert) -> cap.Message:
    data = cap.write(cap_out.message(session, alert, STATION, ZONE), ZONE)
    demand_valid(data)
    return cap.parse(data)


def ours(session: Session, cast: Cast, **changes: object) -> Alert:
    usual = {"where": Where((cast.commune.id,)), "expires_at": after(NOON, 2 * HOUR), "title": "Lũ < lên & nhanh",
             "body": "Nước lên.", "template": "lu"}  # fmt: skip
    return alert_orders.prepare(session, cast.hoa, Order(**{**usual, **changes}), NOON, ZONE)


def test_an_alert_of_ours_is_told_as_cap(session, cast) -> None:
    alert = ours(session, cast)
    sound(session, cast, alert)
    message = out(session, alert)
    assert (message.kind, message.status) == ("Alert", "Actual")
    assert message.sender == "dai-truyen-thanh-xa-mau"
    assert message.sent == NOON
    info = message.info
    assert (info.event, info.categories, info.severity) == ("Lũ lên nhanh", ("Geo",), "Extreme")
    assert info.headline == "Lũ < lên & nhanh"
    assert info.effective == after(NOON, LEAD)
    assert info.areas[0].description == "xã Mẫu"


def test_one_nobody_agreed_to_is_told_to_nobody(session, cast) -> None:
    with pytest.raises(NotFound):
        cap_out.message(session, ours(session, cast), STATION, ZONE)


def test_an_end_is_told_as_cancel_of_that_very_message(session, cast) -> None:
    alert = ours(session, cast)
    sound(session, cast, alert)
    before = out(session, alert)
    alert_orders.end(session, alert, cast.minh, "nước đã rút", after(NOON, MINUTE))
    message = out(session, alert)
    assert message.kind == "Cancel"
    assert message.note == "nước đã rút"
    assert [(r.sender, r.identifier, r.sent) for r in message.references] == [
        (before.sender, before.identifier, before.sent_text)
    ]
    assert message.identifier != before.identifier


def test_what_takes_the_place_of_another_is_told_as_its_update(session, cast) -> None:
    old = ours(session, cast)
    sound(session, cast, old)
    told = out(session, old)
    new = ours(session, cast, replaces_id=old.id)
    sound(session, cast, new)
    message = out(session, new)
    assert message.kind == "Update"
    assert message.references[0].identifier == told.identifier


def test_a_drill_is_told_as_exercise_and_never_as_actual(session, cast) -> None:
    alert = ours(session, cast, drill=True)
    sound(session, cast, alert)
    message = out(session, alert)
    assert (message.status, message.note) == ("Exercise", "Diễn tập.")
    assert message.info.headline.startswith("DIỄN TẬP")


def test_what_came_in_goes_out_with_what_its_sender_said_of_it(session, cast) -> None:
    alert = take_in(session, cast, "update").alert
    sound(session, cast, alert)
    info = out(session, alert).info
    assert (info.event, info.categories, info.severity) == ("Lũ quét", ("Met",), "Extreme")


def test_places_of_every_kind_are_named(session, cast) -> None:
    alert = ours(session, cast, where=Where((), (), (), ("r-0000",)))
    heard = give_sound(session, alert.bulletin)
    for person in (cast.minh, another_approver(session)):
        alert_consent.agree(session, alert, person, [heard], NOON, ZONE)
    assert [area.description for area in out(session, alert).info.areas] == ["1 đầu thu"]
