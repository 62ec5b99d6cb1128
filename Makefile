# trimtab: `make run` starts the service, `make test` proves it. Nothing but Python 3.11+ and make is needed.
# The first that fits; PYTHON=... names another.
fits = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(or $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c '$(fits)' 2>/dev/null && echo $$name && break; done),python3)
VENV := .venv
BIN := $(VENV)/bin
# uv installs the locked set in seconds; where it cannot reach the index, pip (with the machine's own
# configuration) installs the same hashes.
# At a terminal uv shows its progress.
# Compiled at once: an environment that forbids Python to write byte code would compile 1,300 modules at each start.
quiet := $(shell test -t 2 || echo --quiet)
say = @echo "trimtab: $(1)" >&2
# Steps without a line of their own are one command, so that no ten seconds pass in silence.
still = $(PYTHON) -I -S requirements/report_progress.py "$(1)"
# Also at a terminal: uv shows what it fetches there, but nothing while it compiles, the longest step.
install = touch $(VENV)/.installing; { $(call still,installing) $(BIN)/uv pip install $(quiet) --system-certs --compile-bytecode \
  --python $(BIN)/python --require-hashes -r $(1) \
  || { echo "trimtab: uv could not install them; pip does, which takes minutes" >&2; \
  $(call still,installing) $(BIN)/python -m pip install $(quiet) --require-hashes -r $(1); } || $(not_installed); } \
  && rm -f $(VENV)/.installing
# An installation that was interrupted leaves packages with some of their files, which the next one would take for whole.
anew = @test ! -e $(VENV)/.installing || { echo "trimtab: An installation was interrupted: making $(VENV) anew" >&2; \
  rm -rf $(VENV) && $(MAKE) --no-print-directory $(1); }
not_installed = { echo "trimtab: The packages could not be installed; the lines above say why." >&2; \
  echo "trimtab: Next: check the network, free disk space and the permission to write here, then repeat the command." >&2; \
  echo "trimtab: PIP_INDEX_URL and UV_DEFAULT_INDEX name another package index." >&2; exit 1; }

.PHONY: bench-incidents handbook journeys quiet-start dashboards manifests image test-image test-kubernetes drill-kubernetes run env dev test check format docs bench contract picture lock clean torture-knowledge torture-answers torture-fleet bench-answers bench-knowledge bench-guards bench-models bench-qa bench-review bench-scale mutate

# The service ends with code 130 on a Ctrl-C before it serves: no failure of make's.
run: env
	@$(BIN)/trimtab serve || { code=$$?; [ $$code -eq 130 ] || exit $$code; }

env: $(VENV)/.runtime

dev: $(VENV)/.dev

$(VENV)/.bootstrap: requirements/bootstrap.lock
	@python='$(PYTHON)'; "$$python" -c '$(fits)' 2>/dev/null || { \
	  echo "trimtab: Python 3.11 to 3.13 is needed, and $$python is $$("$$python" --version 2>/dev/null || echo missing)." >&2; \
	  echo "trimtab: Install one of them, then name it: make PYTHON=/path/to/python3.12 run" >&2; exit 1; }
	$(call say,1 of 3: making a Python environment in $(VENV))
	@test ! -e $(VENV)/.installing || rm -rf $(VENV)
	@mkdir -p $(VENV) && touch $(VENV)/.installing || $(not_installed)
	@$(call still,making it) /bin/sh -c '$(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<' || $(not_installed)
	@rm $(VENV)/.installing && touch $@

$(VENV)/.runtime: $(VENV)/.bootstrap requirements/runtime.lock pyproject.toml
	$(call anew,$(VENV)/.bootstrap)
	$(call say,2 of 3: installing the locked packages)
	@$(call install,requirements/runtime.lock)
	$(call say,3 of 3: installing trimtab)
	@$(call still,installing) /bin/sh -c '$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable . && $(BIN)/python -m compileall -q src/trimtab && \
	  $(BIN)/python -m trimtab.gates.pip_launcher >/dev/null' || $(not_installed)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.lock
	$(call anew,$(VENV)/.runtime)
	@$(call install,requirements/dev.lock)
	@touch $@

