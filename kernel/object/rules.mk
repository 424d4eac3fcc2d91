# rules.mk - kernels of other layouts, for the test of going on with a stored system (tests/store/upgrade.py): they differ
# in what layout.h says and in nothing else.
VARIANT_DIFFER := kernel/object/layout.c kernel/object/persist_open.c kernel/object/persist_save.c
VARIANT_SAME := $(filter-out $(VARIANT_DIFFER:%=build/kobj/%.o),$(KERNEL_OBJECTS))

# $(call variant,NAME,LAYOUT_NOW,LAYOUT_OLDEST)
define variant
build/variant/$(1)/%.c.o: %.c $(GEN)
	$$(call say,KCC,$$<)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(CC) $(KERNEL_CFLAGS) $(KERNEL_INCLUDES) -DLAYOUT_NOW=$(2) -DLAYOUT_OLDEST=$(3) -MMD -MP -MF $$(@:.o=.d) -c -o $$@ $$<

build/variant/$(1).elf: $(VARIANT_DIFFER:%=build/variant/$(1)/%.o) $(VARIANT_SAME) build/kernel.elf
	$$(call say,LINK,$$@)
	$$(Q)$(KERNEL_LINK) -o $$@ $$(filter %.o,$$^) build/ksyms0.o

programs: build/variant/$(1).elf
all: $$(wildcard build/variant/$(1).elf)
-include $$(wildcard build/variant/$(1)/kernel/object/*.d)
endef
$(eval $(call variant,older,3,3))
$(eval $(call variant,newer,5,5))

clean: clean-variant
.PHONY: clean-variant
clean-variant:
	@rm -rf build/variant
