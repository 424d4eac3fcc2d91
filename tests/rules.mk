# rules.mk - campaigns over the real machine, beyond the share that `make test` runs; any failure prints the seed.
#   make kills N=100 [SEED=...]     machines killed under load at so many random instruction counts, and at half as many
#                                   random times of the host; all witnesses checked
#   make images N=5000 [SEED=...]   images rebuilt from recorded writes, as power could have left them; a sample booted

CAMPAIGN_PROGRAMS := build/programs/witness build/native/w_accounts.elf build/tests/kill_at.so

build/tests/%.so: tests/%.c
	$(call say,PLUGIN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -shared -fPIC -fvisibility=hidden -o $@ $<

programs: build/tests/kill_at.so
clean: clean-plugins
.PHONY: clean-plugins
clean-plugins:
	@rm -rf build/tests

.PHONY: kills images
kills images: all $(CAMPAIGN_PROGRAMS)
kills:
	@dir=$$(mktemp -d) && cd "$$dir" && PYTHONPATH=$(CURDIR)/tests PYTHONDONTWRITEBYTECODE=1 \
		$(if $(findstring command,$(origin N)),N=$(N)) $(if $(findstring command,$(origin SEED)),SEED=$(SEED)) $(PYTHON) $(CURDIR)/tests/witnesses.py; \
		status=$$?; [ $$status -ne 0 ] || rm -rf "$$dir"; exit $$status
images:
	@dir=$$(mktemp -d) && cd "$$dir" && PYTHONPATH=$(CURDIR)/tests PYTHONDONTWRITEBYTECODE=1 \
		$(if $(findstring command,$(origin N)),N=$(N)) $(if $(findstring command,$(origin SEED)),SEED=$(SEED)) $(PYTHON) $(CURDIR)/tests/replay.py; \
		status=$$?; [ $$status -ne 0 ] || rm -rf "$$dir"; exit $$status

# The torment build: everything is unprepared after use, and a checkpoint asked for at a commit point: at each in the
# hosted tests, at every TORMENT-th in the real kernel, which would else do nothing but wait for its disk.
#   make torment [TORMENT=n]        the hosted tests of the kernel under torment, then real boots

TORMENT ?= 40
# Not these: they say which process has which turn, which a restarted call changes, or compare capabilities byte by byte.
TORMENT_NOT := $(patsubst %,kernel/%_test.c,invoke/invoke invoke/keeper object/cap object/systrace)
TORMENT_TESTS := $(filter-out kernel/store/% $(TORMENT_NOT),$(filter kernel/%,$(UNIT_TESTS)))
TORMENT_BINARIES := $(patsubst %_test.c,build/torment/test/%,$(TORMENT_TESTS))
# What make test holds: these, beside the others.
TORMENT_SHARE := $(patsubst %,build/test/torment/kernel/%,object/persist invoke/fuzz invoke/keykos)
TORMENT_HOSTED := $(patsubst %,build/torment/hosted/%.o,$(HOSTED_SOURCES))
TORMENT_KERNEL := $(patsubst %,build/torment/kernel/%.o,$(KERNEL_SOURCES))

build/torment/hosted/%.c.o: %.c $(GEN)
	$(call say,TCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g -Wall -Wextra -DKEROS_HOSTED -DKEROS_TORMENT=1 -Ikernel/include -Ikernel -Ibuild/gen -Iarch/hosted $(DEPEND) -c -o $@ $<

build/torment/libkernel.a: $(TORMENT_HOSTED)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

build/torment/test/% build/test/torment/%: %_test.c build/torment/libkernel.a
	$(call say,TORMENT,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g -Wall -Wextra -DKEROS_HOSTED -DKEROS_TORMENT=1 -Ikernel/include -Ikernel -Ibuild/gen -Iarch/hosted \
		-I$(dir $<) -o $@ $< build/torment/libkernel.a -lcmocka

build/torment/kernel/%.c.o: %.c $(GEN)
	$(call say,TCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -DKEROS_TORMENT=$(TORMENT) $(KERNEL_INCLUDES) $(DEPEND) -c -o $@ $<

build/torment/kernel/%.S.o: %.S $(GEN)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -g $(KERNEL_INCLUDES) $(DEPEND) -c -o $@ $<

build/torment/kernel.elf: $(TORMENT_KERNEL) arch/x86/kernel.ld
	$(call say,LINK,$@)
	$(Q)sh tools/ksyms.sh > build/torment/ksyms.S < /dev/null
	$(Q)$(CC) -c -o build/torment/ksyms.o build/torment/ksyms.S
	$(Q)$(KERNEL_LINK) -o $@ $(TORMENT_KERNEL) build/torment/ksyms.o

UNIT_BINARIES += $(TORMENT_SHARE)
programs: build/torment/kernel.elf
# One that was made once is never older than the kernel that `make all` makes: whoever names it with --kernel gets what he reads.
all: $(wildcard build/torment/kernel.elf)

.PHONY: torment
torment: all programs $(TORMENT_BINARIES) build/torment/kernel.elf
	@for t in $(TORMENT_BINARIES); do out=$$(CUTS=2000 $$t 2>&1) || { echo "$$out"; exit 1; }; \
		echo "torment: $${t#build/torment/test/}: $$(echo "$$out" | sed -n 's/^.*  PASSED  . //p') $$(echo "$$out" | grep ' lost' | cut -c1-100)"; done
	@exec $(PYTHON) tests/run store --only torment

-include $(shell find build/torment -name '*.d' 2>/dev/null)

# Bugs put into kernel/store on purpose: its tests must notice.
.PHONY: mutants
mutants: build/hosted/libkernel.a
	@PYTHONPATH=$(CURDIR)/tests PYTHONDONTWRITEBYTECODE=1 $(PYTHON) $(CURDIR)/tests/mutants.py
