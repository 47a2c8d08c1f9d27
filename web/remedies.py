"""Faults of receivers in words, each with what to do about it."""

from __future__ import annotations

from devices.outages import Kind
from devices.remote import Obeyed
from loa.words import say
from scheduler import fleet_files
from scheduler.readiness import Why
from scheduler.tones import Stage

FAULTS = fleet_files.FAULTS
CLOCKS, POWERS, OUTPUTS = fleet_files.CLOCKS, fleet_files.POWERS, fleet_files.OUTPUTS
REMEDIES = {
    Kind.OFFLINE: say(
        "Xem đèn nguồn và mạng của đầu thu: rút điện cắm lại, kiểm tra SIM còn dữ liệu hoặc dây mạng. "
        "Lượt đã tải sẵn vẫn phát đúng giờ nếu chỉ mất mạng."
    ),
    Kind.OUTPUT: say(
        "Kiểm tra ampli đã bật, dây ra loa và giắc cắm; rồi bấm “Phát âm thử” và nghe tại chỗ."
    ),
    Kind.CLOCK: say(
        "Đầu thu chưa biết giờ nên không phát lịch. Chờ một phút khi có mạng; nếu vẫn vậy, khởi động lại "
        "đầu thu và kiểm tra pin đồng hồ."
    ),
    Kind.UNREADY: say(
        "Mạng của đầu thu có thể quá chậm. Kiểm tra sóng hoặc dây mạng ngay; nếu không kịp, hãy báo bà con "
        "bằng cách khác hoặc dời giờ phát."
    ),
    Kind.SILENT: say(
        "Đầu thu đã trực tuyến lại mà không gửi nhật ký của lượt phát. Khởi động lại từ xa; nếu vẫn vậy, đến "
        "tận nơi xem thẻ nhớ."
    ),
    Kind.TAMPERED: say(
        "Máy có thể bị sao chép, phục hồi hoặc can thiệp. Đến tận nơi xem, rồi cấp lại mã hoặc thay máy."
    ),
    Kind.DISK: say(
        "Bộ nhớ chứa âm thanh sắp hết chỗ. Bớt bản tin dài được hẹn trước, hoặc thay thẻ nhớ lớn hơn."
    ),
    Kind.BATTERY: say(
        "Điện lưới ở chỗ đầu thu đang mất. Báo điện lực hoặc kiểm tra cầu dao trước khi ắc quy cạn."
    ),
    Kind.KEYS: say(
        "Đầu thu chưa nhận danh sách khoá mới. Chờ nó trực tuyến vài phút; nếu vẫn vậy, khởi động lại từ xa."
    ),
}
TONES = {
    Kind.OFFLINE: "bad",
    Kind.OUTPUT: "bad",
    Kind.CLOCK: "bad",
    Kind.UNREADY: "bad",
    Kind.TAMPERED: "bad",
}
"""Of the rest one may stand as a doubt."""
WHYS = {
    Why.NEVER: say("chưa kết nối lần nào"),
    Why.OFFLINE: say("mất kết nối"),
    Why.CLOCK: say("chưa có giờ đúng"),
    Why.OUTPUT: say("đường ra loa báo lỗi"),
    Why.MUTED: say("đang tắt tiếng"),
    Why.AUDIO: say("chưa tải xong âm thanh"),
}
WHY_REMEDIES = {
    Why.NEVER: say("Bật đầu thu và kiểm tra mạng; nếu chưa cài đặt, xem trang của đầu thu."),
    Why.OFFLINE: REMEDIES[Kind.OFFLINE],
    Why.CLOCK: REMEDIES[Kind.CLOCK],
    Why.OUTPUT: REMEDIES[Kind.OUTPUT],
    Why.MUTED: say("Bật tiếng hoặc tăng âm lượng ở trang của đầu thu."),
    Why.AUDIO: REMEDIES[Kind.UNREADY],
}
ORDERS = {
    Obeyed.WAITING: say("chờ gửi"),
    Obeyed.SENT: say("đã gửi, chờ đầu thu nhận"),
    Obeyed.TAKEN: say("đã nhận"),
}
ORDER_TONES = {Obeyed.WAITING: "quiet", Obeyed.SENT: "wait", Obeyed.TAKEN: "good"}
TONE_STAGES = {
    Stage.SENT: (say("đã gửi lệnh, chờ đầu thu nhận"), "wait"),
    Stage.ACCEPTED: (say("đầu thu đã nhận lệnh"), "wait"),
    Stage.STARTED: (say("đang phát"), "live"),
    Stage.PLAYED: (say("đã phát xong"), "good"),
    Stage.FAILED: (say("không phát được"), "bad"),
    Stage.SILENT: (say("đầu thu không báo lại"), "doubt"),
}
EXCUSES = say("Giờ tính theo lúc đài nghe được đầu thu; lúc đài tắt thì không tính.")
