"""What every form shares: Vietnamese messages, and a refusal of the rules shown at its field."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from typing import Any, TypeVar

from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, SelectMultipleField, TimeField
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from loa import typed, words
from loa.errors import LoaError, NotAllowed, NotFound, ScheduleError
from loa.times import local
from loa.words import say
from web import current

Done = TypeVar("Done")
MOST_YEARS = 10
"""So far ahead or back a day may lie that a person names: no plan of a commune does, only a slip of the hand."""
_MESSAGES = {
    "Not a valid integer value.": say("Hãy nhập một số nguyên."),
    "Not a valid float value.": say("Hãy nhập một số."),
    "Not a valid date value.": say("Hãy nhập ngày theo dạng ngày/tháng/năm, ví dụ 21/11/2026."),
    "Not a valid time value.": say("Hãy nhập giờ theo dạng giờ:phút, ví dụ 17:05."),
    "Not a valid choice.": say("Lựa chọn này không có. Hãy chọn lại."),
    "Not a valid choice": say("Lựa chọn này không có. Hãy chọn lại."),
    "Invalid Choice: could not coerce.": say("Lựa chọn này không có. Hãy chọn lại."),
    "Invalid Choice: could not be coerced.": say("Lựa chọn này không có. Hãy chọn lại."),
    "This field is required.": say("Mục này cần được điền."),
}


class _Vietnamese:
    """WTForms' own messages."""

    def gettext(self, text: str) -> str:
        return _MESSAGES.get(text, text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.gettext(one if number == 1 else many)


class Form(FlaskForm):  # type: ignore[misc]
    """A form of ours. The token against forged posts is checked for the whole application, not here."""

    form_errors: list[str]

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = False

        def get_translations(self, _form: object) -> _Vietnamese:
            return _Vietnamese()

    def carry_out(self, act: Callable[[], Done]) -> Done | None:
        """What ``act`` gives once the form was sent and is well-formed; None when it must be shown again."""
        return self.checked(act) if self.is_submitted() else None

    def checked(self, act: Callable[[], Done]) -> Done | None:
        """As ``carry_out``, whatever the way the form came."""
        if not self.validate():
            return None
        try:
            return act()
        except (NotAllowed, NotFound):
            raise
        except LoaError as error:
            self.take(error)
            return None

    def take(self, error: LoaError) -> None:
        """Show the error at the field it names, or above the form."""
        field = self._fields.get(error.field or "")
        if field is None:
            self.form_errors = [*self.form_errors, error.sentence]
        else:
            field.errors = [*field.errors, error.sentence]

    @property
    def status(self) -> int:
        """400 when the form is shown again with something to correct."""
        return 400 if self.errors else 200


class Edited:
    """Added to a form over something stored: what another has changed since is not written over unseen."""

    version = HiddenField()
    """Of what was read, as ``version_of`` tells it; without one, as of a page opened long ago, nothing is held."""

    def demand_unchanged(self, stored: Mapping[str, object], who: Callable[[], str]) -> None:
        """Raise ScheduleError, saying who changed what, where it is no more what was read."""
        read, now = (self.version.data or "").split("."), version_of(stored).split(".")
        if read in ([""], now):
            return
        self.version.data = ".".join(now)  # sent once more, it is meant
        changed = [name for name, a, b in zip(stored, read, now, strict=False) if a != b]
        fields: Mapping[str, Any] = self._fields  # type: ignore[attr-defined]
        labels = dict.fromkeys(fields[name].label.text for name in changed if name in fields)
        raise ScheduleError(words.join(" ", (_changed(who(), list(labels)), NOTHING_SAVED)))


NOTHING_SAVED = say(
    "Chưa lưu gì; nội dung bạn vừa nhập vẫn còn ở đây. Hãy xem bản mới ở một trang khác, "
    "rồi lưu lần nữa nếu muốn thay bằng nội dung này."
)


def _changed(who: str, labels: list[str]) -> str:
    if not labels:
        return say("%(who)s đã sửa trong khi trang này đang mở.", who=who)
    fields = words.join(", ", labels)
    return say("%(who)s đã sửa trong khi trang này đang mở: %(fields)s.", who=who, fields=fields)


def version_of(stored: Mapping[str, object]) -> str:
    """What was read, a few letters for each of its values."""
    return ".".join(
        hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:6]
        for value in stored.values()
    )


def is_near(day: date) -> bool:
    """Whether a day is within MOST_YEARS; the calendar itself ends at its first and last years."""
    today = local(current.now(), current.zone()).date()
    return abs(day - today) <= timedelta(days=MOST_YEARS * 366)


def day_of_address(text: str, back: str) -> date:
    """2026-11-21 of an address. Raises NotFound, naming the page to go ``back`` to."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NotFound(say("Đường dẫn sai ngày. Hãy quay lại %(page)s.", page=back)) from None
    if not is_near(day):
        raise NotFound(
            say(
                "Đường dẫn có ngày cách đây quá %(years)s năm. Hãy quay lại %(page)s.",
                years=MOST_YEARS,
                page=back,
            )
        )
    return day


def choices(found: Iterable[tuple[object, str]]) -> Any:
    """Values and their words as WTForms 3.3 wants them, which its published types do not know yet."""
    return {str(value): words for value, words in found}


def required(sentence: str) -> DataRequired:
    """The field must be filled in, or ``sentence`` is shown."""
    return DataRequired(sentence)


def given(sentence: str) -> InputRequired:
    """As ``required``, for numbers, of which 0 is one."""
    return InputRequired(sentence)


def optional() -> Optional:
    return Optional()


class AtMost:
    """So many letters at most, or ``sentence`` is shown: WTForms' own fills numbers in, which costs its translation."""

    def __init__(self, most: int, sentence: str) -> None:
        self.most, self.sentence = most, sentence
        self.field_flags = {"maxlength": most}

    def __call__(self, _form: object, field: Any) -> None:
        if len(field.data or "") > self.most:
            raise ValidationError(self.sentence)


class Day(DateField):
    """A date, typed and shown as 21/11/2026: a browser's own field may show the month first."""

    data: date | None
    widget = TextInput()

    def __init__(self, label: str, validators: Any = None, **kwargs: Any) -> None:
        marks = {"data-date": True, "inputmode": "numeric", "placeholder": say("ngày/tháng/năm")}
        keywords = {"render_kw": {**marks, "autocomplete": "off"}, **kwargs}
        super().__init__(label, validators, format=list(typed.DAYS), **keywords)

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and not is_near(self.data):
            self.data = None
            raise ValueError(
                say(
                    "Ngày này cách đây quá %(years)s năm. Hãy xem lại năm, ví dụ 21/11/2026.",
                    years=MOST_YEARS,
                )
            )


class Clock(TimeField):
    """A wall clock of 24 hours, typed as 17:05, 17h05, 1705 or 17 and shown as 17:05."""

    data: time | None
    widget = TextInput()

    def __init__(self, label: str, validators: Any = None, **kwargs: Any) -> None:
        marks = {"data-clock": True, "inputmode": "numeric", "placeholder": say("giờ:phút")}
        keywords = {"render_kw": {**marks, "autocomplete": "off"}, **kwargs}
        super().__init__(label, validators, format=list(typed.CLOCKS), **keywords)


class Checkboxes(SelectMultipleField):
    """Several of a list, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()
