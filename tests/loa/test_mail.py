"""Mail to a real server: the right one, the wrong one, one that says no, and a line that breaks."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loa import config, mail
from loa.config import Config
from loa.mail import MailError
from tests import loopback, mailbox

TO = ["chutich@xa.example.vn", "tinh@tinh.example.vn"]
PAPER = ("Báo cáo tháng 11.docx", b"\x00\xffPK", "application/octet-stream")
# What it warns of is for a server that strangers reach.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    loopback.stay_home(monkeypatch)


def test_it_arrives_whole_with_marks_and_attachments() -> None:
    with mailbox.serve() as box:
        refused = mail.send(
            box.settings(), TO, "Báo cáo\r\nBcc: ke@gian.vn", "Kính gửi\n.\nHết.", [PAPER], message_id="<a@b.vn>"
        )  # fmt: skip
    assert refused == {}
    (message,) = box.taken
    assert box.envelopes[0].rcpt_tos == TO
    assert box.envelopes[0].mail_from == message["From"] == "dai@xa.example.vn"
    assert (message["Subject"], message["Bcc"]) == ("Báo cáo Bcc: ke@gian.vn", None)
    assert message["Message-ID"] == "<a@b.vn>"
    body, paper = message.iter_parts()
    assert body.get_content().splitlines() == ["Kính gửi", ".", "Hết."]
    assert (paper.get_filename(), paper.get_content()) == PAPER[:2]


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_it_signs_in_behind_a_certificate_it_can_check(
    tmp_path: Path, security: str, implicit: bool
) -> None:
    own = loopback.certificate(tmp_path)
    with mailbox.serve(own, implicit=implicit, login=True) as box:
        mail.send(box.known(security=security, ca_file=str(own)), TO, "a", "b")
    assert len(box.taken) == 1


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_a_server_nobody_vouches_for_is_told_nothing(
    tmp_path: Path, security: str, implicit: bool
) -> None:
    own = loopback.certificate(tmp_path)
    with (
        mailbox.serve(own, implicit=implicit, login=True) as box,
        pytest.raises(MailError, match="Chứng chỉ"),
    ):
        mail.send(box.known(security=security), TO, "a", "b")
    assert box.taken == []


def test_a_server_without_starttls_gets_no_password() -> None:
    with mailbox.serve() as box, pytest.raises(MailError, match="STARTTLS") as caught:
        mail.send(box.known(security="starttls"), TO, "a", "b")
    assert caught.value.is_final
    assert box.taken == []


def test_a_wrong_password_is_named() -> None:
    with mailbox.serve(login=True) as box, pytest.raises(MailError, match="mật khẩu") as caught:
        mail.send(box.settings(username="loa", password=config.Secret("x")), TO, "a", "b")
    assert caught.value.is_final


def test_one_refused_address_does_not_keep_it_from_the_other() -> None:
    with mailbox.serve() as box:
        box.refused[TO[0]] = "550 no such box"
        assert mail.send(box.settings(), TO, "a", "b") == {TO[0]: "550 no such box"}
    assert box.envelopes[0].rcpt_tos == TO[1:]


@pytest.mark.parametrize(("code", "is_final"), [("550 never", True), ("450 later", False)])
def test_all_addresses_refused_is_no_success(code: str, is_final: bool) -> None:
    with mailbox.serve() as box:
        box.refused = dict.fromkeys(TO, code)
        with pytest.raises(MailError, match=code) as caught:
            mail.send(box.settings(), TO, "a", "b")
    assert caught.value.is_final is is_final


@pytest.mark.parametrize(("answer", "is_final"), [("552 too big", True), ("451 not now", False)])
def test_a_message_refused_did_not_arrive(answer: str, is_final: bool) -> None:
    with mailbox.serve() as box:
        box.answers = [answer]
        with pytest.raises(MailError, match=answer) as caught:
            mail.send(box.settings(), TO, "a", "b")
    assert (caught.value.is_final, caught.value.may_have_arrived) == (is_final, False)


def test_a_line_that_breaks_after_the_last_byte_leaves_it_open() -> None:
    with mailbox.serve() as box:
        box.answers = ["cut"]
        with pytest.raises(MailError, match="có thể đã đi") as caught:
            mail.send(box.settings(), TO, "a", "b")
    assert len(box.taken) == 1
    assert caught.value.may_have_arrived
    assert not caught.value.is_final


def test_nobody_at_the_door() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(MailError, match="Không nói chuyện được") as caught:
        mail.send(mailbox.Mailbox(port).settings(), TO, "a", "b")
    assert not caught.value.is_final


@contextlib.contextmanager
def mute(said: bytes) -> Iterator[int]:
    """The port of a server that says ``said``, and then no more."""
    over = threading.Event()

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(said)
            over.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize("said", [b"", b"220 hello\r\n"])
def test_a_server_that_falls_silent_is_not_waited_for_without_end(said: bytes) -> None:
    with mute(said) as port, pytest.raises(MailError, match="không trả lời kịp") as caught:
        mail.send(mailbox.Mailbox(port).settings(patience=0.2), TO, "a", "b")
    assert not caught.value.is_final


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hoa",
        "hoa@",
        "hoa@xa",
        "Hoa <hoa@xa.vn>",
        "hoa@xa.vn\nBcc: a@b.vn",
        "hoà@xa.vn",
        "a..b@x.vn",
        ".a@x.vn",
        "a.@x.vn",
        "a@-x.vn",
        f"{65 * 'a'}@x.vn",
    ],
)
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(MailError, match="không phải địa chỉ thư") as caught:
        mail.address(text, field="to")
    assert caught.value.field == "to"
    assert mail.address(" hoa@xa.example.vn ") == "hoa@xa.example.vn"


DOTTED = st.lists(st.text("aB9-+'{!", min_size=1, max_size=5), min_size=1, max_size=3).map(".".join)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(DOTTED, st.sampled_from(("xa.example.vn", "a-b.c1.vn", "9.vn")))
def test_every_address_taken_can_stand_in_a_message(local: str, domain: str) -> None:
    text = mail.address(f"{local}@{domain}")
    server = mailbox.Mailbox().settings(sender=text)
    message = mail._message(server, [text], "a", "b", [], None)
    assert message["To"].addresses[0].addr_spec == message["From"].addresses[0].addr_spec == text
    assert mail.new_id(server).endswith(f"@{domain}>")


def parse(folder: Path, text: str) -> Config:
    return config.parse(text.encode(), folder / "config.toml")


def test_the_settings_come_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "thu.txt").write_text("bi-mat\n")
    said = (
        "[mail]\nhost = 'thu.example.vn'\nusername = 'dai@xa.example.vn'\npassword_file = 'thu.txt'"
    )
    found = mail.settings(parse(tmp_path, said))
    assert (found.sender, found.port, found.security) == ("dai@xa.example.vn", 587, "starttls")
    assert str(found.password) == "bi-mat"
    assert "bi-mat" not in repr(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "chưa có máy chủ thư"),
        ("host = 'a.vn'", "không phải địa chỉ thư"),
        ("host = 'a.vn'\nsender = 'a@b.vn'\npassword_file = 'absent'", "absent"),
        ("host = 'a.vn'\nusername = 'a@b.vn'\nsecurity = 'none'", "không mã hoá"),
    ],
)
def test_settings_that_cannot_work_say_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MailError, match=words):
        mail.settings(parse(tmp_path, f"[mail]\n{text}"))
