-- posix.lua - POSIX programs from a script: unmodified Linux binaries, each in a sandbox of its own with what it is handed.
--
--	posix.run { "wc", "-l", stdin = text }         waits: { status =, signal =, out =, err = }
--	posix.start { "sh", stdin = "pipe", ... }      goes on: a program, to write to, read from, wait for, kill
--
-- Fields beside the words of the command:
--	stdin    text, "pipe" (program:write, program:close), or a stream's capability; default: nothing
--	stdout   nothing: collected; "pipe" (program:read); a function of text; or a stream's capability.  stderr: the same
--	files    { ["/path"] = text }: laid over the base file tree
--	env      { NAME = value }; cwd = path
--	bank     pays for all of it, and is the sandbox's end if it is destroyed; default: one of `limit` (MiB(16)) below ours
--	schedule, timeout (seconds, or a quantity)

local AGAIN, NOACCESS, UNKNOWN = 0x80000007, 0x80000004, 0x80000002
local SETUP = { stdin = 1, stdout = 2, stderr = 3, base = 5, overlay = 6, timer = 7 }

-- ---- streams: served to the sandbox -----------------------------------------------------------------------------

local COMMON = {
	[5] = function() return { words = { 0, 0, 0 } } end,           -- get_attr: no terminal
	[9] = function() return 0 end,                                 -- flush
	[10] = function() return { words = { 0 } } end,                -- drained
}

-- What the program reads: text that add() appends, until close().
local function input(text, open)
	local buffer, at, watcher = text, 1, nil
	local function changed() if watcher then pcall(watcher.post, watcher) end end
	local function left() return #buffer - at + 1 end
	local cap = serve(function(msg)
		local order = msg.order
		if order == 1 then
			if left() == 0 then return open and AGAIN or { data = "" } end
			local part = buffer:sub(at, at + math.min(msg.words[1], 65536) - 1)
			at = at + #part
			return { data = part }
		elseif order == 3 then watcher = as(msg.caps[1], "notice") return 0
		elseif order == 4 then return { words = { (left() > 0 or not open) and 1 or 0, 0 } }
		elseif order == 11 then return { words = { left() } }
		elseif order == 2 then return NOACCESS end
		return COMMON[order] and COMMON[order]() or UNKNOWN
	end, { type = "stream" })
	local function add(more)
		if not open then error("this program's input is closed", 3) end
		buffer, at = buffer:sub(at) .. more, 1
		changed()
	end
	local function close()
		open = false
		changed()
	end
	return cap, add, close
end

