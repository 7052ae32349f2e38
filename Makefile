PYTHON ?= python3
BIN := .venv/bin

.PHONY: help .venv demo collector collector-sources
help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | column -t -s '|'

.venv: .venv/installed
.venv/installed: pyproject.toml constraints.txt examples/flights/requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" # dependency groups
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[reference,distro]" --group dev -r examples/flights/requirements.txt
	@touch $@ # only now: an interrupted installation is done again

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
