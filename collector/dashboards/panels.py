"""What the dashboards are made of: one look, one data source, variables that every query respects."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
OF = 'job=~"$job"'  # selectors that every query has
OF_MODEL = f'{OF}, mlsec_model_name=~"$model"'
SEVERITIES = {"CRITICAL": "#a8163a", "HIGH": "#d9541e", "MEDIUM": "#c99a1c", "LOW": "#4a77ab"}
SPAN = {"short": 6, "half": 12, "whole": 24}  # of 24 columns


def drift_score(selector: str) -> str:
    """The name has the unit in it or not, depending on who translates it for Prometheus."""
    return f'{{__name__=~"mlsec_drift_score(_ratio)?", {selector}}}'


def counted(selector: str, over: str) -> str:
    """What a counter has counted in a time, each series by itself.

    A counter of rare things is born with the first of them, at 1, and has then never increased: of a series that was not there
    when the time began, all of it counts.
    """
    return f"((last_over_time({selector}[{over}]) unless {selector} offset {over}) or increase({selector}[{over}]))"


def board(uid: str, title: str, description: str, *, models: bool = True) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["otel-mlsec"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(dashboard.DashboardLink("otel-mlsec").type("dashboards").tags(["otel-mlsec"]).as_dropdown(True).keep_time(True))
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
        .with_variable(_variable("job", "Service", "label_values(mlsec_detection_processed_total, job)"))
    )
    if models:
        made = made.with_variable(
            _variable("model", "Model", 'label_values(mlsec_findings_total{job=~"$job"}, mlsec_model_name)')
        )
    return made


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(query).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(True).all_value(".*").multi(True)
    )  # fmt: skip


def query(expression: str, legend: str = "", *, at_once: bool = False) -> prometheus.Dataquery:
    made = prometheus.Dataquery().datasource(SOURCE).expr(expression).legend_format(legend or "__auto")
    return made.instant().format(PromQueryFormat.TABLE) if at_once else made


def number(title: str, description: str, expression: str, *, unit: str = "short", bad: float | None = None) -> stat.Panel:
    """One number; red from `bad` on.  Of the whole time shown there is one only, else it has its course behind it."""
    steps = [Threshold(value=None, color="text")]
    if bad is not None:
        steps = [Threshold(value=None, color="green"), Threshold(value=bad, color="red")]
    whole = "$__range" in expression
    return (
        stat.Panel().title(title).description(description).datasource(SOURCE).unit(unit).span(SPAN["short"]).height(4)
        .color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.NONE if whole else BigValueGraphMode.AREA).no_value("0")
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .with_target(query(expression).instant() if whole else query(expression))
    )  # fmt: skip


def lines(
    title: str, description: str, *queries: prometheus.Dataquery, unit: str = "short", wide: str = "half"
) -> timeseries.Panel:
    made = (
        timeseries.Panel().title(title).description(description).datasource(SOURCE).unit(unit).span(SPAN[wide]).height(8).min(0)
        .line_width(1).fill_opacity(8).tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .legend(
            common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
        )
    )  # fmt: skip
    for each in queries:
        made = made.with_target(each)
    return made


def bars(title: str, description: str, *queries: prometheus.Dataquery, wide: str = "half") -> timeseries.Panel:
    """Counts of an interval, one on the other, in the colours of severities where they are named by them."""
    made = lines(title, description, *queries, wide=wide).draw_style(GraphDrawStyle.BARS).fill_opacity(80).line_width(0)
    made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).decimals(0)
    made = made.interval("5m")  # at the least: shorter ones than a scrape's are empty
    for severity, colour in SEVERITIES.items():
        made = made.override_by_name(severity, [_colour(colour)])
    return made


def _colour(colour: str) -> DynamicConfigValue:
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})


def rows(title: str, description: str, expression: str, *, wide: str = "half") -> table.Panel:
    return (
        table.Panel().title(title).description(description).datasource(SOURCE).span(SPAN[wide]).height(8)
        .with_target(query(expression, at_once=True))
    )  # fmt: skip
