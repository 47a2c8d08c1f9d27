"""The page on which a province brings its communes' bundles."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from scheduler.rollup import reading
from tests.reports import communes
from tests.reports.communes import NOW, Commune
from tests.web.conftest import Clock, words

HERE = "/bao-cao/cac-xa"
NOVEMBER = f"{HERE}?tu=2026-11-01&den=2026-11-30"


@pytest.fixture(scope="session")
def commune(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Commune:
    return communes.make(migrated_sqlite, tmp_path_factory.mktemp("commune") / "one", 0)


@pytest.fixture(autouse=True)
def december(clock: Clock) -> None:
    clock.now = NOW


def bring(client, raw: bytes, name: str = "xã một.zip", **fields: str):
    data = {"file": (io.BytesIO(raw), name), **fields}
    return client.post(f"{HERE}/nhap", data=data, content_type="multipart/form-data")


def test_a_bundle_is_checked_counted_and_told(admin, hoa, commune: Commune) -> None:
    answer = bring(admin, commune.late.read_bytes())
    assert answer.status_code == 302
    said = words(admin.get(NOVEMBER))
    assert "“Xã 1”: nhận 3 lượt phát mới." in said
    assert "Lần đầu nhận: đã ghi khoá" in said
    assert "1/1 đài đã nộp" in words(hoa.get(NOVEMBER))
    bring(admin, commune.late.read_bytes())
    assert "đã nhập rồi" in words(admin.get(NOVEMBER))


def test_a_changed_one_is_refused_at_its_field(admin, commune: Commune) -> None:
    raw = commune.late.read_bytes()
    answer = bring(admin, raw[: len(raw) // 2])
    assert answer.status_code == 400
    assert "không phải ZIP hoặc đã hỏng" in answer.text.split('id="file-error"')[1]
    assert "0/0 đài" in words(admin.get(NOVEMBER))


def test_without_a_file_it_says_what_to_choose(admin) -> None:
    answer = admin.post(f"{HERE}/nhap", data={})
    assert answer.status_code == 400
    assert "Hãy chọn tệp .zip" in words(answer)


def test_another_key_asks_to_be_compared_first(
    admin, commune: Commune, migrated_sqlite: Path, tmp_path: Path
) -> None:
    other = communes.make(migrated_sqlite, tmp_path / "other", 0)
    bring(admin, commune.late.read_bytes())
    answer = bring(admin, other.late.read_bytes())
    assert answer.status_code == 400
    assert "khác khoá đã ghi" in answer.text.split('id="key-error"')[1]
    signer = reading.read(other.late, 1).signer
    assert bring(admin, other.late.read_bytes(), key=signer).status_code == 302


def test_who_has_handed_in_nothing_is_named_until_taken_off(admin, commune: Commune) -> None:
    assert admin.post(f"{HERE}/them", data={"name": "Xã Lân"}).status_code == 302
    assert "Chưa nộp: Xã Lân." in words(admin.get(NOVEMBER))
    assert admin.post(f"{HERE}/them", data={"name": "Xã Lân"}).status_code == 400
    assert admin.post(f"{HERE}/1/bo").status_code == 302
    assert "Xã Lân" not in words(admin.get(NOVEMBER)).replace("Đã bỏ “Xã Lân”", "")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "docx", "json"])
def test_the_same_leaves_as_a_file(admin, commune: Commune, kind: str) -> None:
    bring(admin, commune.late.read_bytes())
    answer = admin.get(f"{HERE}/tep.{kind}?tu=2026-11-01&den=2026-11-30")
    assert answer.status_code == 200
    assert f"tong-hop-20261101-20261130.{kind}" in answer.headers["Content-Disposition"]
    assert len(answer.data) > 500


def test_only_an_admin_brings_any(hoa, lan) -> None:
    for client in (hoa, lan):
        assert "Nhập gói" not in words(client.get(HERE))
        assert client.post(f"{HERE}/nhap", data={}).status_code == 403
