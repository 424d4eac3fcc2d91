-- report.lua - what was learned, as numbers: report.json, of which page.lua makes the page.
--
-- Effort of a finding, on a system where nothing is ambient:
--   0 works as is   1 pass a descriptor   2 wrapper or configuration   3 source change, function named   4 redesign
local events = require "events"
local learn = require "learn"
local report = {}

report.EFFORT = { [0] = "works as is", "pass a descriptor", "wrapper or configuration", "change the source", "redesign" }

-- ---- Kinds of authority -------------------------------------------------------------------------------------------------
-- What a process gets on a POSIX system without asking, and what of that was used and is needed. Each `used` counts uses.

local KINDS = {
	{ "read", "read files", "every file that its user may read" },
	{ "change", "change files", "every file that its user may write; /tmp" },
	{ "names", "see what exists", "names, sizes and times of nearly everything" },
	{ "programs", "run programs", "every program that is installed" },
	{ "devices", "devices", "/dev as its user may" },
	{ "network", "network", "connect to anywhere, listen on any free port" },
	{ "local", "local services", "every socket that has a name" },
	{ "signals", "signals to others", "every process of its user" },
	{ "processes", "look at others", "/proc: processes, memory maps, command lines" },
	{ "system", "look at the system", "kernel, host name, memory, load" },
	{ "identity", "change identity", "what its user may become" },
	{ "clock", "clock", "to the nanosecond" },
	{ "random", "random numbers", "as many as it likes" },
	{ "environment", "environment", "all variables of whoever started it" },
	{ "input", "standard input", "whatever it was started with" },
}

local CHANGES = { write = true, create = true, delete = true, attr = true }
local LOOKS = { stat = true, list = true, follow = true, enter = true, seen = true }

local function kind_of(r)
	if r.kind == "path" then
		if CHANGES[r.use] then return "change" end
		if r.use == "exec" or r.use == "map" then return "programs" end
		return r.use == "read" and "read" or LOOKS[r.use] and "names" or nil
	end
	if r.kind == "proc" then
		if r.name:find("^/proc/self") then return nil end
		return r.name:find("^/proc/other") and "processes" or r.use == "read" and "system" or nil
	end
	if r.kind == "identity" then return r.use == "set" and "identity" or (r.name == "uname" or r.name == "sysinfo") and "system" or nil end
	if r.kind == "socket" then return r.name:find("^unix") and "local" or r.name:find("^inet") and "network" or nil end
	if r.kind == "stream" then return r.name == "standard input" and r.use == "read" and "input" or nil end
	return ({ device = "devices", signal = "signals", clock = "clock", random = "random", env = "environment" })[r.kind]
end

-- A shell's own children are its own business.
local function is_ambient_signal(r)
	return not r.name:find("^child") and not r.name:find("^process group")
end

local function matrix(x)
	local used, needed = {}, {}
	for _, r in ipairs(x.m.records) do
		local k = kind_of(r)
		if k == "signals" and not is_ambient_signal(r) then k = nil end
		if k and r.outcome == "exercised" then used[k] = (used[k] or 0) + r.count end
	end
	local function need(k, yes)
		if yes then needed[k] = (needed[k] or 0) + 1 end
	end
	for _, g in ipairs(x.manifest.grants) do
		if g.needed ~= false then
			local u = g.uses
			need("read", u.read)
			need("change", u.write or u.create or u.delete or u.attr)
			need("programs", u.exec or u.map)
			need("names", u.stat or u.list or u.follow or u.enter)
			need("devices", g.path:find("^/dev/"))
		end
	end
	local dropped = {}
	for _, r in ipairs(x.verdict and x.verdict.removed or {}) do dropped[r.what] = not r.needed end
	local k = x.manifest.kinds
	need("clock", k.clock and not dropped.clock)
	need("random", k.random and not dropped.random)
	need("input", k.input and not dropped.input)
	for _, e in ipairs(x.manifest.environment) do need("environment", not dropped["variable " .. e:match("^[^=]*")]) end
	for _, name in ipairs { "network", "local", "signals", "processes", "system", "identity" } do
		if used[name] then needed[name] = 1 end
	end
	local rows = {}
	for i, row in ipairs(KINDS) do
		rows[i] = { kind = row[1], title = row[2], default = row[3], used = used[row[1]] or 0, needed = needed[row[1]] or 0 }
	end
	return rows
end

-- ---- What it touched -----------------------------------------------------------------------------------------------------

