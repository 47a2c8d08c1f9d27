"""On a phone's home screen: what it needs to know, what it may keep, and that it keeps nobody's data."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from tests.web.conftest import words
from web import installable

STATIC = Path(installable.__file__).parent / "static"


def kept_of(client) -> dict:
    answer = client.get("/service-worker.js")
    return json.loads(re.match(r"const KEPT = (\{.*\});\n", answer.text)[1])


def test_the_manifest_says_all_that_an_installation_wants(client):
    answer = client.get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    said = json.loads(answer.text)
    assert said["name"] == "Đài truyền thanh xã"
    assert (said["short_name"], said["start_url"], said["scope"], said["display"]) == (
        "Loa",
        "/",
        "/",
        "standalone",
    )
    assert {(icon["sizes"], icon["purpose"]) for icon in said["icons"]} >= {
        ("192x192", "any"), ("512x512", "any"), ("512x512", "maskable"),
    }  # fmt: skip
    assert said["shortcuts"] == [{"name": "Khẩn cấp", "url": "/khan-cap"}]


def test_each_icon_is_there_in_its_size(client):
    for icon in json.loads(client.get("/manifest.webmanifest").text)["icons"]:
        answer = client.get(icon["src"])
        assert answer.mimetype == icon["type"]
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", answer.data[16:24])
            assert f"{width}x{height}" == icon["sizes"]


def test_the_worker_serves_every_page_and_is_asked_for_anew(client):
    answer = client.get("/service-worker.js")
    assert answer.mimetype == "text/javascript"
    assert "no-cache" in answer.headers["Cache-Control"]
    assert "max-age" not in answer.headers["Cache-Control"]


def test_what_the_worker_keeps_is_there_and_is_nobodys(client):
    kept = kept_of(client)
    assert all(address.startswith("/static/") for address in kept["files"])
    for address in [*kept["files"], kept["noNetwork"], kept["noAnswer"]]:
        assert client.get(address).status_code == 200, address


def test_it_keeps_all_that_the_page_without_a_network_is_made_of(client):
    kept = set(kept_of(client)["files"])
    page = client.get("/mat-mang").text
    wanted = re.findall(
        r'<(?:link rel="(?:stylesheet|icon)"[^>]*href|script[^>]*src)="([^"]+)"', page
    )
    assert {address for address in wanted if address.startswith("/static/")} <= kept


@pytest.mark.parametrize("changed", ["js/offline.js", "css/loa.css"])
def test_a_new_version_of_any_file_is_a_new_worker(client, monkeypatch, changed):
    before = kept_of(client)["version"]
    assert kept_of(client)["version"] == before
    real = installable.url_for

    def renewed(endpoint, **values):
        address = real(endpoint, **values)
        return f"{address}0" if values.get("filename") == changed else address

    monkeypatch.setattr(installable, "url_for", renewed)
    assert kept_of(client)["version"] != before


@pytest.mark.parametrize("path", ["/mat-mang", "/khong-tra-loi"])
def test_the_kept_pages_are_the_same_for_whoever_is_signed_in(client, minh, path):
    assert minh.get(path).text == client.get(path).text
    assert not {"data-who", "csrf_token", "data-sign-out"} & set(
        re.findall(r"[\w-]+", minh.get(path).text)
    )


def test_an_order_without_an_answer_is_not_said_to_be_unsent(client):
    assert "Hãy coi như chưa gửi" in words(client.get("/khong-tra-loi"))
    assert "chưa rõ" in words(client.get("/khong-tra-loi"))


def test_the_station_says_that_it_can_be_reached_and_nothing_more(client):
    answer = client.get("/lien-lac")
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
