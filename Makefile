# Every command of Reach. `make help` prints this list from the comments behind the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# uv, if it is installed; else one of our own, from the package index, in .uv/.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
# Any Python that starts: only uv's own environment is made with it.
SYSTEM_PYTHON := $(shell for p in python3 python3.12 python3.11; do if $$p -c '' 2>/dev/null; then echo $$p; break; fi; done)
PYTHON := .venv/bin/python
# Python is a given; uv would fetch another one from a place that is no package index.
export UV_PYTHON_DOWNLOADS := never

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
demo: setup ## Data to answers through Airflow; AS_OF=2018-01-01 picks the day, FORCE=1 makes all anew
	@$(PYTHON) -m local up $(if $(AS_OF),--as-of $(AS_OF)) $(if $(FORCE),--force)

.PHONY: down
down: setup ## Stop Airflow, the service and every step
	@$(PYTHON) -m local down

.PHONY: restart-service
restart-service: setup ## Start the service again, with the present settings
	@$(PYTHON) -m local restart-service

.PHONY: prune
prune: setup ## Free the disk of what the policies give up: retention/policy.toml, ml/runs/retention.toml, old versions
	@$(PYTHON) -m retention prune
	@$(PYTHON) -m ml prune
	@$(PYTHON) -m registry prune

.PHONY: tensorboard
tensorboard: setup ## The learning curves of all runs in a browser, on loopback; RUN=latest picks one, PORT=6006
	@$(PYTHON) -m tensorboard.main --logdir "$${REACH_DATA:-data}/runs/$(RUN)" --host 127.0.0.1 --port $(or $(PORT),6006)

.PHONY: status
status: setup ## What runs, which version answers, and what each part of the data directory takes
	@$(PYTHON) -m local status
	@$(PYTHON) -m registry status

.PHONY: rollback
rollback: setup ## Go back to the previous version; REASON="…" goes into the release log
	@$(PYTHON) -m registry rollback --reason "$(or $(REASON),make rollback)"

.PHONY: features
features: setup ## Run build_features in the running Airflow; AS_OF picks the day
	@$(PYTHON) -m local run build_features $(if $(AS_OF),--as-of $(AS_OF))

.PHONY: feedback
feedback: setup ## Run collect_feedback in the running Airflow: decisions and events become facts
	@$(PYTHON) -m local run collect_feedback

.PHONY: retrain
retrain: setup ## Run retrain_recommender in the running Airflow; AS_OF, EPOCHS, REASON, PUBLISH=no
	@$(PYTHON) -m local run retrain_recommender $(if $(AS_OF),--as-of $(AS_OF)) \
		$(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(filter no,$(PUBLISH)),--judge-only) \
		--reason "$(or $(REASON),make retrain)"

.PHONY: serve
serve: setup ## Run the service alone, in the foreground
	@$(PYTHON) -m serving

.PHONY: recommend
recommend: setup ## Lists for all customers to a file: AS_OF=… OUT=lists.parquet, SLATE=all|explore, K=100
	@$(PYTHON) -m ml recommend --as-of $(AS_OF) --slate $(or $(SLATE),all) --k $(or $(K),100) --out $(OUT)

.PHONY: backtest
backtest: setup ## Train, judge and decide at ORIGINS=4 earlier days; AS_OF, EPOCHS
	@$(PYTHON) -m ml backtest --origins $(or $(ORIGINS),4) $(if $(AS_OF),--as-of $(AS_OF)) \
		$(if $(EPOCHS),--epochs $(EPOCHS))

.PHONY: tune
tune: setup ## Search for a better ranker on the validation window; TRIALS, MINUTES, AS_OF, WRITE=1
	@$(UV) run --frozen --quiet --group tuning python -m ml tune --trials $(or $(TRIALS),30) \
		--timeout-minutes $(or $(MINUTES),60) $(if $(AS_OF),--as-of $(AS_OF)) $(if $(WRITE),--write)

.PHONY: bench-quality
bench-quality: setup ## Reach beside LightGBM, EASE, TIFU-KNN, ALS and the rules; RUN=latest
	@$(UV) run --frozen --quiet --group peers python -m benchmarks.quality --run-id $(or $(RUN),latest)

