"""Readers of the two text formats, as their grammars have them: they know nothing of who wrote it."""

import re

HEADER = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) "
    r"(?P<pid>[!-~]{1,128}) (?P<msgid>[!-~]{1,32}) \[(?P<name>[^ =\]\"]{1,32})"
)
PARAMETER = re.compile(r' (?P<name>[^ =\]"]{1,32})="(?P<value>(?:[^"\\\]]|\\["\\\]])*)"')


def read_rfc5424(line):
    """As its grammar has it: the header, the structured data, and the message."""
    header = HEADER.match(line)
    assert header, line[:200]
    at, data = header.end(), {}
    while parameter := PARAMETER.match(line, at):
        data[parameter["name"]] = re.sub(r'\\(["\\\]])', r"\1", parameter["value"])
        at = parameter.end()
    assert line.startswith("] \ufeff", at), line[at : at + 50]
    return header.groupdict(), data, line[at + 3 :]


def read_cef(line):
    """Header and extension, as the implementation standard has it: a value goes on until the next ` key=`."""
    pieces = re.findall(r"((?:[^|\\]|\\.)*)(?:\||$)", line)
    assert len(pieces) >= 8
    header, rest = pieces[:7], line[sum(len(piece) + 1 for piece in pieces[:7]) :]
    equals = [at.start() for at in re.finditer(r"\\.|=", rest) if at[0] == "="]  # those that are not escaped
    starts = [rest.rfind(" ", 0, at) + 1 for at in equals]  # of keys, which hold no space
    ends = [start - 1 for start in starts[1:]] + [len(rest)]
    values = {rest[start:at]: rest[at + 1 : end] for start, at, end in zip(starts, equals, ends, strict=True)}
    assert all(re.fullmatch(r"[a-zA-Z0-9]+", key) for key in values), list(values)
    assert all(re.fullmatch(r"(?:[^\\]|\\[\\=nr])*", value) for value in values.values()), list(values.values())
    unescaped = [re.sub(r"\\([\\|])", r"\1", piece) for piece in header]
    return unescaped, {name: re.sub(r"\\([\\=])", r"\1", value) for name, value in values.items()}
