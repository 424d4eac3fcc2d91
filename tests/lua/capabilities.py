"""Capabilities as values: methods from idl/, checks, errors with the party to blame, slots, grants."""

from lib import expect, lua_output as out, run_lua as lua


def test_methods():
    """The operations of idl/ are methods: results are integers, strings, and capabilities of the right kind."""
    assert out("""
        local p = bank:alloc_page()
        print(kind(p), kind(bank), kind(self), kind(metaconstructor), p == p, p == bank, p:test_zero())
        p:write(10, 'hello')
        print(p:test_zero(), kind(p:make_readonly()))
        local n = bank:alloc_node()
        print(kind(n:swap(3, p)), n:fetch(3) == p, kind(n:fetch(4)), is_void(n:fetch(4)))
        n:write_number(0, 5, 6)
        print(kind(n:fetch(0)), n:fetch(0):get())
        local r = timer:call{ order = 0 }
        print(r.order, r.words[1] > 0, #r.words, r.data)
        print(bank:call{ order = 99 }.order == 0x80000002)
    """) == ("page\tbank\tprocess\tmetaconstructor\ttrue\tfalse\t0\n1\tpage\nvoid\ttrue\tvoid\ttrue\n"
             "number\t5\t6\n0\ttrue\t6\t\ntrue\n")


def test_blame():
    """What is wrong with a call is said with the operation, the argument, its unit, and who is to blame."""
    text = out("""
        local p = bank:alloc_page()
        for _, f in ipairs {
            function() p:make_readonly():write(0, 'x') end, function() p:write('a') end, function() p:write(1, 2) end,
            function() p:wrote() end, function() bank:make_sub() end, function() p:write(4096, 'x') end,
            function() p:write(0, ('x'):rep(5000)) end, function() bank:free(5) end, function() bank:free(p, p) end,
            function() bank:make_sub(ms(5)) end, function() bank:free(p) p:clear() end,
            function() p:close() p:clear() end,
        } do print((select(2, pcall(f)))) end
        local ok, e = pcall(bank.free, bank, bank:make_sub(1))
        print(e.name, e.code == 0x80000003, e.operation, e.blame)
    """)
    for words in ["page.write: RC_NOACCESS: read-only (to blame: the caller)", "'offset' must be an integer, not string",
                  "'data' must be a string, not number", "a page has no operation 'wrote'; it has: make_readonly clone",
                  "'limit' (frames) must be an integer or a quantity, not no value", "'offset' is 4096; it goes from 0 to 4095",
                  "'data' has 5000 bytes; at most 4096", "'object' must be a capability or nil, not number",
                  "bank.free takes 1 arguments, not 2", "'limit' (frames) must be a quantity of that unit",
                  "page.clear: RC_VOID", "this capability was closed", "RC_REQUEST\ttrue\tbank.free\tthe caller"]:
        assert words in text, (words, text)


def test_units():
    """Quantities fit arguments of their dimension: bytes are frames where frames are meant."""
    assert out("""
        local b = bank:make_sub(MiB(1))
        print(b:get_limits() == 256, MiB(1) + KiB(4), MiB(2) / MiB(1), ms(1500), seconds(2) > ms(100), pages(3) * 2)
        print(pcall(function() return MiB(1) + ms(1) end))
        local t = timer:now() timer:sleep_until(t + ms(1).value)
        print(select(2, pcall(bank.make_sub, bank, bytes(100))):match("must be a quantity"))
    """) == ("true\t1028 KiB\t2.0\t1500 ms\ttrue\t24 KiB\nfalse\ts.lua:4: + is for two quantities of one unit\n"
             "must be a quantity\n")


def test_unforgeable():
    """No trick with metatables or debug makes a capability of another value, or reaches a closed one's slot."""
    assert out("""
        local meta = debug.getmetatable(bank)
        for _, v in ipairs { io.stdout, setmetatable({}, meta), coroutine.create(print), 'x' } do
            if type(v) == 'userdata' then debug.setmetatable(v, meta) end
            print(kind(v), pcall(meta.__index, v, 'alloc_page'))
        end
        local a = bank:alloc_page()
        a:close()
        local b = bank:alloc_page()                 -- it takes the slot that a had
        print(kind(a), a == b, pcall(function() a:clear() end))
        meta.__gc(b) meta.__gc(b)
        print(kind(b))
        print(pcall(debug.setuservalue, bank, {}, 1))
        print(kind(bank))
    """).count("page") == 0


def test_slots():
    """Capabilities that nobody holds give their slots back; ten thousand at once are held without trouble."""
    assert out("""
        local n, held = bank:alloc_node(), {}
        n:swap(0, bank)
        for i = 1, 100000 do n:fetch(0) end
        for i = 1, 10000 do held[i] = n:fetch(0) end
        local good = 0
        for i = 1, 10000, 97 do if held[i] == bank and held[i]:get_limits() then good = good + 1 end end
        print(good)
        held = nil collectgarbage()
        local x <close> = n:fetch(0)
        print(kind(x))
    """) == "104\nbank\n"


def test_grant():
    """--grant hands a capability of the system over by name; without it there is none; an unknown one is void."""
    assert out("print(kind(v), kind(k), v)", "--grant", "v=vcs", "--grant", "k=keybits") == "vcs\tkeybits\t<vcs 'v'>\n"
    assert out("print(v, rawget(_G, 'v'))") == "nil\tnil\n"
    result = lua("print(kind(v), is_void(v))", "--grant", "v=nothing")
    expect(result, stdout="void\ttrue\n")


def test_wire():
    """Values go through bytes and come back; no bytes whatever do harm."""
    assert out("""
        local v = { 1, -5, 1 << 62, 2.5, 'x', ('y'):rep(1000), true, false, { a = { b = {} }, [1.5] = 'z' } }
        local back = { wire.unpack(wire.pack(table.unpack(v))) }
        print(#back, back[3] == v[3], back[6] == v[6], back[9][1.5], next(back[9].a.b))
        local t = {} t[1] = t
        print(pcall(wire.pack, t)) print(pcall(wire.pack, print)) print(pcall(wire.pack, bank))
        local s, good, bad, seed = wire.pack(v, 'abc', { 1, 2, 3 }), 0, 0, 1
        for i = 1, 20000 do
            seed = (seed * 1103515245 + 12345) & 0x7fffffff
            local at, byte = seed % #s + 1, (seed >> 8) & 255
            local m = s:sub(1, at - 1) .. string.char(byte) .. s:sub(at + 1, seed % 3 == 0 and at + seed % 50 or nil)
            if pcall(wire.unpack, m) then good = good + 1 else bad = bad + 1 end
        end
        print(good > 100, bad > 100, good + bad)
        print(pcall(wire.unpack, ('\\7'):rep(1000)))
    """) == ("9\ttrue\ttrue\tz\tnil\nfalse\ta table is nested too deeply, or contains itself\n"
             "false\ta function cannot be sent; what others are to call is made with serve()\n"
             "false\ta capability is no bytes: it can be held and sent, not written down\ntrue\ttrue\t20000\n"
             "false\tthese bytes are no values: tables are nested too deeply\n")


def test_help():
    """help prints the page of an interface or an operation, and what the domain holds."""
    text = out("help(bank, 'make_sub') help('page') help() print(#interfaces() > 20, table.concat(operations('notice'), ' '))")
    for words in ["bank:make_sub(limit) -> bank", "frames; ~0 = none of its own", "A page holds 4096 bytes",
                  ":write(offset, data)", "<bank 'bank'>", "true\tpost"]:
        assert words in text, (words, text)
