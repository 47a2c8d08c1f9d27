"""``loa staff``: who may sign in, and a new password for whoever lost it, an admin above all."""

from __future__ import annotations

import argparse

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit, second_step, staff, times
from loa.commands import common
from loa.database import Database
from loa.errors import NotFound
from loa.staff import SignInFailure, Staff

SECOND_STEP = {True: "có bước xác nhận thứ hai", False: "chỉ mật khẩu"}


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="VIỆC")
    common.add_config(acts.add_parser("list", help="xem các tài khoản"))
    reset = acts.add_parser(
        "reset", help="đặt mật khẩu mới cho một người và đăng xuất mọi máy của người ấy"
    )
    reset.add_argument("login", metavar="TÊN_ĐĂNG_NHẬP")
    reset.add_argument(
        "--second-step", action="store_true", help="tắt cả bước xác nhận thứ hai (mất điện thoại)"
    )
    common.add_config(reset)


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    database = Database(config.database_url)
    database.demand_current()
    if parsed.act == "list":
        _list(database)
    else:
        _reset(database, parsed.login, second_too=parsed.second_step)
    return 0


def _list(database: Database) -> None:
    with database.read() as session:
        stepped = second_step.all_on(session)
        for person in staff.everyone(session):
            closed = "" if person.active else "  đã khoá"
            step = SECOND_STEP[person.id in stepped]
            print(f"{person.login}  {person.role}  {step}{closed}  {person.name}")


def _reset(database: Database, login: str, *, second_too: bool) -> None:
    password, now = staff.new_password(), times.now()
    with database.write() as session:
        person = _find(session, login)
        staff.change_password(session, person, password, now=now, by=audit.SYSTEM)
        taken_off = second_too and second_step.take_off(session, person, now, audit.SYSTEM)
        still_on = second_step.is_on(session, person)
        keys = [f"{what}:{person.login}" for what in ("login", "own", "step")]
        # Whoever was locked out by tries, their own or another's, gets in at once.
        session.execute(sa.delete(SignInFailure).where(SignInFailure.key.in_(keys)))
    print(f"{person.name} ({person.login})   mật khẩu mới: {password}")
    print("Mật khẩu chỉ in ra một lần; hãy đổi sau khi đăng nhập. Mọi máy khác đã bị đăng xuất.")
    if taken_off:
        print("Đã tắt bước xác nhận thứ hai; hãy đặt lại ở trang Tài khoản.")
    elif still_on:
        print(
            "Bước xác nhận thứ hai vẫn bật: cần điện thoại hoặc mã dự phòng (--second-step: tắt)."
        )


def _find(session: Session, login: str) -> Staff:
    person = staff.find_for_sign_in(session, login)
    if person is not None:
        return person
    known = ", ".join(each.login for each in staff.everyone(session) if each.active)
    raise NotFound(
        f"Không có tài khoản đang mở nào tên “{login}”. Các tài khoản: {known or 'chưa có'}. "
        "Tài khoản đã khoá thì quản trị mở lại ở trang Cán bộ."
    )
