-- bench.lua - the interpreter's standard set: the same file runs in a Lua domain, in a sandbox and on Linux.
--
--	lua bench.lua [NAME...]
--
-- Each row is checked by its result and printed as the other benchmarks print theirs (tools/bench): with the guest's
-- instruction counter as its clock, a nanosecond is an instruction. The clock's step is a microsecond; the shortest row
-- takes ten thousand of them.

local rows, order = {}, {}

-- A row: the work, and the result that it must give.
local function row(name, expected, work)
	rows[name] = { expected = expected, work = work }
	order[#order + 1] = name
end

-- ---- calls and integers ----------------------------------------------------------------------------------------------

local function fib(n)
	if n < 2 then return n end
	return fib(n - 1) + fib(n - 2)
end

row("fib", 75025, function() return fib(25) end)

-- The greatest number of flips over all orders of 1..n, and the checksum of their signs.
row("fannkuch", "1616:22", function()
	local n = 8
	local p, q, s, sign, most, sum = {}, {}, {}, 1, 0, 0
	for i = 1, n do p[i], q[i], s[i] = i, i, i end
	while true do
		local first = p[1]
		if first ~= 1 then
			for i = 2, n do q[i] = p[i] end
			local flips = 1
			while true do
				local following = q[first]
				if following == 1 then
					sum = sum + sign * flips
					if flips > most then most = flips end
					break
				end
				q[first] = first
				if first >= 4 then
					local i, j = 2, first - 1
					repeat
						q[i], q[j] = q[j], q[i]
						i, j = i + 1, j - 1
					until i >= j
				end
				first, flips = following, flips + 1
			end
		end
		if sign == 1 then
			p[2], p[1] = p[1], p[2]
			sign = -1
		else
			p[2], p[3] = p[3], p[2]
			sign = 1
			for i = 3, n do
				local left = s[i]
				if left ~= 1 then
					s[i] = left - 1
					break
				end
				if i == n then return ("%d:%d"):format(sum, most) end
				s[i] = i
				local moved = p[1]
				for j = 1, i do p[j] = p[j + 1] end
				p[i + 1] = moved
			end
		end
	end
end)

-- ---- floats ----------------------------------------------------------------------------------------------------------

-- Bodies on orbits round a heavy one, stepped by symplectic Euler; the energy tells whether the arithmetic is right.
row("nbody", "-0.16990", function()
	local mass = { 39.47841760435743, 0.03769367487038949, 0.011286326131968767, 0.0017237240570597112, 0.002033686869924631 }
	local x, y, z = { 0, 4.84, 8.34, 12.89, 15.37 }, { 0, -1.16, 4.12, -15.11, -25.91 }, { 0, -0.10, -0.40, -0.22, 0.17 }
	local u, v, w = { 0, 0.60, -1.01, 1.08, 0.97 }, { 0, 2.81, 1.82, 0.86, 0.59 }, { 0, -0.02, 0.008, -0.01, -0.03 }
	local n, dt = #mass, 0.01

	for _ = 1, 2500 do
		for i = 1, n do
			local xi, yi, zi, mi, ui, vi, wi = x[i], y[i], z[i], mass[i], u[i], v[i], w[i]
			for j = i + 1, n do
				local dx, dy, dz = xi - x[j], yi - y[j], zi - z[j]
				local square = dx * dx + dy * dy + dz * dz
				local force = dt / (square * square ^ 0.5)
				local mj = mass[j]
				ui, vi, wi = ui - dx * mj * force, vi - dy * mj * force, wi - dz * mj * force
				u[j], v[j], w[j] = u[j] + dx * mi * force, v[j] + dy * mi * force, w[j] + dz * mi * force
			end
			u[i], v[i], w[i] = ui, vi, wi
			x[i], y[i], z[i] = xi + dt * ui, yi + dt * vi, zi + dt * wi
		end
	end
	local energy = 0
	for i = 1, n do
		energy = energy + 0.5 * mass[i] * (u[i] * u[i] + v[i] * v[i] + w[i] * w[i])
		for j = i + 1, n do
			local dx, dy, dz = x[i] - x[j], y[i] - y[j], z[i] - z[j]
			energy = energy - mass[i] * mass[j] / (dx * dx + dy * dy + dz * dz) ^ 0.5
		end
	end
	return ("%.5f"):format(energy)
end)

-- The spectral norm of the matrix 1 / ((i+j)(i+j+1)/2 + i + 1), by the power method.
row("spectral_norm", "1.274220", function()
	local function times(n, from, to, transposed)
		for i = 0, n - 1 do
			local sum = 0
			for j = 0, n - 1 do
				local d = i + j
				sum = sum + from[j] / (d * (d + 1) // 2 + (transposed and j or i) + 1)
			end
			to[i] = sum
		end
	end
	local n, a, b, t = 100, {}, {}, {}
	for i = 0, n - 1 do a[i] = 1 end
	for _ = 1, 10 do
		times(n, a, t, false)
		times(n, t, b, true)
		times(n, b, t, false)
		times(n, t, a, true)
	end
	local ab, bb = 0, 0
	for i = 0, n - 1 do
		ab, bb = ab + a[i] * b[i], bb + b[i] * b[i]
	end
	return ("%.6f"):format((ab / bb) ^ 0.5)
end)

-- ---- memory ----------------------------------------------------------------------------------------------------------

-- Trees that live for a moment beside one that stays: the allocator and the collector.
row("binary_trees", 66903, function()
	local function grow(depth)
		if depth == 0 then return {} end
		return { grow(depth - 1), grow(depth - 1) }
	end
	local function count(tree)
		if not tree[1] then return 1 end
		return 1 + count(tree[1]) + count(tree[2])
	end
	local stays, nodes = grow(10), 0
	for depth = 4, 10, 2 do
		for _ = 1, 1 << (13 - depth) do nodes = nodes + count(grow(depth)) end
	end
	return nodes + count(stays)
end)

-- Strings that are joined, cut, matched and replaced.
row("strings", "34890:2000:2856:2000", function()
	local parts = {}
	for i = 1, 4000 do parts[#parts + 1] = ("%d:%s;"):format(i, ("x"):rep(i % 7)) end
	local text, words, built = table.concat(parts), 0, ""
	for number in text:gmatch("(%d+):x*;") do
		if tonumber(number) % 2 == 0 then words = words + 1 end
	end
	for i = 1, 2000 do built = built .. (i % 10) end
	local _, replaced = text:gsub("xxx", function(s) return s:upper() end)
	return ("%d:%d:%d:%d"):format(#text, words, replaced, #built)
end)

-- A table of pseudo-random numbers, sorted by an order of its own.
row("table_sort", true, function()
	local list, seed = {}, 42
	for i = 1, 12000 do
		seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
		list[i] = seed
	end
	table.sort(list, function(a, b) return a > b end)
	for i = 2, #list do
		if list[i - 1] < list[i] then return false end
	end
	table.sort(list)
	return list[1] <= list[2] and #list == 12000
end)

-- ---- measuring -------------------------------------------------------------------------------------------------------

for _, name in ipairs(#arg > 0 and arg or order) do
	local r = rows[name]
	if not r then
		print(("BENCH name=lua_%s error=no such row"):format(name))
	else
		collectgarbage()
		local start = os.clock()
		local result = r.work()
		local ns = math.floor((os.clock() - start) * 1e9 + 0.5)
		if result == r.expected then
			print(("BENCH name=lua_%s tsc_med=%d"):format(name, ns))
		else
			print(("BENCH name=lua_%s error=gave %s instead of %s"):format(name, tostring(result), tostring(r.expected)))
		end
	end
end
