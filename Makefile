# The study on a fresh machine: `make book` and `make test` do all their set-up themselves.

# What may be given, as in `make study STUDY=standard DATA=data/wmh SEEDS=0,1`; several folders as in
# `make study STUDY=real DATA="data/clinics scans/mine:mine"`:
PYTHON ?= python3
STUDY ?= demo
DATA ?= data/clinics
STORE ?= runs
# Empty: the seeds of the study's file.
SEEDS ?=

VENV := .venv
READY := $(VENV)/.done
# Only the default folder is filled with simulated clinics; any other is taken as it is.
CLINICS := $(if $(filter data/clinics,$(DATA)),clinics)
FOLDERS := $(addprefix --data ,$(DATA))
# A study given by the path of its file is named as the file.
NAME := $(basename $(notdir $(STUDY)))
# The pages show the STUDY that was asked for; if none was, they choose (kdlib/record/choice.py).
ASKED := $(if $(filter-out file,$(origin STUDY)),$(NAME))
ifeq ($(if $(ASKED),,$(filter record,$(MAKECMDGOALS))),record)
$(error say which study is to be the record: make record STUDY=standard)
endif
KDLIB_STUDY := $(VENV)/bin/kdlib study $(STUDY) $(FOLDERS) --store $(STORE) $(if $(SEEDS),--seeds $(SEEDS))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help book clinics pages pdf study record scenario test lint bench wheels format clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## /make \1\t/p' Makefile | expand -t 16

book: study scenario pages  ## clinics, study, executed scenarios, pages; ends with the result table
	@$(KDLIB_STUDY)
	@echo "The book: file://$(CURDIR)/_build/html/index.html"

clinics: $(READY)  ## simulate what is missing of data/clinics
	$(VENV)/bin/kdlib simulate data/clinics --grid 2mm --seed 7 $(if $(filter controls,$(NAME)),--controls) \
	  $(if $(filter dials,$(NAME)),--dials) $(if $(filter samples,$(NAME)),--large)

study: $(READY) $(CLINICS)  ## run what is missing of STUDY (demo, standard, ..., or a file) into results/
	$(KDLIB_STUDY) --export results/$(NAME)

record: $(READY) $(CLINICS)  ## run what is missing; add these SEEDS to book/results/, which is in git
	$(KDLIB_STUDY) --export $(STORE)/exports/$(NAME)
	$(VENV)/bin/kdlib record $(NAME) $(STORE)/exports/$(NAME) --out book/results/$(NAME)
	$(VENV)/bin/python -m kdlib.report.on_bench book/results
	$(VENV)/bin/python -m kdlib.report.readme book/results/standard README.md

scenario: $(READY) $(CLINICS)  ## execute the templates for every pair of STUDY into book/runs/
	rm -rf book/runs  # of another study perhaps
	$(VENV)/bin/kdlib scenarios $(STUDY) $(FOLDERS) --store $(STORE) --out book/runs

pages pdf: export BOOK_STUDY = $(ASKED)

pages: $(READY)  ## the pages alone, from saved results; they show STUDY if it is given
	$(VENV)/bin/python book/vendor.py || true  # without it the explorers are still pictures
	rm -rf _build  # a kept build does not notice new results, or a change in kdlib
	$(VENV)/bin/jupyter-book build -W -n --keep-going --quiet .

pdf: $(READY)  ## the book as one file, _build/book.pdf; needs Chromium
	$(VENV)/bin/python book/vendor.py || true  # without it formulas stay TeX
	$(VENV)/bin/jupyter-book build -W -n --keep-going --quiet --builder singlehtml .
	mv _build/singlehtml/book/index.html _build/singlehtml/book.html  # where its links start
	chromium --headless --no-sandbox --disable-gpu --log-level=3 --no-pdf-header-footer \
	  --user-data-dir=$$(mktemp -d) --virtual-time-budget=20000 \
	  --print-to-pdf=_build/book.pdf file://$(CURDIR)/_build/singlehtml/book.html

test: lint  ## every check
	$(VENV)/bin/pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(READY)  ## style, format, types, the direction of imports, dependencies
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/deptry .

bench: $(READY)  ## the table of speeds beside peers, which it installs
	$(VENV)/bin/pip install -qq -e ".[peers]"
	$(VENV)/bin/python benchmarks/bench.py

# What kdlib needs and a machine with torch, numpy, scipy and pandas may lack.
CARRIED := annotated-types cloudpickle dask distributed filelock importlib_metadata lazy-importer \
  locket nibabel nilearn partd platformdirs pooch pydantic pydantic_core tblib tornado \
  typing-inspection zict

wheels: $(READY)  ## packages for benchmarks/gpu_day.sh, where nothing can be downloaded: Python 3.12
	rm -rf wheels
	$(VENV)/bin/pip download -qq --no-deps --only-binary=:all: --python-version 3.12 -d wheels \
	  --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
	  $$(for name in $(CARRIED); do sed -n "s/^\($$name==[^ ]*\).*/\1/p" requirements.lock; done)
	$(VENV)/bin/pip wheel -qq --no-deps -w wheels .

format: $(READY)  ## put the code in order
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

clean:  ## remove what was built; data/, runs/, results/ and .venv/ stay
	rm -rf _build book/runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || \
	  { echo "kdlib needs Python 3.11 to 3.13 and '$(PYTHON)' is not one: make ... PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing the packages of requirements.lock into $(VENV)/: a few minutes"
	$(VENV)/bin/pip install -qq -r requirements.lock
	$(VENV)/bin/pip install -qq --no-deps -e .
	@touch $@
