# Every target but help and clean runs inside .venv. Make builds it on first use, and brings it up to date when
# pyproject.toml or constraints.txt has changed. Another Python: make test PYTHON=python3.13

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := aiohttp,cli,kui,starlette,testing

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo test mutants check docs scorecard bench constraints clean

ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
FOUND := $(shell $(PYTHON) -c 'import sys; v = sys.version_info[:3]; print("%d.%d.%d" % v + " old" * (v < (3, 11)))' 2>/dev/null)
VERSION := $(word 1,$(FOUND))
ifeq ($(FOUND),)
$(error crossorigin needs Python 3.11 or newer, and the command '$(PYTHON)' does not run: name another one with PYTHON=)
endif
ifneq ($(word 2,$(FOUND)),)
$(error crossorigin needs Python 3.11 or newer, and '$(PYTHON)' is Python $(VERSION): name another one with PYTHON=)
endif
endif

# The Python that built .venv is part of the name, so that another one builds it anew.
READY := $(VENV)/.ready-$(VERSION)

# Debian keeps what `python3 -m venv` needs in a package of its own.
define need_venv
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	if [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then \
		echo "Installing python3-venv, which Python needs to make a virtual environment."; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install python3-venv </dev/null >/dev/null; \
	fi; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make a virtual environment: install its venv package (python3-venv on Debian and Ubuntu)." >&2; \
		exit 1; \
	}; \
}
endef

help: ## say what the targets do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(READY) ## start the lab and serve it until Ctrl-C, or with DEMO=once play all its situations and end
	@$(BIN)/python -m examples.demo

test: $(READY) ## run the tests, with browsers too, and the examples in docstrings, and hold coverage to its floor
	@$(BIN)/python -m conformance.install engines valgrind
	@conformance/engines/namespace $(BIN)/python -m pytest -n auto --cov --cov-report=term

mutants: $(READY) ## make deliberate mistakes in the model of the browser, and show which test notices each
	@$(BIN)/python -m tests.mutants

check: $(READY) ## lint, check the format, the types and the import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

docs: $(READY) ## write the pages of docs/ and the schema of policy files, which are made from the code
	@$(BIN)/python docs/generate.py

scorecard: $(READY) ## play the server's rules on crossorigin and ten other libraries, and write docs/scorecard.md and its picture
	@$(BIN)/python -m benchmarks.scorecard --write

bench: $(READY) ## measure what crossorigin and other libraries cost (ten minutes on a quiet machine), and write docs/performance.md
	@$(BIN)/python -m conformance.install wrk
	@$(BIN)/python -m benchmarks.cost --write

constraints: ## choose the newest versions of all dependencies, with Python 3.11, and write them to constraints.txt
	@case "$(VERSION)" in 3.11.*) ;; *) \
		echo "constraints.txt is made with Python 3.11, the oldest that is supported, and '$(PYTHON)' is $(VERSION)." >&2; exit 1;; esac
	@$(need_venv)
	@venv=$$(mktemp -d) && trap 'rm -rf "$$venv" constraints.new' EXIT && \
	$(PYTHON) -m venv "$$venv" && \
	"$$venv/bin/python" -m pip install -qq --upgrade pip && \
	"$$venv/bin/python" -m pip install -qq --group dev hatchling editables '.[$(EXTRAS)]' && \
	{ echo '# The exact version of everything that development installs. Made by `make constraints`; do not edit.' && \
	"$$venv/bin/python" -m pip freeze --all --exclude crossorigin --exclude setuptools; } > constraints.new && \
	mv constraints.new constraints.txt
	@echo "Wrote constraints.txt: $$(grep -c == constraints.txt) packages."

clean: ## remove .venv and all that the tools left behind
	@rm -rf $(VENV) .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name .git -prune -o -type d -name __pycache__ -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(need_venv)
	@echo "Setting up $(VENV) with Python $(VERSION)."
	@[ -f $@ ] || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt --upgrade pip
	@$(BIN)/python -m pip install -qq -c constraints.txt --build-constraint constraints.txt --group dev -e .
	@touch $@
