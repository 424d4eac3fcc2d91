-- program.lua - a program of some size for the Lua scenario: a JSON reader and writer, an
-- expression compiler, a priority queue with Dijkstra over it, closures, coroutines,
-- metatables, string patterns, file input and output, and error handling.
--
-- Usage: lua program.lua WORDS OUTDIR.  All it prints depends on its input alone.

local words_path, out_dir = arg[1], arg[2]

local function section(name)
	print(("-- %s %s"):format(name, ("-"):rep(40 - #name)))
end

-- JSON ------------------------------------------------------------------------------

local json = {}

local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\t'] = '\\t', ['\r'] = '\\r' }

local function is_array(value)
	local count = 0
	for key in pairs(value) do
		if math.type(key) ~= "integer" then return false end
		count = count + 1
	end
	return count == #value
end

function json.write(value)
	local kind = type(value)
	if kind == "nil" then return "null" end
	if kind == "boolean" then return tostring(value) end
	if kind == "number" then
		return math.type(value) == "integer" and tostring(value) or ("%.14g"):format(value)
	end
	if kind == "string" then
		return '"' .. value:gsub('[%c"\\]', function(c)
			return escapes[c] or ("\\u%04x"):format(c:byte())
		end) .. '"'
	end
	local parts = {}
	if is_array(value) then
		for i, item in ipairs(value) do parts[i] = json.write(item) end
		return "[" .. table.concat(parts, ",") .. "]"
	end
	local keys = {}
	for key in pairs(value) do keys[#keys + 1] = key end
	table.sort(keys)
	for i, key in ipairs(keys) do parts[i] = json.write(key) .. ":" .. json.write(value[key]) end
	return "{" .. table.concat(parts, ",") .. "}"
end

function json.read(text)
	local at = 1
	local value

	local function skip() at = text:find("%S", at) or #text + 1 end

	local function fail(what) error(("%s at %d"):format(what, at), 0) end

	local function take(literal, result)
		if text:sub(at, at + #literal - 1) ~= literal then fail("expected " .. literal) end
		at = at + #literal
		return result
	end

	local function string_value()
		local parts = {}
		at = at + 1
		while true do
			local stop = text:find('["\\]', at) or fail("unfinished string")
			parts[#parts + 1] = text:sub(at, stop - 1)
			at = stop + 1
			if text:sub(stop, stop) == '"' then return table.concat(parts) end
			local c = text:sub(at, at)
			if c == "u" then
				parts[#parts + 1] = utf8.char(tonumber(text:sub(at + 1, at + 4), 16))
				at = at + 5
			else
				parts[#parts + 1] = ({ n = "\n", t = "\t", r = "\r" })[c] or c
				at = at + 1
			end
		end
	end

	local function collection(close, item)
		local result = {}
		at = at + 1
		skip()
		if text:sub(at, at) == close then at = at + 1 return result end
		while true do
			item(result)
			skip()
			local c = text:sub(at, at)
			at = at + 1
			if c == close then return result end
			if c ~= "," then at = at - 1 fail("expected , or " .. close) end
			skip()
		end
	end

	function value()
		skip()
		local c = text:sub(at, at)
		if c == "{" then
			return collection("}", function(result)
				if text:sub(at, at) ~= '"' then fail("expected a name") end
				local key = string_value()
				skip()
				take(":")
				result[key] = value()
			end)
		elseif c == "[" then
			return collection("]", function(result) result[#result + 1] = value() end)
		elseif c == '"' then return string_value()
		elseif c == "t" then return take("true", true)
		elseif c == "f" then return take("false", false)
		elseif c == "n" then return take("null", nil) end
		local number = text:match("^-?%d+%.?%d*[eE]?[-+]?%d*", at) or fail("no value")
		at = at + #number
		return tonumber(number)
	end

	local result = value()
	skip()
	if at <= #text then fail("more than one value") end
	return result
end

section("json")
local document = '{"name": "Keros", "tags": ["small", "exact", "\\u00e9\\n"], "size": 12.5, "deep": {"a": [[], {}, [1, [2, [3]]]]}, "ok": true, "none": null}'
local parsed = json.read(document)
print(json.write(parsed))
print(json.write(json.read(json.write(parsed))) == json.write(parsed))
for _, bad in ipairs { "{", "[1,]", '{"a" 1}', '"open', "[1] 2", "nul", "" } do
	print(bad, select(2, pcall(json.read, bad)))
end

-- Expressions compiled to closures ------------------------------------------------------

section("expressions")
local function compile(source)
	local tokens, at = {}, 1
	for number, symbol in source:gmatch("%s*(%d*%.?%d*)([-+*/^()a-z]?)") do
		if number ~= "" then tokens[#tokens + 1] = tonumber(number) end
		if symbol ~= "" then tokens[#tokens + 1] = symbol end
	end
	local sum

	local function atom()
		local token = tokens[at]
		at = at + 1
		if token == "(" then
			local inner = sum()
			assert(tokens[at] == ")", "missing )")
			at = at + 1
			return inner
		elseif token == "-" then
			local inner = atom()
			return function(env) return -inner(env) end
		elseif type(token) == "number" then
			return function() return token end
		end
		assert(token, "unexpected end")
		return function(env) return env[token] or error("no variable " .. token, 0) end
	end

	local function power()
		local base = atom()
		if tokens[at] ~= "^" then return base end
		at = at + 1
		local exponent = power()
		return function(env) return base(env) ^ exponent(env) end
	end

	local function chain(next_level, operators)
		return function()
			local left = next_level()
			while operators[tokens[at]] do
				local operator, before = operators[tokens[at]], left
				at = at + 1
				local right = next_level()
				left = function(env) return operator(before(env), right(env)) end
			end
			return left
		end
	end

	local product = chain(power, {
		["*"] = function(a, b) return a * b end,
		["/"] = function(a, b) return a / b end,
	})
	sum = chain(product, {
		["+"] = function(a, b) return a + b end,
		["-"] = function(a, b) return a - b end,
	})
	local result = sum()
	assert(at == #tokens + 1, "more than one expression")
	return result
end

for _, source in ipairs { "1 + 2 * 3", "(1 + 2) * 3", "2 ^ 3 ^ 2", "-x * (y - 4) / 2", "10 - 4 - 3", "z", "(1", "1 2" } do
	local fine, result = pcall(function() return compile(source)({ x = 3, y = 10 }) end)
	print(source, fine, (tostring(result):gsub("^.-:%d+: ", "")))
end

-- Shortest ways with a heap -----------------------------------------------------------------

section("graph")
local Heap = {}
Heap.__index = Heap
Heap.__len = function(heap) return heap.count end

function Heap.new(less) return setmetatable({ count = 0, less = less }, Heap) end

function Heap:push(item)
	self.count = self.count + 1
	local at = self.count
	self[at] = item
	while at > 1 and self.less(self[at], self[at // 2]) do
		self[at], self[at // 2] = self[at // 2], self[at]
		at = at // 2
	end
end

function Heap:pop()
	local top = self[1]
	self[1], self[self.count] = self[self.count], nil
	self.count = self.count - 1
	local at = 1
	while true do
		local child = 2 * at
		if child > self.count then return top end
		if child < self.count and self.less(self[child + 1], self[child]) then child = child + 1 end
		if not self.less(self[child], self[at]) then return top end
		self[at], self[child] = self[child], self[at]
		at = child
	end
end

-- A generator of our own, so that every Lua draws the same graph.
local seed = 12345
local function random(limit)
	seed = (seed * 1103515245 + 12345) & 0x7fffffff
	return (seed >> 8) % limit + 1
end

local graph = {}
for i = 1, 300 do graph[i] = {} end
for _ = 1, 1500 do
	local from, to = random(300), random(300)
	graph[from][to] = math.min(graph[from][to] or 1000, random(100))
end
local distance, heap = { [1] = 0 }, Heap.new(function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
heap:push { 0, 1 }
while #heap > 0 do
	local far, node = table.unpack(heap:pop())
	if far == distance[node] then
		for next_node, length in pairs(graph[node]) do
			if far + length < (distance[next_node] or math.huge) then
				distance[next_node] = far + length
				heap:push { far + length, next_node }
			end
		end
	end
end
local line = {}
for i = 1, 300, 13 do line[#line + 1] = tostring(distance[i]) end
print(table.concat(line, " "))

-- Coroutines ------------------------------------------------------------------------------

section("coroutines")
local function permutations(items, count)
	return coroutine.wrap(function()
		local function permute(n)
			if n == 0 then coroutine.yield(items) return end
			for i = 1, n do
				items[i], items[n] = items[n], items[i]
				permute(n - 1)
				items[i], items[n] = items[n], items[i]
			end
		end
		permute(count or #items)
	end)
end
for p in permutations { "a", "b", "c", "d" } do io.write(table.concat(p), " ") end
print()

local function queens(size)
	local columns, found = {}, 0
	local function safe(row, column)
		for r = 1, row - 1 do
			local c = columns[r]
			if c == column or math.abs(c - column) == row - r then return false end
		end
		return true
	end
	local function place(row)
		if row > size then found = found + 1 return end
		for column = 1, size do
			if safe(row, column) then
				columns[row] = column
				place(row + 1)
			end
		end
	end
	place(1)
	return found
end
for size = 4, 7 do io.write(size, ":", queens(size), " ") end
print()

-- Words --------------------------------------------------------------------------------------

section("words")
local lengths, anagrams, total = {}, {}, 0
for word in io.lines(words_path) do
	total = total + 1
	lengths[#word] = (lengths[#word] or 0) + 1
	local letters = {}
	for letter in word:lower():gmatch("%a") do letters[#letters + 1] = letter end
	table.sort(letters)
	local key = table.concat(letters)
	anagrams[key] = anagrams[key] or {}
	table.insert(anagrams[key], word)
end
local groups = {}
for _, group in pairs(anagrams) do
	if #group > 2 then
		table.sort(group)
		groups[#groups + 1] = table.concat(group, " ")
	end
end
table.sort(groups)
print(total, #groups)
for i = 1, math.min(20, #groups) do print(groups[i]) end
local shape = {}
for length = 1, 30 do shape[#shape + 1] = tostring(lengths[length] or 0) end
print(table.concat(shape, ","))

-- Files -----------------------------------------------------------------------------------------

section("files")
local path = out_dir .. "/groups"
local file = assert(io.open(path, "w"))
for _, group in ipairs(groups) do file:write(group, "\n") end
print(file:seek("cur") == file:seek("end"))
file:close()
file = assert(io.open(path, "r+"))
print(file:read("l"), file:seek("set", 5), file:read(10), file:read("n"))
file:seek("end")
file:write("the end\n")
file:close()
local count, last = 0, nil
for text in io.lines(path) do count, last = count + 1, text end
print(count, last)
assert(os.rename(path, path .. ".sorted"))
print(io.open(path))
print(os.remove(out_dir .. "/nothing"))
local pipe = assert(io.popen("sort -r " .. words_path .. " | head -n 3"))
print((pipe:read("a"):gsub("\n", " ")))
print(pipe:close())
print(os.execute("exit 3"))
print(os.date("!%Y-%m-%d %H:%M:%S", 86400 * 365), os.getenv("NOTHING"), type(os.time()), os.clock() >= 0)
local temporary = os.tmpname()
print(#temporary > 0, os.remove(temporary))

-- Strings, numbers, errors --------------------------------------------------------------------------

section("the rest")
print(("%5.2f|%-8s|%08x|%q|%g|%a"):format(math.pi, "left", 48879, 'a "quoted"\nline', 1e100, 0.5))
print(("key = value; other=thing"):gsub("(%w+)%s*=%s*(%w+)", "%2=%1"))
print(string.pack("<i4z", 7, "abc"):byte(1, -1))
print(7 // 2, -7 // 2, 7 % -3, 2 ^ 53, 1 << 62, 3 | 4, ~0, math.maxinteger + 1 == math.mininteger, 7.0, 1e15)
print(pcall(error, { code = 42 }), select("#", pcall(error)), tostring(nil), #"\u{20AC}", utf8.len("h\u{e9}llo"))
print(select(2, pcall(function() local x = nil; return x.y end)):match("attempt to index"))
local closed = {}
do
	local guard <close> = setmetatable({}, { __close = function() closed[#closed + 1] = "closed" end })
	closed[#closed + 1] = "inside"
end
print(table.concat(closed, " "))
local weak = setmetatable({}, { __mode = "k" })
weak[{}] = 1
collectgarbage()
print(next(weak), collectgarbage("count") > 0)
local memo = setmetatable({}, { __index = function(t, n)
	local v = n < 2 and n or t[n - 1] + t[n - 2]
	rawset(t, n, v)
	return v
end })
print(memo[80], table.unpack({ 1, 2, 3 }, 2), table.concat(table.move({ 1, 2, 3 }, 2, 3, 1), " "))
os.exit(11)
