-- limiter.lua - processor time by the spoonful: a meter, and a keeper that decides what happens when it is empty.
--
--	./keros lua apps/lua/limiter.lua
--
-- A domain that computes for ever runs on a meter with 20 ms. When they are used up the kernel stops it, in the middle of
-- whatever it does, and asks the meter's keeper, which is us. We refill three times, more slowly than it spends, then let it
-- starve; a neighbour on the ordinary schedule does not notice.

local worker = constructor { name = "worker", program = [[
	local n = 0
	return {
		grind = function(_, where) while true do n = n + 1 if n % 100 == 0 then where:call { order = 7, words = { n } } end end end,
	}
]] }
local neighbour = constructor { name = "neighbour", program = "return { ping = function() return 'pong' end }" }
	:seal():yield { bank = bank:make_sub(MiB(4)) }

local refills, starved = 0, promise()
local slow, node
slow, node = meter {
	left = ms(20), priority = 5,
	keeper = keeper(function()
		refills = refills + 1
		print(("the meter is empty, for the %d. time"):format(refills))
		if refills > 3 then
			starved:resolve()
			await(promise())                           -- no answer: it waits for as long as we like
		end
		sleep(0.02)                                    -- the limit of the rate: 20 ms in at least every 20 + 20
		node:write_number(3, 20000000, 0)
		return true
	end),
}

-- The worker counts on a page that we can read without asking it.
local progress = 0
local counter = serve(function(msg) progress = msg.words[1] end)
local its_bank = bank:make_sub(MiB(4))
local victim = worker:seal():yield { bank = its_bank, schedule = slow }
tell(victim, "grind", counter)
await(starved, 60)
print("it has computed", progress > 0)
local before = progress
sleep(0.05)
print("and does no more", progress == before)
print("the neighbour says", neighbour:ping())
its_bank:destroy_all()
