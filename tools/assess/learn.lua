-- learn.lua - from what was used to a manifest that grants it, and to what the manifest says of why.
--
-- A use that found nothing never becomes a grant. What is granted beyond the names that were used comes from one of
-- these rules, and each says what it did:
--   made names       a name that was made needs its folder: the folder is granted, empty if it was empty
--   many siblings    SIBLINGS or more files of one folder, and at least half of all that is below it: all below it
--   listing          a folder that was listed, at level 2: with all below, since fewer names would be another answer
-- Level 1 grants names and variables that were used, level 2 also what may only be looked at in passing; `--verify`
-- tries them in this order and keeps the first that changes nothing.
local tree = require "tree"
local learn = {}

learn.SIBLINGS = 8

local function parent(path)
	local up = path:match("^(.*)/[^/]*$")
	return up == "" and "/" or up
end

local function sorted(set)
	local list = {}
	for key in pairs(set) do list[#list + 1] = key end
	table.sort(list)
	return list
end
learn.sorted, learn.parent = sorted, parent

-- path -> { uses = set, evidence = n, records = list }, of uses that succeeded.
local function used_paths(m)
	local paths = {}
	for _, r in ipairs(m.records) do
		if (r.kind == "path" or r.kind == "device") and r.outcome == "exercised" then
			local p = paths[r.name] or { uses = {}, evidence = 0, records = {}, seen = 0 }
			paths[r.name] = p
			if r.use == "seen" then
				p.seen = p.seen + r.count
			else
				p.uses[r.use] = true
				p.evidence = p.evidence + r.count
				p.records[#p.records + 1] = r
			end
		end
	end
	return paths
end
learn.used_paths = used_paths

local function is_random(name)
	local base = name:match("[^/]*$")
	local _, digits = base:gsub("%d", "")
	local _, upper = base:gsub("%u", "")
	return #base >= 6 and (digits >= 3 or (upper >= 2 and base:find("%l"))) or base:find("tmp", 1, true) ~= nil or
		base:find("%.%d+$") ~= nil
end

local function grant_add(grants, files, path, use)
	local kind, what, host, item = files:source(path)
	if not kind then return nil end
	if kind == "implied" then return { uses = {}, evidence = 0 } end
	if kind == "share" then path, host, what = item.guest, item.host, "folder" end
	local g = grants[path]
	if not g then
		g = { path = path, kind = kind, host = host, what = what, uses = {}, evidence = 0 }
		grants[path] = g
	end
	for u in pairs(use.uses) do g.uses[u] = true end
	g.evidence = g.evidence + use.evidence
	if kind == "share" then
		g.keep = true
		g.write = g.write or use.uses.create or use.uses.write or use.uses.delete or use.uses.attr or nil
		g.widened = "shares: a share is granted as it was given, with all below it"
	end
	return g
end

-- The nearest folder above that was there at the start.
local function ground_of(files, path)
	repeat path = parent(path) until path == "/" or files:source(path)
	return path
end

local function grant_made(grants, files, path, use, made)
	local ground = ground_of(files, path)
	if files:source(ground) == "implied" then return end
	local g = grant_add(grants, files, ground, { uses = { create = true }, evidence = use.evidence })
	if not g then return end
	g.keep = true
	made[ground] = made[ground] or { all = 0, random = 0 }
	made[ground].all = made[ground].all + 1
	made[ground].random = made[ground].random + (is_random(path) and 1 or 0)
end

local function count(n, one, many)
	return string.format("%d %s", n, n == 1 and one or many or one .. "s")
end
learn.count = count

local function widen(g, text)
	g.widened = g.widened and g.widened .. "; " .. text or text
end

local function is_below(path, folder)
	return path ~= folder and (folder == "/" or path:sub(1, #folder + 1) == folder .. "/")
end

-- A folder that holds a secret is never granted whole: what was withheld would come along.
local function holds_secret(files, folder)
	for path in pairs(files.withheld or {}) do
		if is_below(path, folder) then return true end
	end
	return false
end

-- All below it comes with it: grants of the same kind there say nothing more.
local function make_whole(grants, g, why)
	g.whole, g.keep = true, true
	widen(g, why)
	for path, other in pairs(grants) do
		if other ~= g and is_below(path, g.path) and other.kind == g.kind then
			g.evidence = g.evidence + other.evidence
			for u in pairs(other.uses) do g.uses[u] = true end
			if other.widened then widen(g, other.widened) end
			grants[path] = nil
		end
	end
end

local function names_below(files, folder)
	local n = 0
	for _, names in ipairs { files.scanned, files.entries } do
		for path in pairs(names) do n = n + (is_below(path, folder) and 1 or 0) end
	end
	return n
end

local function widen_siblings(grants, files)
	local by_folder = {}
	for path, g in pairs(grants) do
		local data = g.uses.read or g.uses.stat
		if g.what == "file" and data and not g.uses.exec and not g.uses.map then
			local up = parent(path)
			by_folder[up] = (by_folder[up] or 0) + 1
		end
	end
	for _, folder in ipairs(sorted(by_folder)) do
		local g = grants[folder]
		local used = by_folder[folder]
		if used >= learn.SIBLINGS and g and g.what == "folder" and not g.whole and not holds_secret(files, folder) then
			local all = names_below(files, folder)
			if all <= 2 * used then
				make_whole(grants, g, string.format("many siblings: %d files of this folder were used, of %d names below it, so all are granted", used, all))
			end
		end
	end
end

-- A folder's copies that lie over a base folder are a grant each: two things at one name cannot be granted.
local function widen_listings(grants, files, paths)
	for _, path in ipairs(sorted(grants)) do
		local g = grants[path]
		if g and g.uses.list and g.what == "folder" and not g.whole then
			local shown, unused = 0, 0
			for name, p in pairs(paths) do
				if parent(name) == path and name ~= path and p.seen > 0 then
					shown = shown + 1
					unused = unused + (next(p.uses) and 0 or 1)
				end
			end
			for name in pairs(files.scanned) do
				if g.kind == "base" and parent(name) == path and name ~= path and not grants[name] then
					local below = grant_add(grants, files, name, { uses = { seen = true }, evidence = 1 })
					if below and below.what == "folder" and below.kind == "copy" and not holds_secret(files, name) then below.whole = true end
				end
			end
			if unused > 0 and not holds_secret(files, path) then
				make_whole(grants, g, string.format("listing: it showed %s, of which %d were not used; all below it is granted", count(shown, "name"), unused))
			end
		end
	end
end

-- A folder that was only passed or looked at is there anyway if something below it is.
local function drop_passed(grants)
	local weak = { stat = true, enter = true, follow = true }
	for _, path in ipairs(sorted(grants)) do
		local g = grants[path]
		local only_weak = g.what == "folder" and not g.keep
		for u in pairs(g.uses) do only_weak = only_weak and weak[u] end
		if only_weak then
			for other in pairs(grants) do
				if is_below(other, path) then
					grants[path] = nil
					break
				end
			end
		end
	end
end

-- Which variables do the programs that ran name at all?
local function variables_named(m, files)
	local named = {}
	local bytes = {}
	for _, path in pairs(m.modules) do bytes[path] = files:bytes(path) or false end
	for _, path in pairs(m.programs) do
		path = path:match("^(.-) as ") or path
		bytes[path] = files:bytes(path) or false
	end
	for _, r in ipairs(m.records) do
		if r.kind == "env" and not named[r.name] then
			for _, b in pairs(bytes) do
				if b == false or b:find(r.name, 1, true) then named[r.name] = true end
			end
		end
	end
	return named
end

local function storage(m)
	local mib, size = m.finish.pages_peak * 1.5 / 256 + 8, 16
	while size < mib do size = size * 2 end
	return size .. "M"
end

-- context: environment (list of NAME=VALUE), arguments, directory. Returns the manifest as a table.
function learn.manifest(m, files, context, level)
	local paths, grants, made = used_paths(m), {}, {}
	files:scan()
	for _, path in ipairs(sorted(paths)) do
		local p = paths[path]
		if next(p.uses) and not grant_add(grants, files, path, p) then
			local provided = path:sub(1, 5) == "/dev/" or path == "/dev"
			if not provided then grant_made(grants, files, path, p, made) end
		elseif p.uses.create and grants[path] and grants[path].what ~= "folder" then
			grant_made(grants, files, path, p, made)
		end
	end
	for ground, n in pairs(made) do
		local g = grants[ground]
		if not g then g = { uses = {} } end
		if (ground == "/tmp" or ground == "/var/tmp") and g.kind == "base" then g.kind, g.host = "scratch", nil end
		widen(g, n.random > 0 and string.format("temporary names: %s (%d of them temporary) became this folder", count(n.all, "name"), n.random)
			or string.format("made names: %s became this folder", count(n.all, "name")))
	end
	widen_siblings(grants, files)
	if level >= 2 then widen_listings(grants, files, paths) end
	drop_passed(grants)

	local named = level == 1 and variables_named(m, files) or nil
	local environment = {}
	for _, e in ipairs(context.environment) do
		if not named or named[e:match("^[^=]*")] then environment[#environment + 1] = e end
	end
	table.sort(environment)
	local kinds = { proc = false, random = false, clock = false, input = false }
	for _, r in ipairs(m.records) do
		if r.kind == "proc" then kinds.proc = true end
		if r.kind == "random" then kinds.random = true end
		-- Every dynamic program's loader reads the counter and makes nothing of it; without a clock it counts its looks.
		local counter = r.name == "processor's counter"
		if r.kind == "clock" and r.use ~= "set" and not (counter and level == 1) then kinds.clock = true end
		if r.kind == "stream" and r.use == "read" then kinds.input = true end
	end
	local list = {}
	for _, path in ipairs(sorted(grants)) do list[#list + 1] = grants[path] end
	return {
		program = context.arguments[1], arguments = context.arguments, directory = context.directory,
		environment = environment, kinds = kinds, storage = storage(m), machine = context.machine, grants = list, level = level,
	}
end

-- ---- its text: `keros merge` reads it, complains of what is wrong, and writes the canonical form ---------------------

local function quote(s)
	return '"' .. s:gsub('[%c"\\\x7f-\xff]', function(c) return string.format("\\x%02x", c:byte()) end) .. '"'
end

local function relative(path, folder)
	if not path or path:sub(1, 1) ~= "/" then return path end
	local a, b = {}, {}
	for part in path:gmatch("[^/]+") do a[#a + 1] = part end
	for part in folder:gmatch("[^/]+") do b[#b + 1] = part end
	local same = 0
	while a[same + 1] and a[same + 1] == b[same + 1] do same = same + 1 end
	if same == 0 then return path end
	return string.rep("../", #b - same) .. (same < #a and table.concat(a, "/", same + 1) or ".")
end

-- folder: where the manifest will lie. without: the index of a grant to leave out, or a word: input, random, clock, proc,
-- or a variable's name.
function learn.text(manifest, folder, without)
	local t = {}
	local function put(...) t[#t + 1] = string.format(...) end
	put("keros-run = 1\nprogram = %s", quote(manifest.program))
	local words = {}
	for i = 2, #manifest.arguments do words[#words + 1] = quote(manifest.arguments[i]) end
	put("arguments = [%s]", table.concat(words, ", "))
	if manifest.directory then put("directory = %s", quote(manifest.directory)) end
	local k = manifest.kinds
	if not k.input or without == "input" then put("input = false") end
	if not k.random or without == "random" then put("random = false") end
	if not k.clock or without == "clock" then put('clock = "none"') end
	if not k.proc or without == "proc" then put("proc = false") end
	put("[environment]")
	for _, e in ipairs(manifest.environment) do
		local name, value = e:match("^([^=]*)=(.*)$")
		if without ~= "$" .. name then put("%s = %s", quote(name), quote(value)) end
	end
	put("[limits]\nstorage = %s", quote(manifest.storage))
	if manifest.machine then put("machine = %s", quote(manifest.machine)) end
	put("[learned]\nruns = 1")
	for i, g in ipairs(manifest.grants) do
		if i ~= without then
			put("[[grant]]\npath = %s\nkind = %s", quote(g.path), quote(g.kind))
			if g.host then put("host = %s", quote(relative(g.host, folder))) end
			if g.whole then put("whole = true") end
			if g.write then put('rights = "write"') end
			put("evidence = %d", g.evidence)
			local uses = {}
			for _, u in ipairs(sorted(g.uses)) do uses[#uses + 1] = quote(u) end
			put("uses = [%s]", table.concat(uses, ", "))
			if g.widened then put("widened = %s", quote(g.widened)) end
		end
	end
	return table.concat(t, "\n") .. "\n"
end

return learn
