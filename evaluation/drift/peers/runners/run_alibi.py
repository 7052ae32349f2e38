"""Alibi Detect: `TabularDrift`, its defaults: Kolmogorov–Smirnov and chi-squared, p < 0.05 with Bonferroni's correction."""

from alibi_detect.cd import TabularDrift
from runner import CATEGORICAL, Windows, serve


def learn(reference):
    detector = TabularDrift(reference, p_val=0.05, categories_per_feature=dict.fromkeys(CATEGORICAL))

    def judge(window):
        said = detector.predict(window, drift_type="batch")["data"]  # each window after Bonferroni
        return [c for c, p in enumerate(said["p_val"]) if p < said["threshold"]] if said["is_drift"] else []

    return Windows(judge)


serve("alibi-detect", "TabularDrift, KS and chi2, p < 0.05 with Bonferroni, windows of 1,000 rows", learn)
