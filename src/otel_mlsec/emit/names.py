"""Every name that leaves this process: public API, under golden tests.  Change one only with SCHEMA_VERSION."""

from typing import Final

SCHEMA_VERSION: Final = "1.0.0"

FINDING_EVENT: Final = "mlsec.finding"  # of the log record and of the span event

FINDING_SEVERITY: Final = "mlsec.finding.severity"  # our word; the log record's number is OpenTelemetry's
FINDING_TYPE: Final = "mlsec.finding.type"  # Finding.kind, a closed list
FINDING_TITLE: Final = "mlsec.finding.title"
FINDING_SUMMARY: Final = "mlsec.finding.summary"  # on span events only: in a log record the body says it
FINDING_STATUS: Final = "mlsec.finding.status"
FINDING_ACTION: Final = "mlsec.finding.action"
FINDING_SCORE: Final = "mlsec.finding.score"  # always a float: some stores take the type from the first record
FINDING_THRESHOLD: Final = "mlsec.finding.threshold"
FINDING_COUNT: Final = "mlsec.finding.count"  # of a finding: rows it rests on; of a span: its findings
FINDING_MAX_SEVERITY: Final = "mlsec.finding.max_severity"  # of a span
FINDING_FIRST_SEEN: Final = "mlsec.finding.first_seen"
FINDING_LAST_SEEN: Final = "mlsec.finding.last_seen"
FINDING_ID: Final = "mlsec.finding.id"  # of the record, the same when it is sent twice
FINDING_DEDUP_KEY: Final = "mlsec.finding.dedup_key"  # of the change, the same in all its records
INTEGRITY: Final = "mlsec.finding.integrity"  # only where a record is not as it was written: "damaged", "unverified"
EVIDENCE: Final = "mlsec.evidence."  # and the key, flat
SCHEMA: Final = "mlsec.schema.version"

MODEL_NAME: Final = "mlsec.model.name"
MODEL_VERSION: Final = "mlsec.model.version"
MODEL_FRAMEWORK: Final = "mlsec.model.framework"
MODEL_OPERATION: Final = "mlsec.model.operation"  # the method that was called
MODEL_ROWS: Final = "mlsec.model.rows"
FEATURE_NAME: Final = "mlsec.feature.name"
AGENT_SITE: Final = "mlsec.agent.site"  # where an error of ours was contained

RULE_NAME: Final = "security_rule.name"
RULE_CATEGORY: Final = "security_rule.category"
RULESET_NAME: Final = "security_rule.ruleset.name"
RULE_VERSION: Final = "security_rule.version"
USER_HASH: Final = "user.hash"
CLIENT_ADDRESS: Final = "client.address"
ERROR_TYPE: Final = "error.type"
ATLAS_TECHNIQUES: Final = "mlsec.atlas.technique.id"
ATLAS_VERSION: Final = "mlsec.atlas.version"
OWASP: Final = "mlsec.owasp.id"

# Calls of language models, as the conventions of OpenTelemetry for generative AI have it
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
INPUT_MESSAGES: Final = "gen_ai.input.messages"  # only where content may leave
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
TOKEN_TYPE: Final = "gen_ai.token.type"
SERVER_ADDRESS: Final = "server.address"
DETECTION_STATUS: Final = "mlsec.detection.status"  # of a span that ended without detection: "unfinished", "timeout"
BLOCK_TYPE: Final = "mlsec.completion.block.type"

# Metrics
FINDINGS: Final = "mlsec.findings"
MODEL_PREDICTIONS: Final = "mlsec.model.predictions"
MODEL_DURATION: Final = "mlsec.model.operation.duration"
DETECTION_DURATION: Final = "mlsec.detection.duration"
DETECTION_PROCESSED: Final = "mlsec.detection.processed"
QUEUE_SIZE: Final = "mlsec.detection.queue.size"
QUEUE_CAPACITY: Final = "mlsec.detection.queue.capacity"
DRIFT_SCORE: Final = "mlsec.drift.score"
PERFORMANCE_ESTIMATE: Final = "mlsec.performance.estimate"
PERFORMANCE_MEASURE: Final = "mlsec.performance.measure"  # "accuracy", "auc", "loss"
EXTRACTION_EXPOSURE: Final = "mlsec.extraction.exposure"
REFERENCE_AGE: Final = "mlsec.reference.age"
REFERENCE_ROWS_SINCE: Final = "mlsec.reference.rows_since"
REFERENCE_REFUSED: Final = "mlsec.reference.refused"
FEEDBACK_LABELS: Final = "mlsec.feedback.labels"
FEEDBACK_OUTCOME: Final = "mlsec.feedback.outcome"
FEEDBACK_COVERAGE: Final = "mlsec.feedback.coverage"
FEEDBACK_FORGOTTEN: Final = "mlsec.feedback.forgotten"
FORGOTTEN_REASON: Final = "mlsec.feedback.reason"  # "horizon", "bytes", "models"
PRINCIPALS_EVICTED: Final = "mlsec.principals.evicted"
AGENT_ERRORS: Final = "mlsec.agent.errors"
SPOOL_RECORDS: Final = "mlsec.spool.records"
SPOOL_PENDING: Final = "mlsec.spool.pending"
SPOOL_SIZE: Final = "mlsec.spool.size"
SPOOL_AGE: Final = "mlsec.spool.age"  # since when there has always been something that waits
SINK_NAME: Final = "mlsec.sink.name"
SPOOL_OUTCOME: Final = "mlsec.spool.outcome"
FINDINGS_WITHHELD: Final = "mlsec.findings.withheld"
WITHHELD_REASON: Final = "mlsec.withheld.reason"  # "repetition", "suppressed", "rate"
HANDLER_CALLS: Final = "mlsec.handler.calls"
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
TOKEN_USAGE: Final = "gen_ai.client.token.usage"
UNKNOWN_BLOCKS: Final = "mlsec.completion.unknown_blocks"
UNREAD_TEXTS: Final = "mlsec.completion.unread_texts"
