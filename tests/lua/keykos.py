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
