-- embed.lua - run by the host's build of the same Lua: compiles the libraries in Lua into a C header.
--	lua embed.lua OUTPUT FILE.lua...

local out = {}
local names = {}
out[#out + 1] = "/* made by lua-domain/embed.lua; do not edit */"
for i = 2, #arg do
	local name = arg[i]:match("([%w_]+)%.lua$")
	local chunk, why = loadfile(arg[i], "t")
	if not chunk then
		io.stderr:write(why, "\n")
		os.exit(1)
	end
	local code = string.dump(chunk, true)
	local bytes = {}
	for at = 1, #code, 20 do
		local row = {}
		for b = at, math.min(at + 19, #code) do row[#row + 1] = code:byte(b) end
		bytes[#bytes + 1] = table.concat(row, ",")
	end
	out[#out + 1] = ("static const unsigned char module_%s[] = {\n%s\n};"):format(name, table.concat(bytes, ",\n"))
	names[#names + 1] = ("\t{ %q, module_%s, sizeof module_%s },"):format(name, name, name)
end
out[#out + 1] = "static const struct { const char *name; const unsigned char *code; size_t length; } modules[] = {"
out[#out + 1] = table.concat(names, "\n")
out[#out + 1] = "};\n"
local file = assert(io.open(arg[1], "w"))
file:write(table.concat(out, "\n"))
file:close()
