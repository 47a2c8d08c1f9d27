"""Whether the broker keeps to its rules, found out by trying: a canary receiver does what it may and what it must not.

Nothing here touches a receiver or the station's own connection, so it may run beside a station at work. Each answer
is awaited; what must *not* arrive is known not to come when something sent after it has.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from devices import accounts, authority, messages, mosquitto
from devices import link as links
from devices.accounts import CANARY, WATCH
from devices.link import Connected, Disconnected, Incoming, Link, LinkSettings, Message, Published
from loa.config import Config
from loa.times import Instant

ANSWER_SECONDS = 5.0
VERSION_TOPIC = "$SYS/broker/version"
NOBODY = "loa/1/audio/0000000000000000/0"
FORBIDDEN = (
    (messages.plan_topic(WATCH), "kế hoạch của đầu thu khác"),
    (messages.events_topic(WATCH), "báo về của đầu thu khác"),
    (messages.plan_topic(CANARY), "kế hoạch của chính nó"),
    (NOBODY, "âm thanh dùng chung"),
)
RULES_REMEDY = "Chép lại cấu hình và tệp acl do “loa broker config” ghi, rồi cho broker nạp lại."


class Finding(msgspec.Struct, frozen=True):
    """One thing tried. ``remedy`` says what to do about it, or, where all is well, what could be better."""

    what: str
    ok: bool
    remedy: str = ""


def check(config: Config, now: Instant, version: Literal["3.1.1", "5"] = "5") -> list[Finding]:
    """Try everything, in some tenths of a second; ``version`` is the MQTT the broker speaks (amqtt: 3.1.1).

    Raises DeviceError when a certificate file here is broken.
    """
    findings = [_encrypted(config), *_certificates(config, now), *_private_keys(config)]
    with contextlib.ExitStack() as visit:
        visit.enter_context(_hushed())
        trial = _Trial(config, version, visit)
        try:
            findings += trial.run()
        except _Silence as silence:
            findings.append(Finding(silence.what, False, silence.remedy))
    return findings


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """The refusals that the link would log are what is wanted here, and alarming to read."""

    def drop(record: logging.LogRecord) -> bool:
        return record.levelno > logging.ERROR

    log = logging.getLogger(links.__name__)
    log.addFilter(drop)
    try:
        yield
    finally:
        log.removeFilter(drop)


def _encrypted(config: Config) -> Finding:
    host, _, tls = config.broker_address
    if tls:
        return Finding("Đường truyền được mã hoá (TLS).", True)
    exposed = not mosquitto.is_loopback(host) or (
        not config.mqtt.url and not mosquitto.is_loopback(config.mqtt.host)
    )
    if exposed:
        return Finding(
            "Đường truyền không mã hoá: mật khẩu của đầu thu có thể bị nghe lén.", False,
            "Tạo chứng chỉ bằng “loa broker tls make”, hoặc dùng url mqtts://…",
        )  # fmt: skip
    return Finding("Broker chỉ nghe trên chính máy này, không cần mã hoá.", True)


def _certificates(config: Config, now: Instant) -> list[Finding]:
    return [
        Finding(sentence.split(". ")[0] + ".", False, sentence.split(". ", 1)[1])
        for sentence in authority.warnings(config, now)
    ]


def _private_keys(config: Config) -> list[Finding]:
    return [
        Finding(f"Người khác trên máy này đọc được khoá {file}.", False, f"Chạy: chmod 600 {file}")
        for file in authority.exposed(config)
    ]


class _Silence(Exception):
    """What should have come did not, so nothing further can be tried."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


