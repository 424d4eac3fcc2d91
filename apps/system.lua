-- system.lua - who exists when the system starts for the first time, and what each may do.
--
-- prime starts the bank, then these entries in this order. A domain holds what its `holds` lists, by capability
-- register, and besides that itself, a schedule of its priority, the log's text side and the returner: nothing else.
-- The words are explained in doc/manifest.md; `keros graph` draws the picture.

-- ---- Services: what everything else is made of ------------------------------------------------------------------

domain "vcs" {
	does = "memory that is zero until written, and copies that share until written",
	when = "always",
	priority = 13,
	holds = { bank = bank(), [9] = kernel "proctool" },
}

domain "constructor" {
	does = "confined instances of programs, and the answer to how confined",
	when = "always",
	priority = 12,
	data = 0x7FFF,                                 -- the metaconstructor
	holds = { bank = bank(), [8] = kernel "discrim", [9] = kernel "proctool" },
}

domain "proccre" {
	does = "processes that only their maker recognises",
	when = "always",
	priority = 12,
	holds = { bank = bank(), [9] = kernel "proctool" },
}

domain "console" {
	does = "terminals and byte streams to the outside; the only one with devices",
	when = "always",
	priority = 13,
	holds = {
		bank = bank(), [8] = kernel "irq", [9] = kernel "ioport", [10] = kernel "physmem", [11] = kernel "timer",
		[12] = kernel "discrim",
	},
}

domain "p9" {
	does = "the host's shares as directory capabilities, by the machine's virtio-9p devices",
	when = "always",
	priority = 12,
	data = 0xFFFF,                                 -- the share interface
	holds = {
		bank = bank(), [8] = kernel "irq", [9] = kernel "ioport", [10] = kernel "physmem", [11] = kernel "timer",
	},
}

-- ---- The POSIX personality ----------------------------------------------------------------------------------------

constructor "posix-server" {
	does = "a POSIX system of its own for each sandbox",
	confined = true,
	components = { [0] = kernel "discrim", [1] = image "posix-server" },
}

domain "session" {
	does = "one sandbox, from its yield to its end",
	for_each = "posix",
	priority = 10,
	holds = {
		bank = bank(), [8] = yields "posix-server", [9] = session "bank", [10] = session("schedule", 6),
		[11] = session "stdio", [14] = tree "base", [15] = tree "overlay", [16] = kernel "timer",
		[17] = start "console", [18] = session "report", [19] = session "keeper", [21] = kernel "sync",
		[22] = session "record", [1] = start "p9",
	},
}

-- ---- Lua domains (keros lua) ------------------------------------------------------------------------------------------

-- It holds what it makes others of: its own image, the maker of constructors, the POSIX personality and its files.
constructor "lua-domain" {
	does = "a Lua interpreter of its own for each who asks",
	when = "lua",
	confined = true,
	components = {
		[0] = kernel "discrim", [1] = image "lua-domain", [2] = start "constructor", [3] = if_there(yields "posix-server"),
		[4] = tree "base",
	},
}

domain "lua-session" {
	does = "one Lua domain, from its yield to its end",
	program = "session",
	when = "lua",
	for_each = "lua",
	priority = 10,
	holds = {
		bank = bank(), [8] = yields "lua-domain", [9] = session "bank", [10] = session("schedule", 6),
		[11] = session "stdio", [15] = tree "overlay", [16] = kernel "timer", [17] = start "console",
		[18] = session "report", [19] = session "keeper", [21] = kernel "sync", [23] = session "grants",
	},
}

-- ---- KeyKOS's objects for Lua (keros lua --grant NAME=keykos) ----------------------------------------------------------

-- Whoever holds its start capability holds its directory, and with that every key in it (doc/keykos/objects.md). Its
-- storage has a limit, and its meter is as low as a session's: what is made of it cannot starve the services.
domain "keykos" {
	does = "KeyKOS's banks, factories and other objects, by the directory of their names",
	when = "keykos",
	priority = 8,
	holds = {
		bank = bank { rights = "all", limit = "32M" }, schedule = schedule(6), [8] = kernel "discrim",
		[9] = kernel "proctool", [10] = kernel "keybits", [11] = kernel "timer", [14] = kernel "physmem",
		[15] = kernel "checkpoint", [19] = start "console",
	},
}

-- ---- The owner outside ---------------------------------------------------------------------------------------------

domain "control" {
	does = "answers the owner's command outside (keros ps, caps, trace, ckpt ...)",
	when = "always",
	optional = true,                               -- with a serial line alone, nobody there can ask
	priority = 12,
	holds = {
		bank = bank(), [8] = stream("console", 15, 0), [9] = stream("console", 15, 1), [10] = kernel "checkpoint",
		[11] = kernel "timer", [12] = kernel "systrace", [13] = kernel "log",
		[14] = start "p9",
	},
}

-- ---- A native program instead of sandboxes: keros run --native NAME ------------------------------------------------

domain "native" {
	does = "the program that the run names, with everything that prime has",
	when = "native",
	program = named_by_run,
	priority = 8,
	holds = {
		bank = bank { rights = "all" }, schedule = kernel "schedule", log = kernel "log", [8] = kernel "discrim",
		[9] = kernel "proctool", [10] = kernel "keybits", [11] = kernel "timer", [12] = kernel "irq",
		[13] = kernel "ioport", [14] = kernel "physmem", [15] = kernel "checkpoint", [16] = start "vcs",
		[17] = start "constructor", [18] = start "proccre", [19] = start "console", [20] = kernel "range", [21] = start "p9",
		[31] = start("prime", 0),
	},
}
