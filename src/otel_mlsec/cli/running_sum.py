"""A counter's total, or the number of values in a histogram, over processes and attributes, from deltas or running sums."""

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Histogram, HistogramDataPoint, NumberDataPoint, Sum

MAX_SERIES = 10_000  # further ones are not counted


class RunningSum:
    def __init__(self) -> None:
        self._added = 0.0  # reported as deltas
        self._latest: dict[bytes, float] = {}  # reported as running sums, one a series

    @property
    def total(self) -> int:
        return round(self._added + sum(self._latest.values()))

    def take(self, process: bytes, counter: Sum | Histogram, *, having: str = "") -> None:
        """Points that have the attribute `having`, or all; `process` tells the exporters of one counter apart."""
        delta = counter.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
        for point in counter.data_points:
            if having and all(pair.key != having for pair in point.attributes):
                continue
            if delta:
                self._added += _number(point)
                continue
            series = b"%b %d " % (process, point.start_time_unix_nano)  # a restart begins a new series
            series += b"".join(sorted(map(_bytes, point.attributes)))
            if series in self._latest or len(self._latest) < MAX_SERIES:
                self._latest[series] = _number(point)


def _bytes(pair: KeyValue) -> bytes:
    return pair.SerializeToString(deterministic=True)


def _number(point: NumberDataPoint | HistogramDataPoint) -> float:
    if isinstance(point, HistogramDataPoint):
        return float(point.count)
    return point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
