"""`otel-mlsec view`: findings, traces, drift and health on a page of this machine, for who has no backend yet.

`telemetry` arrives (`cli.receiver`), is kept by `store`, asked for by `questions`, and served by `server` to the files in `page`.
"""
