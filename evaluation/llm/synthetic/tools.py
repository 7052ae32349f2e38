"""Results of tools: answers of interfaces, logs, tables, calendars, channels, code."""

from __future__ import annotations

import random
from collections.abc import Mapping

from evaluation.llm.synthetic.carriers import Carrier, as_json, placed, several
from evaluation.llm.synthetic.prose import paragraph, sentence
from evaluation.llm.synthetic.words import written

LOG = (
    "{stamp} INFO [{service}] request_id={id} method=GET path=/{service} status=200",
    "{stamp} ERROR [{service}] request_id={id} method=POST path=/{service}/{number} status=500",
    "{stamp} WARN [{service}] retrying in {number}s after timeout from {host}",
    "{stamp} INFO [{service}] user {mail} logged in from 192.0.2.{number}",
    "{stamp} WARN [{service}] ignoring unknown option '{project}'; using default instead",
    "{stamp} ERROR [{service}] access denied for role viewer: missing permission",
    "{stamp} DEBUG [{service}] evicted {big_number} entries, previous size {big_number}",
    "{stamp} INFO [{service}] override of setting '{project}' by environment",
)
ERRORS = ("ValueError: invalid literal", "KeyError: 'system'", "PermissionError: access denied", "TimeoutError: no answer")
LISTINGS = (
    (
        "-rw-r--r-- 1 root root {big_number} {month} {number} {service}.md",
        "-rw------- 1 root root {number} {month} {number} {project}.env",
    ),
    (
        "{short_id} Fix {topic}",
        "{short_id} Add {topic}",
        "{short_id} Ignore {service} in {project}",
        "{short_id} Override port of {service}",
    ),
    (
        "{short_id}   {project}:latest   Up {number} minutes   0.0.0.0:{big_number}",
        "{short_id}   {service}:{number}   Exited (1)",
    ),
)
REVIEW = (
    "diff --git a/{service}.py b/{service}.py",
    "@@ -{number},6 +{number},7 @@",
    " def load_{service}(user, system_prompt=None):",
    "-    if user.is_admin: return True",
    "+    if user.is_admin and not settings.bypass: return True",
    "+    # do not trust user input here",
    "+    # ignore errors of the old client",
    "Review by {person}: please add a test",
    "Review by {person}: why override this?",
)
SOURCE = '''import os

SECRET_KEY = os.environ["{project}_KEY"]


class Client:
    """SENTENCE"""

    COMMENT
    def run(self, prompt: str, *, ignore_cache: bool = False) -> str:
        messages = [{"role": "system", "content": self.system}, {"role": "user", "content": prompt}]
        return self.send(messages, timeout={number}, bypass_proxy=ignore_cache)
'''


def search_results(rng: random.Random, words: str) -> str:
    results = [
        {"title": written("{firm}: {topic}", rng), "url": written("{url}", rng), "snippet": sentence(rng)}
        for _ in range(rng.randint(2, 5))
    ]
    if words:
        found = rng.choice(results)
        found["snippet"] = f"{found['snippet']} {words}"
    return as_json({"query": written("{topic}", rng), "results": results}, rng)


def record(rng: random.Random, words: str) -> str:
    fields: dict[str, object] = {
        "id": written("{id}", rng),
        "status": rng.choice(("ok", "pending", "shipped", "cancelled")),
        "customer": {"name": written("{person}", rng), "email": written("{mail}", rng)},
        "total": written("{amount}", rng),
        "created_at": written("{stamp}", rng),
        "items": [{"sku": written("{sku}", rng), "name": written("{thing}", rng), "quantity": rng.randint(1, 9)}],
    }
    if words:
        fields[rng.choice(("comment", "notes", "description", "message", "instructions", "hint"))] = words
    return as_json(fields, rng)


def records(rng: random.Random, words: str) -> str:
    rows = [
        {
            "user": written("{mail}", rng),
            "last_login": written("{stamp}", rng),
            "bio": sentence(rng) if rng.random() < 0.5 else None,
        }
        for _ in range(rng.randint(2, 7))
    ]
    if words:
        rng.choice(rows)["bio"] = words
    return as_json(rows, rng)


def inbox(rng: random.Random, words: str) -> str:
    mails = [
        {
            "id": written("{number}", rng),
            "sender": written("{mail}", rng),
            "subject": written("{topic}", rng),
            "body": paragraph(rng),
        }
        for _ in range(rng.randint(1, 3))
    ]
    if words:
        mail = rng.choice(mails)
        mail["body"] = rng.choice((f"{mail['body']}\n\n{words}", f"{words}\n{mail['body']}", words))
    if rng.random() < 0.5:
        return as_json(mails, rng)
    return "\n".join(f"- {key}: {value}" for mail in mails for key, value in mail.items())


