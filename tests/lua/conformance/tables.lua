-- Manual 6.6, 3.4.9 and 2.1: tables, the border, the table library.
local function try(f, ...) local r = table.pack(pcall(f, ...)) for i = 1, r.n do r[i] = tostring(r[i]) end print((table.concat(r, " | "):gsub("0x%x+", "ADDRESS"))) end
local function show(t) local o = {} for i = 1, #t do o[i] = tostring(t[i]) end return #t .. ":" .. table.concat(o, ",") end
print(#{}, #{ 1, 2, 3 }, #{ 1, 2, nil }, #{ n = 1 }, #{ [1] = 1, [2] = 2, [4] = 4 } >= 2, #"abc")
local t = {} t[1.0] = "a" t[2^53] = "b" print(t[1], next(t) == 1, t[2^53 | 0], math.type(next({ [3.0] = 1 })))
try(function() t[nil] = 1 end) try(function() t[0/0] = 1 end) print(t[nil], t[0/0]) try(rawset, t, nil, 1) try(next, t, "absent") try(next, {}) try(next)
try(table.insert, {}, 1, 2, 3) try(table.insert, {}) try(table.insert, { 1 }, 3, 1) try(table.insert, { 1 }, 0, 1) try(table.insert, {}, 1, "x") try(table.insert, nil, 1) try(table.insert, "x", 1)
t = { 1, 2, 3 } table.insert(t, 4) table.insert(t, 1, 0) table.insert(t, 3, "m") print(show(t)) print(table.remove(t), table.remove(t, 1), table.remove(t, 2), show(t)) print(table.remove({}), table.remove({}, 0), #t)
try(table.remove, { 1, 2 }, 5) try(table.remove, { 1, 2 }, 3) try(table.remove, { [0] = "z" }, 0) try(table.remove, {}, 1) try(table.remove, {}, 7)
try(table.concat, { 1, 2, 3 }) try(table.concat, { 1, 2, 3 }, ", ") try(table.concat, { 1, 2, 3 }, "-", 2) try(table.concat, { 1, 2, 3 }, "-", 2, 3) try(table.concat, { 1, 2, 3 }, "-", 3, 2) try(table.concat, { 1, {}, 3 }) try(table.concat, { 1, 2 }, ",", 1, 3) try(table.concat, {}, "x") try(table.concat, { 1.5, "a", 2 }, 1)
try(table.unpack, { 1, 2, 3 }) try(table.unpack, { 1, 2, 3 }, 2) try(table.unpack, { 1, 2, 3 }, -1, 1) try(table.unpack, {}, 1, 1e8) try(table.unpack, {}, math.mininteger, math.maxinteger) try(table.unpack, { 1, nil, 3 }, 1, 3) try(table.unpack, "abc") try(table.unpack, {}, 1, 0)
print(table.pack().n, table.pack(nil).n, table.pack(1, nil, nil).n, select("#", table.unpack({ n = 3 }, 1, 3)))
try(select, 0) try(select, 1) try(select, -1, 1, 2, 3) try(select, -4, 1, 2, 3) try(select, 2, "a", "b", "c") try(select, "#") try(select, "x")
t = table.move({ 1, 2, 3, 4 }, 2, 4, 1) print(show(t)) t = table.move({ 1, 2, 3 }, 1, 3, 3) print(show(t)) t = table.move({ 1, 2, 3 }, 1, 3, 1, {}) print(show(t)) t = table.move({ 1, 2, 3 }, 1, 0, 5) print(show(t)) try(table.move, {}, 1, math.maxinteger, 2) try(table.move, {}, -math.maxinteger, 2, 1) try(table.move, { 1 }, 1, 1, math.maxinteger) try(table.move, 1, 1, 1, 1)
-- sort.
for _, n in ipairs { 0, 1, 2, 3, 10, 100, 1000 } do
	local list, seed = {}, n
	for i = 1, n do seed = (seed * 16807 + 11) % 2147483647 list[i] = seed % 97 end
	table.sort(list) local good = true for i = 2, n do good = good and list[i - 1] <= list[i] end
	table.sort(list, function(a, b) return a > b end) for i = 2, n do good = good and list[i - 1] >= list[i] end
	print(n, good)
end
try(table.sort, { 3, "x", 1 }) try(table.sort, { {}, {} }) try(table.sort, { 1, 2, 3 }, 5) try(table.sort, { 5, 2, 8, 1 }, function() return true end) try(table.sort, { 3, 1, 2 }, function() error("mine", 0) end)
local words = { "pear", "Apple", "fig", "apple", "Zoo", "" } table.sort(words) print(table.concat(words, " "))
-- Metamethods are honoured.
local log = {} local proxy = setmetatable({}, { __index = function(_, k) log[#log + 1] = "get " .. k return k <= 3 and k * 10 or nil end, __newindex = function(_, k, v) log[#log + 1] = "set " .. k .. "=" .. tostring(v) end, __len = function() return 3 end })
print(table.concat(proxy, ","), table.unpack(proxy)) table.insert(proxy, 9) table.insert(proxy, 1, 8) print(table.remove(proxy)) table.move(proxy, 1, 2, 5) print(table.concat(log, "; "))
try(table.insert, setmetatable({}, { __len = function() return "x" end }), 1) try(table.concat, setmetatable({}, { __len = function() return 1.5 end })) try(function() return #setmetatable({}, { __len = function() return {} end }) end)
-- Traversal and change while traversing.
local big = {} for i = 1, 1000 do big[i] = i big["k" .. i] = i end
local count, sum = 0, 0 for k, v in pairs(big) do count, sum = count + 1, sum + v big[k] = nil end print(count, sum, next(big))
for k, v in ipairs({ 1, 2, nil, 4 }) do io.write(k, "=", v, " ") end print() for i, v in ipairs(setmetatable({}, { __index = function(_, i) if i < 4 then return i * i end end })) do io.write(i, "=", v, " ") end print()
for k, v in pairs(setmetatable({}, { __pairs = function(t) return function(_, k) if not k then return 1, "mine" end end, t, nil end })) do print(k, v) end try(pairs) try(pairs, nil) try(ipairs) try(ipairs, nil)
t = { 10, 20, 30, x = 1, [5] = 50, "after"; "last" } print(#t >= 5, t[1], t[4], t[5], t.x) local a <const> = { (function() return 1, 2, 3 end)() , (function() return 1, 2, 3 end)() } print(#a) print(#{ (function() return 1, 2 end)(), nil }, #{ ((function() return 1, 2 end)()) })
