-- manifest.lua - reads a system manifest (doc/manifest.md), and writes what prime reads, or a picture.
--
--	lua5.4 tools/manifest.lua records|dot FILE
--
-- The manifest is a Lua program that can call the words below and Lua's pure functions, and nothing else: no file, no
-- clock, no end to wait for. What it describes goes to standard output; a mistake in it is one line on standard error,
-- FILE:LINE: ENTRY, FIELD: what is wrong, and status 1.
--
-- Invariants
--   1. The output depends on the text of FILE alone.
--   2. What is written here passes services/prime/manifest.c; what would not work at boot is refused here.

local file, source_lines, entries, by_name = nil, {}, {}, {}

-- ---- complaints --------------------------------------------------------------------------------------------------

-- The line of the manifest that is being executed.
local function current_line()
	for level = 2, 30 do
		local info = debug.getinfo(level, "Sl")
		if not info then return 0 end
		if info.source == "@" .. file then return info.currentline end
	end
	return 0
end

local function fail(line, text, ...)
	io.stderr:write(("%s:%d: %s\n"):format(file, line, text:format(...)))
	os.exit(1)
end

-- Where a field of the entry that begins at `line` stands: its own line if it can be found before the next entry.
local function field_line(line, key)
	local pattern = math.type(key) and "%[%s*0?x?" .. key .. "%s*%]%s*=" or
		"%f[%w_]" .. tostring(key):gsub("%W", "%%%0") .. "%s*="
	for at = line, #source_lines do
		local text = source_lines[at]:gsub("%-%-.*", "")
		if at > line and (text:find("^%s*domain%s") or text:find("^%s*constructor%s")) then break end
		if text:find(pattern) then return at end
	end
	return line
end

local function fail_field(entry, key, text, ...)
	fail(field_line(entry.line, key), "%s, %s: %s", entry.title, math.type(key) and "[" .. key .. "]" or tostring(key),
		text:format(...))
end

-- ---- sources: where capabilities come from.  Order MANIFEST_SOURCE. -----------------------------------------------

local source = {}                       -- the metatable of all of them

local function make(kind, name, a, b, label)
	return setmetatable({ kind = kind, name = name or "-", a = a or 0, b = b or 0, label = label, line = current_line() },
		source)
end

local function expect(word, what, value, kind)
	if math.type(value) ~= kind and type(value) ~= kind then
		fail(current_line(), "%s: %s must be %s %s, not %s", word, what, kind == "integer" and "an" or "a", kind,
			value == nil and "missing" or type(value))
	end
	return value
end

local function number(word, what, value, most)
	expect(word, what, value, "integer")
	if value < 0 or value > most then
		fail(current_line(), "%s: %s is %d, allowed are 0 to %d", word, what, value, most)
	end
	return value
end

local function one_of(word, value, list)
	for known in list:gmatch("%S+") do
		if known == value then return value end
	end
	fail(current_line(), "%s: no '%s'; there are %s", word, tostring(value), (list:gsub(" ", ", ")))
end

