"""Opens pages of reports in a real Chromium without a window."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)


@contextmanager
def open_browser(folder: Path) -> Iterator[Any]:
    """Start Chromium with an empty profile, and end it at the end of the block.

    Args:
        folder: an empty folder, for the profile (`profile`) and the files that pages save (`downloads`).

    Yields:
        The `WebDriver` of selenium. The test is skipped if selenium, Chromium or its driver is missing.
    """
    selenium = pytest.importorskip("selenium", reason="selenium, which drives the browser, is not installed")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip(
            "no chromium and chromedriver; Debian has them in the packages chromium and chromium-driver"
        )
    assert selenium
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (*_ARGUMENTS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(argument)
    preferences = {
        "download.default_directory": str(folder / "downloads"),
        "profile.default_content_setting_values.automatic_downloads": 1,  # several files without a question
    }
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


def open_page(browser: Any, page: Path, fragment: str = "") -> None:
    """Open the page of a report, and wait until it has drawn its map."""
    browser.get("about:blank")  # another fragment alone would not load the page again
    browser.get(f"{page.as_uri()}{fragment}")
    # The map is drawn in the next frame after the page is ready.
    script = """return document.documentElement.dataset.ready === "true"
        && document.getElementById("points").dataset.drawn !== undefined"""
    wait_for(lambda: run_script(browser, script))


def run_script(browser: Any, script: str, *arguments: object) -> Any:
    """Run JavaScript in the page, and return its result."""
    return browser.execute_script(script, *arguments)


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until a condition is true, and return its value.

    Raises:
        TimeoutError: it has not become true.
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError("the page did not do what the test waits for")
        time.sleep(0.05)
    return value
