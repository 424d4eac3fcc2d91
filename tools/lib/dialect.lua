--[[ dialect.lua - the key statements of KeyKOS's C dialect, made calls of the jump library (compat/keykos/include/keykos.h).

	dialect.translate(text, file)          a source as it was written
	dialect.translate(text, file, true)    what the C preprocessor made of the result: statements of macros and headers

Each gives the new text, the errors {file, line, column, text, waits} in their order, and whether anything was changed.

Rules
   1. A statement is understood by its tokens: KC (key, code) clauses ;
   2. What is wrong in a statement is said here; what is wrong in C is left to the compiler.
   3. The author's own expressions keep their line and column, so that the compiler's words point at them.
   4. A word in a clause's place that is no clause may be a macro's name: that error waits (waits) for the second pass.
   5. Lua patterns see bytes; columns are counted as the compiler counts them: a tabulator leads to the next multiple of eight. ]]

local M = {}

local STATEMENTS = { KC = "call", KALL = "call", KFORK = "fork", KRETURN = "return", LDEXBL = "exit", LDENBL = "entry",
		     KENTRY = "place" }
local CLAUSES = { KEYSFROM = "send", CHARFROM = "send", STRUCTFROM = "send",
		  KEYSTO = "receive", CHARTO = "receive", STRUCTTO = "receive",
		  RCTO = "receive", OCTO = "receive", DBTO = "receive" }
-- _KK_CALL, _KK_FORK, _KK_RETURN of keykos.h: what was preprocessed has no macros any more.
local JUMP = { call = "0x000u", fork = "0x200u", ["return"] = "0x100u" }
local KIND_LIST = "KEYSFROM CHARFROM STRUCTFROM KEYSTO CHARTO STRUCTTO RCTO OCTO DBTO"

local source, name, errors, warnings, expanded, changed, nested

-- ---- where something stands ------------------------------------------------------------------

local function column_of(position)
	local from = position
	while from > 1 and source:sub(from - 1, from - 1) ~= "\n" do from = from - 1 end
	local column = 0
	for c in source:sub(from, position - 1):gmatch(".") do
		column = c == "\t" and column + 8 - column % 8 or column + 1
	end
	return column + 1, source:sub(from, position - 1)
end

-- File, line and column; of what was preprocessed the column is not known.
local function place_of(position)
	if not expanded then
		local _, n = source:sub(1, position - 1):gsub("\n", "")
		return name, n + 1, (column_of(position))
	end
	local file, line = name, 1
	for text in (source:sub(1, position - 1) .. "x\n"):gmatch("([^\n]*)\n") do
		local marked, at = text:match('^# (%d+) "([^"]*)"')
		if marked then file, line = at, tonumber(marked) else line = line + 1 end
	end
	return file, line - 1
end

