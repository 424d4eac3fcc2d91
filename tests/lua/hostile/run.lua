-- run.lua - runs hostile scripts, each in a domain of its own (README.md): run.lua FILE...
--
-- One line for each on standard output: NAME, a tab, "ok" or what was wrong. The last line counts.

local LIMIT, LEFT, PATIENCE = MiB(8), ms(250), 8   -- storage, processor time, seconds until nobody waits any more

-- What scripts are given, and what must outlive them.
local peer = serve { ping = function() await(promise()) end }
local dead = serve { ping = function() return "pong" end }
revoke(dead)

local neighbour = constructor {
	name = "neighbour",
	program = [[
		local count, kept = 0
		return {
			ping = function() count = count + 1 return "pong" end,
			keep = function(_, v) kept = v return true end,
			count = function() return count end,
		}
	]],
}:seal():yield { bank = bank:make_sub(MiB(4)), schedule = schedule }

local secrets = { peer, dead, bank, neighbour }

local BEFORE = [[
local tostring = tostring
local print = function() end
local function keep(v) return victim:keep(v) end
local say = (function(...)
]]
local AFTER = [[

end)(argument)
return { say = function() return tostring(say) end }
]]

local function scripts(text)
	local list = {}
	for head, body in (text .. "\n====\n"):gsub("\n====", "\0\n===="):gmatch("====%s([^\n\0]+)\n([^\0]*)\0") do
		local name, outcome, pattern = head:match("^(.-)%s*|%s*([%a/]+)%s*(.*)$")
		list[#list + 1] = { name = name, outcome = outcome, pattern = pattern, body = body }
	end
	return list
end

-- What became of a script: an outcome and a text.
local function live(script, its_bank)
	local out_of_time = promise()
	local its_schedule = meter { left = LEFT, priority = 5, keeper = serve(function() out_of_time:resolve() await(promise()) end) }
	local made, sealed = pcall(function()
		return constructor { program = BEFORE .. script.body .. AFTER, name = "script", bank = its_bank,
			components = { peer = peer, dead = dead, victim = neighbour, clock = nil, timer = timer } }:seal()
	end)
	if not made then return "error", tostring(sealed) end
	local born = sealed:order { bank = its_bank, schedule = its_schedule }
	local late = promise()
	local off = after(PATIENCE, function() late:resolve() end)
	local function wait(p)
		local which = first { p, out_of_time, late }
		return which == 2 and "time" or which == 3 and "silent" or nil
	end
	born.handled = true
	local ended = wait(born:next(function() end, function() end))
	if ended then return ended, "" end
	local ok, product = pcall(await, born)
	if not ok then return tostring(product):find("VOID") and "dead" or "error", tostring(product) end
	local said = send(product, "say")
	ended = wait(said:next(function() end, function() end))
	if ended then return ended, "" end
	ok, product = pcall(await, said)
	if not ok then return tostring(product):find("VOID") and "dead" or "error", tostring(product) end
	return "says", product
end

local function judge(script, outcome, text)
	if not ("/" .. script.outcome .. "/"):find("/" .. outcome .. "/", 1, true) then return ("%s (%s) instead of %s"):format(outcome, text:sub(1, 300), script.outcome) end
	if outcome ~= "says" and outcome ~= "error" then return end
	if not text:find(script.pattern) and not text:lower():find(script.pattern) then
		return ("%s '%s' instead of '%s'"):format(outcome, text:sub(1, 300), script.pattern)
	end
end

local function check(script)
	local its_bank = bank:make_sub(LIMIT)
	local before = await(send(neighbour, "count"), 5)
	local ok, outcome, text = pcall(live, script, its_bank)
	if not ok then return "the maker failed: " .. tostring(outcome) end
	local wrong = judge(script, outcome, text)
	-- The neighbour has gone on, and storage was kept to.
	local alive, pong = pcall(await, send(neighbour, "ping"), 5)
	if not alive or pong ~= "pong" then wrong = (wrong or "") .. " THE NEIGHBOUR: " .. tostring(pong) end
	if alive and await(send(neighbour, "count"), 5) <= before then wrong = (wrong or "") .. " THE NEIGHBOUR stood still" end
	if not is_void(its_bank) then
		local readable, limit, used = pcall(function() return its_bank:get_limits() end)
		if readable and used > limit then wrong = (wrong or "") .. (" THE BANK: %d of %d"):format(used, limit) end
		pcall(function() its_bank:destroy_all() end)
	end
	return wrong
end

local run, failed = 0, 0
for _, file in ipairs(arg) do
	local text = assert(io.open(file)):read("a")
	for _, script in ipairs(scripts("\n" .. text)) do
		run = run + 1
		local wrong = check(script)
		if wrong then failed = failed + 1 end
		print(script.name .. "\t" .. (wrong or "ok"))
		collectgarbage()
	end
end
print(("%d scripts, %d not as they should be"):format(run, failed))
os.exit(failed == 0)
