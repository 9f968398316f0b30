# Everything a person does with Segmentary, one target each: `make help` lists them.
# A variable set in the environment or on the command line wins over the ones here.

# The Python that .venv is made from: 3.11 or 3.12.
PYTHON ?= python3
# A folder of demo/, or `own`: your own files under landing/, your own state in state/.
DATASET ?= storefront
PORT ?= 3000
UV_VERSION := 0.13.9

# Where a data set's files, state and settings are.
ifeq ($(DATASET),own)
SEGMENTARY_STATE ?= state
SEGMENTARY_LANDING ?= landing
SEGMENTARY_VARS ?=
else
SEGMENTARY_STATE ?= state/demo/$(DATASET)
SEGMENTARY_LANDING ?= $(SEGMENTARY_STATE)/landing
SEGMENTARY_VARS ?= demo/$(DATASET)/vars.yml
endif
DAGSTER_HOME ?= $(abspath $(SEGMENTARY_STATE))/dagster
DBT_PROFILES_DIR ?= .

# Nothing here reports home.
DO_NOT_TRACK ?= 1
DBT_SEND_ANONYMOUS_USAGE_STATS ?= false
PIP_DISABLE_PIP_VERSION_CHECK ?= 1

export SEGMENTARY_STATE SEGMENTARY_LANDING SEGMENTARY_VARS DAGSTER_HOME
export DBT_PROFILES_DIR DBT_SEND_ANONYMOUS_USAGE_STATS DO_NOT_TRACK
export PIP_DISABLE_PIP_VERSION_CHECK

# Python keeps what it compiled, whatever a container says: compiling all that Dagster and
# dbt import takes 4 s of every start.
export PYTHONDONTWRITEBYTECODE :=

# Dagster starts dbt by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# Stamps of installed lock files: a lock newer than its stamp is installed again.
RUNTIME := .venv/.installed-requirements
DATASETS := .venv/.installed-requirements-datasets
DEVELOPMENT := .venv/.installed-requirements-dev
BENCH := .venv/.installed-requirements-bench
# An environment of its own: an older DuckDB, and tools that bring their own dbt.
BI := .venv-bi/.installed-requirements-bi

# Only the generated shop needs no further package to land its files.
DEMO_PACKAGES := $(if $(filter storefront,$(DATASET)),$(RUNTIME),$(DATASETS))

# Tests make their own state; what is set here for a data set isn't for them.
CLEAN_ENVIRONMENT := env -u SEGMENTARY_STATE -u SEGMENTARY_LANDING \
	-u SEGMENTARY_VARS -u DAGSTER_HOME

# Most of a test's time is dbt's start, on one core. tests/conftest.py says what stays
# together and what begins.
IN_PARALLEL := -n auto --no-loadscope-reorder

DBT_VARS = $(if $(SEGMENTARY_VARS),--vars "$$(cat '$(SEGMENTARY_VARS)')")

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

##@ Start

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Variables: DATASET=storefront (a folder of demo/, or own), AS_OF=YYYY-MM-DD,"
	@echo "           FILE=path (a data set you downloaded), PORT=3000, PYTHON=python3,"
	@echo "           CUSTOMERS=2500, DAYS=365, SEED=20251 (the simulated shop's, for make demo)"

.PHONY: demo
demo: $(DEMO_PACKAGES) ## Land a demo data set and replay its history
	@if [ '$(DATASET)' = own ]; then \
		echo "DATASET=own has no demo: put your files under landing/, then make run DATASET=own" >&2; \
		exit 1; \
	fi
	python -m demo land --dataset "$(DATASET)" --landing "$(SEGMENTARY_LANDING)" $(if $(FILE),--file "$(FILE)") \
		$(if $(CUSTOMERS),--customers "$(CUSTOMERS)") $(if $(DAYS),--days "$(DAYS)") $(if $(SEED),--seed "$(SEED)")
	python -m orchestration run --replay

.PHONY: summary
summary: $(RUNTIME) ## Print what the last run found
	@python -m orchestration summary

