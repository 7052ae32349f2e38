"""Evidently: the preset of data drift with its defaults; a column alarms as it is called drifted, in windows of 1,000 rows."""

from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from runner import CATEGORICAL, NAMES, Windows, frame, serve

KINDS = DataDefinition(
    numerical_columns=[name for c, name in enumerate(NAMES) if c not in CATEGORICAL],
    categorical_columns=[NAMES[c] for c in CATEGORICAL],
)


def learn(reference):
    known = Dataset.from_pandas(frame(reference), data_definition=KINDS)
    report = Report([DataDriftPreset()])

    def judge(window):
        said = report.run(Dataset.from_pandas(frame(window), data_definition=KINDS), known).dict()
        return [NAMES.index(m["config"]["column"]) for m in said["metrics"] if "column" in m["config"] and _drifted(m)]

    return Windows(judge)


def _drifted(metric):
    value, threshold = float(metric["value"]), float(metric["config"]["threshold"])
    return value < threshold if "p_value" in metric["config"]["method"] else value >= threshold


serve("evidently", "DataDriftPreset, its choice of tests and thresholds, each column, windows of 1,000 rows", learn)
