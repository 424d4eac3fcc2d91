"""Serving: methods, functions, facets, promises, timers, forwarders, membranes, keepers, hot change."""

from lib import lua_output as out


def test_objects():
    """A table of methods is an object for others; its errors are the caller's errors, its state stays."""
    assert out("""
        local acc = { balance = 0 }
        function acc:deposit(n) self.balance = self.balance + n return self.balance end
        function acc:fail() error('no way') end
        function acc:_private() end
        local c = serve(acc)
        print(kind(c), c:deposit(5), await(send(c, 'deposit', 10)))
        print(pcall(await, send(c, 'fail')))
        print((select(2, pcall(await, send(c, '_private'))).name), (select(2, pcall(await, send(c, 'nothing'))).name))
        local weak = facet(c, { only = { 'fail' } })
        print((select(2, pcall(await, send(weak, 'deposit', 1))).name), await(send(weak, { order = 2 })).data)
        local home = bank:alloc_node() home:swap(0, weak)
        print((select(2, pcall(weak.deposit, weak, 1)).name), (select(2, pcall(c._private, c)).name),
              (select(2, pcall(home:fetch(0).deposit, home:fetch(0), 1)).name))
        revoke(weak)
        print((select(2, pcall(await, send(weak, 'fail'))).name), c:deposit(1))
    """) == ("object\t5\t15\nfalse\ts.lua:4: no way\nRC_UNKNOWN\tRC_UNKNOWN\nRC_UNKNOWN\tfail\n\n"
                 "RC_UNKNOWN\tRC_UNKNOWN\tRC_UNKNOWN\nRC_VOID\t16\n")


def test_functions():
    """A function sees the whole message, and answers with one: words, data, capabilities, a badge of its facet."""
    assert out("""
        local n = bank:alloc_node()
        local g = serve(function(msg)
            return { order = 7, words = { msg.words[1] + 1, msg.badge }, data = msg.data:upper(), caps = { msg.caps[1] } }
        end, { badge = 77 })
        local r = await(send(g, { order = 5, words = { 41 }, data = 'abc', caps = { n } }))
        print(r.order, r.words[1], r.words[2], r.data, r.caps[1] == n, is_void(r.caps[2]))
        local typed = serve(function(msg) return { words = { 3, 24, 80 } } end, { type = 'stream' })
        print(kind(typed), await(send(typed, 'get_attr')))
        print(await(send(serve(function() error('x') end), { order = 1 })).order)
    """) == "7\t42\t77\tABC\ttrue\ttrue\nstream\t3\t24\t80\n1\n"


def test_peer_without_an_answer():
    """A child that never even says what it is makes a promise of its caller's time out, and holds up nothing else."""
    assert out("""
        local busy = constructor{ program = 'return { spin = function() while true do end end, work = print }' }:seal()
        local child, node = await(busy:order{ bank = bank:make_sub(600) }), bank:alloc_node()
        node:swap(0, child)
        tell(as(child, 'object'), 'spin')
        sleep(0.02)
        local p, ticks = send(node:fetch(0), 'work'), 0
        local stop = every(ms(10), function() ticks = ticks + 1 end)
        print(pcall(await, p, 0.3)) stop()
        print(ticks > 3)
    """) == "false\ttimeout: no answer after 0.3 s (to blame: the callee)\ntrue\n"


def test_time():
    """Promises, tasks and timers: nobody who never answers, and nobody who is slow, holds up the others."""
    assert out("""
        local deaf = serve{ never = function() await(promise()) end, slow = function() sleep(0.05) return 'slow' end,
                            quick = function() return 'quick' end }
        local a, b, c = send(deaf, 'never'), send(deaf, 'slow'), send(deaf, 'quick')
        print(first{ a, b, c }) print(await(b)) print(a)
        print(pcall(await, a, 0.02))
        print(a)
        local order = {}
        for i, t in ipairs{ 0.04, 0.01, 0.03 } do after(t, function() order[#order + 1] = i end) end
        local off = after(0.02, function() order[#order + 1] = 'x' end) off()
        local n, stop = 0 stop = every(ms(5), function() n = n + 1 if n == 4 then stop() end end)
        sleep(0.08)
        print(table.concat(order, ' '), n)
        local p = spawn(function(x) coroutine.yield() sleep(0.001) return x * 2 end, 21)
        print(await(p), p:next(function(v) return v + 1 end):await(), (pcall(await, spawn(error, 'e'))))
        local got = promise() local bell = notice(function() got:resolve('rung') end)
        bell:post() print(await(got, 1))
        print(table.concat(all{ send(deaf, 'quick'), send(deaf, 'slow') }, ' '))
        for i = 1, 300 do pcall(await, send(deaf, 'never'), 0.0001) end
        print(await(send(deaf, 'quick')))
    """) == ("3\tquick\nslow\n<promise pending>\nfalse\ttimeout: no answer after 0.02 s (to blame: the callee)\n"
             "<promise failed: timeout: no answer after 0.02 s (to blame: the callee)>\n2 3 1\t4\n42\t43\tfalse\nrung\n"
             "quick slow\nquick\n")


