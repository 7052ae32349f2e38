"""One line in a program of its own, no web server: `python examples/one_line.py`.  Findings go to the log."""

import logging
import time

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression

import otel_mlsec

logging.basicConfig(format="%(message)s")
otel_mlsec.instrument()

wine = load_wine(as_frame=True)
model = LogisticRegression(max_iter=5000).fit(wine.data, wine.target)
for _ in range(60):  # the first 2,000 rows are taken for normal, since nobody said what is
    rows = wine.data.sample(frac=1)
    model.predict(rows)
    time.sleep(0.01)
model.predict(rows.assign(alcohol=rows["alcohol"] / 10))
