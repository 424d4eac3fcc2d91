-- Manual 6.4.1: patterns.
local function show(...) local r = table.pack(...) for i = 1, r.n do r[i] = tostring(r[i]) end return table.concat(r, " | ") end
local subjects = { "", "hello", "hello world from Lua", "key = value", "  trim me  ", "[[nested [brackets] here]]", "THE (quick) fox", "2024-02-29", "a,b,,c", "\0\1\2bin\0", "aaaab", "f(a(b)c)d", "äöü", "x=1;y=22;z=333", "-12.5e+3", "%d", "^$", "one\ntwo\nthree" }
local patterns = { "", ".", ".*", ".-", ".+", "^", "$", "^$", "^.*$", "%a+", "%d+", "%s*", "%w+", "%p", "%c", "%x+", "%u", "%l+", "%g+", "%A", "%S+", "[a-z]+", "[^a-z]+", "[]]", "[^]]", "[a-]", "[%a_][%w_]*", "[%[%]]", "(%w+)%s*=%s*(%w+)", "^%s*(.-)%s*$", "%b()", "%b[]", "%bxy", "%f[%w]%w+", "%f[%a]%a", "(%d+)-(%d+)-(%d+)", "()", "()ll()", "((a)(b))", "(a*(.)%w(%s*))", "(.)%1", "(.-)(%d)", "%%", "%.", "a-b", "a?b", "a*b", "^a-$", "[%z\1]", "%z", "\0", "[^\0]+", "l*", "(l)(l)", "o$", "^h", "[0-9]+", "[+-]?%d*%.?%d*", "([^,]*),?", "%-", "[a-c%d]", "[%-%.]" }
for _, p in ipairs(patterns) do
	for _, s in ipairs(subjects) do
		local ok, r = pcall(function() return show(s:find(p)) .. " / " .. show(s:match(p)) end)
		print(("%q %q"):format(p, s), r)
	end
end
for _, p in ipairs { "[", "[a", "[^", "[]", "[^]", "%", "(", ")", "(()", "%b", "%bx", "%f", "%fa", "%1", "(%1)", "%2(a)(b)", "[a-%", "[%", "(a", "a)", ("(a)"):rep(33), "%g(", "[%a-z]", "[a-%%]", "*", "+a", "?", "-", "a**", "%99" } do
	print(("%q"):format(p), pcall(string.find, "aab%", p)) print(pcall(string.gsub, "aab%", p, "x"))
end
-- gmatch.
for _, p in ipairs { "%a+", "(%w)(%w*)", "", "()", "^%a", "%d*", "(%w+)=(%w+)" } do
	local out = {}
	for a, b in ("ab cd=12 e"):gmatch(p) do out[#out + 1] = show(a, b) end
	print(p, table.concat(out, ";"))
end
for a in ("abc abd"):gmatch("ab.", 2) do io.write(a, " ") end print()
for _, init in ipairs { -100, -2, 0, 4, 100 } do local n = 0 for _ in ("abcdef"):gmatch(".", init) do n = n + 1 end io.write(n, " ") end print()
-- gsub with every kind of replacement.
print(("hello world"):gsub("o", "0")) print(("hello"):gsub("", "-")) print(("hello"):gsub("l", "%0%0", 1)) print(("abc"):gsub("%w", "%0%1"))
print(("hello world"):gsub("(%w+) (%w+)", "%2 %1")) print(("abc"):gsub("b", "%%")) print(pcall(string.gsub, "abc", "b", "%2")) print(pcall(string.gsub, "abc", "b", "%x")) print(pcall(string.gsub, "abc", "b", "%"))
print(("$name is $age"):gsub("%$(%w+)", { name = "Ann", age = 7 })) print(("abc"):gsub("%w", { a = 1, b = false })) print(pcall(string.gsub, "abc", "b", { b = {} }))
print(("abc"):gsub("%w", function(c) if c == "b" then return "[" .. c .. "]" end end)) print(pcall(string.gsub, "abc", "b", function() return {} end)) print(("abc"):gsub("(a)(b)", function(...) return select("#", ...) end))
print(pcall(string.gsub, "abc", "b", nil)) print(pcall(string.gsub, "abc", "b", true)) print(("aaa"):gsub("a", "b", 0)) print(("aaa"):gsub("a", "b", -1)) print(("aaa"):gsub("a", "b", 2)) print(("aaa"):gsub("^a", "b"))
print(("abc"):gsub("", "")) print(("a b c"):gsub("%s", "%%")) print(("x"):gsub(".", { x = 1.5 })) print(("äö"):gsub("[\x80-\xff]+", "?"))
print(("THE (quick) fox"):find("%((%a+)%)")) print(("alo"):gsub("()", "%1")) print(("trim  "):gsub("%s+$", "")) print((" a  b "):gsub("%s*(%w)%s*", "<%1>"))
print(("x"):rep(1000):find(".-b")) print(#("a"):rep(1000):gsub("a", "bb")) print(pcall(string.rep("x", 10).match, ("x"):rep(200), ("x?"):rep(8) .. "$") )
print(pcall(string.find, ("a"):rep(500), "a?.-b")) print(pcall(string.match, ("("):rep(300000), ("%("):rep(3)))
print(string.find("a\nb", "a.b"), ("\r\n"):find("%c%c"), ("a\0b"):match("a%zb"), ("]"):find("[]]"), ("^"):find("[%^]"), ("a-b"):find("[a%-b]+"), ("é"):find("[é]"))
