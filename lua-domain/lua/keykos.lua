-- keykos.lua - KeyKOS's objects by their own names.
--
--	keykos.Node_Swap                        the number of a name of the published headers
--	local k = keykos(cap)                   the capability as a key: messages go in KeyKOS's form
--	rc, data, key1, key2, key3 = k:Node_Swap { offset = 3, data = "...", keys = { cap } }
--	rc, data, ... = k:call(order, { ... })  any order code
--
-- A code that is not 0 is a result like others in KeyKOS, so it raises no error.

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
