"""Sending mail: the only file that speaks SMTP.

A message is handed to one mail server, which says whether it takes it. What becomes of it then nobody tells us; and
where the line breaks between our last byte and the server's answer, nobody can know whether it was taken: such a
failure says ``may_have_arrived``. The ``Message-ID`` is the caller's: a message sent again can be known as the same.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Literal

from loa.config import Config, Secret
from loa.errors import LoaError
from loa.words import say

PATIENCE = 30.0
"""Seconds; so long each answer of the server is waited for."""
Attachment = tuple[str, bytes, str]
"""File name, content, type such as text/csv."""
NONE = Secret()
LOCAL = ("127.0.0.1", "::1", "localhost")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{3,254}}$)(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_LABEL}")
_FINAL = 500
"""From this answer on a server says no for good; below it, not now."""


class MailError(LoaError):
    """A message was not sent. ``is_final``: sending it again as it is will not help."""

    code = "mail_failed"

    def __init__(
        self, sentence: str, *, field: str | None = None, is_final: bool = False,
        may_have_arrived: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(sentence, field=field)
        self.is_final = is_final
        self.may_have_arrived = may_have_arrived
        """Nobody can know whether the server took it."""


@dataclass(frozen=True)
class MailSettings:
    """The server that takes our mail, and by what right."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    username: str = ""
    password: Secret = NONE
    ca_file: str = ""
    """Whom to trust besides what the machine trusts; empty: the machine's own list."""
    patience: float = PATIENCE


def settings(config: Config) -> MailSettings:
    """What config.toml says of mail. Raises MailError where it says too little to send any."""
    table = config.mail
    if not table.host:
        raise MailError(
            say(
                "Đài chưa có máy chủ thư. Hãy điền mục [mail] trong config.toml (host, sender) rồi khởi động lại."
            ),
            is_final=True,
        )
    if table.username and table.security == "none" and table.host not in LOCAL:
        raise MailError(
            say(
                "[mail] security = “none” sẽ gửi mật khẩu không mã hoá tới %(host)s. Hãy đặt “starttls” hoặc “tls”.",
                host=table.host,
            ),
            is_final=True,
        )
    return MailSettings(
        host=table.host, port=table.port, security=table.security,
        sender=address(table.sender or table.username), username=table.username,
        password=_password(config.folder, table.password_file),
        ca_file=str(config.folder / table.ca_file) if table.ca_file else "",
    )  # fmt: skip


