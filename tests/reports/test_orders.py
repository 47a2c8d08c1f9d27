"""Reports by order: made once, kept, dropped and mailed, through refusals, power cuts and impatience."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from loa import config as configs
from loa import mail
from loa.audit import AuditEntry
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError, NotAllowed
from loa.mail import MailError
from loa.times import DAY, MINUTE, Instant, after
from scheduler.report_orders import making, orders, work
from scheduler.report_orders.orders import Wanted
from scheduler.report_orders.tables import ReportOrder, ReportRun, RunState, What, order_of
from scheduler.reporting import issuing
from tests import mailbox
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn
from tests.reports.broadcasting import play

DUE = vn("2026-12-01 08:00")
TO = ["tinh@tinh.example.vn"]
MAIL = "[mail]\nhost = '127.0.0.1'\nsender = 'dai@xa.example.vn'\nsecurity = 'none'\n"


LATE = "UPDATE deliveries SET state = 'played', played_ms = 30000 WHERE state = 'unknown'"


class PowerCut(BaseException):
    """The machine is off; nothing after this line happens."""


@dataclass
class Post:
    """A mail server that says what it is told to."""

    answers: list[Any] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __call__(
        self,
        settings: object,
        to: list[str],
        subject: str,
        body: str,
        attachments: Any,
        *,
        message_id: str,
    ) -> dict[str, str]:
        ((name, content, _),) = attachments
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, BaseException) and not isinstance(answer, PowerCut):
            raise answer
        self.sent.append(
            {
                "to": to,
                "subject": subject,
                "body": body,
                "name": name,
                "content": content,
                "id": message_id,
            }
        )
        if isinstance(answer, PowerCut):
            raise answer
        return answer


@dataclass
class House:
    config: Config
    database: Database
    cast: Cast
    post: Post = field(default_factory=Post)

    def order(self, **wanted: Any) -> int:
        asked = Wanted(**{"what": What.MONTH, "format": "csv", "to": TO, **wanted})
        with self.database.write() as session:
            return orders.add(session, asked, self.cast.hoa, NOON).id

    def work(self, now: Instant) -> int:
        """All that is to be done now; how many steps it took."""
        steps = 0
        while work.step(self.config, self.database, now, self.post):
            steps += 1
            assert steps < 50
        return steps

    def runs(self) -> list[ReportRun]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(ReportRun).order_by(ReportRun.id)))

    def run(self) -> ReportRun:
        (found,) = self.runs()
        return found

    def acts(self) -> list[str]:
        with self.database.read() as session:
            kinds = session.scalars(sa.select(AuditEntry.kind).order_by(AuditEntry.n))
            return [kind for kind in kinds if kind.startswith("report")]

    def troubled(self, now: Instant = DUE) -> int:
        with self.database.read() as session:
            return len(orders.troubled(session, now))

    @property
    def folder(self) -> Path:
        return self.config.data / "reports"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    with database.write() as session:
        cast = settle_in(session)
        bulletin = approved_bulletin(session, cast)
        play(session, cast, bulletin, vn("2026-11-21 17:00"), ("played", "played", "unknown"))
    return House(configs.parse(MAIL.encode(), tmp_path / "config.toml"), database, cast)


def test_nothing_happens_before_its_day(house: House) -> None:
    house.order()
    assert house.work(after(DUE, -1)) == 0
    assert (house.runs(), house.post.sent) == ([], [])


def test_on_its_day_it_is_made_kept_issued_and_mailed(house: House) -> None:
    house.order()
    house.work(DUE)
    run = house.run()
    assert (run.state, run.made_at, run.sent_at, run.next_at) == (RunState.SENT, DUE, DUE, None)
    (sent,) = house.post.sent
    assert sent["to"] == TO
    assert "tháng 11 năm 2026" in sent["subject"]
    assert "Đã phát 2/2 kết quả có xác nhận (100,0 %); 1 kết quả chưa có xác nhận" in sent["body"]
    assert re.fullmatch(r"bao-cao-20261101-20261130-\d+\.csv", sent["name"])
    assert sent["content"] == making.kept(house.config, run).read_bytes()
    assert run.sha256 == hashlib.sha256(sent["content"]).hexdigest()
    with house.database.read() as session:
        issued = issuing.last(session, vn("2026-11-01 00:00"), vn("2026-12-01 00:00"))
        assert (issued.by, issued.issued_at) == ("Hoa", DUE)
        assert issued.figures["total"]["Tất cả"]["played"] == 2
    assert house.acts() == [
        "report_order.add", "report.issue", "report_order.made", "report_order.sent",
    ]  # fmt: skip


def test_it_is_made_once_however_often_the_station_looks(house: House) -> None:
    house.order()
    for minutes in range(4):
        house.work(after(DUE, minutes * MINUTE))
    assert len(house.runs()) == len(house.post.sent) == 1
    house.work(vn("2027-01-01 08:00"))
    assert [str(run.first) for run in house.runs()] == ["2026-11-01", "2026-12-01"]


def test_what_was_due_while_the_station_was_off_is_made_up_for(house: House) -> None:
    house.order()
    house.work(vn("2027-03-01 09:00"))
    assert [str(run.first) for run in house.runs()] == [
        "2026-11-01", "2026-12-01", "2027-01-01", "2027-02-01",
    ]  # fmt: skip
    assert len({sent["name"] for sent in house.post.sent}) == 4


def test_a_folder_gets_the_whole_file_and_no_mail_is_needed(house: House) -> None:
    house.order(to=(), folder="gui-tinh", format="docx")
    house.work(DUE)
    run = house.run()
    assert (run.state, run.next_at) == (RunState.MADE, None)
    (file,) = (house.folder / "gui-tinh").iterdir()
    assert file.name == run.name
    assert hashlib.sha256(file.read_bytes()).hexdigest() == run.sha256
    assert house.post.sent == []


def test_evidence_that_comes_later_is_told_against_what_was_sent(house: House) -> None:
    house.order(format="json")
    house.work(DUE)
    with house.database.write() as session:
        session.execute(sa.text(LATE))
        orders.ask_now(session, orders.listed(session)[0], house.cast.hoa, after(DUE, DAY), ZONE)
    house.work(after(DUE, DAY))
    told = json.loads(house.post.sent[1]["content"])
    (changes,) = [table for table in told["tables"] if table["key"] == "changes"]
    assert changes["rows"]
    assert "đã thay đổi" in house.post.sent[1]["body"]


def test_a_half_year_not_over_says_so(house: House) -> None:
    house.order(what=What.HALF, day=5)
    house.work(vn("2026-11-26 08:00"))
    assert "trước khi hết kỳ" in house.post.sent[0]["body"]


@pytest.mark.parametrize("format", ["docx", "xlsx", "csv", "json"])
def test_every_format_is_made(house: House, format: str) -> None:
    house.order(format=format)
    house.work(DUE)
    assert house.run().state is RunState.SENT
    assert len(house.post.sent[0]["content"]) > 1000


# When the mail server says no, or nothing


def test_it_is_tried_again_with_growing_pauses_and_told_in_the_end(house: House) -> None:
    house.order()
    house.post.answers = [MailError("Chưa được. Loa sẽ thử lại.")] * 20
    tried, now = [], DUE
    for _ in range(20):
        house.work(now)
        tried.append(now)
        run = house.run()
        if run.next_at is None:
            break
        assert house.work(after(run.next_at, -1)) == 0
        now = run.next_at
    pauses = [b - a for a, b in itertools.pairwise(tried)]
    assert pauses == list(work.PAUSES)
    assert run.state is RunState.FAILED
    assert run.reason.startswith("Chưa được")
    assert (house.troubled(), house.post.sent) == (1, [])
    assert house.acts()[-1] == "report_order.failed"


def test_people_are_told_while_it_keeps_failing_and_not_any_more_once_it_is_sent(
    house: House,
) -> None:
    house.order()
    house.post.answers = [MailError("x")] * 3
    told = []
    now: Instant | None = DUE
    while now is not None:
        house.work(now)
        told.append(house.troubled())
        now = house.run().next_at
    assert told == [0, 0, 1, 0]
    assert house.run().state is RunState.SENT


def test_a_refusal_for_good_is_not_repeated_until_a_person_says_so(house: House) -> None:
    house.order()
    house.post.answers = [MailError("Không có hộp thư này.", is_final=True)]
    house.work(DUE)
    assert house.run().state is RunState.FAILED
    assert house.work(after(DUE, 20 * DAY)) == 0
    with house.database.write() as session:
        orders.again(session, session.scalars(sa.select(ReportRun)).first(), house.cast.hoa, DUE)
    house.work(DUE)
    assert house.run().state is RunState.SENT


def test_an_address_refused_beside_others_is_named(house: House) -> None:
    house.order(to=[*TO, "cu@xa.example.vn"])
    house.post.answers = [{"cu@xa.example.vn": "550 no such box"}]
    house.work(DUE)
    run = house.run()
    assert (run.state, run.refused) == (RunState.SENT, {"cu@xa.example.vn": "550 no such box"})
    assert "cu@xa.example.vn" in run.reason


def test_without_a_mail_server_it_is_made_and_says_what_is_missing(house: House) -> None:
    house.config = Config(folder=house.config.folder)
    house.order()
    house.work(DUE)
    run = house.run()
    assert (run.state, run.made_at) == (RunState.FAILED, DUE)
    assert "[mail]" in run.reason


def test_a_real_server_gets_it_whole(house: House, tmp_path: Path) -> None:
    with mailbox.serve() as box:
        text = f"{MAIL}port = {box.port}\n"
        house.config = configs.parse(text.encode(), tmp_path / "config.toml")
        house.order(format="xlsx")
        while work.step(house.config, house.database, DUE):
            pass
    (message,) = box.taken
    _, attachment = message.iter_parts()
    assert hashlib.sha256(attachment.get_content()).hexdigest() == house.run().sha256
    assert message["Message-ID"] == house.run().message_id


# Power cuts


def test_a_cut_while_the_mail_was_under_way_leaves_it_to_a_person(house: House) -> None:
    house.order()
    house.post.answers = [PowerCut()]
    with pytest.raises(PowerCut):
        house.work(DUE)
    house.work(after(DUE, 2 * DAY))
    run = house.run()
    assert (run.state, len(house.post.sent), house.troubled()) == (RunState.UNSURE, 1, 1)
    with house.database.write() as session:
        orders.again(session, session.get_one(ReportRun, run.id), house.cast.hoa, NOON)
    house.work(after(DUE, 2 * DAY))
    assert [sent["id"] for sent in house.post.sent] == [run.message_id] * 2
    assert house.run().state is RunState.SENT


def test_a_line_that_broke_before_the_answer_is_the_same(house: House) -> None:
    house.order()
    house.post.answers = [MailError("Đứt.", may_have_arrived=True)]
    house.work(DUE)
    assert house.run().state is RunState.UNSURE
    assert house.work(after(DUE, DAY)) == 0


@pytest.mark.parametrize("step", ["_write", "_sha256", "_note"])
def test_a_cut_while_it_is_made_gives_one_report_in_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    house.order(folder="gui-tinh")
    with monkeypatch.context() as patch:
        patch.setattr(making, step, lambda *_, **__: (_ for _ in ()).throw(PowerCut()))
        with pytest.raises(PowerCut):
            house.work(DUE)
    assert house.work(after(DUE, 1)) == 0  # not at once again: it may be what took the station down
    house.work(after(DUE, work.PAUSES[0]))
    assert house.run().state is RunState.SENT
    assert len(list((house.folder / "gui-tinh").iterdir())) == len(house.post.sent) == 1
    assert house.acts().count("report.issue") == 1


def test_a_disk_that_is_full_is_told_and_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.order()
    with monkeypatch.context() as patch:
        patch.setattr(making, "_write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
        house.work(DUE)
    assert "No space" in house.run().reason
    house.work(after(DUE, work.PAUSES[0]))
    assert (house.run().state, house.run().reason) == (RunState.SENT, "")


# People


def test_paused_it_waits_and_what_was_due_meanwhile_is_not_made_up_for(house: House) -> None:
    number = house.order()
    with house.database.write() as session:
        orders.pause(session, order_of(session, number), house.cast.hoa, NOON)
    assert house.work(after(DUE, DAY)) == 0
    with house.database.write() as session:
        orders.resume(session, order_of(session, number), house.cast.hoa, after(DUE, DAY))
    assert house.work(after(DUE, DAY)) == 0
    house.work(vn("2027-01-01 08:00"))
    assert [str(run.first) for run in house.runs()] == ["2026-12-01"]


def test_ended_it_is_gone_and_its_reports_stay(house: House) -> None:
    number = house.order()
    house.work(DUE)
    with house.database.write() as session:
        orders.end(session, order_of(session, number), house.cast.hoa, after(DUE, DAY))
    assert house.work(vn("2027-01-01 08:00")) == 0
    with house.database.read() as session, pytest.raises(LoaError, match="Không còn"):
        order_of(session, number)
    assert making.kept(house.config, house.run()).exists()


def test_one_at_once_does_not_take_the_place_of_the_regular_one(house: House) -> None:
    number = house.order()
    with house.database.write() as session:
        orders.ask_now(session, order_of(session, number), house.cast.hoa, NOON, ZONE)
    house.work(NOON)
    house.work(DUE)
    assert [str(run.first) for run in house.runs()] == ["2026-10-01", "2026-11-01"]


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"to": ["x"]}, "to", "không phải địa chỉ thư"),
        ({"to": [], "folder": ""}, "to", "địa chỉ thư hoặc tên thư mục"),
        ({"to": [f"a{n}@b.vn" for n in range(21)]}, "to", "nhiều nhất"),
        ({"folder": "../etc"}, "folder", "../etc"),
        ({"folder": "kept"}, "folder", "kept"),
        ({"day": 29}, "day", "từ 1 đến 28"),
        ({"what": What.WEEK, "day": 7}, "day", "từ 0 đến 6"),
        ({"what": What.YEAR, "month": 13}, "month", "Tháng 13"),
        ({"what": What.CAMPAIGN}, "campaign", "chọn chiến dịch"),
        ({"format": "pdf"}, "format", "pdf"),
    ],
)
def test_what_cannot_be_is_named_at_its_field(
    house: House, changes: dict[str, Any], where: str, words: str
) -> None:
    with pytest.raises(LoaError, match=words) as caught:
        house.order(**changes)
    assert caught.value.field == where
    with house.database.read() as session:
        assert session.scalars(sa.select(ReportOrder)).all() == []


def test_who_only_looks_on_may_not(house: House) -> None:
    with house.database.write() as session, pytest.raises(NotAllowed):
        orders.add(session, Wanted(What.MONTH, to=TO), house.cast.lan, NOON)


def test_the_same_address_twice_is_one(house: House) -> None:
    house.order(to=[" tinh@tinh.example.vn", "tinh@tinh.example.vn", " "], at=time(9, 30))
    with house.database.read() as session:
        assert orders.listed(session)[0].to == TO
    assert mail.address(TO[0]) == TO[0]


def test_a_form_sent_twice_is_one_order(house: House) -> None:
    house.order()
    with pytest.raises(LoaError, match="giống hệt"):
        house.order()
    house.order(day=2)


def test_asked_for_twice_it_is_sent_once(house: House) -> None:
    number = house.order()
    for later in (0, 1):
        with house.database.write() as session:
            order = order_of(session, number)
            orders.ask_now(session, order, house.cast.hoa, after(NOON, later), ZONE)
    house.work(after(NOON, 2))
    assert len(house.post.sent) == 1


def test_two_processes_do_not_both_send(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.order()
    seen = work._next

    def slow(session: Any, now: Instant) -> ReportRun | None:
        """Between the look and the work, the other process does all of it."""
        found = seen(session, now)
        if found is not None and found.state is RunState.MADE:
            monkeypatch.setattr(work, "_next", seen)
            house.work(now)
        return found

    monkeypatch.setattr(work, "_next", slow)
    house.work(DUE)
    assert (house.run().state, len(house.post.sent)) == (RunState.SENT, 1)
