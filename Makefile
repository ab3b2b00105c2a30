# Everything runs in .venv, made from the lock files with their hashes checked.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
JOBS ?= 3
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo demo-check test test-deps check format proof bench-large wheel lock pictures clean

demo: $(VENV)/.run
	$(PY) -m omni_console demo

demo-check: $(VENV)/.run
	$(PY) -m omni_console demo --check

# Tests start processes by the hundred: none of them compiles our modules anew, not even where Python is told to
# write no bytecode.
test: $(VENV)/.dev
	$(PY) -m compileall -q -j 0 channels omni_console server tests
	$(PY) -m pytest -n $(JOBS) --dist worksteal -m "not chaos"
	$(PY) -m pytest -m chaos -s

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy

format: $(VENV)/.dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# The long counts behind the figures that the README quotes.
proof: $(VENV)/.dev
	OMNI_PROOF=1 $(PY) -m pytest -m chaos -s
	OMNI_PROOF=1 $(PY) -m pytest -s tests/integration/test_openapi.py tests/integration/test_mail_hardship.py tests/integration/test_queue_simulation.py tests/integration/test_any_deed_taken_back.py tests/integration/test_failpoints_held.py
	OMNI_PROOF=1 $(PY) -m pytest tests/unit/test_email_invariants.py
	OMNI_PROOF=1 $(PY) -m pytest -s tests/console/test_pty_windows.py tests/console/test_any_keys.py
	$(PY) -m tests.fuzz.mail_parser 300

# A million messages beside ten thousand; some minutes, and 4 GB of disk for as long as it runs.
bench-large: $(VENV)/.dev
	$(PY) -m benchmarks large

# Debian packages that the tests of real mail servers, browsers, proxies and units need.
test-deps:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dovecot-imapd postfix chromium fonts-dejavu-core tmux caddy nginx-light systemd curl

# The pictures of README and docs, drawn by the console itself.
pictures: $(VENV)/.dev
	$(PY) -m tests.fakes.draw docs/pictures

wheel: $(VENV)/.dev
	$(PY) -m hatchling build -t wheel

# Needs uv; `make lock` is for maintainers, everybody else installs from what it wrote.
lock:
	uv pip compile -q --no-header --generate-hashes --no-emit-index-url --python-version 3.11 --extra demo --extra images pyproject.toml -o requirements.lock
	uv pip compile -q --no-header --generate-hashes --no-emit-index-url --python-version 3.11 --extra demo --extra images --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock

$(VENV)/.run: requirements.lock
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --require-hashes --only-binary :all: -r requirements.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --require-hashes --only-binary :all: -r requirements-dev.lock
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
