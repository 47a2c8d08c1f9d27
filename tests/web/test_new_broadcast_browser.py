"""The three-minute path in a browser, every act of the hand counted, on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from content import bulletins
from content.bulletins import Bulletin, State
from content.parts import spoken
from scheduler import regulation
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Schedule
from tests.cast import NOON, PASSWORD, approved_bulletin, give_sound

pytestmark = pytest.mark.browser
MOST = 12
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
BODY = "Họp thôn Đông.\nMời bà con họp lúc 19h30 ngày 24/11 tại nhà văn hoá."
SLOTS = (
    Slot(key="sang", name="Sáng", start="05:30", minutes=30),
    Slot(key="chieu", name="Chiều", start="17:00", minutes=15),
)
# What a thumb has to hit; a link within a sentence may be as high as its line.
SMALL = """() => [...document.querySelectorAll(
    "main button, main summary, main [role=button], main label.slot, main label.chip, main nav.from a")]
  .map((element) => [element, element.getBoundingClientRect()])
  .filter(([element, box]) => box.width > 1 && box.height < 43.5 && !element.matches(".only-read, [aria-hidden]"))
  .map(([element, box]) => `${element.outerHTML.slice(0, 80)} ${box.height}`)"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SEEN = """(button) => {
  const box = button.getBoundingClientRect();
  const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return box.top > innerHeight / 2 && box.bottom <= innerHeight && (at === button || button.contains(at));
}"""


class Hand:
    """Acts as a person does, one at a time: each click, each field filled in, each file chosen is one."""

    def __init__(self, page: Page) -> None:
        self.page, self.acts = page, 0

    def click(self, target: Locator) -> None:
        target.click()
        self.acts += 1

    def fill(self, target: Locator, text: str) -> None:
        target.fill(text)
        self.acts += 1

    def choose(self, target: Locator, file: Path) -> None:
        target.set_input_files(file)
        self.acts += 1


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def size(request, page: Page) -> dict[str, int]:
    page.set_viewport_size(request.param)
    return request.param


@pytest.fixture
def complaints(page: Page):
    """What the browser found wrong."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    # The sounds of this station are rows without files; a page that is left gives up what it was asking for.
    expected = ("404", "400", "htmx:sendAbort", "htmx:afterRequest", "CONNECTION_RESET")
    assert [text for text in found if not any(each in text for each in expected)] == []


@pytest.fixture(autouse=True)
def sessions(database, cast):
    with database.write() as session:
        quiet = [regulation.parse_quiet("21:00-05:00")]
        regulation.add(session, cast.admin, quiet, Rulebook(slots=SLOTS), since=NOON, now=NOON)


@pytest.fixture
def hand(page: Page, served: str, size: dict[str, int], complaints: list[str]) -> Hand:
    """Hoa at the sign-in page; signing in counts."""
    hand = Hand(page)
    page.goto(served + "/dang-nhap")
    hand.fill(page.locator("[name=login]"), "hoa")
    hand.fill(page.locator("[name=password]"), PASSWORD)
    hand.click(page.get_by_role("button", name="Đăng nhập"))
    hand.click(page.get_by_role("button", name="Phát bản tin mới"))
    expect(page.get_by_role("heading", name="Phát bản tin mới")).to_be_visible()
    return hand


@pytest.fixture
def worker(database) -> Callable[[], None]:
    """Makes the sound of the newest bulletin, as the station does beside its pages."""

    def work() -> None:
        with database.write() as session:
            give_sound(
                session, session.scalars(sa.select(Bulletin).order_by(Bulletin.id.desc())).first()
            )

    return work


def looks_right(page: Page) -> None:
    """Nothing wider than the window, nothing too small for a thumb, the main button in its reach."""
    assert page.evaluate(WIDER) <= 0
    assert page.evaluate(SMALL) == []
    assert page.locator(".bar button").evaluate(SEEN)


def go_on(hand: Hand, worker: Callable[[], None]) -> None:
    """From the first step to the others, where the sound is heard."""
    looks_right(hand.page)
    hand.click(hand.page.get_by_role("button", name="Tiếp: nghe và chọn giờ"))
    hand.page.wait_for_url(re.compile(r"/phat-moi/\d+$"))
    worker()
    expect(hand.page.locator("audio")).to_be_visible()
    hand.page.locator("audio").evaluate("(player) => player.play().catch(() => {})")
    hand.acts += 1  # a press on "play"


