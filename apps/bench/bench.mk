# bench.mk - builds the benchmark: a static binary for both systems, the program it
# executes, and the first process of the Linux peer.  Included by the Makefile.
BENCH_CFLAGS = -static -O2 -std=gnu11 -Wall -Wextra -Wno-clobbered
BENCH_PROGRAMS = build/bench/bench build/bench/hello build/bench/init

build/bench/%: apps/bench/%.c
	@mkdir -p $(@D)
	musl-gcc $(BENCH_CFLAGS) -o $@ $<

.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS)

bench: all $(BENCH_PROGRAMS)
	tools/bench
