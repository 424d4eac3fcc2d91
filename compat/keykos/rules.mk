# compat/keykos/rules.mk - the jump library (ILP32), the programs of apps/keykos, and the server of KeyKOS's objects.

KK := compat/keykos
KK_CFLAGS := -std=gnu11 -mx32 -O2 -ffreestanding -fno-builtin -fno-pic -fno-stack-protector -mno-red-zone -mgeneral-regs-only \
	-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include) -isystem $(KK)/include
KK_LIB_OBJECTS := $(patsubst $(KK)/lib/%,build/keykos/lib/%.o,$(filter-out %/pool.c,$(wildcard $(KK)/lib/*.c $(KK)/lib/*.S)))

build/keykos/lib/%.c.o: $(KK)/lib/%.c $(wildcard $(KK)/include/*.h $(KK)/lib/*.h)
	$(call say,X32CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KK_CFLAGS) -c -o $@ $<

build/keykos/lib/%.S.o: $(KK)/lib/%.S
	$(call say,X32AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -mx32 -c -o $@ $<

build/keykos/libkeykos.a: $(KK_LIB_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# Allocation on memory of the program's own: the same names as the heap's, so a program is linked with one of them.
build/keykos/libkeykos-pool.a: build/keykos/lib/pool.c.o
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

KK_PROGRAMS := $(patsubst apps/keykos/%.ck,build/keykos/%.kk,$(sort $(wildcard apps/keykos/*.ck)))

build/keykos/%.kk: apps/keykos/%.ck tools/keykos-cc tools/lib/dialect.lua build/keykos/libkeykos.a build/keykos/libkeykos-pool.a $(wildcard $(KK)/include/*.h) $(KK)/lib/program.ld
	$(call say,KKCC,$<)
	$(Q)$(LUA) tools/keykos-cc -Wall -Wextra -Werror --lib build/keykos/libkeykos.a -o $@ $<

# KeyKOS's objects that are domains: programs like any other.
KK_OBJECTS := $(patsubst $(KK)/object/%.ck,build/keykos/%.kk,$(sort $(wildcard $(KK)/object/*.ck)))

build/keykos/%.kk: $(KK)/object/%.ck $(wildcard $(KK)/object/*.h) tools/keykos-cc tools/lib/dialect.lua build/keykos/libkeykos.a build/keykos/libkeykos-pool.a $(wildcard $(KK)/include/*.h) $(KK)/lib/program.ld
	$(call say,KKCC,$<)
	$(Q)$(LUA) tools/keykos-cc -Wall -Wextra -Werror --lib build/keykos/libkeykos.a -I $(KK)/object -o $@ $<

$(eval $(call native,keykos,$(call flat,$(KK)/server/*.c),build/keykos/keykos.elf))
$(eval $(call native,keykos-cmd,$(call flat,$(KK)/command/*.c),build/keykos/keykos-cmd.elf))

KEYKOS_FILES := build/keykos/libkeykos.a build/keykos/libkeykos-pool.a $(KK_PROGRAMS) $(KK_OBJECTS)
