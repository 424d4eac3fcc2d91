-- tables.lua - all interfaces as constant C tables, for programs that learn at run time what an operation is.
local text = require "text"
local tables = {}

-- A row for every operation, sorted as in the files, for programs that throw messages at objects.
function tables.fuzz(interfaces)
	local out, finish = text.writer()
	out "/* fuzz.h - every operation of every interface, made by tools/idlc.lua; do not edit. */"
	out "#ifndef KEROS_GEN_FUZZ_H"
	out "#define KEROS_GEN_FUZZ_H"
	out "#include <stdint.h>"
	out ""
	out "struct fuzz_op {"
	out "\tconst char *interface, *op;"
	out "\tuint32_t type;                 /* alleged type */"
	out "\tuint32_t first, last;          /* order codes */"
	out "\tuint8_t kernel, nwords, ncaps; /* what it takes */"
	out "\tuint32_t string_max;           /* 0: takes no string */"
	out "};"
	out ""
	out "static const struct fuzz_op fuzz_ops[] = {"
	local count = 0
	for _, interface in ipairs(interfaces) do
		for _, op in ipairs(interface.ops) do
			local max = 0
			for _, p in ipairs(op.inputs) do max = p.max or max end
			out(("\t{ %q, %q, 0x%04Xu, %du, %du, %d, %d, %d, %du },"):format(interface.name, op.name, interface.type,
				op.first, op.last, interface.kind == "kernel" and 1 or 0, op.input_counts.word, op.input_counts.cap, max))
			count = count + 1
		end
	end
	out "};"
	out(("#define FUZZ_OPS %d"):format(count))
	out "#endif"
	return finish()
end

-- A row for every operation with the names of what goes each way, for whoever shows messages to people.
function tables.ops(interfaces)
	local out, finish = text.writer()
	local function names(list)
		local parts = {}
		for _, p in ipairs(list) do
			if p.kind ~= "order" then parts[#parts + 1] = p.kind:sub(1, 1) .. p.name end
		end
		return table.concat(parts, " ")
	end
	out "/* ops.h - every operation of every interface by name, made by tools/idlc.lua; do not edit. */"
	out "#ifndef KEROS_GEN_OPS_H"
	out "#define KEROS_GEN_OPS_H"
	out "#include <stdint.h>"
	out ""
	out "/* in, out: names divided by spaces, each after its kind: w a word, c a capability, s the string. */"
	out "struct idl_op { const char *interface, *op; uint32_t first, last; const char *in, *out; };"
	out ""
	out "static const struct idl_op idl_ops[] = {"
	for _, interface in ipairs(interfaces) do
		for _, op in ipairs(interface.ops) do
			out(("\t{ %q, %q, %du, %du, %q, %q },"):format(interface.name, op.name, op.first, op.last, names(op.inputs),
				names(op.outputs)))
		end
	end
	out "};"
	out "#endif"
	return finish()
end

-- Constant C tables of all of it, for programs that learn at run time what they call (lua-domain/bindings.h has the
-- structs).  An argument's unit is the first word of its note, or of its name's end, that is one.
local UNITS = { bytes = "BYTES", frames = "FRAMES", pages = "FRAMES", ns = "NS" }

local function unit_of(p)
	if p.kind ~= "word" then return "NONE" end
	local unit = UNITS[p.name:match("_(%a+)$") or p.name]
	for word in (p.note or ""):gmatch("%a+") do unit = unit or UNITS[word] end
	return unit or "NONE"
end

function tables.lua_tables(interfaces)
	local out, finish = text.writer()
	local function quote(words)
		return words and '"' .. words:gsub('[\\"]', "\\%0"):gsub("\n", " ") .. '"' or "NULL"
	end
	out "/* lua_tables.h - every interface of idl/, made by tools/idlc.lua; do not edit. */"
	out "#ifndef KEROS_GEN_LUA_TABLES_H"
	out "#define KEROS_GEN_LUA_TABLES_H"
	local function emit_list(name, list)
		if #list == 0 then return "NULL" end
		out(("static const struct idl_param %s[] = {"):format(name))
		for _, p in ipairs(list) do
			out(("\t{ IDL_%s, %d, IDL_%s, %du, %s, %s },"):format(p.kind:upper(), p.index, unit_of(p), p.max or 0, quote(p.name),
				quote(p.note)))
		end
		out "};"
		return name
	end
	for _, interface in ipairs(interfaces) do
		local rows = {}
		for _, op in ipairs(interface.ops) do
			local stem = ("%s__%s"):format(interface.name, op.name)
			local inputs = emit_list(stem .. "_in", op.inputs)
			local outputs = emit_list(stem .. "_out", op.outputs)
			local errors = "NULL"
			if #op.errors > 0 then
				errors = stem .. "_errors"
				out(("static const struct idl_error %s[] = {"):format(errors))
				for _, e in ipairs(op.errors) do out(("\t{ %s, %s, %s },"):format(e.code, quote(e.code), quote(e.why))) end
				out "};"
			end
			rows[#rows + 1] = ("\t{ %s, %s, %du, %du, %d, %d, %d, %s, %s, %s },"):format(quote(op.name), quote(op.doc), op.first,
				op.last, #op.inputs, #op.outputs, #op.errors, inputs, outputs, errors)
		end
		out(("static const struct idl_op %s__ops[] = {"):format(interface.name))
		for _, row in ipairs(rows) do out(row) end
		out "};"
	end
	out "static const struct idl_interface idl_interfaces[] = {"
	for _, interface in ipairs(interfaces) do
		out(("\t{ %s, %s, 0x%04Xu, %d, %d, %s__ops },"):format(quote(interface.name), quote(table.concat(interface.docs, " ")),
			interface.type, interface.kind == "kernel" and 1 or 0, #interface.ops, interface.name))
	end
	out "};"
	out(("#define IDL_INTERFACES %d"):format(#interfaces))
	out "#endif"
	return finish()
end

return tables
