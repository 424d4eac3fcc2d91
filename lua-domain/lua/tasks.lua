-- tasks.lua - promises, tasks, timers: one script that waits for many things at once.

local Promise = { __name = "promise" }
Promise.__index = Promise

local function ns_of(t)
	if type(t) == "number" then return math.floor(t * 1e9) end
	if type(t) == "table" and t.unit == "ns" then return t.value end
	error("a time is a number of seconds or a quantity such as ms(20), not a " .. type(t), 3)
end

-- ---- timers -----------------------------------------------------------------------------------------------------

local timers = {}                              -- sorted: the next to run is the last

local function arm() loop.alarm(timers[#timers] and timers[#timers].when or 0) end

local function add(timer)
	local at = #timers + 1
	while at > 1 and timers[at - 1].when < timer.when do at = at - 1 end
	table.insert(timers, at, timer)
	if timers[#timers] == timer then arm() end
end

local function run_timers()
	local now = loop.now()
	while timers[#timers] and timers[#timers].when <= now do
		local timer = table.remove(timers)
		timer.done = true
		loop.start(timer.run)
	end
	arm()
end

-- Runs f after a time; the result is a function that calls it off.
function after(t, f)
	local timer = { when = loop.now() + math.max(ns_of(t), 1), run = f }
	add(timer)
	return function()
		if timer.done then return false end
		timer.done = true
		for i, other in ipairs(timers) do
			if other == timer then table.remove(timers, i) break end
		end
		return true
	end
end

-- Runs f again and again, until the function that it returns is called.
function every(t, f)
	local step, cancel, stopped = ns_of(t)
	local function again()
		f()
		if not stopped then cancel = after(setmetatable({ value = step, unit = "ns" }, {}), again) end
	end
	cancel = after(t, again)
	return function()
		stopped = true
		return cancel()
	end
end

-- ---- promises ---------------------------------------------------------------------------------------------------

local function settle(p, ok, ...)
	if not p or p.state ~= "pending" then return false end
	p.state = ok and "done" or "failed"
	p.values = table.pack(...)
	p._sent, p._number = nil, nil
	local waiters = p.waiters
	p.waiters = nil
	for _, w in ipairs(waiters or {}) do
		if type(w) == "thread" then loop.resume(w) else loop.start(w) end
	end
	return true
end

function promise() return setmetatable({ state = "pending" }, Promise) end
function Promise:resolve(...) return settle(self, true, ...) end
function Promise:fail(why) return settle(self, false, why) end

-- Nobody is to wait for it any longer: what it was sent to is not listened to any more.
function Promise:cancel(why)
	if self.state ~= "pending" then return false end
	if self._number then loop.cancel(self._number) end
	return settle(self, false, why or "cancelled")
end

local function wait(p)
	p.waiters = p.waiters or {}
	p.handled = true
	if loop.is_task() then
		table.insert(p.waiters, (coroutine.running()))
		coroutine.yield(p)
	else
		loop.step()
	end
end

-- The promise's values, or its error; after timeout, an error.
function await(p, timeout)
	if getmetatable(p) ~= Promise then error("await is for promises, not for a " .. type(p), 2) end
	local off = timeout and after(timeout, function()
		p:cancel(("timeout: no answer after %g s (to blame: the callee)"):format(ns_of(timeout) / 1e9))
	end)
	while p.state == "pending" do wait(p) end
	if off then off() end
	p.handled = true
	if p.state == "failed" then error(p.values[1], 0) end
	return table.unpack(p.values, 1, p.values.n)
end
Promise.await = await

-- What follows from it: a promise of f's results, or of the handler's if it fails.
function Promise:next(f, handler)
	local q = promise()
	local function go()
		local run = self.state == "done" and f or self.state == "failed" and handler
		if run then settle(q, pcall(run, table.unpack(self.values, 1, self.values.n)))
		else settle(q, self.state == "done", table.unpack(self.values, 1, self.values.n)) end
	end
	self.handled = true
	if self.state ~= "pending" then
		loop.start(go)
	else
		self.waiters = self.waiters or {}
		table.insert(self.waiters, go)
	end
	return q
end

function Promise:__tostring()
	if self.state == "done" then
		local shown = {}
		for i = 1, self.values.n do shown[i] = tostring(self.values[i]) end
		return "<promise done: " .. table.concat(shown, ", ") .. ">"
	end
	return "<promise " .. self.state .. (self.state == "failed" and ": " .. tostring(self.values[1]) or "") .. ">"
end

-- All of them, as a list of first values; the first that fails fails it.
function all(list)
	local values = {}
	for i, p in ipairs(list) do values[i] = await(p) end
	return values
end

-- The first that is settled: its number, and its values.
function first(list)
	while true do
		for i, p in ipairs(list) do
			if p.state ~= "pending" then return i, await(p) end
		end
		local any = promise()
		for _, p in ipairs(list) do
			p.waiters = p.waiters or {}
			table.insert(p.waiters, function() settle(any, true) end)
		end
		await(any)
	end
end

-- ---- tasks ------------------------------------------------------------------------------------------------------

local function with_traceback(e)
	return type(e) == "string" and debug.traceback(e, 2) or e
end

-- Runs f(...) as a task: at once, until it waits for the first time.  A promise of its results.
function spawn(f, ...)
	local p = promise()
	loop.start(function(...)
		settle(p, xpcall(f, with_traceback, ...))
		if p.state == "failed" and not p.handled then
			io.stderr:write("lua: a task failed: ", tostring(p.values[1]), "\n")
		end
	end, ...)
	return p
end

function sleep(t)
	local p = promise()
	after(t, function() settle(p, true) end)
	return await(p)
end

-- Calls without waiting: a promise of the results.  send(cap, "method", ...) or send(cap, {order = ..., ...}).
-- What a capability's operations are may be known only by asking it, and it may never answer: then that is sent first.
function send(cap, ...)
	local p = promise()
	if type((...)) ~= "string" or loop.known(cap) then
		p._number = loop.send(p, cap, ...)
		return p
	end
	local arguments, asked = table.pack(...), promise()
	asked._number = loop.send(asked, cap, { order = 0x80000000, limit = 0 })
	p._number = asked._number
	asked:next(function(reply)
		if p.state ~= "pending" then return end
		loop.learn(cap, reply.order, reply.words[1])
		local ok, number = pcall(loop.send, p, cap, table.unpack(arguments, 1, arguments.n))
		if ok then p._number = number else settle(p, false, number) end
	end, function(why) settle(p, false, why) end)
	return p
end

-- Calls and does not want to know.
function tell(cap, ...)
	send(cap, ...).handled = true
end

-- Serves until os.exit or until stop() is called.
local stopping
function run()
	stopping = promise()
	return await(stopping)
end
function stop(...)
	if not stopping then error("stop() ends run(); nobody runs", 2) end
	return settle(stopping, true, ...)
end

-- ---- notices ----------------------------------------------------------------------------------------------------

local notices = {}

-- A notice capability: whenever it was posted, f runs as a task.  There are eight.
function notice(f)
	for i = 0, 7 do
		if not notices[i] then
			notices[i] = f
			return loop.notice(i)
		end
	end
	error("a domain has eight notices, and all are in use", 2)
end

loop.handlers {
	settle = settle,
	ask = function(cap)
		local reply = await(send(cap, { order = 0x80000000, limit = 0 }))
		loop.learn(cap, reply.order, reply.words[1])
	end,
	timer = run_timers,
	notice = function(i) if notices[i] then loop.start(notices[i]) end end,
}

local flush = io.flush

-- What was done until now outlives a loss of power when this returns.  Without a store it says false.
function save()
	if not rawget(_G, "store") then return false end
	flush()                        -- or what was printed before is printed again after the loss
	await(send(store, "wait", store:force()))
	return true
end
