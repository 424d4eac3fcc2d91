-- Manual 2.4: every metamethod, in the order and with the arguments that the manual says.
local function try(f, ...) local r = table.pack(pcall(f, ...)) for i = 1, r.n do r[i] = tostring(r[i]) end print((table.concat(r, " | "):gsub("0x%x+", "ADDRESS"))) end
local mt = {}
local function new(name) return setmetatable({ name = name }, mt) end
local function text(v) return type(v) == "table" and v.name or tostring(v) end
for _, e in ipairs { "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr", "concat", "unm", "bnot", "len" } do mt["__" .. e] = function(a, b, ...) return e .. "(" .. text(a) .. "," .. text(b) .. "," .. select("#", ...) .. ")" end end
for _, e in ipairs { "eq", "lt", "le" } do mt["__" .. e] = function(a, b) io.write(e, "(", text(a), ",", text(b), ") ") return 1 end end
mt.__call = function(self, ...) return "call " .. self.name, ... end
local x, y = new "x", new "y"
print(x + 1, 1 + x, x - y, x * "s", "s" / x, x % 2, 2 ^ x, x // 1.5) print(x & 1, 1 | x, x ~ y, x << 2, 2 >> x, x & 1.5, "a" & x) print(x .. 1, 1 .. x, x .. y, "a" .. "b" .. x, x .. "a" .. "b") print(-x, ~x, #x)
print(x == y, x ~= y, x == 1, x < y, x <= y, x > 1, 1 >= x, "s" < x, rawequal(x, y), x == x) print(x(1, 2), (x())) try(function() return x.name.z.w end)
-- Index chains.
local base = setmetatable({ deep = "found" }, { __index = function(_, k) return "made " .. k end }) local mid = setmetatable({}, { __index = base }) local top = setmetatable({}, { __index = mid }) print(top.deep, top.other, rawget(top, "deep"))
local loop = {} setmetatable(loop, { __index = loop }) try(function() return loop.x end) local nloop = {} setmetatable(nloop, { __newindex = nloop }) try(function() nloop.x = 1 end)
local store = {} local ro = setmetatable({}, { __index = store, __newindex = function(_, k, v) rawset(store, k, v and v .. "!") end }) ro.a = "v" print(ro.a, rawget(ro, "a"), store.a) ro.a = nil print(ro.a)
local chain = setmetatable({}, { __newindex = store }) chain.k = 5 print(rawget(chain, "k"), store.k)
-- Protection, names, tostring.
local locked = setmetatable({}, { __metatable = "locked" }) print(getmetatable(locked)) try(setmetatable, locked, {}) print(getmetatable("").__index == string, getmetatable(1), getmetatable(print)) try(setmetatable, 1, {}) try(setmetatable, {}, 1) try(setmetatable, {}) try(getmetatable)
try(tostring, setmetatable({}, { __name = "Kind" })) try(tostring, setmetatable({}, { __tostring = function() return "text" end })) try(tostring, setmetatable({}, { __tostring = function() return 5 end })) try(tostring) print(tostring(nil), tostring(true), tostring(-0.0))
for _, code in ipairs { "local a = {} return a.b.c", "local a return a.b", "return nothing.x", "return ('x').y.z", "local t = {} t.x.y = 1", "return nothing()", "local t = {} t.m()", "local t = {} t:m()", "return #nil", "return -{}", "return {} + 1", "return 1 + nil", "local a = 'x' return a + 1", "return {} .. 'x'", "return 1 < 'x'", "return {} < {}", "return nil > 1", "return {} <= 1", "return 1 & 1.5", "return 1 & 'x'", "return 2^53 | 2^64", "return 1 // 0", "return 1 % 0", "for i = 1, 10, 0 do end", "for i = 'x', 1 do end", "for i = 1, {} do end", "for i = 1, 2, 'x' do end", "for i in 5 do end", "for k in pairs(nil) do end", "local t = setmetatable({}, {__index = function(t, k) error('no ' .. k) end}) return t.x", "string.rep()", "('x'):bad()", "string.rep('x', {})", "math.floor('x')", "math.floor({})", "setmetatable({}, {__call = 1})()", "local a <close> = {}", "error()", "error(nil)", "error({})", "error('msg', 0)", "error('msg', 2)", "assert(false)", "assert(nil, 'why')", "assert(false, {1})", "assert()", "local function f(n) return f(n + 1) end", "upper = string.upper upper(nil)", "local t = {f = {}} t.f.g.h()", "local x <const> = nil; return x.y", "return (1).x", "return ({}).x.y", "a.b.c = 1", "a = a.b" } do
	local f, why = load(code, "=code", "t", setmetatable({}, { __index = _G }))
	if f then try(f) else print(why) end
end
-- Closing and goto.
do local order = {} local function closer(n) return setmetatable({}, { __close = function(_, e) order[#order + 1] = n .. ":" .. tostring(e) end }) end
	do local a <close> = closer "a" local b <close> = closer "b" local c <close> = nil local d <close> = false end print(table.concat(order, " ")) order = {}
	print(pcall(function() local a <close> = closer "a" error("boom", 0) end)) print(table.concat(order, " ")) order = {}
	for i = 1, 3 do local a <close> = closer(i) if i == 2 then break end end print(table.concat(order, " ")) order = {}
	print((function() local a <close> = closer "r" return "value", #order end)(), table.concat(order, " ")) order = {}
	try(function() local a <close> = setmetatable({}, { __close = function(_, e) error("second after " .. tostring(e), 0) end }) error("first", 0) end)
	for k in (function() return function(_, c) c = (c or 0) + 1 if c < 4 then return c end end, nil, nil, closer "iterator" end)() do if k == 2 then break end end print(table.concat(order, " "))
	local co = coroutine.wrap(function() local a <close> = closer "co" coroutine.yield(1) return 2 end) order = {} print(co(), co(), table.concat(order, " "))
	local thread = coroutine.create(function() local a <close> = closer "killed" coroutine.yield() end) order = {} coroutine.resume(thread) print(coroutine.close(thread), table.concat(order, " "), coroutine.status(thread)) end
do local i = 1 ::top:: if i <= 3 then io.write(i, " ") i = i + 1 goto top end print() local fs = {} for i = 1, 3 do fs[i] = function() i = i + 1 return i end end print(fs[1](), fs[1](), fs[2](), fs[3]()) end
-- Weak tables and finalizers, with a collector that is asked.
local weak = setmetatable({}, { __mode = "v" }) weak[1] = {} weak[2] = "string" weak.keep = weak collectgarbage() print(weak[1], weak[2], weak.keep == weak) local wk = setmetatable({}, { __mode = "k" }) wk[{}] = 1 local key = {} wk[key] = 2 collectgarbage() local n = 0 for _ in pairs(wk) do n = n + 1 end print(n)
local eph = setmetatable({}, { __mode = "k" }) do local k = {} eph[k] = { k } end collectgarbage() print(next(eph)) local gc = {} for i = 1, 3 do setmetatable({}, { __gc = function() gc[#gc + 1] = i end }) end collectgarbage() print(table.concat(gc, " ")) local risen do setmetatable({ v = "risen" }, { __gc = function(o) risen = o end }) end collectgarbage() print(risen and risen.v)
setmetatable({}, { __gc = true }) collectgarbage() print(collectgarbage("count") > 0, collectgarbage("step") ~= nil, collectgarbage("isrunning"), collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), (collectgarbage("incremental") and nil), collectgarbage("generational"), collectgarbage("incremental"), collectgarbage("setpause", 200), pcall(collectgarbage, "nonsense"))
