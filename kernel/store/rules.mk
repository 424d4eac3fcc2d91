# rules.mk - `make cuts N=... [SEED=...]`: every campaign of the store over the simulated disk, without the sanitizers,
# beyond the share that `make test` runs.  N cuts in all: half of them after every write, three in ten torn and
# reordered, one in ten nested, the last tenth of the whole kernel; and a quarter of N damaged images beside them.

.PHONY: cuts
N ?= 400000
SEED ?= 1000

CUTS_TESTS := cuts faults damage
CUTS_SOURCES := $(call flat,kernel/store/*.c) arch/hosted/disksim.c

$(CUTS_TESTS:%=build/cuts/%): build/cuts/%: kernel/store/%_test.c $(CUTS_SOURCES) $(wildcard kernel/store/*.h) arch/hosted/disksim.h
	$(call say,HOSTLD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -DCUTS_ALONE -Ikernel/include -Ikernel -Iarch/hosted -o $@ $< $(CUTS_SOURCES) -lcmocka

cuts: $(CUTS_TESTS:%=build/cuts/%)
	@sh tests/cuts.sh $(N) $(SEED)

clean: clean-cuts
.PHONY: clean-cuts
clean-cuts:
	@rm -rf build/cuts
