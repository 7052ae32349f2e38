"""A fork waits for the end of a batch, and not for ever; what the worker holds meanwhile would stay held in the child."""

import subprocess
import sys
import textwrap

PRELUDE = """
import contextlib, os, threading, time
from otel_mlsec.pipeline.inbox import Inbox
from otel_mlsec.pipeline.worker import Worker

class Item:
    n_bytes = 1

def worker(handle):
    return Worker(Inbox(items=10, n_bytes=10), handle, quiet=contextlib.nullcontext, idle=lambda last: None)
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE + textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_no_lock_that_a_batch_takes_is_held_in_the_child():
    run("""
        lock, inside = threading.Lock(), threading.Event()

        def handle(items):
            with lock:  # of the SDK, of an import, of whatever a batch needs
                inside.set()
                time.sleep(0.3)

        work = worker(handle)
        for _ in range(5):
            inside.clear()
            work.put(Item())
            inside.wait(5)
            child = os.fork()
            if not child:
                os._exit(0 if lock.acquire(timeout=2) else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert work.stop()
    """)


def test_a_worker_that_hangs_delays_a_fork_by_a_second_and_the_child_works():
    run("""
        inside, release = threading.Event(), threading.Event()

        def handle(items):
            if os.getpid() == parent:
                inside.set()
                release.wait(30)

        parent, work = os.getpid(), worker(handle)
        work.put(Item())
        inside.wait(5)
        began = time.monotonic()
        child = os.fork()
        if not child:
            work.put(Item())
            os._exit(0 if work.drain(5) else 1)
        assert time.monotonic() - began < 10
        assert os.waitpid(child, 0)[1] == 0
        release.set()
        assert work.stop()
    """)


def test_forks_of_two_threads_at_once_do_not_wait_for_each_other_for_ever():
    run("""
        work = worker(lambda items: time.sleep(0.01))
        codes = []

        def forks():
            for _ in range(10):
                work.put(Item())
                child = os.fork()
                if not child:
                    os._exit(0 if work.put(Item()) and work.drain(5) else 1)
                codes.append(os.waitpid(child, 0)[1])

        threads = [threading.Thread(target=forks) for _ in range(2)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert codes == [0] * 20, codes
        assert work.stop()
    """)
