"""Personal data in a text, each kind with the check that tells it from a number that only looks so."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from otel_mlsec.detectors.llm.passages import pattern

OF_A_KIND = 64  # matches that are looked at, in one text

# Lengths by the IBAN registry (SWIFT), for the countries that have one.
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24,
    "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29,
    "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
# Hosts of documentation (RFC 2606 and its kin), and endings of files that look like hosts.
NOBODYS_HOSTS = (
    "example", "domain", "yourdomain", "mydomain", "company", "yourcompany", "mycompany", "email", "test", "sample",
    "foo", "bar", "website", "site",
)  # fmt: skip
NOBODYS_ENDINGS = (
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "py", "md", "json", "html", "local", "test", "invalid",
    "localhost", "example", "internal",
)  # fmt: skip
# Mailboxes of an office, not of a person.
OFFICES = frozenset((
    "info", "support", "sales", "contact", "help", "hello", "admin", "office", "press", "privacy", "security", "abuse",
    "webmaster", "team", "jobs", "billing", "service", "noreply", "no-reply", "postmaster", "mailer-daemon", "git",
    "feedback", "careers", "legal",
))  # fmt: skip
# Numbers that networks and payment services publish for trying out.
TRIAL_CARDS = frozenset((
    "4242424242424242", "4000056655665556", "4111111111111111", "4012888888881881", "4222222222222", "5555555555554444",
    "2223003122003222", "5200828282828210", "5105105105105100", "378282246310005", "371449635398431", "378734493671000",
    "6011111111111117", "6011000990139424", "3056930009020004", "30569309025904", "38520000023237", "36227206271667",
    "3530111333300000", "3566002020360505", "6200000000000005",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Datum:
    kind: str
    value: str = field(repr=False)  # as it stands
    same: str = field(repr=False)  # without what spelling is free to vary


def personal_data(data: bytes) -> Iterator[Datum]:
    """E-mail addresses, payment cards, IBANs, US social security numbers, phones, public IPv4 addresses; in UTF-8 `data`."""
    for kind, gate, source, check in KINDS:
        if gate(data):
            for match in islice(pattern(source).finditer(data), OF_A_KIND):
                if not _free(data, match.start(), match.end()):
                    continue
                value = match.group().decode("utf-8", "replace")
                same = check(value, data[max(0, match.start() - 16) : match.start()].decode("utf-8", "replace").lower())
                if same:
                    yield Datum(kind, value, same)


def _free(data: bytes, start: int, end: int) -> bool:
    """Not a part of something longer: an identifier, a decimal, a path, a version."""
    before, after = data[max(0, start - 2) : start], data[end : end + 2]
    joined = before[-1:].isalnum() or before[-1:] in (b"_", b"-", b"/", b"=", b"#", b"@")
    part = joined or after[:1].isalnum() or after[:1] in (b"_", b"/", b"@")
    decimal = before[-1:] in (b".", b",") and before[:1].isdigit()
    number = decimal or (after[:1] in (b".", b",", b"-", b":") and after[1:].isdigit())
    return not part and not number


def _mail(value: str, _: str) -> str:
    name, _, host = value.lower().rpartition("@")
    labels = host.split(".")
    if labels[-1] in NOBODYS_ENDINGS or any(label in NOBODYS_HOSTS for label in labels[-2:-1]) or name in OFFICES:
        return ""
    if len(labels) >= 3 and labels[-3] == "example":
        return ""
    return f"{name}@{host}"


def _card(value: str, _: str) -> str:
    digits = "".join(c for c in value if c.isdigit())
    groups = [len(group) for group in value.replace("-", " ").split(" ")]
    if groups not in ([len(digits)], [4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [4, 4, 4, 4, 3]) or not _issued(digits):
        return ""
    if digits in TRIAL_CARDS or len(set(digits[6:-1])) < 2:
        return ""  # 4000 0000 0000 0002 and the like: of a form, not of a person
    doubled = (int(c) * 2 if i % 2 else int(c) for i, c in enumerate(reversed(digits)))
    return digits if sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0 else ""  # Luhn, ISO/IEC 7812-1


def _issued(digits: str) -> bool:
    """Prefix and length that an issuer gives out."""
    n, two, four = len(digits), int(digits[:2]), int(digits[:4])
    return (
        (n in (13, 16, 19) and digits[0] == "4")
        or (n == 16 and (51 <= two <= 55 or 2221 <= four <= 2720 or two in (35, 62, 65) or four == 6011 or 6440 <= four <= 6499))
        or (n == 15 and two in (34, 37))
        or (n == 14 and two in (30, 36, 38))
    )


def _iban(value: str, _: str) -> str:
    plain = value.replace(" ", "")
    length = IBAN_LENGTHS.get(plain[:2], 0)
    while length and len(plain) > length and " " in value:  # words in capitals that follow it
        value = value.rpartition(" ")[0]
        plain = value.replace(" ", "")
    if len(plain) != length:
        return ""
    return plain if int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1 else ""  # ISO 13616


def _social_security(value: str, _: str) -> str:
    area, group, serial = value.split("-")
    never = area in ("000", "666") or area >= "900" or group == "00" or serial == "0000"
    return "" if never or value in ("123-45-6789", "078-05-1120", "219-09-9999", "111-11-1111") else value


def _phone(value: str, before: str) -> str:
    digits = "".join(c for c in value if c.isdigit())
    national = digits[-10:] if digits[:1] == "1" or len(digits) == 10 else ""
    fiction = national[3:6] == "555" or len(set(digits)) < 4 or "1234567" in digits
    return "" if fiction or not 8 <= len(digits) <= 15 or before.endswith(("isbn ", "isbn: ", "issn ")) else digits


def _address(value: str, before: str) -> str:
    """A public one.  Versions have small numbers, or say that they are one."""
    if (
        before.rstrip(" :=").endswith(("version", "release", "build", "v", "ver"))
        or sum(int(part) > 31 for part in value.split(".")) < 2
    ):
        return ""
    try:
        return value if ipaddress.IPv4Address(value).is_global else ""
    except ValueError:
        return ""


def _has(*literals: bytes) -> Callable[[bytes], bool]:
    return lambda data: any(literal in data for literal in literals)


Check = Callable[[str, str], str]
KINDS: Sequence[tuple[str, Callable[[bytes], bool], str, Check]] = (
    ("email", _has(b"@"), r"[A-Za-z0-9][A-Za-z0-9._%+-]*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}", _mail),
    ("card", lambda _: True,
     r"[2-6][0-9]{3}(?:[0-9]{9,15}|(?:[ -][0-9]{4}){3}(?:[ -][0-9]{3})?|[ -][0-9]{6}[ -][0-9]{4,5})", _card),
    ("iban", lambda _: True, r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?", _iban),
    ("us_social_security", _has(b"-"), r"[0-9]{3}-[0-9]{2}-[0-9]{4}", _social_security),
    ("phone", _has(b"+"), r"\+[1-9][0-9]{0,2}(?:[ .-]?\(?[0-9]{1,5}\)?){2,6}", _phone),
    ("phone", lambda _: True, r"(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[.-][0-9]{4}", _phone),
    ("ipv4", _has(b"."), r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", _address),
)  # fmt: skip
