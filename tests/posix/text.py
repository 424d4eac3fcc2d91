"""Pipelines of the text tools over licence texts, the word list and this project's sources."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scenario import compare, licences, sources, words  # noqa: E402


def test_word_frequencies():
    """tr, sort, uniq and head count the words of the licence texts."""
    compare("""
		cat licences/* | tr -cs 'A-Za-z' '\\n' | tr A-Z a-z | sort | uniq -c | sort -k1,1nr -k2 | head -n 100
		cat licences/* | tr -cs 'A-Za-z' '\\n' | sort -u | wc -l
		sort -f words | uniq -d -i | head -n 50
	""", files={**licences(), **words(10)}, status=0, expect=" the\n")


def test_sorting_the_word_list():
    """sort orders the whole word list backwards, by length and by key, and agrees that it is sorted."""
    compare("""
		mkdir out
		sort -r words > out/backwards
		awk '{ print length($0), $0 }' words | sort -k1,1n -k2,2r | tail -n 200
		rev words | sort | rev | tail -n 1000 > out/rhymes
		sort -c out/backwards && echo sorted || echo not sorted
		sort words > sorted; sort -c sorted && echo sorted
		wc out/* | cat
		md5sum out/backwards out/rhymes
	""", files=words(2), status=0, expect="sorted")


def test_sed_edits():
    """sed substitutes, addresses, holds, branches and edits in place."""
    compare("""
		mkdir out
		cp licences/GPL-3 out/gpl
		sed -n '/^ *[0-9]*\\. /p' licences/GPL-3
		sed 's/\\(General\\) \\(Public\\)/\\2 \\1/g; /^$/d; 20,30s/^/> /' licences/GPL-2 | head -n 60
		sed -n '$=' licences/*
		sed -e ':a' -e '$!{N;ba' -e '}' -e 's/\\n/|/g' licences/BSD | cut -c 1-300
		sed '1!G;h;$!d' licences/BSD | head -n 5
		sed -i.old -e 's/software/SOFTWARE/gI' -e '/warranty/,/^$/d' out/gpl
		sed -E 's/([a-z]+) ([a-z]+)/\\2 \\1/' licences/Artistic | tail -n 20
		sed -n 'y/abc/xyz/;10,20p' licences/LGPL-3
		sed --bad-option 2>/dev/null; echo "status $?"
	""", files=licences(), status=0, expect="Public General")


def test_awk_programs():
    """awk counts, formats, splits and sums, with functions, arrays and regular expressions."""
    compare("""
		mkdir out
		awk '{ for (i = 1; i <= NF; i++) count[tolower($i)]++ }
			END { for (w in count) if (count[w] > 40) print count[w], w }' licences/* | sort -rn
		awk -F: 'function fib(n) { return n < 2 ? n : fib(n-1) + fib(n-2) } BEGIN { for (i = 0; i < 16; i++) printf "%d ", fib(i); print "" }'
		awk 'length($0) > longest { longest = length($0); line = FILENAME ":" FNR } END { print longest, line }' licences/*
		awk 'BEGIN { printf "%5.2f|%-10s|%05d|%x|%e|%c\\n", 3.14159, "left", 42, 255, 12345.678, 65 }'
		awk '{ n = split($0, part, /[aeiou]/); total += n } END { print total, NR, total / NR }' words
		awk '/^[A-Z]/ { print > "out/capital" } /^[a-z]/ { print > "out/small" } END { print NR }' words
		awk 'BEGIN { while (("cat licences/BSD" | getline line) > 0) n++; print n; print sqrt(2), int(-3.9), substr("keros", 2, 3), index("keros", "ro") }'
		awk 'BEGIN { s = "aaa"; gsub(/a/, "b&", s); print s; print match("foobar", /o+/), RSTART, RLENGTH; exit 3 }'
	""", files={**licences(), **words(20)}, status=3, expect="bababa")


def test_grep_options():
    """grep finds the same lines by every kind of option, and answers 1 for none."""
    compare("""
		grep -rn 'struct' sources | sort | head -n 50
		grep -rlE '(static|inline) ' sources | sort
		grep -c the licences/* | sort
		grep -i -w -o 'free' licences/GPL-3 | sort | uniq -c
		grep -v '^ ' licences/BSD
		grep -n -A 2 -B 1 'WARRANTY' licences/GPL-2
		grep -E '^([a-z])[a-z]*\\1$' words | head -n 30
		grep -F -x -f wanted words
		grep -q nothinglikethis licences/*; echo "none $?"
		grep x not-there; echo "trouble $?"
		grep -L the licences/* | wc -l
	""", files={**licences(), **words(3), **sources(), "wanted": b"zebra\nlion\nabacus\n"}, status=0, expect="none 1")


def test_text_medley():
    """cut, paste, nl, fold, expand, od, base64, tac and their kin."""
    compare("""
		nl licences/BSD | head -n 20
		fold -w 30 -s licences/Artistic | head -n 20
		cut -d' ' -f 2-4 licences/MPL-2.0 | head -n 30
		paste -d, words words | head -n 5; paste -s -d'+' words | cut -c 1-200
		expand -t 4 sources/kernel/include/keros/abi.h | head -n 20
		unexpand -a licences/BSD | od -c | head -n 20
		od -A x -t x1 licences/GPL-1 | head -n 5; hexdump -C licences/GPL-1 | tail -n 3
		base64 licences/BSD > coded; base64 -d coded | cmp - licences/BSD && echo same
		xxd licences/BSD | head -n 3; xxd -p licences/BSD | xxd -r -p | cmp - licences/BSD && echo same
		tac words | head -n 3; rev words | head -n 3
		head -c 100 words | wc -c; tail -c 20 words; tail -n +3 words | head -n 1
		seq 1 3 20 | tr '\\n' ' '; echo
		printf '%s-%d-%x\\n' a 1 255 b 2 16
		head -n 1000 words > part.1; tail -n +1001 words > part.2; cat part.* | cmp - words && echo joined
		strings bin/busybox | grep -c version
		tee copy1 copy2 < licences/BSD | crc32; crc32 copy1 copy2
		expr 6 \\* 7; expr abc : 'a\\(.*\\)'; basename /a/b.c .c; dirname /a/b.c; factor 1234567890
		dos2unix < licences/BSD | unix2dos | md5sum
		cmp licences/BSD licences/GPL-1; echo "cmp $?"
	""", files={**licences(), **words(10), **sources()}, status=0, expect="joined")


def test_long_standard_input():
    """Five megabytes pass through a pipeline from standard input, unchanged and counted."""
    block = bytes(range(256)) * 64
    stdin = b"".join(block[i:] + block[:i] for i in range(0, 320))
    compare("""
		tee copy | sha256sum
		wc -c < copy
		dd if=copy bs=4096 skip=100 count=300 2>/dev/null | md5sum
		gzip -c copy | gunzip | cmp - copy && echo same
	""", stdin=stdin, status=0, expect="same")


def test_output_byte_for_byte():
    """All byte values come back from cat in their order, megabytes of them, and nothing else does."""
    stdin = bytes(range(256)) * 8192
    result = compare("cat; echo to the other stream >&2; exit 7", stdin=stdin, status=7)
    assert result.output == stdin
