-- keykos_names.lua - the numbers that compat/keykos/include names, as a sorted C table:
--	lua5.4 keykos_names.lua OUTPUT HEADER.h...

local values, names = {}, {}
for i = 2, #arg do
	for line in io.lines(arg[i]) do
		local name, number = line:match("^#define%s+([%a_][%w_]*)%s+%(?(%-?%w+)%)?%s*$")
		if not name then name, number = line:match("^#define%s+([%a_][%w_]*)%s+%(?(%-?%w+)%)?%s*/%*.*$") end
		local value = number and math.tointeger(tonumber((number:gsub("[uUlL]+$", ""))))
		if value and not name:match("^_") then
			value = value & 0xFFFFFFFF
			if values[name] == nil then
				values[name] = value
				names[#names + 1] = name
			elseif values[name] ~= value then
				values[name] = false           -- two headers mean different things by it: it is left out
			end
		end
	end
end
table.sort(names)
local out = { "/* made by lua-domain/keykos_names.lua; do not edit */",
	"static const struct { const char *name; uint32_t value; } keykos_names[] = {" }
for _, name in ipairs(names) do if values[name] then out[#out + 1] = ("\t{ %q, 0x%X },"):format(name, values[name]) end end
out[#out + 1] = "};\n"
local file = assert(io.open(arg[1], "w"))
file:write(table.concat(out, "\n"))
file:close()
