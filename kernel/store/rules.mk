# rules.mk - `make cuts N=...`: power cuts of the store, without the sanitizers, beyond the share in `make test`.

.PHONY: cuts
N ?= 200000
SEED ?= 1000

CUTS_SOURCES := kernel/store/cuts_test.c $(call flat,kernel/store/*.c) arch/hosted/disksim.c

build/cuts/cuts: $(CUTS_SOURCES) $(wildcard kernel/store/*.h) arch/hosted/disksim.h
	$(call say,HOSTLD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -DCUTS_ALONE -Ikernel/include -Ikernel -Iarch/hosted -o $@ $(CUTS_SOURCES) -lcmocka

cuts: build/cuts/cuts
	@CUTS=$(N) SEED=$(SEED) build/cuts/cuts

clean: clean-cuts
.PHONY: clean-cuts
clean-cuts:
	@rm -rf build/cuts
