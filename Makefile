# `make help` lists the targets. Everything is set up in .venv; nothing outside this folder changes, but for compiled
# templates in ~/.cache/meaculpa, and programs that the tests need, which scripts/setup-programs installs where it may.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8080
SCALE ?= 1
BIN := .venv/bin
READY := .venv/.ready
TEST_READY := .venv/.test-ready

.PHONY: help serve test check lint types format minify sizes bench-frontend bench bench-peers soak sbom sample clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-15s %s\n", $$1, $$2}'

serve: $(READY) ## Show the sample shop on the live desk, following every save in demo/
	@test -f demo/meaculpa.yml || $(BIN)/meaculpa init demo --sample > /dev/null
	@$(BIN)/meaculpa -C demo serve --port $(PORT)

test: $(TEST_READY) ## Run all tests
	$(BIN)/pytest -n auto --dist loadgroup

check: $(TEST_READY) lint types test ## Everything that CI runs: lint, types, tests

lint: $(TEST_READY) ## Style and likely bugs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TEST_READY) ## Types, strictly
	$(BIN)/mypy

format: $(TEST_READY) ## Put the code into the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

minify: $(TEST_READY) ## Make the small forms of what browsers get
	$(BIN)/python scripts/minify

sizes: $(TEST_READY) ## Print how large everything is that browsers get; fails above the limits
	$(BIN)/python bench/sizes.py

bench-frontend: $(TEST_READY) ## Measure what the browser's side costs, with Lighthouse
	@mkdir -p .tools/lighthouse && cp bench/lighthouse/package.json .tools/lighthouse/
	@cd .tools/lighthouse && npm install --no-audit --no-fund --loglevel=error > /dev/null
	PYTHONPATH=. $(BIN)/python bench/frontend.py --lighthouse

bench: $(TEST_READY) ## Measure builds, edits and publishing, into docs/performance.md
	PYTHONPATH=.:bench $(BIN)/python -m speed

bench-peers: $(TEST_READY) ## The same beside Pelican, MkDocs, Hugo, Eleventy and aws s3 sync
	PYTHONPATH=.:bench $(BIN)/python -m speed --peers

soak: $(TEST_READY) ## Long trials, about an hour (SCALE=0.2 for less): a line a goal, into docs/reliability.md
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,soak]'
	$(BIN)/pytest -n auto --dist loadgroup --soak --timeout 3600 -q
	PYTHONPATH=.:bench $(BIN)/python -m reliability --scale $(SCALE)

sbom: ## Write what is shipped with meaculpa into sbom.json (CycloneDX)
	@rm -rf .tools/sbom && $(PYTHON) -m venv .tools/sbom/shipped && $(PYTHON) -m venv .tools/sbom/tool
	@.tools/sbom/shipped/bin/python -m pip install --quiet --disable-pip-version-check .
	@.tools/sbom/shipped/bin/python -m pip uninstall --quiet --yes pip setuptools
	@.tools/sbom/tool/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom
	@.tools/sbom/tool/bin/cyclonedx-py environment .tools/sbom/shipped/bin/python --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json
	@echo "sbom.json: $$(grep -c '"purl"' sbom.json) packages"

sample: $(TEST_READY) ## Write the sample shop in incidents/ again from its templates
	$(BIN)/python -m tests.write_sample

clean: ## Remove the environment, the demo shop and everything built
	rm -rf .venv .tools demo public .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "meaculpa needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "python cannot make an environment; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing meaculpa into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(TEST_READY): pyproject.toml $(READY) scripts/setup-programs $(wildcard tests/browser/packages/*/package.json)
	@echo "Installing what the tests need into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@scripts/setup-programs
	@touch $@
