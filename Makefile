# All commands of Reach. `make help` prints this list from the comments after the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The installed uv if there is one; otherwise uv from the package index, installed in .uv/.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
# Any Python that starts, because it only creates the environment of uv itself.
SYSTEM_PYTHON := $(shell for p in python3 python3.12 python3.11; do if $$p -c '' 2>/dev/null; then echo $$p; break; fi; done)
PYTHON := .venv/bin/python
# Python must be installed already: uv would download one from outside the package index.
export UV_PYTHON_DOWNLOADS := never

# A first look in minutes: a slice of the customers, short trainings, and a data directory of its own, for every target.
ifneq ($(QUICK),)
export REACH_DATA ?= $(CURDIR)/data/quick
export REACH_MAX_CUSTOMERS ?= 200
export REACH_SNAPSHOTS ?= 10
export REACH_MODELS_CONFIG ?= $(CURDIR)/ml/quick.toml
endif

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.ready ## Install uv if it is missing, and the project's environment from uv.lock

.venv/.ready: uv.lock pyproject.toml | $(filter .uv/bin/uv,$(UV))
	@echo "Installing the environment from uv.lock into .venv (a few minutes if nothing is cached) …"
	@$(UV) sync --frozen --quiet
	@touch $@

.uv/bin/uv:
	$(SYSTEM_PYTHON) -m venv .uv
	.uv/bin/pip install --quiet "uv>=0.9,<1"

.PHONY: demo
demo: setup ## Run everything through Airflow, from data to answers; QUICK=1 on a slice, AS_OF=2018-01-01, FORCE=1 starts from scratch
	@$(PYTHON) -m local start $(if $(AS_OF),--as-of $(AS_OF)) $(if $(FORCE),--force)

.PHONY: down
down: setup ## Stop Airflow, the service and every step
	@$(PYTHON) -m local stop

.PHONY: restart-service
restart-service: setup ## Restart the service with the current settings
	@$(PYTHON) -m local restart-service

.PHONY: prune
prune: setup ## Delete what the policies do not keep: retention/policy.toml, ml/runs/retention.toml, old versions
	@$(PYTHON) -m retention prune
	@$(PYTHON) -m ml prune
	@$(PYTHON) -m ml.customers prune
	@$(PYTHON) -m registry prune
	@$(PYTHON) -m registry prune --product customers
	@$(PYTHON) -m outbox prune

.PHONY: tensorboard
tensorboard: setup ## Show the learning curves of all runs in a browser, on loopback; RUN=latest for one run, PORT=6006
	@$(PYTHON) -m tensorboard.main --logdir "$${REACH_DATA:-data}/runs/$(RUN)" --host 127.0.0.1 --port $(or $(PORT),6006)

.PHONY: status
status: setup ## Show what runs, which version is deployed, and the size of each part of the data directory
	@$(PYTHON) -m local status
	@$(PYTHON) -m registry status

.PHONY: rollback
rollback: setup ## Roll back to the previous version; REASON="…" is kept in the release log
	@$(PYTHON) -m registry rollback --reason "$(or $(REASON),make rollback)"

.PHONY: features
features: setup ## Run build_features in the running Airflow; AS_OF
	@$(PYTHON) -m local run build_features $(if $(AS_OF),--as-of $(AS_OF))

.PHONY: feedback
feedback: setup ## Run collect_feedback in the running Airflow: turn decisions and events into fact tables
	@$(PYTHON) -m local run collect_feedback

.PHONY: retrain
retrain: setup ## Run retrain_recommender in the running Airflow; AS_OF, EPOCHS, REASON, PUBLISH=no
	@$(PYTHON) -m local run retrain_recommender $(if $(AS_OF),--as-of $(AS_OF)) \
		$(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(filter no,$(PUBLISH)),--evaluate-only) \
		--reason "$(or $(REASON),make retrain)"

.PHONY: customers
customers: setup ## Run score_customers in the running Airflow; AS_OF, REASON, PUBLISH=no
	@$(PYTHON) -m local run score_customers $(if $(AS_OF),--as-of $(AS_OF)) \
		$(if $(filter no,$(PUBLISH)),--evaluate-only) --reason "$(or $(REASON),make customers)"

