from __future__ import annotations

from loa import audit
from scheduler.evidence import echoes
from tests.cast import NOON
from tests.web.conftest import words


def test_it_says_that_receivers_were_told_another_past(hoa, database, cast):
    assert "Nhật ký hệ thống của đài không khớp" not in words(hoa.get("/"))
    with database.write() as session:
        audit.append(session, NOON, audit.SYSTEM, echoes.KIND, receiver="r-0001", row=3)
    told = words(hoa.get("/"))
    assert "Nhật ký hệ thống của đài không khớp với dấu mốc mà 1 đầu thu giữ (ví dụ r-0001)" in told
