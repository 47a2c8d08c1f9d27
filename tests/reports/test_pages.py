"""A page of the log holds the rows that stand there when all are read, whatever is asked for."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import pytest
import sqlalchemy as sa

from devices.receivers import Receiver
from loa.benches.years import Years
from loa.times import DAY, after
from scheduler import reports
from scheduler.broadcasts import DeliveryState
from scheduler.reporting import pages
from scheduler.reports import LogFilter

SIZE = 7


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def years(request, tmp_path_factory):
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").fresh()
    with closing(Years(tmp_path_factory.mktemp("years"), 6, 400, url)) as made:
        yield made
    if url:
        request.getfixturevalue("postgresql").drop(url)


@pytest.fixture
def session(years):
    with years.ground.database.read() as opened:
        yield opened


@pytest.fixture
def everything(years) -> LogFilter:
    return LogFilter(since=after(years.now, -3 * DAY), until=years.now)


def narrowed(name: str, wanted: LogFilter, session) -> LogFilter:
    area = session.scalars(sa.select(Receiver).where(Receiver.id == "b-00002")).unique().one().area
    narrower = {
        "all": {},
        "area": {"area": area.full_name},
        "receiver": {"receiver_id": "b-00003"},
        "state": {"state": DeliveryState.UNKNOWN},
        "title": {"search": "số 6"},
        "within": {"within": frozenset([area.id])},
        "within and state": {"within": frozenset([area.id]), "state": DeliveryState.PLAYED},
        "nothing": {"search": "không có bản tin nào như thế"},
    }[name]
    return LogFilter(since=wanted.since, until=wanted.until, **narrower)


@pytest.mark.parametrize(
    "name",
    ["all", "area", "receiver", "state", "title", "within", "within and state", "nothing"],
)
def test_all_pages_together_are_the_log(session, everything, name) -> None:
    wanted = narrowed(name, everything, session)
    rows = list(reports.log_rows(session, wanted))
    whole = [row.delivery.id for row in rows]
    first = pages.page(session, wanted, 1, SIZE)
    assert first.pages == max(-(-len(whole) // SIZE), 1)
    assert first.counts == Counter(row.delivery.state for row in rows)
    read = [
        row.delivery.id
        for number in range(1, first.pages + 1)
        for row in pages.page(session, wanted, number, SIZE).rows
    ]
    assert read == whole
    assert (len(whole) > 0) is (name != "nothing")


def test_a_page_that_does_not_exist_is_the_nearest(session, everything) -> None:
    last = pages.page(session, everything, 10**9, SIZE)
    assert last.number == last.pages > 1
    assert pages.page(session, everything, -1, SIZE).number == 1
