# Makefile - from a fresh clone to a running system.  `make help` lists what to type.
#
# What is where
#   build/gen/          made from idl/: stubs, dispatch
#   build/lib/          libkeros.a, which native programs link
#   build/bin/X.elf     native programs: services/X/*.c, posix-server/**/*.c; with symbols in build/debug/
#   build/native/X.elf  native test programs: tests/native/X.c
#   build/programs/X    Linux programs for the sandbox: tests/programs/X.c (musl), tests/programs/glibc/X.c
#   build/test/...      hosted unit tests: every D/X_test.c, with D/X.c and what it names (see below)
#   build/kernel.elf    kernel/**/*.c and arch/x86/*.{c,S}, by arch/x86/kernel.ld
#   build/base.tree     the base file tree;  build/keros  the host command
#
# A new service, test program or unit test needs no line here: it is found by its place.  What is not an
# ordinary program has a D/rules.mk, which is included.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/sh

# One line for each thing that is made; V=1 shows the commands.
Q := $(if $(V),,@)
say = @printf '  %-8s %s\n' '$(1)' '$(2)'

GOALS := $(or $(MAKECMDGOALS),help)
ifneq ($(filter-out help clean distclean idl-check,$(GOALS)),)
include build/config.mk
endif

build/config.mk: configure
	@mkdir -p build
	@./configure

# Files below a directory, any depth, without unit tests.
deep = $(shell find $(1) -name '$(2)' ! -name '*_test.c' 2>/dev/null | LC_ALL=C sort)
flat = $(filter-out %_test.c,$(sort $(wildcard $(1))))

WARNINGS := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wvla
DEPEND = -MMD -MP -MF $(@:.o=.d)

# ---- Interfaces ---------------------------------------------------------------------------------------------