.PHONY: serve
serve: setup ## Run the service alone, in the foreground
	@$(PYTHON) -m serving

.PHONY: recommend
recommend: setup ## Write the lists of all customers to a file: AS_OF=… OUT=lists.parquet, SLATE=all|explore, K=100
	@$(PYTHON) -m ml recommend --as-of $(AS_OF) --slate $(or $(SLATE),all) --k $(or $(K),100) --out $(OUT)

.PHONY: backtest
backtest: setup ## Train, evaluate and decide at ORIGINS=4 earlier days; AS_OF, EPOCHS
	@$(PYTHON) -m ml backtest --origins $(or $(ORIGINS),4) $(if $(AS_OF),--as-of $(AS_OF)) \
		$(if $(EPOCHS),--epochs $(EPOCHS))

.PHONY: tune
tune: setup ## Search for a better ranker on the validation window; TRIALS, MINUTES, AS_OF, WRITE=1
	@$(UV) run --frozen --quiet --group tuning python -m ml tune --trials $(or $(TRIALS),30) \
		--timeout-minutes $(or $(MINUTES),60) $(if $(AS_OF),--as-of $(AS_OF)) $(if $(WRITE),--write)

.PHONY: bench-quality
bench-quality: setup ## Compare Reach with LightGBM, EASE, TIFU-KNN, ALS and the baselines; RUN=latest
	@$(UV) run --frozen --quiet --group peers python -m benchmarks.quality --run-id $(or $(RUN),latest)

.PHONY: bench-training
bench-training: setup ## Compare the training speed with that of a plain tutorial loop; RUN=latest
	@$(PYTHON) -m benchmarks.training --run-id $(or $(RUN),latest)

.PHONY: bench-serving
bench-serving: setup ## Measure what a request costs, next to a no-op and a plain implementation; RATE=100, WORKERS=1
	@$(PYTHON) -m benchmarks.serving --rate $(or $(RATE),100) --workers $(or $(WORKERS),1)

.PHONY: bench-events
bench-events: setup ## Measure the time from a purchase to lists that reflect it; EVENTS=600, WORKERS=1, REDIS=1 for Redis
	@$(PYTHON) -m benchmarks.serving.freshness --events $(or $(EVENTS),600) --workers $(or $(WORKERS),1) $(if $(REDIS),--redis)

.PHONY: bench-catalogue
bench-catalogue: setup ## Search the nearest vectors in 1, 10 and 100 times the catalogue: exactly and by the index
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(UV) run --frozen --quiet --group ann python -m benchmarks.catalogue

.PHONY: bench-customers
bench-customers: setup ## Evaluate the customer model on the newest closed window; WEEKS_BEFORE=8: validation, PARTS=taste, TIMES=10: cost
	@$(PYTHON) -m benchmarks.customers --weeks-before $(or $(WEEKS_BEFORE),0) --times $(or $(TIMES),1) \
		$(if $(PARTS),--parts $(PARTS))

.PHONY: bench-campaigns
bench-campaigns: setup ## Measure time and memory of a campaign's plan; CUSTOMERS="10000 100000"
	@$(PYTHON) -m benchmarks.customers.campaigns --customers $(or $(CUSTOMERS),10000 100000)

.PHONY: growth
growth: setup ## Run every stage on FACTOR=10 times the demo's customers, or its baskets over CUSTOMERS=200000, and print its cost
	@$(PYTHON) -m benchmarks.growth $(if $(CUSTOMERS),--customers $(CUSTOMERS),--factor $(or $(FACTOR),10)) \
		$(if $(PRODUCTS),--products $(PRODUCTS)) $(if $(AGAINST),--against $(AGAINST))

.PHONY: bench-console
bench-console: setup ## Measure the first byte of every page of the console; CUSTOMERS=100000 for a made installation
	@$(PYTHON) -m benchmarks.console $(if $(CUSTOMERS),--customers $(CUSTOMERS))

