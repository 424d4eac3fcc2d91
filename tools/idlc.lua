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

The grammar is in idl/README.md; the names of what is generated are explained at emit_client and emit_server.
]]

local KINDS = { kernel = true, service = true }
local LIMITS = { word = 6, cap = 3, string = 1, order = 1 }
local STRING_MAX = 65536

-- Names that a C function cannot give to a parameter, or that the stubs use themselves.
local TAKEN = {}
for name in ([[auto break case char const continue default do double else enum extern float for goto if inline int
	long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
	m ctx server target result]]):gmatch("%S+") do
	TAKEN[name] = true
end

local function fail(file, line, format, ...)
	io.stderr:write(("%s:%d: %s\n"):format(file, line, format:format(...)))
	os.exit(1)
end

local function read_file(path)
	local handle = io.open(path, "rb")
	if not handle then return nil end
	local text = handle:read("a")
	handle:close()
	return text
end

---------------------------------------------------------------------------------------------------
-- Lexer.  A token is {kind, value, line}; kinds are name, number, string, a punctuation mark, end.

local function lex(file, text)
	local tokens, at, line = {}, 1, 1
	local function add(kind, value) tokens[#tokens + 1] = { kind = kind, value = value, line = line } end
	while at <= #text do
		local space = text:match("^[ \t\r]+", at) or text:match("^#[^\n]*", at)
		local mark = text:match("^%->", at) or text:match("^%.%.", at) or text:match("^[{}()=,]", at)
		local name = text:match("^[%a_][%w_]*", at)
		local number = text:match("^0[xX]%x+", at) or text:match("^%d+", at)
		if text:sub(at, at) == "\n" then
			at, line = at + 1, line + 1
		elseif space then
			at = at + #space
		elseif mark then
			add(mark, mark)
			at = at + #mark
		elseif name then
			add("name", name)
			at = at + #name
		elseif number then
			add("number", math.tointeger(tonumber(number)))
			at = at + #number
		elseif text:sub(at, at) == '"' then
			local body = text:match('^"([^"\n]*)"', at)
			if not body then fail(file, line, "a string that does not end on its line") end
			add("string", body)
			at = at + #body + 2
		else
			fail(file, line, "a character that has no meaning here: %q", text:sub(at, at))
		end
	end
	add("end", "the end of the file")
	return tokens
end

---------------------------------------------------------------------------------------------------
-- Parser: file text to a list of interfaces.

local function parse(file, text)
	local tokens, at = lex(file, text), 1
	local function peek() return tokens[at] end
	local function take(kind, what)
		local token = tokens[at]
		if token.kind ~= kind then
			fail(file, token.line, "expected %s, found '%s'", what or ("'" .. kind .. "'"), tostring(token.value))
		end
		at = at + 1
		return token.value, token.line
	end
	local function take_word(word)
		if peek().kind == "name" and peek().value == word then
			at = at + 1
			return true
		end
	end

	local function parse_parameters(is_input)
		local list = {}
		local counts = { word = 0, cap = 0, string = 0, order = 0 }
		local seen = {}
		take("(")
		while peek().kind ~= ")" do
			if #list > 0 then take(",", "',' or ')'") end
			local kind, line = take("name", "word, cap, string or order")
			if not counts[kind] then
				fail(file, line, "a parameter is a word, cap, string or order, not '%s'", kind)
			end
			local name = take("name", "the name of a parameter")
			if seen[name] then fail(file, line, "parameter '%s' is named twice", name) end
			seen[name] = true
			local parameter = { kind = kind, name = name, index = counts[kind], line = line }
			counts[kind] = counts[kind] + 1
			if counts[kind] > LIMITS[kind] then
				fail(file, line, "more than %d of kind %s", LIMITS[kind], kind)
			end
			if kind == "order" and not is_input then fail(file, line, "an order offset cannot be a result") end
			if kind == "string" then
				if not take_word("max") then fail(file, line, "string '%s' needs 'max BYTES'", name) end
				parameter.max = take("number", "a number of bytes")
				if parameter.max > STRING_MAX then fail(file, line, "a string is at most %d bytes", STRING_MAX) end
			end
			if peek().kind == "string" then parameter.note = take("string") end
			list[#list + 1] = parameter
		end
		take(")")
		return list, counts
	end

	local function parse_operation()
		local op = { errors = {} }
		op.name, op.line = take("name", "the name of an operation")
		take("=")
		op.first = take("number", "an order code")
		op.last = op.first
		if peek().kind == ".." then
			take("..")
			op.last = take("number", "the last order code")
		end
		if op.last < op.first or op.last > 0x7FFFFFFF then
			fail(file, op.line, "order codes of '%s' are empty or reach into those that every object shares", op.name)
		end
		op.inputs, op.input_counts = parse_parameters(true)
		if (op.input_counts.order == 1) ~= (op.last > op.first) then
			fail(file, op.line, "'%s': a range of order codes and an order parameter go together", op.name)
		end
		take("->")
		op.outputs, op.output_counts = parse_parameters(false)
		while true do
			if take_word("doc") then
				op.doc = take("string", "the text of doc")
			elseif take_word("error") then
				local code, line = take("name", "a result code")
				if not code:match("^RC_") then fail(file, line, "a result code is RC_..., not '%s'", code) end
				op.errors[#op.errors + 1] = { code = code, why = take("string", "when it happens") }
			else
				return op
			end
		end
	end

	local function parse_interface()
		local interface = { file = file, ops = {}, docs = {} }
		interface.name, interface.line = take("name", "the name of an interface")
		interface.type = take("number", "the alleged type")
		local kind, line = take("name", "kernel or service")
		if not KINDS[kind] then fail(file, line, "an interface is of kernel or service, not '%s'", kind) end
		interface.kind = kind
		take("{")
		local names = {}
		while peek().kind ~= "}" do
			if take_word("doc") then
				interface.docs[#interface.docs + 1] = take("string", "the text of doc")
			elseif take_word("op") then
				local op = parse_operation()
				if names[op.name] then fail(file, op.line, "operation '%s' is there twice", op.name) end
				names[op.name] = true
				for _, other in ipairs(interface.ops) do
					if op.first <= other.last and other.first <= op.last then
						fail(file, op.line, "'%s' and '%s' share order code %d", other.name, op.name,
							math.max(op.first, other.first))
					end
				end
				interface.ops[#interface.ops + 1] = op
			else
				fail(file, peek().line, "expected op, doc or '}', found '%s'", tostring(peek().value))
			end
		end
		take("}")
		return interface
	end

	local interfaces = {}
	while peek().kind ~= "end" do
		if not take_word("interface") then
			fail(file, peek().line, "expected interface, found '%s'", tostring(peek().value))
		end
		interfaces[#interfaces + 1] = parse_interface()
	end
	return interfaces
end

---------------------------------------------------------------------------------------------------
-- C.  Parameters get names that are legal and distinct: an underscore after a C word, _out after a
-- result that is named like an argument.  A string is two parameters: data and its length.

local function name_parameters(op)
	local used = {}
	local function settle(parameter, suffix)
		local name = parameter.name
		if used[name] then name = name .. suffix end
		if TAKEN[name] then name = name .. "_" end
		used[name] = true
		if parameter.kind == "string" then used[name .. "_length"] = true end
		parameter.c = name
	end
	for _, parameter in ipairs(op.inputs) do settle(parameter, "_in") end
	for _, parameter in ipairs(op.outputs) do settle(parameter, "_out") end
end

local function c_member(name) return TAKEN[name] and name .. "_" or name end

local CLIENT_INPUT = {
	order = "uint32_t %s", word = "uint64_t %s", cap = "cap_t %s",
	string = "const void *%s, size_t %s_length",
}
local CLIENT_OUTPUT = {
	word = "uint64_t *%s", cap = "cap_t %s", string = "void *%s, size_t %s_limit, size_t *%s_length",
}
local SERVER_OUTPUT = {
	word = "uint64_t *%s", cap = "cap_t *%s", string = "const void **%s, size_t *%s_length",
}

local function declare(list, first, inputs, outputs)
	local parts = { first }
	for _, p in ipairs(list.inputs) do parts[#parts + 1] = (inputs[p.kind]:gsub("%%s", p.c)) end
	for _, p in ipairs(list.outputs) do parts[#parts + 1] = (outputs[p.kind]:gsub("%%s", p.c)) end
	return table.concat(parts, ", ")
end

local function comment(out, indent, text)
	if text and text ~= "" then out(("%s/* %s */"):format(indent, (text:gsub("%*/", "* /")))) end
end

local function emit_constants(out, interface)
	local upper = interface.name:upper()
	out(("#define %s_TYPE 0x%04Xu"):format(upper, interface.type))
	if interface.kind == "service" then
		out(("#define %s_NOREPLY 0xFFFFFFFFu /* a handler has answered by itself, or will */"):format(upper))
	end
	for _, op in ipairs(interface.ops) do
		out(("#define %s_OC_%s %du"):format(upper, op.name:upper(), op.first))
		if op.last > op.first then out(("#define %s_OC_%s_LAST %du"):format(upper, op.name:upper(), op.last)) end
		local taken                    -- with a string both ways, that of the reply is NAME_REPLY_MAX
		for _, list in ipairs { op.inputs, op.outputs } do
			for _, p in ipairs(list) do
				if p.max then
					out(("#define %s_%s_%sMAX %du"):format(upper, op.name:upper(), taken and "REPLY_" or "", p.max))
					taken = true
				end
			end
		end
	end
	out ""
end

-- Client: uint32_t NAME_OP(target, arguments in their order, results in theirs).  Result words may be NULL.
local function emit_client(out, interface)
	for _, op in ipairs(interface.ops) do
		local order = ("%s_OC_%s"):format(interface.name:upper(), op.name:upper())
		comment(out, "", op.doc)
		out(("static inline uint32_t %s_%s(%s)"):format(interface.name, op.name,
			declare(op, "cap_t target", CLIENT_INPUT, CLIENT_OUTPUT)))
		out "{"
		out "\tstruct msg m = { 0 };"
		out ""
		out(("\tm.order = %s%s;"):format(order, op.input_counts.order == 1 and " + " .. op.inputs[1].c or ""))
		for _, p in ipairs(op.inputs) do
			if p.kind == "word" then out(("\tm.w[%d] = %s;"):format(p.index, p.c)) end
			if p.kind == "cap" then out(("\tm.send[%d] = %s;"):format(p.index, p.c)) end
			if p.kind == "string" then
				out(("\tm.send_string = %s;"):format(p.c))
				out(("\tm.send_length = %s_length;"):format(p.c))
			end
		end
		for _, p in ipairs(op.outputs) do
			if p.kind == "cap" then out(("\tm.recv[%d] = %s;"):format(p.index, p.c)) end
			if p.kind == "string" then
				out(("\tm.recv_string = %s;"):format(p.c))
				out(("\tm.recv_limit = %s_limit;"):format(p.c))
			end
		end
		local late = {}
		for _, p in ipairs(op.outputs) do
			if p.kind == "word" then late[#late + 1] = ("\tif (%s)\n\t\t*%s = m.w[%d];"):format(p.c, p.c, p.index) end
			if p.kind == "string" then
				late[#late + 1] = ("\tif (%s_length)\n\t\t*%s_length = m.recv_length;"):format(p.c, p.c)
			end
		end
		if #late == 0 then
			out "\treturn inv_call(target, &m);"
		else
			out "\tinv_call(target, &m);"
			for _, text in ipairs(late) do out(text) end
			out "\treturn m.order;"
		end
		out "}"
		out ""
	end
end

-- Server: a handler for each operation; NULL answers RC_UNKNOWN.  Argument capabilities are in CR_ARG0..2;
-- for a result capability the handler names the register to send.  A string argument is in the buffer that
-- the loop receives into; one that did not fit, or is longer than the interface allows, is RC_REQUEST.
local function emit_server(out, interface)
	local name, upper = interface.name, interface.name:upper()
	out(("struct %s_server {"):format(name))
	for _, op in ipairs(interface.ops) do
		out(("\tuint32_t (*%s)(%s);"):format(c_member(op.name),
			declare(op, "void *ctx, struct msg *m", CLIENT_INPUT, SERVER_OUTPUT)))
	end
	out "};"
	out ""
	comment(out, "", "Answers one message into m.  False: the handler deals with the reply; the loop must not send one.")
	out(("static inline bool %s_serve(const struct %s_server *server, void *ctx, struct msg *m)"):format(name, name))
	out "{"
	out "\tuint32_t result = RC_UNKNOWN;"
	out "\tuint64_t w[INV_WORDS] = { 0 };"
	out "\tcap_t caps[INV_CAPS] = { CR_VOID, CR_VOID, CR_VOID, CR_VOID };"
	out "\tconst void *text = NULL;"
	out "\tsize_t text_length = 0;"
	out ""
	out "\t(void)server, (void)ctx;"
	out "\tswitch (m->order) {"
	out "\tcase KT:"
	out(("\t\tw[0] = %s_TYPE;"):format(upper))
	out "\t\tresult = RC_OK;"
	out "\t\tbreak;"
	for _, op in ipairs(interface.ops) do
		local order = ("%s_OC_%s"):format(upper, op.name:upper())
		local arguments = { "ctx", "m" }
		local guard
		for _, p in ipairs(op.inputs) do
			if p.kind == "order" then
				arguments[#arguments + 1] = "m->order - " .. order
			elseif p.kind == "word" then
				arguments[#arguments + 1] = ("m->w[%d]"):format(p.index)
			elseif p.kind == "cap" then
				arguments[#arguments + 1] = ("CR_ARG%d"):format(p.index)
			else
				guard = ("\t\tif ((m->got & INV_GOT_TRUNCATED) || m->recv_length > %du) {\n\t\t\tresult = RC_REQUEST;\n"
					.. "\t\t\tbreak;\n\t\t}"):format(p.max)
				arguments[#arguments + 1] = "m->recv_string, m->recv_length"
			end
		end
		for _, p in ipairs(op.outputs) do
			if p.kind == "word" then arguments[#arguments + 1] = ("&w[%d]"):format(p.index) end
			if p.kind == "cap" then arguments[#arguments + 1] = ("&caps[%d]"):format(p.index) end
			if p.kind == "string" then arguments[#arguments + 1] = "&text, &text_length" end
		end
		out(("\tcase %s%s:"):format(order, op.last > op.first and " ... " .. order .. "_LAST" or ""))
		out(("\t\tif (!server->%s)\n\t\t\tbreak;"):format(c_member(op.name)))
		if guard then out(guard) end
		out(("\t\tresult = server->%s(%s);"):format(c_member(op.name), table.concat(arguments, ", ")))
		out "\t\tbreak;"
	end
	out "\t}"
	out(("\tif (result == 0xFFFFFFFFu) /* NOREPLY */\n\t\treturn false;"))
	out "\tm->order = result;"
	out "\tfor (unsigned i = 0; i < INV_WORDS; i++)\n\t\tm->w[i] = w[i];"
	out "\tfor (unsigned i = 0; i < INV_CAPS; i++)\n\t\tm->send[i] = caps[i];"
	out "\tm->send_string = text;"
	out "\tm->send_length = text_length;"
	out "\treturn true;"
	out "}"
	out ""
end

local function emit_user_header(interface)
	local lines = {}
	local function out(text) lines[#lines + 1] = text end
	local guard = "KEROS_GEN_" .. interface.name:upper() .. "_H"
	out(("/* %s.h - made from %s by tools/idlc.lua; do not edit. */"):format(interface.name, interface.file))
	out("#ifndef " .. guard)
	out("#define " .. guard)
	out "#include <stdbool.h>"
	out "#include <stddef.h>"
	out "#include <keros/abi.h>"
	out "#include <keros/inv.h>"
	out ""
	emit_constants(out, interface)
	emit_client(out, interface)
	emit_server(out, interface)
	out "#endif"
	return table.concat(lines, "\n") .. "\n"
end

-- The kernel's side: a function for each operation, and the switch that finds it.
local function emit_kernel_header(interface)
	local lines = {}
	local function out(text) lines[#lines + 1] = text end
	local name, upper = interface.name, interface.name:upper()
	local guard = "KERNEL_GEN_" .. upper .. "_H"
	out(("/* %s.h - made from %s by tools/idlc.lua; do not edit. */"):format(name, interface.file))
	out("#ifndef " .. guard)
	out("#define " .. guard)
	out "#include <stdint.h>"
	out "#include <keros/abi.h>"
	out ""
	out "struct inv;"
	out "void inv_fail(struct inv *inv, uint32_t result);"
	out "void inv_type(struct inv *inv, uint32_t type);"
	out ""
	emit_constants(out, interface)
	for _, op in ipairs(interface.ops) do
		comment(out, "", op.doc)
		out(("void %s_op_%s(struct inv *inv);"):format(name, op.name))
	end
	out ""
	out(("static inline void %s_dispatch(struct inv *inv, uint32_t order)"):format(name))
	out "{"
	out "\tswitch (order) {"
	out "\tcase KT:"
	out(("\t\tinv_type(inv, %s_TYPE);"):format(upper))
	out "\t\treturn;"
	for _, op in ipairs(interface.ops) do
		local order = ("%s_OC_%s"):format(upper, op.name:upper())
		out(("\tcase %s%s:"):format(order, op.last > op.first and " ... " .. order .. "_LAST" or ""))
		out(("\t\t%s_op_%s(inv);"):format(name, op.name))
		out "\t\treturn;"
	end
	out "\tdefault:"
	out "\t\tinv_fail(inv, RC_UNKNOWN);"
	out "\t}"
	out "}"
	out ""
	out "#endif"
	return table.concat(lines, "\n") .. "\n"
end

-- A row for every operation, sorted as in the files, for programs that throw messages at objects.
local function emit_fuzz(interfaces)
	local lines = {}
	local function out(text) lines[#lines + 1] = text end
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
	return table.concat(lines, "\n") .. "\n"
end

-- A row for every operation with the names of what goes each way, for whoever shows messages to people.
local function emit_ops(interfaces)
	local lines = {}
	local function out(text) lines[#lines + 1] = text end
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
	return table.concat(lines, "\n") .. "\n"
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

local function emit_lua_tables(interfaces)
	local lines = {}
	local function out(text) lines[#lines + 1] = text end
	local function quote(text)
		return text and '"' .. text:gsub('[\\"]', "\\%0"):gsub("\n", " ") .. '"' or "NULL"
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
	return table.concat(lines, "\n") .. "\n"
end

---------------------------------------------------------------------------------------------------
-- Pages.

local PLACE = {
	order = function(p) return "added to the order code" end,
	word = function(p) return "w" .. p.index end,
	cap = function(p) return "capability position " .. p.index end,
	string = function(p) return ("string, at most %d bytes"):format(p.max) end,
}

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

local function emit_page(interface)
	local lines = {}
	local function out(text) lines[#lines + 1] = text end
	out("# " .. interface.name)
	out ""
	out(("<!-- made from %s by tools/idlc.lua; do not edit -->"):format(interface.file))
	out ""
	out(("Alleged type `0x%04X`, answered in w0 to order code KT (2^31). Implemented by %s."):format(interface.type,
		interface.kind == "kernel" and "the kernel" or "a service, a process outside the kernel"))
	out ""
	out "## DESCRIPTION"
	out ""
	for _, text in ipairs(interface.docs) do out(text .. "\n") end
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
	return (table.concat(lines, "\n"):gsub("\n+$", "")) .. "\n"
end

-- The index: the capability types from the kernel's own table, then the interfaces.
local CAPTYPE_FILE = "kernel/object/captype.def"

local function emit_index(interfaces)
	local lines = {}
	local function out(text) lines[#lines + 1] = text end
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
	local text, line = read_file(CAPTYPE_FILE) or "", 0
	for row in (text .. "\n"):gmatch("(.-)\n") do
		line = line + 1
		if row:match("^CAPTYPE%(") then
			local number, name, target, memory, doc =
				row:match('^CAPTYPE%(%s*(%d+),%s*[%w_]+,%s*([%w_]+),%s*([%w_]+),%s*(%d),%s*"(.*)"%)')
			if not number then fail(CAPTYPE_FILE, line, "a row that is not CAPTYPE(number, NAME, name, target, 0|1, \"doc\")") end
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
	return table.concat(lines, "\n") .. "\n"
end

---------------------------------------------------------------------------------------------------

local function write_if_changed(path, text)
	if read_file(path) == text then return end
	local handle, why = io.open(path, "wb")
	if not handle then
		io.stderr:write(("idlc: cannot write: %s (does the directory exist?)\n"):format(why))
		os.exit(1)
	end
	handle:write(text)
	handle:close()
end

local function load_interfaces(files)
	local interfaces, names, types = {}, {}, {}
	table.sort(files)
	for _, file in ipairs(files) do
		local text = read_file(file)
		if not text then fail(file, 0, "cannot be read") end
		for _, interface in ipairs(parse(file, text)) do
			local other = names[interface.name]
			if other then fail(file, interface.line, "interface '%s' is also in %s", interface.name, other) end
			if types[interface.type] then
				fail(file, interface.line, "'%s' and '%s' allege the same type", interface.name, types[interface.type])
			end
			names[interface.name], types[interface.type] = file, interface.name
			for _, op in ipairs(interface.ops) do name_parameters(op) end
			interfaces[#interfaces + 1] = interface
		end
	end
	return interfaces
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
	local pages = { [doc .. "/README.md"] = emit_index(interfaces) }
	for _, interface in ipairs(interfaces) do pages[doc .. "/" .. interface.name .. ".md"] = emit_page(interface) end
	if checking then
		local stale = 0
		for path, text in pairs(pages) do
			if read_file(path) ~= text then
				io.stderr:write(path, ": not what idl/ says; run make doc and look at the difference\n")
				stale = stale + 1
			end
		end
		os.exit(stale == 0)
	end
	if doc ~= "-" then
		for path, text in pairs(pages) do write_if_changed(path, text) end
	end
	for _, interface in ipairs(interfaces) do
		write_if_changed(output .. "/keros/" .. interface.name .. ".h", emit_user_header(interface))
		if interface.kind == "kernel" then
			write_if_changed(output .. "/kernel/" .. interface.name .. ".h", emit_kernel_header(interface))
		end
	end
	write_if_changed(output .. "/fuzz.h", emit_fuzz(interfaces))
	write_if_changed(output .. "/ops.h", emit_ops(interfaces))
	write_if_changed(output .. "/lua_tables.h", emit_lua_tables(interfaces))
end

main(arg)
