"""The pictures of `otel-mlsec report` in the README: ten months of flights, light and dark.  Needs Chromium and a minute."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "examples/flights"))

import recorded  # noqa: E402 - of the example

from otel_mlsec.cli import main as command  # noqa: E402

SIZE = {"width": 1280, "height": 1680}  # CSS pixels


def main() -> None:
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    if binary is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    recorded.main()
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "report.html"
        data = ["--time", "time", "--label", "late", str(recorded.OUT / "served.parquet")]
        known = ["--reference", str(recorded.OUT / "flights.ref"), "--model", str(recorded.OUT / "model.ubj")]
        status = command(["report", *known, *data, "-o", str(page)])
        if status:
            sys.exit(status)
        take(binary, page)


def take(binary: str, page: Path) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        for scheme, name in (("light", "report"), ("dark", "report-dark")):
            with browser.new_context(color_scheme=scheme, viewport=SIZE) as context:
                shown = context.new_page()
                shown.goto(page.as_uri())
                shown.screenshot(path=HERE / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
