# rules.mk - campaigns over the real machine, beyond the share that `make test` runs; any failure prints the seed.
#   make kills N=100 [SEED=...]     machines killed at random moments under load, all witnesses checked
#   make images N=5000 [SEED=...]   images rebuilt from recorded writes, as power could have left them; a sample booted

CAMPAIGN_PROGRAMS := build/programs/witness build/native/w_accounts.elf

.PHONY: kills images
kills images: all $(CAMPAIGN_PROGRAMS)
kills:
	@dir=$$(mktemp -d) && cd "$$dir" && PYTHONPATH=$(CURDIR)/tests PYTHONDONTWRITEBYTECODE=1 \
		$(if $(findstring command,$(origin N)),N=$(N)) $(if $(findstring command,$(origin SEED)),SEED=$(SEED)) $(PYTHON) $(CURDIR)/tests/witnesses.py; \
		status=$$?; rm -rf "$$dir"; exit $$status
images:
	@dir=$$(mktemp -d) && cd "$$dir" && PYTHONPATH=$(CURDIR)/tests PYTHONDONTWRITEBYTECODE=1 \
		$(if $(findstring command,$(origin N)),N=$(N)) $(if $(findstring command,$(origin SEED)),SEED=$(SEED)) $(PYTHON) $(CURDIR)/tests/replay.py; \
		status=$$?; [ $$status -ne 0 ] || rm -rf "$$dir"; exit $$status
