-- serving.lua - objects for others: facets, forwarders, membranes, keepers.

local function set_of(names)
	local set = {}
	for k, v in pairs(names) do
		if type(k) == "number" then set[v] = true else set[k] = v and true or nil end
	end
	return set
end

-- A start capability to a table of methods (obj:method(...)) or to a function of messages.
-- options: only = { "names", ... }, badge = any value (functions see msg.badge), type = an interface's name.
function serve(handler, options)
	if type(handler) ~= "table" and type(handler) ~= "function" then
		error("serve takes a table of methods or a function of messages, not a " .. type(handler), 2)
	end
	if options and options.only then
		local o = {}
		for k, v in pairs(options) do o[k] = v end
		o.only = set_of(o.only)
		options = o
	end
	return loop.serve(handler, options)
end

-- Another capability to an object of ours, with less: facet(cap, { only = { "read" } }).
function facet(cap, options) return serve(loop.handler(cap), options) end

-- A facet of ours ends: whoever holds it finds it void.
function revoke(cap) return loop.revoke(cap) end

-- New code for an object of ours: the methods are replaced, what the object holds otherwise stays, and so does every
-- capability to it.  new: a table of methods, a function (for a function), or source text that returns one.
function upgrade(cap, new)
	if type(new) == "string" then
		local chunk, why = load(new, "=upgrade")
		if not chunk then error(why, 2) end
		new = chunk()
	end
	local old = loop.handler(cap)
	if type(old) == "function" or type(new) ~= "table" then return loop.handler(cap, new) end
	for k, v in pairs(old) do
		if type(v) == "function" and new[k] == nil then old[k] = nil end
	end
	for k, v in pairs(new) do
		if type(v) == "function" or old[k] == nil then old[k] = v end
	end
	return old
end

-- ---- forwarders: the kernel's own ---------------------------------------------------------------------------------

local FORMAT_SLOT, FORMAT_FORWARD = 15, 0x1FFF0F00     -- keeper in slot 0; the node itself is not passed on

-- A capability that passes every message on to cap, and a function that ends that for ever, for all who hold it.
function forwarder(cap, from_bank)
	local node = (from_bank or bank):alloc_node()
	node:swap(0, cap)
	node:write_number(FORMAT_SLOT, FORMAT_FORWARD, 0)
	local wrapped = node:make_frontend(0)
	-- Only start capabilities are forwarded to: others answer as what they are, without being asked.
	if wrapped:call{ order = 1 << 31 }.words[1] == 5 and kind(cap) ~= "segment" then
		bank:free(node)
		error("only a capability to a domain can be forwarded; use membrane", 2)
	end
	return wrapped, function() (from_bank or bank):free(node) end
end

-- ---- membranes ----------------------------------------------------------------------------------------------------

