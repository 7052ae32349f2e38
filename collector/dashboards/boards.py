"""The four dashboards: what a SOC looks at, how the detectors are, how far models have drifted, and whether findings arrive."""

from __future__ import annotations

from collector.dashboards.panels import OF, OF_MODEL, bars, board, counted, drift_score, lines, number, query, rows
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

TOLD = f'mlsec_findings_total{{{OF_MODEL}, mlsec_finding_status=~"new|reopened"}}'  # records that begin something
DRIFT = TOLD.replace("}", ', mlsec_finding_type=~"drift.*"}')
OUTCOME = "mlsec_spool_outcome"


def soc() -> Dashboard:
    made = board(
        "otel-mlsec-soc", "ML security: findings", "What was found, of which model, how bad. One finding is one attack or change."
    )
    for severity in ("CRITICAL", "HIGH", "MEDIUM", "LOW"):
        worst = TOLD.replace("}", f', mlsec_finding_severity="{severity}"}}')
        bad = 1 if severity in ("CRITICAL", "HIGH") else None
        made = made.with_panel(
            number(
                f"{severity.title()} in this time",
                "Findings that began, or came back.",
                f"sum({counted(worst, '$__range')})",
                bad=bad,
            )
        )
    return (
        made
        .with_panel(bars("Findings by severity", "That began in each interval.",
                         query(f"sum by (mlsec_finding_severity) ({counted(TOLD, '$__interval')})", "{{mlsec_finding_severity}}"), wide="whole"))
        .with_panel(rows("By kind and model", "Of the time shown, most first. For one finding in full, go to the SIEM or `otel-mlsec view`.",
                         f"sort_desc(sum by (mlsec_finding_type, mlsec_model_name, mlsec_finding_severity) ({counted(TOLD, '$__range')}) > 0)"))
        .with_panel(lines("Open by kind", "Begun minus resolved since the processes started: what nobody has seen the end of.",
                          query(f'sum by (mlsec_finding_type) (mlsec_findings_total{{{OF_MODEL}, mlsec_finding_status=~"new|reopened"}})'
                                f' - (sum by (mlsec_finding_type) (mlsec_findings_total{{{OF_MODEL}, mlsec_finding_status="resolved"}}) or'
                                f' 0 * sum by (mlsec_finding_type) (mlsec_findings_total{{{OF_MODEL}}}))', "{{mlsec_finding_type}}")))
        .with_panel(lines("Not told", "Repetitions of what is open; suppressed in the configuration; more than the rate allows.",
                          query(f"sum by (mlsec_withheld_reason) (rate(mlsec_findings_withheld_total{{{OF_MODEL}}}[$__rate_interval]))",
                                "{{mlsec_withheld_reason}}")))
        .with_panel(lines("Not delivered yet", "Age of the oldest record that waits for its receiver: while it grows, this board is ahead of the SIEM.",
                          query(f"max by (job, mlsec_sink_name) (mlsec_spool_age_seconds{{{OF}}})", "{{job}} → {{mlsec_sink_name}}"), unit="s"))
    )  # fmt: skip


def detectors() -> Dashboard:
    processed = f"mlsec_detection_processed_total{{{OF}}}"
    errors = f"mlsec_agent_errors_total{{{OF}}}"
    failed = f'mlsec_handler_calls_total{{{OF}, error_type!=""}}'
    dropped = f'mlsec_detection_processed_total{{{OF}, error_type!=""}}'
    return (
        board("otel-mlsec-detectors", "ML security: detectors", "Is everything looked at, how fast, and does the agent itself fail?")
        .with_panel(number("Calls not looked at", "Share that detection dropped, since it did not keep up.",
                           f"sum(rate({dropped}[$__rate_interval])) / sum(rate({processed}[$__rate_interval])) or vector(0)", unit="percentunit", bad=0.01))
        .with_panel(number("Errors of the agent", "Contained; the application is unaffected. Should be 0.",
                           f"sum({counted(errors, '$__range')}) or vector(0)", bad=1))
        .with_panel(number("Rows a second", "That models were asked about.", f"sum(rate(mlsec_model_predictions_total{{{OF_MODEL}}}[$__rate_interval]))"))
        .with_panel(number("Queue", "Calls that wait for detection, of those that may.",
                           f"max(mlsec_detection_queue_size{{{OF}}} / mlsec_detection_queue_capacity{{{OF}}})", unit="percentunit", bad=0.8))
        .with_panel(lines("Calls looked at", "And those that were dropped, by reason.",
                          query(f"sum by (job, error_type) (rate({processed}[$__rate_interval]))", "{{job}} {{error_type}}"), unit="ops"))
        .with_panel(lines("Duration of detection", "A batch of calls, in the worker's thread: no request waits for it.",
                          *(query(f"histogram_quantile({q}, sum by (le) (rate(mlsec_detection_duration_seconds_bucket{{{OF}}}[$__rate_interval])))", f"p{q * 100:.0f}")
                            for q in (0.5, 0.95, 0.99)), unit="s"))
        .with_panel(lines("Calls of models", "As the caller sees them.",
                          query(f"histogram_quantile(0.95, sum by (le, mlsec_model_name) (rate(mlsec_model_operation_duration_seconds_bucket{{{OF_MODEL}}}[$__rate_interval])))",
                                "p95 {{mlsec_model_name}}"), unit="s"))
        .with_panel(lines("Errors of the agent by place", "Please report them.", query(f"sum by (job, mlsec_agent_site) ({counted(errors, '$__rate_interval')})", "{{job}} {{mlsec_agent_site}}")))
        .with_panel(lines("Handlers", "Calls of the application's own handlers of findings that failed.",
                          query(f"sum by (job, error_type) ({counted(failed, '$__rate_interval')})", "{{job}} {{error_type}}")))
        .with_panel(lines("Principals forgotten", "There were more than detectors can follow.",
                          query(f"sum by (security_rule_name) (rate(mlsec_principals_evicted_total{{{OF}}}[$__rate_interval]))", "{{security_rule_name}}")))
    )  # fmt: skip


