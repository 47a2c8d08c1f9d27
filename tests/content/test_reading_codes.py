"""Numbers that are names: telephones, plates, houses, roads, papers of persons."""

from __future__ import annotations

import pytest

from content import reading

CASES = {
    "gọi 0912 345 678": "gọi không chín một hai, ba bốn năm, sáu bảy tám",
    "gọi 0912345678": "gọi không chín một hai, ba bốn năm, sáu bảy tám",
    "090 123 4567": "không chín không, một hai ba, bốn năm sáu bảy",
    "(024) 3825 1234": "không hai bốn, ba tám hai năm, một hai ba bốn",
    "+84 912 345 678": "cộng tám bốn, chín một hai, ba bốn năm, sáu bảy tám",
    "0912.345.678 - 0987.654.321": (
        "không chín một hai, ba bốn năm, sáu bảy tám, không chín tám bảy, sáu năm bốn, ba hai một"
    ),
    "hotline 1900 1234": "hotline một chín không không, một hai ba bốn",
    "gọi 113, 114 hoặc 115": "gọi một một ba, một một bốn hoặc một một năm",
    "tổng đài 1022": "tổng đài một không hai hai",
    "số CCCD 001234567890": "số căn cước công dân không không một, hai ba bốn, năm sáu bảy, tám chín không",
    "STK 1234567890123": "số tài khoản một hai ba, bốn năm sáu, bảy tám chín, không một hai ba",
    "xe 43A-123.45": "xe bốn ba a, một hai ba, bốn năm",
    "biển số 29-H1 678.90": "biển số hai chín hát một, sáu bảy tám, chín không",
    "ngõ 5/3": "ngõ năm trên ba",
    "số nhà 12/4": "số nhà mười hai trên bốn",
    "hẻm 123/45/6": "hẻm một trăm hai mươi ba trên bốn mươi lăm trên sáu",
    "số 12/4 đường Bờ Kè": "số mười hai trên bốn đường Bờ Kè",
    "lớp 9/2": "lớp chín trên hai",
    "QL10": "quốc lộ mười",
    "ĐT605": "đường tỉnh sáu trăm lẻ năm",
    "đường ĐH.05": "đường huyện không năm",
    "Km12+300": "ki-lô-mét mười hai cộng ba trăm",
    "SN 1965": "sinh năm một nghìn chín trăm sáu mươi lăm",
    "điện thoại 024.3825.1234": "điện thoại không hai bốn, ba tám hai năm, một hai ba bốn",
    "ĐT: 024.38251234": "điện thoại: không hai bốn, ba tám hai năm, một hai ba bốn",
    "ĐT: 0225.3821.055": "điện thoại: không hai hai năm, ba tám hai một, không năm năm",
    "số điện thoại 0912.345.678": "số điện thoại không chín một hai, ba bốn năm, sáu bảy tám",
    "0912-345-678": "không chín một hai, ba bốn năm, sáu bảy tám",
    "0912 34 56 78": "không chín một hai, ba bốn, năm sáu, bảy tám",
    "0912345678": "không chín một hai, ba bốn năm, sáu bảy tám",
    "09123 45678": "không chín một hai, ba bốn năm, sáu bảy tám",
    "091 234 5678": "không chín một, hai ba bốn, năm sáu bảy tám",
    "(0225) 3 821 055": "không hai hai năm, ba, tám hai một, không năm năm",
    "0225 3821055": "không hai hai năm, ba tám hai một, không năm năm",
    "+84912345678": "cộng tám bốn, chín một hai, ba bốn năm, sáu bảy tám",
    "(+84) 912 345 678": "cộng tám bốn, chín một hai, ba bốn năm, sáu bảy tám",
    "0084 912 345 678": "cộng tám bốn, chín một hai, ba bốn năm, sáu bảy tám",
    "hotline: 1900 1234": "hotline: một chín không không, một hai ba bốn",
    "hotline 19001234": "hotline một chín không không, một hai ba bốn",
    "1900.1234": "một chín không không, một hai ba bốn",
    "1900 6068": "một chín không không, sáu không sáu tám",
    "1800 1234": "một tám không không, một hai ba bốn",
    "18001234": "một tám không không, một hai ba bốn",
    "tổng đài 18008098": "tổng đài một tám không không, tám không chín tám",
    "tổng đài 1800.8098": "tổng đài một tám không không, tám không chín tám",
    "gọi 1900 545 459": "gọi một chín không không, năm bốn năm, bốn năm chín",
    "gọi 113": "gọi một một ba",
    "gọi 114": "gọi một một bốn",
    "cảnh sát 113": "cảnh sát một một ba",
    "cấp cứu 115": "cấp cứu một một năm",
    "số 111": "số một trăm mười một",
    "Tổng đài quốc gia bảo vệ trẻ em 111": "Tổng đài quốc gia bảo vệ trẻ em một một một",
    "đường dây nóng 0987 654 321 (gặp đồng chí Lan)": (
        "đường dây nóng không chín tám bảy, sáu năm bốn, ba hai một, gặp đồng chí Lan"
    ),
    "liên hệ: 0912 345 678 – 0987 654 321": (
        "liên hệ: không chín một hai, ba bốn năm, sáu bảy tám, không chín tám bảy, sáu năm bốn,"
        " ba hai một"
    ),
    "0912 345 678/0987 654 321": (
        "không chín một hai, ba bốn năm, sáu bảy tám, không chín tám bảy, sáu năm bốn, ba hai một"
    ),
    "0912.345.678; 0987.654.321": (
        "không chín một hai, ba bốn năm, sáu bảy tám; không chín tám bảy, sáu năm bốn, ba hai một"
    ),
    "SĐT: 0912 345 678": "số điện thoại: không chín một hai, ba bốn năm, sáu bảy tám",
    "ĐT 0912345678 hoặc 02253821055": (
        "điện thoại không chín một hai, ba bốn năm, sáu bảy tám hoặc không hai hai năm, ba tám"
        " hai, một không năm năm"
    ),
    "Zalo 0912345678": "da lô không chín một hai, ba bốn năm, sáu bảy tám",
    "số 0243 825 1234": "số không hai bốn ba, tám hai năm, một hai ba bốn",
    "gọi số 1022 hoặc 18001096": "gọi số một không hai hai hoặc một tám không không, một không chín sáu",
    "số máy lẻ 105": "số máy lẻ một không năm",
    "nhắn tin 1407": "nhắn tin một bốn không bảy",
    "soạn tin gửi 1414": "soạn tin gửi một bốn một bốn",
    "BKS 29A-123.45": "biển kiểm soát hai chín a, một hai ba, bốn năm",
    "29-X1 123.45": "hai chín ích một, một hai ba, bốn năm",
    "29X1-123.45": "hai chín ích một, một hai ba, bốn năm",
    "15B-012.34": "một năm bê, không một hai, ba bốn",
    "biển số 15A 12345": "biển số một năm a, một hai ba, bốn năm",
    "biển kiểm soát 30E-567.89": "biển kiểm soát ba không e, năm sáu bảy, tám chín",
    "xe biển số 80B-1234": "xe biển số tám không bê, một hai ba bốn",
    "30K-999.99": "ba không ca, chín chín chín, chín chín",
    "xe máy biển số 15-B1 234.56": "xe máy biển số một năm bê một, hai ba bốn, năm sáu",
    "15MĐ1-234.56": "một năm em mờ đê một, hai ba bốn, năm sáu",
    "số CCCD 031088001234": "số căn cước công dân không ba một, không tám tám, không không một, hai ba bốn",
    "CCCD: 031 088 001 234": "căn cước công dân: không ba một, không tám tám, không không một, hai ba bốn",
    "CMND 031123456": "chứng minh nhân dân không ba một, một hai ba, bốn năm sáu",
    "số căn cước 031088001234": "số căn cước không ba một, không tám tám, không không một, hai ba bốn",
    "MST 0201234567": "mã số thuế không hai không một, hai ba bốn, năm sáu bảy",
    "mã số thuế 0201234567-001": "mã số thuế không hai không một, hai ba bốn, năm sáu bảy, không không một",
    "STK 0031000123456": "số tài khoản không không ba, một không không, không một hai, ba bốn năm sáu",
    "số tài khoản 1234 5678 9012": "số tài khoản một hai ba bốn, năm sáu bảy tám, chín không một hai",
    "tài khoản số 19001234567 tại Ngân hàng": (
        "tài khoản số một chín không không, một hai ba, bốn năm sáu bảy tại Ngân hàng"
    ),
    "tài khoản 1234567890 - Ngân hàng Agribank": (
        "tài khoản một hai ba bốn, năm sáu bảy, tám chín không, Ngân hàng Agribank"
    ),
    "mã hồ sơ 000.00.12.H24-251101-0001": (
        "mã hồ sơ không không không, không không, một hai, hát, hai bốn, hai năm một, một không"
        " một, không không không một"
    ),
    "mã số BHXH 3123456789": "mã số bảo hiểm xã hội ba một hai ba, bốn năm sáu, bảy tám chín",
    "số thẻ BHYT GD4313123456789": (
        "số thẻ bảo hiểm y tế giê dê, bốn ba một, ba một hai, ba bốn năm, sáu bảy tám chín"
    ),
    "số nhà 12": "số nhà mười hai",
    "số 12 đường Lê Lợi": "số mười hai đường Lê Lợi",
    "số 12/3 đường Lê Lợi": "số mười hai trên ba đường Lê Lợi",
    "12/3 đường Lê Lợi": "mười hai trên ba đường Lê Lợi",
    "số 12A đường Trần Phú": "số mười hai A đường Trần Phú",
    "12B Trần Phú": "mười hai bê Trần Phú",
    "ngách 12/34": "ngách mười hai trên ba mươi tư",
    "ngõ 123, đường Trần Nguyên Hãn": "ngõ một trăm hai mươi ba, đường Trần Nguyên Hãn",
    "số nhà 25, ngõ 12": "số nhà hai mươi lăm, ngõ mười hai",
    "số 5 ngách 12/3 ngõ 45": "số năm ngách mười hai trên ba ngõ bốn mươi lăm",
    "hẻm 12/3/4 đường số 7": "hẻm mười hai trên ba trên bốn đường số bảy",
    "K12/5 Nguyễn Tri Phương": "kiệt mười hai trên năm Nguyễn Tri Phương",
    "kiệt 45/6": "kiệt bốn mươi lăm trên sáu",
    "lô A12": "lô A mười hai",
    "lô B2-15": "lô bê hai, mười lăm",
    "thửa số 123, tờ bản đồ số 45": "thửa số một trăm hai mươi ba, tờ bản đồ số bốn mươi lăm",
    "thửa 12, tờ 3": "thửa mười hai, tờ ba",
    "tổ 5, khu 3": "tổ năm, khu ba",
    "tổ 12, phường Hải Châu": "tổ mười hai, phường Hải Châu",
    "khu phố 3A": "khu phố ba A",
    "lớp 5A1": "lớp năm A một",
    "lớp 12A3": "lớp mười hai A ba",
    "lớp 5/2": "lớp năm trên hai",
    "phòng 302": "phòng ba trăm lẻ hai",
    "phòng P.201": "phòng hai trăm lẻ một",
    "tầng 3": "tầng ba",
    "nhà A2": "nhà A hai",
    "cổng số 2": "cổng số hai",
    "QL1A": "quốc lộ một A",
    "QL 1A": "quốc lộ một A",
    "quốc lộ 1A": "quốc lộ một A",
    "QL.5": "quốc lộ năm",
    "QL5B": "quốc lộ năm bê",
    "TL 391": "tỉnh lộ ba trăm chín mươi mốt",
    "TL359": "tỉnh lộ ba trăm năm mươi chín",
    "ĐT.353": "đường tỉnh ba trăm năm mươi ba",
    "ĐT 605": "đường tỉnh sáu trăm lẻ năm",
    "đường tỉnh 605": "đường tỉnh sáu trăm lẻ năm",
    "ĐH.12": "đường huyện mười hai",
    "HL2": "hương lộ hai",
    "Km 12+300": "ki-lô-mét mười hai cộng ba trăm",
    "km12+300": "ki-lô-mét mười hai cộng ba trăm",
    "Km5": "ki-lô-mét năm",
    "từ Km5 đến Km10": "từ ki-lô-mét năm đến ki-lô-mét mười",
    "Km12+300 - Km15+500": "ki-lô-mét mười hai cộng ba trăm đến ki-lô-mét mười lăm cộng năm trăm",
    "cao tốc Bắc - Nam": "cao tốc Bắc, Nam",
    "CT.01": "cao tốc không một",
    "đường 2/9": "đường mùng hai tháng chín",
    "đường 3 tháng 2": "đường ba tháng hai",
    "đường 30 tháng 4": "đường ba mươi tháng tư",
    "đường CMT8": "đường Cách mạng tháng Tám",
    "quận 1": "quận một",
    "Q.1, TP.HCM": "quận một, Thành phố Hồ Chí Minh",
    "P.Bến Nghé, Q.1": "phường Bến Nghé, quận một",
    "P. 12, Q. Tân Bình": "phường mười hai, quận Tân Bình",
    "phường 7": "phường bảy",
    "xã Hòa Tiến, H. Hòa Vang, TP. Đà Nẵng": "xã Hòa Tiến, huyện Hòa Vang, thành phố Đà Nẵng",
    "TX. Kinh Môn": "thị xã Kinh Môn",
    "TT. Núi Đèo": "thị trấn Núi Đèo",
    "H.An Dương": "huyện An Dương",
}


@pytest.mark.parametrize(("written", "spoken"), CASES.items(), ids=CASES)
def test_it_says_what_a_listener_expects(written: str, spoken: str) -> None:
    said = reading.read(written)
    assert said.spoken == spoken
    assert said.warnings == ()


@pytest.mark.parametrize("spoken", CASES.values(), ids=CASES)
def test_what_was_said_is_not_changed_again(spoken: str) -> None:
    assert reading.read(spoken).spoken == spoken
