"""The page in a real browser, opened from the disk, on a phone's width."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

from lyric_lm import RNNModel, generate
from lyric_lm.data import load_lyrics
from lyric_lm.export import export_model

pytestmark = [
    pytest.mark.slow,  # npm fetches 30 MB
    pytest.mark.skipif(
        not all(map(shutil.which, ("chromium", "chromedriver", "npm"))), reason="needs Chromium and npm"
    ),
]


def test_the_page_writes_what_the_model_writes_and_speaks_two_languages(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from selenium import webdriver
    from selenium.webdriver.common.by import By

    keras.utils.set_random_seed(0)
    vocabulary = load_lyrics("built-in", max_chars=1000).vocabulary
    model = RNNModel(keras.layers.GRUCell(16), vocabulary)
    for variable in model.trainable_variables:
        variable.assign(
            keras.random.normal(variable.shape, stddev=0.5)
        )  # larger: rounding grows from step to step
    export_model(model, tmp_path / "page", "web")
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-quic", "--disable-background-networking"):
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.add_argument("--lang=en")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        browser.get((tmp_path / "page" / "index.html").as_uri())
        button = browser.find_element(By.ID, "write")
        _wait(button.is_enabled)
        first = vocabulary.characters[5]
        values = {"prefix": f"x{first}", "temperature": 0, "length": 200}
        for name, value in values.items():
            browser.execute_script(f"document.getElementById({name!r}).value = {value!r}")
        button.click()
        _wait(lambda: bool(browser.find_elements(By.CSS_SELECTOR, "#songs p")) and button.is_enabled())
        written = browser.execute_script("return document.querySelector('#songs p').textContent")

        assert written == "x" + generate(model, first, 200)
        assert "Not known to the model" in browser.find_element(By.ID, "status").text
        browser.find_element(By.ID, "language").click()
        assert button.text == "写"
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    finally:
        browser.quit()


def _wait(until: Callable[[], object]) -> None:
    for _ in range(120):
        if until():
            return
        time.sleep(0.5)
    raise TimeoutError("the page did not get there within 60 seconds")