-- What the program writes: each piece of text goes to take().
local function output(take)
	return serve(function(msg)
		local order = msg.order
		if order == 2 then
			take(msg.data)
			return { words = { #msg.data } }
		elseif order == 3 then return 0
		elseif order == 4 then return { words = { 2, 0 } }
		elseif order == 11 then return { words = { 0 } }
		elseif order == 1 then return NOACCESS end
		return COMMON[order] and COMMON[order]() or UNKNOWN
	end, { type = "stream" })
end

-- ---- a file tree from texts: doc/tree-image.md ------------------------------------------------------------------

local DIRECTORY, FILE = 0x41ED, 0x81ED                     -- modes 0755: what is laid there may be run

local function tree_image(files)
	local root = { mode = DIRECTORY, children = {} }
	for path, text in pairs(files) do
		if type(path) ~= "string" or type(text) ~= "string" then error("files = { [\"/path\"] = text }", 4) end
		local at, last = root, nil
		for name in path:gmatch("[^/]+") do
			if name == "." or name == ".." then error("files: a path without . and .., not '" .. path .. "'", 4) end
			if at.mode == FILE then error("files: '" .. path .. "' lies below a file", 4) end
			at.children[name] = at.children[name] or { mode = DIRECTORY, children = {}, name = name }
			at, last = at.children[name], name
		end
		if not last or next(at.children) or at.text then error("files: '" .. path .. "' is a directory, or named twice", 4) end
		at.mode, at.text = FILE, text
	end
	local list, strings = {}, {}
	local function number(node, parent)
		list[#list + 1] = node
		node.index, node.parent = #list - 1, parent
		local names = {}
		for name in pairs(node.children) do names[#names + 1] = name end
		table.sort(names)
		for _, name in ipairs(names) do number(node.children[name], node.index) end
	end
	number(root, 0)
	local strings_at, used = 24 + 64 * #list, 0
	for _, node in ipairs(list) do
		node.name_at = strings_at + used
		strings[#strings + 1] = node.name or ""
		used = used + #(node.name or "")
	end
	local total = strings_at + used + 4095 & -4096
	local entries, data = {}, {}
	for i, node in ipairs(list) do
		local size, at = #(node.text or ""), 0
		if size > 0 then
			at = total
			data[#data + 1] = node.text .. ("\0"):rep(-size % 4096)
			total = total + #data[#data]
		end
		entries[i] = string.pack("<I4I4I2I2I4I4I4I8I8I8I4I4I8", node.parent, node.name_at, #(node.name or ""), 0, node.mode, 0, 0,
			0, size, at, 0, 0, 0)
	end
	local head = string.pack("<c8I4I4I8", "KETREE1\0", #list, strings_at, total) .. table.concat(entries) .. table.concat(strings)
	return head .. ("\0"):rep(-#head % 4096) .. table.concat(data)
end

-- ---- programs ---------------------------------------------------------------------------------------------------

local Program = { __name = "program" }
Program.__index = Program
function Program:__tostring() return "<program " .. self.command .. (self.result and ", ended>" or ">") end

local KNOWN = { stdin = true, stdout = true, stderr = true, files = true, env = true, cwd = true, bank = true, limit = true,
	schedule = true, timeout = true }

local function records(o)
	local list, env = {}, { PATH = "/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin", HOME = "/root", TERM = "dumb" }
	local function put(key, value)
		value = tostring(value)
		if value:find("\0", 1, true) then error("a word of a command has no NUL byte", 4) end
		list[#list + 1] = key .. "=" .. value .. "\0"
	end
	for key in pairs(o) do
		if math.type(key) ~= "integer" and not KNOWN[key] then error("posix: no field '" .. tostring(key) .. "'", 4) end
	end
	for _, word in ipairs(o) do put("arg", word) end
	for name, value in pairs(o.env or {}) do env[name] = value end
	for name, value in pairs(env) do put("env", name .. "=" .. value) end
	if o.cwd then put("cwd", o.cwd) end
	return table.concat(list)
end

-- A stream for the program's output, and how what it wrote is had.
local function sink(self, name, how)
	if kind(how) then return how end
	local parts = {}
	self.parts[name] = parts
	if type(how) == "function" then return output(how) end
	if how ~= nil and how ~= "pipe" then error(name .. " is \"pipe\", a function or a stream", 4) end
	return output(function(text)
		parts[#parts + 1] = text
		if self.reader then self.reader:resolve() end
	end)
end

local spare = {}                                           -- banks that were made for programs, empty again

local function finish(self, result)
	if self.result then return end
	self.result = result
	for name, key in pairs { stdout = "out", stderr = "err" } do
		local parts = self.parts[name]
		if parts then result[key] = table.concat(parts, "", name == "stdout" and self.taken + 1 or 1) end
	end
	if self.own_bank then
		-- What was made of it dies; the bank serves the next program, since a system has only so many of them.
		if pcall(self.bank.empty, self.bank) then spare[#spare + 1] = self.bank end
	elseif self.killed then
		pcall(self.bank.destroy_all, self.bank)
	end
	for _, cap in ipairs(self.served) do pcall(loop.revoke, cap) end
	self.ended:resolve()
	if self.reader then self.reader:resolve() end
end

local posix_library = {}

function posix_library.start(o)
	if type(o) ~= "table" or type(o[1]) ~= "string" then error("posix.run { \"command\", \"word\", ... }", 2) end
	local self = setmetatable({ command = o[1], parts = {}, taken = 0, ended = promise(), served = {} }, Program)
	local config, overlay, length = records(o), nil, nil
	self.own_bank = not o.bank
	self.bank = o.bank or table.remove(spare) or bank:make_sub(0)
	if self.own_bank then self.bank:set_limit(o.limit or MiB(16)) end
	if o.files then overlay, length = memory(tree_image(o.files), self.bank) end

	local keeper_cap = keeper(function(fault)
		finish(self, { status = 125, died = ("%s at %#x"):format(fault.name, fault.rip) })
		return false
	end)
	local made, box = pcall(await, send(posix_constructor, "yield", self.bank:make_restricted(1 | 2 | 4 | 8), o.schedule or schedule, keeper_cap))
	if not made then
		if self.own_bank and pcall(self.bank.empty, self.bank) then spare[#spare + 1] = self.bank end
		error(("the sandbox could not be made (%s); its bank may be too small: limit = MiB(16) is usual"):format(
			type(box) == "table" and box.name or tostring(box)), 2)
	end
	as(box, "sandbox")
	local function give(what, cap, bytes) await(send(box, "setup", SETUP[what], bytes or 0, cap)) end
	local stdin = o.stdin
	if kind(stdin) then
		give("stdin", stdin)
	else
		local cap
		if stdin ~= nil and type(stdin) ~= "string" then error("stdin is text, \"pipe\" or a stream", 2) end
		cap, self.add, self.shut = input(stdin == "pipe" and "" or stdin or "", stdin == "pipe")
		self.served[1] = cap
		give("stdin", cap)
	end
	for _, name in ipairs { "stdout", "stderr" } do
		local cap = sink(self, name, o[name])
		if cap ~= o[name] then self.served[#self.served + 1] = cap end
		give(name, cap)
	end
	self.served[#self.served + 1] = keeper_cap
	give("base", base_tree, string.unpack("<I8", peek(base_tree, 16, 8)))
	if overlay then give("overlay", overlay, length) end
	if timer and not is_void(timer) then give("timer", timer) end
	send(box, "run", config):next(function(status)
		finish(self, status & 0x7F ~= 0 and { status = 128 + (status & 0x7F), signal = status & 0x7F } or { status = status >> 8 & 0xFF })
	end, function(why) finish(self, { status = 125, died = tostring(why) }) end)
	return self
end

-- For stdin = "pipe": more input, and its end.
function Program:write(text) self.add(text) end
function Program:close() if self.shut then self.shut() end end

-- For stdout = "pipe": the next piece of what it wrote; nil when it has ended.
function Program:read()
	local parts = self.parts.stdout
	if not parts then error("its stdout is not read here", 2) end
	while self.taken >= #parts do
		if self.result then return nil end
		self.reader = self.reader or promise()
		await(self.reader)
		self.reader = nil
	end
	self.taken = self.taken + 1
	return parts[self.taken]
end

-- Ends it, and gives its storage back; a bank of the caller's is destroyed.
function Program:kill()
	if self.result then return false end
	self.killed = true
	finish(self, { status = 137, signal = 9, killed = true })
	return true
end

-- Its end: { status =, signal =, out =, err = }.  After timeout it is killed, and timeout = true in the result.
function Program:wait(timeout)
	local off = timeout and after(timeout, function()
		if self:kill() then self.result.timeout = true end
	end)
	await(self.ended)
	if off then off() end
	return self.result
end

function posix_library.run(o)
	local self = posix_library.start(o)
	return self:wait(o.timeout)
end

posix = posix_library
