# Everything a newcomer needs; `make demo` first. PYTHON picks the interpreter (3.11 or 3.12).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo setup test check up migrate seed bench bench-crawl bench-extract clean

demo: setup  ## the whole pipeline on this machine, against the sandbox; ONCE=1 exits after the summary, PORT=8001 moves the API
	@$(BIN)/openfunnel demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

setup: $(VENV)/.installed  ## .venv with openfunnel, scrapy and uvicorn

$(VENV)/.installed: requirements.txt pyproject.toml
	@echo "Installing into $(VENV) (a minute, once)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 12) else "OpenFunnel needs Python 3.11 or 3.12; name one with PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --only-binary :all: -r requirements.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --only-binary :all: -r requirements-dev.txt
	@touch $@

test: $(VENV)/.installed-dev  ## the whole test suite, on embedded servers of its own
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.installed-dev  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

up:  ## the services of docker-compose.yml
	docker compose up --build --detach

migrate: setup
	@$(BIN)/openfunnel migrate

seed: setup
	@$(BIN)/openfunnel seed

bench: setup
	@$(BIN)/python -m benchmarks

bench-crawl: setup  ## the crawl against plain Scrapy and stock scrapy-redis; a quarter of an hour
	@$(BIN)/python -m benchmarks crawl --runs 5 $(ARGS)

bench-extract: setup  ## what a model is sent, how busy it is kept, and what becomes of its faults; ten minutes
	@$(BIN)/python -m benchmarks extract --runs 1 $(ARGS)

clean:  ## removes .venv and the caches; the data in .openfunnel/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
