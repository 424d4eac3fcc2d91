-- verify.lua - running the command, in full or under a manifest, and comparing what came out.
local events = require "events"
local file = require "file"
local learn = require "learn"
local tree = require "tree"
local verify = {}

local runner = {}
runner.__index = runner

-- o: keros (the command), work (a folder of ours), out, say.
function verify.runner(o)
	o.count = 0
	return setmetatable(o, runner)
end

-- One run: what it printed, its status, and the record.
function runner:run(name, options, command, recorded)
	self.count = self.count + 1
	local base = string.format("%s/%d-%s", self.work, self.count, name)
	local words = { tree.quoted(self.keros), "run", "--no-tty" }
	if recorded then words[#words + 1] = "--record=" .. tree.quoted(base .. ".jsonl") end
	for _, w in ipairs(options) do words[#words + 1] = tree.quoted(w) end
	words[#words + 1] = "--"
	for _, w in ipairs(command) do words[#words + 1] = tree.quoted(w) end
	if not self.input then
		-- The same input for every run: what was given to the first is kept.
		self.input = self.work .. "/input"
		os.execute("if [ -t 0 ]; then : >" .. tree.quoted(self.input) .. "; else cat >" .. tree.quoted(self.input) .. "; fi")
	end
	local line = string.format("%s <%s >%s 2>%s", table.concat(words, " "), tree.quoted(self.input), tree.quoted(base .. ".out"),
		tree.quoted(base .. ".err"))
	local _, how, code = os.execute(line)
	return {
		-- What the command itself says of refusals is not the program's.
		status = how == "signal" and 128 + code or code, output = file.read(base .. ".out") or "", errors = ((file.read(base .. ".err") or ""):gsub("keros: [^\n]*\n", "")),
		record = base .. ".jsonl",
	}
end

-- Writes it in canonical form; merge: another manifest whose grants are added.
function runner:write_manifest(manifest, path, without, merge)
	local folder = path:match("^(.*)/[^/]*$")
	local rough = folder .. "/.rough.toml"
	local f = assert(io.open(rough, "wb"))
	f:write(learn.text(manifest, folder, without))
	f:close()
	local ok = os.execute(string.format("%s merge %s %s >%s", tree.quoted(self.keros), tree.quoted(rough),
		merge and tree.quoted(merge) or "", tree.quoted(path)))
	os.remove(rough)
	if ok ~= true then
		self.say("the manifest could not be written")
		os.exit(1)
	end
end

function runner:under(manifest, without)
	local path = self.out .. "/.try.toml"
	self:write_manifest(manifest, path, without)
	local result = self:run("try", { "--manifest=" .. path }, {}, true)
	os.remove(path)
	if result.status ~= 125 then
		local ok, m = pcall(events.load, result.record)
		result.left = ok and m.left or {}
	end
	return result
end

-- ---- Comparing -------------------------------------------------------------------------------------------------------

local function files_of(list)
	local t = {}
	for _, f in ipairs(list or {}) do t[f.left] = f.size .. " " .. f.hash end
	return t
end

local function files_differ(a, b, changing)
	a, b = files_of(a), files_of(b)
	for _, pair in ipairs { { a, b }, { b, a } } do
		for name, content in pairs(pair[1]) do
			if pair[2][name] ~= content and not changing[name] then return name end
		end
	end
end

-- What two runs with the same authority did not do alike (a date, a random name) is no measure for a third.
function verify.changing(a, b)
	local c = { output = a.output ~= b.output, errors = a.errors ~= b.errors, files = {} }
	local x, y = files_of(a.left), files_of(b.left)
	for name, content in pairs(x) do c.files[name] = y[name] ~= content or nil end
	for name, content in pairs(y) do c.files[name] = x[name] ~= content or nil end
	return c
end

-- nil: the same. Else the first thing that differs, in words.
function verify.difference(a, b)
	local c = a.changing or { files = {} }
	if a.status ~= b.status then return string.format("status %d instead of %d", b.status, a.status) end
	if a.output ~= b.output and not c.output then return "another output" end
	if a.errors ~= b.errors and not c.errors then return "other messages" end
	local name = files_differ(a.left, b.left, c.files)
	if name then return "another content of " .. name end
end

function verify.changing_words(c)
	local t = {}
	if c.output then t[#t + 1] = "the output" end
	if c.errors then t[#t + 1] = "messages" end
	local names = learn.sorted(c.files)
	table.move(names, 1, math.min(3, #names), #t + 1, t)
	return #t > 0 and table.concat(t, ", ") .. (#names > 3 and " ..." or "") or nil
end

local function key(r)
	return table.concat({ r.kind, r.use, r.name, r.outcome }, "\0")
end

function verify.new_authorities(m, again)
	local known, new = {}, { count = 0, names = { is_list = true } }
	for _, r in ipairs(m.records) do known[key(r)] = true end
	for _, r in ipairs(again.records) do
		if r.outcome == "exercised" and r.kind ~= "missing" and not known[key(r)] then
			known[key(r)] = true
			new.count = new.count + 1
			new.names[#new.names + 1] = string.format("%s %s %s", r.kind, r.use, r.name)
		end
	end
	return new
end

-- Which of all that a manifest grants may be left out? Each in turn, the others in place.
local function remove_each(runner, manifest, first)
	local removed = {}
	local function try(what, kind, without)
		local result = runner:under(manifest, without)
		local difference = verify.difference(first, result)
		removed[#removed + 1] = { what = what, kind = kind, needed = difference ~= nil, difference = difference or "no difference" }
	end
	for i, g in ipairs(manifest.grants) do
		try(g.path, g.kind, i)
		manifest.grants[i].needed = removed[#removed].needed
	end
	for _, word in ipairs { "input", "random", "clock", "proc" } do
		if manifest.kinds[word] then try(word, "kind", word) end
	end
	for _, e in ipairs(manifest.environment) do
		local name = e:match("^[^=]*")
		try("variable " .. name, "environment", "$" .. name)
	end
	return removed
end

-- The manifest without the things in that set: names of grants, words, "$" and a variable's name.
local function without_all(manifest, out)
	local less = {}
	for k, v in pairs(manifest) do less[k] = v end
	less.grants, less.environment, less.kinds = {}, {}, {}
	for _, g in ipairs(manifest.grants) do
		if not out[g.path] then less.grants[#less.grants + 1] = g end
	end
	for _, e in ipairs(manifest.environment) do
		if not out["$" .. e:match("^[^=]*")] then less.environment[#less.environment + 1] = e end
	end
	for word, held in pairs(manifest.kinds) do less.kinds[word] = held and not out[word] end
	return less
end

-- Only what is needed. Two things may each stand in for the other: if all cannot go at once, they go one after the
-- other, and those that then make a difference stay. Returns the manifest, and in words what stayed for that.
local function least_of(runner, manifest, removed, first)
	local names, out, kept = {}, {}, {}
	for _, r in ipairs(removed) do
		if not r.needed then names[#names + 1] = r.kind == "environment" and r.what:gsub("^variable ", "$") or r.what end
	end
	if #names == 0 then return nil end
	for _, n in ipairs(names) do out[n] = true end
	local least = without_all(manifest, out)
	if not verify.difference(first, runner:under(least)) then return least end
	out = {}
	for _, n in ipairs(names) do
		out[n] = true
		local difference = verify.difference(first, runner:under(without_all(manifest, out)))
		if difference then
			out[n] = nil
			kept[#kept + 1] = n .. " (" .. difference .. ")"
		end
	end
	return without_all(manifest, out), table.concat(kept, ", ")
end

-- The narrowest level under which everything is as it was, and what of it is needed.
function verify.settle(runner, m, files, context, first)
	local manifest, difference
	for level = 1, 2 do
		manifest = learn.manifest(m, files, context, level)
		runner.say("again under level %d: %s, nothing else", level, learn.count(#manifest.grants, "grant"))
		difference = verify.difference(first, runner:under(manifest))
		if not difference then break end
		runner.say("that makes a difference: %s", difference)
	end
	local verdict = { same = difference == nil, difference = difference, level = manifest.level, removed = {} }
	if verdict.same then
		runner.say("the same output, status and files; now without each grant in turn")
		verdict.removed = remove_each(runner, manifest, first)
		verdict.least, verdict.not_together = least_of(runner, manifest, verdict.removed, first)
	end
	return manifest, verdict
end

return verify