def _password(folder: Path, name: str) -> Secret:
    if not name:
        return Secret()
    try:
        return Secret((folder / name).read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        raise MailError(
            say(
                "Không đọc được tệp mật khẩu thư %(file)s. Hãy kiểm tra [mail] password_file.",
                file=folder / name,
            ),
            is_final=True,
        ) from error


def address(text: str, field: str | None = None) -> str:
    """A mail address as typed, without blanks around it. Raises MailError naming it."""
    found = text.strip()
    if not _ADDRESS.fullmatch(found):
        raise MailError(
            say(
                "“%(found)s” không phải địa chỉ thư. Ví dụ đúng: vanphong@xa.example.vn.",
                found=found,
            ),
            field=field,
            is_final=True,
        )
    return found


def send(
    settings: MailSettings, to: Sequence[str], subject: str, body: str,
    attachments: Iterable[Attachment] = (), *, message_id: str | None = None,
) -> dict[str, str]:  # fmt: skip
    """Hand one message to the server; returns the addresses it refused, with its words, where it took others.

    ``message_id``: the same again for the same message. Raises MailError where it took it for nobody.
    """
    if not to:
        raise MailError(say("Thư chưa có người nhận. Hãy điền ít nhất một địa chỉ."), is_final=True)
    message = _message(settings, to, subject, body, attachments, message_id)
    with _session(settings) as server:
        refused = _envelope(server, settings, to)
        _content(server, settings, message.as_bytes(policy=SMTP))
        return refused


def new_id(settings: MailSettings) -> str:
    """A Message-ID that no other message has."""
    return make_msgid(domain=settings.sender.partition("@")[2])


def _message(
    settings: MailSettings, to: Sequence[str], subject: str, body: str,
    attachments: Iterable[Attachment], message_id: str | None,
) -> EmailMessage:  # fmt: skip
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(addr_spec=settings.sender)
    message["To"] = [Address(addr_spec=address(each)) for each in to]
    message["Subject"] = " ".join(subject.split())  # a line break would begin another header
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = message_id or new_id(settings)
    message["Auto-Submitted"] = "auto-generated"  # whose holiday reply need not answer it
    message.set_content(body)
    for name, content, mime in attachments:
        main, _, sub = mime.partition(";")[0].strip().partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message


@contextmanager
def _session(settings: MailSettings) -> Iterator[smtplib.SMTP]:
    """The server, once it is known to be the right one and knows us; its refusals and broken lines as MailError."""
    where = f"{settings.host}:{settings.port}"
    try:
        server = _connect(settings)
        try:
            _greet(server, settings)
            yield server
        finally:
            server.close()  # after the answer; QUIT could only fail
    except ssl.SSLError as error:
        raise MailError(
            say(
                "Chứng chỉ của máy chủ thư %(where)s không đúng (%(why)s), nên không gửi gì. "
                "Hãy kiểm tra [mail] host, security và ca_file.",
                where=where,
                why=_why(error),
            )
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        raise _broken(error, where) from error


def _connect(settings: MailSettings) -> smtplib.SMTP:
    # Named, for smtplib would ask a name server who we are, and wait for it.
    me = socket.gethostname()
    if settings.security == "tls":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, me, timeout=settings.patience, context=_trust(settings)
        )
    return smtplib.SMTP(settings.host, settings.port, me, timeout=settings.patience)


def _greet(server: smtplib.SMTP, settings: MailSettings) -> None:
    server.ehlo_or_helo_if_needed()
    if settings.security == "starttls":
        server.starttls(context=_trust(settings))
        server.ehlo()
    if settings.username:
        server.login(settings.username, str(settings.password))


def _trust(settings: MailSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except FileNotFoundError as error:
        raise MailError(
            say(
                "Không thấy tệp chứng chỉ %(ca_file)s. Hãy kiểm tra [mail] ca_file.",
                ca_file=settings.ca_file,
            ),
            is_final=True,
        ) from error


def _envelope(server: smtplib.SMTP, settings: MailSettings, to: Sequence[str]) -> dict[str, str]:
    """From whom and to whom; the addresses refused. Raises MailError where all are."""
    _demand(
        server.mail(settings.sender),
        lambda words: say(
            "Máy chủ thư không nhận người gửi %(sender)s (%(words)s).",
            sender=settings.sender,
            words=words,
        ),
    )
    refused: dict[str, tuple[int, bytes]] = {}
    for each in to:
        code, words = server.rcpt(each)
        if code not in (250, 251):
            refused[each] = (code, words)
    if len(refused) == len(to):
        is_final = all(code >= _FINAL for code, _ in refused.values())
        told = "; ".join(f"{each}: {_words(*said)}" for each, said in refused.items())
        raise MailError(
            say("Máy chủ thư không nhận địa chỉ nào (%(told)s).", told=told), is_final=is_final
        )
    return {each: _words(*said) for each, said in refused.items()}


def _content(server: smtplib.SMTP, settings: MailSettings, raw: bytes) -> None:
    try:
        said = server.data(raw)
    except smtplib.SMTPDataError as error:
        said = (error.smtp_code, _bytes(error.smtp_error))
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        raise MailError(
            say(
                "Đường truyền tới máy chủ thư %(host)s đứt khi đang chờ trả lời: thư có thể đã đi hoặc chưa.",
                host=settings.host,
            ),
            may_have_arrived=True,
        ) from error
    _demand(said, lambda words: say("Máy chủ thư không nhận thư (%(words)s).", words=words))


def _demand(said: tuple[int, bytes], refusal: Callable[[str], str]) -> None:
    if said[0] != 250:
        raise MailError(refusal(_words(*said)), is_final=said[0] >= _FINAL)


def _broken(error: OSError | smtplib.SMTPException, where: str) -> MailError:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return MailError(
            say("Máy chủ thư %(where)s không trả lời kịp. Loa sẽ thử lại.", where=where)
        )
    match error:
        case smtplib.SMTPAuthenticationError():
            said = _words(error.smtp_code, _bytes(error.smtp_error))
            return MailError(
                say(
                    "Máy chủ thư %(where)s không nhận tên hoặc mật khẩu (%(said)s). "
                    "Hãy kiểm tra [mail] username, password_file.",
                    where=where,
                    said=said,
                ),
                is_final=error.smtp_code >= _FINAL,
            )
        case smtplib.SMTPNotSupportedError():
            return MailError(
                say(
                    "Máy chủ thư %(where)s không có STARTTLS hoặc đăng nhập như [mail] đòi. "
                    "Hãy kiểm tra [mail] security, port.",
                    where=where,
                ),
                is_final=True,
            )
        case smtplib.SMTPResponseException():
            said = _words(error.smtp_code, _bytes(error.smtp_error))
            return MailError(
                say("Máy chủ thư %(where)s từ chối (%(said)s).", where=where, said=said),
                is_final=error.smtp_code >= _FINAL,
            )
    return MailError(
        say(
            "Không nói chuyện được với máy chủ thư %(where)s (%(why)s). Loa sẽ thử lại.",
            where=where,
            why=_why(error),
        )
    )


def _words(code: int, said: bytes) -> str:
    return f"{code} {' '.join(said.decode('utf-8', 'replace').split())[:200]}"


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


def _why(error: Exception) -> str:
    strerror = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    return str(strerror or error) or type(error).__name__
