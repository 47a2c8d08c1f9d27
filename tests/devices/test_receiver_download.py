from __future__ import annotations

import contextlib
import http.server
import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from devices import messages
from devices.link import Incoming, Message
from devices.messages import BLOCK_BYTES
from devices.receiver import download, fetch
from devices.receiver.download import Downloads, Failed, Job, is_usable
from loa.times import HOUR, MINUTE
from tests import loopback
from tests.devices.receiver_rig import T0, Bench, sha, tone

AT = T0 + 10 * MINUTE
SOUND = tone(40)
N = len(SOUND)
LAST = (N - 1) // BLOCK_BYTES
Reply = tuple[int, dict[str, str], bytes]


def ranged(headers: dict[str, str]) -> Reply:
    """As a good server answers."""
    if "Range" not in headers:
        return 200, {"ETag": '"e"'}, SOUND
    first, last = headers["Range"].removeprefix("bytes=").split("-")
    body = SOUND[int(first) : int(last) + 1]
    return 206, {"Content-Range": f"bytes {first}-{last}/{N}", "ETag": '"e"'}, body


def whole(headers: dict[str, str]) -> Reply:
    """As one answers that knows no ranges."""
    return 200, {}, SOUND


def changed(**headers: str) -> Callable[[dict[str, str]], Reply]:
    def answer(asked: dict[str, str]) -> Reply:
        status, given, body = ranged(asked)
        return status, given | {name.replace("_", "-"): one for name, one in headers.items()}, body

    return answer


