from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import requests

from loa import staff
from loa.config import Web
from loa.errors import ConfigError
from tests import parts
from tests.cast import PASSWORD
from tests.visitor import Visitor
from web import serving


def test_it_serves_pages_over_http(served):
    visitor = Visitor(served).sign_in("hoa", PASSWORD)
    assert "Hôm nay" in visitor.page("/")
    assert "Server" not in visitor.get("/").headers


def test_it_is_not_frozen_by_open_pages(served):
    """waitress gives each stream a thread: four of twelve may be taken, and pages still answer."""
    visitor = Visitor(served).sign_in("hoa", PASSWORD)
    streams = [
        visitor.session.get(served + "/truc-tiep", stream=True, timeout=60) for _ in range(6)
    ]
    assert sorted(stream.status_code for stream in streams) == [200, 200, 200, 200, 503, 503]
    assert visitor.get("/").status_code == 200
    for stream in streams:
        stream.close()


def test_it_frees_the_place_of_a_page_that_was_left(served):
    visitor = Visitor(served).sign_in("hoa", PASSWORD)
    for _ in range(4):
        visitor.session.get(served + "/truc-tiep", stream=True, timeout=60).close()

    def there_is_room():
        with visitor.session.get(served + "/truc-tiep", stream=True, timeout=60) as stream:
            return stream.status_code == 200

    parts.wait_until(there_is_room, "the dead streams to be dropped")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux can be told so")
def test_a_reader_who_fell_silent_is_given_up_by_the_system(served):
    """A phone switched off says no goodbye; without this its stream would hold a thread for minutes."""
    port = int(served.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as reader:
        mine = reader.getsockname()
        parts.wait_until(lambda: _accepted(mine) == serving.SILENT_MS, "the limit to be set")


def _accepted(peer: tuple[str, int]) -> int:
    """The limit on this process's other end of that connection, ms; 0 while there is none."""
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if not str(entry.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as found:
                if found.family == socket.AF_INET and found.getpeername() == peer:
                    return found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    return 0


def test_it_ends_open_streams_when_told_to_stop(config, database, clock, cast):
    config = msgspec.structs.replace(config, web=Web(port=0, threads=12))
    stop, up, ports = threading.Event(), threading.Event(), []
    server = threading.Thread(
        target=serving.serve,
        args=(config, database, stop),
        kwargs={"clock": clock, "ready": lambda port: (ports.append(port), up.set())},
    )
    server.start()
    assert up.wait(60)
    visitor = Visitor(f"http://127.0.0.1:{ports[0]}").sign_in("hoa", PASSWORD)
    stream = visitor.session.get(visitor.base + "/truc-tiep", stream=True, timeout=60)
    lines = stream.iter_lines()
    next(lines)
    stop.set()
    server.join(60)
    assert not server.is_alive()
    list(lines)
    assert not parts.answers(ports[0])


def test_it_says_so_when_the_port_is_taken(config, database, served):
    port = int(served.rsplit(":", 1)[1])
    config = msgspec.structs.replace(config, web=Web(port=port))
    with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
        serving.serve(config, database, threading.Event())


def test_it_believes_a_proxy_on_this_machine_about_who_asks(served):
    """Behind nginx all requests come from 127.0.0.1: one guesser must not shut everybody out."""
    for number in range(staff.WRONG_PER_ADDRESS + 1):
        guesser = Visitor(served)
        guesser.session.headers["X-Forwarded-For"] = "203.0.113.7"
        page = guesser.get("/dang-nhap")
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        data = {"csrf_token": token, "login": f"ai-{number}", "password": "sai"}
        answer = guesser.session.post(served + "/dang-nhap", data=data, timeout=90)
    assert answer.status_code == 429
    Visitor(served).sign_in("hoa", PASSWORD)


def test_it_refuses_a_forged_post_over_http(served):
    answer = requests.post(
        served + "/dang-nhap", data={"login": "hoa", "password": PASSWORD}, timeout=10
    )
    assert answer.status_code == 400
    assert "Trang này mở đã lâu" in answer.text
