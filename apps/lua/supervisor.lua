-- supervisor.lua - keeps failing POSIX tools running, each in a sandbox of its own, and knows when to give up.
--
--	./keros lua apps/lua/supervisor.lua
--
-- A tool is an unmodified Linux program. Every start of it is a fresh sandbox with a fresh bank: what the last one left behind,
-- memory, files, processes, is gone with its bank. Failing, being killed, eating its bank and hanging are the same to us.

local function supervise(tool)
	local tries, delay = 0, 0.001
	while tries < (tool.most or 4) do
		tries = tries + 1
		local result = posix.run {
			"sh", "-c", tool.script, env = { TRY = tries }, limit = tool.limit, timeout = tool.timeout,
			stdout = function(text) io.write("    ", tool.name, " writes ", text) end,
		}
		local why = result.timeout and "hung, and was ended" or result.signal and "was killed by signal " .. result.signal or
			result.status ~= 0 and "failed with status " .. result.status or "ended well"
		print(("%s: try %d %s"):format(tool.name, tries, why))
		if result.status == 0 then return tries end
		sleep(delay)
		delay = delay * 2                                  -- who fails at once is not tried at once again
	end
	print(tool.name .. ": given up")
end

local tools = {
	{ name = "flaky", script = "[ $TRY -ge 3 ] || exit $((TRY + 10)); echo ready" },
	{ name = "greedy", script = "x=x; while :; do x=$x$x; done", limit = MiB(6), most = 2 },
	{ name = "hanging", script = "[ $TRY = 1 ] && sleep 1000; echo awake", timeout = 0.5 },
	{ name = "messy", script = "ls /tmp; echo junk > /tmp/junk; [ $TRY = 2 ]" },
	{ name = "hopeless", script = "exit 1", most = 3 },
}

-- One after the other for a readable page; spawn(supervise, tool) would watch all at once.
for _, tool in ipairs(tools) do supervise(tool) end

-- The same tools at once: whoever ends first is told first, and none waits for another.
local both = { spawn(supervise, { name = "slow", script = "sleep 0.2; echo slow done" }), spawn(supervise, { name = "quick", script = "echo quick done" }) }
all(both)
