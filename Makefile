.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# A file's tests share what they are made of, so they stay together. Files keep their order: sorted by their number
# of tests, those with few and long ones would come last, and one worker would wait for another.
PYTEST := $(RUN) -m pytest --quiet --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

AIRFLOW_PORT ?= 8080
AWS_PORT ?= 5555
FRONT_END_PORT ?= 8501
FEEDS ?=
STACK ?= rtg-automotive-stock
DRY_RUN ?=
QUICK ?=
JSON ?=
# The statement as it was typed: Athena has tables named "t$$partitions", where make would expand $$p.
export STATEMENT = $(value Q)
# What is asked for here is on this machine, and is not to be sought through a proxy or on a path for other work.
export NO_PROXY := 127.0.0.1,localhost,$(NO_PROXY)
export no_proxy := $(NO_PROXY)
# Neither another project's modules, nor every module compiled again in each of the many processes.
unexport PYTHONPATH PYTHONDONTWRITEBYTECODE
export FEEDS_FOLDER = $(value FEEDS)
DEMO = --airflow-port "$(AIRFLOW_PORT)" --aws-port "$(AWS_PORT)" --front-end-port "$(FRONT_END_PORT)" \
	$(if $(FEEDS),--feeds "$$FEEDS_FOLDER")
PYTHON_FITS = $(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed, this is %d.%d: make PYTHON=python3.12 ..." % v)'

.PHONY: help demo possible down sql test coverage bench bench-guard lint package deploy docs install lock update

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: possible $(STAMP) ## Show the seller's morning; FEEDS=<folder> takes real workbooks instead of samples
	@$(RUN) -m demo up $(DEMO)

# A port that is taken or a folder that is not there is said before minutes of installing, not after.
possible:
	@test -e $(STAMP) || { $(PYTHON_FITS) && $(PYTHON) -m demo.options $(DEMO); }

down: ## End the demo, and all that it left running
	@if test -e $(STAMP); then $(RUN) -m demo down; else echo "Nothing was running."; fi

sql: $(STAMP) ## Run a statement on the local Athena: make sql Q="SELECT count(*) FROM ebay"
	@$(RUN) -m local_aws query --endpoint http://127.0.0.1:$(AWS_PORT) --workgroup rtg-automotive-stock "$$STATEMENT"

test: $(STAMP) lint ## Check the code and run all tests
	@tests/frontend/get_chromium
	@$(PYTEST) --durations=10

coverage: $(STAMP) ## Run all tests and print which lines none of them reaches; takes longer than `make test`
	@tests/frontend/get_chromium
	@$(PYTEST) --cov --cov-report=term:skip-covered

bench: $(STAMP) ## Measure how quick it is, against yardsticks; QUICK=1 for a short one, JSON=<file> for the figures
	@PYTHONPATH=.:dags:plugins $(RUN) -m benchmarks $(if $(QUICK),--quick) $(if $(JSON),--json "$(JSON)")

bench-guard: $(STAMP) ## Count the wrong feeds that pass the checks, and the honest ones that are held; FEEDS=<folder>
	@PYTHONPATH=.:dags:plugins $(RUN) -m tests.guard $(if $(FEEDS),--feeds "$$FEEDS_FOLDER")

lint: $(STAMP) ## Check style, formatting, layers, words and types, changing nothing
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --check --quiet .
	@PYTHONPATH=dags:plugins:. $(VENV)/bin/lint-imports --no-logo --no-cache
	@$(RUN) -m docs.check_words
	@$(VENV)/bin/mypy dags plugins local_aws demo samples frontend deployment docs benchmarks tests

package: $(STAMP) ## Build what Amazon MWAA takes, in build/
	@$(RUN) -m deployment package

deploy: $(STAMP) ## Bring it to the bucket and the environment of STACK; DRY_RUN=1 only says what would be done
	@$(RUN) -m deployment push --stack $(STACK) $(if $(DRY_RUN),--dry-run)

docs: $(STAMP) ## Write the documents that are made of the code
	@AIRFLOW_HOME=$(CURDIR)/.local/docs $(RUN) docs/generate.py

install: $(STAMP) ## Make the virtual environment with everything in it

$(STAMP): requirements-dev.lock
	@$(PYTHON_FITS)
	@deployment/install $(PYTHON) $(VENV)

update: ## Move every dependency to its newest version that MWAA's constraints allow
	@$(MAKE) --no-print-directory lock UPGRADE=--upgrade
	@$(MAKE) --no-print-directory install

lock: ## Resolve requirements-dev.lock again from requirements-dev.in
	@test -x $(VENV)/bin/uv || { $(PYTHON) -m venv $(VENV) && $(RUN) -m pip install --quiet uv==0.12.3; }
	@# MWAA pins a numpy that Python 3.11 cannot have; every other pin holds on 3.11 to 3.13.
	@grep -v '^numpy==' constraints.txt > $(VENV)/constraints.txt
	@$(VENV)/bin/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links --no-annotate \
		--constraint $(VENV)/constraints.txt requirements-dev.in --output-file requirements-dev.lock
	@# Only a try: what MWAA and Astro install has to resolve on their Python, numpy and all.
	@$(VENV)/bin/uv pip compile --quiet --no-python-downloads --python-version 3.12 --python-platform linux --no-emit-index-url \
		--constraint constraints.txt requirements.txt --output-file $(VENV)/requirements-mwaa.txt
