-- file.lua - whole files of the host.
local file = {}

-- Its bytes; nil if it cannot be read.
function file.read(path)
	local f = io.open(path, "rb")
	local bytes = f and f:read("a")
	if f then f:close() end
	return bytes
end

return file
