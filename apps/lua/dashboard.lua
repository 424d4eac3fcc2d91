-- dashboard.lua - what a system of domains uses, as text: banks and meters read through the capabilities that limit them.
--
--	./keros lua apps/lua/dashboard.lua [ROUNDS]

local rounds = tonumber(arg[1]) or 3

local WORK = {
	idle = "return { go = function() end }",
	memory = "local held = {} return { go = function() for i = 1, 200 do held[#held + 1] = ('x'):rep(1000) .. i end end }",
	time = "return { go = function() local x = 0 for i = 1, 100000 do x = x + i end return x end }",
	greedy = "local t = {} return { go = function() while true do t[#t + 1] = ('y'):rep(10000) .. #t end end }",
}

local domains = {}
for _, name in ipairs { "idle", "memory", "time", "greedy" } do
	local its_bank = bank:make_sub(MiB(4))
	local its_time, node = meter { left = seconds(30), priority = 5 }
	domains[#domains + 1] = {
		name = name, bank = its_bank, meter = node, left = 30e9,
		domain = constructor { name = name, program = WORK[name] }:seal():yield { bank = its_bank, schedule = its_time },
	}
end

local function bar(part, whole)
	local n = math.min(20, math.floor(20 * part / whole + 0.5))
	return ("#"):rep(n) .. ("."):rep(20 - n)
end

-- Of a meter: the time left is a number in slot 3 of its node.
local function left_of(node) return (select(2, pcall(function() return node:fetch(3):call { order = 1 }.words[1] end))) end

for round = 1, rounds do
	for _, d in ipairs(domains) do
		local _, why = pcall(await, send(d.domain, "go"), 5)
		d.last = type(why) == "string" and why:match("not enough memory") or type(why) == "table" and why.name or "well"
	end
	print(("round %d      storage of 4 MiB               time"):format(round))
	for _, d in ipairs(domains) do
		local limit, used = d.bank:get_limits()
		local left = left_of(d.meter)
		print(("%-8s [%s] %4d KiB  %6.1f ms  %s"):format(d.name, bar(used, limit), used * 4, (d.left - left) / 1e6, d.last))
		d.used, d.spent = used, d.left - left
	end
end

-- What must be so, whatever the figures.
local by_name = {}
for _, d in ipairs(domains) do by_name[d.name] = d end
print("the greedy one is at its limit, and lives", by_name.greedy.used > 900 and by_name.greedy.used <= 1024 and kind(by_name.greedy.domain))
print("the busy one has spent the most time but the greedy", by_name.time.spent > by_name.idle.spent)
