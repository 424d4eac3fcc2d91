-- caretaker.lua - a capability that can be taken back, by whom it was lent, from all who hold it.
--
--	./keros lua apps/lua/caretaker.lua
--
-- A forwarder is the kernel's own object: it passes messages on at a few instructions a piece until it is cut. Lending one
-- instead of the thing itself is the caretaker pattern. Copies do not help the borrower: they are copies of the forwarder.

local file = { text = "the only copy" }
function file:read() return self.text end
function file:write(text) self.text = text return #text end
local real = serve(file)

-- Whoever wants our file: a confined domain that keeps what it gets, and a second copy for later.
local borrower = constructor {
	name = "borrower",
	program = [[
		local held, copy
		return {
			take = function(_, cap) held, copy = cap, bank:alloc_node() copy:swap(0, cap) end,
			use = function() return held:read() end,
			use_copy = function() return copy:fetch(0):read() end,
			spoil = function() return held:write("spoiled") end,
		}
	]],
}:seal():yield { bank = bank:make_sub(MiB(4)) }

local function try(what, method)
	local ok, result = pcall(await, send(borrower, method), 5)
	print(what, ok and result or "refused: " .. (type(result) == "table" and result.name or tostring(result)))
end

-- Reading only, and only until we say so.
local lent, take_back = forwarder(facet(real, { only = { "read" } }))
borrower:take(lent)
try("reads", "use")
try("writes", "spoil")
try("reads by its copy", "use_copy")
take_back()
try("reads after", "use")
try("reads by its copy after", "use_copy")
print("we still read", real:read())
