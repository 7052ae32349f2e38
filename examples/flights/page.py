"""The page beside a demo: its address at the beginning, and time to look at it at the end."""

import contextlib
import os
import sys
import webbrowser

from rich.console import Console

from otel_mlsec.cli.tail import stopped
from otel_mlsec.cli.view.command import View

SCREEN = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")


def show(view: View, console: Console) -> None:
    """Print the address; open it where there is a screen and somebody before it."""
    console.print(f"Findings as they come: {view.page.address}", style="bold", soft_wrap=True)
    if SCREEN and sys.stdout.isatty():
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(view.page.address)


def stay(view: View, console: Console) -> None:
    """Until Ctrl-C, where there is a terminal that it can be typed in."""
    if sys.stdout.isatty():
        console.print(f"The page stays until Ctrl-C: {view.page.address}", style="bold", soft_wrap=True)
        with stopped() as stop:
            stop.wait()