.PHONY: report
report: $(RUNTIME) ## Make the report anew from the published file, without a run
	@python -m orchestration report

.PHONY: query
query: override export SQL := $(value SQL)
query: $(RUNTIME) ## Ask the published file: make query SQL='select …'
	@test -n "$$SQL" || { echo "Say what to ask: make query SQL='select …'" >&2; exit 1; }
	@python -m orchestration query "$$SQL"

.PHONY: metric
metric: override export WHERE := $(value WHERE)
metric: $(RUNTIME) ## List the metrics, or answer: make metric METRIC=revenue BY=metric_time__month
	@python -m orchestration metric "$(METRIC)" --by "$(BY)" $${WHERE:+--where "$$WHERE"}

.PHONY: ui
ui: $(RUNTIME) ## Open the asset graph on 127.0.0.1, port PORT
	python -m orchestration prepare
	dagster dev -m orchestration.definitions -h 127.0.0.1 -p $(PORT)

##@ Run

.PHONY: run
run: $(RUNTIME) ## One run, for AS_OF or today; TEST=all: tests look at every row
	python -m orchestration run $(if $(AS_OF),--as-of "$(AS_OF)") \
		$(if $(filter all,$(TEST)),--test-every-row)

.PHONY: replay
replay: $(RUNTIME) ## Run month-end by month-end, oldest first, up to AS_OF or today
	python -m orchestration replay $(if $(AS_OF),--as-of "$(AS_OF)")

.PHONY: erase
erase: $(RUNTIME) ## Forget the people who asked for it; REWRITE=1: in landing files too
	python -m orchestration erase $(if $(REWRITE),--rewrite-landing)

.PHONY: dbt
dbt: $(RUNTIME) ## Any dbt command: make dbt ARGS="build --select customer_rfm"
	@mkdir -p "$(SEGMENTARY_STATE)"
	dbt $(or $(ARGS),build) $(DBT_VARS)

.PHONY: docs
docs: $(RUNTIME) ## Write dbt's pages about every table to target/
	@mkdir -p "$(SEGMENTARY_STATE)"
	dbt docs generate --static $(DBT_VARS)
	@echo "Open target/static_index.html, or serve it: .venv/bin/dbt docs serve --host 127.0.0.1"

.PHONY: lineage
lineage: $(RUNTIME) $(BI) ## Draw which column comes from which, as one page
	@mkdir -p "$(LINEAGE)"
	dbt --quiet docs generate --no-compile --target-path "$(LINEAGE)" $(DBT_VARS)
	dbt --quiet compile --full-refresh --target-path "$(LINEAGE)" $(DBT_VARS) > /dev/null
	@.venv-bi/bin/python -m orchestration.lineage "$(LINEAGE)" \
		"$(SEGMENTARY_STATE)/reports/column_lineage.html"

LINEAGE = $(SEGMENTARY_STATE)/dbt/lineage

.PHONY: board
board: $(RUNTIME) $(BI) ## Render the example of a BI tool's board, docs/bi/
	cd docs/bi && SEGMENTARY_PUBLISHED="$(abspath $(SEGMENTARY_STATE)/published/segmentary.duckdb)" \
		../../.venv-bi/bin/dct render charts/segments.yml --format html --no-cache \
		-o "$(abspath $(SEGMENTARY_STATE)/reports/board.html)"

##@ Contribute

.PHONY: test
test: check ## All that a change must pass
	$(CLEAN_ENVIRONMENT) pytest $(IN_PARALLEL) -m "not slow"

.PHONY: test-all
test-all: check $(BI) ## The same and the tests that take minutes
	$(CLEAN_ENVIRONMENT) pytest $(IN_PARALLEL)

.PHONY: check
check: $(DEVELOPMENT) ## Lint, types and parse side by side
	@$(MAKE) --no-print-directory --jobs=3 lint types parse

