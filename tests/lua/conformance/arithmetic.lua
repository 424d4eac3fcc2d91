-- Manual 3.4: every arithmetic, bitwise, comparison and logical operator over every kind of operand.
local values = { 0, 1, -1, 7, -7, 2^53, 1.5, -1.5, 0.0, -0.0, 1/0, -1/0, math.maxinteger, math.mininteger,
	"10", "0x10", " 5 ", "1e1", "abc", "", true, false, "nil" }
local function show(v)
	if math.type(v) == "float" then
		if v ~= v then return "nan" end
		return ("%.17g%s"):format(v, v == 0 and 1 / v < 0 and "(minus)" or "")
	end
	return tostring(v)
end
local operators = { "+", "-", "*", "/", "//", "%", "^", "&", "|", "~", "<<", ">>", "..", "==", "~=", "<", "<=", ">", ">=", "and", "or" }
for _, op in ipairs(operators) do
	local f = load("local a, b = ... return a " .. op .. " b", "=op")
	for _, a in ipairs(values) do
		local line = {}
		for _, b in ipairs(values) do
			if a == "nil" then a = nil end
			if b == "nil" then b = nil end
			local ok, r = pcall(f, a, b)
			line[#line + 1] = ok and show(r) or r:gsub("^op:1: ", "!")
		end
		print(op, show(a), table.concat(line, " | "))
	end
end
for _, op in ipairs { "-", "~", "not ", "#" } do
	local f = load("local a = ... return " .. op .. "a", "=op")
	for _, a in ipairs(values) do
		local ok, r = pcall(f, a)
		print(op, show(a), ok and show(r) or r)
	end
end
-- Precedence and associativity.
print(2^3^2, -2^2, not nil == true, 1 .. 2 .. 3, 2 * 3 % 4, 7 // 2 * 2, 1 << 2 + 1, 5 & 3 == 1 and 1 or 2 | 8)
print(1 < 2 == true, "a" < "b", "a" < "B", "Z" < "a", "" < "a", "a\0b" < "a\0c", "10" < "9")
print(3 | 4 ~ 1 & 7 << 1, -3 % 5, 3 % -5, -3 // 5, 5.5 // 2, -5.5 % 2, 5 % math.huge, -5 % math.huge, 5 // 0.0, -5 // 0.0, 0/0 ~= 0/0)
print(math.maxinteger + 1 == math.mininteger, math.mininteger // -1, math.mininteger % -1, math.maxinteger * 2)
print(1 == 1.0, math.type(1), math.type(1.0), math.type("1"), 2^63 == math.maxinteger + 1.0, math.maxinteger < 2^63, math.mininteger <= -2^63)
print(1e15, 1e16, 123456789012345678, 0x7fffffffffffffff, 0xffffffffffffffff, 0x1p4, 0x.8p1, 3e-2, .5, 5., 0xA.8)
for _, s in ipairs { "1", "1.", ".5", "5e", "0x", "0x1p", "1e+5", "1 2", "0b1", "1_000", "١", "inf", "nan", "1e400", "-0x10", "- 1", "0x1.8", "9223372036854775807", "9223372036854775808", "1\0", "\t7\n" } do
	print(("%q"):format(s), show(tonumber(s) or "nil"), math.type(tonumber(s)))
end
for base = 2, 36, 7 do
	print(base, tonumber("10", base), tonumber("-11", base), tonumber("zz", base), tonumber("7", base), tonumber(" 1 ", base))
end
for _, bad in ipairs { 1, 37 } do print(pcall(tonumber, "1", bad)) end
print(pcall(tonumber, 1, 10)) print(pcall(tonumber)) print(tonumber(nil), tonumber({}), tonumber(true))
