PYTHON ?= python3
BIN := .venv/bin

.PHONY: help .venv test lint bench evaluate-drift test-collector demo collector collector-sources
help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | column -t -s '|'

.venv: .venv/installed
.venv/installed: pyproject.toml constraints.txt examples/flights/requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" # dependency groups
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[reference,distro]" --group test --group lint -r examples/flights/requirements.txt
	@touch $@ # only now: an interrupted installation is done again

.venv-newest/installed: pyproject.toml constraints.txt
	$(NEWEST) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-newest/bin/python -m pip install --quiet -c constraints.txt -e ".[reference,distro]" --group test
	@touch $@

test: .venv ## all tests that need no Go, in under ten minutes; says what it skips and why
	$(BIN)/python -m pytest -m "not collector" $(ARGS)

lint: .venv ## ruff, pyright strict, and the law of layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

bench: .venv ## what an observed call costs its caller, beside New Relic; the worker's rows per second; the import
	-$(BIN)/python -m pip install --quiet -c constraints.txt --group bench
	$(BIN)/python -m benchmarks

evaluate-drift: .venv ## false alarms on fifty random tables and on a year of flights, and how soon changes are found (ten minutes)
	$(BIN)/python -m evaluation.drift $(ARGS)

test-collector: .venv collector ## application → agent → real Collector → file
	REQUIRE_COLLECTOR=1 $(BIN)/python -m pytest -m collector

demo: .venv ## a served model, ten months of real traffic and three faults, in under two minutes
	$(BIN)/python examples/flights/demo.py

collector: collector/bin/otelcol-mlsec ## build the OpenTelemetry Collector that collector/agent.yaml is tested with
collector/bin/otelcol-mlsec: $(wildcard collector/distribution/*)
	@command -v go >/dev/null || { echo "make collector needs Go 1.26 or newer (https://go.dev/dl)" >&2; exit 1; }
	cd collector/distribution && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags="-s -w" -o ../bin/otelcol-mlsec .
	@touch $@ # go leaves an unchanged binary alone
	MLSEC_BACKEND=http://127.0.0.1:1 $@ validate --config collector/agent.yaml

collector-sources: ## write collector/distribution anew from collector/builder.yaml
	GOBIN=$(CURDIR)/collector/bin go install go.opentelemetry.io/collector/cmd/builder@v0.161.0
	cd collector && bin/builder --config builder.yaml --skip-compilation
