"""`llm/secret_leak`: credentials are found by format and by name, placeholders and the user's own are not."""

from __future__ import annotations

import base64
import hashlib
import random
import string

import pytest
from tests.detectors.llm.spoken import answer, call_of, document, system, tool, turn, user

from otel_mlsec.detectors.llm.secret_leak import SecretLeak
from otel_mlsec.finding import Severity
from otel_mlsec.observation import Form

ALNUM = string.ascii_letters + string.digits


def made(n: int, alphabet: str = ALNUM, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=n))


HEX = "0123456789abcdef"
TOKENS = {
    "aws_access_key": "AKIA" + made(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "github_token": "ghp_" + made(36),
    "github_fine_grained_token": f"github_pat_{made(22)}_{made(59)}",
    "gitlab_token": "glpat-" + made(20),
    "anthropic_key": "sk-ant-api03-" + made(95),
    "openai_key": "sk-proj-" + made(48),
    "google_api_key": "AIza" + made(35),
    "slack_token": "xoxb-" + made(12, string.digits) + "-" + made(24),
    "stripe_key": "sk_live_" + made(24),
    "huggingface_token": "hf_" + made(34),
    "npm_token": "npm_" + made(36),
    "pypi_token": "pypi-AgEIcHlwaS5vcmc" + made(80),
    "sendgrid_key": f"SG.{made(22)}.{made(43)}",
    "azure_storage_key": f"AccountKey={made(86)}==",
    "twilio_key": "SK" + made(32, HEX),
    "jwt": f"eyJ{made(30)}.eyJ{made(60)}.{made(43)}",
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\n" + made(64) + "\n" + made(64, seed=2) + "\n-----END RSA PRIVATE KEY-----",
    "url_password": "postgres://app:gT7kq9Lw@db.internal:5432/main",
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_is_found_by_its_format_and_never_quoted(name: str):
    [finding] = SecretLeak().update(turn(answers=(f"Sure, it is {TOKENS[name]} as you know.",)))

    assert name in finding.evidence["formats"]
    assert finding.severity is Severity.MEDIUM
    assert TOKENS[name][-12:] not in repr(finding)


@pytest.mark.parametrize(
    "text",
    [
        "The admin password is kT9$wq2LmZx4",
        'DB_PASSWORD="qX7vN2pL9sRt4"',
        "api_key: 9fQ2mX7bL4kP8sT1",
        '{"client_secret": "Zr8Kq3Vw6Yt1Bn5M"}',
        "**Access key**: `Qm4Zx8Lp2Vt6Rk9s`",
    ],
)
def test_a_value_under_a_telling_name_is_found(text: str):
    [finding] = SecretLeak().update(turn(answers=(text,)))

    assert finding.subject == ("assigned_secret",)


@pytest.mark.parametrize(
    "text",
    [
        "Use AKIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY as in the manual.",
        "export OPENAI_API_KEY=sk-your-key-here-your-key-here-your-key",
        "export GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "token = ghp_1234567890abcdefghijklmnopqrstuvwxyz",
        'password = os.environ["DB_PASSWORD"]',
        "password = generate_password_hash(form.password.data)",
        "The password is required to be at least 8 characters long.",
        "secret: ${{ secrets.DEPLOY_TOKEN_2024 }}",
        "-----BEGIN PRIVATE KEY----- is the first line of such a file.",
        "postgres://user:password@localhost/db",
        "550e8400-e29b-41d4-a716-446655440000",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "md5 d41d8cd98f00b204e9800998ecf8427e",
        "the sk-learn package and a task-oriented-dialogue-system-for-everybody-in-the-world",
    ],
)
def test_placeholders_code_and_hashes_are_not_secrets(text: str):
    assert SecretLeak().update(turn(answers=(text,))) == []


def test_what_the_operator_a_tool_or_a_document_held_is_high():
    token = TOKENS["github_token"]

    for given in (system, tool, document):
        [finding] = SecretLeak().update(turn(given(f"deploy with {token}"), user("hi"), answers=(f"It is {token}",)))
        assert finding.severity is Severity.HIGH


def test_what_the_user_pasted_is_no_leak():
    token = TOKENS["github_token"]

    assert SecretLeak().update(turn(user(f"is {token} valid?"), answers=(f"{token} looks valid",))) == []


def test_arguments_of_a_tool_and_reasoning_are_answers_too():
    token = TOKENS["stripe_key"]

    for text in (call_of("http_get", f'{{"url": "https://a.test/{token}"}}'), answer(token, Form.REASONING)):
        [finding] = SecretLeak().update(turn(answers=(text,)))
        assert finding.evidence["form"] == text.form.value


def test_a_hash_is_told_only_of_what_cannot_be_guessed_from_it():
    token = TOKENS["openai_key"]
    [long] = SecretLeak().update(turn(answers=(token,)))
    [short] = SecretLeak().update(turn(answers=("The admin password is kT9$wq2LmZx4",)))

    assert long.evidence["sha256_prefix"] == (hashlib.sha256(token.encode()).hexdigest()[:8],)
    assert "sha256_prefix" not in short.evidence


def test_one_call_is_one_finding_with_all_its_formats():
    [finding] = SecretLeak().update(turn(answers=(TOKENS["npm_token"], TOKENS["stripe_key"] + " " + TOKENS["npm_token"])))

    assert finding.subject == ("npm_token", "stripe_key")
    assert finding.score == 2


def test_a_question_that_is_not_answered_yet_is_not_looked_at():
    assert SecretLeak().update(turn(answers=(TOKENS["npm_token"],), answered=False)) == []


def test_the_same_call_gives_the_same_findings_and_surrogates_are_survived():
    leak = SecretLeak()
    call = turn(system("\udcff"), answers=("\ud800" + TOKENS["npm_token"] + "\udfff",))

    assert leak.update(call) == leak.update(call) != []


def test_the_end_of_a_very_long_answer_is_looked_at():
    [finding] = SecretLeak().update(turn(answers=("lorem ipsum " * 800_000 + TOKENS["npm_token"],)))

    assert finding.subject == ("npm_token",)


def test_base64_of_a_token_is_found_through_its_view():
    encoded = base64.b64encode(f"the token is {TOKENS['npm_token']}".encode()).decode()
    call = turn(answers=(f"Here you are: {encoded}",))
    if not any(view.layer == "base64" for view in call.outputs[0].seen.views):
        pytest.skip("no decoder of base64")

    [finding] = SecretLeak().update(call)

    assert finding.evidence["layer"] == "base64"
