"""`make screenshots`: the pictures of `otel-mlsec view` in the README, from a year of flights and a day with attackers.

Needs Chromium and takes three and a half minutes; everything runs on 127.0.0.1 and is stopped at the end.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "examples/flights"))

import demo  # noqa: E402 - of the example
import demo_attack  # noqa: E402
import traffic  # noqa: E402
import train  # noqa: E402

from otel_mlsec.cli.view import questions  # noqa: E402
from otel_mlsec.cli.view.command import View, viewing  # noqa: E402

WIDTH = 1280  # CSS pixels
SHOWN = "evasion.%", "extraction.%", "%"  # kinds of the finding that is shown in full: the first that there is


def main() -> None:
    console = Console(highlight=False)
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    if binary is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    train.main()
    with tempfile.TemporaryDirectory() as directory, viewing(database=Path(directory) / "view.db") as view:
        with demo.service(view.receiver.url, console) as url, traffic.bar(console) as progress:
            traffic.drive(url, traffic.story(), progress)
        with demo.service(view.receiver.url, console, demo_attack.SETTINGS) as url:
            demo_attack.play(url, console)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=binary, args=["--no-sandbox"])
            take(browser, view)
            browser.close()


def take(browser: Browser, view: View) -> None:
    address = view.page.address.partition("?")[0]
    with browser.new_context(color_scheme="light") as light:
        page = light.new_page()
        page.goto(view.page.address)
        page.goto(f"{address}#/?sort=severity")
        keep(page, "tr.row", "view-findings", height=897)
        page.goto(f"{address}#/drift")
        keep(page, "figure.chart", "view-drift", height=734)
    with browser.new_context(color_scheme="dark") as dark:
        page = dark.new_page()
        page.goto(view.page.address)
        page.goto(f"{address}#/finding/{quote(case(view), safe='')}")
        keep(page, ".head", "view-finding", height=1100)


def case(view: View) -> str:
    """The one with the longest life among those of the first kind that there is."""
    for kind in SHOWN:
        found = view.page.store.ask("SELECT key FROM incident WHERE kind LIKE ? ORDER BY records DESC, last DESC LIMIT 1", [kind])
        if found:
            return found[0]["key"]
    return questions.incidents(view.page.store, {})["incidents"][0]["key"]


def keep(page: Page, selector: str, name: str, *, height: int) -> None:
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.wait_for_selector(selector)
    page.wait_for_function("document.getElementById('live').className === 'on'")
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