@dataclass
class Server:
    base: str
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serve(
    answer: Callable[[dict[str, str]], Reply], certificate: Path | None = None
) -> Iterator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.asked.append(dict(self.headers))
            server.paths.append(self.path)
            status, headers, body = answer(dict(self.headers))
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)
                self.close_connection = len(body) < int(headers.get("Content-Length", 0))

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A caller that hangs up is part of the tests."""

    with Quiet(("127.0.0.1", 0), Handler) as listening:
        scheme = "http"
        if certificate:
            context, scheme = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "https"
            context.load_cert_chain(certificate)
            listening.socket = context.wrap_socket(listening.socket, server_side=True)
        server = Server(f"{scheme}://127.0.0.1:{listening.server_port}/a/")
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


def fetched(server: Server, *spans: tuple[int, int], ca_file: str = "") -> list[Any]:
    """What arrives for these spans of blocks: (block, data), or why a span failed."""
    inbox: queue.Queue[Incoming] = queue.Queue()
    downloads = Downloads(inbox, ca_file)
    for first, last in spans:
        downloads.get(Job(server.base, sha(SOUND), N, first, last))
    downloads.close()
    assert downloads._thread is not None
    downloads._thread.join(timeout=60)
    found: list[Any] = []
    while not inbox.empty():
        one = inbox.get_nowait()
        if isinstance(one, Failed):
            found.append(one.why)
        else:
            assert isinstance(one, Message)
            found.append((int(one.topic.rsplit("/", 1)[1]), one.payload))
    return found


def blocks(first: int, last: int) -> list[tuple[int, bytes]]:
    return [(n, SOUND[n * BLOCK_BYTES : (n + 1) * BLOCK_BYTES]) for n in range(first, last + 1)]


@pytest.mark.parametrize("answer", [ranged, whole])
def test_the_blocks_asked_for_arrive_and_no_others(
    answer: Callable[[dict[str, str]], Reply],
) -> None:
    assert LAST == 3
    with serve(answer) as server:
        assert fetched(server, (1, 2), (3, 3)) == blocks(1, 3)
        assert server.paths == [f"/a/{sha(SOUND)}"] * 2
        assert server.asked[0]["Range"] == f"bytes={BLOCK_BYTES}-{3 * BLOCK_BYTES - 1}"


def test_what_was_begun_is_gone_on_with_only_if_it_is_the_same() -> None:
    with serve(ranged) as server:
        fetched(server, (0, 0), (1, 1))
        assert ["If-Range" in asked for asked in server.asked] == [False, True]
        assert server.asked[1]["If-Range"] == '"e"'


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda asked: (404, {}, b"no"), "status 404"),
        (lambda asked: (302, {"Location": "http://127.0.0.1:1/"}, b""), "status 302"),
        (changed(Content_Range=f"bytes 0-9/{N}"), "range"),
        (changed(Content_Range=f"bytes 0-{N - 1}/{10**10}"), "range"),
        (changed(Content_Encoding="gzip"), "encoded"),
        (lambda asked: (200, {}, SOUND + b"x"), "length"),
        (lambda asked: (206, ranged(asked)[1], SOUND[:100]), "short"),
    ],
)
def test_another_answer_is_a_failure_and_nothing_is_taken(
    answer: Callable[[dict[str, str]], Reply], why: str
) -> None:
    with serve(answer) as server:
        assert fetched(server, (0, LAST)) == [why]


def test_what_came_before_the_line_broke_is_kept() -> None:
    def breaks(asked: dict[str, str]) -> Reply:
        status, headers, body = ranged(asked)
        return status, headers | {"Content-Length": str(len(body))}, body[: BLOCK_BYTES + 5]

    with serve(breaks) as server:
        got = fetched(server, (0, LAST))
    assert got[0] == blocks(0, 0)[0]
    assert isinstance(got[1], str)


def test_an_endless_answer_is_cut_off() -> None:
    with serve(lambda asked: (206, ranged(asked)[1], ranged(asked)[2] * 50)) as server:
        assert fetched(server, (0, 1), (2, 3)) == blocks(0, 3)


def test_a_server_that_is_not_there_is_a_failure() -> None:
    assert len(fetched(Server("http://127.0.0.1:1/"), (0, 0), (1, 1))) == 2


def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "BLOCK_SECONDS", -1.0)
    with serve(ranged) as server:
        assert fetched(server, (0, 0)) == ["slow"]


def test_a_certificate_is_checked_against_the_file_given(tmp_path: Path) -> None:
    both = loopback.certificate(tmp_path)
    with serve(ranged, both) as server:
        (why,) = fetched(server, (0, 0))
        assert "certificate" in why.lower()
        assert fetched(server, (0, 0), ca_file=str(both)) == blocks(0, 0)


@pytest.mark.parametrize(
    ("base", "usable"),
    [
        ("https://a.vn/x/", True),
        ("http://127.0.0.1:8000/", True),
        ("http://localhost/", True),
        ("http://a.vn/", False),
        ("http://127.0.0.1.a.vn/", False),
        ("http://localhost.a.vn/", False),
        ("https://who:pass@a.vn/", False),
        ("https:///x", False),
        ("https://a.vn:x/", False),
        ("https://a.vn/?x=", False),
        ("https://a.vn/\u0111/", False),
        ("file:///etc/", False),
        ("ftp://a.vn/", False),
        ("", False),
    ],
)
def test_only_https_or_this_machine(base: str, usable: bool) -> None:
    assert is_usable(base) is usable


# -- the fetcher ----------------------------------------------------------------------------------


@dataclass
class Web:
    jobs: list[Job] = field(default_factory=list)

    def get(self, job: Job) -> None:
        self.jobs.append(job)

    def take(self) -> list[Job]:
        taken, self.jobs = self.jobs, []
        return taken


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def bench(tmp_path: Path, web: Web) -> Bench:
    bench = Bench(tmp_path)
    bench.web = web
    return bench.boot()


BASE = "https://dai.example/a/"


def arrive(bench: Bench, *numbers: int, data: bytes = SOUND) -> None:
    for n in numbers:
        piece = data[n * BLOCK_BYTES : (n + 1) * BLOCK_BYTES]
        bench.receiver.handle(messages.block_topic(sha(SOUND), n), piece)


def test_with_a_base_the_sound_is_had_over_https(bench: Bench, web: Web) -> None:
    bench.give(bench.occ("b1", AT, SOUND), base=BASE)
    bench.until(T0 + 5 * MINUTE)
    assert web.take() == [Job(BASE, sha(SOUND), N, 0, LAST)]
    arrive(bench, 0, 1, 2, 3)
    bench.until(AT + 2 * MINUTE)
    assert bench.codes("b1") == ["accepted", "ready", "started", "played"]
    assert bench.wire.gets() == []


def test_after_three_failures_the_broker_is_asked(bench: Bench, web: Web) -> None:
    bench.give(bench.occ("b1", AT, SOUND), base=BASE)
    for _ in range(3):
        bench.until(bench.clock.wall() + 5 * MINUTE // 2)
        assert len(web.take()) == 1
        bench.receiver.download_failed(sha(SOUND), "status 404")
    bench.serve()
    assert web.take() == []
    bench.until(AT + 2 * MINUTE, serve=True)
    assert bench.codes("b1")[-1] == "played"


def test_what_came_is_not_asked_for_again(bench: Bench, web: Web) -> None:
    bench.give(bench.occ("b1", AT, SOUND), base=BASE)
    bench.until(T0 + 3 * MINUTE)
    web.take()
    arrive(bench, 0, 1)
    bench.receiver.download_failed(sha(SOUND), "short")
    bench.cut(1)
    bench.boot().until(T0 + 6 * MINUTE)
    assert web.take() == [Job(BASE, sha(SOUND), N, 2, LAST)]


def test_a_wrong_sound_is_fetched_from_the_broker_next(bench: Bench, web: Web) -> None:
    bench.give(bench.occ("b1", AT, SOUND), base=BASE)
    bench.until(T0 + 3 * MINUTE)
    arrive(bench, 0, 1, 2, 3, data=bytes(N))
    web.take()
    bench.until(AT + 2 * MINUTE, serve=True)
    assert web.take() == []
    assert bench.codes("b1")[-1] == "played"


def test_a_base_that_is_not_safe_is_not_used(bench: Bench, web: Web) -> None:
    bench.give(bench.occ("b1", AT, SOUND), base="http://dai.example/a/")
    bench.until(AT + 2 * MINUTE, serve=True)
    assert web.take() == []
    assert bench.codes("b1")[-1] == "played"


def test_a_failure_nobody_waits_for_is_nothing(bench: Bench) -> None:
    bench.receiver.download_failed("0" * 64, "late")
    assert bench.codes() == ["boot"]


def test_requests_to_the_broker_come_no_faster_than_it_answers(tmp_path: Path) -> None:
    bench = Bench(tmp_path).boot()
    some = [bench.occ(f"b{n}", T0 + HOUR, SOUND + bytes([n])) for n in range(60)]
    bench.give(*some, aud={o.sha: messages.Audio(n=N + 1, ms=1) for o in some})
    bench.clock.advance(HOUR - 10_000)
    bench.receiver.step()
    asked = 0
    for _ in range(400):
        asked += len(gets := bench.wire.gets())
        for get in gets:
            for topic, block in bench.station.blocks(get):
                bench.receiver.handle(topic, block)
        bench.receiver.step()
    assert asked == fetch.GET_BURST, "not a moment has passed"
    bench.clock.advance(fetch.GET_EACH)
    bench.receiver.handle("x", b"")
    bench.receiver.step()
    assert len(bench.wire.gets()) == 1
