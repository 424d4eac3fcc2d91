-- keykos.lua - KeyKOS's objects by their own names.
--
--	keykos.Node_Swap                        the number of a name of the published headers
--	local k = keykos(cap)                   the capability as a key: messages go in KeyKOS's form
--	rc, data, key1, key2, key3 = k:Node_Swap { offset = 3, data = "...", keys = { cap } }
--	rc, data, ... = k:call(order, { ... })  any order code
--
-- A code that is not 0 is a result like others in KeyKOS, so it raises no error.
--
-- Of the directory of KeyKOS's objects (keros lua --grant kk=keykos):
--	local d = keykos.directory(kk)
--	d:get("fc")  d:names()                  a capability by its name; all the names
--	local f = d:factory { program = "counter.s", type = 0x10C0, components = { [0] = cap }, holes = { [1] = cap } }
--	f:yield { order =, data =, key = cap }   a yield, as a key; f:destroy()
--	d:holes(f, { cap })                     whether it has holes besides these
-- What these refuse is an error, since they promise a result.

local STRING_MAX = 4096

local Key = { __name = "key" }

local function exchange(cap, order, o)
	o = o or {}
	local data, keys = o.data or "", o.keys or {}
	if type(data) ~= "string" or #data > STRING_MAX then error("data is a string of at most 4096 bytes", 3) end
	local reply = cap:call{ order = order, data = data, caps = keys, limit = STRING_MAX, keykos = true }
	return reply.order, reply.data, reply.caps[1], reply.caps[2], reply.caps[3]
end

local function number(name)
	return loop.keykos(name) or error("KeyKOS's headers name no '" .. tostring(name) .. "'", 3)
end

function Key.__index(key, name)
	local cap = rawget(key, "cap")
	if name == "call" then
		return function(_, order, o) return exchange(cap, order, o) end
	end
	local order = number(name)
	return function(_, o) return exchange(cap, order + (o and o.offset or 0), o) end
end

function Key.__tostring(key) return "<key " .. tostring(key.cap) .. ">" end

keykos = setmetatable({}, {
	__index = function(_, name) return number(name) end,
	__call = function(_, cap)
		if not kind(cap) then error("keykos(cap) takes a capability, not a " .. type(cap), 2) end
		return setmetatable({ cap = cap }, Key)
	end,
})

-- ---- the directory and its factories ----------------------------------------------------------------------------

local COMPONENT_PROGRAM, HEADER_ENTRY = 17, 16
local BUILDER = { sensory = 0, factory = 32, hole = 128, type = 64, complete = 66 }
local CREATE, COMPARE, DESTROY = 0, 0xFFFFFFFF, number("KT") + 4
local ABSENT = 4

local Directory, Factory = { __name = "keykos directory" }, { __name = "keykos factory" }
Directory.__index, Factory.__index = Directory, Factory

local REASONS = {
	[1] = "the bank is not a prompt one", [2] = "there is no space, or the key is not fitting there",
	[3] = "it would add holes to a factory that is complete", [6] = "there are more holes than it has room for",
	[number("KT") + 1] = "it is gone", [number("KT") + 2] = "it does not know the order code",
}

local function must(what, rc, ...)
	if rc ~= 0 then error(("%s: %s (RC=%X)"):format(what, REASONS[rc] or "refused", rc), 3) end
	return ...
end

-- The capability of a key, a factory or a capability.
local function cap_of(x)
	return type(x) == "table" and (rawget(x, "requestor") or rawget(x, "cap")) or x
end

function keykos.directory(cap)
	if not kind(cap) then error("keykos.directory(cap) takes what `--grant NAME=keykos` gave, not a " .. type(cap), 2) end
	return setmetatable({ cap = cap }, Directory)
end

function Directory:get(name)
	local rc, _, key = exchange(self.cap, 0, { data = name .. "\0" })
	if rc == ABSENT then error("the directory has no '" .. name .. "'; directory:names() lists what it has", 2) end
	return must("the directory", rc, key)
