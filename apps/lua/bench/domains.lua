-- domains.lua - what domains cost: run as `keros lua --icount`, where a nanosecond is an instruction.

local function row(name, figure) print(("BENCH name=%s tsc_med=%d"):format(name, figure)) end

local program = [[
	local began = math.floor(os.clock() * 1e9)
	function thawed() began = math.floor(os.clock() * 1e9) end
	return { began = function() return began end, add = function(_, k) return k + 1 end }
]]
local builder = constructor{ name = "measured", program = program, components = { timer = timer } }
local frozen = builder:freeze{ bank = bank:make_sub(600) }
local sealed = constructor{ name = "measured", program = program, components = { timer = timer } }:seal()

-- From the call of yield to the first statement of the new domain, which reads the clock.
local function yield_time(from)
	local its_bank = bank:make_sub(600)
	local before = timer:now()
	return from:yield{ bank = its_bank }:began() - before
end

yield_time(sealed)
row("lua_new_domain", yield_time(sealed))
yield_time(frozen)
row("lua_new_domain_frozen", yield_time(frozen))

local child = sealed:yield{ bank = bank:make_sub(600) }
child:add(1)
local before = timer:now()
for i = 1, 1000 do child:add(i) end
row("lua_round_trip", (timer:now() - before) // 1000)
