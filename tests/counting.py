"""How many statements something sends to the database: a number that must not grow with the receivers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session


@contextlib.contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)
