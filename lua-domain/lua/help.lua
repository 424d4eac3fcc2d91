-- help.lua - help(cap), help("interface"), show(value).

local HINTS = {
	serve = "serve(handler, options): a capability to a table of methods or a function of messages",
	send = "send(cap, 'method', ...): calls without waiting; a promise", await = "await(promise, timeout)",
	spawn = "spawn(f, ...): runs f as a task; a promise", sleep = "sleep(seconds)", after = "after(seconds, f)",
	constructor = "constructor { program = ..., components = { ... } }:seal():yield { bank = ... }",
	forwarder = "forwarder(cap): a capability that passes everything on, and a function that ends that",
	membrane = "membrane(cap, { log =, allow = }): wraps what passes", keeper = "keeper(f): for faults",
	meter = "meter { budget =, period =, priority =, keeper = }", posix = "posix.run { 'command', ... }",
	upgrade = "upgrade(cap, new): new code, old state", revoke = "revoke(cap): this facet becomes void",
}

-- The page of a capability's interface, or of one operation; without arguments, what there is.
function help(what, operation)
	if what == nil then
		print("What this domain holds:")
		for _, name in ipairs(dir(_G, kind)) do print(("  %-18s %s"):format(name, tostring(_G[name]))) end
		print("help(cap), help(cap, 'operation'), help('interface'), interfaces(); functions:")
		for _, name in ipairs(dir(HINTS)) do print("  " .. HINTS[name]) end
		return
	end
	if kind(what) == "object" then
		local names = what:call{ order = 2 }.data
		io.write("an object that a Lua domain serves; its methods:\n", (names:gsub("([^\n]+)", "  :%1(...)")))
	elseif kind(what) or type(what) == "string" then
		io.write(page(what, operation))
	else
		print(type(what) .. ": no capability; help() tells what there is")
	end
end

-- The sorted names of a table, those that `of` finds true.
function dir(t, of)
	local names = {}
	for k, v in pairs(t) do
		if type(k) == "string" and (not of or of(v)) then names[#names + 1] = k end
	end
	table.sort(names)
	return names
end

local function key(k)
	if type(k) == "string" and k:match("^[%a_][%w_]*$") then return k end
	return "[" .. (type(k) == "string" and ("%q"):format(k) or tostring(k)) .. "]"
end

-- A value as one reads it.
function show(v, depth)
	depth = depth or 0
	if type(v) == "string" then return (("%q"):format(v):gsub("\\\n", "\\n")) end
	if type(v) ~= "table" then return tostring(v) end
	local meta = getmetatable(v)
	if type(meta) == "table" and meta.__tostring then return tostring(v) end
	if depth > 3 then return "{...}" end
	local parts, n = {}, #v
	for i = 1, math.min(n, 40) do parts[#parts + 1] = show(v[i], depth + 1) end
	local names = {}
	for k in pairs(v) do
		if not (math.type(k) == "integer" and k >= 1 and k <= n) then names[#names + 1] = k end
	end
	table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
	for i = 1, math.min(#names, 40) do
		parts[#parts + 1] = key(names[i]) .. " = " .. show(v[names[i]], depth + 1)
	end
	if n > 40 or #names > 40 then parts[#parts + 1] = "..." end
	return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end