local function touched(x)
	local by_name = {}
	for _, r in ipairs(x.m.records) do
		if r.kind == "path" or r.kind == "device" or r.kind == "proc" then
			local t = by_name[r.name]
			if not t then
				t = { path = r.name, kind = r.kind, count = 0, uses = {}, absolute = 0 }
				by_name[r.name] = t
			end
			local key = r.outcome == "exercised" and (r.use == "seen" and "seen" or r.use) or r.outcome
			t.uses[key] = (t.uses[key] or 0) + r.count
			t.count = t.count + r.count
			t.absolute = t.absolute + r.absolute
		end
	end
	local list = { is_list = true }
	for _, name in ipairs(learn.sorted(by_name)) do
		local t = by_name[name]
		local best = "seen"
		for use in pairs(t.uses) do
			if use == "denied" then best = "denied" break end
			if use ~= "seen" then best = use == "absent" and (best == "seen" and "absent" or best) or "exercised" end
		end
		t.state = best
		list[#list + 1] = t
	end
	return list
end

-- ---- Ambient assumptions ---------------------------------------------------------------------------------------------------

-- Innermost first: the C library's wrapper, then whoever may have called it.
local function function_of(x, r)
	local chain = events.chain(x.m, x.files, r)
	return table.concat(chain, " < ", 1, math.min(#chain, 6))
end

local function in_arguments(x, path)
	for i = 2, #x.context.arguments do
		local a = x.context.arguments[i]
		if a:find(path, 1, true) or (#a > 2 and path:find(a, 1, true)) then return true end
	end
	return false
end

-- The loader's own files are the system's business on every system.
local function of_loader(path)
	return path:find("^/etc/ld%.so") ~= nil or path:find("/lib[%w_.+-]*%.so[%d.]*$") ~= nil or path:find("/ld%-linux") ~= nil
end

local function assumption_of(x, r)
	if r.kind == "path" and r.absolute > 0 and r.outcome ~= "seen" then
		if r.name:find("^/tmp") or r.name:find("^/var/tmp") then
			return "shared /tmp", 2, "it expects a folder that all programs share; it gets an empty one of its own"
		end
		if r.outcome == "denied" and r.secret then return "a secret", 2, "the name holds secrets (" .. r.secret .. "); it is withheld" end
		if r.outcome == "denied" then return "a refused name", 2, events.error_name(r.error) end
		if r.outcome == "absent" then return nil end
		if of_loader(r.name) then return "its libraries", 0, "the loader finds them by absolute names; a grant gives them" end
		if in_arguments(x, r.name) then return "a name from the command line", 1, "whoever names it could pass it open" end
		return "an absolute path", 2, "the name is built in or configured; a grant puts something there"
	end
	if r.kind == "path" and r.outcome == "denied" then
		return r.secret and "a secret" or "a refused name", 2, r.secret and "the name holds secrets (" .. r.secret .. "); it is withheld" or events.error_name(r.error)
	end
	if r.kind == "proc" then
		if r.outcome == "absent" then return nil end
		if r.name:find("^/proc/self") then return "/proc/self", 0, "about itself; it is there" end
		if r.name:find("^/proc/other") then return "/proc of others", 3, "it looks at other processes; it sees those of its sandbox" end
		return "/proc of the system", 2, "the sandbox's own figures are there"
	end
	if r.kind == "identity" then
		if r.use == "set" then
			local harmless = r.name == "setpgid" or r.name == "setsid"
			return "change of identity", harmless and 0 or 3, harmless and "job control" or "becoming somebody gives nothing here"
		end
		if r.name == "uname" or r.name == "sysinfo" then return "the system's identity", 0, "answered for the sandbox" end
		return "identity check", 0, "answered; it is not what decides here"
	end
	if r.kind == "signal" and is_ambient_signal(r) then return "signals to others", 3, "only its own sandbox can be reached" end
	if r.kind == "socket" and r.name:find("^inet") then
		return "network", r.use == "bind" and 1 or 3, r.outcome == "denied" and "refused: nothing is granted" or "used"
	end
	if r.kind == "socket" and r.name:find("^unix") then return "a named socket", r.use == "bind" and 0 or 1, "a name in a folder" end
	if r.kind == "clock" and r.use == "set" then return "setting the clock", 4, "the clock is the machine's" end
	if r.kind == "device" then return "a device", r.name:find("^/dev/tty") and 1 or 0, "granted by its name" end
end

local function assumptions(x)
	local found = {}
	for _, r in ipairs(x.m.records) do
		local what, effort, why = assumption_of(x, r)
		if what then
			local id = what .. "\0" .. (what == "its libraries" and "" or r.name)
			local f = found[id]
			if not f then
				f = { what = what, name = r.name, effort = effort, why = why, count = 0, calls = {}, ["function"] = function_of(x, r) }
				found[id] = f
			end
			f.count = f.count + r.count
			f.calls[events.call_name(r.call)] = true
		end
	end
	for _, e in ipairs(x.manifest.environment) do
		local name = e:match("^[^=]*")
		found["variable\0" .. name] = { what = "an environment variable", name = name, effort = 2, count = 1, calls = { execve = true },
			["function"] = "", why = "programs that ran name it; the manifest sets it" }
	end
	for _, name in ipairs(x.m.unused) do
		found["unused\0" .. name] = { what = "inherited and unused", name = name, effort = 0, count = 0, calls = {}, ["function"] = "",
			why = "it was handed over and neither read nor written" }
	end
	local unneeded = {}
	for _, r in ipairs(x.verdict and x.verdict.removed or {}) do unneeded[r.what] = not r.needed end
	local list = { is_list = true }
	for _, id in ipairs(learn.sorted(found)) do
		local f = found[id]
		if unneeded[f.name] or (f.what == "an environment variable" and unneeded["variable " .. f.name]) then
			f.effort, f.why = 0, "taking it away changed nothing"
		end
		f.calls = table.concat(learn.sorted(f.calls), ", ")
		list[#list + 1] = f
	end
	table.sort(list, function(a, b)
		if a.effort ~= b.effort then return a.effort > b.effort end
		return a.what .. a.name < b.what .. b.name
	end)
	return list
end

-- ---- Calls that are not there ----------------------------------------------------------------------------------------------

local FALLBACK = {
	rseq = "the C library goes on without it", clone3 = "the C library takes clone instead", faccessat2 = "the C library takes faccessat",
	statx = "the C library takes newfstatat", openat2 = "openat is taken", close_range = "closing one by one is taken",
	membarrier = "a slower way is taken", io_uring_setup = "ordinary calls are taken", getcpu = "processor 0 is assumed",
}
local NEVER = { ptrace = true, mount = true, umount2 = true, bpf = true, perf_event_open = true, init_module = true, reboot = true, swapon = true }

local function missing(x)
	local by_call = {}
	for _, r in ipairs(x.m.records) do
		if r.kind == "missing" then
			local number, pid = r.name:match("^(%d+) of (%d+)$")
			local name = events.call_name(tonumber(number))
			local c = by_call[name]
			if not c then
				c = { call = name, count = 0, ended = 0, failed = 0, ["function"] = function_of(x, r), programs = {} }
				by_call[name] = c
			end
			c.count = c.count + r.count
			c.programs[x.m.programs[r.program] or "?"] = true
			local status = x.m.exits[tonumber(pid)]
			if status == 0 then c.ended = c.ended + 1 else c.failed = c.failed + 1 end
		end
	end
	local list = { is_list = true }
	for _, name in ipairs(learn.sorted(by_call)) do
		local c = by_call[name]
		c.programs = table.concat(learn.sorted(c.programs), ", ")
		if FALLBACK[name] then
			c.mattered, c.why, c.effort = false, FALLBACK[name], 0
		elseif c.failed == 0 then
			c.mattered, c.why, c.effort = false, "every process that asked for it ended well", 0
		else
			c.mattered, c.effort = true, NEVER[name] and 4 or 3
			c.why = string.format("%s that asked for it ended badly", learn.count(c.failed, "process", "processes"))
		end
		list[#list + 1] = c
	end
	return list
end

-- ---- The rest ---------------------------------------------------------------------------------------------------------------

local function risks(x, f)
	local list = { is_list = true }
	local function add(...) list[#list + 1] = string.format(...) end
	for _, g in ipairs(x.manifest.grants) do
		if g.kind == "share" and g.write then add("It can change %s on the host for good.", g.host) end
		if g.widened then add("%s: %s.", g.path, g.widened) end
	end
	local k = x.manifest.kinds
	if k.clock then add("It has a clock, and with that the processor's counter (rdtsc): it can measure how long things take.") end
	add("What it was not led to do here, it was not seen to need: other inputs may take other ways.")
	if f.numbers.inputs then add("Names from its input decide what it reads: it may be led to read any other granted name.") end
	add("It can use all of its storage (%s) and processor share.", x.manifest.storage)
	return list
end

local function ratio_text(f)
	return string.format("%d of %d names, %d of %d kinds of authority", f.numbers.names_granted, f.numbers.names_in_view, f.numbers.kinds_needed,
		f.numbers.kinds_default)
end

local function verdict_of(x, f)
	local worst = 0
	for _, a in ipairs(f.assumptions) do worst = math.max(worst, a.effort) end
	for _, c in ipairs(f.missing) do worst = math.max(worst, c.effort) end
	local refused = {}
	for _, d in ipairs(f.denied) do refused[#refused + 1] = d.name end
	local v = { effort = worst, effort_text = report.EFFORT[worst], same = x.verdict and x.verdict.same }
	local grants = learn.count(f.numbers.grants, "grant")
	if x.verdict and x.verdict.same then
		v.text = string.format("Runs with %s: output, status and files were the same. %s.", grants, ratio_text(f))
	elseif x.verdict then
		v.text = string.format("Does not run the same with %s: %s. %s.", grants, x.verdict.difference, ratio_text(f))
	else
		v.text = string.format("Ended with status %d; %s would do (not verified). %s.", x.first.status, grants, ratio_text(f))
	end
	if #refused > 0 then v.text = v.text .. string.format(" Refused: %s.", table.concat(refused, ", ", 1, math.min(#refused, 3)) .. (#refused > 3 and " ..." or "")) end
	return v
end

local function names_granted(x)
	local n = 0
	for _, g in ipairs(x.manifest.grants) do
		if not g.whole and g.kind ~= "share" then
			n = n + 1
		else
			for path in pairs(x.files.entries) do
				if g.kind == "base" and (path == g.path or path:sub(1, #g.path + 1) == g.path .. "/" or g.path == "/") then n = n + 1 end
			end
			for path in pairs(x.files.scanned) do
				if (g.kind == "copy" or g.kind == "share") and (path == g.path or path:sub(1, #g.path + 1) == g.path .. "/") then n = n + 1 end
			end
		end
	end
	return n
end

-- x: m, files, manifest, context, first, verdict, saturation, withheld, manifest_text, root
function report.facts(x)
	local f = { keros_assess = 1, command = x.context.arguments, status = x.first.status, manifest = x.manifest_text, level = x.manifest.level }
	f.command.is_list = true
	f.program = x.m.programs[1] or x.manifest.program
	f.matrix = matrix(x)
	f.touched = touched(x)
	f.assumptions = assumptions(x)
	f.missing = missing(x)
	f.denied = { is_list = true }
	local absent, seen, uses = 0, 0, 0
	local told = {}
	for _, r in ipairs(x.m.records) do
		uses = uses + r.count
		if r.outcome == "absent" then absent = absent + 1 end
		if r.use == "seen" then seen = seen + 1 end
		if r.outcome == "denied" and not told[r.kind .. r.name] then
			told[r.kind .. r.name] = true
			f.denied[#f.denied + 1] = { name = r.name, kind = r.kind, use = r.use, error = events.error_name(r.error or 0), count = r.count,
				why = r.secret and (r.held_back and "withheld: it holds secrets" or "a name that holds secrets") or "nothing granted covers it",
				["function"] = function_of(x, r) }
		end
	end
	f.grants = { is_list = true }
	local widened = { is_list = true }
	for _, g in ipairs(x.manifest.grants) do
		local u = learn.sorted(g.uses)
		u.is_list = true
		f.grants[#f.grants + 1] = { path = g.path, kind = g.kind, whole = g.whole or false, evidence = g.evidence, uses = u, widened = g.widened, needed = g.needed }
		if g.widened then widened[#widened + 1] = { path = g.path, rule = g.widened } end
	end
	f.widened = widened
	local kinds_used, kinds_needed = 0, 0
	for _, row in ipairs(f.matrix) do
		kinds_used = kinds_used + (row.used > 0 and 1 or 0)
		kinds_needed = kinds_needed + (row.needed > 0 and 1 or 0)
	end
	f.numbers = {
		uses = uses, records = #x.m.records, names_in_view = x.files:count(), names_granted = names_granted(x), grants = #x.manifest.grants,
		probed_and_absent = absent, seen_only = seen, kinds_default = #KINDS, kinds_used = kinds_used, kinds_needed = kinds_needed,
		least_authority_ratio = names_granted(x) / math.max(1, x.files:count()), peak_kib = x.m.finish.pages_peak * 4,
		processes = x.m.finish.processes, lost = x.m.finish.lost, wall_ms = x.m.finish.wall_ns // 1000000,
	}
	f.numbers.inputs = (f.matrix[1].used > 0) or nil
	f.saturation = x.saturation
	f.saturation.is_list = true
	if x.verdict then
		f.verify = { changing = x.changing, not_together = x.verdict.not_together, same = x.verdict.same, difference = x.verdict.difference, level = x.verdict.level, removed = x.verdict.removed }
		f.verify.removed.is_list = true
		f.verify.least_grants = x.verdict.least and #x.verdict.least.grants
	end
	f.withheld = learn.sorted(x.withheld)
	f.withheld.is_list = true
	f.risks = risks(x, f)
	f.verdict = verdict_of(x, f)
	f.cut = x.m.cut
	f.replay = string.format("keros run --manifest manifest.toml")
	return f
end

return report
