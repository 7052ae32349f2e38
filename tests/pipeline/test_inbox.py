import threading
from dataclasses import dataclass

from otel_mlsec.pipeline.inbox import Inbox


@dataclass
class Item:
    n_bytes: int = 1


def test_the_newest_is_dropped_when_there_are_too_many_and_counted():
    inbox = Inbox[Item](items=2, n_bytes=100)
    items = [Item() for _ in range(3)]

    accepted = [inbox.put(item) for item in items]

    assert accepted == [True, True, False]
    assert inbox.take(10) == items[:2]
    assert inbox.dropped == {"queue_full": 1}


def test_bytes_are_bounded_and_given_back():
    inbox = Inbox[Item](items=100, n_bytes=10)

    assert inbox.put(Item(8))
    assert not inbox.put(Item(3))
    assert inbox.dropped == {"queue_full_bytes": 1}
    inbox.take(1)
    assert inbox.put(Item(3))


def test_after_the_end_everything_is_dropped_under_its_own_reason():
    inbox = Inbox[Item](items=100, n_bytes=100)
    inbox.closed = True

    assert not inbox.put(Item())
    assert inbox.dropped == {"already_shutdown": 1}


def test_eight_threads_lose_no_count():
    inbox = Inbox[Item](items=1000, n_bytes=1 << 20)
    threads = [threading.Thread(target=lambda: [inbox.put(Item()) for _ in range(1000)]) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert inbox.accepted + sum(inbox.dropped.values()) == 8000
    assert len(inbox) == inbox.accepted == 1000
