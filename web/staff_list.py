"""The list of staff: looked for, sorted, a page at a time, and as a table file."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from devices import areas
from loa import second_step
from loa import staff as people
from loa.staff import Role, Staff
from loa.times import local
from loa.words import say
from web import current, labels, lists, spreadsheets

KEYS = {
    "ten": lambda person: (not person.active, lists.by_letters(person.name)),
    "vai": lambda person: (list(Role).index(person.role), lists.by_letters(person.name)),
    "them": lambda person: person.created_at,
}
"""What the list is sorted by, as the address names it; by name those whose accounts are closed come last."""
WAYS = (("ten", say("tên")), ("vai", say("vai trò")), ("them", say("ngày thêm")))
STATES = {"dang-lam": say("đang làm việc"), "da-khoa": say("đã khoá")}

WHOLE, YES = say("cả đài"), say("có")
HEADS = (
    say("Họ và tên"), say("Tên đăng nhập"), say("Vai trò"), say("Làm việc cho"), say("Tình trạng"),
    say("Bước xác nhận thứ hai"), say("Ngày thêm"),
)  # fmt: skip
"""Of the table file, which is in Vietnamese."""


@dataclass(frozen=True)
class Around:
    """What is shown beside each person."""

    places: dict[int, str]
    stepped: set[int]
    """Who has a second step in force."""


def page() -> str:
    """The page of the list this request asks for."""
    order = lists.order(*KEYS)
    with current.read() as session:
        found, around = _found(session, order), _around(session)
    here = lists.slice_of(len(found))
    return render_template(
        "staff/listing.html", everyone=here.of(found), around=around, slice=here, order=order, ways=WAYS,
        states=STATES, asked=lists.asked(), search=request.args.get("tim", ""),
        is_narrowed=bool(lists.asked(lists.ORDER)),
    )  # fmt: skip


def file() -> Response:
    """Those of the list's filter, in its order."""
    zone, day = current.zone(), local(current.now(), current.zone())
    with spreadsheets.writing() as (text, table), current.read() as session:
        around = _around(session)
        lines = [
            [person.name, person.login, str(labels.ROLES[person.role]),
             around.places.get(person.area_id or 0, WHOLE), STATES["dang-lam" if person.active else "da-khoa"],
             YES if person.id in around.stepped else None, labels.day(person.created_at, zone)]
            for person in _found(session, lists.order(*KEYS))
        ]  # fmt: skip
        spreadsheets.rows([HEADS, *lines], text)
    return spreadsheets.answer(table, f"can-bo-{day:%Y%m%d}.csv")


def _around(session: Session) -> Around:
    places = {area.id: area.full_name for _, area in areas.tree(session)}
    return Around(places, second_step.all_on(session))


def _found(session: Session, order: lists.Order) -> list[Staff]:
    """Those asked for: a commune has few people, so all are read and the words looked for here."""
    role, state = request.args.get("vai-tro", ""), request.args.get("tinh-trang", "")
    found = [
        person
        for person in people.everyone(session)
        if (not role or person.role.value == role)
        and (state not in STATES or person.active is (state == "dang-lam"))
        and lists.finds(request.args.get("tim", ""), person.name, person.login)
    ]
    return order.sorted(found, KEYS)