-- 4096 = frames of 4 KiB; "16M" and "64K" are bytes.
local function frames(word, value)
	local n, unit = tostring(value):match("^(%d+)([KMG]?)$")
	if not n then fail(current_line(), "%s: limit '%s' is not a size; try \"16M\"", word, tostring(value)) end
	return math.tointeger(tonumber(n)) * ({ [""] = 1, K = 0, M = 256, G = 262144 })[unit] +
		(unit == "K" and (tonumber(n) + 3) // 4 or 0)
end

local rights = { alloc = 1, free = 2, sub = 4, destroy = 8, limit = 16, all = 31 }
local kernel_names = "discrim proctool keybits timer irq ioport physmem checkpoint systrace sync schedule log range"
local session_names = "bank schedule stdio report keeper record grants"
local words = { named_by_run = "?" }

function words.kernel(name)
	return make("kernel", one_of("kernel", name, kernel_names), 0, 0, name)
end

function words.bank(options)
	local bits, limit = 0, 0
	options = expect("bank", "its argument", options or {}, "table")
	for key, value in pairs(options) do
		if key == "limit" then
			limit = frames("bank", value)
		elseif key ~= "rights" then
			fail(current_line(), "bank: no option '%s'; there are rights and limit", tostring(key))
		end
	end
	for word in expect("bank", "rights", options.rights or "alloc free sub", "string"):gmatch("%S+") do
		one_of("bank", word, "alloc free sub destroy limit all")
		bits = bits | rights[word]
	end
	return make("bank", nil, bits, limit, bits == 31 and limit == 0 and "bank: all of it" or
		limit > 0 and ("bank: %d KiB"):format(limit * 4) or "bank")
end

function words.schedule(priority)
	return make("schedule", nil, number("schedule", "priority", priority, 15), 0, "schedule " .. tostring(priority))
end

function words.start(name, data)
	expect("start", "the domain's name", name, "string")
	return make("start", name, data and number("start", "data", data, 0xFFFF) or 0x10000, 0, "start")
end

function words.stream(console, session, channel)
	expect("stream", "the console's name", console, "string")
	return make("stream", console, number("stream", "session", session, 15), number("stream", "channel", channel, 3),
		("stream %d.%d"):format(session, channel))
end

function words.yields(name)
	return make("yields", expect("yields", "the constructor's name", name, "string"), 0, 0, "yields")
end

function words.image(program)
	return make("image", expect("image", "the program", program, "string"), 0, 0, "image")
end

-- Of a domain or constructor that may not exist in this run: then void.
function words.if_there(capability)
	if getmetatable(capability) ~= source or capability.kind ~= "start" and capability.kind ~= "yields" then
		fail(current_line(), "if_there: takes start \"NAME\" or yields \"NAME\"")
	end
	capability.b = 1
	return capability
end

function words.tree(name)
	return make("tree", one_of("tree", name, "base overlay"), 0, 0, "tree " .. name)
end

function words.number(low, high)
	return make("number", nil, number("number", "its value", low, math.maxinteger),
		number("number", "its upper half", high or 0, (1 << 48) - 1), ("number %d"):format(low))
end

function words.session(name, priority)
	one_of("session", name, session_names)
	if name == "schedule" then number("session", "priority", priority, 15) end
	return make("session", name, priority or 0, 0, name)
end

-- ---- entries -------------------------------------------------------------------------------------------------------

local registers = { bank = 4, schedule = 5, log = 6, returner = 7 }
local domain_fields = { does = "string", program = "string", when = "string", for_each = "string", priority = "integer",
	data = "integer", optional = "boolean", holds = "table" }
local constructor_fields = { does = "string", program = "string", when = "string", confined = "boolean",
	components = "table" }

local function check_fields(entry, fields, known)
	for key, value in pairs(fields) do
		local kind = known[key]
		if not kind then
			local all = {}
			for name in pairs(known) do all[#all + 1] = name end
			table.sort(all)
			fail_field(entry, key, "there is no such field; a %s has %s", entry.kind, table.concat(all, ", "))
		end
		if type(value) ~= kind and math.type(value) ~= kind then
			fail_field(entry, key, "must be %s %s, not %s", kind == "integer" and "an" or "a", kind, type(value))
		end
	end
	for _, key in ipairs { "program", "when", "for_each" } do
		local value = fields[key]
		if value and (value == "" or value:find("[%c ]")) then fail_field(entry, key, "'%s' is not one word", value) end
	end
end

-- What an entry refers to must stand above it: prime makes things in order.
local function check_reference(entry, key, s)
	local wanted = (s.kind == "start" or s.kind == "stream") and "domain" or s.kind == "yields" and "constructor"
	if not wanted or s.kind == "start" and s.name == "prime" then return end
	local other = by_name[wanted .. " " .. s.name]
	if not other then
		fail_field(entry, key, "there is no %s '%s' above; an entry can only refer to those before it", wanted, s.name)
	end
	if other.for_each then fail_field(entry, key, "'%s' exists once for each session; nobody else can reach it", s.name) end
	if other.when ~= "always" and other.when ~= entry.when and s.b == 0 then
		fail_field(entry, key, "'%s' exists only when \"%s\", this entry when \"%s\"; if_there(%s \"%s\") is void without it",
			s.name, other.when, entry.when, s.kind, s.name)
	end
end

local function take_slots(entry, fields, field, first, last)
	local taken = {}
	for key, value in pairs(fields[field] or {}) do
		local slot = field == "holds" and registers[key] or key
		if math.type(slot) ~= "integer" or slot < first or slot > last then
			fail_field(entry, key, "is no %s; there are %d to %d%s", field == "holds" and "register" or "component", first,
				last, field == "holds" and ", bank, schedule, log and returner" or "")
		end
		if getmetatable(value) ~= source then
			fail_field(entry, key, "is %s, not a capability; write for example kernel \"timer\"",
				value == nil and "nothing" or "a " .. type(value))
		end
		if taken[slot] then fail_field(entry, key, "register %d is given twice", slot) end
		if value.kind == "session" and not entry.for_each then
			fail_field(entry, key, "only what exists for_each session can hold its %s", value.name)
		end
		check_reference(entry, key, value)
		taken[slot] = true
		entry.grants[#entry.grants + 1] = { slot = slot, source = value }
	end
	table.sort(entry.grants, function(x, y) return x.slot < y.slot end)
end

local function add(kind, name, fields, line)
	local entry = { kind = kind, name = name, title = ("%s \"%s\""):format(kind, tostring(name)), line = line, grants = {} }

	if type(name) ~= "string" or not name:find("^[%w_.-]+$") or #name > 39 then
		fail(line, "a %s's name is a word of at most 39 letters, digits, '-', '_' and '.'", kind)
	end
	if type(fields) ~= "table" then fail(line, "%s needs a table of fields after its name", entry.title) end
	local key = kind .. " " .. name
	if by_name[key] or name == "prime" or name == "bank" then
		fail(line, "%s: there is one already%s", entry.title, by_name[key] and " at line " .. by_name[key].line or "")
	end
	if #entries == 32 then fail(line, "%s: more than 32 entries", entry.title) end
	check_fields(entry, fields, kind == "domain" and domain_fields or constructor_fields)
	entry.program, entry.when, entry.does = fields.program or name, fields.when or "system", fields.does
	entry.for_each, entry.optional, entry.confined = fields.for_each, fields.optional, fields.confined
	if kind == "domain" then
		entry.priority = fields.priority
		if not entry.priority then fail(line, "%s, priority: is missing", entry.title) end
		if entry.priority < 0 or entry.priority > 15 then fail_field(entry, "priority", "is not of 0 to 15") end
		entry.data = fields.data or 0
		if entry.data < 0 or entry.data > 0xFFFF then fail_field(entry, "data", "is not of 0 to 0xFFFF") end
		if entry.program == "?" and entry.when ~= "native" then
			fail_field(entry, "program", "the run names one only when = \"native\"")
		end
		take_slots(entry, fields, "holds", 1, 31)
	else
		if not by_name["domain constructor"] then
			fail(line, "%s: the domain \"constructor\", which makes it, must stand above", entry.title)
		end
		take_slots(entry, fields, "components", 0, 15)
	end
	entries[#entries + 1], by_name[key] = entry, entry
end

for _, kind in ipairs { "domain", "constructor" } do
	words[kind] = function(name)
		local line = current_line()
		return function(fields) add(kind, name, fields, line) end
	end
end

-- ---- reading -------------------------------------------------------------------------------------------------------

local STEPS = 10000000                  -- of the interpreter: far beyond any manifest

local function read(path)
	local input, why = io.open(path, "rb")
	if not input then
		io.stderr:write(why, "\n")
		os.exit(1)
	end
	local text = input:read("a")
	input:close()
	for line in (text .. "\n"):gmatch("(.-)\r?\n") do source_lines[#source_lines + 1] = line end
	file = path

	local known = { ipairs = ipairs, pairs = pairs, tostring = tostring, tonumber = tonumber, type = type,
		string = string, table = table, math = math }
	local environment = setmetatable({}, { __index = function(_, key)
		local value = words[key] or known[key]
		if value == nil then
			fail(current_line(), "'%s' is no word of a manifest; there are %s", tostring(key),
				"domain, constructor, kernel, bank, schedule, start, stream, yields, image, tree, number, session, if_there, named_by_run")
		end
		return value
	end })
	local chunk, message = load(text, "@" .. path, "t", environment)
	if not chunk then
		io.stderr:write(message, "\n")
		os.exit(1)
	end
	debug.sethook(function() fail(current_line(), "the manifest does not come to an end") end, "", STEPS)
	local ok, problem = xpcall(chunk, function(text) return tostring(text) end)
	debug.sethook()
	if not ok then
		io.stderr:write(problem, "\n")
		os.exit(1)
	end
	if #entries == 0 then fail(1, "the manifest describes nothing; it needs domain \"NAME\" { ... }") end
end

-- ---- writing -------------------------------------------------------------------------------------------------------

local function write_records()
	local out = {}
	local function put(...) out[#out + 1] = table.concat({ ... }) .. "\0" end

	for _, e in ipairs(entries) do
		put(e.kind, "=", e.name)
		put("program=", e.program)
		put("when=", e.when)
		if e.for_each then put("for_each=", e.for_each) end
		if e.priority then put("priority=", e.priority) end
		if e.data and e.data ~= 0 then put("data=", e.data) end
		if e.optional then put("optional=1") end
		if e.confined then put("confined=1") end
		for _, g in ipairs(e.grants) do
			put(("give=%d %s %s %d %d"):format(g.slot, g.source.kind, g.source.name, g.source.a, g.source.b))
		end
	end
	io.write(table.concat(out))
end

-- One colour a kind; what reaches the world outside is red.
local colours = { kernel = "gray40", bank = "darkgreen", schedule = "gray60", start = "black", stream = "blue",
	yields = "purple", image = "gray60", tree = "sienna", number = "gray60", session = "darkgreen" }
local devices = { irq = true, ioport = true, physmem = true, log = true, schedule = true, range = true }

local function quote(text)
	return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end

-- A box's text: the name, and what it does in lines of some 30 letters.
local function box_label(e)
	local text, line = e.name .. (e.for_each and " (one for each " .. e.for_each .. " session)" or ""), ""
	for word in (e.does or ""):gmatch("%S+") do
		if #line + #word > 30 then
			text, line = text .. "\\n" .. line, ""
		end
		line = line == "" and word or line .. " " .. word
	end
	return quote(text .. (line ~= "" and "\\n" .. line or "")):gsub("\\\\n", "\\n")
end

local function write_dot()
	local others, order = {}, {}
	local function other(id, label, shape, colour)
		if not others[id] then
			others[id] = ("  %s [label=%s, shape=%s, color=%s, fontcolor=%s];\n"):format(quote(id), quote(label), shape, colour,
				colour)
			order[#order + 1] = others[id]
		end
		return quote(id)
	end
	local function target(s)
		if s.kind == "kernel" then
			return other("kernel " .. s.name, s.name, "ellipse", devices[s.name] and "red" or "gray40")
		elseif s.kind == "bank" then return other("bank", "the space bank", "box", "darkgreen")
		elseif s.kind == "stream" then return quote("domain " .. s.name)
		elseif s.kind == "yields" then return quote("constructor " .. s.name)
		elseif s.kind == "start" and s.name ~= "prime" then return quote("domain " .. s.name)
		elseif s.kind == "start" then return other("prime", "prime", "box", "black")
		elseif s.kind == "session" then return other("session", "what one session gets", "folder", "darkgreen")
		elseif s.kind == "image" then return other("image " .. s.name, "image of " .. s.name, "note", "gray60")
		elseif s.kind == "tree" then return other("tree " .. s.name, "file tree: " .. s.name, "folder", "sienna")
		else return other("number", "numbers and schedules", "plaintext", "gray60") end
	end

	io.write("digraph system {\n  rankdir=LR; concentrate=false; node [fontname=\"sans-serif\", fontsize=11];\n",
		"  edge [fontname=\"sans-serif\", fontsize=9];\n  label=\"Who holds what at the first boot (", file:gsub(".*/", ""),
		")\"; labelloc=t;\n")
	for _, e in ipairs(entries) do
		io.write(("  %s [label=%s, shape=box%s%s];\n"):format(quote(e.kind .. " " .. e.name), box_label(e),
			e.kind == "constructor" and ", peripheries=2" or "", e.when ~= "system" and e.when ~= "always" and
			", style=dashed" or ""))
	end
	local edges = {}
	for _, e in ipairs(entries) do
		for _, g in ipairs(e.grants) do
			local red = g.source.kind == "kernel" and devices[g.source.name]
			edges[#edges + 1] = ("  %s -> %s [label=%s, color=%s, fontcolor=%s];\n"):format(quote(e.kind .. " " .. e.name),
				target(g.source), quote(g.slot .. ": " .. g.source.label), red and "red" or colours[g.source.kind],
				red and "red" or colours[g.source.kind])
		end
		if e.kind == "constructor" then
			edges[#edges + 1] = ("  %s -> %s [label=\"made by\", style=dotted];\n"):format(quote("constructor " .. e.name),
				quote("domain constructor"))
		end
	end
	io.write(table.concat(order), table.concat(edges), "}\n")
end

local how, path = arg[1], arg[2]
if #arg ~= 2 or how ~= "records" and how ~= "dot" then
	io.stderr:write("usage: lua5.4 tools/manifest.lua records|dot FILE\n")
	os.exit(2)
end
read(path)
if how == "records" then write_records() else write_dot() end
