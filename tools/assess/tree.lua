-- tree.lua - what the sandbox's files were before it ran: the base tree's image, and the folders laid over it.
local file = require "file"
local tree = {}
tree.__index = tree

local KINDS = { [0x8000] = "file", [0x4000] = "folder", [0xA000] = "link", [0x2000] = "device", [0x6000] = "device" }

local function read_image(image)
	local count = string.unpack("<I4", image, 9)
	local entries, paths = {}, {}
	for i = 0, count - 1 do
		local parent, name, length, _, mode, _, _, _, size, data, flags =
			string.unpack("<I4I4I2I2I4I4I4I8I8I8I4", image, 25 + i * 64)
		local path = i == 0 and "" or paths[parent] .. "/" .. image:sub(name + 1, name + length)
		paths[i] = path
		entries[i == 0 and "/" or path] = { kind = KINDS[mode & 0xF000] or "other", size = size, data = data, hard = flags & 1 == 1 and data }
	end
	for _, e in pairs(entries) do
		if e.hard then
			local first = entries[paths[e.hard]]
			e.size, e.data, e.kind = first.size, first.data, first.kind
		end
	end
	return entries
end

-- items: what of the host is shown, in order: { host, guest, share = whether it is a share and no copy }.
function tree.open(image_path, items)
	local image = assert(file.read(image_path), image_path .. " is missing: run `make all` first")
	return setmetatable({ image = image, entries = read_image(image), items = items }, tree)
end

local function quoted(s)
	return "'" .. s:gsub("'", "'\\''") .. "'"
end
tree.quoted = quoted

local FIND = { d = "folder", f = "file", l = "link" }

-- The kinds of all names that are shown, by one walk each; the folders above an item are there too.
function tree:scan()
	if self.scanned then return end
	self.scanned = {}
	for _, item in ipairs(self.items) do
		local p = assert(io.popen("find " .. (item.follow and "-L " or "") .. quoted(item.host) .. " -printf '%y %P\\0' 2>/dev/null", "r"))
		for kind, below in p:read("a"):gmatch("(%a) ([^%z]*)%z") do
			local at = item.guest == "/" and "" or item.guest
			local path = below == "" and item.guest or at .. "/" .. below
			self.scanned[path] = {
				kind = FIND[kind] or "other", host = below == "" and item.host or item.host .. "/" .. below, item = item,
			}
		end
		p:close()
		local up = item.guest
		while up ~= "/" do
			up = up:match("^(.*)/[^/]*$")
			up = up == "" and "/" or up
			if not self.scanned[up] then self.scanned[up] = { kind = "folder", implied = true } end
		end
	end
end

-- "base", "copy" or "share", its kind, the host's name and the item; nil: it was not there.
function tree:source(path)
	self:scan()
	local over = self.scanned[path]
	local base = self.entries[path]
	if over and not over.implied and not (over.kind == "folder" and base) then
		return over.item.share and "share" or "copy", over.kind, over.host, over.item
	end
	if base then return "base", base.kind end
	if over then return "implied", "folder" end
end

function tree:bytes(path)
	self:scan()
	local over = self.scanned[path]
	if over and over.host then
		return (over.kind == "file" or over.kind == "link") and file.read(over.host) or nil
	end
	local e = self.entries[path]
	if e and e.kind == "link" then
		local target = self.image:sub(e.data + 1, e.data + e.size)
		return target:sub(1, 1) == "/" and target ~= path and self:bytes(target) or nil
	end
	return e and e.kind == "file" and self.image:sub(e.data + 1, e.data + e.size) or nil
end

function tree:count()
	self:scan()
	local n = 0
	for _ in pairs(self.entries) do n = n + 1 end
	for path in pairs(self.scanned) do n = n + (self.entries[path] and 0 or 1) end
	return n
end

return tree
