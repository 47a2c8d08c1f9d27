"""`python setup/icons.py`: draw the icons for home screens anew from img/loa.svg, by the tests' Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "web" / "static" / "img"
GROUND = "#0b5f73"
SAFE = 0.8
"""A maskable icon may be cut to a circle: what matters stands within this share of it."""
ICONS = {"loa-192.png": (192, 1.0), "loa-512.png": (512, 1.0), "loa-maskable-512.png": (512, SAFE)}


def draw(browser: Browser, name: str, size: int, share: float) -> None:
    page = browser.new_page(viewport={"width": size, "height": size})
    inner = round(size * share)
    ground = GROUND if share < 1 else "transparent"
    drawing = (IMAGES / "loa.svg").read_text().replace("<svg ", f'<svg width="{inner}" ', 1)
    page.set_content(
        f'<body style="margin:0;background:{ground};height:100vh;display:grid;place-items:center">{drawing}'
    )
    page.screenshot(path=IMAGES / name, omit_background=True)
    page.close()


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (size, share) in ICONS.items():
            draw(browser, name, size, share)
        browser.close()


if __name__ == "__main__":
    main()
