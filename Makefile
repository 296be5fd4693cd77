# make help lists the targets. Everything lives in .venv, .cache and data; `make clean` removes it.
SHELL := /bin/bash
PY ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
UV = $(shell command -v uv || echo .cache/uv/bin/uv)

.DEFAULT_GOAL := help
.PHONY: help setup run live test test-fast lint types imports check docs lock clean test-faults test-cluster explorer test-browser browser tour

help: ## these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*##/  make \1\t/' | expand -t 22

setup: .venv/.done ## the environment, from the hashed lock

.venv/.done: requirements.lock pyproject.toml
	@command -v uv >/dev/null || test -x .cache/uv/bin/uv || { $(PY) -m venv .cache/uv && .cache/uv/bin/pip install -q uv==$(UV_VERSION); }
	@test -x $(BIN)/python || $(UV) venv -q --python $(PY) .venv
	@$(UV) pip sync -q --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## the main job on the sample outlets, through Airflow
	@$(BIN)/python -m seeds.run

live: setup ## the same pipeline on config/feeds.toml, scheduled by Airflow
	@$(BIN)/python -m deploy.live

test: setup ## all tests
	@$(BIN)/python -m pytest

lint: setup ## style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup ## mypy --strict on the package
	@$(BIN)/mypy

imports: setup ## the layers
	@$(BIN)/lint-imports

check: lint types imports ## lint, types and layers

docs: setup ## docs/tables.md, from the registry of fields
	@$(BIN)/onrecord tables > docs/tables.md

test-faults: setup ## kills, full disks, damage at rest, a scheduler killed (an hour); docs/faults.md
	@$(BIN)/python -m pytest tests/faults --every-kill -s --timeout 3000

test-cluster: setup .cache/moto/.done ## Airflow with Celery, PostgreSQL, Redis and S3 on loopback (apt-get install postgresql redis-server)
	@$(BIN)/python -m pytest --cluster tests/cluster -s

.cache/moto/.done: tests/cluster/moto.lock  # its own environment: it would hold python-dateutil back
	@$(UV) venv -q --allow-existing --python $(PY) .cache/moto
	@$(UV) pip sync -q --python .cache/moto/bin/python --require-hashes tests/cluster/moto.lock
	@touch $@

explorer: ## build the explorer from explorer/ (needs node and npm)
	@cd explorer && npm ci --no-audit --no-fund && npm run build

browser: .venv/.browser
.venv/.browser: .venv/.done requirements-browser.lock
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements-browser.lock
	@touch $@

test-browser: browser ## the pages in a real browser (needs Chromium: apt-get install chromium)
	@$(BIN)/python -m pytest tests/browser

tour: browser ## the screenshots of the README, from the sample's lake (after make run)
	@$(BIN)/python -m bench.tour

lock: ## resolve the lock again
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra dev --extra cluster --extra bulk -o requirements.lock pyproject.toml
	@$(UV) pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 -c requirements.lock -o requirements-browser.lock requirements-browser.in
	@echo "moto[s3,server]>=5.1,<6" | $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o tests/cluster/moto.lock -

clean: ## remove everything that the targets above made
	rm -rf .venv .cache .airflow data build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
