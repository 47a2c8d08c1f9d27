"""A real mail server on this machine alone, honest and not."""

from __future__ import annotations

import asyncio
import contextlib
import email
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from loa.config import Secret
from loa.mail import MailSettings

LOGIN = LoginPassword(b"loa", b"mat-khau")


@dataclass
class Mailbox:
    """What arrived. ``answers``: what the server says to the next messages, instead of taking them."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """``cut`` takes the message and breaks the line before saying so; ``hang`` takes it and says nothing."""
    refused: dict[str, str] = field(default_factory=dict)
    """Address → what is said of it."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, to: str, options: Any
    ) -> str:
        if to in self.refused:
            return self.refused[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer in ("cut", "hang", "250 taken"):
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
            self.envelopes.append(envelope)
        if answer == "cut":
            server.transport.abort()
        if answer == "hang":
            await asyncio.sleep(600)
        return answer

    def settings(self, **changed: Any) -> MailSettings:
        """How to reach it."""
        said: dict[str, Any] = {
            "host": "127.0.0.1", "port": self.port, "security": "none", "sender": "dai@xa.example.vn",
        }  # fmt: skip
        return MailSettings(**{**said, **changed})

    def known(self, **changed: Any) -> MailSettings:
        """The same with the login it wants."""
        return self.settings(username="loa", password=Secret("mat-khau"), **changed)


class _Controller(Controller):
    def _trigger_server(self) -> None:
        """Port 0 was asked for: which it is is known only now."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextlib.contextmanager
def serve(
    certificate: Path | None = None, *, implicit: bool = False, login: bool = False
) -> Iterator[Mailbox]:
    """A server that takes mail; with a certificate over STARTTLS, or TLS from the first byte (``implicit``)."""
    box = Mailbox()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    controller = _Controller(
        box, hostname="127.0.0.1", port=0, ssl_context=context if implicit else None,
        tls_context=None if implicit else context, require_starttls=context is not None and not implicit,
        auth_required=login, auth_require_tls=False, authenticator=_is_loa,
    )  # fmt: skip
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def _is_loa(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
) -> AuthResult:
    return AuthResult(success=given == LOGIN, handled=False)