-- Wraps cap so that whatever passes through, either way, is wrapped as well.  options:
--   log(name, arguments)   is told of every call; allow(name, arguments) may refuse it by returning false
-- The result: the wrapped capability, and a function that makes it and all that came through it void.
function membrane(cap, options)
	options = options or {}
	local wraps, alive = {}, true              -- { inner =, outer = } of every capability that passed

	local function find(key, value)
		for _, w in ipairs(wraps) do
			if w[key] == value then return w end
		end
	end

	local wrap

	local function pass(v, from, to, seen)
		if kind(v) then
			local w = find(from, v)
			if w then return w[to] end
			return wrap(v, from, to)
		elseif type(v) == "table" then
			seen = seen or {}
			if seen[v] then return seen[v] end
			local copy = {}
			seen[v] = copy
			for k, x in pairs(v) do copy[pass(k, from, to, seen)] = pass(x, from, to, seen) end
			return copy
		end
		return v
	end

	local function pass_all(from, to, ...)
		local values = table.pack(...)
		for i = 1, values.n do values[i] = pass(values[i], from, to) end
		return table.unpack(values, 1, values.n)
	end

	local function ask(name, ...)
		if not alive then error("this membrane was revoked", 0) end
		if options.log then options.log(name, { ... }) end
		if options.allow and not options.allow(name, { ... }) then error(name .. " is refused here (to blame: the caller)", 0) end
	end

	function wrap(target, from, to)
		local outer
		if kind(target) == "object" then
			outer = loop.serve(setmetatable({}, { __index = function(_, name)
				return function(_, ...)
					ask(name, ...)
					return pass_all(from, to, await(send(target, name, pass_all(to, from, ...))))
				end
			end }))
		else
			outer = loop.serve(function(msg)
				ask(("order %d"):format(msg.order), msg)
				local caps = {}
				for i, c in pairs(msg.caps) do caps[i] = not is_void(c) and pass(c, to, from) or nil end
				local reply = await(send(target, { order = msg.order, words = msg.words, data = msg.data, caps = caps,
					limit = 65536 }))
				for i, c in pairs(reply.caps) do reply.caps[i] = not is_void(c) and pass(c, from, to) or nil end
				return reply
			end, { type = kind(target) ~= "unknown" and kind(target) or nil })
		end
		table.insert(wraps, { [from] = target, [to] = outer, own = outer })
		return outer
	end

	local outside = wrap(cap, "inner", "outer")
	return outside, function()
		alive = false
		for _, w in ipairs(wraps) do pcall(loop.revoke, w.own) end
		wraps = {}
	end
end

-- ---- keepers ------------------------------------------------------------------------------------------------------

local FAULT_NAMES = { [1] = "memory", [2] = "divide", [3] = "debug", [4] = "breakpoint", [5] = "overflow", [6] = "bounds",
	[7] = "opcode", [8] = "protection", [9] = "stack", [10] = "fpu", [11] = "align", [12] = "simd", [16] = "foreign",
	[17] = "invocation", [18] = "no space", [19] = "no schedule", [20] = "schedule empty", [32] = "user", [33] = "trap" }
local MEMORY_FAULT = 0xFFFFFFFF

-- A capability for the keeper's place of a process, a memory or a meter.  f gets a table: name, code, address, offset (of
-- a kept memory), write, execute, present, rip, and process or node, the subject.  If it returns true, the subject goes
-- on where it was; otherwise the fault goes to the process's own keeper.
function keeper(f)
	return loop.serve(function(msg)
		if not msg.fault then return 0x80000002 end
		local w = msg.words
		local memory = msg.order == MEMORY_FAULT
		local fault = { code = w[1], name = FAULT_NAMES[w[1]] or "fault", rip = w[4] }
		if w[1] == 1 then
			fault.address = w[2]
			fault.write, fault.execute, fault.present = w[3] & 1 ~= 0, w[3] & 2 ~= 0, w[3] & 4 ~= 0
		else
			fault.info, fault.error = w[2], w[3]
		end
		if memory then fault.offset, fault.node = w[2], as(msg.caps[3], "node")
		else fault.process = as(msg.caps[3], "process") end
		return f(fault) and 0 or 1
	end)
end

local RED_KEPT = 0x0FFFEF00                    -- keeper in slot 14; slots and size are added

-- A memory of up to 512 KiB whose pages f(index) computes, as strings, when they are first touched.
-- The result: the segment, and a function that gives its storage back.
function computed(f, from_bank)
	from_bank = from_bank or bank:make_sub(-1)
	local red = from_bank:alloc_node()
	local leaves = {}
	red:swap(14, keeper(function(fault)
		local index = fault.offset >> 12
		if index >= 128 then return false end
		local text = f(index)
		if not text then return false end
		local leaf = leaves[index >> 4]
		if not leaf then
			leaf = from_bank:alloc_node():make_node(3)
			leaves[index >> 4] = leaf
			red:swap(index >> 4, leaf)
		end
		local page = from_bank:alloc_page()
		if #text > 0 then page:write(0, text:sub(1, 4096)) end
		leaf:swap(index & 15, page)
		return true
	end))
	red:write_number(15, RED_KEPT | 8 << 4 | 4, 0)
	return red:make_segment(0), function() from_bank:destroy_all() end
end
