-- auction.lua - sealed bids: not even the auctioneer's house can peek, and the proof is the absence of holes.
--
--	./keros lua apps/lua/auction.lua
--
-- A bidder's strategy is his own program, with his own limit in it. He seals it into a constructor. The auctioneer yields
-- each bidder inside a bank and hands it the item; a bidder without holes can tell nobody anything but its answer, and the
-- auctioneer, who holds only the requestor, cannot look inside. One bidder has a hole, and is not let in; one does not
-- answer, and is not waited for; one cheats with its answer, and counts for what it is.

local function bidder(name, program, components)
	return { name = name, sealed = constructor { name = name, program = program, components = components }:seal() }
end

local spy = serve { hear = function(_, what) print("the spy hears", what) end }

local bidders = {
	bidder("Ada", "return { bid = function(_, item, reserve) return reserve + 40 end }"),
	bidder("Bea", "return { bid = function(_, item) return item == 'vase' and limit or 0 end }", { limit = 170 }),
	bidder("Cid", "return { bid = function(_, item, reserve) spy:hear(item) return reserve + 1 end }", { spy = spy }),
	bidder("Dan", "return { bid = function() while true do end end }"),
	bidder("Eve", "return { bid = function() return 1 / 0 end }"),
	bidder("Fay", "return { bid = function() error('no interest', 0) end }"),
}

local function collect(item, reserve)
	local bids = {}
	for _, b in ipairs(bidders) do
		local holes = b.sealed:holes()
		if #holes > 0 then
			print(b.name, "is not let in: component '" .. holes[1].name .. "' is a hole")
		else
			-- Each bidder pays with storage and time of ours, and with not a bit more of either.
			local its_bank = bank:make_sub(MiB(3))
			local its_time = meter { left = ms(200), priority = 5 }
			local ok, amount = pcall(function()
				local instance = await(b.sealed:order { bank = its_bank, schedule = its_time }, 2)
				return await(send(instance, "bid", item, reserve), 2)
			end)
			its_bank:destroy_all()
			if ok and math.type(amount) == "integer" and amount >= reserve then
				bids[#bids + 1] = { name = b.name, amount = amount }
			else
				print(b.name, "makes no bid")
			end
		end
	end
	return bids
end

-- Vickrey's rule: the highest bid wins and pays the second highest.
local bids = collect("vase", 100)
table.sort(bids, function(x, y) return x.amount > y.amount end)
print(("sold to %s for %d (%d bids)"):format(bids[1].name, bids[2] and bids[2].amount or 100, #bids))