def drift() -> Dashboard:
    score = drift_score(OF_MODEL)
    return (
        board("otel-mlsec-drift", "ML security: drift", "How far features and predictions are from the reference. Findings are told by sequential tests, not by a line in these charts.")
        .with_panel(rows("Most distant now", "0 is as in the reference, 1 is nothing in common.",
                         f"topk(20, max by (mlsec_model_name, mlsec_feature_name, security_rule_name) ({score}))"))
        .with_panel(bars("Drift findings", "That began in each interval.",
                         query(f"sum by (mlsec_finding_severity) ({counted(DRIFT, '$__interval')})", "{{mlsec_finding_severity}}")))
        .with_panel(lines("Distance by feature", "The ten that were most distant.",
                          query(f"topk(10, max by (mlsec_model_name, mlsec_feature_name) ({score}))", "{{mlsec_model_name}} {{mlsec_feature_name}}"), unit="percentunit", wide="whole"))
        .with_panel(lines("Distance of a model", "Mean of its features.", query(f"avg by (mlsec_model_name) ({score})", "{{mlsec_model_name}}"), unit="percentunit"))
        .with_panel(lines("Rows a second", "A model that nobody asks cannot drift.",
                          query(f"sum by (mlsec_model_name) (rate(mlsec_model_predictions_total{{{OF_MODEL}}}[$__rate_interval]))", "{{mlsec_model_name}}")))
    )  # fmt: skip


def pipeline() -> Dashboard:
    records = f"mlsec_spool_records_total{{{OF}}}"
    lost = f'mlsec_spool_records_total{{{OF}, {OUTCOME}=~"evicted|corrupt"}}'
    return (
        board("otel-mlsec-pipeline", "ML security: delivery", "From the agents' spools through the Collectors: does every finding arrive?", models=False)
        .with_row(Row("Agents"))
        .with_panel(number("Waiting", "Records in spools.", f"sum(mlsec_spool_pending{{{OF}}})"))
        .with_panel(number("For", "The longest that there has always been something waiting.", f"max(mlsec_spool_age_seconds{{{OF}}})", unit="s", bad=300))
        .with_panel(number("Given up", "Evicted by the cap, or unreadable, in this time. Should be 0.", f"sum({counted(lost, '$__range')}) or vector(0)", bad=1))
        .with_panel(number("On disk", "Size of the spools.", f"sum(mlsec_spool_size_bytes{{{OF}}})", unit="bytes"))
        .with_panel(lines("Records by outcome", "Written and delivered should run side by side.",
                          query(f"sum by ({OUTCOME}) (rate({records}[$__rate_interval]))", f"{{{{{OUTCOME}}}}}")))
        .with_panel(lines("Waiting by service", "", query(f"sum by (job, mlsec_sink_name) (mlsec_spool_pending{{{OF}}})", "{{job}} → {{mlsec_sink_name}}")))
        .with_row(Row("Collectors"))
        .with_panel(lines("Queues", "Share of each exporter's queue on disk that is taken.",
                          query("max by (exporter) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)", "{{exporter}}"), unit="percentunit"))
        .with_panel(lines("Not sent", "Log records that an exporter gave up, or could not queue.",
                          *(query(f'sum by (exporter) (rate({{__name__=~"otelcol_exporter_{how}_failed_log_records(_total)?"}}[$__rate_interval]))', f"{{{{exporter}}}}: {how}")
                            for how in ("send", "enqueue"))))
        .with_panel(lines("Sent", "Log records, by exporter.",
                          query('sum by (exporter) (rate({__name__=~"otelcol_exporter_sent_log_records(_total)?"}[$__rate_interval]))', "{{exporter}}")))
        .with_panel(lines("Accepted and refused", "Log records that receivers took, or had no room for.",
                          *(query(f'sum(rate({{__name__=~"otelcol_receiver_{how}_log_records(_total)?"}}[$__rate_interval]))', how)
                            for how in ("accepted", "refused"))))
    )  # fmt: skip


BOARDS = {"soc": soc, "detectors": detectors, "drift": drift, "pipeline": pipeline}
