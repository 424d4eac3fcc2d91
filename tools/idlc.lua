--[[
idlc.lua - the interface compiler: from idl/*.idl everything else about an interface.

	lua5.4 tools/idlc.lua OUTPUT DOC FILE.idl...      writes all of the below
	lua5.4 tools/idlc.lua --check DOC FILE.idl...     writes nothing; fails if a page in DOC is stale

It writes, for an interface NAME,
	OUTPUT/keros/NAME.h    order codes, client stubs, struct NAME_server, NAME_serve
	OUTPUT/kernel/NAME.h   kernel interfaces only: prototypes NAME_op_OP and NAME_dispatch
	OUTPUT/fuzz.h          one table with a row for every operation, for the fuzzers
	OUTPUT/ops.h           the same with the names of what goes each way, for the trace decoder
	OUTPUT/lua_tables.h    every interface as constant tables, with its texts: the Lua domain's methods and help
	DOC/NAME.md            the reference page; the committed copies show a change of the ABI in a diff
	DOC/README.md          the index, with the capability types of kernel/object/captype.def

Invariants
	1. Every error names FILE:LINE, and nothing is written unless all files are sound.
	2. The output depends on the input alone, and a file whose content stays the same is not touched,
	   so that a change to one interface recompiles only what uses it.

The parts are in tools/idl/: text (errors, files), parse, c (NAME.h), tables (fuzz.h, ops.h, lua_tables.h), pages.  The
grammar is in idl/README.md; the names of what is generated are explained at emit_client and emit_server in c.lua.
]]

local here = arg[0]:match("^(.*/)") or "./"
package.path = here .. "idl/?.lua;" .. package.path
local text = require "text"
local parse = require "parse"
local c = require "c"
local tables = require "tables"
local pages = require "pages"

local function load_interfaces(files)
	local interfaces, names, types = {}, {}, {}
	table.sort(files)
	for _, file in ipairs(files) do
		local source = text.read_file(file)
		if not source then text.fail(file, 0, "cannot be read") end
		for _, interface in ipairs(parse(file, source)) do
			local other = names[interface.name]
			if other then text.fail(file, interface.line, "interface '%s' is also in %s", interface.name, other) end
			if types[interface.type] then
				text.fail(file, interface.line, "'%s' and '%s' allege the same type", interface.name, types[interface.type])
			end
			names[interface.name], types[interface.type] = file, interface.name
			for _, op in ipairs(interface.ops) do c.name_parameters(op) end
			interfaces[#interfaces + 1] = interface
		end
	end
	return interfaces
end

-- Whether the pages are what the interfaces say; names those that are not.
local function is_current(reference)
	local current = true
	for path, content in pairs(reference) do
		if text.read_file(path) ~= content then
			io.stderr:write(path, ": not what idl/ says; run make doc and look at the difference\n")
			current = false
		end
	end
	return current
end

local function main(arguments)
	local checking = arguments[1] == "--check"
	local output, doc = arguments[1], arguments[2]
	local files = table.move(arguments, 3, #arguments, 1, {})
	if #files == 0 then
		io.stderr:write("usage: idlc.lua OUTPUT|--check DOC FILE.idl...\n")
		os.exit(2)
	end
	local interfaces = load_interfaces(files)
	local reference = { [doc .. "/README.md"] = pages.index(interfaces) }
	for _, interface in ipairs(interfaces) do reference[doc .. "/" .. interface.name .. ".md"] = pages.page(interface) end
	if checking then os.exit(is_current(reference)) end
	if doc ~= "-" then
		for path, content in pairs(reference) do text.write_if_changed(path, content) end
	end
	for _, interface in ipairs(interfaces) do
		text.write_if_changed(output .. "/keros/" .. interface.name .. ".h", c.user_header(interface))
		if interface.kind == "kernel" then
			text.write_if_changed(output .. "/kernel/" .. interface.name .. ".h", c.kernel_header(interface))
		end
	end
	text.write_if_changed(output .. "/fuzz.h", tables.fuzz(interfaces))
	text.write_if_changed(output .. "/ops.h", tables.ops(interfaces))
	text.write_if_changed(output .. "/lua_tables.h", tables.lua_tables(interfaces))
end

main(arg)
