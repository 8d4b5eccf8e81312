.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
SEED ?= 1
BIN := .venv/bin
# tests/conftest.py says what one worker has, and in which order
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
export PYTHONUTF8 := 1

.PHONY: help install demo up down replay test check unit test-random test-slow test-soak test-engines test-clients mutants coverage lint attributes format lock bench clean

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## build .venv from the pinned requirements
	@:

.venv/installed: requirements/all.txt requirements/bootstrap.txt pyproject.toml scripts/install.sh
	@PYTHON="$(PYTHON)" scripts/install.sh .venv requirements/all.txt --project

.venv-%/installed: requirements/%.txt scripts/install.sh | .venv/installed
	@PYTHON="$(PYTHON)" scripts/install.sh .venv-$* requirements/$*.txt

demo: .venv/installed ## run everything end to end on a simulated world (SEED=7 for another)
	@$(BIN)/marketing demo run --seed $(SEED)

up: .venv/installed ## leave the emulators and the server running, print the addresses
	@$(BIN)/marketing demo up $(if $(filter file,$(origin SEED)),,--seed $(SEED))

down: .venv/installed ## stop what `make up` started
	@$(BIN)/marketing demo down

replay: .venv/installed ## a month day by day, with an incident that is found (4 to 5 min)
	@$(BIN)/marketing demo replay --seed $(SEED)

check: .venv/installed ## lint, types and the tests that start nothing, within a minute
	@$(MAKE) --no-print-directory -j 2 --output-sync=target lint unit

unit: .venv/installed
	@$(BIN)/pytest $(WORKERS) -m 'not system and not slow and not soak'

test: .venv/installed .venv-clients/installed ## run the push suite
	@$(BIN)/pytest $(WORKERS)

test-random: .venv/installed .venv-clients/installed ## run the push suite in random order (ORDER=7 for one seen)
	@$(BIN)/pytest $(WORKERS) -p randomly $(if $(ORDER),--randomly-seed=$(ORDER))

test-slow: .venv/installed .venv-clients/installed .venv-warehouses/installed ## run the slow ring: oracles, the real Terraform provider
	@$(BIN)/pytest -m slow

test-soak: .venv/installed ## run the hours-long ring: server kills, faults and kills of ingestion
	@$(BIN)/pytest -m soak --timeout 1800

test-engines: .venv/installed .venv-engines/installed ## run the ring of engines: Trino with Iceberg, Spark (15 min)
	@$(BIN)/pytest -m engines --timeout 3000 -rs

test-clients: .venv/installed ## run the clients of dbt Cloud that others wrote, each in its own environment (20 min)
	@$(BIN)/pytest -m clients --timeout 1800 -rs

mutants: .venv/installed ## make 200 lines of the SQL wrong: do the tests notice? (SEED=7 for others)
	@$(BIN)/python -m benchmarks.mutants --seed $(SEED)

coverage: .venv/installed .venv-clients/installed ## run the push suite and hold the floors of coverage
	@$(BIN)/pytest $(WORKERS) --cov --cov-report=
	@$(BIN)/coverage report --skip-covered --sort=cover | tail -40
	@for room in core cloud_api jobs; do $(call floor,$$room,95); done
	@for room in web warehouse local_cloud ingest simulate demo diagnose monitor report; do $(call floor,$$room,90); done

floor = printf '%-12s' $(1); \
	$(BIN)/coverage report --format=total --include="marketing_analytics/$(1)/*" --fail-under=$(2) \
	|| { echo "$(1) is covered below $(2) %"; exit 1; }

lint: .venv/installed ## check style, types, import rules, SQL and the requirement files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo >/tmp/lint-imports.$$$$ || { cat /tmp/lint-imports.$$$$; exit 1; }
	@$(BIN)/sqlfluff lint -q transform/models transform/tests
	@$(BIN)/sqlfluff lint -q --config transform/.sqlfluff --exclude-rules AM04,ST06,ST05,RF02,RF04,LT07,LT08 marketing_analytics/diagnose/queries
	@$(BIN)/python scripts/lock.py --check
	@$(BIN)/python scripts/release.py check
	@$(BIN)/python scripts/dead_code.py
	@$(BIN)/python scripts/attributes.py --check
	@$(BIN)/python scripts/jobs_schema.py --check
	@$(BIN)/python scripts/input_tables.py --check
	@$(BIN)/python scripts/metrics.py --check

attributes: .venv/installed ## write the table of job attributes into Terraform, docs and schema
	@$(BIN)/python scripts/attributes.py
	@$(BIN)/python scripts/jobs_schema.py

format: .venv/installed ## rewrite the code in the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: .venv/installed ## resolve the requirement files again
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/lock.py

bench: .venv/installed ## print every published figure
	@$(BIN)/python -m benchmarks

clean: ## remove environments and everything under var/
	@rm -rf .venv .venv-clients .venv-engines .venv-warehouses .venv-foreign var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis transform/target transform/logs
