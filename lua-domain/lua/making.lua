-- making.lua - what domains are made of: memories, meters, constructors.

-- ---- memories ---------------------------------------------------------------------------------------------------

local LEAF_BYTES = 16 * 4096

-- A read-only memory that holds the text (at most a mebibyte), from the bank; its length is given beside it.
function memory(text, from_bank)
	from_bank = from_bank or bank
	if #text > 16 * LEAF_BYTES then error("a memory made of a text holds at most 1 MiB", 2) end
	local root = from_bank:alloc_node():make_node(4)
	for leaf = 0, (#text - 1) // LEAF_BYTES do
		local node = from_bank:alloc_node():make_node(3)
		root:swap(leaf, node)
		for slot = 0, 15 do
			local at = leaf * LEAF_BYTES + slot * 4096
			if at >= #text then break end
			local page = from_bank:alloc_page()
			page:write(0, text:sub(at + 1, at + 4096))
			node:swap(slot, page)
		end
	end
	return root:make_sense(), #text
end

-- Bytes of a sensory memory (a frozen tree, a text): loop.peek reads a page; what is not there reads as zeroes.
function peek(tree, offset, length)
	local parts = {}
	while length > 0 do
		local n = math.min(length, 4096 - offset % 4096)
		local page = loop.page(tree, offset // 4096)
		parts[#parts + 1] = page and page:sub(offset % 4096 + 1, offset % 4096 + n) or ("\0"):rep(n)
		offset, length = offset + n, length - n
	end
	return table.concat(parts)
end

-- ---- meters -----------------------------------------------------------------------------------------------------

local function ns_of(t, what)
	if t == nil then return 0 end
	if type(t) == "table" and t.unit == "ns" then return t.value end
	if type(t) == "number" then return math.floor(t * 1e9) end
	error(what .. " is a number of seconds or a quantity such as ms(20)", 3)
end

-- A schedule of its own: meter { priority =, budget =, period =, left =, keeper =, superior =, bank = }.  budget of every
-- period is given anew; without a period, `left` is all there ever is.  The keeper is called when none is left.
-- The result: the schedule, and its node, through which it can be read and refilled (meter_left).
function meter(o)
	local node = (o.bank or bank):alloc_node()
	local budget, period = ns_of(o.budget, "budget"), ns_of(o.period, "period")
	node:swap(1, o.superior or schedule)
	if o.keeper then node:swap(2, o.keeper) end
	local left = o.left and ns_of(o.left, "left") or (budget > 0 and budget or nil)
	if left then node:write_number(3, left, 0) end
	node:write_number(4, budget, period // 1000 | (o.priority or schedule:get_priority()) << 32)
	return node:make_schedule(), node
end

-- ---- constructors -----------------------------------------------------------------------------------------------

local PROGRAM, LENGTH, FIRST, LAST = 5, 6, 7, 15
local CLASSES = { "number", "resume", "memory", "schedule", "other" }

local Sealed = { __name = "constructor" }
Sealed.__index = Sealed
local Builder = { __name = "builder" }
Builder.__index = Builder

-- constructor { program = source text or an image's capability, components = { name = capability or plain value },
-- bank = whom it is charged to, name = for messages }: a builder, to be sealed.
function constructor(o)
	if type(o) ~= "table" or not o.program then error("constructor { program = ..., components = { ... } }", 2) end
	local from_bank = o.bank or bank
	local builder = metaconstructor:make(from_bank)
	local self = setmetatable({ builder = builder, names = {}, used = 0 }, Builder)
	if type(o.program) ~= "string" then
		builder:set_program(0, o.program)
		for slot, value in pairs(o.components or {}) do
			if math.type(slot) ~= "integer" then error("components of a program go by number, 0 to 15", 2) end
			self.names[slot] = tostring(slot)
			builder:insert(slot, value)
		end
		return self
	end
	local chunk, why = load(o.program, "=" .. (o.name or "program"))
	if not chunk then error(why, 2) end
	builder:set_program(0, lua_image)
	builder:insert(0, discrim)
	builder:insert(1, lua_image)
	builder:insert(2, metaconstructor)
	builder:insert(3, posix_constructor)
	builder:insert(4, base_tree)
	local values, slot = {}, FIRST
	local order = {}
	for name in pairs(o.components or {}) do
		if type(name) ~= "string" then error("components of a script go by name", 2) end
		order[#order + 1] = name
	end
	table.sort(order)
	local slots = {}
	for _, name in ipairs(order) do
		local value = o.components[name]
		if kind(value) then
			if slot > LAST then error(("at most %d components are capabilities"):format(LAST - FIRST + 1), 2) end
			builder:insert(slot, value)
			slots[slot], self.names[slot] = name, name
			slot = slot + 1
		else
			values[name] = value
		end
	end
	local tree, length = memory(wire.pack(o.program, o.name or "program", slots, values), from_bank)
	builder:insert(PROGRAM, tree)
	local number = from_bank:alloc_node()
	number:write_number(0, length, o._freeze and 1 or 0)
	builder:insert(LENGTH, number:fetch(0))
	self.options, self.slots = o, slots
	return self
end

-- Nothing can be added any more.
function Builder:seal()
	local requestor = self.builder:seal()
	return setmetatable({ requestor = requestor, names = self.names }, Sealed)
end

-- The same program, run already: a constructor whose instances begin where its chunk has ended, with copies of that
-- memory, which stays charged to bank.  A global function thawed(argument), if the program has one, runs first in each
-- instance, and may return another product.  Capabilities that the chunk made from its own bank are void in them; what
-- it holds as components, and what it serves, is each instance's own.
function Builder:freeze(o)
	if not self.options then error("only a script can be frozen", 2) end
	local options = {}
	for k, v in pairs(self.options) do options[k] = v end
	options._freeze = true
	local image = constructor(options):seal():yield{ bank = o.bank, schedule = o.schedule }
	self.builder:set_program(0, image)
	return self:seal()
end

-- What of it is not discreet: a list of { slot =, name =, class = }; empty: what it yields is confined.
function Sealed:holes()
	local list = {}
	for i = 0, self.requestor:is_discreet() - 1 do
		local slot, class = self.requestor:get_hole(i)
		list[#list + 1] = { slot = slot, name = self.names[slot], class = CLASSES[class] }
	end
	return list
end

-- All rights to a bank but that to change its limit, which is what its giver relies on.
local KEPT = 1 | 2 | 4 | 8

local function yield_message(self, o)
	o = o or {}
	if not o.bank then error("yield { bank = ... }: the yield needs a bank of the caller's", 3) end
	return { order = 6, caps = { as(o.bank, "bank"):make_restricted(KEPT), o.schedule or schedule, o.argument }, limit = 4096 }
end

local function yielded(reply)
	if reply.order == 0 then return reply.caps[1] end
	if reply.order == 1 then error(wire.unpack(reply.data) .. " (to blame: the program)", 0) end
	local names = { [0x80000005] = "the bank is at its limit", [0x80000009] = "the bank is not an official one",
		[0x80000001] = "the constructor is gone, or the program ended before it gave anything" }
	error(("the yield failed: %s (%#x)"):format(names[reply.order] or "refused", reply.order), 0)
end

-- A new instance, paid from bank; what its program returned: a capability.
function Sealed:yield(o)
	return yielded(self.requestor:call(yield_message(self, o)))
end

-- The same without waiting: a promise.
function Sealed:order(o)
	return send(self.requestor, yield_message(self, o)):next(yielded)
end

-- What somebody else has sealed.
function Sealed.of(requestor) return setmetatable({ requestor = requestor, names = {} }, Sealed) end

