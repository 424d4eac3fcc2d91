-- elf.lua - functions of an ELF file by file offset, and whether an offset follows a call instruction.
local elf = {}
elf.__index = elf

local function unpack_at(s, format, at)
	return string.unpack("<" .. format, s, at + 1)
end

-- All of it is checked by unpack: a spoilt file has no symbols.
local function read(self)
	local s = self.bytes
	local phoff, shoff = unpack_at(s, "I8I8", 32)
	local phsize, phnum, shsize, shnum = unpack_at(s, "I2I2I2I2", 54)
	for i = 0, phnum - 1 do
		local kind, _, offset, address, _, size = unpack_at(s, "I4I4I8I8I8I8", phoff + i * phsize)
		if kind == 1 then self.segments[#self.segments + 1] = { offset = offset, address = address, size = size } end
	end
	for i = 0, shnum - 1 do
		local _, kind, _, _, offset, size, link = unpack_at(s, "I4I4I8I8I8I8I4", shoff + i * shsize)
		if kind == 2 or kind == 11 then
			local _, _, _, _, names = unpack_at(s, "I4I4I8I8I8", shoff + link * shsize)
			for at = offset, offset + size - 24, 24 do
				local name, info, _, section, value, length = unpack_at(s, "I4BBI2I8I8", at)
				if info & 15 == 2 and section ~= 0 then
					local text = s:match("^[^%z]+", names + name + 1)
					if text then self.functions[#self.functions + 1] = { value, length, text } end
				end
			end
		end
	end
	table.sort(self.functions, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[3] < b[3]) end)
end

-- bytes may be nil (the file is not to be had): then nothing is known of it.
function elf.open(bytes)
	local self = setmetatable({ bytes = bytes or "", functions = {}, segments = {} }, elf)
	if self.bytes:sub(1, 5) == "\x7fELF\x02" and not pcall(read, self) then self.functions = {} end
	return self
end

function elf:address(offset)
	for _, p in ipairs(self.segments) do
		if offset >= p.offset and offset < p.offset + p.size then return offset - p.offset + p.address end
	end
end

-- The name of the function that holds the byte at that offset; nil without symbols.
function elf:name(offset)
	local address = self:address(offset)
	local low, high = 1, #self.functions
	while address and low <= high do
		local middle = (low + high) // 2
		local f = self.functions[middle]
		if f[1] > address then
			high = middle - 1
		else
			low = middle + 1
		end
	end
	local f = self.functions[high]
	if f and address and address < f[1] + math.max(f[2], 1) then return f[3] end
end

-- Without bytes nothing can be said against it.
function elf:is_return(offset)
	if #self.bytes == 0 then return true end
	if offset < 7 or offset > #self.bytes then return false end
	local b = function(back) return self.bytes:byte(offset - back + 1) end
	if b(5) == 0xE8 then return true end
	if b(2) == 0xFF and b(1) >> 3 & 7 == 2 and b(1) >= 0xC0 then return true end
	if b(2) == 0xFF and b(1) >= 0x10 and b(1) <= 0x17 then return true end
	if b(3) == 0xFF and b(2) >= 0x50 and b(2) <= 0x57 then return true end
	return b(6) == 0xFF and (b(5) == 0x15 or (b(5) >= 0x90 and b(5) <= 0x97))
end

return elf
