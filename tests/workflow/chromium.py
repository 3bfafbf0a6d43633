"""A headless Chromium that writes down what it says and what it asks the network for."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

PACKAGES = ("chromium", "chromium-driver")
NETWORK = ("http:", "https:", "ws:", "wss:", "ftp:")


def require_chromium() -> None:
    """Chromium and its driver are there, or are installed by apt-get where root runs the tests; else skip."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        pytest.skip("Chromium and chromedriver are not installed, and only root can install them, by apt-get")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        if subprocess.run(["apt-get", *command], env=environment, capture_output=True, check=False).returncode:
            pytest.skip(f"apt-get can't install {' and '.join(PACKAGES)} here")


class Browser:
    """One window of headless Chromium; pictures of it go to `pictures`."""

    def __init__(self, profile: Path, pictures: Path):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        arguments = ("--headless=new", "--window-size=1500,1000", f"--user-data-dir={profile}", "--no-first-run")
        for argument in (*arguments, *(["--no-sandbox"] if os.geteuid() == 0 else [])):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(120)
        self.driver.get("about:blank")
        self.complaints()  # those of the browser's own first page
        self.pictures = pictures
        pictures.mkdir(parents=True, exist_ok=True)

    def open(self, page: Path) -> None:
        """Open a file."""
        self.driver.get(page.resolve().as_uri())

    def do(self, script: str, *arguments):
        """Run JavaScript in the page and return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str, *arguments, seconds: float = 60):
        """Run JavaScript until what it returns is true, and return that."""
        deadline = time.monotonic() + seconds
        while not (answer := self.do(script, *arguments)):
            assert time.monotonic() < deadline, f"timed out waiting for: {script} {arguments}"
            time.sleep(0.05)
        return answer

    def find(self, selector: str) -> list:
        """Elements that a CSS selector names."""
        return self.driver.find_elements("css selector", selector)

    def picture(self, name: str) -> None:
        """Keep a picture of the window."""
        assert self.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def complaints(self) -> list[str]:
        """Errors on the console since the last call, and each request to the network."""
        messages = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        requested = [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return messages + [f"asked for {url}" for url in requested if url.startswith(NETWORK)]
