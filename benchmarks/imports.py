"""What `import otel_mlsec` and `instrument()` cost a process, beyond the OpenTelemetry SDK that it has anyway."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

ROUNDS = 9
SDK = "import opentelemetry.sdk.trace, opentelemetry.sdk.metrics, opentelemetry.sdk._logs"
SDK += ", opentelemetry.instrumentation.utils, wrapt"
CASES = {
    "SDK": SDK,
    "SDK + import otel_mlsec": f"{SDK}; import otel_mlsec",
    "SDK + instrument()": f"{SDK}; import otel_mlsec; otel_mlsec.instrument()",
    "SDK + numpy": f"{SDK}; import numpy",
}
REPORT = "; import resource; u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime, "
REPORT += "next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"  # ru_maxrss is inherited
BUDGET = "budget 60 ms, 8 MiB"


def main() -> None:
    print(f"import: CPU ms and peak MiB of a process, median of {ROUNDS}, load {os.getloadavg()[0]:.1f}")
    results: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
    for _ in range(ROUNDS):
        for case, code in CASES.items():
            done = subprocess.run([sys.executable, "-c", code + REPORT], capture_output=True, text=True, check=True)
            seconds, kilobytes = done.stdout.split()
            results[case].append((float(seconds) * 1e3, float(kilobytes) / 1024))
    middle = {case: tuple(map(statistics.median, zip(*values, strict=True))) for case, values in results.items()}
    base = middle["SDK"]
    for case, (ms, mib) in middle.items():
        print(f"  {case:26s} {ms:6.0f} ms (+{ms - base[0]:.0f}), {mib:5.1f} MiB (+{mib - base[1]:.1f})")
    print(f"  otel_mlsec: {BUDGET}; numpy is loaded with the first model library, not before")


if __name__ == "__main__":
    main()