test: dev
	$(BIN)/python -m pytest -n 2

# Against a real Kubernetes API: the control plane that CONTROL_PLANE starts on loopback, or the cluster of KUBECONFIG.
CONTROL_PLANE ?= ../shared/kubernetes/control-plane
test-kubernetes: dev
	TRIMTAB_CONTROL_PLANE=$(CONTROL_PLANE) $(BIN)/python -m pytest -q -n 0 --kubernetes tests/kubernetes

# Each cause of the pages about clusters, drilled there: minutes, and more of them on a busy machine, so not in CI.
drill-kubernetes: dev
	TRIMTAB_CONTROL_PLANE=$(CONTROL_PLANE) $(BIN)/python -m pytest -q -n 0 --kubernetes tests/kubernetes/live/drills.py

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.words

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: dev
	$(BIN)/mkdocs build --strict

# Kills, flipped bytes and full disks against the data of knowledge: a few minutes; KILLS=1000 FLIPS=1000 for the whole
# campaign, TORTURE=--json for its counts as JSON.
KILLS ?= 100
FLIPS ?= 180
SERVICE ?= 60
torture-knowledge: dev
	$(BIN)/python -m tests.knowledge.torture --kills $(KILLS) --flips $(FLIPS) --service $(SERVICE) $(TORTURE)

# Attacks the answers: other tenants' data, models that lie, erasures that are killed, fifty clients for MINUTES;
# ONLY="--only soak" for one of the campaigns.
ATTEMPTS ?= 10000
CASES ?= 20000
MINUTES ?= 10
torture-answers: dev
	$(BIN)/python -W ignore -m tests.answers.torture --attempts $(ATTEMPTS) --cases $(CASES) --minutes $(MINUTES) $(ONLY)

# Several processes on one PostgreSQL under load: kill -9, a stopped leader, a restarted server. FLEET_KILLS=200 for the
# whole campaign. Then INTERLEAVINGS random changes in one of two services, each followed by searches in both.
FLEET_KILLS ?= 20
INTERLEAVINGS ?= 1000
STOP_SECONDS ?= 60
torture-fleet: dev
	$(BIN)/python -W ignore -m tests.fleet_torture --kills $(FLEET_KILLS) --stop-seconds $(STOP_SECONDS) $(TORTURE)
	$(BIN)/python -m pytest -q -n 0 tests/knowledge/sharing/test_interleavings.py --interleavings $(INTERLEAVINGS)

# A fresh service, 400 files on a busy machine, 50 questions, and 75 minutes of its clock: no incident, and nobody is called.
quiet-start: dev
	$(BIN)/python -m tests.quiet.start

# Computes the vectors of the handbook's passages, so that a first start need not.
handbook: env
	$(BIN)/python -c 'from trimtab.app.handbook_vectors import main; main()'

# Writes the Grafana dashboards anew, from the signals of the catalog.
dashboards: env
	$(BIN)/python -m trimtab.app.dashboards

# The image knowledgebeast:latest without a container engine, from Debian's packages and the locked wheels: an OCI layout,
# and an archive for `docker load`. Needs apt-get and Python 3.11; with an engine, deploy/image/Containerfile.
IMAGE ?= build/image
image: dev
	$(BIN)/python deploy/image/build.py $(IMAGE)

# Builds it, unpacks its layers into a folder, starts the service from there without a network, and runs it under Podman; needs
# root, and the Debian packages that docs/how-to/run-the-image.md lists.
test-image: dev
	$(BIN)/python -m pytest -q -n 0 --image tests/image

# Writes the role of `deploy/kubernetes/cluster-access` anew, from what the actions need.
manifests: env
	$(BIN)/python -m trimtab.kubernetes.deployment

contract: dev
	$(BIN)/python -m pytest -q -n 2 -m feature --contract
	$(BIN)/python -m tests.contract.options

