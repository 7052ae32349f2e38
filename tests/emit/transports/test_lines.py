"""A file of lines, whatever becomes of the file."""

import json
import os
import stat
import subprocess
import sys

import pytest
from tests.emit.formats.conftest import made, with_attribute

from otel_mlsec.emit.transport import Answer
from otel_mlsec.emit.transports import transport

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files of POSIX")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "findings of today.jsonl"


@pytest.fixture
def lines(file):
    sender = transport(f"file://{str(file).replace(' ', '%20')}#format=ecs")
    yield sender
    sender.close()


def ids(file):
    return [json.loads(line)["event"]["id"] for line in file.read_text().splitlines()]


def records(*names):
    return [with_attribute("mlsec.finding.id", name) for name in names]


def test_a_line_a_finding_for_its_owner_only(lines, file):
    assert lines.send(records("a", "b")) == Answer(taken=2)
    assert lines.send(records("c")) == Answer(taken=1)
    assert ids(file) == ["a", "b", "c"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_rotated_by_name(lines, file):
    lines.send(records("a"))
    file.rename(file.with_suffix(".1"))
    lines.send(records("b"))

    assert (ids(file.with_suffix(".1")), ids(file)) == (["a"], ["b"])


def test_a_file_that_is_removed_or_cut(lines, file):
    lines.send(records("a"))
    file.unlink()
    lines.send(records("b"))
    os.truncate(file, 0)
    lines.send(records("c"))

    assert ids(file) == ["c"]


def test_a_line_that_lacks_its_end_spoils_no_other(lines, file):
    file.write_text('{"half')
    lines.send(records("a"))

    assert file.read_text().splitlines()[0] == '{"half'
    assert json.loads(file.read_text().splitlines()[1])["event"]["id"] == "a"


def test_a_disk_that_is_full_keeps_what_is_not_written(file):
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
        "from otel_mlsec.emit.transports import transport; from tests.emit.formats.conftest import made;"
        f"sender = transport('file://{str(file).replace(' ', '%20')}'); n = 0\n"
        "while (answer := sender.send([made()])).taken: n += 1\n"
        "sys.exit(f'{n} {answer.why}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=os.getcwd(), check=False)
    n, why = done.stderr.strip().split(" ", 1)

    assert why == "File too large"
    assert sum(line.endswith("\n") for line in file.read_text().splitlines(keepends=True)) == int(n) > 0


def test_a_directory_that_is_not_there_is_an_answer(tmp_path):
    sender = transport(f"file://{tmp_path}/nowhere/findings.jsonl")

    assert sender.send([made()]) == Answer(taken=0, why="No such file or directory")


def test_what_is_no_file_has_no_disk_and_takes_each_line_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    sender = transport(f"file://{pipe}#format=ecs")

    assert sender.send(records("a", "b")) == Answer(taken=2)
    assert os.read(reader, 1 << 20).count(b"\n") == 2
    os.close(reader)
    sender.close()


def test_of_many_lines_on_a_disk_that_fills_up_those_that_are_there_are_not_written_again(file):
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "from otel_mlsec.emit.transports import transport; from tests.emit.formats.conftest import made;"
        f"sender = transport('file://{str(file).replace(' ', '%20')}'); sys.exit(f'{{sender.send([made()] * 100).taken}}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=os.getcwd(), check=False)
    whole = sum(line.endswith("\n") for line in file.read_text().splitlines(keepends=True))

    assert 0 < int(done.stderr) == whole < 100
