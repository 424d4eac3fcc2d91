-- repl.lua - the prompt: reads a statement or an expression, runs it, shows what it gives.

local line, remember, guard = prompt.line, prompt.remember, prompt.guard

-- ---- completion -------------------------------------------------------------------------------------------------

local function names_of(value, after_colon)
	if kind(value) then
		local names = kind(value) == "object" and {} or operations(value)
		if kind(value) == "object" then
			for name in value:call{ order = 2 }.data:gmatch("[^\n]+") do names[#names + 1] = name end
		end
		names[#names + 1], names[#names + 2] = "call", "close"
		return names
	end
	if type(value) == "string" then value = string end
	local names = {}
	while type(value) == "table" do
		for k, v in next, value do
			if type(k) == "string" and (not after_colon or type(v) == "function") then names[#names + 1] = k end
		end
		local meta = getmetatable(value)
		value = type(meta) == "table" and rawget(meta, "__index") or nil
	end
	return names
end

-- What a chain of names such as a.b leads to, without running any code.
local function value_of(chain)
	local value = _G
	for name in chain:gmatch("[%w_]+") do
		if type(value) ~= "table" then return nil end
		value = rawget(value, name)
	end
	return value
end

local function complete(text)
	local chain, mark, word = text:match("([%w_%.]-)([%.:]?)([%w_]*)$")
	local base = mark == "" and _G or value_of(chain)
	if base == nil then return nil end
	local found, seen = {}, {}
	for _, name in ipairs(names_of(base, mark == ":")) do
		if name:sub(1, #word) == word and not seen[name] then
			seen[name] = true
			found[#found + 1] = name
		end
	end
	table.sort(found)
	if #found == 0 then return nil end
	local common = found[1]
	for _, name in ipairs(found) do
		while name:sub(1, #common) ~= common do common = common:sub(1, -2) end
	end
	local more = common:sub(#word + 1)
	if #found == 1 and mark == ":" then more = more .. "(" end
	if more ~= "" or #found == 1 then return more end
	return nil, table.concat(found, "  ")
end

-- ---- reading and running ----------------------------------------------------------------------------------------

-- A chunk of one or more lines: the function, or nil and why; false: called off, nothing: the end of the input.
local function read()
	local text = line("> ", complete)
	if not text then return text end
	local whole = text
	while true do
		local chunk, open = load("return " .. whole, "=prompt")
		if chunk then return chunk, whole end
		local why
		chunk, why = load(whole, "=prompt")
		if chunk then return chunk, whole end
		if not why:find("near <eof>", 1, true) and not open:find("near <eof>", 1, true) then return why, whole end
		text = line(">> ", complete)
		if not text then return false end
		whole = whole .. "\n" .. text
	end
end

local function explain(e)
	return debug.traceback(type(e) == "string" and e or tostring(e), 2)
end

local function run_chunk(chunk)
	guard(true)
	local results = table.pack(xpcall(chunk, explain))
	guard(false)
	if not results[1] then
		-- The last lines of the trace are the prompt's own.
		local text = tostring(results[2]):gsub("\n%s*%[C%]: in function 'xpcall'.*$", ""):gsub("\nstack traceback:$", "")
		io.stderr:write("error: ", text, "\n")
		return
	end
	if results.n > 1 then
		_ENV._ = results[2]
		local shown = {}
		for i = 2, results.n do shown[#shown + 1] = show(results[i]) end
		print(table.concat(shown, "\t"))
	end
end

print(_VERSION .. " in a domain of its own. help() tells what there is; Tab completes; Ctrl-D ends it.")
while true do
	local chunk, text = read()
	if chunk == nil then break end
	if chunk then
		remember((text:gsub("\n", " ")))
		if type(chunk) == "string" then
			io.stderr:write("error: ", chunk, "\n")
		else
			run_chunk(chunk)
		end
	end
end
