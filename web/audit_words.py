"""The station's log in words: what each kind of act is called, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loa import tokens, words
from loa.times import Instant
from loa.words import counted, say
from web import current, labels

MOST_LETTERS = 300
"""Of a value on the page; the file has the rest."""
FAMILIES = {
    "bulletin": say("bản tin"),
    "schedule": say("lịch phát"),
    "exception": say("ngoại lệ của lịch"),
    "programme": say("chương trình"),
    "campaign": say("chiến dịch"),
    "broadcast": say("lượt phát"),
    "alert": say("khẩn cấp"),
    "canned": say("bản tin khẩn cấp lưu sẵn"),
    "cap": say("cảnh báo CAP từ ngoài"),
    "level": say("cấp trên và địa bàn"),
    "regulation": say("quy chế"),
    "day": say("ngày đặc biệt"),
    "receiver": say("đầu thu"),
    "claim": say("gắn đầu thu"),
    "fault": say("sự cố"),
    "area": say("địa bàn"),
    "group": say("nhóm đầu thu"),
    "journal": say("nhật ký đầu thu"),
    "staff": say("cán bộ"),
    "second_step": say("bước xác nhận thứ hai"),
    "token": say("mã truy cập"),
    "dictionary": say("từ điển"),
    "notice": say("mẫu thông báo"),
    "recording": say("âm thanh"),
    "report": say("báo cáo"),
    "report_order": say("báo cáo định kỳ"),
    "rollup": say("báo cáo các xã"),
    "evidence": say("gói chứng cứ"),
    "checkpoint": say("dấu mốc"),
    "retention": say("lưu trữ"),
    "audit": say("nhật ký hệ thống"),
    "plan": say("kế hoạch của đầu thu"),
    "link": say("đường truyền"),
    "lease": say("tiến trình điều hành"),
    "simulate": say("đầu thu mô phỏng"),
    "demo": say("dữ liệu thử"),
}
KINDS = {
    "alert.agree": say("đồng ý phát khẩn cấp"),
    "alert.alone": say("một mình phát khẩn cấp"),
    "alert.end": say("kết thúc lệnh khẩn cấp"),
    "alert.ended": say("lệnh khẩn cấp tự kết thúc"),
    "alert.expired": say("lệnh khẩn cấp hết hạn"),
    "alert.prepare": say("lập lệnh khẩn cấp"),
    "alert.refuse": say("không đồng ý phát khẩn cấp"),
    "alert.where": say("đổi nơi phát khẩn cấp"),
    "area.add": say("thêm địa bàn"),
    "area.change": say("sửa địa bàn"),
    "area.language": say("đổi tiếng của địa bàn"),
    "audit.contradicted": say("đầu thu giữ dấu mốc khác"),
    "broadcast.close": say("khép lượt phát"),
    "broadcast.quiet": say("lượt phát bị quy chế cấm"),
    "broadcast.stop": say("dừng lượt phát"),
    "broadcast.stop_all": say("dừng tất cả"),
    "bulletin.approve": say("duyệt bản tin"),
    "bulletin.edit": say("sửa bản tin"),
    "bulletin.read_again": say("đọc lại bản tin"),
    "bulletin.recall": say("rút bản tin về"),
    "bulletin.reject": say("trả lại bản tin"),
    "bulletin.submit": say("gửi duyệt bản tin"),
    "bulletin.withdraw": say("thu hồi bản tin"),
    "bulletin.write": say("soạn bản tin"),
    "campaign.add": say("lập chiến dịch"),
    "campaign.change": say("sửa chiến dịch"),
    "campaign.end": say("kết thúc chiến dịch"),
    "campaign.pause": say("tạm dừng chiến dịch"),
    "campaign.resume": say("cho chiến dịch chạy tiếp"),
    "canned.drop": say("bỏ bản tin khẩn cấp lưu sẵn"),
    "canned.keep": say("lưu sẵn bản tin khẩn cấp"),
    "canned.void": say("bản tin khẩn cấp lưu sẵn hết hiệu lực"),
    "cap.take_in": say("nhận cảnh báo CAP"),
    "checkpoint.handed": say("gửi dấu mốc ra ngoài"),
    "checkpoint.not_handed": say("chưa gửi được dấu mốc"),
    "claim.add": say("lập mã gắn đầu thu"),
    "claim.cancel": say("huỷ mã gắn đầu thu"),
    "claim.code": say("cấp lại mã gắn đầu thu"),
    "claim.confirm": say("xác nhận nghe thấy âm thử"),
    "claim.dead": say("mã gắn bị khoá vì nhập sai"),
    "claim.not_heard": say("không nghe thấy âm thử"),
    "claim.taken": say("đầu thu nhận mã gắn"),
    "claim.wrong": say("nhập sai mã gắn"),
    "day.mark": say("ghi ngày đặc biệt"),
    "day.unmark": say("bỏ ghi ngày đặc biệt"),
    "demo.made": say("tạo dữ liệu thử"),
    "dictionary.bring_in": say("nhập từ điển từ tệp"),
    "dictionary.forget": say("bỏ mục từ điển"),
    "dictionary.teach": say("ghi mục từ điển"),
    "evidence.make": say("lập gói chứng cứ"),
    "exception.add": say("ghi ngoại lệ"),
    "exception.withdraw": say("bỏ ngoại lệ"),
    "fault.known": say("nhận xử lý sự cố"),
    "group.add": say("thêm nhóm đầu thu"),
    "group.change": say("sửa nhóm đầu thu"),
    "group.leave": say("đưa đầu thu ra khỏi nhóm"),
    "group.members": say("thêm đầu thu vào nhóm"),
    "group.remove": say("bỏ nhóm đầu thu"),
    "journal.closed": say("khép nhật ký của đầu thu"),
    "journal.late": say("nhật ký về muộn"),
    "journal.new": say("đầu thu mở nhật ký mới"),
    "journal.tampered": say("nhật ký đầu thu mâu thuẫn"),
    "lease.taken": say("tiến trình nhận việc điều hành"),
    "level.decline": say("địa bàn không nhận lượt"),
    "level.first": say("địa bàn chọn lượt phát trước"),
    "level.follow": say("quyết định theo lượt đã đổi"),
    "level.withdraw": say("địa bàn bỏ quyết định"),
    "link.connected": say("nối lại bộ chuyển tin"),
    "notice.drop": say("bỏ mẫu thông báo"),
    "notice.restore": say("lấy lại mẫu thông báo"),
    "notice.save": say("lưu mẫu thông báo"),
    "plan.refused_by_broker": say("bộ chuyển tin từ chối kế hoạch"),
    "programme.add": say("lập chương trình"),
    "programme.change": say("sửa chương trình"),
    "programme.end": say("kết thúc chương trình"),
    "receiver.add": say("thêm đầu thu"),
    "receiver.attacked": say("đầu thu bị gửi lệnh giả"),
    "receiver.change": say("sửa đầu thu"),
    "receiver.cloned": say("đầu thu có thể bị sao chép"),
    "receiver.cloned.settled": say("đã xử lý đầu thu bị sao chép"),
    "receiver.delay_ms": say("chỉnh độ trễ đầu thu"),
    "receiver.flooding": say("bỏ bớt tin dồn dập từ đầu thu"),
    "receiver.muted": say("tắt, mở tiếng đầu thu"),
    "receiver.offline": say("đầu thu mất kết nối"),
    "receiver.old_key": say("đầu thu dùng khoá cũ"),
    "receiver.online": say("đầu thu trực tuyến"),
    "receiver.place": say("đặt vị trí đầu thu"),
    "receiver.replace": say("thay máy đầu thu"),
    "receiver.restart": say("khởi động lại đầu thu"),
    "receiver.retire": say("ngừng dùng đầu thu"),
    "receiver.tone": say("phát âm thử"),
    "receiver.volume": say("chỉnh âm lượng đầu thu"),
    "recording.made": say("làm xong âm thanh"),
    "regulation.enact": say("ban hành quy chế"),
    "regulation.quiet": say("đặt giờ không phát"),
    "regulation.repeal": say("bỏ bản quy chế"),
    "report.issue": say("phát hành báo cáo"),
    "report_order.add": say("đặt báo cáo định kỳ"),
    "report_order.again": say("làm lại báo cáo định kỳ"),
    "report_order.end": say("xoá báo cáo định kỳ"),
    "report_order.failed": say("báo cáo định kỳ không xong"),
    "report_order.made": say("lập báo cáo định kỳ"),
    "report_order.now": say("lập ngay báo cáo định kỳ"),
    "report_order.pause": say("tạm dừng báo cáo định kỳ"),
    "report_order.resume": say("cho báo cáo định kỳ chạy lại"),
    "report_order.sent": say("gửi báo cáo định kỳ"),
    "report_order.unsure": say("không rõ thư báo cáo đã đi chưa"),
    "retention.archive": say("ghi tệp lưu trữ"),
    "retention.confirm": say("đồng ý lưu trữ"),
    "retention.failed": say("lưu trữ chưa xong"),
    "retention.hold": say("giữ lại theo yêu cầu"),
    "retention.lift": say("gỡ yêu cầu giữ lại"),
    "retention.removed": say("chuyển dữ liệu khỏi cơ sở dữ liệu"),
    "retention.rule": say("đổi thời hạn lưu trữ"),
    "retention.stop": say("tạm ngừng lưu trữ"),
    "rollup.drop": say("bỏ đài phải nộp"),
    "rollup.expect": say("thêm đài phải nộp"),
    "rollup.import": say("nhập gói của xã"),
    "rollup.key": say("nhận khoá mới của xã"),
    "schedule.add": say("đặt lịch phát"),
    "schedule.change": say("sửa lịch phát"),
    "schedule.end": say("kết thúc lịch phát"),
    "schedule.waived": say("cho phát ngoài quy chế"),
    "second_step.codes": say("tạo lại mã dự phòng"),
    "second_step.failed": say("nhập sai mã xác nhận"),
    "second_step.off": say("tắt bước xác nhận thứ hai"),
    "second_step.on": say("bật bước xác nhận thứ hai"),
    "second_step.recovered": say("đăng nhập bằng mã dự phòng"),
    "simulate.add": say("thêm đầu thu mô phỏng"),
    "simulate.retire": say("bỏ đầu thu mô phỏng"),
    "staff.add": say("thêm cán bộ"),
    "staff.area": say("đổi địa bàn của cán bộ"),
    "staff.close": say("khoá tài khoản"),
    "staff.password": say("đổi mật khẩu"),
    "staff.reopen": say("mở lại tài khoản"),
    "staff.sign_in": say("đăng nhập"),
    "staff.sign_in_failed": say("đăng nhập sai"),
    "token.act": say("phần mềm làm thay cán bộ"),
    "token.add": say("cấp mã truy cập"),
    "token.refused": say("từ chối mã truy cập"),
    "token.revoke": say("thu hồi mã truy cập"),
}
VALUES = {
    "address": say("địa chỉ"),
    "acts_as": say("thay cho"),
    "alert": say("lệnh khẩn cấp số"),
    "archive": say("tệp lưu trữ số"),
    "area": say("địa bàn số"),
    "areas": say("địa bàn"),
    "at": say("lúc"),
    "barred": say("bị cấm vì"),
    "before": say("trước đó"),
    "after": say("nay"),
    "broadcast": say("lượt phát số"),
    "broadcasts": say("các lượt phát"),
    "bulletin": say("bản tin số"),
    "bulletins": say("các bản tin"),
    "bundle": say("gói"),
    "call": say("lệnh gọi"),
    "campaign": say("chiến dịch số"),
    "claim": say("mã gắn số"),
    "claim_kind": say("loại"),
    "code": say("mã"),
    "complete": say("đã đủ người"),
    "day": say("ngày"),
    "days": say("số ngày"),
    "decision": say("quyết định số"),
    "drill": say("diễn tập"),
    "end": say("đến hết ngày"),
    "every_ms": say("cách nhau (ms)"),
    "exception": say("ngoại lệ số"),
    "expires_at": say("hết hạn"),
    "fault": say("sự cố số"),
    "fields": say("các mục"),
    "file": say("tệp"),
    "first": say("từ ngày"),
    "folder": say("thư mục"),
    "form": say("chữ viết"),
    "format": say("định dạng"),
    "group": say("nhóm số"),
    "groups": say("nhóm"),
    "holder": say("tiến trình"),
    "hold": say("yêu cầu số"),
    "items": say("các mục phát"),
    "key": say("khoá"),
    "keys": say("tên và địa chỉ"),
    "language": say("tiếng"),
    "last": say("đến ngày"),
    "left": say("còn lại"),
    "login": say("tên đăng nhập"),
    "log_months": say("số tháng giữ"),
    "mark": say("ngày ghi số"),
    "minutes": say("số phút"),
    "month": say("tháng"),
    "name": say("tên"),
    "note": say("ghi chú"),
    "order": say("báo cáo định kỳ số"),
    "outcome": say("kết quả"),
    "place": say("nơi"),
    "programme": say("chương trình số"),
    "quiet": say("giờ không phát"),
    "reason": say("lý do"),
    "receiver": say("đầu thu"),
    "receivers": say("các đầu thu"),
    "refused": say("bị từ chối"),
    "replaces": say("thay cho đầu thu"),
    "report": say("báo cáo số"),
    "role": say("vai trò"),
    "row": say("dòng"),
    "rows": say("số dòng"),
    "rule": say("lặp lại"),
    "rules": say("điều của quy chế"),
    "run": say("lần số"),
    "schedule": say("lịch số"),
    "scopes": say("phạm vi"),
    "sender": say("nơi gửi"),
    "serial": say("số máy"),
    "since": say("từ"),
    "slot": say("khung giờ"),
    "sounds": say("âm thanh"),
    "spoken": say("đọc là"),
    "start": say("từ ngày"),
    "station": say("đài"),
    "status": say("tình trạng"),
    "target": say("chỉ tiêu"),
    "times": say("số lần"),
    "title": say("tên bản tin"),
    "to": say("gửi tới"),
    "token": say("mã truy cập số"),
    "until": say("đến"),
    "upto": say("đến dòng"),
    "value": say("giá trị"),
    "version": say("bản thứ"),
    "volume": say("âm lượng"),
    "waived": say("ngoài quy chế"),
    "waived_why": say("lý do ngoài quy chế"),
    "weight": say("trọng số"),
    "what": say("việc"),
    "why": say("vì sao"),
}
MOMENTS = frozenset({"since", "until", "expires_at"})
_YEAR_2001 = 978_307_200_000
"""A smaller number under a name of MOMENTS is a number of something else."""


@dataclass(frozen=True)
class Detail:
    """One thing told of an act; ``was`` only where the act changed it."""

    name: str
    now: str
    was: str | None = None


def kind(code: str) -> str:
    """What the act is called; its code where there is no word for it."""
    return KINDS.get(code, code)


def actor(login: str, names: Mapping[str, str]) -> str:
    """Who did it: a person by name, the station itself, or else as it stands there."""
    return say("đài tự làm") if login == "loa" else names.get(login, login)


def details(told: Mapping[str, Any]) -> list[Detail]:
    """What is told of an act: first what it changed, then the rest."""
    rest = dict(told)
    changed: list[Detail] = []
    if "before" in rest and "after" in rest:
        changed = list(_changes(rest.pop("before"), rest.pop("after")))
    return changed + [Detail(_name(key), _value(key, value)) for key, value in rest.items()]


def _changes(before: Any, after: Any) -> Iterator[Detail]:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield Detail(say("thay đổi"), _value("", after), _value("", before))
        return
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was != now:
            yield Detail(_name(key), _value(key, now), _value(key, was))


def _name(key: str) -> str:
    return VALUES.get(key, key)


def _value(key: str, value: Any) -> str:
    if value in (None, "", "None", [], {}):
        return "–"
    if isinstance(value, bool):
        return say("có") if value else say("không")
    if key in MOMENTS and isinstance(value, int) and value > _YEAR_2001:
        return labels.moment(Instant(value), current.zone())
    if isinstance(value, dict):
        told = (words.join(": ", [_name(k), _value(k, v)]) for k, v in value.items())
        return _shortened(words.join("; ", told))
    if key == "scopes":
        return words.join("; ", (tokens.WORDS.get(each, each) for each in value))
    if isinstance(value, list) and isinstance(value[0], list):
        return counted("%(n)s mục", len(value))
    if isinstance(value, list):
        return _shortened(words.join(", ", (_value(key, each) for each in value)))
    return _shortened(str(value))


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
