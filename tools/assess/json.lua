-- json.lua - reading one line of the record, and writing the report's numbers: sorted, so that equal is equal.
--
-- Strings of the record are bytes: \u00XX is one byte. Written text is valid UTF-8: bytes that are none become U+FFFD.
local json = {}

local function fail(at, why)
	error(string.format("character %d: %s", at, why), 0)
end

local escapes = { n = "\n", t = "\t", r = "\r", b = "\b", f = "\f" }

local function read_string(s, at)
	local parts = {}
	at = at + 1
	while true do
		local stop = s:find('["\\]', at) or fail(at, "a string does not end")
		parts[#parts + 1] = s:sub(at, stop - 1)
		if s:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
		local e = s:sub(stop + 1, stop + 1)
		if e == "u" then
			local hex = s:match("^%x%x%x%x", stop + 2) or fail(stop, "\\u without four digits")
			local code = tonumber(hex, 16)
			parts[#parts + 1] = code < 256 and string.char(code) or utf8.char(code)
			at = stop + 6
		else
			parts[#parts + 1] = escapes[e] or e
			at = stop + 2
		end
	end
end

local read_value

local function read_list(s, at, close, item)
	at = s:find("%S", at + 1) or fail(at, "a list does not end")
	if s:sub(at, at) == close then return at + 1 end
	while true do
		at = item(at)
		at = s:find("%S", at) or fail(at, "a list does not end")
		local c = s:sub(at, at)
		if c == close then return at + 1 end
		if c ~= "," then fail(at, "a comma is missing") end
		at = s:find("%S", at + 1) or fail(at, "a list does not end")
	end
end

function read_value(s, at)
	at = s:find("%S", at) or fail(at, "nothing is here")
	local c = s:sub(at, at)
	if c == '"' then return read_string(s, at) end
	if c == "{" then
		local object = {}
		local stop = read_list(s, at, "}", function(i)
			if s:sub(i, i) ~= '"' then fail(i, "a key must be a string") end
			local key, after = read_string(s, i)
			after = s:match("^%s*:()", after) or fail(after, "a colon is missing")
			object[key], after = read_value(s, after)
			return after
		end)
		return object, stop
	end
	if c == "[" then
		local list = {}
		local stop = read_list(s, at, "]", function(i)
			local v, after = read_value(s, i)
			list[#list + 1] = v
			return after
		end)
		return list, stop
	end
	local word, stop = s:match("^([%w%.%+%-]+)()", at)
	if word == "true" then return true, stop end
	if word == "false" then return false, stop end
	if word == "null" then return nil, stop end
	return tonumber(word) or fail(at, "this is no value"), stop
end

function json.decode(s)
	local v, at = read_value(s, 1)
	if s:find("%S", at) then fail(at, "something follows the value") end
	return v
end

function json.printable(s)
	if utf8.len(s) then return s end
	return (s:gsub("[\x80-\xff]", "\u{FFFD}"))
end

local function quote(s)
	return '"' .. json.printable(s):gsub('[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

function json.encode(v, indent)
	indent = indent or ""
	local deeper = indent .. " "
	local kind = type(v)
	if kind == "string" then return quote(v) end
	if kind == "number" then return math.type(v) == "integer" and tostring(v) or string.format("%.4f", v) end
	if kind ~= "table" then return tostring(v) end
	local parts = {}
	if #v > 0 or v.is_list then
		for i, item in ipairs(v) do parts[i] = deeper .. json.encode(item, deeper) end
		return #parts == 0 and "[]" or "[\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "]"
	end
	local keys = {}
	for key in pairs(v) do keys[#keys + 1] = key end
	table.sort(keys)
	for i, key in ipairs(keys) do parts[i] = deeper .. quote(key) .. ": " .. json.encode(v[key], deeper) end
	return #parts == 0 and "{}" or "{\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "}"
end

return json
