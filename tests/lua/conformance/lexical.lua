-- Manual 3.1: tokens, strings, comments, and what is no program.
print("\a\b\f\n\r\t\v\\\"\'" == "\7\8\12\10\13\9\11\92\34\39", "\x41\u{42}\67\z
      D", #"\
", '\u{7FFFFFFF}' == "\xFD\xBF\xBF\xBF\xBF\xBF", "\u{0}" == "\0", '\065\10\z  x')
print([[
first newline gone]], [==[
]]]=]==], #[[

x]])
--[[ long
comment ]] print "after a long comment" --[==[ ]] ]==]
print(#"a\0b", "tab\tx", "é", ("x"):rep(3))
local programs = {
	"return", "return;", ";;;", "return 1,", "x", "x =", "x = 1 2", "local 1", "local x <const> = 1; x = 2",
	"local x <close> = 1", "local x <other> = 1", "goto x", "::x:: ::x::", "do goto x end; local a; ::x:: print(a)", "break",
	"for i = 1 do end", "for i in do end", "for 1 = 1, 2 do end", "if x then", "if x then else elseif", "while true end",
	"repeat until", "function f( end", "function f(a, a) end return f", "function f(..., a) end", "function f.g:h.i() end",
	"local function f.g() end", "x = }", "x = {1,,2}", "x = {;1}", "x = {[1]}", "x = {a = }", "x = 'abc", "x = 'a\nb'", "x = \"\\q\"",
	"x = '\\300'", "x = '\\xZ'", "x = '\\u{110000000}'", "x = '\\u{'", "x = [[abc", "x = [=abc", "--[[ abc", "x = 3x", "x = 0xG", "x = 1..2", "x = 1e",
	"x = @", "x = $", "x = !", "x = a ! b", "x = a != b", "x = a += 1", "x = ~", "x = not", "f(", "f)", "f{", "f'a", "a.1", "a:b", "a.b:c = 1", "(a) = 1", "a() = 1",
	"1 = x", "'s':rep(2)", "('s'):rep(2)", "local t = {} t.x, t.y = 1 return t.y", "return ...", "local function f() return ... end",
	"local a <const> = 5; return a", "return function() return 1 end", "goto done; local x; ::done::", "do local x <close> = nil end return 7",
	"and = 1", "local end", "x.end = 1", "x = 0x7fffffffffffffffff", "x = 1//0", "x = '\\", "x = \"\\\r\n\"", "\xEF\xBB\xBFx = 1", "#!x", "x=1--", "return(f)()", "f\n(x)",
	"local a = {} ; a.b.c.d = 1", "x = function() end end", "return 2^-3, -x^2", "return - - 1", "return not not x", "return a.b.c[1][2]:m{}'s'.k", "::a:: goto a; ::b::",
	"while 1 do local x; if x then goto continue end; local y; ::continue:: end", "repeat local x; if x then goto c end; local y; ::c:: until y", "for i=1,2 do ::l:: goto l end",
}
for i, p in ipairs(programs) do
	local f, why = load(p, "=p")
	print(i, f and "compiles" or why)
end
-- Limits of the compiler; what a stack that is full says goes on with the calls, which are the caller's.
local function why(text) return (select(2, load(text, "=p")):match("^[^\n]*")) end
local function many(n, each, sep) local t = {} for i = 1, n do t[i] = each:gsub("@", i) end return table.concat(t, sep) end
print(load("local " .. many(200, "a@", ","), "=p") ~= nil, select(2, load("local " .. many(201, "a@", ","), "=p")))
print(why("return " .. ("("):rep(250) .. "1" .. (")"):rep(250)))
print(load("return " .. ("("):rep(100) .. "1" .. (")"):rep(100), "=p")())
print(why(("do "):rep(250) .. ("end "):rep(250)))
local upvalues = many(150, "local a@ = 1", "\n") .. " local function f() " .. many(110, "local b@ = 1", "\n") .. " return function() return " .. many(150, "a@", "+") .. "+" .. many(110, "b@", "+") .. " end end"
print(select(2, load(upvalues, "=p")))
print(#table.pack(load("return " .. many(250, "@", ","), "=p")()), select(2, load("return f(" .. many(260, "@", ",") .. ")", "=p")))
local big = load("return {" .. many(70000, "@", ",") .. "}", "=p")()
print(#big, big[1], big[70000], big[65536])
local constants = load("return {" .. many(70000, "'k@'", ",") .. "}", "=p")()
print(#constants, constants[69999])
print(load("goto l1; " .. ("local x = 1; "):rep(0) .. "::l1:: return 'jumped'", "=p")())
print(load("x = " .. many(2000, "'a'", " .. ") .. " return #x", "=p", "t", {}) ~= nil)