.PHONY: pictures
pictures: setup ## Make the README's pictures from a finished run and the running service; RUN=latest
	@$(PYTHON) -m benchmarks.pictures --run $(or $(RUN),latest)

.PHONY: console-pictures
console-pictures: setup ## Take the pictures of the console's pages, and of the results of two simulated campaigns
	@$(PYTHON) -m benchmarks.console_pictures

.PHONY: drill
drill: setup ## Cause faults in a copy of the service while it is under load; RATE=40, SECONDS=12
	@$(PYTHON) -m benchmarks.drill --rate $(or $(RATE),40) --seconds $(or $(SECONDS),12)

.PHONY: outbox-drill
outbox-drill: setup ## Kill planners and senders of the outbox, and count what customers got; CUSTOMERS=10000, KILLS=50, URL=…
	@$(PYTHON) -m benchmarks.outbox drill --customers $(or $(CUSTOMERS),10000) --kills $(or $(KILLS),50) \
		$(if $(URL),--url $(URL))

.PHONY: gate-check
gate-check: setup ## Measure how often the gate is wrong, on a finished run: RUN=latest, REPLICATE=…, COMPARISONS=400
	$(if $(TWIN),$(error TWIN is now REPLICATE))@$(PYTHON) -m ml gate-check --run $(or $(RUN),latest) $(if $(REPLICATE),--replicate $(REPLICATE)) \
		--comparisons $(or $(COMPARISONS),400)

.PHONY: experiments-check
experiments-check: setup ## Measure how often verdicts about experiments are wrong, on the shop's spend: DRAWS=3000, TRANSACTIONS=…
	@OPENBLAS_NUM_THREADS=1 $(PYTHON) -m experiments check --draws $(or $(DRAWS),3000) \
		$(if $(TRANSACTIONS),--transactions $(TRANSACTIONS))

.PHONY: manifest
manifest: setup ## Write dbt's manifest for Airflow (make demo does this, too)
	@$(PYTHON) -m local manifest

.PHONY: dbt
dbt: setup ## Run dbt for the admitted day: ARGS="build --select +feat_customer_profile"
	@$(PYTHON) -m local dbt $(or $(ARGS),build)

.PHONY: dbt-docs
dbt-docs: setup ## Write dbt's documentation of the warehouse to data/dbt/docs/static_index.html
	@$(PYTHON) -m local dbt docs generate --static

.PHONY: test
test: lint types ## Run lint, types and the tests of all levels
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: lint
lint: setup ## Check style and format of Python and SQL, and that every imported package is declared
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m deptry .
	$(PYTHON) -m sqlfluff lint --disable-progress-bar dbt/models dbt/tests

.PHONY: types
types: setup ## Check the types
	$(PYTHON) -m mypy console core customer_scores experiments events landing quality pages features feature_repo feature_store scoring marketing monitoring online_experiments outbox ml registry serving dags orchestration local retention benchmarks tests settings.py products.py

.PHONY: unit
unit: setup ## Run the tests that neither start programs nor train: under a minute
	$(PYTHON) -m pytest -m unit -n 2

.PHONY: integration
integration: setup ## Run the tests with real programs, dbt builds, trainings and services
	$(PYTHON) -m pytest -m integration -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: monitor
monitor: setup ## Compare sales, features and answers with what was trained on, and print alarms
	@$(PYTHON) -m monitoring check

.PHONY: fuzz
fuzz: setup ## Fuzz the service's API: BODIES=10000 bodies from hypothesis, schemathesis with EXAMPLES=1000; SEED=7
	$(PYTHON) -m tests.support.serving.fuzz --bodies $(or $(BODIES),10000) --seed $(or $(SEED),7)
	$(PYTHON) -m tests.support.serving.conformity --examples $(or $(EXAMPLES),1000) --seed $(or $(SEED),7)

.PHONY: e2e
e2e: setup ## Run the end-to-end tests through a real Airflow
	$(PYTHON) -m pytest -m e2e

.PHONY: clean
clean: setup ## Stop everything and delete what Reach wrote to the data directory
	@$(PYTHON) -m local clean
