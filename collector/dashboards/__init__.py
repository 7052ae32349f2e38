"""Grafana dashboards as code; `make dashboards` writes the JSON files beside it, which Grafana (11.6 or later) imports."""