def test_forwarders():
    """A forwarder passes everything on until it is cut, for all who hold it; one may lead home."""
    assert out("""
        local c = serve{ add = function(_, a, b) return a + b end }
        local f, cut = forwarder(c)
        local copy = bank:alloc_node() copy:swap(0, f)
        print(kind(f), f:add(1, 2), copy:fetch(0):add(3, 4), f == c)
        cut()
        print((select(2, pcall(f.add, f, 1, 2)).name), (select(2, pcall(f.add, copy:fetch(0), 1, 2)).name), c:add(1, 1))
        print(pcall(forwarder, bank:alloc_page()))
        local n = bank:alloc_node() n:swap(0, c)
        print(n:fetch(0):add(5, 6), n:fetch(0) == c)
    """) == ("object\t3\t7\tfalse\nRC_VOID\tRC_VOID\t2\nfalse\tonly a capability to a domain can be forwarded; "
             "use membrane\n11\ttrue\n")


def test_membranes():
    """A membrane wraps what passes, tells its log, refuses what it is told to, and ends as a whole."""
    assert out("""
        local dir = {}
        function dir:open(name) return serve{ read = function() return name .. ' text' end, is = function(_, c) return c == dir.cap end } end
        function dir:me() return { self = dir.cap } end
        dir.cap = serve(dir)
        local log = {}
        local m, cut = membrane(dir.cap, { log = function(name) log[#log + 1] = name end,
            allow = function(name, args) return args[1] ~= 'secret' end })
        local f = await(send(m, 'open', 'a'))
        print(await(send(f, 'read')), f ~= dir.cap)
        print(await(send(m, 'me')).self == m, await(send(f, 'is', m)))
        print(pcall(await, send(m, 'open', 'secret')))
        print(table.concat(log, ' '))
        cut()
        print((select(2, pcall(await, send(f, 'read'))).name), (select(2, pcall(await, send(m, 'me'))).name))
        local w = membrane(bank:alloc_page())
        print(kind(w), await(send(w, 'test_zero')))
    """) == ("a text\ttrue\ntrue\ttrue\nfalse\topen is refused here (to blame: the caller)\nopen read me is open\n"
             "RC_VOID\tRC_VOID\npage\t0\n")


def test_hot_change():
    """The code of an object is replaced while its state and the capabilities to it stay."""
    assert out("""
        local c = serve{ n = 10, get = function(self) return self.n end, old = function() return 1 end }
        upgrade(c, "return { get = function(self) self.n = self.n + 1 return self.n * 2 end, more = function() return 'new' end }")
        print(await(send(c, 'get')), await(send(c, 'more')), (select(2, pcall(await, send(c, 'old'))).name))
        print(pcall(upgrade, c, 'return {'))
        local f = serve(function() return 1 end) upgrade(f, function() return 2 end)
        print(await(send(f, { order = 0 })).order, pcall(upgrade, f, {}))
    """).startswith("22\tnew\tRC_UNKNOWN\nfalse\t")


def test_bad_servers():
    """A handler that fails, answers nonsense, or grows too large is an error of its caller, and the loop goes on."""
    assert out("""
        local c = serve{ cycle = function() local t = {} t[1] = t return t end, fn = function() return print end,
            big = function() return ('x'):rep(70000) end, good = function() return 1 end, four = function()
                local t = {} for i = 1, 4 do t[i] = bank:alloc_node() end return table.unpack(t) end,
            obj = function() error({ message = 'an object', code = 5 }) end }
        for _, name in ipairs{ 'cycle', 'fn', 'big', 'four', 'obj' } do
            local ok, e = pcall(await, send(c, name)) print(ok, (tostring(e):gsub('^.*: a', 'a')))
        end
        print(await(send(c, 'good')), await(send(c, { order = 77 })).order == 0x80000002,
              await(send(c, { order = 1, data = 'garbage' })).order == 0x80000003)
        print(pcall(send, c, 'good', ('x'):rep(70000)))
    """).count("false") == 6


def test_keeper_of_memory():
    """Pages computed when they are first touched: a POSIX program's neighbour reads what Lua wrote into them."""
    assert out("""
        local asked = {}
        local seg, free = computed(function(i) asked[#asked + 1] = i return i < 4 and ('page %d'):format(i) or nil end)
        print(kind(seg) ~= nil)
        free()
        print(is_void(seg))
    """) == "true\ttrue\n".replace("\t", "\n")
