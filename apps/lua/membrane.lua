-- membrane.lua - a file tree behind glass: everything that is reached through it is seen, some is refused, all can be ended.
--
--	./keros lua apps/lua/membrane.lua
--
-- A guest gets the root directory. Whatever he opens through it is wrapped as well, by the membrane and not by the tree,
-- which knows nothing of this. What he hands in comes out on our side unwrapped: a file that leaves and returns is itself.

local function directory(entries)
	local d = {}
	local self
	function d:list()
		local names = {}
		for name in pairs(entries) do names[#names + 1] = name end
		table.sort(names)
		return table.concat(names, " ")
	end
	function d:open(name) return entries[name] or error("no entry '" .. tostring(name) .. "'", 0) end
	function d:link(name, what) entries[name] = what end
	self = serve(d)
	return self
end

local function file(text)
	return serve { read = function() return text end, write = function(_, t) text = t end }
end

local notes = file "buy milk"
local root = directory { notes = notes, private = directory { key = file "4711" }, etc = directory { motd = file "hello" } }

local log = {}
local glass, shatter = membrane(root, {
	log = function(method, arguments) log[#log + 1] = method .. (type(arguments[1]) == "string" and " " .. arguments[1] or "") end,
	allow = function(method, arguments) return method ~= "write" and arguments[1] ~= "private" end,
})

local guest = constructor {
	name = "guest",
	program = [[
		local root, kept
		local function try(f) local ok, v = pcall(f) return ok and tostring(v) or "refused" end
		return {
			enter = function(_, cap) root = cap end,
			look = function()
				kept = root:open("etc"):open("motd")
				return { root:list(), kept:read(), try(function() return root:open("notes"):write("!") end),
					try(function() return root:open("private"):list() end) }
			end,
			give_back = function() root:link("again", root:open("notes")) return true end,
			later = function() return try(function() return kept:read() end) end,
		}
	]],
}:seal():yield { bank = bank:make_sub(MiB(4)) }

local function ask(method, ...) return await(send(guest, method, ...), 10) end

ask("enter", glass)
local seen = ask("look")
print("the guest lists", seen[1])
print("the guest reads", seen[2])
print("the guest writes", seen[3])
print("the guest looks into private", seen[4])
ask("give_back")
print("what came back is our own file", await(send(root, "open", "again")) == notes)
print("we saw", table.concat(log, ", "))
shatter()
print("the guest reads what he kept", ask("later"))
