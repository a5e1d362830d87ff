# Two commands: `make run` and `make test`. Both work from a fresh clone with Python 3.11+ and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

# Byte code is kept, whatever the shell says: a test run starts Python some hundred times, and rewrites every assertion.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/.ok: requirements/app.txt requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/app.txt -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# The kernel is compiled once a machine and kept beside its source; whoever replays first would wait for it.
.venv/.warm: .venv/.ok $(wildcard src/rung/engine/*.py)
	$(BIN)/python -c "from rung.engine.warming import warm_up; warm_up()"
	touch $@

.PHONY: setup
setup: .venv/.ok  ## build .venv from the locked requirements, nothing else

.PHONY: run
run: setup .venv/.warm  ## start everything; loads the demo company when the database is empty
	$(BIN)/rung up --demo

# Three at a time, for two cores: a test waits half of its time for a browser, a database or another process.
.PHONY: test
test: setup .venv/.warm clients  ## every test: pure rooms, SQLite, PostgreSQL and the browser where they are found
	$(BIN)/pytest -q -n 3 --dist loadgroup --durations=25 --durations-min=5

# Segment's own clients, unmodified; where there is no network the tests that want them are skipped, except in CI.
.PHONY: clients
clients: setup
	tests/clients/install || test "$(CI)" != true

# Half a gigabyte, and Java 17: not for everybody (docs/decisions.md, 26).
.PHONY: spark
spark: setup .venv/.warm  ## install Spark into .venv and run the tests that want it
	$(BIN)/pip install --quiet --disable-pip-version-check "pyspark[sql]>=4,<5" "pandas<3"
	$(BIN)/pytest -q tests/parity -k spark

.PHONY: check
check: setup  ## format, lint, types, import contract, migrations
	$(BIN)/ruff format --check src tests bench faults
	$(BIN)/ruff check src tests bench faults
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m rung.cli migrate --check

.PHONY: bench
bench: setup .venv/.warm  ## measure the figures as ratios in one run; writes var/bench.json
	$(BIN)/python bench/run.py

.PHONY: faults
faults: setup clients  ## break it on purpose, at full size: kill -9 while a client streams (docs/reliability.md)
	HYPOTHESIS_PROFILE=long $(BIN)/pytest -q tests/web/test_described_doors.py
	$(BIN)/python faults/run.py killing
	$(BIN)/python faults/run.py undoing
	$(BIN)/python faults/run.py undoing --database postgresql
	! $(BIN)/python faults/run.py undoing --rows 2000 --people 300 --planted handoffs-stay
	! $(BIN)/python faults/run.py undoing --rows 2000 --people 300 --planted moves-are-forgotten
	! $(BIN)/python faults/run.py undoing --rows 2000 --people 300 --planted only-imports-tell
	! $(BIN)/python faults/run.py undoing --rows 2000 --people 300 --planted held-back-stays
	! $(BIN)/python faults/run.py killing --events 2000 --kills 6 --planted ack-before-commit
	! $(BIN)/python faults/run.py killing --events 2000 --kills 6 --planted delete-before-commit

.PHONY: pictures
pictures: setup  ## take the pictures of docs/screenshots anew: of the demo that `make run` started, then by the browser tests
	$(BIN)/python tests/pictures_of_the_demo.py
	RUNG_SCREENSHOTS=1 $(BIN)/pytest -q -n 2 --dist loadgroup tests/web/test_browser*.py

.PHONY: lock
lock: setup  ## write requirements/*.txt anew from *.in
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url requirements/app.in -o requirements/app.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url requirements/dev.in -o requirements/dev.txt
