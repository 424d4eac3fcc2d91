"""Making: banks with limits, constructors from scripts, confined instances, holes, ends."""

from lib import lua_output as out


def test_constructor():
    """A script becomes a confined domain of its own: its state, its bank, its errors; its end with its bank."""
    assert out("""
        local s = constructor{ name = 'counter', program = [[
            local n, o = start, {}
            function o:add(k) n = n + k return n end
            function o:boom() error('boom') end
            function o:bomb() return ('x'):rep(1 << 30) end
            function o:twice(cap) return cap:add(1) + cap:add(1) end
            return o
        ]], components = { start = 5 } }:seal()
        print(#s:holes())
        local b = bank:make_sub(600)
        local a, a2 = s:yield{ bank = b }, s:yield{ bank = bank:make_sub(600) }
        print(kind(a), a:add(1), a:add(2), a2:add(10), a == a2, a:twice(a2))
        print(pcall(a.boom, a)) print(pcall(a.bomb, a)) print(a:add(0))
        b:destroy_all()
        print((select(2, pcall(a.add, a, 1)).name), a2:add(0))
    """) == ("0\nobject\t6\t8\t15\tfalse\t33\nfalse\tcounter:3: boom\nfalse\tnot enough memory\n8\nRC_VOID\t17\n")


def test_confinement():
    """A child holds what it was given and nothing else: no stream, no clock, no capability of its maker."""
    assert out("""
        secret = bank:alloc_page()
        local s = constructor{ program = [[
            local o = {}
            function o:look()
                local found = {}
                for k, v in pairs(_G) do if kind(v) and not is_void(v) then found[#found + 1] = k end end
                table.sort(found)
                print('nobody hears this')
                return table.concat(found, ' '), rawget(_G, 'secret'), io.read(), os.time() < 1000
            end
            return o ]] }:seal()
        print(s:yield{ bank = bank:make_sub(600) }:look())
        local t = constructor{ program = 'return {}', components = { page = secret, out = secret:make_readonly() } }:seal()
        for _, h in ipairs(t:holes()) do print(h.name, h.class) end
    """) == ("bank base_tree discrim lua_image metaconstructor posix_constructor schedule self\tnil\tnil\ttrue\n"
             "page\tmemory\n")


def test_failures():
    """A program that does not compile, fails, or has no room is an error of who asked."""
    assert out("""
        print(pcall(constructor, { program = 'syntax error' }))
        local ok, e = pcall(function() return constructor{ program = "error('bad start')" }:seal():yield{ bank = bank:make_sub(500) } end)
        print(ok, e:match('bad start'), e:match('to blame: the program'))
        print(pcall(function() constructor{ program = 'return 1' }:seal():yield{ bank = bank:make_sub(10) } end))
        print((pcall(function() constructor{ program = 'os.exit(1)' }:seal():yield{ bank = bank:make_sub(500) } end)))
        print((select(2, pcall(function() constructor{ program = 'return {}' }:seal():yield{ bank = schedule } end))))
    """).splitlines()[0:4] == ["false\tprogram:1: syntax error near 'error'", "false\tbad start\tto blame: the program",
                              "false\tthe yield failed: the bank is at its limit (0x80000005)", "false"]


def test_grandchildren():
    """A confined child makes constructors of its own, which are confined again."""
    assert out("""
        local s = constructor{ program = [[
            local inner = constructor{ program = 'return { hi = function() return "grandchild" end }' }:seal()
            return { make = function() return inner:yield{ bank = bank:make_sub(500) }, #inner:holes() end } ]] }:seal()
        local child = s:yield{ bank = bank:make_sub(3000) }
        local g, holes = child:make()
        print(g:hi(), holes, #s:holes())
    """) == "grandchild\t0\t0\n"


def test_meters():
    """A child on a meter that is empty stops; with a keeper that refills it goes on."""
    assert out("""
        local asked = 0
        local sched, node
        local k = keeper(function(fault) asked = asked + 1 node:write_number(3, 200000000, 0) return true end)
        sched, node = meter{ left = ms(5), keeper = k }
        local s = constructor{ program = 'return { work = function(_, n) local x = 0 for i = 1, n do x = x + i end return x end }' }:seal()
        local child = await(s:order{ bank = bank:make_sub(600), schedule = sched })
        print(await(send(child, 'work', 3000000), 30), asked > 0)
    """) == "4500001500000\ttrue\n"


def test_frozen():
    """A frozen constructor's instances begin where the program had come to, each with memory and capabilities of its own."""
    assert out("""
        local b = constructor{ name = 'c', program = [[
            local made = {} for i = 1, 1000 do made[i] = i * start end
            local began
            function thawed(a) began = kind(a) end
            local own = bank:alloc_page()
            local o = { n = 0 }
            function o:add(k) self.n = self.n + k return self.n, made[1000], began end
            function o:own() return is_void(own), kind(bank), kind(page), page:test_zero() end
            return o
        ]], components = { start = 3, page = bank:alloc_page():make_readonly() } }
        local image_bank = bank:make_sub(600)
        local f = b:freeze{ bank = image_bank }
        print(#f:holes())
        local banks = { bank:make_sub(600), bank:make_sub(600) }
        local x, y = f:yield{ bank = banks[1], argument = schedule }, f:yield{ bank = banks[2] }
        print(x:add(1)) print(x:add(1)) print(y:add(5))
        print(y:own())
        banks[1]:destroy_all()
        print((select(2, pcall(x.add, x, 1)).name), y:add(1))
        print(select(2, pcall(function() constructor{ program = 'error(1)' }:freeze{ bank = bank:make_sub(600) } end)):match('^%d+'))
        print(pcall(function() return f:yield{ bank = bank:make_sub(20) } end))
    """) == ("0\n1\t3000\tschedule\n2\t3000\tschedule\n5\t3000\tvoid\ntrue\tbank\tpage\t0\nRC_VOID\t6\t3000\tvoid\n"
             "1\nfalse\tthe yield failed: the bank is at its limit (0x80000005)\n")


def test_many_constructors():
    """Thousands of constructors in turn: the places of those that are gone are used again, and an old capability is void."""
    assert out("""
        local old, b
        for round = 1, 5 do                        -- some end with their bank, some by themselves
            b = bank:make_sub(400)
            for i = 1, 600 do
                local c = metaconstructor:make(i % 2 == 0 and b or bank)
                c:insert(0, discrim)
                old = old or c
                if i % 2 == 1 then c:destroy() end
            end
            b:destroy_all()
        end
        local live = {}
        for i = 1, 100 do live[i] = metaconstructor:make(bank) end
        print(pcall(live[50].insert, live[50], 0, discrim))
        print((select(2, pcall(old.insert, old, 0, discrim))).name)
    """) == "true\t0\nRC_VOID\n"
