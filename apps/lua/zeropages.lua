-- zeropages.lua - a legacy program kept by a script: zero pages when it touches them, and a report of each fault.
--
--	./keros lua --tree DIR apps/lua/zeropages.lua PROGRAM [WORD...]     DIR/PROGRAM: a static Linux program, unmodified
--
-- The program gets a process of its own with nothing but memory, and that only as it asks for it: its text and data come from
-- its file, all else is a page of zeroes from a bank with a limit. The kernel stops it at each page that is not there and asks
-- this script, the keeper of its memory. What it asks of Linux is a fault too: the keeper of the process answers the few
-- system calls that a small program needs, and says no to the others. This is KeyNIX's way, in a hundred lines.

local path = arg[1] or error("which program? zeropages.lua PROGRAM, a file of --tree", 0)
local file = assert(io.open(path)):read("a")
local its_bank = bank:make_sub(MiB(2))
local PAGE, STACK_TOP, BREAK = 4096, 0xE00000, 0x800000

-- ---- its memory: nodes of 16 slots under a red node, whose keeper we are -----------------------------------------------

local nodes = { [6] = {}, [5] = {}, [4] = {}, [3] = {} }        -- by what a slot spans (16^lss bytes), and number
local function node(lss, number)
	local n = nodes[lss][number]
	if not n then
		n = its_bank:alloc_node():make_node(lss)
		nodes[lss][number] = n
		if lss < 6 then node(lss + 1, number >> 4):swap(number & 15, n) end
	end
	return n
end
local memory_root = node(6, 0)
local function put_page(address, page) node(3, address >> 16):swap(address >> 12 & 15, page) end

-- Parts of the program's file, by page: what belongs where, from its ELF header.
local segments, entry = {}, string.unpack("<I8", file, 25)
do
	local at, size, count = string.unpack("<I8", file, 33), string.unpack("<I2", file, 55), string.unpack("<I2", file, 57)
	for i = 0, count - 1 do
		local kind, flags, offset, address, _, in_file, in_memory = string.unpack("<I4I4I8I8I8I8I8", file, at + i * size + 1)
		if kind == 1 then
			segments[#segments + 1] = { address = address, last = address + in_memory, offset = offset, bytes = in_file,
				writable = flags & 2 ~= 0 }
		end
	end
end

local counts = { file = 0, zero = 0 }
local function content_of(first)                                 -- of the page that begins there: from the file, and whether
	for _, s in ipairs(segments) do
		if first + PAGE > s.address and first < s.address + s.bytes then
			local from = math.max(first, s.address)
			local text = file:sub(s.offset + from - s.address + 1, s.offset + math.min(first + PAGE, s.address + s.bytes) - s.address)
			return text, from - first, s.writable
		end
	end
end

local function is_its_own(address)
	for _, s in ipairs(segments) do
		if address >= s.address & -PAGE and address < s.last then return true end
	end
	return address >= BREAK and address < STACK_TOP
end

local function provide(fault)
	local first = fault.offset & -PAGE
	if not is_its_own(fault.offset) then
		print(("fault at %#x: not its own, and not given"):format(fault.offset))
		return false
	end
	local text, at, writable = content_of(first)
	local given, page = pcall(its_bank.alloc_page, its_bank)
	if not given then
		print(("fault at %#x: no page: %s"):format(fault.offset, page.name))
		return false
	end
	if text then page:write(at, text) end
	counts[text and "file" or "zero"] = counts[text and "file" or "zero"] + 1
	print(("fault at %#x, %s: %s"):format(fault.offset, fault.write and "writing" or fault.execute and "executing" or "reading",
		text and (writable and "a copy of its data" or "a page of its file") or "a page of zeroes"))
	put_page(first, text and not writable and page:make_readonly() or page)
	return true
end

local red = its_bank:alloc_node()
red:swap(0, memory_root)
red:swap(14, keeper(provide))
red:write_number(15, 0x0FFFEF00 | 1 << 4 | 7, 0)                 -- keeper in slot 14, one slot, each of 16^7 bytes