end

function Directory:names()
	local names = {}
	while true do
		local rc, name = exchange(self.cap, 1, { data = string.pack("<I4", #names) })
		if rc == ABSENT then return names end
		names[#names + 1] = must("the directory", rc, name)
	end
end

-- Slots and capabilities in the order of their slots.
local function by_slot(t, what)
	local slots = {}
	for slot in pairs(t or {}) do
		if math.type(slot) ~= "integer" or slot < 0 or slot > 18 or slot == COMPONENT_PROGRAM then
			error(what .. " are keyed by their component, 0 to 16 or 18, not " .. tostring(slot), 4)
		end
		slots[#slots + 1] = slot
	end
	table.sort(slots)
	return slots
end

-- A component is discreet, or a factory, whose holes come with it; all else must be said to be a hole.
local function component_add(builder, slot, cap)
	local rc = builder:call(BUILDER.sensory + slot, { keys = { cap } })
	if rc == 2 then rc = builder:call(BUILDER.factory + slot, { keys = { cap } }) end
	if rc == 2 then error("component " .. slot .. " is neither discreet nor a factory: give it in holes", 4) end
	must("component " .. slot, rc)
end

local function factory_fill(directory, builder, o)
	if o.program then
		local program = type(o.program) == "string" and directory:get(o.program) or cap_of(o.program)
		local entry = string.unpack("<I4", peek(program, HEADER_ENTRY, 4))
		must("the program", builder:call(COMPONENT_PROGRAM, { data = string.pack("<I4", entry), keys = { program } }))
	end
	for _, slot in ipairs(by_slot(o.components, "components")) do
		component_add(builder, slot, cap_of(o.components[slot]))
	end
	for _, slot in ipairs(by_slot(o.holes, "holes")) do
		must("hole " .. slot, builder:call(BUILDER.hole + slot, { keys = { cap_of(o.holes[slot]) } }))
	end
	if o.type then must("the type", builder:call(BUILDER.type, { data = string.pack("<I4", o.type) })) end
	local rc, _, requestor = builder:call(BUILDER.complete)
	return must("completing it", rc, requestor)
end

-- A factory that is complete. Nothing is left of one that could not be made.
function Directory:factory(o)
	local bank, meter = cap_of(o.bank) or self:get("sb"), cap_of(o.meter) or self:get("m")
	local rc, _, cap = keykos(self:get("fc")):call(CREATE, { keys = { bank, meter, bank } })
	local builder = keykos(must("a factory", rc, cap))
	local ok, requestor = pcall(factory_fill, self, builder, o)
	if not ok then
		builder:call(DESTROY)
		error(requestor, 0)
	end
	return setmetatable({ builder = builder, requestor = requestor, bank = bank, meter = meter }, Factory)
end

-- Whether a factory, anybody's, has holes besides those allowed: asked of a factory of just these, as a requestor does.
function Directory:holes(factory, allowed)
	local holes, keys = {}, allowed or {}
	if #keys > 16 then error("at most 16 keys can be allowed", 2) end
	for i, key in ipairs(keys) do holes[i - 1] = key end
	local measure = self:factory { holes = holes }
	local rc = keykos(measure.requestor):call(COMPARE, { keys = { cap_of(factory) } })
	measure:destroy()
	if rc == 2 then error("that is no factory's requestor", 2) end
	return rc ~= 0
end

-- A yield, paid from bank and by meter; what its program answered first: a key, and the answer's string.
function Factory:yield(o)
	o = o or {}
	local bank = cap_of(o.bank) or self.bank
	local rc, data, cap = exchange(self.requestor, o.order or 0,
		{ data = o.data, keys = { bank, cap_of(o.meter) or self.meter, cap_of(o.key) or bank } })
	must("the yield", rc)
	return keykos(cap), data
end

-- The factory's end, and its domain creator's: its yields live on, but those to be ended must be ended before.
function Factory:destroy()
	must("the factory", self.builder:call(DESTROY))
end
