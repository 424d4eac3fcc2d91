# lua-domain/rules.mk - Lua from the distribution's source, as it is, and the domain around it.
#
#   build/lua/src/            the source package's src/, unpacked
#   build/bin/lua-domain.elf  the native program

ifneq ($(LUA_TARBALL),)

LUA_SRC := build/lua/src
LUA_STAMP := build/lua/.unpacked
LUA_CORE := lapi lcode lctype ldebug ldo ldump lfunc lgc llex lmem lobject lopcodes lparser lstate lstring ltable ltm \
	lundump lvm lzio lauxlib lbaselib lcorolib ldblib lmathlib loslib lstrlib ltablib lutf8lib
LUA_OBJECTS := $(patsubst %,build/obj/lua/%.c.o,$(LUA_CORE))
CFLAGS_lua-domain := -I$(LUA_SRC) -Ilua-domain

$(LUA_STAMP): build/src/$(LUA_TARBALL) build/config.mk
	$(call say,UNPACK,$<)
	$(Q)mkdir -p build/lua
	$(Q)tar -C build/lua --strip-components=1 -xf $< && touch $@

# The frame pointer and the red zone as an ordinary build has them: the interpreter's speed is compared with that.
LUA_CFLAGS := -std=gnu99 -O2 -g -Wall -fno-stack-protector -mno-avx -fno-pic -no-pie -ffunction-sections -fdata-sections \
	-include lua-domain/config.h

build/obj/lua/%.c.o: $(LUA_STAMP) lua-domain/config.h lua-domain/stack.h
	$(call say,LUACC,$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(LUA_CFLAGS) -c -o $@ $(LUA_SRC)/$*.c

# The same Lua for the host, which compiles the libraries written in Lua: the format is this version's own.
LUA_HOST := build/lua/lua-host
$(LUA_HOST): $(LUA_STAMP)
	$(call say,HOSTCC,lua)
	$(Q)$(CC) -O1 -w -DLUA_USE_POSIX -o $@ $(filter-out $(LUA_SRC)/luac.c,$(addprefix $(LUA_SRC)/,$(addsuffix .c,$(LUA_CORE) linit liolib loadlib lua))) -lm

build/gen/lua_modules.h: $(LUA_HOST) lua-domain/embed.lua $(wildcard lua-domain/lua/*.lua)
	$(call say,LUAC,$(words $(wildcard lua-domain/lua/*.lua)) libraries)
	$(Q)$(LUA_HOST) lua-domain/embed.lua $@ $(sort $(wildcard lua-domain/lua/*.lua))
build/obj/lua-domain/modules.c.o: build/gen/lua_modules.h

KEYKOS_HEADERS := $(sort $(wildcard compat/keykos/include/*.h))
build/gen/keykos_names.h: lua-domain/keykos_names.lua $(KEYKOS_HEADERS)
	$(call say,NAMES,$(words $(KEYKOS_HEADERS)) headers)
	$(Q)mkdir -p $(@D)
	$(Q)$(LUA) lua-domain/keykos_names.lua $@ $(KEYKOS_HEADERS)
build/obj/lua-domain/keykos.c.o: build/gen/keykos_names.h

LUA_DOMAIN := build/bin/lua-domain.elf
# The writable memory begins with a node of its own (64 KiB), which an instance is given as a whole (lib/image.c).
LDFLAGS_lua-domain := -Wl,-z,norelro -Wl,--section-start=.data.rel.ro=0x4A0000
LUA_DOMAIN_SOURCES := $(call flat,lua-domain/*.c)
$(patsubst %,build/obj/%.o,$(LUA_DOMAIN_SOURCES)): $(LUA_STAMP)
$(eval $(call native,lua-domain,$(LUA_DOMAIN_SOURCES),$(LUA_DOMAIN)))
$(LUA_DOMAIN): $(LUA_OBJECTS)

endif