local function read(address, length) return length > 0 and peek(memory_root:make_sense(), address, length) or "" end

-- ---- its process: registers, and the system calls that it makes ---------------------------------------------------------

local REGISTERS = "<" .. ("i8"):rep(21)
local R10, RAX, RDX, RSI, RDI, RIP, RFLAGS, RSP, FS = 8, 11, 13, 14, 15, 16, 17, 18, 19
local done, breaks = promise(), BREAK

local calls = {
	[1] = function(r) io.write(read(r[RSI], r[RDX])) return r[RDX] end,                       -- write
	[9] = function(r)                                                                        -- mmap: of nothing but zeroes
		if r[R10] & 0x20 == 0 then return -19 end
		local at = breaks + PAGE - 1 & -PAGE
		breaks = at + (r[RSI] + PAGE - 1 & -PAGE)
		return at
	end,
	[12] = function(r) if r[RDI] > breaks then breaks = r[RDI] end return breaks end,         -- brk
	[16] = function() return -25 end,                                                        -- ioctl: no terminal
	[20] = function(r)                                                                       -- writev
		local total = 0
		for i = 0, r[RDX] - 1 do
			local base, length = string.unpack("<i8i8", read(r[RSI] + 16 * i, 16))
			io.write(read(base, length))
			total = total + length
		end
		return total
	end,
	[158] = function(r) if r[RDI] ~= 0x1002 then return -22 end r[FS] = r[RSI] return 0 end,  -- arch_prctl: thread pointer
	[218] = function() return 1 end,                                                         -- set_tid_address
	[231] = function(r) done:resolve(r[RDI]) end,                                             -- exit_group
}

local process = its_bank:alloc_process()

local function serve_call(fault)
	if fault.name ~= "foreign" then
		done:fail(("it died: %s at %#x"):format(fault.name, fault.rip))
		return await(promise())
	end
	local r = table.pack(string.unpack(REGISTERS, process:get_regs()))
	local number, call = r[RAX], calls[r[RAX]]
	print(("system call %d%s"):format(number, call and "" or ": no"))
	local result = call and call(r) or not call and -38
	if not result then return await(promise()) end               -- it has ended
	r[RAX], r[RIP] = result, r[RIP] + 2                          -- behind the instruction that asked
	process:set_regs(string.pack(REGISTERS, table.unpack(r, 1, 21)))
	return true
end

-- Its stack as Linux leaves it: the words, no environment, the size of a page.
local texts, pointers = "", {}
for i = 1, #arg do
	pointers[i] = STACK_TOP - 512 + #texts
	texts = texts .. arg[i] .. "\0"
end
assert(#texts <= 512 and #arg < 40, "too many words")
local stack = string.pack("<i8", #arg) .. string.pack("<" .. ("i8"):rep(#arg), table.unpack(pointers)) ..
	string.pack("<i8i8i8i8i8i8", 0, 0, 6, PAGE, 0, 0)
stack = stack .. ("\0"):rep(-#stack % 16)
local top = its_bank:alloc_page()
top:write(PAGE - 512 - #stack, stack .. texts)
put_page(STACK_TOP - PAGE, top)

local r = {}
for i = 1, 21 do r[i] = 0 end
r[RIP], r[RSP], r[RFLAGS] = entry, STACK_TOP - 512 - #stack, 0x202
process:set_regs(string.pack(REGISTERS, table.unpack(r, 1, 21)))
process:swap_slot(0, red:make_segment(0))
process:swap_slot(1, keeper(serve_call))
process:swap_slot(2, schedule)
process:set_name("legacy")
process:run()

local ok, status = pcall(await, done, 60)
print(ok and "it ended with status " .. status or tostring(status))
local limit, used = its_bank:get_limits()
print(("%d pages of its file, %d of zeroes; %d KiB of %d"):format(counts.file, counts.zero, used * 4, limit * 4))
its_bank:destroy_all()
os.exit(ok and status or 1)