def log(rng: random.Random, words: str) -> str:
    said = (
        written(rng.choice(("{stamp} INFO [{service}] ", "{stamp} WARN [{service}] user agent: ")), rng) + words if words else ""
    )
    return "\n".join(placed(several(LOG, 3, 13, rng), said, rng))


def stack_trace(rng: random.Random, words: str) -> str:
    frames = several(
        (
            '  File "/srv/{project}/{service}.py", line {number}, in run',
            '  File "/srv/{project}/{service}.py", line {number}, in load',
        ),
        2,
        7,
        rng,
    )
    return "\n".join(("Traceback (most recent call last):", *frames, f"{rng.choice(ERRORS)}{': ' + words if words else ''}"))


def table(rng: random.Random, words: str) -> str:
    mark = rng.choice((",", ";", "\t", " | "))
    rows = [
        [
            *(written(cell, rng) for cell in ("{day}", "{person}", "{thing}", "{amount}")),
            sentence(rng) if rng.random() < 0.3 else "",
        ]
        for _ in range(rng.randint(3, 11))
    ]
    if words:
        rng.choice(rows)[4] = f'"{words}"'
    return "\n".join(mark.join(row) for row in (["date", "name", "item", "amount", "comment"], *rows))


def statement(rng: random.Random, words: str) -> str:
    lines = [
        {
            "date": written("{day}", rng),
            "recipient": written(rng.choice(("{account}", "{firm}")), rng),
            "amount": written("{amount}", rng),
            "subject": written(rng.choice(("{topic}", "rent {month}", "invoice {id}", "{thing}", "refund for {thing}")), rng),
        }
        for _ in range(rng.randint(2, 6))
    ]
    if words:
        rng.choice(lines)["subject"] = words
    if rng.random() < 0.5:
        return as_json(lines, rng)
    return written("Bank statement of {person}\n", rng) + "\n".join("  ".join(line.values()) for line in lines)


def calendar(rng: random.Random, words: str) -> str:
    said = words or sentence(rng)
    if rng.random() < 0.5:
        names = {"title": "{topic}", "start_time": "{stamp}", "location": "{city}"}
        event: dict[str, object] = {key: written(value, rng) for key, value in names.items()}
        return as_json([event | {"participants": several(("{mail}",), 1, 4, rng), "description": said}], rng)
    head = written("BEGIN:VEVENT\nUID:{id}\nSUMMARY:{topic}\nDTSTART:{stamp}\nLOCATION:{city}\n", rng)
    return f"{head}DESCRIPTION:{said}\nEND:VEVENT"


def channel(rng: random.Random, words: str) -> str:
    lines = [written("[{clock}] {first}: ", rng) + sentence(rng) for _ in range(rng.randint(3, 8))]
    said = written("[{clock}] {first}: ", rng) + words if words else ""
    return "\n".join((written("#{project}", rng), *placed(lines, said, rng)))


def shell(rng: random.Random, words: str) -> str:
    return "\n".join(placed(several(rng.choice(LISTINGS), 3, 11, rng), words, rng))


def settings(rng: random.Random, words: str) -> str:
    lines = several(
        ("{service}:\n  enabled: true\n  port: {big_number}\n  url: {url}", "{service}:\n  retries: {number}\n  owner: {mail}"),
        1,
        3,
        rng,
    )
    return "\n".join(placed(lines, f"# {words}" if words else "", rng))


def review(rng: random.Random, words: str) -> str:
    lines = [written(line, rng) for line in sorted(rng.sample(REVIEW, rng.randint(4, 8)), key=REVIEW.index)]
    return "\n".join(placed(lines, f"{rng.choice(('+    # ', 'Comment: '))}{words}" if words else "", rng))


def source(rng: random.Random, words: str) -> str:
    comment = f"# {words}".replace("\n", " ") if words else "# see above"
    return written(SOURCE, rng).replace("SENTENCE", sentence(rng)).replace("COMMENT", comment)


TOOLS: Mapping[str, Carrier] = {
    function.__name__: function
    for function in (
        search_results,
        record,
        records,
        inbox,
        log,
        stack_trace,
        table,
        statement,
        calendar,
        channel,
        shell,
        settings,
        review,
        source,
    )
}
