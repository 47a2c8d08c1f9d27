"""Whole sentences of a commune's day, where the rules meet."""

from __future__ import annotations

import pytest

from content import reading

CASES = {
    "vòng 1/8": "vòng một trên tám",
    "0/10": "không trên mười",
    "Số 5-7 Lê Lợi": "Số năm đến bảy Lê Lợi",
    "hiệp 1: 1-0": "hiệp một: một không",
    "set 3: 25-23": "set ba: hai mươi lăm hai mươi ba",
    "TK 3713.0.1058016 tại KBNN": (
        "tài khoản ba bảy một ba, không, một không năm tám, không một sáu tại kho bạc Nhà nước"
    ),
    "số 45/2025": "số bốn mươi lăm năm hai nghìn không trăm hai mươi lăm",
    "nhà số 12/2020": "nhà số mười hai trên hai nghìn không trăm hai mươi",
    "2.4GHz": "hai phẩy bốn ghi-ga-héc",
    "pin 5.000mAh": "pin năm nghìn mi-li-am-pe giờ",
    "ngày 2/9 (thứ 3)": "ngày mùng hai tháng chín, thứ ba",
    "bậc 2 (51-100kWh): 2.050đ": (
        "bậc hai, năm mươi mốt đến một trăm ki-lô-oát giờ: hai nghìn không trăm năm mươi đồng"
    ),
    "Lệnh số 05/2025/L-CTN": "Lệnh số không năm năm hai nghìn không trăm hai mươi lăm của Chủ tịch nước",
    "theo QĐ số 12 ngày 5/6": "theo quyết định số mười hai ngày mùng năm tháng sáu",
    "điểm b khoản 2 Điều 5 NĐ 100/2019": (
        "điểm bê khoản hai Điều năm nghị định một trăm năm hai nghìn không trăm mười chín"
    ),
    "thu 10.000đ/khẩu/tháng": "thu mười nghìn đồng một khẩu một tháng",
    "lương 5tr-7tr/tháng": "lương năm triệu đến bảy triệu một tháng",
    "9 - 11/11/2025": "ngày mùng chín đến mười một tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "Tuần từ 9-15/11": "Tuần từ ngày mùng chín đến mười lăm tháng mười một",
    "4x100m": "bốn nhân một trăm mét",
    "10/10 điểm": "mười trên mười điểm",
    "kênh VTV1, VTV3": "kênh vê tê vê một, vê tê vê ba",
    "Ông Nguyễn Văn A, SN 1960, trú tại tổ 5, P. Hải Tân": (
        "Ông Nguyễn Văn A, sinh năm một nghìn chín trăm sáu mươi, trú tại tổ năm, phường Hải Tân"
    ),
    "tần số 90,5 MHz": "tần số chín mươi phẩy năm mê-ga-héc",
    "P.VHXH xã": "phòng văn hóa xã hội xã",
    "ĐH Đảng bộ xã": "đại hội Đảng bộ xã",
    "công chức ĐC-XD": "công chức địa chính xây dựng",
    "CB,CC,VC xã": "cán bộ, công chức, viên chức xã",
    "UBND xã Tân Tiến thông báo: Từ ngày 20/11/2025 đến hết ngày 30/11/2025, Trạm Y tế xã tổ"
    " chức tiêm vắc-xin sởi mũi 2 cho trẻ 18-24 tháng tuổi.": (
        "ủy ban nhân dân xã Tân Tiến thông báo: Từ ngày hai mươi tháng mười một năm hai nghìn"
        " không trăm hai mươi lăm đến hết ngày ba mươi tháng mười một năm hai nghìn không trăm"
        " hai mươi lăm, Trạm Y tế xã tổ chức tiêm vắc-xin sởi mũi hai cho trẻ mười tám đến hai"
        " mươi tư tháng tuổi."
    ),
    "Trẻ em từ 6 - 36 tháng tuổi uống vitamin A đợt 2 năm 2025.": (
        "Trẻ em từ sáu đến ba mươi sáu tháng tuổi uống vitamin A đợt hai năm hai nghìn không"
        " trăm hai mươi lăm."
    ),
    "Tiêm phòng dại cho đàn chó, mèo từ 7h-10h30 ngày 15/11 tại nhà văn hóa các thôn 1,2,3.": (
        "Tiêm phòng dại cho đàn chó, mèo từ bảy giờ đến mười giờ ba mươi phút ngày mười lăm"
        " tháng mười một tại nhà văn hóa các thôn một, hai, ba."
    ),
    "Thu tiền điện kỳ 1 tháng 11/2025 từ ngày 5 đến ngày 10.": (
        "Thu tiền điện kỳ một tháng mười một năm hai nghìn không trăm hai mươi lăm từ ngày mùng"
        " năm đến ngày mùng mười."
    ),
    "Mức đóng BHYT hộ gia đình: người thứ nhất 1.263.600 đồng/năm (4,5% mức lương cơ sở),"
    " người thứ 2 đóng bằng 70% người thứ 1.": (
        "Mức đóng bảo hiểm y tế hộ gia đình: người thứ nhất một triệu hai trăm sáu mươi ba nghìn"
        " sáu trăm đồng một năm, bốn phẩy năm phần trăm mức lương cơ sở, người thứ hai đóng bằng"
        " bảy mươi phần trăm người thứ nhất."
    ),
    "Lương cơ sở 2,34 triệu đồng/tháng.": "Lương cơ sở hai phẩy ba mươi tư triệu đồng một tháng.",
    "Hỗ trợ 3 triệu đồng/ha lúa bị thiệt hại trên 70%; 2 triệu đồng/ha thiệt hại từ 30-70%.": (
        "Hỗ trợ ba triệu đồng một héc-ta lúa bị thiệt hại trên bảy mươi phần trăm; hai triệu"
        " đồng một héc-ta thiệt hại từ ba mươi đến bảy mươi phần trăm."
    ),
    "Hộ nghèo được hỗ trợ 60 triệu đồng/hộ xây mới, 30 triệu đồng/hộ sửa chữa.": (
        "Hộ nghèo được hỗ trợ sáu mươi triệu đồng một hộ xây mới, ba mươi triệu đồng một hộ sửa"
        " chữa."
    ),
    "Bà con xuống giống vụ Đông Xuân 2025-2026 từ 25/12/2025 đến 05/01/2026.": (
        "Bà con xuống giống vụ Đông Xuân hai nghìn không trăm hai mươi lăm đến hai nghìn không"
        " trăm hai mươi sáu từ ngày hai mươi lăm tháng mười hai năm hai nghìn không trăm hai mươi"
        " lăm đến ngày mùng năm tháng một năm hai nghìn không trăm hai mươi sáu."
    ),
    "Mật độ cấy 35-40 khóm/m2, mỗi khóm 2-3 dảnh.": (
        "Mật độ cấy ba mươi lăm đến bốn mươi khóm một mét vuông, mỗi khóm hai đến ba dảnh."
    ),
    "Bón lót 15-20kg NPK/sào.": "Bón lót mười lăm đến hai mươi ki-lô-gam en nờ pê ca một sào.",
    "Phun thuốc khi mật độ rầy từ 750 con/m2 trở lên (vụ mùa 1.500 con/m²).": (
        "Phun thuốc khi mật độ rầy từ bảy trăm năm mươi con một mét vuông trở lên, vụ mùa một"
        " nghìn năm trăm con một mét vuông."
    ),
    "Pha 1 gói 10g với 16 lít nước phun cho 1 sào Bắc bộ 360m2.": (
        "Pha một gói mười gam với mười sáu lít nước phun cho một sào Bắc bộ ba trăm sáu mươi mét"
        " vuông."
    ),
    "Độ ẩm 65-90%, gió đông bắc cấp 2-3, biển động.": (
        "Độ ẩm sáu mươi lăm đến chín mươi phần trăm, gió đông bắc cấp hai đến ba, biển động."
    ),
    "Nhiệt độ cao nhất 24-27 độ, thấp nhất 15-18 độ C, có nơi dưới 13 độ C.": (
        "Nhiệt độ cao nhất hai mươi tư đến hai mươi bảy độ, thấp nhất mười lăm đến mười tám độ"
        " xê, có nơi dưới mười ba độ xê."
    ),
    "Hồi 7h ngày 6/11, tâm bão ở vào khoảng 12,9 độ vĩ Bắc, 111,4 độ kinh Đông, cách Quy"
    " Nhơn khoảng 230km.": (
        "Hồi bảy giờ ngày mùng sáu tháng mười một, tâm bão ở vào khoảng mười hai phẩy chín độ vĩ"
        " Bắc, một trăm mười một phẩy bốn độ kinh Đông, cách Quy Nhơn khoảng hai trăm ba mươi"
        " ki-lô-mét."
    ),
    "Mực nước sông lúc 7h/20/11 là 1,25m, dưới BĐ1 0,25m.": (
        "Mực nước sông lúc bảy giờ ngày hai mươi tháng mười một là một phẩy hai mươi lăm mét,"
        " dưới báo động một không phẩy hai mươi lăm mét."
    ),
    "mực nước trên báo động 2: 0,3m": "mực nước trên báo động hai: không phẩy ba mét",
    "mực nước dưới BĐIII 0,15m": "mực nước dưới báo động ba không phẩy mười lăm mét",
    "BĐ3": "báo động ba",
    "lũ trên mức BĐ II": "lũ trên mức báo động hai",
    "Rủi ro thiên tai cấp 3.": "Rủi ro thiên tai cấp ba.",
    "Sóng biển cao từ 3,0-5,0m.": "Sóng biển cao từ ba phẩy không đến năm phẩy không mét.",
    "Đêm 22 và ngày 23/11 có mưa.": "Đêm hai mươi hai và ngày hai mươi ba tháng mười một có mưa.",
    "Công an xã cảnh báo thủ đoạn lừa đảo qua mạng, giả danh cán bộ gọi điện yêu cầu cài"
    " VNeID giả mạo.": (
        "Công an xã cảnh báo thủ đoạn lừa đảo qua mạng, giả danh cán bộ gọi điện yêu cầu cài vê"
        " en nờ e i đê giả mạo."
    ),
    "Khi phát hiện cháy, gọi ngay 114 hoặc số 0225.3.821.114.": (
        "Khi phát hiện cháy, gọi ngay một một bốn hoặc số không hai hai năm, ba, tám hai một,"
        " một một bốn."
    ),
    "Mọi thắc mắc xin liên hệ đ/c Lan - Công chức VH-XH, SĐT: 0912.345.678.": (
        "Mọi thắc mắc xin liên hệ đồng chí Lan, Công chức văn hóa xã hội, số điện thoại: không"
        " chín một hai, ba bốn năm, sáu bảy tám."
    ),
    "Liên hệ ông Minh (trưởng thôn), ĐT 0987.654.321 để đăng ký.": (
        "Liên hệ ông Minh, trưởng thôn, điện thoại không chín tám bảy, sáu năm bốn, ba hai một"
        " để đăng ký."
    ),
    "Nộp hồ sơ tại TTPVHCC xã hoặc trên Cổng DVC quốc gia.": (
        "Nộp hồ sơ tại trung tâm phục vụ hành chính công xã hoặc trên Cổng dịch vụ công quốc gia."
    ),
    "Khám tuyển NVQS năm 2026 bắt đầu lúc 7h00' ngày 10/12/2025.": (
        "Khám tuyển nghĩa vụ quân sự năm hai nghìn không trăm hai mươi sáu bắt đầu lúc bảy giờ"
        " ngày mùng mười tháng mười hai năm hai nghìn không trăm hai mươi lăm."
    ),
    "Giải bóng chuyền hơi: thôn Đông thắng thôn Đoài 2-1 (25-20, 22-25, 15-12).": (
        "Giải bóng chuyền hơi: thôn Đông thắng thôn Đoài hai một, hai mươi lăm hai mươi, hai"
        " mươi hai hai mươi lăm, mười lăm mười hai."
    ),
    "Xếp thứ 2/15 xã.": "Xếp thứ hai trên mười lăm xã.",
    "đạt 98,5/100 điểm": "đạt chín mươi tám phẩy năm trên một trăm điểm",
    "tỷ lệ hộ nghèo giảm từ 3,2% xuống còn 1,8%": (
        "tỷ lệ hộ nghèo giảm từ ba phẩy hai phần trăm xuống còn một phẩy tám phần trăm"
    ),
    "giảm 1,4 điểm %": "giảm một phẩy bốn điểm phần trăm",
    "tăng gấp 2,5 lần": "tăng gấp hai phẩy năm lần",
    "chiếm 45,67%": "chiếm bốn mươi lăm phẩy sáu mươi bảy phần trăm",
    "Toàn xã có 2.345 hộ với 8.765 nhân khẩu.": (
        "Toàn xã có hai nghìn ba trăm bốn mươi lăm hộ với tám nghìn bảy trăm sáu mươi lăm nhân"
        " khẩu."
    ),
    "tổng diện tích tự nhiên 1.234,5 ha": "tổng diện tích tự nhiên một nghìn hai trăm ba mươi tư phẩy năm héc-ta",
    "năng suất 62,5 tạ/ha": "năng suất sáu mươi hai phẩy năm tạ một héc-ta",
    "Trị giá 15 triệu đồng/suất x 10 suất = 150 triệu đồng": (
        "Trị giá mười lăm triệu đồng một suất nhân mười suất bằng một trăm năm mươi triệu đồng"
    ),
    "cao 1m7": "cao một mét bảy",
    "3m2": "ba mét vuông",
    "đường kính phi 21": "đường kính phi hai mươi mốt",
    "ống phi 60": "ống phi sáu mươi",
    "thép D10": "thép dê mười",
    "bê tông mác 250": "bê tông mác hai trăm năm mươi",
    "xăng E5 RON 92": "xăng E năm rôn chín mươi hai",
    "giá xăng E5RON92 là 19.500 đồng/lít": (
        "giá xăng e năm rôn chín mươi hai là mười chín nghìn năm trăm đồng một lít"
    ),
    "vàng SJC": "vàng ét giây xê",
    "vàng 9999": "vàng bốn số chín",
    "lãi suất 0,5%/tháng": "lãi suất không phẩy năm phần trăm một tháng",
    "vay 100 triệu đồng trong 60 tháng, lãi suất 6,6%/năm": (
        "vay một trăm triệu đồng trong sáu mươi tháng, lãi suất sáu phẩy sáu phần trăm một năm"
    ),
    "số dư 12.345.678 đ": "số dư mười hai triệu ba trăm bốn mươi lăm nghìn sáu trăm bảy mươi tám đồng",
    "Đề án 1 triệu ha lúa": "Đề án một triệu héc-ta lúa",
    "Chương trình 135": "Chương trình một trăm ba mươi lăm",
    "Nghị quyết 19": "Nghị quyết mười chín",
    "Tháng hành động vì trẻ em 2025": "Tháng hành động vì trẻ em hai nghìn không trăm hai mươi lăm",
    "SEA Games 33": "xi ghêm ba mươi ba",
    "V-League": "vi lích",
    "World Cup 2026": "uôn cúp hai nghìn không trăm hai mươi sáu",
    "U23 Việt Nam": "U hai mươi ba Việt Nam",
    "đường 5": "đường năm",
    "đường 10": "đường mười",
    "quốc lộ 37": "quốc lộ ba mươi bảy",
    "cầu vượt Km 5+200": "cầu vượt ki-lô-mét năm cộng hai trăm",
    "Trường THPT Lê Hồng Phong": "Trường trung học phổ thông Lê Hồng Phong",
    "lớp 1, lớp 10": "lớp một, lớp mười",
    "khối 6-7-8-9": "khối sáu, bảy, tám, chín",
    "tổ 1-2-3": "tổ một, hai, ba",
    "thôn 1-2-3": "thôn một, hai, ba",
    "Kính thưa toàn thể bà con nhân dân! UBND xã xin thông báo lịch phát sóng tuần 47 (từ"
    " 17/11 - 23/11/2025).": (
        "Kính thưa toàn thể bà con nhân dân! Ủy ban nhân dân xã xin thông báo lịch phát sóng"
        " tuần bốn mươi bảy, từ ngày mười bảy tháng mười một đến ngày hai mươi ba tháng mười một"
        " năm hai nghìn không trăm hai mươi lăm."
    ),
    "Thực hiện Công văn số 1234/SVHTTDL-TTCS ngày 10/11/2025 của Sở VHTTDL v/v tuyên truyền"
    " Ngày Pháp luật Việt Nam 9/11": (
        "Thực hiện Công văn số một nghìn hai trăm ba mươi tư ngày mùng mười tháng mười một năm"
        " hai nghìn không trăm hai mươi lăm của Sở văn hóa, thể thao và du lịch về việc tuyên"
        " truyền Ngày Pháp luật Việt Nam ngày mùng chín tháng mười một"
    ),
    "Từ 6h00 - 6h30, 17h00 - 17h30 hằng ngày": (
        "Từ sáu giờ đến sáu giờ ba mươi phút, mười bảy giờ đến mười bảy giờ ba mươi phút hằng ngày"
    ),
    "Vào hồi 19h30' tối thứ 7 (15/11/2025)": (
        "Vào hồi mười chín giờ ba mươi phút tối thứ bảy, ngày mười lăm tháng mười một năm hai"
        " nghìn không trăm hai mươi lăm"
    ),
    "Đúng 9h00 sáng Chủ nhật ngày 16/11": "Đúng chín giờ sáng Chủ nhật ngày mười sáu tháng mười một",
    "Tổng kinh phí: 1.250.000.000đ (Một tỷ hai trăm năm mươi triệu đồng)": (
        "Tổng kinh phí: một tỷ hai trăm năm mươi triệu đồng, Một tỷ hai trăm năm mươi triệu đồng"
    ),
    "số tiền 50 triệu đ": "số tiền năm mươi triệu đồng",
    "20tr đồng": "hai mươi triệu đồng",
    "1 tỷ đ": "một tỷ đồng",
    "500.000,đ": "năm trăm nghìn đồng",
    "1.500.000đ.": "một triệu năm trăm nghìn đồng.",
    "100.000đ/1 người": "một trăm nghìn đồng trên một người",
    "50.000đ/01 hộ": "năm mươi nghìn đồng trên một hộ",
    "3.000đ-5.000đ/kg": "ba nghìn đồng đến năm nghìn đồng một ki-lô-gam",
    "tăng 200đ/lít": "tăng hai trăm đồng một lít",
    "phạt từ 2-3 triệu đồng": "phạt từ hai đến ba triệu đồng",
    "phạt tiền từ 4.000.000 - 6.000.000 đồng": "phạt tiền từ bốn triệu đến sáu triệu đồng",
    "Phạt tiền từ 200.000 đồng đến 400.000 đồng": "Phạt tiền từ hai trăm nghìn đồng đến bốn trăm nghìn đồng",
    "0,25 mg/l": "không phẩy hai mươi lăm mi-li-gam trên lít",
    "80mg/1 lít khí thở": "tám mươi mi-li-gam trên một lít khí thở",
    "0.4mg/lít": "không phẩy bốn mi-li-gam một lít",
    "tốc độ 40-50km/h": "tốc độ bốn mươi đến năm mươi ki-lô-mét trên giờ",
    "cấp 6-7, giật cấp 8-9": "cấp sáu đến bảy, giật cấp tám đến chín",
    "độ sâu 10km": "độ sâu mười ki-lô-mét",
    "động đất 4,5 độ richter": "động đất bốn phẩy năm độ richter",
    "15,5°N-113,2°E": "mười lăm phẩy năm độ Bắc, một trăm mười ba phẩy hai độ Đông",
    "cách bờ biển 120 km về phía Đông Nam": "cách bờ biển một trăm hai mươi ki-lô-mét về phía Đông Nam",
    "mỗi giờ đi được 15-20km": "mỗi giờ đi được mười lăm đến hai mươi ki-lô-mét",
    "trong 24-48 giờ tới": "trong hai mươi tư đến bốn mươi tám giờ tới",
    "24-48h tới": "hai mươi tư đến bốn mươi tám giờ tới",
    "12 - 24 giờ tới": "mười hai đến hai mươi tư giờ tới",
    "3-6 giờ tới": "ba đến sáu giờ tới",
    "Trẻ dưới 5 tuổi": "Trẻ dưới năm tuổi",
    "người từ đủ 18 tuổi": "người từ đủ mười tám tuổi",
    "trẻ 0-5 tuổi": "trẻ không đến năm tuổi",
    "1-2 tuổi": "một đến hai tuổi",
    "nam 17-25 tuổi": "nam mười bảy đến hai mươi lăm tuổi",
    "≥60 tuổi": "từ sáu mươi tuổi",
    ">= 80 tuổi": "từ tám mươi tuổi",
    "từ 75 tuổi trở lên": "từ bảy mươi lăm tuổi trở lên",
    "người >65 tuổi": "người trên sáu mươi lăm tuổi",
    "<2kg": "dưới hai ki-lô-gam",
    "uống 2 viên x 3 lần/ngày": "uống hai viên nhân ba lần một ngày",
    "2 viên/ngày x 5 ngày": "hai viên một ngày nhân năm ngày",
    "ngày uống 2 lần, mỗi lần 1 viên": "ngày uống hai lần, mỗi lần một viên",
    "liều 0,5ml": "liều không phẩy năm mi-li-lít",
    "mũi 1, mũi 2": "mũi một, mũi hai",
    "cách nhau 4-6 tuần": "cách nhau bốn đến sáu tuần",
    "6 tháng - 5 tuổi": "sáu tháng đến năm tuổi",
    "37,5-38,5 độ C": "ba mươi bảy phẩy năm đến ba mươi tám phẩy năm độ xê",
    "huyết áp 140/90 mmHg": "huyết áp một trăm bốn mươi trên chín mươi mi-li-mét thủy ngân",
    "SpO2 95%": "ét pê ô hai chín mươi lăm phần trăm",
    "đường huyết 7,0 mmol/l": "đường huyết bảy phẩy không mi-li-mol một lít",
    "thuốc 500mg": "thuốc năm trăm mi-li-gam",
    "1/4 viên": "một phần tư viên",
    "uống 1/2 viên": "uống một phần hai viên",
    "2-3 lít nước/ngày": "hai đến ba lít nước một ngày",
    "diện tích 50m2/hộ": "diện tích năm mươi mét vuông một hộ",
    "2 con/hộ": "hai con một hộ",
    "mật độ 100 con/m3": "mật độ một trăm con một mét khối",
    "cây cách cây 2m x 3m": "cây cách cây hai mét nhân ba mét",
    "hàng cách hàng 20-25cm": "hàng cách hàng hai mươi đến hai mươi lăm xen-ti-mét",
    "3-4 lá": "ba đến bốn lá",
    "tỷ lệ 1:100": "tỷ lệ một trên một trăm",
    "pha tỷ lệ 1/100": "pha tỷ lệ một trên một trăm",
    "pha 20ml/16 lít": "pha hai mươi mi-li-lít trên mười sáu lít",
    "1ha = 10.000m2": "một héc-ta bằng mười nghìn mét vuông",
    "1 sào = 360m²": "một sào bằng ba trăm sáu mươi mét vuông",
    "2 mẫu 5 sào": "hai mẫu năm sào",
    "từ 1/1/2026, lương tối thiểu vùng I là 5.310.000 đồng/tháng": (
        "từ ngày mùng một tháng một năm hai nghìn không trăm hai mươi sáu, lương tối thiểu vùng"
        " một là năm triệu ba trăm mười nghìn đồng một tháng"
    ),
    "QL 37 đoạn Km 10+500 - Km 12": "quốc lộ ba mươi bảy đoạn ki-lô-mét mười cộng năm trăm đến ki-lô-mét mười hai",
    "tuyến đường ĐH.191": "tuyến đường huyện một trăm chín mươi mốt",
    "đường liên thôn 1-2": "đường liên thôn một đến hai",
    "ngã 3, ngã 4": "ngã ba, ngã tư",
    "cột số 15": "cột số mười lăm",
    "cột điện số 3A": "cột điện số ba A",
    "trạm bơm số 1": "trạm bơm số một",
    "cống C2": "cống xê hai",
    "đập 1A": "đập một A",
    "kênh N5": "kênh en nờ năm",
    "ruộng lô 5, thửa 12/34": "ruộng lô năm, thửa mười hai trên ba mươi tư",
    "tờ bản đồ số 12, thửa đất số 123, diện tích 250,5m2": (
        "tờ bản đồ số mười hai, thửa đất số một trăm hai mươi ba, diện tích hai trăm năm mươi"
        " phẩy năm mét vuông"
    ),
    "số vào sổ CH 00123": "số vào sổ xê hát, không không một, hai ba",
    "số seri 0123456": "số seri không một hai ba, bốn năm sáu",
    "02438251234": "không hai bốn, ba tám hai năm, một hai ba bốn",
    "P.201": "phòng hai trăm lẻ một",
    "các ngày 5, 6, 7 và 8/11": "các ngày mùng năm, mùng sáu, mùng bảy và mùng tám tháng mười một",
    "các ngày 3, 4, 5 tháng 11": "các ngày mùng ba, mùng bốn, mùng năm tháng mười một",
    "tháng 3 và 4": "tháng ba và tư",
    "tháng 3 và 4 năm 2025": "tháng ba và tư năm hai nghìn không trăm hai mươi lăm",
    "muối 5g, đường 10g": "muối năm gam, đường mười gam",
    "lúc 7g": "lúc bảy giờ",
    "từ 6g-8g": "từ sáu giờ đến tám giờ",
    "6g - 8g sáng": "sáu giờ đến tám giờ sáng",
    "05-07 hộ": "năm đến bảy hộ",
    "từ 05-07%": "từ năm đến bảy phần trăm",
    "NPK 5-10-3": "en nờ pê ca năm, mười, ba",
    "ông N.V.A": "ông en nờ vê a",
    "v.v... Mời": "vân vân. Mời",
    "+ Địa điểm: Nhà": "Địa điểm: Nhà",
    "''năm 2020''": "''năm hai nghìn không trăm hai mươi''",
    "200 - 300 người": "hai trăm đến ba trăm người",
    "giảm 5 - 10%": "giảm năm đến mười phần trăm",
    "50 triệu đ": "năm mươi triệu đồng",
    "20 triệu đồng/hộ": "hai mươi triệu đồng một hộ",
    "2 triệu - 3 triệu đồng": "hai triệu đến ba triệu đồng",
    "2 viên x 3 lần/ngày": "hai viên nhân ba lần một ngày",
    "ngã 4, ngã 3": "ngã tư, ngã ba",
    "15,5°N": "mười lăm phẩy năm độ Bắc",
    "7 mmol/l": "bảy mi-li-mol một lít",
    "xe ô tô - mô tô": "xe ô tô, mô tô",
    "từ 5h-9h": "từ năm giờ đến chín giờ",
    "từ 13-15h": "từ mười ba đến mười lăm giờ",
}


@pytest.mark.parametrize(("written", "spoken"), CASES.items(), ids=CASES)
def test_it_says_what_a_listener_expects(written: str, spoken: str) -> None:
    said = reading.read(written)
    assert said.spoken == spoken
    assert said.warnings == ()


@pytest.mark.parametrize("spoken", CASES.values(), ids=CASES)
def test_what_was_said_is_not_changed_again(spoken: str) -> None:
    assert reading.read(spoken).spoken == spoken
