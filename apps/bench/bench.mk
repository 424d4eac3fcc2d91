# bench.mk - builds the benchmark: a static binary for both systems, the program it
# executes, the first process of the Linux peer, and the native one.  Included by the Makefile.
BENCH_CFLAGS := -static -O2 -std=gnu11 -Wall -Wextra -Wno-clobbered
BENCH_SINGLE := build/bench/hello build/bench/init build/bench/share
BENCH_PROGRAMS := build/bench/bench $(BENCH_SINGLE)

build/bench/bench: $(call flat,apps/bench/posix/*.c)
$(BENCH_SINGLE): build/bench/%: apps/bench/%.c
$(BENCH_PROGRAMS): $(wildcard apps/bench/*.h apps/bench/posix/*.h)
	$(call say,MUSL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(BENCH_CFLAGS) -o $@ $(filter %.c,$^)

$(eval $(call native,bench-native,apps/bench/native.c,build/native/bench-native.elf))
$(eval $(call native,bench-store,apps/bench/store.c,build/native/bench-store.elf))

# The test of the promised speeds runs them too.
programs: $(BENCH_PROGRAMS)

.PHONY: bench-run
bench-run: all $(BENCH_PROGRAMS)
	@exec tools/bench-run $(BENCH)

bench: all $(BENCH_PROGRAMS) $(if $(LUA_TARBALL),build/programs/lua)
	@exec tools/bench $(BENCH)