def hand_in(hand: Hand) -> None:
    """A session tomorrow, everywhere, and away."""
    page = hand.page
    with page.expect_response(re.compile("khung-gio")):
        hand.click(page.locator("label.slot", has_text="05:30").first)
    looks_right(page)
    hand.click(page.locator(".bar").get_by_role("button", name="Gửi duyệt"))
    expect(page.get_by_text("Đã gửi duyệt.")).to_be_visible()
    assert hand.acts <= MOST, hand.acts


def outcome(database) -> tuple[State, list[str]]:
    with database.read() as session:
        newest = session.scalars(sa.select(Bulletin).order_by(Bulletin.id.desc())).first()
        found = session.scalars(sa.select(Schedule).where(Schedule.bulletin_id == newest.id))
        return newest.state, [f"{each.start_date} {each.at:%H:%M}" for each in found]


TOMORROW = (State.SUBMITTED, ["2026-11-22 05:30"])


def test_a_pasted_text_takes_nine_acts(hand, worker, database):
    hand.fill(hand.page.get_by_label("Nội dung"), BODY)
    expect(hand.page.get_by_text("Để trống thì tên là “Họp thôn Đông”.")).to_be_visible()
    go_on(hand, worker)
    hand_in(hand)
    assert (hand.acts, outcome(database)) == (9, TOMORROW)


def test_a_recording_is_made_and_sent(hand, worker, database):
    page = hand.page
    hand.click(page.get_by_label("bản ghi âm", exact=True))
    hand.click(page.get_by_role("button", name="Ghi âm", exact=True))
    expect(page.get_by_text("00:01")).to_be_visible()
    hand.click(page.get_by_role("button", name="Dừng ghi"))
    hand.click(page.get_by_role("button", name="Dùng bản ghi này"))
    expect(page.get_by_text("Đã nhận tệp “")).to_be_visible()
    go_on(hand, worker)
    hand_in(hand)
    assert (hand.acts, outcome(database)) == (12, TOMORROW)


def test_a_notice_is_filled_in_and_sent(hand, worker, database):
    page = hand.page
    hand.click(page.get_by_role("link", name="Họp thôn"))
    hand.fill(page.get_by_label("Họp lúc mấy giờ"), "19h30")
    hand.fill(page.get_by_label("Họp ngày nào"), "24/11/2026")
    hand.fill(page.get_by_label("Họp ở đâu"), "nhà văn hoá")
    hand.fill(page.get_by_label("Họp về việc gì"), "quỹ thôn")
    looks_right(page)
    page.get_by_role("button", name="Tiếp: nghe và chọn giờ").click()
    page.wait_for_url(re.compile(r"/phat-moi/\d+$"))
    worker()
    expect(page.locator("audio")).to_be_visible()
    hand.acts += 1
    hand_in(hand)
    assert outcome(database) == TOMORROW


def test_yesterdays_is_done_again(page, hand, worker, database, cast):
    with database.write() as session:
        approved_bulletin(session, cast, title="Thu gom rác", parts=spoken("Thu gom rác."))
    page.reload()
    hand.click(page.get_by_text("Làm lại bản tin đã phát"))
    hand.click(page.get_by_role("button", name="Làm lại Thu gom rác"))
    page.wait_for_url(re.compile(r"/phat-moi/2$"))
    worker()
    expect(page.locator("audio")).to_be_visible()
    hand_in(hand)
    assert (hand.acts, outcome(database)) == (8, TOMORROW)


def test_sent_before_the_sound_is_made_it_waits_for_it(hand, worker, database):
    page = hand.page
    hand.fill(page.get_by_label("Nội dung"), BODY)
    hand.click(page.get_by_role("button", name="Tiếp: nghe và chọn giờ"))
    # Loaded: a choice made before its scripts are is only kept.
    page.wait_for_url(re.compile(r"/phat-moi/1$"))
    with page.expect_response(re.compile("khung-gio")):
        hand.click(page.locator("label.slot", has_text="05:30").first)
    hand.click(page.locator(".bar").get_by_role("button", name="Gửi duyệt"))
    expect(page.get_by_text("Đang chờ âm thanh.")).to_be_visible()
    assert outcome(database)[0] is State.DRAFT
    worker()
    expect(page.get_by_text("Đã gửi duyệt.")).to_be_visible()
    assert outcome(database) == TOMORROW


