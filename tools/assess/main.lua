-- main.lua - keros assess: runs a program with wide authority, learns what it used, writes a manifest and a report.
--
--	lua5.4 main.lua ROOT WORK [OPTION...] -- COMMAND [ARGUMENT...]
--
-- WORK is an empty folder, which the caller removes. The host's files are never written: the sandbox sees copies. Exit status: 0 assessed; 1 trouble; 2 a wrong command
-- line. What the program prints goes where it would; everything of ours to standard error.
local root = arg[1]
package.path = root .. "/tools/assess/?.lua;" .. package.path
local events = require "events"
local file = require "file"
local learn = require "learn"
local page = require "page"
local report = require "report"
local tree = require "tree"
local verify = require "verify"
local with = require "with"
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
	local o = { run = {}, items = {}, environment = {}, out = "assess" }
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
		elseif name == "--tree" then o.items[#o.items + 1] = { option = "--tree", host = take(), guest = "/" }
		elseif name == "--ro" then
			local text = take()
			local host, guest = text:match("^(.+):(/[^:]*)$")
			o.items[#o.items + 1] = { option = "--ro", host = host or text, guest = guest }
		elseif name == "--with" then
			local items, why = with.items(take())
			if not items then misuse("--with: %s; give the name or path of a program of this machine", why) end
			table.move(items, 1, #items, #o.items + 1, o.items)
			o.programs = o.programs or {}
			o.programs[items[1].guest:match("[^/]*$")] = items[1].guest
		elseif name == "--write" then o.write = true
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
		else misuse("%s is for keros run; see what assess takes: keros help assess", name)
		end
		i = i + 1
	end
	o.command = table.move(words, i, #words, 1, {})
	-- The base tree may have a program of that name, and earlier in PATH.
	o.command[1] = o.programs and o.programs[o.command[1]] or o.command[1]
	if o.write and (o.verify or (o.runs or 1) > 1) then
		misuse("--write changes the host's files, so a second run would not be the same; leave out --verify and --runs")
	end
	if #o.command == 0 then misuse("assess needs a command; try: keros assess -o /tmp/a -- ls -l /etc") end
	return o
end

-- Absolute, as the tree of a copy is named in the manifest.
local function absolute(path)
	local p = io.popen("realpath -e -- " .. tree.quoted(path) .. " 2>/dev/null")
	local full = p:read("l")
	p:close()
	return full or misuse("%s: there is no such file or folder", path)
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

-- The same for a share, whose server knows patterns of a whole path or of a last name, but no ** between.
local function deny_options(options, patterns)
	for _, p in ipairs(patterns) do
		local below = p.text:match("^%*%*/(.*)$")
		if not below or not below:find("/", 1, true) then
			options[#options + 1] = "--deny=" .. (below or p.text)
		else
			options[#options + 1] = "--deny=/*/" .. below
			options[#options + 1] = "--deny=/*/*/" .. below
		end
	end
end

local function secret_of(patterns, path)
	for _, p in ipairs(patterns) do
		if path:find(p.exact) or path:find(p.below) then return p.text end
	end
end

-- Small things are copied into the boot pack; of large ones the sandbox gets a view whose changes stay with it.
local COPY_MIB = 24

local function size_mib(path)
	local p = io.popen("du -smL " .. tree.quoted(path) .. " 2>/dev/null")
	local n = tonumber((p:read("l") or "0"):match("^%d+"))
	p:close()
	return n or 0
end

-- Puts together what is shown, as one folder to lay over the base tree, without what is withheld. Returns the options.
local function show(o, patterns, work)
	local shown, options, any, shares = work .. "/shown", {}, false, false
	o.withheld = {}
	for _, item in ipairs(o.items) do
		if item.share then
			options[#options + 1] = string.format("--rw=%s:%s", item.host, item.guest)
		elseif item.option == "--ro" and size_mib(item.host) > COPY_MIB then
			options[#options + 1] = string.format("--cow=%s:%s", item.host, item.guest)
			shares = true
		else
			local to = item.guest == "/" and shown or shown .. item.guest
			any = true
			-- A folder's content goes into what is there already; a file takes its place.
			local ok = os.execute(string.format("mkdir -p %s && if test -d %s; then mkdir -p %s && cp -a %s/. %s; else cp %s %s %s; fi",
				tree.quoted(learn.parent(to)), tree.quoted(item.host), tree.quoted(to), tree.quoted(item.host), tree.quoted(to),
				item.follow and "-L --preserve=all" or "-a", tree.quoted(item.host), tree.quoted(to)))
			if ok ~= true then os.exit(1) end
		end
	end
	if shares then deny_options(options, patterns) end
	if not any then return options end
	local p = io.popen("cd " .. tree.quoted(shown) .. " && find . -mindepth 1 -printf '%p\\0'")
	local count = 0
	for path in p:read("a"):gmatch("%.([^%z]*)%z") do
		local why = secret_of(patterns, path)
		if why then
			o.withheld[path] = why
			count = count + 1
		end
	end
	p:close()
	for path in pairs(o.withheld) do os.execute("rm -rf " .. tree.quoted(shown .. path)) end
	if count > 0 then say("%s withheld", learn.count(count, "name that holds secrets", "names that hold secrets")) end
	options[#options + 1] = "--tree=" .. shown
	return options
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

-- What was asked for, with the host's names made absolute and the folder for the results made.
local function prepare(words)
	local o = parse(words)
	for _, item in ipairs(o.items) do
		local named = item.host
		item.host = absolute(named)
		item.guest = item.guest or (named:sub(1, 1) == "/" and named or item.host)
		item.share = o.write and item.option == "--ro" or nil
		if item.option == "--tree" and os.execute("test -d " .. tree.quoted(item.host)) ~= true then
			misuse("--tree %s: assess takes folders; unpack it first", item.host)
		end
	end
	if os.execute("mkdir -p " .. tree.quoted(o.out)) ~= true then os.exit(1) end
	o.out = absolute(o.out)
	return o
end

-- What the program may be shown, and what of it is withheld.
local function open_files(o, patterns)
	local files = tree.open(root .. "/build/base.tree", o.items)
	files:scan()
	for path in pairs(files.scanned) do o.withheld[path] = o.withheld[path] or secret_of(patterns, path) end
	files.withheld = o.withheld
	return files
end

-- The run that is learned from: what it left, and what it used.
local function run_first(runner, options, o, patterns)
	say("running with everything it may be shown: %s", table.concat(o.command, " "))
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
	first.left = m.left
	return first, m
end

-- Further runs with the same authority: what each finds that the first did not says how saturated the learning is.  What
-- differs between them by itself is noted in first.changing.
local function run_further(runner, options, o, patterns, first, m)
	local saturation = {}
	for n = 2, o.runs or (o.verify and 2 or 1) do
		os.execute("sleep 1.1")        -- what is of this second should be seen to change
		local again = runner:run("wide", options, o.command, true)
		local found = events.load(again.record)
		mark_refusals(found, o, patterns)
		saturation[#saturation + 1] = verify.new_authorities(m, found)
		again.left = found.left
		first.changing = first.changing or verify.changing(first, again)
		say("run %d found %s", n, learn.count(saturation[#saturation].count, "new authority", "new authorities"))
	end
	return saturation
end

-- manifest.toml and, if there was a verdict, least.toml; the path of the first.
local function write_manifests(runner, o, manifest, verdict)
	local path = o.out .. "/manifest.toml"
	runner:write_manifest(manifest, path, nil, o.merge)
	os.remove(o.out .. "/least.toml")
	if not verdict then return path end
	if verdict.least then runner:write_manifest(verdict.least, o.out .. "/least.toml") end
	for _, removed in ipairs(verdict.removed) do
		say("without %s: %s", removed.what, removed.needed and "needed" or "not needed")
	end
	return path
end

local function write_report(o, facts, verdict)
	local least = verdict and verdict.least
	write(o.out .. "/report.json", json.encode(facts) .. "\n")
	write(o.out .. "/report.html", page.html(facts))
	say("%s", facts.verdict.text)
	if verdict and verdict.not_together then say("needed where others are gone: %s", verdict.not_together) end
	if least then
		say("with nothing that was not needed here it is the same, too: least.toml, %s", learn.count(#least.grants, "grant"))
	end
	say("written: %s/{manifest.toml,%sreport.html,report.json,events.jsonl}", o.out, least and "least.toml," or "")
end

local function main(words)
	local o = prepare(words)
	local work = arg[2]
	local patterns = secret_patterns()
	local shown = show(o, patterns, work)
	local runner = verify.runner { keros = KEROS, work = work, out = o.out, say = say }
	local files = open_files(o, patterns)
	local context = { environment = environment(o.environment), arguments = o.command, directory = o.directory, machine = o.machine }

	local options = table.move(o.run, 1, #o.run, 2, { "--random" })
	table.move(shown, 1, #shown, #options + 1, options)
	local first, m = run_first(runner, options, o, patterns)
	local saturation = run_further(runner, options, o, patterns, first, m)
	local changing = first.changing and verify.changing_words(first.changing)
	if changing then say("what differs from run to run by itself is not compared: %s", changing) end

	local manifest, verdict
	if o.verify then
		manifest, verdict = verify.settle(runner, m, files, context, first)
	else
		manifest = learn.manifest(m, files, context, 2)
	end
	local path = write_manifests(runner, o, manifest, verdict)
	local facts = report.facts {
		root = root, m = m, files = files, manifest = manifest, context = context, first = first, verdict = verdict,
		saturation = saturation, changing = changing, withheld = o.withheld, manifest_text = file.read(path) or "",
	}
	write_report(o, facts, verdict)
	os.exit(verdict and not verdict.same and 1 or 0)
end

local ok, why = pcall(main, table.move(arg, 3, #arg, 1, {}))
if not ok then
	io.stderr:write("keros: assess: ", tostring(why), "\n")
	os.exit(1)
end
