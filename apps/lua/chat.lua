-- chat.lua - three domains that can talk because, and only because, somebody handed them a capability.
--
--	./keros lua apps/lua/chat.lua
--
-- Ann, Bob and Cy are confined domains: each holds its own bank and nothing that leads to another. We introduce Ann to Bob and
-- Bob to Cy. Ann cannot reach Cy until Bob, who can, passes her the capability; nobody asks us.

local PERSON = [[
	local me = { heard = {}, friends = {} }
	function me:meet(who, friend) self.friends[who] = friend end
	function me:hear(from, text) table.insert(self.heard, from .. ": " .. text) end
	function me:tell(who, text)
		local friend = self.friends[who]
		if not friend then return "I hold nothing that leads to " .. who end
		friend:hear(name, text)
		return "told " .. who
	end
	-- Passing a capability on is passing an argument.
	function me:introduce(a, b)
		self.friends[b]:meet(a, self.friends[a])
		return b .. " can reach " .. a .. " now"
	end
	function me:log() return #self.heard == 0 and "nothing" or table.concat(self.heard, " | ") end
	return me
]]

local function person(name)
	local sealed = constructor { name = name, program = PERSON, components = { name = name } }:seal()
	assert(#sealed:holes() == 0)                       -- it can tell nobody but whom we hand it
	return sealed:yield { bank = bank:make_sub(MiB(4)) }
end

local ann, bob, cy = person "Ann", person "Bob", person "Cy"
ann:meet("Bob", bob)
bob:meet("Ann", ann)
bob:meet("Cy", cy)

print("Ann to Bob:", ann:tell("Bob", "hello"))
print("Ann to Cy:", ann:tell("Cy", "are you there?"))
print("Bob:", bob:introduce("Cy", "Ann"))
print("Ann to Cy:", ann:tell("Cy", "now you are"))
print("Cy to Ann:", cy:tell("Ann", "and who are you?"))
print("Bob has heard", bob:log())
print("Cy has heard", cy:log())
