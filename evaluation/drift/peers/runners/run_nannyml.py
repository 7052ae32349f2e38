"""NannyML: univariate drift or PCA reconstruction with its defaults, in chunks of 1,000 rows."""

import sys

import nannyml
from runner import CATEGORICAL, NAMES, Windows, frame, serve

CATEGORIES = [NAMES[c] for c in CATEGORICAL]


def univariate(reference):
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(NAMES), treat_as_categorical=CATEGORIES, chunk_size=1000
    ).fit(frame(reference))

    def judge(window):
        said = calculator.calculate(frame(window)).filter(period="analysis").to_df()
        return [c for c, name in enumerate(NAMES) if bool(said[name].xs("alert", axis=1, level=-1).to_numpy()[-1].any())]

    return Windows(judge)


def reconstruction(reference):
    calculator = nannyml.DataReconstructionDriftCalculator(column_names=list(NAMES), chunk_size=1000).fit(frame(reference))

    def judge(window):
        said = calculator.calculate(frame(window)).filter(period="analysis").to_df()
        alarm = bool(said.xs("alert", axis=1, level=-1).to_numpy()[-1].any())
        return range(len(NAMES)) if alarm else []  # it is of all columns together

    return Windows(judge)


LEARN = {
    "univariate": (univariate, "Jensen–Shannon distance beyond 3 sd of the reference's chunks, of 1,000 rows"),
    "reconstruction": (reconstruction, "PCA reconstruction error beyond 3 sd of the reference's chunks, of 1,000 rows"),
}
learn, settings = LEARN[sys.argv[1]]
serve("nannyml", settings, learn)
