"""KeyKOS's objects by their own names, from Lua."""

from lib import lua_output as out


def test_keys():
    """The kernel's objects answer scripts in KeyKOS's form: codes, strings and keys, by the published names."""
    assert out("""
        local node, page = bank:alloc_node(), bank:alloc_page()
        local n, p = keykos(node), keykos(page)
        print((n:call(1 << 31)), (p:call(1 << 31)), (keykos(page:make_readonly()):call(1 << 31)))
        print((n:Node_Swap{ offset = 3, keys = { page } }))
        local rc, data, key = n:Node_Fetch{ offset = 3 }
        print(rc, #data, key == page)
        print(keykos.Node_Swap, keykos.Node_Clear, keykos.Page_ROAKT == 0x1202, keykos.Node_DataByte)
        local rc, _, made = n:Node_MakeNodeKey{ data = string.char(5) }
        print(rc, (keykos(made):Node_DataByte()), (n:Node_DataByte()))
        print((n:Node_Compare{ keys = { made } }), (n:Node_Compare{ keys = { page } }))
        print((keykos(discrim):call(2, { keys = { node, page } })))
        print((n:Node_Clear()), (n:call(99)))
        print(pcall(function() return n:Nonsense() end))
        print(pcall(keykos, 5))
    """) == ("3\t514\t4610\n0\n0\t0\ttrue\n16\t39\ttrue\t40\n0\t5\t0\n0\t1\n1\n0\t2147483650\n"
             "false\ts.lua:14: KeyKOS's headers name no 'Nonsense'\nfalse\tkeykos(cap) takes a capability, not a number\n")


GRANT = ("--grant", "kk=keykos")


def test_factory():
    """A script makes a factory of a program, finds it without holes, and calls a yield that counts; what is destroyed is gone."""
    assert out("""
        local d = keykos.directory(kk)
        local f = d:factory{ program = "counter.s", type = 0x10C0 }
        print(string.format("%X", (keykos(f.requestor):call(keykos.KT))), d:holes(f))
        local a, b = f:yield(), f:yield()
        local function hit(key) return (string.unpack("<I4", (select(2, key:call(0))))) end
        print(hit(a), hit(a), hit(b), string.format("%X", (a:call(keykos.KT))))
        print(string.format("%X %X", (a:call(keykos.KT + 4)), (a:call(0))))
        f:destroy()
        print(hit(b), pcall(f.yield, f))
    """, *GRANT) == ("10C0\tfalse\n1\t2\t1\t10C0\n0 80000001\n2\tfalse\tthe yield: it is gone (RC=80000001)\n")


def test_factory_hole():
    """A hole is told as one, unless it is allowed; what is not discreet is no component unless it is said to be a hole."""
    assert out("""
        local d = keykos.directory(kk)
        local page, other = bank:alloc_page(), bank:alloc_page()
        local f = d:factory{ program = "courier.s", type = 0x10C1, holes = { [1] = page } }
        print(d:holes(f), d:holes(f, { other }), d:holes(f, { other, page }))
        local outer = d:factory{ program = "counter.s", components = { [0] = f } }
        print(d:holes(outer), d:holes(outer, { page }))
        print(pcall(d.factory, d, { program = "counter.s", components = { [4] = page } }))
        print(pcall(d.holes, d, page))
        print(pcall(d.get, d, "nonsense"))
        local known = {}
        for _, name in ipairs(d:names()) do known[name] = true end
        print(known.sb, known.fc, known["counter.s"], known.nonsense)
    """, *GRANT) == ("true\ttrue\tfalse\ntrue\tfalse\n"
                     "false\tcomponent 4 is neither discreet nor a factory: give it in holes\n"
                     "false\tthat is no factory's requestor\n"
                     "false\tthe directory has no 'nonsense'; directory:names() lists what it has\n"
                     "true\ttrue\ttrue\tnil\n")


def test_not_granted():
    """KeyKOS's server is there only in a run that grants it."""
    assert out("print(kk, (pcall(keykos.directory, kk)))") == "nil\tfalse\n"
