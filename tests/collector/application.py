"""An instrumented application in a process of its own, with one finding."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

# A model that knows months 1 and 2, asked about month 3, in an application that knows nothing of telemetry.
APPLICATION = textwrap.dedent("""
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    import otel_mlsec

    draw = np.random.default_rng(7)

    def rows(n, months):
        return pd.DataFrame({"month": draw.choice(months, n), "x": draw.normal(size=n)})

    known = rows(4000, [1, 2])
    model = LogisticRegression().fit(known, known["x"] > 0)
    reference = otel_mlsec.Reference.fit(known, model=model, name="delays", version="7")
    otel_mlsec.watch(model, name="delays", version="7", reference=reference)
    for _ in range(40):
        model.predict_proba(rows(50, [1, 2, 3]))
""")


def run_application(url: str, directory: Path, **more: str) -> None:
    """`more`: environment variables."""
    script = directory / "application.py"
    script.write_text(APPLICATION)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": "delays-service",
        "NO_PROXY": "127.0.0.1",
        **more,
    }
    command = [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "stays off" not in done.stderr
