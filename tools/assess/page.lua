-- page.lua - the facts of report.lua as one page of HTML that needs nothing else.
local json = require "json"
local learn = require "learn"
local EFFORT = require "report".EFFORT
local page = {}

local function escape(s)
	return (json.printable(tostring(s)):gsub('[&<>"%c]', function(c)
		return ({ ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\n"] = "\n" })[c] or string.format("\\x%02x", c:byte())
	end))
end

local STYLE = [[
:root{--ink:#1c2430;--soft:#5b6775;--line:#d8dee6;--back:#fff;--card:#f6f8fa;--red:#c0392b;--green:#1e8449;--amber:#b9770e;--blue:#2464a4}
@media(prefers-color-scheme:dark){:root{--ink:#e3e8ee;--soft:#9aa7b5;--line:#38424e;--back:#14181d;--card:#1c2229;--red:#e57368;--green:#5fbf86;--amber:#d9a441;--blue:#78ade0}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
code,pre,.path{font-family:ui-monospace,monospace;font-size:.86em;overflow-wrap:anywhere}
.verdict{background:var(--card);border-left:5px solid var(--green);padding:.8rem 1rem;margin:1rem 0;font-size:1.05rem}
.verdict.bad{border-color:var(--red)}.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;font-size:.85em}td.n{text-align:right;font-variant-numeric:tabular-nums}
.effort{display:inline-block;min-width:1.4em;text-align:center;border-radius:.3em;color:#fff;font-weight:600}
.e0{background:var(--green)}.e1{background:var(--blue)}.e2{background:var(--amber)}.e3,.e4{background:var(--red)}
.numbers{display:flex;flex-wrap:wrap;gap:.8rem}.numbers div{background:var(--card);padding:.5rem .9rem;border-radius:.4rem}.numbers b{display:block;font-size:1.35rem}
details{margin-left:1.1rem}summary{cursor:pointer}li{list-style:none}ul{padding-left:1.1rem;margin:.1rem 0}
.exercised{color:var(--green)}.absent{color:var(--soft)}.denied{color:var(--red);font-weight:600}.seen{color:var(--amber)}
pre{background:var(--card);padding:.8rem;overflow:auto;border-radius:.4rem}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
@media print{details{display:block}}
]]

-- The program in the middle, a spoke for each kind of authority; what is not held is a faint dot.
local function panel(f, x0, id, title, holds)
	local t = { string.format('<g id="%s" transform="translate(%d,0)">', id, x0) }
	local cx, cy, r = 270, 235, 130
	t[#t + 1] = string.format('<text x="%d" y="24" text-anchor="middle" style="font-size:15px;font-weight:600">%s</text>', cx, escape(title))
	for i, row in ipairs(f.matrix) do
		local a = 2 * math.pi * (i - 1) / #f.matrix - math.pi / 2
		local x, y = cx + r * math.cos(a), cy + r * math.sin(a)
		local held = holds(row)
		if held then
			t[#t + 1] = string.format('<line class="spoke" data-kind="%s" x1="%.0f" y1="%.0f" x2="%.0f" y2="%.0f" stroke="%s" stroke-width="2.5"/>',
				row.kind, cx + 44 * math.cos(a), cy + 44 * math.sin(a), x, y, held)
		end
		t[#t + 1] = string.format('<circle cx="%.0f" cy="%.0f" r="%d" fill="%s" stroke="var(--line)"/>', x, y, held and 8 or 5, held or "var(--card)")
		local anchor = math.abs(math.cos(a)) < 0.2 and "middle" or math.cos(a) > 0 and "start" or "end"
		t[#t + 1] = string.format('<text x="%.0f" y="%.0f" text-anchor="%s"%s>%s</text>', cx + (r + 16) * math.cos(a),
			cy + (r + 20) * math.sin(a) + 4, anchor, held and "" or ' style="fill:var(--soft)"', escape(row.title))
	end
	local name = f.program:match("[^/]*$")
	t[#t + 1] = string.format('<circle cx="%d" cy="%d" r="44" fill="var(--card)" stroke="var(--ink)" stroke-width="2"/>', cx, cy)
	t[#t + 1] = string.format('<text x="%d" y="%d" text-anchor="middle" style="font-weight:600">%s</text></g>', cx, cy + 4,
		escape(#name > 11 and name:sub(1, 10) .. "…" or name))
	return table.concat(t)
end

local function picture(f)
	local n = f.numbers
	return string.format('<svg id="picture" viewBox="0 0 1080 470" role="img" aria-label="Authority before and after" width="100%%">%s%s' ..
		'<text x="270" y="455" text-anchor="middle">all %d kinds, %d names in view</text>' ..
		'<text x="810" y="455" text-anchor="middle">%d of %d kinds, %d of %d names</text></svg>',
		panel(f, 0, "before", "Before: what a POSIX system grants", function() return "var(--red)" end),
		panel(f, 540, "after", "After: what it needs", function(row) return row.needed > 0 and "var(--green)" or nil end),
		n.kinds_default, n.names_in_view, n.kinds_needed, n.kinds_default, n.names_granted, n.names_in_view)
end

local function touched_tree(f)
	local top = { children = {}, order = {} }
	for _, t in ipairs(f.touched) do
		local node = top
		for part in t.path:gmatch("[^/]+") do
			if not node.children[part] then
				node.children[part] = { children = {}, order = {} }
				node.order[#node.order + 1] = part
			end
			node = node.children[part]
		end
		node.touched = t
	end
	local function line(name, node)
		local t = node.touched
		if not t then return '<span class="soft path">' .. escape(name) .. "</span>" end
		local uses = {}
		for _, u in ipairs(learn.sorted(t.uses)) do uses[#uses + 1] = u .. " " .. t.uses[u] end
		return string.format('<span class="path %s">%s</span> <span class="soft">%s</span>', t.state, escape(name), escape(table.concat(uses, ", ")))
	end
	local out = {}
	local function walk(node, depth)
		table.sort(node.order)
		out[#out + 1] = "<ul>"
		for _, name in ipairs(node.order) do
			local child = node.children[name]
			if #child.order == 0 then
				out[#out + 1] = "<li>" .. line(name, child) .. "</li>"
			else
				out[#out + 1] = string.format("<li><details%s><summary>%s</summary>",
					(depth < 2 and #child.order < 40) and " open" or "", line(name .. "/", child))
				walk(child, depth + 1)
				out[#out + 1] = "</details></li>"
			end
		end
		out[#out + 1] = "</ul>"
	end
	walk(top, 0)
	return table.concat(out)
end

local function table_html(heads, rows)
	local t = { "<table><tr>" }
	for _, h in ipairs(heads) do t[#t + 1] = "<th>" .. h .. "</th>" end
	t[#t + 1] = "</tr>"
	for _, row in ipairs(rows) do
		t[#t + 1] = "<tr>"
		for _, cell in ipairs(row) do
			t[#t + 1] = type(cell) == "number" and '<td class="n">' .. cell .. "</td>" or "<td>" .. cell .. "</td>"
		end
		t[#t + 1] = "</tr>"
	end
	t[#t + 1] = "</table>"
	return #rows > 0 and table.concat(t) or '<p class="soft">None.</p>'
end

local function map(list, f)
	local t = {}
	for i, v in ipairs(list) do t[i] = f(v) end
	return t
end

local function code(s) return '<span class="path">' .. escape(s) .. "</span>" end
local function effort(n) return string.format('<span class="effort e%d" title="%s">%d</span>', n, EFFORT[n], n) end

-- ---- Sections: each is HTML, of the facts f -------------------------------------------------------------------------

local function head(f)
	local bad = (f.verify and not f.verify.same or f.cut) and " bad" or ""
	return table.concat {
		'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
		"<title>keros assess: ", escape(f.program), "</title><style>", STYLE, "</style></head><body>",
		"<h1>What <code>", escape(f.program), '</code> needs</h1><p class="soft"><code>', escape(table.concat(f.command, " ")),
		'</code></p><div id="verdict" class="verdict', bad, '">', escape(f.verdict.text),
		'<br><span class="soft">Effort to move it: ', effort(f.verdict.effort), " ", f.verdict.effort_text, "</span></div>",
	}
end

local function numbers(f)
	local n = f.numbers
	local cells = {
		{ n.grants, "grants" }, { string.format("%.1f %%", 100 * n.least_authority_ratio), "of the names in view" },
		{ n.kinds_needed .. " of " .. n.kinds_default, "kinds of authority" }, { n.probed_and_absent, "names probed and absent" },
		{ n.seen_only, "names seen in a listing" }, { #f.denied, "refusals" }, { n.peak_kib .. " KiB", "memory at its peak" },
		{ n.processes, "processes" }, { n.wall_ms .. " ms", "from start to end" },
	}
	local t = map(cells, function(c) return "<div><b>" .. c[1] .. "</b>" .. c[2] .. "</div>" end)
	return '<div class="numbers">' .. table.concat(t) .. "</div>"
end

local function kinds(f)
	return '<h2>Kinds of authority</h2><div id="matrix">' ..
		table_html({ "kind", "granted by default on POSIX", "used", "needed" }, map(f.matrix, function(r)
			return { escape(r.title), escape(r.default), r.used, r.needed > 0 and r.needed or '<span class="soft">no</span>' }
		end)) .. "</div>"
end

local function grants(f)
	return '<h2>What it is granted</h2><div id="grants">' ..
		table_html({ "name", "what", "used for", "evidence", "needed", "widened by a rule" }, map(f.grants, function(g)
			return { code(g.path), g.kind .. (g.whole and ", all below" or ""), escape(table.concat(g.uses, ", ")), g.evidence,
				g.needed == nil and '<span class="soft">not tried</span>' or g.needed and "yes" or "no", escape(g.widened or "") }
		end)) .. "</div>"
end

local function verified(f)
	local v = f.verify
	if not v then return "" end
	local t = { '<h2>Verified</h2><p id="verify">' }
	local function put(...) t[#t + 1] = string.format(...) end
	if v.same then
		put("A second run with these grants and nothing more gave the same output, status and files (level %d).", v.level)
	else
		put("%s", escape("A second run with these grants was not the same: " .. (v.difference or "")))
	end
	put("</p>")
	if v.changing then
		put("<p>Not compared, since it differs from run to run by itself: %s.</p>", escape(v.changing))
	end
	if v.not_together then
		put("<p>Needed where others that could stand in for it are gone: %s.</p>", escape(v.not_together))
	end
	if v.least_grants then
		put('<p id="least">Without all that was not needed here it is the same, too: <code>least.toml</code>, %s. ' ..
			"Other input may need more.</p>", learn.count(v.least_grants, "grant"))
	end
	t[#t + 1] = table_html({ "without", "", "then" }, map(v.removed, function(r)
		return { code(r.what), r.needed and "needed" or '<span class="soft">not needed</span>', escape(r.difference) }
	end))
	return table.concat(t)
end

local function refused(f)
	return '<h2>Refused</h2><div id="denied">' ..
		table_html({ "name", "use", "answer", "times", "why", "function" }, map(f.denied, function(d)
			return { code(d.name), escape(d.use), d.error, d.count, escape(d.why), code(d["function"]) }
		end)) .. "</div>"
end

local function assumed(f)
	return '<h2>Ambient assumptions</h2><div id="assumptions">' ..
		table_html({ "effort", "assumption", "name", "calls", "times", "function", "" }, map(f.assumptions, function(a)
			return { effort(a.effort), escape(a.what), code(a.name), escape(a.calls), a.count, code(a["function"]),
				escape(a.why) }
		end)) .. "</div>"
end

local function missing(f)
	return '<h2>Calls that are not there</h2><div id="missing">' ..
		table_html({ "effort", "call", "times", "mattered", "why", "programs", "function" }, map(f.missing, function(c)
			return { effort(c.effort), code(c.call), c.count, c.mattered and "<b>yes</b>" or "no", escape(c.why),
				escape(c.programs), code(c["function"]) }
		end)) .. "</div>"
end

local function touched(f)
	return '<h2>What it touched</h2><p class="soft"><span class="exercised">used</span>, ' ..
		'<span class="absent">probed and absent</span>, <span class="denied">refused</span>, ' ..
		'<span class="seen">seen in a listing only</span></p><div id="touched">' .. touched_tree(f) .. "</div>"
end

local function saturation(f)
	local t = { '<h2>How complete this is</h2><ul id="saturation">' }
	for i, s in ipairs(f.saturation) do
		t[#t + 1] = string.format("<li>Run %d found %s that the first had not seen%s</li>", i + 1, learn.count(s.count, "use"),
			s.count > 0 and ": " .. escape(table.concat(s.names, ", ", 1, math.min(5, #s.names))) or ".")
	end
	if #f.saturation == 0 then
		t[#t + 1] = "<li>One run only; --runs N tells what further ones add, --merge unites runs with other input.</li>"
	end
	if f.numbers.lost > 0 then
		t[#t + 1] = "<li><b>" .. f.numbers.lost .. " uses found no memory for their record.</b></li>"
	end
	if f.cut then t[#t + 1] = "<li><b>The machine ended before the program did: counts are missing.</b></li>" end
	return table.concat(t) .. "</ul>"
end

local function risks(f)
	return '<h2>What risk remains</h2><ul id="risks">' ..
		table.concat(map(f.risks, function(r) return "<li>" .. escape(r) .. "</li>" end)) .. "</ul>"
end

local function foot(f)
	return "<h2>The manifest</h2><p><code>" .. escape(f.replay) .. '</code></p><pre id="manifest">' .. escape(f.manifest) ..
		"</pre></body></html>\n"
end

-- The page, as text.
function page.html(f)
	return table.concat {
		head(f), numbers(f), "<h2>Authority before and after</h2>", picture(f), kinds(f), grants(f), verified(f), refused(f),
		assumed(f), missing(f), touched(f), saturation(f), risks(f), foot(f),
	}
end

return page
