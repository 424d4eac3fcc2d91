-- text.lua - what all of the interface compiler does with text: errors with their place, files, lines gathered.
local text = {}

-- Ends the compiler with FILE:LINE and what is wrong there.
function text.fail(file, line, format, ...)
	io.stderr:write(("%s:%d: %s\n"):format(file, line, format:format(...)))
	os.exit(1)
end

-- A file's content; nil if it cannot be read.
function text.read_file(path)
	local handle = io.open(path, "rb")
	if not handle then return nil end
	local content = handle:read("a")
	handle:close()
	return content
end

-- A file that has this content already is not touched, so that nothing that depends on it is made again.
function text.write_if_changed(path, content)
	if text.read_file(path) == content then return end
	local handle, why = io.open(path, "wb")
	if not handle then
		io.stderr:write(("idlc: cannot write: %s (does the directory exist?)\n"):format(why))
		os.exit(1)
	end
	handle:write(content)
	handle:close()
end

-- Two functions: one that takes a line, and one that answers all that were taken, as a file's content.
function text.writer()
	local lines = {}
	return function(line) lines[#lines + 1] = line end, function()
		return (table.concat(lines, "\n"):gsub("\n+$", "")) .. "\n"
	end
end

return text