.PHONY: lint
lint: $(DEVELOPMENT) ## Check the style of Python and SQL
	ruff check .
	ruff format --check .
	sqlfluff lint --processes 0 --disable-progress-bar .

.PHONY: format
format: $(DEVELOPMENT) ## Mend the style of Python and SQL where a tool can
	ruff check --fix .
	ruff format .
	sqlfluff fix --disable-progress-bar .

.PHONY: types
types: $(DEVELOPMENT) ## Check Python's types
	mypy

.PHONY: parse
parse: $(DEVELOPMENT) ## Parse the dbt project; a warning or a deprecation fails
	dbt --warn-error parse --target lint --target-path target/parse --no-partial-parse

.PHONY: bench
bench: $(BENCH) ## Measure how cost grows; BENCH_ARGS="--sizes 100000 --runs 1" for a quick look
	$(CLEAN_ENVIRONMENT) python -m benchmarks.pipeline $(BENCH_ARGS)
	$(CLEAN_ENVIRONMENT) python -m benchmarks.identity $(IDENTITY_ARGS)

.PHONY: profile
profile: $(RUNTIME) ## Write docs/profile.md; PROFILE_ARGS="--customers 20000" for more
	$(CLEAN_ENVIRONMENT) python -m benchmarks.profile $(PROFILE_ARGS)

.PHONY: lock
lock: .venv/.created ## Write the lock files again; LOCK_ARGS=--upgrade takes newer versions
	$(INSTALL_UV)
	$(COMPILE) --all-extras -o requirements-dev.lock pyproject.toml
	$(COMPILE) --extra datasets -c requirements-dev.lock -o requirements-datasets.lock pyproject.toml
	$(COMPILE) --extra bench -c requirements-dev.lock -o requirements-bench.lock pyproject.toml
	$(COMPILE) -c requirements-dev.lock -o requirements.lock pyproject.toml
	$(COMPILE) -o requirements-bi.lock requirements-bi.in
	echo 'uv==$(UV_VERSION)' | $(COMPILE) -o requirements-uv.lock -

COMPILE = uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-annotate --no-header $(LOCK_ARGS)

##@ Tidy

.PHONY: clean
clean: ## Delete what tools cached; no state, no environment
	rm -rf target logs .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . \( -path './.venv*' -o -path ./state -o -path ./landing \) -prune \
		-o -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: reset
reset: ## Delete all that DATASET landed and built; refuses for own
	@case '$(DATASET)' in \
		own | '' | . | .. | */*) \
			echo "make reset deletes a demo data set's folder under state/demo/, not DATASET='$(DATASET)'" >&2; \
			exit 1 ;; \
	esac
	rm -rf 'state/demo/$(DATASET)'

# The environment. Dependencies are exactly the lock's (--no-deps, checked by hash):
# docs/decisions/0003-lock-files.md.

.venv/.created .venv-bi/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12)])' 2>/dev/null || { \
		echo "Segmentary needs Python 3.11 or 3.12; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not installed)." >&2; \
		echo "Name one that is installed: make PYTHON=python3.11 …" >&2; \
		exit 1; \
	}
	$(PYTHON) -m venv $(@D)
	@touch $@

# uv installs in seconds what takes pip minutes; without it, or where it can't reach
# the index (it doesn't read pip's configuration), pip does the same.
INSTALL_UV := .venv/bin/python -m pip install --quiet \
	--no-deps --require-hashes -r requirements-uv.lock

.venv/.installed-%: %.lock requirements-uv.lock | .venv/.created
	$(INSTALL)

.venv-bi/.installed-%: %.lock requirements-uv.lock | .venv/.created .venv-bi/.created
	$(INSTALL)

define INSTALL
	@echo "Installing $<"
	@$(INSTALL_UV) || echo "uv could not be installed: pip goes on without it, slowly." >&2
	@{ test -x .venv/bin/uv && .venv/bin/uv pip install --quiet --python $(@D)/bin/python \
			--no-deps --require-hashes -r $<; } \
		|| $(@D)/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	@touch $@
endef
