-- events.lua - the record (doc/events.md) as one table.
local json = require "json"
local elf = require "elf"
local events = {}

local function call_names()
	local names = {}
	local f = io.open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
	for line in f and f:lines() or function() end do
		local name, number = line:match("^#define __NR_(%S+)%s+(%d+)")
		if name then names[tonumber(number)] = name end
	end
	if f then f:close() end
	return names
end

local calls
function events.call_name(number)
	calls = calls or call_names()
	return number == 65535 and "rdtsc" or calls[number] or "call " .. number
end

local ERRORS = {
	[1] = "EPERM", [2] = "ENOENT", [13] = "EACCES", [17] = "EEXIST", [20] = "ENOTDIR", [21] = "EISDIR", [22] = "EINVAL",
	[30] = "EROFS", [38] = "ENOSYS", [39] = "ENOTEMPTY", [40] = "ELOOP", [97] = "EAFNOSUPPORT", [99] = "EADDRNOTAVAIL",
	[101] = "ENETUNREACH", [111] = "ECONNREFUSED",
}
function events.error_name(number)
	return ERRORS[number] or "error " .. number
end

-- How a use came out: exercised, absent (a failed probe), denied.
local ABSENT = { [2] = true, [20] = true, [6] = true, [3] = true, [40] = true, [111] = true }
local DENIED = { [1] = true, [13] = true, [30] = true, [97] = true, [99] = true, [101] = true }
local function outcome(e)
	if not e or e == 0 then return "exercised" end
	return ABSENT[e] and "absent" or DENIED[e] and "denied" or "exercised"
end

function events.load(path)
	local m = { records = {}, by_id = {}, programs = {}, modules = {}, sites = {}, exits = {}, unused = {}, left = {} }
	local f = assert(io.open(path, "rb"))
	local number = 0
	for line in f:lines() do
		number = number + 1
		local ok, v = pcall(json.decode, line)
		if not ok then error(string.format("%s: line %d: %s", path, number, v), 0) end
		if v.module then
			m.modules[v.module] = v.path
		elseif v.exit then
			m.exits[v.exit] = v.status
		elseif v.listing then
			local dir = m.by_id[v.listing]
			for _, name in ipairs(v.seen) do
				m.records[#m.records + 1] = { kind = "path", use = "seen", name = (dir.name == "/" and "" or dir.name) .. "/" .. name,
					program = dir.program, call = dir.call, site = dir.site, count = 1, absolute = 0, outcome = "exercised" }
			end
		elseif v.at then
			m.sites[v.site] = v.at
		elseif v.count then
			m.by_id[v.id].count, m.by_id[v.id].absolute = v.count, v.absolute
		elseif v.id then
			v.count, v.absolute, v.outcome = 1, 0, outcome(v.error)
			m.records[#m.records + 1], m.by_id[v.id] = v, v
		elseif v.program then
			m.programs[v.program] = v.path
		elseif v.unused then
			m.unused[#m.unused + 1] = v.unused
		elseif v.left then
			m.left[#m.left + 1] = v
		elseif v["end"] then
			m.finish = v
		elseif not v.keros_events then
			error(string.format("%s: line %d: an unknown line (is the command older than the build?)", path, number), 0)
		end
	end
	f:close()
	if not m.finish then
		m.finish = { ["end"] = -1, wall_ns = 0, pages_peak = 0, pages_limit = 0, processes = 0, lost = 0 }
		m.cut = true                                   -- the machine ended before the sandbox did
	end
	return m
end

-- The functions on the way to a use, innermost first; with places instead where there are no symbols.
function events.chain(m, files, record)
	local names = {}
	m.elves = m.elves or {}
	for i, place in ipairs(m.sites[record.site or 0] or {}) do
		local path, offset = m.modules[place[1]], place[2]
		m.elves[path] = m.elves[path] or elf.open(files:bytes(path))
		local e = m.elves[path]
		if i == 1 or e:is_return(offset) then
			local name = e:name(offset - 1) or string.format("%s+0x%x", path:match("[^/]*$"), offset)
			if names[#names] ~= name then names[#names + 1] = name end
		end
	end
	return names
end

return events
