--[[
parse.lua - the text of an idl file to a list of interfaces.  The grammar is in idl/README.md.

An interface is { file, line, name, type, kind, docs = {text...}, ops = {op...} }; an op is { name, line, first, last (order
codes), doc, errors = {{ code, why }...}, inputs, outputs = {parameter...}, input_counts, output_counts (by kind) }; a
parameter is { kind, name, index (among those of its kind), line, max (bytes of a string), note }.
]]
local text = require "text"

local KINDS = { kernel = true, service = true }
local LIMITS = { word = 6, cap = 3, string = 1, order = 1 }
local STRING_MAX = 65536
local ORDER_MAX = 0x7FFFFFFF           -- above are the order codes that every object shares

-- Lexer.  A token is {kind, value, line}; kinds are name, number, string, a punctuation mark, end.
local function lex(file, source)
	local tokens, at, line = {}, 1, 1
	local function add(kind, value) tokens[#tokens + 1] = { kind = kind, value = value, line = line } end
	while at <= #source do
		local space = source:match("^[ \t\r]+", at) or source:match("^#[^\n]*", at)
		local mark = source:match("^%->", at) or source:match("^%.%.", at) or source:match("^[{}()=,]", at)
		local name = source:match("^[%a_][%w_]*", at)
		local number = source:match("^0[xX]%x+", at) or source:match("^%d+", at)
		if source:sub(at, at) == "\n" then
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
		elseif source:sub(at, at) == '"' then
			local body = source:match('^"([^"\n]*)"', at)
			if not body then text.fail(file, line, "a string that does not end on its line") end
			add("string", body)
			at = at + #body + 2
		else
			text.fail(file, line, "a character that has no meaning here: %q", source:sub(at, at))
		end
	end
	add("end", "the end of the file")
	return tokens
end

local Parser = {}
Parser.__index = Parser

function Parser:fail(line, ...) text.fail(self.file, line, ...) end

function Parser:peek() return self.tokens[self.at] end

-- The value and line of the next token, which must be of that kind.
function Parser:take(kind, what)
	local token = self.tokens[self.at]
	if token.kind ~= kind then
		self:fail(token.line, "expected %s, found '%s'", what or ("'" .. kind .. "'"), tostring(token.value))
	end
	self.at = self.at + 1
	return token.value, token.line
end

-- Takes that word if it is next; says whether.
function Parser:take_word(word)
	if self:peek().kind ~= "name" or self:peek().value ~= word then return false end
	self.at = self.at + 1
	return true
end

function Parser:parameters(is_input)
	local list = {}
	local counts = { word = 0, cap = 0, string = 0, order = 0 }
	local seen = {}
	self:take("(")
	while self:peek().kind ~= ")" do
		if #list > 0 then self:take(",", "',' or ')'") end
		local kind, line = self:take("name", "word, cap, string or order")
		if not counts[kind] then
			self:fail(line, "a parameter is a word, cap, string or order, not '%s'", kind)
		end
		local name = self:take("name", "the name of a parameter")
		if seen[name] then self:fail(line, "parameter '%s' is named twice", name) end
		seen[name] = true
		local parameter = { kind = kind, name = name, index = counts[kind], line = line }
		counts[kind] = counts[kind] + 1
		if counts[kind] > LIMITS[kind] then
			self:fail(line, "more than %d of kind %s", LIMITS[kind], kind)
		end
		if kind == "order" and not is_input then self:fail(line, "an order offset cannot be a result") end
		if kind == "string" then
			if not self:take_word("max") then self:fail(line, "string '%s' needs 'max BYTES'", name) end
			parameter.max = self:take("number", "a number of bytes")
			if parameter.max > STRING_MAX then self:fail(line, "a string is at most %d bytes", STRING_MAX) end
		end
		if self:peek().kind == "string" then parameter.note = self:take("string") end
		list[#list + 1] = parameter
	end
	self:take(")")
	return list, counts
end

function Parser:operation()
	local op = { errors = {} }
	op.name, op.line = self:take("name", "the name of an operation")
	self:take("=")
	op.first = self:take("number", "an order code")
	op.last = op.first
	if self:peek().kind == ".." then
		self:take("..")
		op.last = self:take("number", "the last order code")
	end
	if op.last < op.first or op.last > ORDER_MAX then
		self:fail(op.line, "order codes of '%s' are empty or reach into those that every object shares", op.name)
	end
	op.inputs, op.input_counts = self:parameters(true)
	if (op.input_counts.order == 1) ~= (op.last > op.first) then
		self:fail(op.line, "'%s': a range of order codes and an order parameter go together", op.name)
	end
	self:take("->")
	op.outputs, op.output_counts = self:parameters(false)
	while true do
		if self:take_word("doc") then
			op.doc = self:take("string", "the text of doc")
		elseif self:take_word("error") then
			local code, line = self:take("name", "a result code")
			if not code:match("^RC_") then self:fail(line, "a result code is RC_..., not '%s'", code) end
			op.errors[#op.errors + 1] = { code = code, why = self:take("string", "when it happens") }
		else
			return op
		end
	end
end

function Parser:interface()
	local interface = { file = self.file, ops = {}, docs = {} }
	interface.name, interface.line = self:take("name", "the name of an interface")
	interface.type = self:take("number", "the alleged type")
	local kind, line = self:take("name", "kernel or service")
	if not KINDS[kind] then self:fail(line, "an interface is of kernel or service, not '%s'", kind) end
	interface.kind = kind
	self:take("{")
	local names = {}
	while self:peek().kind ~= "}" do
		if self:take_word("doc") then
			interface.docs[#interface.docs + 1] = self:take("string", "the text of doc")
		elseif self:take_word("op") then
			local op = self:operation()
			if names[op.name] then self:fail(op.line, "operation '%s' is there twice", op.name) end
			names[op.name] = true
			for _, other in ipairs(interface.ops) do
				if op.first <= other.last and other.first <= op.last then
					self:fail(op.line, "'%s' and '%s' share order code %d", other.name, op.name,
						math.max(op.first, other.first))
				end
			end
			interface.ops[#interface.ops + 1] = op
		else
			self:fail(self:peek().line, "expected op, doc or '}', found '%s'", tostring(self:peek().value))
		end
	end
	self:take("}")
	return interface
end

-- All interfaces of a file's text; ends the compiler at the first mistake.
return function(file, source)
	local parser = setmetatable({ file = file, tokens = lex(file, source), at = 1 }, Parser)
	local interfaces = {}
	while parser:peek().kind ~= "end" do
		if not parser:take_word("interface") then
			parser:fail(parser:peek().line, "expected interface, found '%s'", tostring(parser:peek().value))
		end
		interfaces[#interfaces + 1] = parser:interface()
	end
	return interfaces
end