# Changes one thing at a time in a copy of the code and prints the changes that no test notices; ONLY=rules (or
# incidents, audit, gates, evaluator, pages, settings, answers, ...) for one domain, MUTATE="--sample 100 --json".
# Ctrl-C stops it, and the same command goes on.
mutate: ONLY ?= rules,incidents,audit,gates
BUDGET ?= 25
mutate: dev
	$(BIN)/python -m tests.mutation --only "$(ONLY)" --minutes $(BUDGET) $(MUTATE)

# Lets the console's test in a real browser write the picture of the manual.
picture: dev
	TRIMTAB_WRITE_PICTURES=1 $(BIN)/python -m pytest -q tests/console/test_browser.py

bench: dev
	$(BIN)/python -m benchmarks

# What guards and pipeline cost, against the bars.
bench-answers: dev
	$(BIN)/python -m benchmarks.answers

# 10,000 alerts a minute from outside: what they cost, and that none is lost or doubled. MINUTES_OF_ALERTS=1 for a short look.
MINUTES_OF_ALERTS ?= 5
bench-incidents: dev
	$(BIN)/python -m benchmarks.incidents $(MINUTES_OF_ALERTS)

# Answers on three corpora of real documents; QA is the folder with their questions, CORPORA where the documents are kept.
QA ?= ../shared/data/qa
bench-qa: dev
	$(BIN)/python -m benchmarks.qa $(QA) $(if $(CORPORA),--corpora $(CORPORA))

# One, two and four processes on one PostgreSQL, SQLite beside them, in one run: rates, p99, CPU a search, failover, memory.
# BENCH="--seconds 5 --passages 20000" for less.
bench-scale: dev
	$(BIN)/python -W ignore -m benchmarks.scale $(BENCH)

# Both phases of the flywheel on 500 recorded failures, and the review loop with two simulated annotators; REVIEW=--json.
bench-review: dev
	$(BIN)/python -m benchmarks.flywheel $(REVIEW)

# The functions, files, frames and threads of four journeys, against their targets; JOURNEYS=--functions lists them.
journeys: dev
	$(BIN)/python -m tests.journeys $(JOURNEYS)

# Every number of knowledge, beside other engines in an environment of their own; BENCH="--scale 0.04" for a short look.
bench-knowledge: dev $(VENV)/.bench
	$(BIN)/python -m benchmarks.knowledge $(BENCH)

# Our guards beside packaged detectors on the same texts; DATA=DIR holds the labelled sets.
bench-guards: dev $(VENV)/.bench
	$(BIN)/python -m benchmarks.guards $(DATA)

# What a prediction over HTTP costs, next to FastAPI with scikit-learn; BENCH="--requests 500" for a short look.
bench-models: dev $(VENV)/.bench-models
	$(BIN)/python -W ignore -m benchmarks.models $(BENCH)

$(VENV)/.bench-models: requirements/bench-models.lock
	$(PYTHON) -m venv $(VENV)/bench-models
	$(BIN)/uv pip install --quiet --python $(VENV)/bench-models/bin/python --require-hashes -r $< \
	  || $(VENV)/bench-models/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.bench: requirements/bench.lock
	$(PYTHON) -m venv $(VENV)/bench
	$(BIN)/uv pip install --quiet --python $(VENV)/bench/bin/python --require-hashes -r $< \
	  || $(VENV)/bench/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

# Writes the lock files: exact versions and hashes, no addresses.
lock: $(VENV)/.bootstrap
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  requirements/bootstrap.in -o requirements/bootstrap.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  -c requirements/constraints.in pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --group dev -c requirements/runtime.lock -o requirements/dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  -c requirements/constraints.in requirements/bench.in -o requirements/bench.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra kubernetes --extra qdrant --extra sentry --extra postgres --extra valkey -c requirements/runtime.lock pyproject.toml \
	  -o requirements/image.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  -c requirements/constraints.in requirements/bench-models.in -o requirements/bench-models.lock

clean:
	rm -rf $(VENV) site build dist
