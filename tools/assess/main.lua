-- main.lua - keros assess: runs a program with wide authority, learns what it used, writes a manifest and a report.
--
--	lua5.4 main.lua ROOT [OPTION...] -- COMMAND [ARGUMENT...]
--
-- The host's files are never written: the sandbox sees copies. Exit status: 0 assessed; 1 trouble; 2 a wrong command
-- line. What the program prints goes where it would; everything of ours to standard error.
local root = arg[1]
package.path = root .. "/tools/assess/?.lua;" .. package.path
local events = require "events"
local learn = require "learn"
local report = require "report"
local tree = require "tree"
local verify = require "verify"
local json = require "json"

local KEROS = root .. "/build/keros"

local function misuse(...)
	io.stderr:write("keros: ", string.format(...), "\n")
	os.exit(2)
end

local function say(...)
	io.stderr:write("assess: ", string.format(...), "\n")
end

-- Which options of run take a value, by its own help.
local function valued_options()
	local valued = {}
	local p = io.popen(tree.quoted(KEROS) .. " help run")
	for line in p:lines() do
		local option, value = line:match("^  (%-%-%S+) (%S+)")
		if option then valued[option] = value ~= "" end
	end
	p:close()
	return valued
end

-- ---- The command line ------------------------------------------------------------------------------------------------

