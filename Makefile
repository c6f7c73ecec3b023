# `make study` and `make test` do all their own set-up, given python3.11.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: study test test-fast test-pages check docs bench constraints clean

study: $(READY)
	$(BIN)/python -m studies.run multiception_vs_standard

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# All tests but the slow ones: about two minutes on two cores.
test-fast: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

# The pages in a real browser; needs Chromium (Debian: apt-get install chromium).
test-pages: $(READY)
	$(BIN)/python -m pytest -m browser

check: $(READY)
	$(BIN)/pre-commit run --all-files

# The documents as a site, in site/; a warning is an error.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

bench: $(READY)
	$(BIN)/python -m benchmarks

# Installed anew when what is asked for changes; uv makes that a matter of seconds.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt \
		--build-constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)

# Newest versions of everything, written down; run the tests before committing them.
constraints:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]'
	(echo '# Pinned versions of everything that is installed; made by `make constraints`.'; \
	 $(BIN)/uv pip freeze --python $(BIN)/python --exclude-editable) > constraints.txt
	touch $(READY)
