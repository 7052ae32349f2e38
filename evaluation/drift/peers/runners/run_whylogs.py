"""whylogs: profiles of 1,000 rows beside one of the reference, with its default drift verdict."""

import whylogs
from runner import NAMES, Windows, frame, serve
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores


def learn(reference):
    known = whylogs.log(frame(reference)).view()

    def judge(window):
        said = calculate_drift_scores(whylogs.log(frame(window)).view(), known, with_thresholds=True)
        return [c for c, name in enumerate(NAMES) if said.get(name) and said[name]["drift_category"] == "DRIFT"]

    return Windows(judge)


serve("whylogs", "its choice of KS and chi2 of profiles, its default thresholds, profiles of 1,000 rows", learn)
