-- Manual 6.4: the string library, but for patterns and pack.
local function try(f, ...) local r = table.pack(pcall(f, ...)) for i = 1, r.n do r[i] = tostring(r[i]) end print(table.concat(r, " | ")) end
local s = "hello world"
for i = -13, 13, 2 do for j = -13, 13, 3 do io.write(("%q "):format(s:sub(i, j))) end print() end
try(string.byte, s) try(string.byte, s, -1) try(string.byte, s, 1, 5) try(string.byte, s, 20) try(string.byte, s, 0) try(string.byte, "", 1) try(string.byte)
try(string.char) try(string.char, 72, 105) try(string.char, 256) try(string.char, -1) try(string.char, "65") try(string.char, "x") try(string.char, 65.0) try(string.char, 65.5)
print(#string.char(0, 255), s:upper(), ("ÄB"):lower(), s:len(), s:reverse(), (""):reverse())
for n = -1, 3 do try(string.rep, "ab", n) try(string.rep, "ab", n, ", ") end
try(string.rep, "x", 1 << 62) try(string.rep, "", 1 << 10) try(string.rep, "ab", 1 << 40, "c")
-- find with plain and positions.
for _, init in ipairs { -20, -3, 0, 1, 5, 11, 12, 13 } do try(string.find, s, "o", init) try(string.find, s, "", init) try(string.find, s, "o", init, true) end
try(string.find, "a.b", ".", 1, true) try(string.find, "a.b", "%.") try(string.find, s, "xyz") try(string.find, s) try(string.find, {}, "x")
-- format.
local formats = { "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%i", "%u", "%c", "%x", "%X", "%#x", "%o", "%5.2d", "%.0d", "%e", "%.3e", "%E", "%f", "%.0f", "%#.0f", "%g", "%G", "%.10g", "%a", "%A", "%.2a", "%s", "%10s|", "%-10s|", "%.2s", "%q", "%%", "%", "%y", "%123d", "%.123d", "%-+ #0d", "%5", "%lld", "%p", "%n", "%S", "%i %s" }
local arguments = { 0, 42, -42, 3.0, 3.5, -0.0, 1e100, 1/0, 0/0, "7", "str", "a\0b\n\"\\\r\200", true, math.mininteger, math.maxinteger, 65 }
for _, f in ipairs(formats) do
	for _, a in ipairs(arguments) do
		local ok, r = pcall(string.format, f, a)
		if f == "%p" and ok then r = type(a) == "string" and "(address)" or r end
		if a ~= a then r = r:gsub("%-", "") end           -- a nan's sign is the machine's
		print(f, tostring(a):gsub("^%-nan", "nan"), ok, r)
	end
end
try(string.format, "%d") try(string.format, "%s %s", 1) try(string.format, "%d", {}) try(string.format, "%s", setmetatable({}, { __tostring = function() return "mine" end }))
try(string.format, "%s", setmetatable({}, { __tostring = function() return 1 end })) try(string.format, "%q", {}) try(string.format, "%q", 1/3) try(string.format, "%q", 1/0) try(string.format, "%q", math.mininteger)
try(string.format, "%s", setmetatable({}, { __name = "Kind" }).x) try(string.format, ("%s"):rep(100), table.unpack({}, 1, 100)) try(string.format, "%-20.5s|", "abcdefgh") try(string.format, "%q", "\0001\r\n")
print(("%s"):format(("x"):rep(200)):len(), pcall(string.format, "%100d", 1)) try(string.format, "%99.99f", -1e308)
print(("x"):format(), #("%99d"):format(1), ("%.3q"):len(), pcall(string.format, "%.3q", "a"))
-- Numbers to strings and back.
for _, v in ipairs { 1, 1.0, -0.0, 1e15, 1e14, 1e100, 2^53, 2^63, 0.1, 1/3, 123456.789e3, math.pi, 5e-324, 1.7976931348623157e308 } do print(v, tostring(v), tonumber(tostring(v)) == v, v .. "") end
-- Metatable of strings.
print(("abc").len == string.len, ("abc").nothing, #"abc", ("x").y == nil, pcall(function() return ("x").y.z end))
print("10" + 5, "3" * "4", 10 .. 20, pcall(function() return "a" + 1 end)) print("0x10" + 0, " 1 " + 0, "1e1" * 1, pcall(function() return {} .. "x" end))
print(#("x"):rep(1000, "yz"), ("x"):rep(0), ("x"):rep(-5), ("ab"):rep(3, ""))
