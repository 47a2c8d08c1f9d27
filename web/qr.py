"""QR codes as SVG within a page. The only file that knows segno."""

from __future__ import annotations

import segno
from markupsafe import Markup


def svg(text: str) -> Markup:
    """The text as a QR code that fills its frame. Level M: a label on a pole fades and gets scratched."""
    made = segno.make(text, error="m", micro=False)
    return Markup(made.svg_inline(omitsize=True, border=4, svgclass=None, lineclass=None))  # noqa: S704 - segno's own
