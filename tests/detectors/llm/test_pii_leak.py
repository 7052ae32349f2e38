"""`llm/pii_leak`: personal data by check digits; nothing that only looks like it."""

from __future__ import annotations

import pytest
from tests.detectors.llm.spoken import system, tool, turn, user

from otel_mlsec.detectors.llm.pii_leak import PiiLeak
from otel_mlsec.finding import Severity


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "Write to jane.roe@initech.co.uk."),
        ("email", "<jane_roe+x@gmail.com>"),
        ("card", "4539 1488 0343 6467"),
        ("card", "card:4539148803436467,"),
        ("card", "3787 344936 71018"),
        ("iban", "Account GB82 WEST 1234 5698 7654 32 IS OURS"),
        ("iban", "DE89370400440532013000"),
        ("us_social_security", "SSN 536-90-4399"),
        ("phone", "+44 20 7946 0958"),
        ("phone", "call (212) 736-5000 now"),
        ("phone", "212-736-5000"),
        ("ipv4", "from 81.169.145.156 at noon"),
    ],
)
def test_personal_data_is_found(kind: str, text: str):
    [finding] = PiiLeak().update(turn(user("who?"), answers=(text,)))

    assert finding.subject == (kind,)
    assert finding.severity is (Severity.LOW if kind in ("email", "phone", "ipv4") else Severity.MEDIUM)
    assert finding.score == 1


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "d41d8cd98f00b204e9800998ecf8427e",
        "1.2.3.4",
        "version 10.15.200.140 and numpy 1.26.4.128",
        "127.0.0.1, 192.168.178.120 and 10.250.130.99",
        "203.0.113.77",
        "someone@example.com or bob@mail.example.org",
        "support@initech.com",
        "icon@2x.png",
        "git@github.com:a/b.git",
        "4539 1488 0343 6468",
        "1234-5678-9012-3456",
        "order 9999148803436467",
        "0.4539148803436467",
        "DE89370400440532013001",
        "123-45-6789",
        "000-12-3456",
        "2024-05-17 12:30:00",
        "ISBN 978-3-16-148410-0",
        "212-555-0134",
        "1 + 2 + 34567 = 34570",
        "+100 200 300 apples" * 0 + "a + 5",
        "latitude 40.7127753, longitude -74.0059728",
        "1,234,567,890 and 3.14159265358979",
        "T+1 555",
    ],
)
def test_what_only_looks_like_it_is_not(text: str):
    assert PiiLeak().update(turn(answers=(text,))) == []


def test_what_the_user_wrote_is_no_leak_however_it_is_spelled():
    asked = user("my card is 4539148803436467, my mail Jane.Roe@initech.com, phone 2127365000")

    assert PiiLeak().update(turn(asked, answers=("4539 1488 0343 6467, jane.roe@initech.com, (212) 736-5000",))) == []


def test_contact_details_of_the_operator_are_no_leak_but_a_card_is():
    told = system("If asked, give jane.roe@initech.com. The company card is 4539 1488 0343 6467.")

    [finding] = PiiLeak().update(turn(told, answers=("jane.roe@initech.com pays with 4539 1488 0343 6467",)))

    assert finding.subject == ("card",)


def test_a_list_of_people_from_a_tool_is_one_finding_and_high():
    people = ", ".join(f"person{i}@initech.com" for i in range(12))

    [finding] = PiiLeak().update(turn(tool(people), answers=(people,)))

    assert finding.severity is Severity.HIGH
    assert finding.evidence["email"] == finding.score == 12
    assert "person3" not in repr(finding)


def test_the_same_call_gives_the_same_findings_and_nothing_is_said_before_the_answer():
    detector, text = PiiLeak(), "\ud800 jane.roe@initech.com"

    assert detector.update(turn(answers=(text,))) == detector.update(turn(answers=(text,))) != []
    assert detector.update(turn(answers=(text,), answered=False)) == []
    assert detector.snapshot() == {}
