"""How a command ends: with its own status, with a sentence and 2, or without a word where nobody reads on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def ended(work: Callable[[], int], failed: Callable[[str], int]) -> int:
    """The status of `work`; `failed` says a sentence of what went wrong, and gives the status of that."""
    try:
        return work()
    except (BrokenPipeError, SystemExit):  # `otel-mlsec … | head` has seen enough; rich exits on a closed pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at exit
        return 0
    except OSError as error:
        return failed(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except (ValueError, ImportError) as error:
        return failed(str(error))
