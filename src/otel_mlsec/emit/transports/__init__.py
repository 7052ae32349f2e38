"""Ways out: each takes records to one kind of receiver.  For who has no Collector, a sink is one URL:

- `file:///var/log/findings.jsonl`: a line a finding; `#format=otlp` (default), `ocsf`, `ecs`, `cef`, `rfc5424`
- `https://hooks.example.org/path`: a signed POST a finding; `#format=ocsf` (default), `ecs`, `otlp`
- `syslog+tls://siem.example.org:6514`: RFC 5425; `#format=rfc5424` (default), or `cef`, `ocsf`, `ecs` as its message;
  `number=` is the enterprise's in the structured data; `syslog+tcp://` is plain TCP, within this machine only

Options stand behind `#`, joined by `&`, and never leave: also `ca=`, `cert=` and `key=`, files for TLS; `timeout=` in s;
`plain=yes`: it may be another machine, without TLS.
"""

from __future__ import annotations

from otel_mlsec.emit.transports.sinks import shown, transport

__all__ = ["shown", "transport"]
