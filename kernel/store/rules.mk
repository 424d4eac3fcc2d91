# rules.mk - `make cuts N=... [SEED=...]`: every campaign of the store over the simulated disk, without the sanitizers,
# beyond the share that `make test` runs.  N cuts in all: half of them after every write, three in ten torn and
# reordered, one in ten nested, one in twenty of generations unfinished twice, one in twenty after the machine alone was
# killed, one in forty of the whole kernel; and a quarter of N damaged images beside them.

.PHONY: cuts
N ?= 400000
SEED ?= 1000

CUTS_TESTS := cuts faults damage
CUTS_SOURCES := $(call flat,kernel/store/*.c) arch/hosted/disksim.c

$(CUTS_TESTS:%=build/cuts/%): build/cuts/%: kernel/store/%_test.c $(CUTS_SOURCES) $(wildcard kernel/store/*.h) arch/hosted/disksim.h
	$(call say,HOSTLD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -DCUTS_ALONE -Ikernel/include -Ikernel -Iarch/hosted -o $@ $< $(CUTS_SOURCES) -lcmocka

build/cuts/kernel: kernel/object/persist_test.c $(HOSTED_SOURCES) $(GEN) $(wildcard kernel/*/*.h arch/hosted/*.h)
	$(call say,HOSTLD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -DKEROS_HOSTED -Ikernel/include -Ikernel -Ibuild/gen -Iarch/hosted -o $@ \
		$(filter %.c,$^) -lcmocka

cuts: $(CUTS_TESTS:%=build/cuts/%) build/cuts/kernel
	@sh tests/cuts.sh $(N) $(SEED)

clean: clean-cuts
.PHONY: clean-cuts
clean-cuts:
	@rm -rf build/cuts
