-- units.lua - quantities: numbers that know their unit.  MiB(4) fits an argument in bytes or in frames, ms(20) one in ns.

local Quantity = { __name = "quantity", __quantity = true }

local function make(value, unit)
	value = math.tointeger(value) or error("a quantity is a whole number of " .. unit, 3)
	return setmetatable({ value = value, unit = unit }, Quantity)
end

local function maker(unit, factor)
	return function(n)
		if type(n) ~= "number" then error("a quantity is made of a number, not of a " .. type(n), 2) end
		return make(math.floor(n * factor + 0.5), unit)
	end
end

bytes, KiB, MiB, GiB = maker("bytes", 1), maker("bytes", 1 << 10), maker("bytes", 1 << 20), maker("bytes", 1 << 30)
pages = maker("bytes", 4096)
ns, us, ms, seconds = maker("ns", 1), maker("ns", 1000), maker("ns", 1000000), maker("ns", 1000000000)

local function is_quantity(x) return getmetatable(x) == Quantity end

local function same(a, b, what)
	if not is_quantity(a) or not is_quantity(b) or a.unit ~= b.unit then
		error(what .. " is for two quantities of one unit", 3)
	end
	return a.value, b.value
end

function Quantity.__add(a, b) local x, y = same(a, b, "+") return make(x + y, a.unit) end
function Quantity.__sub(a, b) local x, y = same(a, b, "-") return make(x - y, a.unit) end
function Quantity.__unm(a) return make(-a.value, a.unit) end
function Quantity.__eq(a, b) return a.unit == b.unit and a.value == b.value end
function Quantity.__lt(a, b) local x, y = same(a, b, "<") return x < y end
function Quantity.__le(a, b) local x, y = same(a, b, "<=") return x <= y end
function Quantity.__mul(a, b)
	if type(a) == "number" then a, b = b, a end
	if type(b) ~= "number" then error("a quantity is multiplied by a number", 2) end
	return make(math.floor(a.value * b), a.unit)
end
function Quantity.__div(a, b)
	if type(b) == "number" then return make(math.floor(a.value / b), a.unit) end
	local x, y = same(a, b, "/")
	return x / y
end
function Quantity.__tostring(a)
	local names = a.unit == "bytes" and { { 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" } }
		or { { 1000000000, "s" }, { 1000000, "ms" }, { 1000, "us" } }
	for _, n in ipairs(names) do
		if a.value ~= 0 and a.value % n[1] == 0 then return a.value // n[1] .. " " .. n[2] end
	end
	return a.value .. " " .. a.unit
end