IDL := $(sort $(wildcard idl/*.idl))
GEN := build/gen/.done

$(GEN): tools/idlc.lua $(wildcard tools/idl/*.lua) $(IDL) kernel/object/captype.def
	$(call say,IDL,$(words $(IDL)) files)
	$(Q)mkdir -p build/gen/keros build/gen/kernel
	$(Q)$(LUA) tools/idlc.lua build/gen - $(IDL)
	$(Q)touch $@

.PHONY: doc idl-check
doc:
	$(Q)mkdir -p build/gen/keros build/gen/kernel doc/object
	$(Q)lua5.4 tools/idlc.lua build/gen doc/object $(IDL)
idl-check:
	$(Q)lua5.4 tools/idlc.lua --check doc/object $(IDL)

# ---- Native programs ------------------------------------------------------------------------------------------

NATIVE_INCLUDES := -Ikernel/include -Ilib/include -Ibuild/gen
NATIVE_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -fno-stack-protector -mno-red-zone -mno-avx -fno-pic -no-pie \
	-fno-omit-frame-pointer -ffunction-sections -fdata-sections
# Servers keep out of the vector registers: who never touches them costs its callers no change of their owner.
CFLAGS_lib := -mgeneral-regs-only
CFLAGS_services := -mgeneral-regs-only
CFLAGS_compat := -mgeneral-regs-only
NATIVE_LDFLAGS := -static -no-pie -nostartfiles -Wl,--gc-sections -Wl,-Ttext-segment=0x400000 -Wl,-z,separate-code \
	-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,-u,_start -Wl,--build-id=none

LIB_OBJECTS := $(patsubst %,build/obj/%.o,$(call flat,lib/*.c) $(call flat,lib/*.S))

build/lib/libkeros.a: $(LIB_OBJECTS)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

build/obj/%.c.o: %.c $(GEN)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(NATIVE_CFLAGS) $(CFLAGS_$(firstword $(subst /, ,$<))) $(NATIVE_INCLUDES) -I$(dir $<) $(DEPEND) -c -o $@ $<

build/obj/%.S.o: %.S $(GEN)
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSL_CC) -g $(NATIVE_INCLUDES) -I$(dir $<) $(DEPEND) -c -o $@ $<

# $(call native,NAME,SOURCES,FILE): one native program.
define native
NATIVE_FILES += $(3)
NATIVE_OBJECTS_$(1) := $(patsubst %,build/obj/%.o,$(2))
$(3): $$(NATIVE_OBJECTS_$(1)) build/lib/libkeros.a
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D) build/debug
	$$(Q)$$(MUSL_CC) $$(NATIVE_LDFLAGS) $$(LDFLAGS_$(1)) -o build/debug/$$(@F) $$(filter %.o,$$^) build/lib/libkeros.a
	$$(Q)$$(OBJCOPY) --strip-all build/debug/$$(@F) $$@
endef

SERVICES := $(sort $(foreach d,$(wildcard services/*/),$(if $(call flat,$(d)*.c),$(notdir $(d:/=)))))
$(foreach s,$(SERVICES),$(eval $(call native,$(s),$(call flat,services/$(s)/*.c services/$(s)/*.S),build/bin/$(s).elf)))

# The shim is no part of the server's own code: shim_blob.S carries it, for the memory of every process of a sandbox.
POSIX_SOURCES := $(filter-out posix-server/shim/%,$(call deep,posix-server,*.c) $(call deep,posix-server,*.S))
CFLAGS_posix-server := -Iposix-server
$(eval $(call native,posix-server,$(POSIX_SOURCES),build/bin/posix-server.elf))

NATIVE_TESTS := $(patsubst tests/native/%.c,%,$(sort $(wildcard tests/native/*.c)))
$(foreach t,$(NATIVE_TESTS),$(eval $(call native,test-$(t),tests/native/$(t).c,build/native/$(t).elf)))

# ---- The kernel -----------------------------------------------------------------------------------------------

KERNEL_INCLUDES := -Ikernel/include -Ikernel -Ibuild/gen -Iarch/x86
KERNEL_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -no-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fno-strict-aliasing \
	-Wall -Wextra -Werror
KERNEL_SOURCES := $(call deep,kernel,*.c) $(call flat,arch/x86/*.c) $(call flat,arch/x86/*.S)
KERNEL_OBJECTS := $(patsubst %,build/kobj/%.o,$(KERNEL_SOURCES))

build/kobj/%.c.o: %.c $(GEN)
	$(call say,KCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) $(KERNEL_INCLUDES) $(DEPEND) -c -o $@ $<

build/kobj/%.S.o: %.S $(GEN)
	$(call say,KAS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -g $(KERNEL_INCLUDES) $(DEPEND) -c -o $@ $<

KERNEL_LINK = $(CC) -nostdlib -static -no-pie -Wl,-T,arch/x86/kernel.ld -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
	-Wl,--build-id=none -Wl,--no-warn-rwx-segments

# The kernel carries its own symbols, for the trace it prints when it fails: it is linked twice, the second
# time with the table that tools/ksyms.sh makes from the first (which an empty one has stood in for).
KSYMS := $(wildcard tools/ksyms.sh)

build/kernel.elf: $(KERNEL_OBJECTS) arch/x86/kernel.ld $(KSYMS)
	$(call say,LINK,$@)
ifneq ($(KSYMS),)
	$(Q)sh $(KSYMS) > build/ksyms0.S < /dev/null
	$(Q)$(CC) -c -o build/ksyms0.o build/ksyms0.S
	$(Q)$(KERNEL_LINK) -o build/kernel0.elf $(KERNEL_OBJECTS) build/ksyms0.o
	$(Q)nm -n build/kernel0.elf | sh $(KSYMS) > build/ksyms1.S
	$(Q)$(CC) -c -o build/ksyms1.o build/ksyms1.S
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJECTS) build/ksyms1.o
else
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJECTS)
endif

# ---- Host tools -----------------------------------------------------------------------------------------------

HOST_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -Ikernel/include -Ilib/include -Ikernel -Itools -Ibuild/gen
HOST_SHARED := $(patsubst tools/%.c,build/host/%.o,$(call flat,tools/lib/*.c)) \
	build/host/store/format.o build/host/store/verify.o build/host/object/layout.o build/host/prime/config.o build/host/prime/manifest.o

# The formats of the store and their checker are the kernel's.
build/host/object/%.o: kernel/object/%.c $(GEN)
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) -Iarch/x86 $(DEPEND) -c -o $@ $<

build/host/store/%.o: kernel/store/%.c
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPEND) -c -o $@ $<

# What the pack carries is read on the host as prime reads it.
build/host/prime/%.o: services/prime/%.c
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPEND) -c -o $@ $<

# What a foreign call's number is called.
build/gen/syscalls.h: build/config.mk
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)echo '#include <asm/unistd_64.h>' | $(CC) -E -dM - | sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' | LC_ALL=C sort > $@

build/host/%.o: tools/%.c $(GEN) build/gen/syscalls.h
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) $(DEPEND) -c -o $@ $<

HOST_TOOLS := $(patsubst tools/%.c,build/%,$(call flat,tools/*.c))
build/keros: $(patsubst tools/%.c,build/host/%.o,$(wildcard tools/verbs/*.c))
$(HOST_TOOLS): build/%: build/host/%.o $(HOST_SHARED)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) -o $@ $^

# Who exists at first boot (doc/manifest.md).
build/system.manifest: apps/system.lua tools/manifest.lua
	$(call say,SYSTEM,$<)
	$(Q)$(LUA) tools/manifest.lua records $< > $@

build/base.tree: build/mktree tools/base.manifest build/config.mk
	$(call say,TREE,$@)
	$(Q)build/mktree --manifest tools/base.manifest --busybox $(BUSYBOX) --bash $(BASH_STATIC) -o $@

# ---- Programs for the sandbox: ordinary static Linux binaries ---------------------------------------------------

PROGRAMS_MUSL := $(patsubst tests/programs/%.c,build/programs/%,$(sort $(wildcard tests/programs/*.c)))
PROGRAMS_GLIBC := $(patsubst tests/programs/glibc/%.c,build/programs/%,$(sort $(wildcard tests/programs/glibc/*.c)))

$(PROGRAMS_MUSL): build/programs/%: tests/programs/%.c
	$(call say,MUSL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSL_CC) -std=gnu11 -O2 -Wall -Wextra -static -o $@ $<

$(PROGRAMS_GLIBC): build/programs/%: tests/programs/glibc/%.c
	$(call say,GLIBC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -static -o $@ $<

# Lua and dash from the distribution's sources, as configure fetched and checked them.
build/programs/lua: build/config.mk
	$(call say,MUSL,$@)
	$(Q)sh tools/build-lua.sh build/src/$(LUA_TARBALL) $@

build/programs/dash: build/config.mk
	$(call say,MUSL,$@)
	$(Q)sh tools/build-dash.sh build/src/$(DASH_TARBALL) $@

PROGRAMS := $(PROGRAMS_MUSL) $(PROGRAMS_GLIBC) $(if $(LUA_TARBALL),build/programs/lua) $(if $(DASH_TARBALL),build/programs/dash)

# ---- Unit tests -------------------------------------------------------------------------------------------------
# D/X_test.c is compiled with the sanitizers and linked with D/X.c and the files of its lines
#     /* TEST WITH: FILE... */
# if it does not include D/X.c itself.  Tests below kernel/ get the whole kernel over arch/hosted instead.

UNIT_TESTS := $(shell find kernel arch lib services compat posix-server lua-domain tools -name '*_test.c' 2>/dev/null | LC_ALL=C sort)
UNIT_BINARIES := $(patsubst %_test.c,build/test/%,$(UNIT_TESTS))
UNIT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -DKEROS_HOSTED

HOSTED_SOURCES := $(call deep,kernel,*.c) $(call flat,arch/hosted/*.c)
HOSTED_OBJECTS := $(patsubst %,build/hobj/%.o,$(HOSTED_SOURCES))

build/hobj/%.c.o: %.c $(GEN)
	$(call say,HCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -Ikernel/include -Ikernel -Ibuild/gen -Iarch/hosted $(DEPEND) -c -o $@ $<

build/hosted/libkernel.a: $(HOSTED_OBJECTS)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

unit_includes = $(if $(filter kernel/% arch/%,$(1)),-Ikernel/include -Ikernel -Ibuild/gen -Iarch/hosted,\
	$(NATIVE_INCLUDES) -Iposix-server -Itools)
unit_with = $(shell sed -n 's|.*TEST WITH: *\([^*]*\).*|\1|p' $(1))
unit_partner = $(if $(filter kernel/%,$(1)),build/hosted/libkernel.a,$(shell grep -q 'include "$(notdir $(2))"' $(1) || ls $(2) 2>/dev/null))

define unit
build/test/$(1:_test.c=): $(1) $(call unit_partner,$(1),$(1:_test.c=.c)) $(call unit_with,$(1)) $(GEN)
	$$(call say,UNIT,$(1))
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(UNIT_CFLAGS) $(call unit_includes,$(1)) -I$(dir $(1)) -MMD -MP -MF $$@.d -o $$@ $$(filter %.c %.a,$$^) -lcmocka
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit,$(t))))

# ---- Parts with rules of their own ------------------------------------------------------------------------------

-include $(sort $(wildcard */rules.mk */*/rules.mk apps/*/*.mk))

# ---- What to type -----------------------------------------------------------------------------------------------

SUITES := unit boot posix keykos store lua share escape assess

.PHONY: help all run test bench clean distclean programs unit-tests unit-list assess-reports
help:
	@echo 'make run                 set up, build, and open the shell (Ctrl-A X leaves); it lives in DISK=keros.disk'
	@echo 'make test                run every suite: $(SUITES)'
	@echo 'make test SUITE=NAME     run one suite; ONLY=WORD runs the tests whose name has WORD'
	@echo 'make bench               measure, beside Linux in the same QEMU'
	@echo 'make cuts N=... SEED=... power cuts and disk faults of the store, hosted; also: make kills, make images'
	@echo 'make torment, mutants    the kernel in its harshest world; do the store'\''s tests notice bugs put into it?'
	@echo 'make bench-run           what a share of the host costs, beside Linux'
	@echo 'make all                 build what runs, run nothing; programs, unit-tests: what only tests use'
	@echo 'make doc, idl-check      write, or check, doc/object from idl/; assess-reports: doc/assess, again'
	@echo 'make clean, distclean    remove what was built; also what configure found'
	@echo './keros help             the command that the build makes'

all: build/kernel.elf $(NATIVE_FILES) $(KEYKOS_FILES) $(HOST_TOOLS) build/base.tree build/system.manifest

programs: $(PROGRAMS)

# The reports of doc/assess, again; some minutes.
assess-reports: all programs
	@sh doc/assess/examples.sh
unit-tests: $(UNIT_BINARIES)
# What tests/run runs: what an earlier state of the tree left in build/test is none of it.
unit-list:
	@printf '%s\n' $(UNIT_BINARIES)

# One life: the system lives in keros.disk, and goes on where it was; `make run DISK=` has none.
DISK ?= keros.disk
run: all
	@build/keros shell $(if $(DISK),--disk '$(DISK)'); [ $$? -ne 125 ]      # the shell's own status is no failure of make's; 125 is the machine's

test: all programs $(if $(filter unit,$(or $(SUITE),unit)),unit-tests)
	@exec $(PYTHON) tests/run $(SUITE) $(if $(ONLY),--only '$(ONLY)')


clean:
	@rm -rf build/bin build/debug build/native build/obj build/kobj build/hobj build/host build/hosted build/lib build/gen build/test \
		build/programs build/base.tree build/system.manifest build/*.elf build/ksyms* $(HOST_TOOLS)

distclean:
	@rm -rf build

-include $(shell find build/obj build/kobj build/hobj build/host build/test -name '*.d' 2>/dev/null)
