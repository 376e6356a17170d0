"""An install in a real browser: the link, Yotpo's page (from the simulator), our page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.sync.connecting.merchants import Merchant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow

#: The paths of Debian's packages.
CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
REMEDY = "Chromium is missing: apt-get install --no-install-recommends chromium chromium-driver"
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECONDS = 90


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    if not (CHROMIUM.exists() and DRIVER.exists()):
        if os.environ.get("BROWSER") == "required":
            pytest.fail(REMEDY)
        pytest.skip(REMEDY)
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


def press(browser: Chrome, button: str, app_key: str) -> None:
    """Choose a store on Yotpo's page and press a button; return when our page has loaded."""
    wait = WebDriverWait(browser, SECONDS)
    wait.until(lambda _: browser.find_element(By.ID, "install").is_displayed())
    Select(browser.find_element(By.NAME, "app_key")).select_by_value(app_key)
    browser.find_element(By.XPATH, f"//button[text()='{button}']").click()
    wait.until(lambda _: "/connect/yotpo/callback" in browser.current_url)


def wrongs(browser: Chrome, url: str) -> list[str]:
    """Return the errors in the browser's console for pages at this URL."""
    lines = browser.get_log("browser")  # type: ignore[no-untyped-call] # selenium has no types for it
    return [line["message"] for line in lines if url in line["message"]]


def test_a_merchant_clicks_through_the_install(stack: Stack, browser: Chrome) -> None:
    merchant = Merchant(stack)

    browser.get(merchant.link())
    press(browser, "Install", merchant.app_key)

    assert browser.find_element(By.TAG_NAME, "h1").text == f"The store {merchant.name} is connected"
    assert browser.find_element(By.TAG_NAME, "code").text == merchant.store.url
    # The Content-Security-Policy allows the style by its hash.
    assert browser.find_element(By.TAG_NAME, "main").value_of_css_property("max-width") == "608px"
    assert wrongs(browser, stack.web_url) == []
    assert browser.get_cookies() == []
    (account,) = merchant.accounts()
    assert (account["app_key"], account["state"]) == (merchant.app_key, "connected")


def test_a_merchant_who_cancels_can_still_go_on(stack: Stack, browser: Chrome) -> None:
    merchant = Merchant(stack)

    browser.get(merchant.link())
    press(browser, "Cancel", merchant.app_key)
    assert browser.find_element(By.TAG_NAME, "h1").text == "Nothing was connected"
    browser.back()
    press(browser, "Install", merchant.app_key)

    assert browser.find_element(By.TAG_NAME, "h1").text == f"The store {merchant.name} is connected"
