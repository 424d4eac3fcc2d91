--[[
c.lua - an interface in C: for those who call it and serve it (keros/NAME.h), and for the kernel (kernel/NAME.h).
]]
local text = require "text"
local c = {}

-- Names that a C function cannot give to a parameter, or that the stubs use themselves.
local TAKEN = {}
for name in ([[auto break case char const continue default do double else enum extern float for goto if inline int
	long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
	m ctx server target result]]):gmatch("%S+") do
	TAKEN[name] = true
end

-- Parameters get names that are legal and distinct: an underscore after a C word, _out after a
-- result that is named like an argument.  A string is two parameters: data and its length.

function c.name_parameters(op)
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

local function comment(out, doc)
	if doc and doc ~= "" then out(("/* %s */"):format((doc:gsub("%*/", "* /")))) end
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
		comment(out, op.doc)
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
			for _, line in ipairs(late) do out(line) end
			out "\treturn m.order;"
		end
		out "}"
		out ""
	end
end

-- The case of one operation in NAME_serve.
local function emit_server_case(out, interface, op)
	local order = ("%s_OC_%s"):format(interface.name:upper(), op.name:upper())
	local member = c_member(op.name)
	local arguments, limit = { "ctx", "m" }, nil
	local function add(argument) arguments[#arguments + 1] = argument end
	for _, p in ipairs(op.inputs) do
		if p.kind == "order" then add("m->order - " .. order) end
		if p.kind == "word" then add(("m->w[%d]"):format(p.index)) end
		if p.kind == "cap" then add(("CR_ARG%d"):format(p.index)) end
		if p.kind == "string" then
			limit = p.max
			add "m->recv_string, m->recv_length"
		end
	end
	for _, p in ipairs(op.outputs) do
		if p.kind == "word" then add(("&w[%d]"):format(p.index)) end
		if p.kind == "cap" then add(("&caps[%d]"):format(p.index)) end
		if p.kind == "string" then add "&text, &text_length" end
	end
	out(("\tcase %s%s:"):format(order, op.last > op.first and " ... " .. order .. "_LAST" or ""))
	out(("\t\tif (!server->%s)\n\t\t\tbreak;"):format(member))
	if limit then
		out(("\t\tif ((m->got & INV_GOT_TRUNCATED) || m->recv_length > %du) {"):format(limit))
		out "\t\t\tresult = RC_REQUEST;\n\t\t\tbreak;\n\t\t}"
	end
	out(("\t\tresult = server->%s(%s);"):format(member, table.concat(arguments, ", ")))
	out "\t\tbreak;"
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
	comment(out, "Answers one message into m.  False: the handler deals with the reply; the loop must not send one.")
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
	for _, op in ipairs(interface.ops) do emit_server_case(out, interface, op) end
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

-- keros/NAME.h: what a program that calls or serves the interface includes.
function c.user_header(interface)
	local out, finish = text.writer()
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
	return finish()
end

-- kernel/NAME.h: a function for each operation, and the switch that finds it.
function c.kernel_header(interface)
	local out, finish = text.writer()
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
		comment(out, op.doc)
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
	return finish()
end

return c
