"""Invented people, firms, addresses, dates and numbers that documents are made of; domains are reserved ones (RFC 2606)."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from evaluation.llm.synthetic.rows import filled, sections

WORDS = sections(Path(__file__).with_name("words.txt"))


def written(template: str, rng: random.Random) -> str:
    """`template` with its slots filled, each drawn anew: those of `words.txt` and those of `DRAWN`."""

    def draw(name: str) -> str | None:
        if name in DRAWN:
            return DRAWN[name](rng)
        return rng.choice(WORDS[name]) if name in WORDS else None

    return filled(template, draw)


def _host(rng: random.Random) -> str:
    stem = rng.choice((*WORDS["project"], *WORDS["service"], "mail", "portal", "help", "shop", "news"))
    return rng.choice(
        (f"{stem}.example", f"www.{stem}.example", f"{stem}.example.com", f"{stem}.example.org", f"{stem}-online.example.net")
    )


def _mail(rng: random.Random) -> str:
    first, last = rng.choice(WORDS["first"]).lower(), rng.choice(WORDS["last"]).lower()
    local = rng.choice((f"{first}.{last}", f"{first}{rng.randrange(10, 99)}", f"{first[0]}{last}"))
    return f"{local}@{_host(rng).removeprefix('www.')}"


def _url(rng: random.Random) -> str:
    path = (
        "",
        "/about",
        "/docs/start",
        "/login",
        "/offers",
        "/account/settings",
        f"/p/{rng.randrange(1000, 9999)}",
        "/faq#returns",
    )
    return f"https://{_host(rng)}{rng.choice(path)}"


def _day(rng: random.Random) -> str:
    year, month, date = rng.randrange(2023, 2027), rng.randrange(1, 13), rng.randrange(1, 29)
    name = WORDS["month"][month - 1]
    return rng.choice((f"{year}-{month:02}-{date:02}", f"{date} {name} {year}", f"{name} {date}", rng.choice(WORDS["weekday"])))


def _stamp(rng: random.Random) -> str:
    date = f"{rng.randrange(2023, 2027)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    return f"{date}T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}Z"


def _amount(rng: random.Random) -> str:
    value = rng.choice((rng.uniform(2, 99), rng.uniform(100, 5000), float(rng.randrange(10, 900))))
    return rng.choice(("{:.2f} EUR", "${:,.2f}", "€{:.0f}", "{:.2f}", "CHF {:.2f}")).format(value)


def _phone(rng: random.Random) -> str:
    return rng.choice(
        (f"+1 555 01{rng.randrange(10, 99)}", f"555-01{rng.randrange(10, 99)}", f"+44 20 7946 0{rng.randrange(100, 999)}")
    )


def _account(rng: random.Random) -> str:
    return rng.choice(
        (f"DE{rng.randrange(10, 99)}{rng.randrange(10**17, 10**18)}", f"{rng.randrange(10, 99)}-{rng.randrange(10**6, 10**7)}")
    )


def _id(rng: random.Random) -> str:
    """As machines write them: hexadecimal, UUID, base64 or a ticket's number."""
    raw = rng.randbytes(16)
    hexadecimal = raw.hex()
    grouped = "-".join((hexadecimal[:8], hexadecimal[8:12], hexadecimal[12:16], hexadecimal[16:20], hexadecimal[20:]))
    ticket = f"{rng.choice(WORDS['project']).upper()}-{rng.randrange(10, 9999)}"
    return rng.choice(
        (hexadecimal, hexadecimal[:12], grouped, base64.b64encode(raw).decode(), ticket, f"INV-{rng.randrange(10**5, 10**6)}")
    )


DRAWN: Mapping[str, Callable[[random.Random], str]] = {
    "person": lambda rng: f"{rng.choice(WORDS['first'])} {rng.choice(WORDS['last'])}",
    "host": _host,
    "mail": _mail,
    "url": _url,
    "day": _day,
    "stamp": _stamp,
    "clock": lambda rng: f"{rng.randrange(7, 20)}:{rng.choice(('00', '15', '30', '45'))}",
    "amount": _amount,
    "phone": _phone,
    "account": _account,
    "id": _id,
    "short_id": lambda rng: rng.randbytes(4).hex()[:7],
    "sku": lambda rng: f"{rng.choice('ABCDEF')}{rng.randrange(100, 999)}-{rng.randrange(10, 99)}",
    "number": lambda rng: str(rng.randrange(2, 99)),
    "big_number": lambda rng: str(rng.randrange(1000, 99999)),
}