class _Trial:
    """A visit to one broker: two connections, and a few that must fail."""

    def __init__(
        self, config: Config, version: Literal["3.1.1", "5"], visit: contextlib.ExitStack
    ) -> None:
        self._config, self._version, self._visit = config, version, visit
        self._refused: dict[object, str] = {}
        """Why the broker refused what was published on a topic."""

    def run(self) -> list[Finding]:
        """All findings that need the broker, in order. Raises _Silence."""
        self._watch = self._connect(
            WATCH, VERSION_TOPIC, f"loa/1/{CANARY}/up/#", f"loa/1/{WATCH}/#", "loa/1/audio/#"
        )
        findings = [self._reached(), *self._version_found()]
        self._canary = self._connect(CANARY, messages.down_topics(CANARY))
        findings += [self._hears_its_own(), self._is_heard()]
        findings += self._speaks_for_others()
        findings += [self._hears_others(), self._wrong_password()]
        findings += [self._takes_over(), self._anonymous()]
        return findings

    # --- what must work ---

    def _reached(self) -> Finding:
        host, port, tls = self._config.broker_address
        return Finding(f"Kết nối được tới {'mqtts' if tls else 'mqtt'}://{host}:{port}.", True)

    def _version_found(self) -> list[Finding]:
        mark = self._say(self._watch, messages.evack_topic(WATCH))
        heard = self._hear(self._watch, mark, "Tài khoản canary-watch nhận được tin của chính nó.")
        said = [
            one.payload.decode("utf-8", "replace") for one in heard if one.topic == VERSION_TOPIC
        ]
        if not said:
            return []
        found = mosquitto.parse_version(said[0])
        old = () < found < mosquitto.ADVISED
        advice = (
            "Nên dùng mosquitto 2.0.22 trở lên, hoặc bản của Debian có vá lỗi bảo mật."
            if old
            else ""
        )
        return [Finding(f"Phiên bản: {said[0]}.", True, advice)]

    def _hears_its_own(self) -> Finding:
        what = "Đầu thu nhận được kế hoạch của nó."
        mark = self._say(self._watch, messages.evack_topic(CANARY))
        self._hear(self._canary, mark, what)
        return Finding(what, True)

    def _is_heard(self) -> Finding:
        what = "Báo về của đầu thu tới được đài."
        mark = self._say(self._canary, messages.events_topic(CANARY))
        self._hear(self._watch, mark, what)
        return Finding(what, True)

    # --- what must not ---

    def _speaks_for_others(self) -> list[Finding]:
        tried = {self._say(self._canary, topic, token=topic): topic for topic, _ in FORBIDDEN}
        mark = self._say(self._canary, messages.events_topic(CANARY))
        heard = self._hear(self._watch, mark, "Báo về của đầu thu tới được đài.")
        heard += self._own_of_canary()
        through = {tried[one.payload] for one in heard if one.payload in tried}
        return [self._not_spoken(topic, name, topic in through) for topic, name in FORBIDDEN]

    def _own_of_canary(self) -> list[Message]:
        """What the canary got on its own plan's topic, which the watch does not listen to."""
        mark = self._say(self._watch, messages.evack_topic(CANARY))
        return self._hear(self._canary, mark, "Đầu thu nhận được kế hoạch của nó.")

    def _not_spoken(self, topic: str, name: str, through: bool) -> Finding:
        if through:
            return Finding(f"Đầu thu ghi được vào {name} ({topic}).", False, RULES_REMEDY)
        reason = self._refused.get(topic)  # told from MQTT 5 on; 3.1.1 knows no such answer
        said = f": broker từ chối ({reason})" if reason else ""
        return Finding(f"Đầu thu không ghi được vào {name}{said}.", True)

    def _hears_others(self) -> Finding:
        for topic in (messages.down_topics(WATCH), "#"):
            self._canary.subscribe(topic, 0)
        # Once this has come through, so have the subscriptions before it.
        taken = self._say(self._canary, messages.events_topic(CANARY))
        self._hear(self._watch, taken, "Báo về của đầu thu tới được đài.")
        secret = self._say(self._watch, messages.plan_topic(WATCH))
        mark = self._say(self._watch, messages.evack_topic(CANARY))
        heard = self._hear(self._canary, mark, "Đầu thu nhận được kế hoạch của nó.")
        if any(one.payload == secret for one in heard):
            return Finding("Đầu thu nghe được kế hoạch của đầu thu khác.", False, RULES_REMEDY)
        return Finding("Đầu thu không nghe được gì của đầu thu khác, dù đăng ký “#”.", True)

    def _wrong_password(self) -> Finding:
        if not self._is_refused(CANARY, password=secrets.token_urlsafe()):
            return Finding(
                "Broker nhận cả mật khẩu sai.", False,
                "Đặt allow_anonymous false và password_file như “loa broker config” ghi.",
            )  # fmt: skip
        mark = self._say(self._watch, messages.evack_topic(CANARY))
        self._hear(self._canary, mark, "Đầu thu giữ được kết nối khi kẻ lạ thử mật khẩu sai.")
        return Finding("Mật khẩu sai bị từ chối, không làm phiền ai đang kết nối.", True)

    def _takes_over(self) -> Finding:
        self._canary.stop()
        thief = self._link(CANARY, client_id=WATCH)
        self._await(thief, lambda event: isinstance(event, Connected | Disconnected))
        mark = self._say(self._watch, messages.evack_topic(WATCH))
        kept = self._await(
            self._watch,
            lambda event: isinstance(event, Disconnected) or _payload(event) == mark,
        )
        if not isinstance(kept, Message):
            return Finding(
                "Một đầu thu chiếm được kết nối của đầu thu khác bằng cách mượn mã máy khách.", False,
                "Đặt use_username_as_clientid true trong cấu hình của broker.",
            )  # fmt: skip
        return Finding("Không ai chiếm được kết nối của đầu thu khác.", True)

    def _anonymous(self) -> Finding:
        if self._is_refused("", client_id="canary-nobody", password=""):
            return Finding("Kết nối không tên bị từ chối.", True)
        return Finding(
            "Broker nhận cả kết nối không tên.", False,
            "Đặt allow_anonymous false trong cấu hình của broker.",
        )  # fmt: skip

    # --- the wire ---

    def _link(self, username: str, *filters: str, **changes: str) -> Link:
        """Started; stopped when the trial is over."""
        host, port, tls = self._config.broker_address
        ca_file = self._config.mqtt.ca_file
        password = accounts.canary_password(self._config.broker, username) if username else ""
        settings = LinkSettings(
            host=host, port=port, tls=tls, version=self._version, username=username,
            client_id=changes.get("client_id", username),
            password=changes.get("password", password),
            ca_file=str(self._config.folder / ca_file) if ca_file else "",
            subscriptions=tuple((topic, 0 if topic.startswith("$") else 1) for topic in filters),
            reconnect_first=ANSWER_SECONDS, reconnect_most=ANSWER_SECONDS,
        )  # fmt: skip
        link = Link(settings)
        link.start()
        self._visit.callback(link.stop)
        return link

    def _connect(self, username: str, *filters: str) -> Link:
        link = self._link(username, *filters)
        event = self._await(link, lambda one: isinstance(one, Connected | Disconnected))
        if isinstance(event, Connected):
            return link
        why = event.why if isinstance(event, Disconnected) else "không trả lời"
        host, port, _ = self._config.broker_address
        raise _Silence(
            f"Không vào được broker {host}:{port} bằng tài khoản {username} ({why}).", _remedy(why)
        )

    def _is_refused(self, username: str, **changes: str) -> bool:
        link = self._link(username, **changes)
        event = self._await(link, lambda one: isinstance(one, Connected | Disconnected))
        link.stop()
        return isinstance(event, Disconnected)

    def _say(self, link: Link, topic: str, token: str = "") -> bytes:
        """Publish something that never was before."""
        payload = secrets.token_hex(8).encode()
        link.publish(topic, payload, qos=1, token=token or None)
        return payload

    def _hear(self, link: Link, last: bytes, what: str) -> list[Message]:
        """All messages up to the one with that payload. Raises _Silence when it does not come."""
        heard: list[Message] = []

        def ends(event: Incoming) -> bool:
            if isinstance(event, Message):
                heard.append(event)
            elif isinstance(event, Published) and event.refused:
                self._refused[event.token] = event.refused
            return _payload(event) == last or isinstance(event, Disconnected)

        event = self._await(link, ends)
        if _payload(event) != last:
            raise _Silence(f"Chưa đạt: {what}", RULES_REMEDY)
        return heard

    @staticmethod
    def _await(link: Link, enough: Callable[[Incoming], bool]) -> Incoming | None:
        """The first event that is enough; None when none comes in time."""
        until = time.monotonic() + ANSWER_SECONDS
        with contextlib.suppress(queue.Empty):
            while True:
                event = link.inbox.get(timeout=max(0.0, until - time.monotonic()))
                if enough(event):
                    return event
        return None


def _payload(event: Incoming | None) -> bytes:
    return event.payload if isinstance(event, Message) else b""


def _remedy(why: str) -> str:
    if "refused:" in why:
        return (
            "Broker chưa có tài khoản này: chạy “loa broker accounts”; với broker riêng thì còn phải chép tệp "
            "passwords sang và cho broker nạp lại."
        )
    if "CERTIFICATE" in why.upper():
        return (
            "Chứng chỉ của broker không đúng tên hoặc không do CA đã biết cấp: xem [mqtt] advertise và ca_file trong "
            "config.toml, hoặc chạy “loa broker tls make --name TÊN”."
        )
    return (
        "Xem broker có đang chạy không, địa chỉ và cổng trong [mqtt] của config.toml, và tường lửa."
    )
