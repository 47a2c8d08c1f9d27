from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import staff
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import LoaError, NotAllowed
from loa.staff import May, Role
from loa.times import after
from tests.cast import NOON, PASSWORD, Cast, settle_in


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"login": "Hoà"}, "login"),
        ({"login": ""}, "login"),
        ({"login": "HOA"}, "login"),  # taken, whatever the case
        ({"name": " "}, "name"),
        ({"password": "ngan"}, "password"),
    ],
)
def test_a_wrong_value_names_its_field(
    session: Session, cast: Cast, changes: dict[str, str], field: str
) -> None:
    wanted = {"login": "moi", "name": "Mới", "role": Role.EDITOR, "password": PASSWORD, "now": NOON}
    with pytest.raises(LoaError) as caught:
        staff.add(session, **{**wanted, **changes})
    assert caught.value.field == field


def test_each_role_may_what_it_is_trusted_with(cast: Cast) -> None:
    assert cast.hoa.may(May.WRITE)
    assert cast.hoa.may(May.SCHEDULE)
    assert not cast.hoa.may(May.APPROVE)
    assert cast.minh.may(May.APPROVE)
    assert not cast.admin.may(May.APPROVE)
    assert cast.admin.may(May.MANAGE)
    assert cast.lan.may(May.READ)
    assert not cast.lan.may(May.WRITE)
    cast.minh.active = False
    with pytest.raises(NotAllowed, match="Minh không có quyền"):
        cast.minh.demand(May.READ)


def test_a_password_is_known_only_by_its_hash(session: Session, cast: Cast) -> None:
    assert PASSWORD not in cast.hoa.password_hash
    assert staff.password_matches(cast.hoa, PASSWORD)
    assert not staff.password_matches(cast.hoa, PASSWORD + "x")
    assert not staff.password_matches(None, PASSWORD)
    assert staff.find_for_sign_in(session, " HOA ") is cast.hoa
    cast.hoa.active = False
    session.flush()
    assert staff.find_for_sign_in(session, "hoa") is None


def test_a_new_password_ends_older_sign_ins(session: Session, cast: Cast) -> None:
    before = cast.hoa.session_stamp
    staff.change_password(session, cast.hoa, "mot-mat-khau-khac", now=NOON, by="hoa")
    assert cast.hoa.session_stamp != before
    assert not staff.password_matches(cast.hoa, PASSWORD)


def test_five_wrong_passwords_make_it_wait_and_a_right_one_clears(
    session: Session, cast: Cast
) -> None:
    keys = ("login:hoa", "address:127.0.0.1")
    for _ in range(4):
        staff.record_sign_in(session, keys, None, NOON)
    assert not staff.wait_before_sign_in(session, keys, NOON)
    staff.record_sign_in(session, keys, None, NOON)
    assert staff.wait_before_sign_in(session, ("login:hoa", "address:10.0.0.9"), after(NOON, 1))
    assert not staff.wait_before_sign_in(session, keys, after(NOON, staff.WAIT))
    staff.record_sign_in(session, keys, cast.hoa, after(NOON, 1))
    assert not staff.wait_before_sign_in(session, keys, after(NOON, 1))


def test_made_passwords_differ_and_can_be_read_out() -> None:
    made = {staff.new_password() for _ in range(100)}
    assert len(made) == 100
    assert not set("".join(made)) & set("ijlo01")


def test_a_closed_account_ends_its_sign_ins_and_nobody_closes_their_own(
    session: Session, cast: Cast
) -> None:
    before = cast.hoa.session_stamp
    staff.close(session, cast.hoa, now=NOON, by=cast.admin)
    assert cast.hoa.session_stamp != before
    assert staff.find_for_sign_in(session, "hoa") is None
    staff.reopen(session, cast.hoa, now=NOON, by=cast.admin)
    assert staff.find_for_sign_in(session, "hoa") is cast.hoa
    with pytest.raises(LoaError, match="tự khoá"):
        staff.close(session, cast.admin, now=NOON, by=cast.admin)
    with pytest.raises(NotAllowed):
        staff.close(session, cast.hoa, now=NOON, by=cast.minh)


def test_a_person_works_for_an_area_or_for_all(session: Session, cast: Cast) -> None:
    assert cast.hoa.area_id is None
    village = cast.villages[0].id
    assert staff.move(session, cast.hoa, village, now=NOON, by=cast.admin)
    assert cast.hoa.area_id == village
    assert not staff.move(session, cast.hoa, village, now=NOON, by=cast.admin)
    assert staff.move(session, cast.hoa, None, now=NOON, by=cast.admin)
    kinds = session.scalars(sa.select(AuditEntry.kind).where(AuditEntry.kind == "staff.area"))
    assert len(kinds.all()) == 2
    with pytest.raises(NotAllowed, match="quản lý đầu thu, cán bộ"):
        staff.move(session, cast.hoa, village, now=NOON, by=cast.minh)


def test_an_admin_works_for_the_whole_station(session: Session, cast: Cast) -> None:
    with pytest.raises(LoaError, match="Quản trị làm việc cho cả đài") as caught:
        staff.move(session, cast.admin, cast.commune.id, now=NOON, by=cast.admin)
    assert caught.value.field == "area"
    new = {"login": "moi", "name": "Mới", "password": PASSWORD, "now": NOON}
    with pytest.raises(LoaError, match="Quản trị làm việc cho cả đài"):
        staff.add(session, **new, role=Role.ADMIN, area_id=cast.commune.id)
    assert staff.add(session, **new, role=Role.EDITOR, area_id=cast.commune.id).area_id
