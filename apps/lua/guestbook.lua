-- guestbook.lua - a guest book that never loses an entry, without a line of code that saves.
--
--	./keros lua --disk book.disk apps/lua/guestbook.lua
--
-- The book is a table. Variables, and the loop in the midst of its turn, survive the loss of power; what is said since the last
-- checkpoint does not. So we thank for an entry only when `store` says that the checkpoint which holds it is on the disk:
-- who was thanked will be found in the book for ever. Lines on standard input: a name and a text, or `list`.

local book = {}

local function durable()
	if store then store:wait(store:force()) end        -- without --disk there is no store, and nothing lasts
end

local function sign(line)
	local name, text = line:match("^(%S+)%s+(.+)$")
	if not name then return "say: NAME TEXT" end
	book[#book + 1] = { name = name, text = text }
	local number = #book
	durable()
	return ("thank you, %s: entry %d"):format(name, number)
end

while true do
	local ok, line = pcall(io.read)
	if ok and not line then break end                  -- the end of input
	if ok and line == "list" then
		for i, entry in ipairs(book) do print(i, entry.name, entry.text) end
		print("end of the book")
	elseif ok then
		print(sign(line))
	end
	io.stdout:flush()
end