.PHONY: bench-training
bench-training: setup ## Training speed beside a plain tutorial loop; RUN=latest
	@$(PYTHON) -m benchmarks.training --run-id $(or $(RUN),latest)

.PHONY: bench-serving
bench-serving: setup ## What a request costs, beside a no-op and a plain implementation; RATE=100, WORKERS=1
	@$(PYTHON) -m benchmarks.serving --rate $(or $(RATE),100) --workers $(or $(WORKERS),1)

.PHONY: bench-events
bench-events: setup ## From a purchase to the lists that know of it; EVENTS=600, WORKERS=1, REDIS=1 on Redis
	@$(PYTHON) -m benchmarks.freshness --events $(or $(EVENTS),600) --workers $(or $(WORKERS),1) $(if $(REDIS),--redis)

.PHONY: bench-catalogue
bench-catalogue: setup ## The nearest vectors in 1, 10 and 100 times the catalogue: exactly and by the index
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(UV) run --frozen --quiet --group ann python -m benchmarks.catalogue

.PHONY: pictures
pictures: setup ## Make the README's pictures from a finished run and the running service; RUN=latest
	@$(PYTHON) -m benchmarks.pictures --run $(or $(RUN),latest)

.PHONY: drill
drill: setup ## What may go wrong, done to a real service in a sandbox while customers ask; RATE=40, SECONDS=12
	@$(PYTHON) -m benchmarks.drill --rate $(or $(RATE),40) --seconds $(or $(SECONDS),12)

.PHONY: gate-check
gate-check: setup ## How often the gate is wrong, on a finished run: RUN=latest, REPLICATE=…, COMPARISONS=400
	$(if $(TWIN),$(error TWIN is now REPLICATE))@$(PYTHON) -m ml gate-check --run $(or $(RUN),latest) $(if $(REPLICATE),--replicate $(REPLICATE)) \
		--comparisons $(or $(COMPARISONS),400)

.PHONY: manifest
manifest: setup ## Let dbt describe its models for Airflow (make demo does it by itself)
	@$(PYTHON) -m local manifest

.PHONY: dbt
dbt: setup ## dbt by hand, for the admitted day: ARGS="build --select +feat_customer_profile"
	@$(PYTHON) -m local dbt $(or $(ARGS),build)

.PHONY: dbt-docs
dbt-docs: setup ## dbt's documentation of the warehouse as one page, in data/dbt/docs/static_index.html
	@$(PYTHON) -m local dbt docs generate --static

.PHONY: test
test: lint types ## Everything: lint, types, and the tests of all levels
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: lint
lint: setup ## Style and format of Python and SQL, and whether every imported package is declared
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m deptry .
	$(PYTHON) -m sqlfluff lint --disable-progress-bar dbt/models dbt/tests

.PHONY: types
types: setup ## Types
	$(PYTHON) -m mypy core events landing quality pages features feature_repo feature_store scoring ml registry serving dags orchestration local retention benchmarks tests settings.py products.py

.PHONY: unit
unit: setup ## The tests that start no program and train nothing: under a minute
	$(PYTHON) -m pytest -m unit -n 2

.PHONY: integration
integration: setup ## The tests on real programs, dbt builds, trainings and services
	$(PYTHON) -m pytest -m integration -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: fuzz
fuzz: setup ## The service's door: BODIES=10000 bodies from hypothesis, then schemathesis with EXAMPLES=1000; SEED=7
	$(PYTHON) -m tests.support.serving.fuzz --bodies $(or $(BODIES),10000) --seed $(or $(SEED),7)
	$(PYTHON) -m tests.support.serving.conformity --examples $(or $(EXAMPLES),1000) --seed $(or $(SEED),7)

.PHONY: e2e
e2e: setup ## The journeys through a real Airflow
	$(PYTHON) -m pytest -m e2e

.PHONY: clean
clean: setup ## Stop everything and delete what Reach wrote to the data directory
	@$(PYTHON) -m local clean