local function parse(words)
	local o = { run = {}, trees = {}, environment = {}, out = "assess" }
	local valued = valued_options()
	local i = 1
	local function value(option)
		i = i + 1
		return words[i] or misuse("%s needs a value after it; see: keros help assess", option)
	end
	while words[i] and words[i]:sub(1, 1) == "-" do
		local w = words[i]
		local name, given = w:match("^(%-%-[^=]+)=(.*)$")
		name = name or w
		local function take() return given or value(name) end
		if w == "--" then i = i + 1 break end
		if w == "-o" then o.out = value(w)
		elseif name == "--verify" then o.verify = true
		elseif name == "--merge" then o.merge = take()
		elseif name == "--runs" then o.runs = math.tointeger(tonumber(take())) or misuse("--runs is not a number")
		elseif name == "--tree" then
			local folder = take()
			o.trees[#o.trees + 1] = folder
		elseif name == "--env" then
			local e = take()
			if not e:find("=", 1, true) then
				e = e .. "=" .. (os.getenv(e) or misuse("--env %s: that variable is not set here; try --env %s=VALUE", e, e))
			end
			o.environment[#o.environment + 1] = e
			o.run[#o.run + 1] = "--env=" .. e
		elseif name == "--cwd" then
			o.directory = take()
			o.run[#o.run + 1] = "--cwd=" .. o.directory
		elseif name == "--mem" then
			o.machine = take()
			o.run[#o.run + 1] = "--mem=" .. o.machine
		elseif name == "--icount" then o.run[#o.run + 1] = w
		elseif valued[name] == nil then misuse("no option '%s'; see: keros help assess", name)
		else misuse("%s is for keros run; assess takes -o, --tree, --env, --cwd, --mem, --verify, --merge, --runs", name)
		end
		i = i + 1
	end
	o.command = table.move(words, i, #words, 1, {})
	if #o.command == 0 then misuse("assess needs a command; try: keros assess -o /tmp/a -- ls -l /etc") end
	return o
end

-- Absolute, as the tree of a copy is named in the manifest.
local function absolute(path)
	local p = io.popen("realpath -- " .. tree.quoted(path))
	local full = p:read("l")
	p:close()
	return full or misuse("%s: there is no such folder", path)
end

local function is_folder(path)
	return os.execute("test -d " .. tree.quoted(path)) == true
end

local DEFAULTS = { "PATH=/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin", "HOME=/root", "TERM=dumb" }

local function environment(given)
	local by_name = {}
	for _, list in ipairs { DEFAULTS, given } do
		for _, e in ipairs(list) do by_name[e:match("^[^=]*")] = e end
	end
	local list = {}
	for _, name in ipairs(learn.sorted(by_name)) do list[#list + 1] = by_name[name] end
	return list
end

-- ---- Secrets -----------------------------------------------------------------------------------------------------------

local function secret_patterns()
	local patterns = {}
	for line in io.lines(root .. "/tools/assess/secrets.txt") do
		if line ~= "" and line:sub(1, 1) ~= "#" then
			local p = line:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*%*", "\0"):gsub("%*", "[^/]*"):gsub("%z", ".*")
			patterns[#patterns + 1] = { text = line, exact = "^" .. p .. "$", below = "^" .. p .. "/" }
		end
	end
	return patterns
end

local function secret_of(patterns, path)
	for _, p in ipairs(patterns) do
		if path:find(p.exact) or path:find(p.below) then return p.text end
	end
end

-- What the folders hold that is withheld, and copies of them without it, if there is any.
local function withhold(o, patterns, work)
	o.withheld = {}
	for i, folder in ipairs(o.trees) do
		local p = io.popen("cd " .. tree.quoted(folder) .. " && find . -mindepth 1 -printf '%p\\0'")
		local found = {}
		for path in p:read("a"):gmatch("%.([^%z]*)%z") do
			local why = secret_of(patterns, path)
			if why then
				o.withheld[path] = why
				found[#found + 1] = path
			end
		end
		p:close()
		if #found > 0 then
			local copy = work .. "/tree" .. i
			os.execute(string.format("cp -a %s %s", tree.quoted(folder), tree.quoted(copy)))
			for _, path in ipairs(found) do os.execute("rm -rf " .. tree.quoted(copy .. path)) end
			o.shown = o.shown or table.move(o.trees, 1, #o.trees, 1, {})
			o.shown[i] = copy
			say("%s withheld from %s", learn.count(#found, "secret name"), folder)
		end
	end
	o.shown = o.shown or o.trees
end

-- A failed look for a name that was withheld, or that would be a secret, is a refusal and is told as one.
local function mark_refusals(m, o, patterns)
	for _, r in ipairs(m.records) do
		if r.kind == "path" then
			local why = secret_of(patterns, r.name)
			if why and r.outcome == "absent" then
				r.outcome, r.secret, r.held_back = "denied", why, o.withheld[r.name] ~= nil
			end
		end
	end
end

-- ---- The whole ---------------------------------------------------------------------------------------------------------

local function write(path, text)
	local f, why = io.open(path, "wb")
	if not f then
		say("%s", why)
		os.exit(1)
	end
	f:write(text)
	f:close()
end

local function read(path)
	local f = io.open(path, "rb")
	local text = f and f:read("a") or ""
	if f then f:close() end
	return text
end

local function main(words)
	local o = parse(words)
	for i, folder in ipairs(o.trees) do
		if not is_folder(folder) then misuse("--tree %s: assess takes folders; unpack it first", folder) end
		o.trees[i] = absolute(folder)
	end
	if os.execute("mkdir -p " .. tree.quoted(o.out)) ~= true then os.exit(1) end
	o.out = absolute(o.out)
	local p = io.popen("mktemp -d")
	local work = p:read("l")
	p:close()
	local patterns = secret_patterns()
	withhold(o, patterns, work)

	local runner = verify.runner { keros = KEROS, work = work, out = o.out, say = say }
	local files = tree.open(root .. "/build/base.tree", o.trees)
	local context = { environment = environment(o.environment), arguments = o.command, directory = o.directory, machine = o.machine }

	say("running with everything it may be shown: %s", table.concat(o.command, " "))
	local options = table.move(o.run, 1, #o.run, 1, {})
	for _, folder in ipairs(o.shown) do options[#options + 1] = "--tree=" .. folder end
	local first = runner:run("wide", options, o.command, true)
	io.stdout:write(first.output)
	io.stdout:flush()
	io.stderr:write(first.errors)
	if first.status == 125 then
		say("the machine failed; nothing was learned")
		os.exit(1)
	end
	os.execute(string.format("cp %s %s", tree.quoted(first.record), tree.quoted(o.out .. "/events.jsonl")))
	local m = events.load(first.record)
	mark_refusals(m, o, patterns)
	if not m.programs[1] then
		say("the command did not start (status %d); is its name right?", first.status)
		os.exit(1)
	end

	-- Further runs with the same authority: what they find that the first did not says how saturated the learning is.
	local saturation = {}
	for n = 2, o.runs or (o.verify and 2 or 1) do
		local again = runner:run("wide", options, o.command, true)
		local found = events.load(again.record)
		mark_refusals(found, o, patterns)
		saturation[#saturation + 1] = verify.new_authorities(m, found)
		say("run %d found %s", n, learn.count(saturation[#saturation].count, "new authority", "new authorities"))
	end

	local verdict
	local manifest
	if o.verify then
		manifest, verdict = verify.settle(runner, m, files, context, first)
	else
		manifest = learn.manifest(m, files, context, 2)
	end
	local path = o.out .. "/manifest.toml"
	runner:write_manifest(manifest, path, nil, o.merge)
	if verdict then
		for _, removed in ipairs(verdict.removed) do say("without %s: %s", removed.what, removed.needed and "needed" or "not needed") end
	end

	local facts = report.facts {
		root = root, m = m, files = files, manifest = manifest, context = context, first = first, verdict = verdict,
		saturation = saturation, withheld = o.withheld, manifest_text = read(path),
	}
	write(o.out .. "/report.json", json.encode(facts) .. "\n")
	write(o.out .. "/report.html", report.html(facts))
	os.execute("rm -rf " .. tree.quoted(work))
	say("%s", facts.verdict.text)
	say("written: %s/{manifest.toml,report.html,report.json,events.jsonl}", o.out)
	os.exit(verdict and not verdict.same and 1 or 0)
end

main(table.move(arg, 2, #arg, 1, {}))
