-- pages.lua - the reference page of an interface, and the index of them.
local text = require "text"
local pages = {}

local PLACE = {
	order = function(p) return "added to the order code" end,
	word = function(p) return "w" .. p.index end,
	cap = function(p) return "capability position " .. p.index end,
	string = function(p) return ("string, at most %d bytes"):format(p.max) end,
}

-- Where it is implemented and tested, by the rule that an object's files have its name; what is elsewhere is not said.
local SOURCES = { "kernel/object/%s.c", "services/%s/main.c" }
local TESTS = { "kernel/object/%s_test.c", "tests/native/t_%s.c" }

local function existing(patterns, name)
	local found = {}
	for _, pattern in ipairs(patterns) do
		local path = pattern:format(name)
		if text.read_file(path) then found[#found + 1] = "`" .. path .. "`" end
	end
	return table.concat(found, ", ")
end

local function page_source(out, name)
	local sources, tests = existing(SOURCES, name), existing(TESTS, name)
	if sources == "" then return end
	out "## SOURCE"
	out ""
	out(sources .. (tests ~= "" and "; tests: " .. tests or "") .. ".")
end

local function signature(op)
	local function names(list)
		local parts = {}
		for _, p in ipairs(list) do parts[#parts + 1] = p.kind .. " " .. p.name end
		return table.concat(parts, ", ")
	end
	return ("%s(%s) -> (%s)"):format(op.name, names(op.inputs), names(op.outputs))
end

local function page_parameters(out, title, list)
	if #list == 0 then return end
	out("| " .. title .. " | where | meaning |")
	out "|---|---|---|"
	for _, p in ipairs(list) do
		out(("| %s | %s | %s |"):format(p.name, PLACE[p.kind](p), p.note or ""))
	end
	out ""
end

-- doc/object/NAME.md
function pages.page(interface)
	local out, finish = text.writer()
	out("# " .. interface.name)
	out ""
	out(("<!-- made from %s by tools/idlc.lua; do not edit -->"):format(interface.file))
	out ""
	out(("Alleged type `0x%04X`, answered in w0 to order code KT (2^31). Implemented by %s."):format(interface.type,
		interface.kind == "kernel" and "the kernel" or "a service, a process outside the kernel"))
	out ""
	out "## DESCRIPTION"
	out ""
	for _, paragraph in ipairs(interface.docs) do out(paragraph .. "\n") end
	out "Whoever holds the capability may call every operation, except where an error below says which right is missing."
	out "A void or rescinded capability answers RC_VOID to everything; an order code that is not listed, RC_UNKNOWN."
	out ""
	out "## OPERATIONS"
	out ""
	for _, op in ipairs(interface.ops) do
		out("### " .. op.name)
		out ""
		out(("Order code %s. `%s`"):format(op.last > op.first and op.first .. ".." .. op.last or op.first, signature(op)))
		out ""
		if op.doc then out(op.doc .. "\n") end
		page_parameters(out, "argument", op.inputs)
		page_parameters(out, "result", op.outputs)
		if #op.errors > 0 then
			out "| error | when |"
			out "|---|---|"
			for _, e in ipairs(op.errors) do out(("| %s | %s |"):format(e.code, e.why)) end
			out ""
		end
	end
	page_source(out, interface.name)
	return finish()
end

-- The index: the capability types from the kernel's own table, then the interfaces.
local CAPTYPE_FILE = "kernel/object/captype.def"

function pages.index(interfaces)
	local out, finish = text.writer()
	local known = {}
	for _, interface in ipairs(interfaces) do known[interface.name] = true end
	out "# Objects"
	out ""
	out(("<!-- made from %s and idl/ by tools/idlc.lua; do not edit -->"):format(CAPTYPE_FILE))
	out ""
	out "The types of capability that the kernel knows:"
	out ""
	out "| number | type | names | in a memory tree | what it is |"
	out "|---|---|---|---|---|"
	local source, line = text.read_file(CAPTYPE_FILE) or "", 0
	for row in (source .. "\n"):gmatch("(.-)\n") do
		line = line + 1
		if row:match("^CAPTYPE%(") then
			local number, name, target, memory, doc =
				row:match('^CAPTYPE%(%s*(%d+),%s*[%w_]+,%s*([%w_]+),%s*([%w_]+),%s*(%d),%s*"(.*)"%)')
			if not number then text.fail(CAPTYPE_FILE, line, "a row that is not CAPTYPE(number, NAME, name, target, 0|1, \"doc\")") end
			out(("| %s | %s | %s | %s | %s |"):format(number, known[name] and ("[%s](%s.md)"):format(name, name) or name,
				target == "NONE" and "-" or target:lower(), memory == "1" and "yes" or "no", doc))
		end
	end
	out ""
	out "The interfaces:"
	out ""
	out "| interface | alleged type | implemented by | in a sentence |"
	out "|---|---|---|---|"
	for _, interface in ipairs(interfaces) do
		out(("| [%s](%s.md) | `0x%04X` | %s | %s |"):format(interface.name, interface.name, interface.type,
			interface.kind == "kernel" and "kernel" or "service", (interface.docs[1] or ""):match("^(.-[.:])%s") or interface.docs[1] or ""))
	end
	return finish()
end

return pages
