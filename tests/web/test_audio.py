"""What receivers fetch over HTTPS, asked for by the reference receiver's own downloader."""

from __future__ import annotations

import hashlib
import queue

import pytest
import requests

from content import recordings
from devices import messages
from devices.link import Message
from devices.messages import BLOCK_BYTES
from devices.receiver.download import Downloads, Failed, Job

SOUND = bytes(range(256)) * 1000
SHA = hashlib.sha256(SOUND).hexdigest()


@pytest.fixture
def sound(config):
    path = recordings.file(config.recordings, SHA)
    path.parent.mkdir(parents=True)
    path.write_bytes(SOUND)
    return path


def test_a_receiver_fetches_the_blocks_it_lacks(served: str, sound) -> None:
    inbox: queue.Queue = queue.Queue()
    downloads = Downloads(inbox)
    try:
        downloads.get(Job(base=f"{served}/am-thanh/", sha=SHA, n=len(SOUND), first=1, last=3))
        got = [inbox.get(timeout=60) for _ in range(3)]
    finally:
        downloads.close()
    assert got == [
        Message(messages.block_topic(SHA, n), SOUND[n * BLOCK_BYTES :][:BLOCK_BYTES])
        for n in (1, 2, 3)
    ]


def test_what_is_not_there_is_told_as_a_failure(served: str) -> None:
    inbox: queue.Queue = queue.Queue()
    downloads = Downloads(inbox)
    try:
        downloads.get(Job(base=f"{served}/am-thanh/", sha="f" * 64, n=10, first=0, last=0))
        assert isinstance(inbox.get(timeout=60), Failed)
    finally:
        downloads.close()


def test_one_that_is_held_is_not_sent_again(served: str, sound) -> None:
    url = f"{served}/am-thanh/{SHA}"
    first = requests.get(url, timeout=60)
    assert (first.status_code, first.content) == (200, SOUND)
    again = requests.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=60)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["..", "x", "A" * 64, "f" * 63, SHA + "0"])
def test_no_other_file_is_given(client, sound, name: str) -> None:
    assert client.get(f"/am-thanh/{name}").status_code == 404
