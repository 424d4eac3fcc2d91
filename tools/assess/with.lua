-- with.lua - a program of the host with what it cannot start without: its interpreter and shared libraries.
--
-- The files are read, nothing is run: the program may be one that nobody trusts yet.
local file = require "file"
local with = {}

local FOLDERS = { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib" }

-- Interpreter and needed libraries of an ELF file, by its program headers; nothing if it is none.
local function needs(bytes)
	local function at(format, offset) return string.unpack("<" .. format, bytes, offset + 1) end
	if bytes:sub(1, 5) ~= "\x7fELF\x02" then return nil, {} end
	local phoff = at("I8", 32)
	local size, count = at("I2I2", 54)
	local loads, dynamic, interpreter = {}, nil, nil
	for i = 0, count - 1 do
		local kind, _, offset, address, _, length = at("I4I4I8I8I8I8", phoff + i * size)
		if kind == 1 then loads[#loads + 1] = { offset, address, length } end
		if kind == 2 then dynamic = { offset, length } end
		if kind == 3 then interpreter = bytes:sub(offset + 1, offset + length - 1) end
	end
	local names, strings = {}, nil
	for offset = dynamic and dynamic[1] or 0, dynamic and dynamic[1] + dynamic[2] - 16 or -1, 16 do
		local tag, value = at("I8I8", offset)
		if tag == 1 then names[#names + 1] = value end
		if tag == 5 then strings = value end
		if tag == 0 then break end
	end
	for _, l in ipairs(loads) do
		if strings and strings >= l[2] and strings < l[2] + l[3] then strings = strings - l[2] + l[1] break end
	end
	for i, n in ipairs(names) do names[i] = bytes:match("^[^%z]+", strings + n + 1) end
	return interpreter, names
end

local function find_library(name)
	for _, folder in ipairs(FOLDERS) do
		local path = folder .. "/" .. name
		if file.read(path) then return path end
	end
end

local function find_program(name)
	if name:find("/", 1, true) then return name end
	for folder in (os.getenv("PATH") or "/usr/bin:/bin"):gmatch("[^:]+") do
		local f = io.open(folder .. "/" .. name, "rb")
		if f then
			f:close()
			return folder .. "/" .. name
		end
	end
end

-- Items for tree.lua: the program at its own path, the others where the loader looks. nil, why: it is not to be had.
function with.items(name)
	local program = find_program(name)
	local bytes = program and file.read(program)
	if not bytes then return nil, "there is no program " .. name end
	local items, known = { { host = program, guest = program, follow = true } }, {}
	local function add(path)
		if known[path] then return end
		known[path] = true
		items[#items + 1] = { host = path, guest = path, follow = true }
	end
	local function walk(content)
		local ok, interpreter, names = pcall(needs, content)
		if not ok then return end
		if interpreter and file.read(interpreter) then add(interpreter) end
		for _, n in ipairs(names) do
			local path = find_library(n)
			if path and not known[path] then
				add(path)
				walk(file.read(path))
			end
		end
	end
	walk(bytes)
	return items
end

return with