local function note(list, position, waits, ...)
	local file, line, column = place_of(math.min(position, #source))
	list[#list + 1] = { file = file, line = line, column = column, text = string.format(...), waits = waits }
end

local function complain(position, ...) note(errors, position, false, ...) end

-- Begins a line that the compiler takes for the one of that position, blank up to its column.
local function resume(position)
	if expanded then
		local file, line = place_of(position)
		return ('\n# %d "%s"\n'):format(line, file)
	end
	if nested then return " " end
	local _, before = column_of(position)
	local _, line = place_of(position)
	return ('\n#line %d "%s"\n'):format(line, name:gsub('[\\"]', "\\%0")) .. before:gsub("[^\t]", " ")
end

-- ---- tokens ----------------------------------------------------------------------------------

-- The position after blanks and comments.
local function skip_space(i)
	while true do
		local j = source:match("^%s+()", i) or source:match("^\\\r?\n()", i)
		-- The preprocessor's notes of where it is.
		j = j or expanded and source:match("^# %d+ [^\n]*()", i) or nil
		if not j and source:sub(i, i + 1) == "/*" then
			j = select(2, source:find("*/", i + 2, true))
			j = j and j + 1 or #source + 1
		elseif not j and source:sub(i, i + 1) == "//" then
			j = source:find("\n", i, true) or #source + 1
		end
		if not j then return i end
		i = j
	end
end

-- The position after a string or character constant that begins at i.
local function skip_quoted(i)
	local quote, j = source:sub(i, i), i + 1
	while j <= #source do
		local c = source:sub(j, j)
		if c == "\\" then j = j + 1
		elseif c == quote or c == "\n" then return j + 1 end
		j = j + 1
	end
	return j
end

-- The position after a directive that begins at i: its line, those it continues on, and a comment's that it opens.
local function skip_directive(i)
	while i <= #source do
		local c = source:sub(i, i)
		if c == "\\" then i = source:match("^\\\r?\n()", i) or i + 1
		elseif source:find("^/%*", i) then i = (select(2, source:find("*/", i + 2, true)) or #source) + 1
		elseif source:find("^//", i) then i = source:find("\n", i, true) or #source + 1
		elseif c == '"' then i = skip_quoted(i)
		elseif c == "\n" then return i + 1
		else i = i + 1 end
	end
	return i
end

--[[ Arguments of the parenthesis at i: a list of { text, raw, at }, and the position after it.  text is without comments
and on one line, raw as it was written. ]]
local function arguments(i)
	local depth, list, j = 0, {}, i + 1
	local first, last, words = nil, nil, {}
	local function take()
		list[#list + 1] = { text = table.concat(words), raw = first and source:sub(first, last) or "", at = first or j }
		first, last, words = nil, nil, {}
	end
	local function add(from, to)
		if last and from > last + 1 then words[#words + 1] = " " end
		words[#words + 1] = source:sub(from, to)
		first, last = first or from, to
	end
	while j <= #source do
		local after = skip_space(j)
		local c = source:sub(after, after)
		j = after
		if c == '"' or c == "'" then
			after = skip_quoted(j)
			add(j, after - 1)
			j = after
		elseif depth == 0 and c == ")" then
			take()
			return list, j + 1
		elseif depth == 0 and c == "," then
			take()
			j = j + 1
		elseif c == "" or (depth == 0 and c:find("[;}%]]")) then
			return nil, j
		elseif source:find("^[%w_]", j) then
			after = source:match("^[%w_]+()", j)
			add(j, after - 1)
			j = after
		else
			if c:find("[%(%[{]") then depth = depth + 1 end
			if c:find("[%)%]}]") then depth = depth - 1 end
			add(j, j)
			j = j + 1
		end
	end
	return nil, j
end

-- ---- statements ------------------------------------------------------------------------------

-- An expression of the author's.
local function own(argument)
	if expanded or nested then return argument.text end
	return resume(argument.at) .. argument.raw
end

local function given(argument) return argument and argument.text ~= "" end

local function slot(argument)
	if not given(argument) then return "0" end
	local n = tonumber(argument.text)
	if n and (n < 0 or n > 15) then
		complain(argument.at, "slot %s does not exist; a domain has slots 0 to 15", argument.text)
	end
	return ("(8u + ((unsigned)(%s) & 15u))"):format(own(argument))
end

local EMIT = {}
local function keys(f)
	return function(a, at, word)
		if #a > 4 then complain(at, "%s names %d keys; a message has positions for four", word, #a) end
		return ("%s(&_jumpbuf, %s, %s, %s, %s);"):format(f, slot(a[1]), slot(a[2]), slot(a[3]), slot(a[4]))
	end
end
EMIT.KEYSFROM = keys("_kk_keysfrom")
EMIT.KEYSTO = keys("_kk_keysto")

local NOTHING = { text = "0", raw = "0", at = 1 }
local function need(a, least, most, at, word, form)
	if #a < least or #a > most or not given(a[1]) then
		complain(at, "%s takes %s", word, form)
		return false
	end
	for i = 2, least do
		if not given(a[i]) then
			complain(at, "%s takes %s", word, form)
			return false
		end
	end
	return true
end

-- A length that is a plain number can be judged here; others are when the message is sent.
local function length(argument, most, word)
	local n = tonumber((argument.text:gsub("%s+", "")))
	if n and n < 0 then
		complain(argument.at, "%s: a length of %s bytes", word, argument.text)
	elseif n and n > most then
		-- A program may mean to: it is how one sees the trap.
		note(warnings, argument.at, false, "%s: a string has at most 4096 bytes; with %s the domain traps, code 0x30C", word, argument.text)
	end
	return own(argument)
end

function EMIT.CHARFROM(a, at, word)
	if not need(a, 2, 2, at, word, "(pointer, length)") then return "" end
	return ("_kk_from(&_jumpbuf, (const void *)(%s), (%s));"):format(own(a[1]), length(a[2], 4096, word))
end

local function size_of(a) return "sizeof(" .. a.text .. ")" end

function EMIT.STRUCTFROM(a, at, word)
	if not need(a, 1, 2, at, word, "(object) or (object, length)") then return "" end
	local n = given(a[2]) and length(a[2], 4096, word) or size_of(a[1])
	return ("_kk_from(&_jumpbuf, (const void *)&(%s), (%s));"):format(own(a[1]), n)
end

-- Where a number goes: an integer variable of any size.
local function integer(f, argument, word)
	local text = argument.text
	return ('_Static_assert(sizeof(%s) == 1 || sizeof(%s) == 2 || sizeof(%s) == 4 || sizeof(%s) == 8, "%s: not a variable '
		.. 'for a number"); %s(&_jumpbuf, &(%s), sizeof(%s));'):format(text, text, text, text, word, f, own(argument), text)
end

local function actual(argument, word)
	return given(argument) and " " .. integer("_kk_actual", argument, word) or ""
end

function EMIT.CHARTO(a, at, word)
	if not need(a, 2, 3, at, word, "(pointer, limit) or (pointer, limit, actual)") then return "" end
	return ("_kk_to(&_jumpbuf, (void *)(%s), (%s));%s"):format(own(a[1]), length(a[2], math.huge, word), actual(a[3], word))
end

function EMIT.STRUCTTO(a, at, word)
	if not need(a, 1, 3, at, word, "(object), (object, limit) or (object, limit, actual)") then return "" end
	local n = given(a[2]) and length(a[2], math.huge, word) or size_of(a[1])
	return ("_kk_to(&_jumpbuf, (void *)&(%s), (%s));%s"):format(own(a[1]), n, actual(a[3], word))
end

local function variable(f)
	return function(a, at, word)
		if not need(a, 1, 1, at, word, "one variable") then return "" end
		return integer(f, a[1], word)
	end
end
EMIT.RCTO = variable("_kk_rcto")
EMIT.OCTO = EMIT.RCTO
EMIT.DBTO = variable("_kk_dbto")

-- Where to go on after a statement that is not understood.
local function after_wrong(i)
	return (source:find(";", i, true) or #source) + 1
end

-- What a clause may not be beside the others, or in this kind of statement.
local function clause_fits(kind, word, clause, seen, at)
	local role = clause:match("^[CS][HT].*(FROM)$") or clause:match("^[CS][HT].*(TO)$") or clause
	role = role == "OCTO" and "RCTO" or role
	if seen[role] then complain(at, "%s has %s twice, or two strings one way", word, clause) end
	seen[role] = true
	-- The ancestor took a code's variable here as well: the LDENBL that follows forgets it.
	if kind == "exit" and role == "RCTO" then
		note(warnings, at, false, "LDEXBL receives nothing: %s has no effect", clause)
		return false
	elseif (kind == "exit" or kind == "fork") and CLAUSES[clause] == "receive" then
		complain(at, "%s receives nothing: %s belongs to LDENBL or KC", word, clause)
	elseif (kind == "entry" or kind == "place") and CLAUSES[clause] == "send" then
		complain(at, "%s sends nothing: %s belongs to LDEXBL or KC", word, clause)
	end
	return true
end

--[[ KENTRY (id) clauses ; is a place where messages are accepted.  Who comes to it from above goes past it; a
KRETURN (key, code) clauses KENTRYID(id) ; of the same function returns, and the next message arrives behind it.
One without an id belongs to the KRETURNs without KENTRYID. ]]
local function place(list)
	return "_kk_place_" .. (given(list[1]) and list[1].text or ""):gsub("[^%w_]", "")
end

-- The parenthesis at i, with one id or none; nil after a complaint.
local function place_named(i, at, word)
	local list, after
	if source:sub(i, i) == "(" then list, after = arguments(i) end
	if not list or #list > 1 then
		complain(at, "%s takes (id), a number or a name", word)
		return nil, after_wrong(i)
	end
	return place(list), after
end

-- The clauses from i on, up to the semicolon.  Returns what they become, nil if they are wrong, and the position after
-- it, nil if the statement waits for the preprocessor; then the place that KENTRYID names.
local function clauses(i, kind, word)
	local out, seen, goes = {}, {}, nil
	while true do
		i = skip_space(i)
		if source:sub(i, i) == ";" then return table.concat(out, " "), i + 1, goes end
		local clause, after = source:match("^([%a_][%w_]*)()", i)
		if clause == "KENTRYID" and word == "KRETURN" and not goes then
			goes, i = place_named(skip_space(after), i, clause)
			if not goes then return nil, i end
			goto continue
		end
		if not clause or not CLAUSES[clause] then
			local found = clause or source:sub(i, i)
			local waits = not expanded and (clause ~= nil or found == "#")
			note(errors, i, waits, "%s: expected a clause or ';', found %s; the clauses are " .. KIND_LIST, word,
			     found == "" and "the end of the file" or "'" .. found .. "'")
			return nil, not waits and after_wrong(i) or nil
		end
		local at, list = i, nil
		local counts = clause_fits(kind, word, clause, seen, at)
		i = skip_space(after)
		if source:sub(i, i) == "(" then list, i = arguments(i) end
		if not list then
			complain(at, "%s: its parenthesis is missing or not closed", clause)
			return nil, after_wrong(at)
		end
		if kind == "call" and clause == "KEYSFROM" and given(list[4]) then
			complain(at, "a CALL passes three keys; position 3 is the resume key that the kernel makes")
		end
		if counts then out[#out + 1] = EMIT[clause](list, at, clause) end
		::continue::
	end
end

-- One statement whose first word, at start, ends before i.  Returns its C text, nil if it has none, and the position after it.
local function statement(word, start, i)
	local kind, out = STATEMENTS[word], {}
	i = skip_space(i)
	if kind == "place" then
		local label
		label, i = place_named(i, start, word)
		if not label then return nil, i end
		out[1] = "if (0) { " .. label .. ": ;"
	elseif kind ~= "entry" then
		local list
		if source:sub(i, i) == "(" then list, i = arguments(i) end
		if not list or #list ~= 2 or not given(list[1]) or not given(list[2]) then
			complain(start, "%s takes (key, order code)", word)
			return nil, after_wrong(i)
		end
		out[1] = ("_kk_exit(&_jumpbuf, %s, (%s));"):format(slot(list[1]), own(list[2]))
	end
	if kind ~= "exit" and kind ~= "fork" then out[#out + 1] = "_kk_entry(&_jumpbuf);" end
	local text, goes
	text, i, goes = clauses(i, kind, word)
	if not text then return nil, i end
	out[#out + 1] = text
	if word == "KRETURN" and not goes and source:find("%f[%w_]KENTRY%s*%(%s*%)") then goes = place({}) end
	if goes then
		out[#out + 1] = "goto " .. goes .. ";"
	elseif kind == "place" then
		out[#out + 1] = ("_kk_jump(&_jumpbuf, %s); }"):format(JUMP["return"])
	elseif JUMP[kind] then out[#out + 1] = ("_kk_jump(&_jumpbuf, %s);"):format(JUMP[kind]) end
	return "{ " .. table.concat(out, " ") .. " }", i
end

-- ---- what else differs from C ----------------------------------------------------------------

--[[ SPARC passes a double in the registers of two words, so that C of 1990 could hand an array to a parameter that it
had declared as a double and pass that on.  Such a parameter is a word here: NAME (parameters) declarations, where some
call in the file has an array in its place.  Positions stay as they are: "double" and "long  " are of one length. ]]
local function words_for_doubles(text)
	for head, list, from, declarations in text:gmatch("%f[%w_]([%a_][%w_]*)%s*%(([%w_%s,]*)%)()(%s*[%a_][^{}()]-;%s*){") do
		local position = 0
		for parameter in list:gmatch("[%w_]+") do
			position = position + 1
			local first = declarations:match("()%f[%w_]double%s+" .. parameter .. "%s*;")
			local argument = ("[^,()]*,"):rep(position - 1) .. "%s*([%a_][%w_]*)%s*[,)]"
			for handed in text:gmatch(first and "%f[%w_]" .. head .. "%s*%(" .. argument or "^%f[%w]$") do
				if text:find("%f[%w_]" .. handed .. "%s*%[[^%]]*%]%s*[;,=]") then
					local at = from + first - 1
					text = text:sub(1, at - 1) .. "long  " .. text:sub(at + 6)
					break
				end
			end
		end
	end
	return text
end

--[[ Functions of <varargs.h>: NAME (a, va_alist) declarations va_dcl { ... }.  The compiler has only <stdarg.h>'s way, which
no caller without a declaration may use; so such a function takes the words of the registers and the first of the stack as
parameters, from which va_start (varargs.h) makes the list.  Lines stay as they are. ]]
local function words_for_varargs(text)
	return (text:gsub("(%f[%w_][%a_][%w_]*%s*)(%([%w_%s,]*%f[%w_]va_alist%s*%))(%s*[^{}()]-%f[%w_]va_dcl%f[^%w_]%s*;?)(%s*{)",
		function(head, list, declarations, open)
			local names, count = {}, 0
			for parameter in list:gmatch("[%w_]+") do
				if parameter ~= "va_alist" then names[#names + 1], count = parameter, count + 1 end
			end
			if count > 5 then return nil end
			for n = count, 5 do names[#names + 1] = "_va_" .. n end
			local _, lines = list:gsub("\n", "")
			-- Some write a semicolon behind va_dcl.
			declarations = declarations:gsub("va_dcl%s*;?$", function(dcl)
				return "long long " .. table.concat(names, ", ", count + 1) .. ", _va_stack;" .. dcl:gsub("[^\n]", "")
			end)
			return "__attribute__((noipa)) " .. head .. "(" .. table.concat(names, ", ") .. ", _va_stack)" .. ("\n"):rep(lines) .. declarations .. open
				.. (" enum { _va_named = %d }; long long _va_words[6] = { %s };"):format(count,
					("0, "):rep(count) .. table.concat(names, ", ", count + 1))
		end))
end

-- LLI x = {high, low}, y[] = {{high, low}}: its halves are named high half first, whatever their order in memory.
local function halves(text)
	return (text:gsub("{([^{},]*),([^{},]*)}", function(high, low)
		if high:find("=") or low:find("=") then return nil end
		return "{.hi =" .. (high:find("^%s") and "" or " ") .. high .. ", .low =" .. (low:find("^%s") and "" or " ") .. low .. "}"
	end))
end

-- &x.hi where all eight bytes of an LLI are meant, as its high half stood first: where the LLI begins.
local function whole(text)
	local number = text:match("^%s*&%s*([%w_%.%->%[%]%s]-)%s*%.%s*hi%s*$")
	local pointer = not number and text:match("^%s*&%s*([%w_%.%->%[%]%s]-)%s*%->%s*hi%s*$")
	return number and " _KK_WHOLE(" .. number .. ")" or pointer and " _KK_WHOLE(*" .. pointer .. ")" or text
end

-- Whether a text such as &NAME[8] is of an array that this function got the body of a data key into, with
-- KC (key, 1) CHARTO(NAME, 16).
local function is_body(text, from, to)
	local array = text:match("^%s*&%s*([%a_][%w_]*)%s*%[") or text:match("^%s*([%a_][%w_]*)%s*$")
	return array and source:sub(from, to):find("%f[%w_]K[CA]L*%s*%([^;()]-,%s*1%s*%)[^;]-CHARTO%s*%(%s*" .. array .. "%s*,%s*16%s*[,)]")
end

-- ---- the whole text --------------------------------------------------------------------------

function M.translate(text, file, is_expanded)
	source, name, errors, warnings = is_expanded and text or words_for_varargs(words_for_doubles(text)), file, {}, {}
	expanded, changed, nested = is_expanded, false, false
	local out = is_expanded and {} or { ('#line 1 "%s"\n'):format(file:gsub('[\\"]', "\\%0")) }
	local i, copied = 1, 1
	-- fresh: a declaration may begin here; begins: a statement may; parameters: between a function's parenthesis and its
	-- body, where 1990 declared them; open: the brackets that are open.
	-- body_from: where the function began.
	local fresh, begins, parameters, open, body_from = true, false, false, {}, 1

	-- The text from `from` to before `to` becomes that; what follows keeps its place.
	local function replace(from, to, by, keep)
		local lines = select(2, source:sub(from, to - 1):gsub("\n", ""))
		nested = open[#open] == "("
		out[#out + 1] = source:sub(copied, from - 1) .. by
		if keep then out[#out + 1] = nested and not expanded and ("\n"):rep(lines) or resume(to) end
		copied, changed = to, true
	end

	-- A memcpy at `at` whose list opens at `paren`: integers in the body of a data key are big-endian, as in the machine;
	-- eight bytes from an LLI's high half on are the LLI.
	local function body_copy(at, paren)
		local list, close = arguments(paren)
		if not list or #list ~= 3 then return nil end
		local put = list[1].text:find("%.%s*Byte%s*%[")
		local get = list[2].text:find("%.%s*Byte%s*%[") or is_body(list[2].text, body_from, at)
		local to, from = list[1].text, list[2].text
		if list[3].text:find("^%s*8%s*$") then to, from = whole(to), whole(from) end
		if put or get then
			replace(at, close, ("%s(%s, %s, %s)"):format(put and "_kk_body_put" or "_kk_body_get", to, from, list[3].text), true)
		elseif to ~= list[1].text or from ~= list[2].text then
			replace(at, close, ("memcpy(%s, %s, %s)"):format(to, from, list[3].text), true)
		else
			return nil
		end
		return close
	end

	-- KEY at file level: static, so that its number is known to the compiler.
	local function slot_names(at, after)
		for label, value, where in source:sub(after, (source:find(";", after, true) or #source)):gmatch("([%a_][%w_]*)%s*=%s*(%w+)()") do
			local n = tonumber(value)
			if n and n > 15 then
				complain(after + where - 1 - #value, "KEY %s = %s: slot %s does not exist; a domain has slots 0 to 15", label, value, value)
			end
		end
		replace(at, at, "static __attribute__((unused)) ", false)
		if not expanded then out[#out + 1] = resume(at) end
	end

	local function word_at(at, word, after)
		if STATEMENTS[word] then
			nested = open[#open] == "("
			local found = #errors
			local made, next_i = statement(word, at, after)
			if made and not expanded and source:sub(at, next_i - 1):find("\n[ \t]*#") then
				-- Directives in it decide what it is.
				for n = #errors, found + 1, -1 do errors[n] = nil end
				made = nil
			end
			if not made then
				-- As it was written, for the second pass; or it is in no part that is compiled.
				fresh, begins = false, false
				return after
			end
			replace(at, next_i, made, true)
			fresh, begins = true, true
			return next_i
		end
		if word == "exit" and begins and source:find("^%s*%(%s*%)%s*;", after) then
			-- Programs of the ancestor end so and mean 0.
			replace(source:find("(", after, true) + 1, source:find(")", after, true), "0", true)
		elseif word == "memcpy" and source:find("^%s*%(", after) then
			after = body_copy(at, source:find("(", after, true)) or after
		elseif word == "LLI" then
			local close = source:find(";", after, true)
			local declaration = close and source:sub(after, close)
			if declaration and declaration:find("^[^();]*=") and halves(declaration) ~= declaration then
				replace(after, close + 1, halves(declaration), true)
				after = close + 1
				fresh, begins = true, true
				return after
			end
		elseif word == "KEY" and #open == 0 and fresh and not parameters then
			slot_names(at, after)
		end
		fresh, begins = false, word == "else" or word == "do"
		return after
	end

	while i <= #source do
		local c = source:sub(i, i)
		local j = skip_space(i)
		if j > i then
			i = j
		elseif c == '"' or c == "'" then
			i, fresh, begins = skip_quoted(i), false, false
		elseif c == "#" then
			i = skip_directive(i)
		elseif c:find("[%a_]") then
			local word, after = source:match("^([%w_]+)()", i)
			i = word_at(i, word, after)
		elseif c:find("%d") then
			i, fresh, begins = source:match("^[%w_.]+()", i), false, false
		else
			if c == "{" and #open == 0 then body_from = i end
			if c == "{" or c == "(" then open[#open + 1] = c end
			if c == "}" or c == ")" then open[#open] = nil end
			if c == ")" and #open == 0 then parameters = source:find("^[%a_]", skip_space(i + 1)) ~= nil end
			if c == "{" then parameters = false end
			fresh = c == ";" or c == "}"
			begins = fresh or c == "{" or c == ")" or c == ":"
			i = i + 1
		end
	end
	out[#out + 1] = source:sub(copied)
	return table.concat(out), errors, warnings, changed
end

return M