def test_going_back_to_the_words_keeps_where_and_when(hand, worker, database):
    page = hand.page
    hand.fill(page.get_by_label("Nội dung"), BODY)
    go_on(hand, worker)
    with page.expect_response(re.compile("khung-gio")):
        page.locator("label.slot", has_text="05:30").first.click()
    page.get_by_label("xã Mẫu").uncheck()
    page.get_by_label("thôn Đoài").check()
    page.get_by_role("button", name="Sửa nội dung").click()
    page.get_by_label("Nội dung").fill("Họp thôn Đoài lúc 20h ngày 24/11.")
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    page.wait_for_url(re.compile(r"/phat-moi/1$"))
    expect(page.locator("label.slot", has_text="05:30").first.locator("input")).to_be_checked()
    expect(page.get_by_label("thôn Đoài")).to_be_checked()
    expect(page.get_by_label("xã Mẫu")).not_to_be_checked()


def test_it_is_taken_back(hand, worker, database):
    page = hand.page
    hand.fill(page.get_by_label("Nội dung"), BODY)
    go_on(hand, worker)
    hand_in(hand)
    page.get_by_role("button", name="Rút lại").click()
    expect(page.get_by_text("Đã rút lại.")).to_be_visible()
    assert outcome(database)[0] is State.DRAFT


def test_sent_back_it_is_put_right_and_approved(hand, worker, database, cast, served, page):
    hand.fill(page.get_by_label("Nội dung"), BODY)
    go_on(hand, worker)
    hand_in(hand)
    as_minh(page, served)
    page.goto(served + "/ban-tin/1")
    page.get_by_text("Trả lại người soạn").click()
    page.get_by_label("Lý do trả lại").fill("Sai giờ họp")
    page.get_by_role("button", name="Trả lại", exact=True).click()
    expect(page.get_by_text("Đã trả lại bản tin")).to_be_visible()

    sign_in(page, served, "hoa")
    page.goto(served + "/phat-moi/1")
    expect(page.get_by_text("Minh trả lại:")).to_be_visible()
    page.get_by_role("button", name="Sửa nội dung").click()
    page.get_by_label("Nội dung").fill("Họp thôn lúc 20h ngày 24/11.")
    page.get_by_role("button", name="Lưu và tạo âm thanh").click()
    page.wait_for_url(re.compile(r"/phat-moi/1$"))
    worker()
    expect(page.locator("audio")).to_be_visible()
    page.locator(".bar").get_by_role("button", name="Gửi duyệt").click()
    expect(page.get_by_text("Đã gửi duyệt.")).to_be_visible()

    as_minh(page, served)
    page.goto(served + "/ban-tin/1")
    page.get_by_label("Tôi đã nghe bản ghi này từ đầu đến cuối").check()
    page.get_by_role("button", name="Duyệt cho phát").click()
    expect(page.get_by_text("Đã duyệt. Bản tin có thể phát.")).to_be_visible()
    with database.read() as session:
        assert bulletins.get(session, 1).state is State.APPROVED
    assert outcome(database)[1] == ["2026-11-22 05:30"]


def as_minh(page: Page, served: str) -> None:
    sign_in(page, served, "minh")


def sign_in(page: Page, served: str, login: str) -> None:
    page.goto("about:blank")  # an answer still on its way would bring the cookie back
    page.context.clear_cookies()
    page.goto(served + "/dang-nhap")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", name="Hôm nay")).to_be_visible()


def test_a_half_filled_notice_is_there_when_one_comes_back(hand):
    page = hand.page
    page.get_by_role("link", name="Họp thôn").click()
    page.get_by_label("Họp ở đâu").fill("nhà văn hoá")
    page.get_by_role("link", name="Tự soạn").click()
    expect(page.get_by_label("Nội dung")).to_be_visible()
    page.get_by_role("link", name="Họp thôn").click()
    expect(page.get_by_label("Họp ở đâu")).to_have_value("nhà văn hoá")
