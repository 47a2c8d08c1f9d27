"""Numbers of official papers, with who issued them."""

from __future__ import annotations

import pytest

from content import reading

CASES = {
    "thực hiện 47/2020/NĐ-CP": "thực hiện nghị định bốn mươi bảy năm hai nghìn không trăm hai mươi của Chính phủ",
    "Nghị định 47/2020/NĐ-CP": "Nghị định bốn mươi bảy năm hai nghìn không trăm hai mươi của Chính phủ",
    "NĐ 49/2024/NĐ-CP": "nghị định bốn mươi chín năm hai nghìn không trăm hai mươi tư của Chính phủ",
    "Nghị định số 15/2020/NĐ-CP ngày 03/02/2020 của Chính phủ": (
        "Nghị định số mười lăm năm hai nghìn không trăm hai mươi ngày mùng ba tháng hai năm hai"
        " nghìn không trăm hai mươi của Chính phủ"
    ),
    "Quyết định số 8/QĐ-TTg, ngày 4/4/2021 của Thủ tướng": (
        "Quyết định số tám, ngày mùng bốn tháng tư năm hai nghìn không trăm hai mươi mốt của Thủ"
        " tướng"
    ),
    "Quyết định số 35/QĐ-UBND ngày 12 tháng 5 năm 2023 của UBND tỉnh": (
        "Quyết định số ba mươi lăm ngày mười hai tháng năm năm hai nghìn không trăm hai mươi ba"
        " của ủy ban nhân dân tỉnh"
    ),
    "Kế hoạch 104/KH-UBND": "Kế hoạch một trăm lẻ bốn của ủy ban nhân dân",
    "triển khai 104/KH-UBND": "triển khai kế hoạch một trăm lẻ bốn của ủy ban nhân dân",
    "Kế hoạch triển khai 13/2023/NĐ-CP": (
        "Kế hoạch triển khai nghị định mười ba năm hai nghìn không trăm hai mươi ba của Chính phủ"
    ),
    "Công văn số 650/BTTTT-TTCS": "Công văn số sáu trăm năm mươi của Bộ Thông tin và Truyền thông",
    "Công văn số 77/UBND-VX": "Công văn số bảy mươi bảy của ủy ban nhân dân",
    "Kế hoạch số 9/KH-STTTT": "Kế hoạch số chín của Sở Thông tin và Truyền thông",
    "Đề án 06/CP": "Đề án không sáu của Chính phủ",
    "Chỉ thị 05-CT/TW": "Chỉ thị không năm của Trung ương",
    "Nghị quyết số 18-NQ/TW": "Nghị quyết số mười tám của Trung ương",
    "Hướng dẫn 12-HD/BTGTW": "Hướng dẫn mười hai của Ban Tuyên giáo Trung ương",
    "Kết luận số 7-KL/ĐU": "Kết luận số bảy của đảng ủy",
    "Luật Đất đai số 31/2024/QH15": (
        "Luật Đất đai số ba mươi mốt năm hai nghìn không trăm hai mươi tư của Quốc hội khóa mười"
        " lăm"
    ),
    "Thông tư liên tịch số 5/2015/TTLT-BTC-BNV": (
        "Thông tư liên tịch số năm năm hai nghìn không trăm mười lăm của Bộ Tài chính và Bộ Nội vụ"
    ),
    "TT 39/2020/TT-BTTTT": (
        "thông tư ba mươi chín năm hai nghìn không trăm hai mươi của Bộ Thông tin và Truyền thông"
    ),
    "TT 39": "thông tư ba mươi chín",
    "CT số 05": "chỉ thị số không năm",
    "Nghị định 49/2024": "Nghị định bốn mươi chín năm hai nghìn không trăm hai mươi tư",
    "theo QĐ-TTg mới ban hành": "theo quyết định của Thủ tướng Chính phủ mới ban hành",
    "Thông báo số 12A/TB-UBND": "Thông báo số mười hai a của ủy ban nhân dân",
    "Công văn 1234/UBND-VP ngày 05/03/2024": (
        "Công văn một nghìn hai trăm ba mươi tư của ủy ban nhân dân ngày mùng năm tháng ba năm"
        " hai nghìn không trăm hai mươi tư"
    ),
    "Căn cứ Luật Tổ chức chính quyền địa phương số 65/2025/QH15": (
        "Căn cứ Luật Tổ chức chính quyền địa phương số sáu mươi lăm năm hai nghìn không trăm hai"
        " mươi lăm của Quốc hội khóa mười lăm"
    ),
    "Nghị quyết số 60-NQ/TW ngày 12/4/2025 của Ban Chấp hành Trung ương": (
        "Nghị quyết số sáu mươi ngày mười hai tháng tư năm hai nghìn không trăm hai mươi lăm của"
        " Ban Chấp hành Trung ương"
    ),
    "Thông tư số 39/2020/TT-BTTTT ngày 24/11/2020 của Bộ trưởng Bộ Thông tin và Truyền thông": (
        "Thông tư số ba mươi chín năm hai nghìn không trăm hai mươi ngày hai mươi tư tháng mười"
        " một năm hai nghìn không trăm hai mươi của Bộ trưởng Bộ Thông tin và Truyền thông"
    ),
    "Quyết định 1527/QĐ-UBND của Chủ tịch UBND xã": (
        "Quyết định một nghìn năm trăm hai mươi bảy của Chủ tịch ủy ban nhân dân xã"
    ),
    "theo Thông báo số 45/TB-UBND, UBND xã mời bà con": (
        "theo Thông báo số bốn mươi lăm của ủy ban nhân dân, ủy ban nhân dân xã mời bà con"
    ),
    "Giấy mời số 15/GM-UBND": "Giấy mời số mười lăm của ủy ban nhân dân",
    "Tờ trình số 20/TTr-UBND": "Tờ trình số hai mươi của ủy ban nhân dân",
    "Báo cáo số 102/BC-HĐND": "Báo cáo số một trăm lẻ hai của hội đồng nhân dân",
    "Nghị quyết 35/NQ-HĐND ngày 10 tháng 7 năm 2025": (
        "Nghị quyết ba mươi lăm của hội đồng nhân dân ngày mùng mười tháng bảy năm hai nghìn"
        " không trăm hai mươi lăm"
    ),
    "Kế hoạch số 12-KH/ĐU ngày 3/2/2025 của Đảng ủy xã": (
        "Kế hoạch số mười hai ngày mùng ba tháng hai năm hai nghìn không trăm hai mươi lăm của"
        " Đảng ủy xã"
    ),
    "Công điện số 98/CĐ-TTg": "Công điện số chín mươi tám của Thủ tướng Chính phủ",
    "Hướng dẫn số 03/HD-MTTQ-BTT": "Hướng dẫn số không ba của Mặt trận Tổ quốc",
    "Quyết định số 749/QĐ-TTg": "Quyết định số bảy trăm bốn mươi chín của Thủ tướng Chính phủ",
    "Chỉ thị 34/CT-TTg": "Chỉ thị ba mươi tư của Thủ tướng Chính phủ",
    "Luật số 59/2020/QH14": "Luật số năm mươi chín năm hai nghìn không trăm hai mươi của Quốc hội khóa mười bốn",
    "Nghị định 100/2019/NĐ-CP và Nghị định 168/2024/NĐ-CP": (
        "Nghị định một trăm năm hai nghìn không trăm mười chín của Chính phủ và Nghị định một"
        " trăm sáu mươi tám năm hai nghìn không trăm hai mươi tư của Chính phủ"
    ),
    "QĐ 1719/QĐ-TTg": "quyết định một nghìn bảy trăm mười chín của Thủ tướng Chính phủ",
    "Văn bản số 123/UBND-KT": "Văn bản số một trăm hai mươi ba của ủy ban nhân dân",
    "Thông báo số 07/TB-BCĐ của Ban Chỉ đạo": "Thông báo số không bảy của Ban Chỉ đạo",
    "Pháp lệnh 02/2020/UBTVQH14": (
        "Pháp lệnh không hai năm hai nghìn không trăm hai mươi của Ủy ban Thường vụ Quốc hội"
        " khóa mười bốn"
    ),
    "Nghị quyết số 1656/NQ-UBTVQH15": (
        "Nghị quyết số một nghìn sáu trăm năm mươi sáu của Ủy ban Thường vụ Quốc hội khóa mười lăm"
    ),
    "Công văn số 55/CV-ĐTN": "Công văn số năm mươi lăm của đoàn thanh niên",
    "Quyết định số 05/2025/QĐ-UBND ngày 15-01-2025 của UBND tỉnh": (
        "Quyết định số không năm năm hai nghìn không trăm hai mươi lăm ngày mười lăm tháng một"
        " năm hai nghìn không trăm hai mươi lăm của ủy ban nhân dân tỉnh"
    ),
    "Thông tư 03/2025/TT-BNNMT": (
        "Thông tư không ba năm hai nghìn không trăm hai mươi lăm của Bộ Nông nghiệp và Môi trường"
    ),
    "thông tư liên tịch 13/2013/TTLT-BYT-BGDĐT": (
        "thông tư liên tịch mười ba năm hai nghìn không trăm mười ba của Bộ Y tế và Bộ Giáo dục"
        " và Đào tạo"
    ),
    "Số: 25/TB-UBND": "Số: hai mươi lăm của ủy ban nhân dân",
    "Kế hoạch số 77/KH-UBND-VHXH": "Kế hoạch số bảy mươi bảy của ủy ban nhân dân",
    "theo Quyết định 2345/QĐ-BYT do Bộ Y tế ban hành": (
        "theo Quyết định hai nghìn ba trăm bốn mươi lăm do Bộ Y tế ban hành"
    ),
    "Biên bản số 02/BB-TDP": "Biên bản số không hai của tổ dân phố",
    "Công văn 889/SGDĐT-VP": "Công văn tám trăm tám mươi chín của Sở Giáo dục và Đào tạo",
    "Thông báo 15/TB-CAX": "Thông báo mười lăm của công an xã",
    "Nghị định 13/2023": "Nghị định mười ba năm hai nghìn không trăm hai mươi ba",
    "Điều 5 Nghị định 13/2023/NĐ-CP": (
        "Điều năm Nghị định mười ba năm hai nghìn không trăm hai mươi ba của Chính phủ"
    ),
    "khoản 2 Điều 5, điểm a khoản 1 Điều 12": "khoản hai Điều năm, điểm a khoản một Điều mười hai",
    "Điểm c, khoản 3, Điều 8": "Điểm xê, khoản ba, Điều tám",
    "Nghị quyết Đại hội XIV của Đảng": "Nghị quyết Đại hội mười bốn của Đảng",
    "NQ 57-NQ/TW": "nghị quyết năm mươi bảy của Trung ương",
    "Nghị quyết 57": "Nghị quyết năm mươi bảy",
    "Nghị quyết số 68-NQ/TW của Bộ Chính trị": "Nghị quyết số sáu mươi tám của Bộ Chính trị",
    "Kết luận 127-KL/TW": "Kết luận một trăm hai mươi bảy của Trung ương",
    "Quy định số 37-QĐ/TW": "Quy định số ba mươi bảy của Trung ương",
    "Quy định 41-QĐ/TW": "Quy định bốn mươi mốt của Trung ương",
    "Quy chế số 01-QC/ĐU": "Quy chế số không một của đảng ủy",
    "Công văn hỏa tốc số 4567/UBND-NNMT": "Công văn hỏa tốc số bốn nghìn năm trăm sáu mươi bảy của ủy ban nhân dân",
    "số 01/2021/QĐ-UBND, 02/2021/QĐ-UBND": (
        "số không một năm hai nghìn không trăm hai mươi mốt của ủy ban nhân dân, không hai năm"
        " hai nghìn không trăm hai mươi mốt của ủy ban nhân dân"
    ),
    "các Nghị định 20/2021/NĐ-CP, 76/2024/NĐ-CP của Chính phủ": (
        "các Nghị định hai mươi năm hai nghìn không trăm hai mươi mốt, bảy mươi sáu năm hai"
        " nghìn không trăm hai mươi tư của Chính phủ"
    ),
    "Luật số 15/2012/QH13, được sửa đổi theo Luật 67/2020/QH14": (
        "Luật số mười lăm năm hai nghìn không trăm mười hai của Quốc hội khóa mười ba, được sửa"
        " đổi theo Luật sáu mươi bảy năm hai nghìn không trăm hai mươi của Quốc hội khóa mười bốn"
    ),
    "Thông báo số 123 /TB-UBND": "Thông báo số một trăm hai mươi ba của ủy ban nhân dân",
    "Kế hoạch số:45/KH-UBND": "Kế hoạch số: bốn mươi lăm của ủy ban nhân dân",
    "Số 12/BC-TYT": "Số mười hai của trạm y tế",
    "Chỉ thị số 05-CT/TW ngày 15/5/2016 của Bộ Chính trị": (
        "Chỉ thị số không năm ngày mười lăm tháng năm năm hai nghìn không trăm mười sáu của Bộ"
        " Chính trị"
    ),
    "Nghị quyết 128/NQ-CP": "Nghị quyết một trăm hai mươi tám của Chính phủ",
    "Quyết định số 22/QĐ-ĐTN-VP": "Quyết định số hai mươi hai của đoàn thanh niên",
    "Công văn số 12/HĐND": "Công văn số mười hai của hội đồng nhân dân",
    "Hướng dẫn liên ngành số 01/HDLN-YT-GDĐT": "Hướng dẫn liên ngành số không một của Y tế và giáo dục và đào tạo",
    "06/2025/NQ-HĐND": "nghị quyết không sáu năm hai nghìn không trăm hai mươi lăm của hội đồng nhân dân",
    "Nghị định số 147/2024/NĐ-CP ngày 09 tháng 11 năm 2024 của Chính phủ": (
        "Nghị định số một trăm bốn mươi bảy năm hai nghìn không trăm hai mươi tư ngày mùng chín"
        " tháng mười một năm hai nghìn không trăm hai mươi tư của Chính phủ"
    ),
    "1719/QĐ-TTg ngày 14/10/2021": (
        "quyết định một nghìn bảy trăm mười chín của Thủ tướng Chính phủ ngày mười bốn tháng"
        " mười năm hai nghìn không trăm hai mươi mốt"
    ),
}


@pytest.mark.parametrize(("written", "spoken"), CASES.items(), ids=CASES)
def test_it_says_what_a_listener_expects(written: str, spoken: str) -> None:
    said = reading.read(written)
    assert said.spoken == spoken
    assert said.warnings == ()


@pytest.mark.parametrize("spoken", CASES.values(), ids=CASES)
def test_what_was_said_is_not_changed_again(spoken: str) -> None:
    assert reading.read(spoken).spoken == spoken
