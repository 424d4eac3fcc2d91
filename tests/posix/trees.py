"""Trees of files: finding, archiving, comparing, patching, and what the file calls promise."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import KEROS, run  # noqa: E402
from scenario import compare, licences, sources, words  # noqa: E402


def test_find_and_xargs():
    """find selects by name, size, kind and age; xargs runs commands over what it finds."""
    compare("""
		find sources -name '*.h' | sort
		find sources -type d | sort
		find sources -name '*.idl' -size +2k | sort
		find . -path './bin' -prune -o -type f -print | sort | tail -n 20
		find sources -name '*.idl' -print0 | sort -z | xargs -0 wc -l
		find sources -type f | sort | xargs -n 5 echo | head -n 10
		find sources -name '*.h' -exec grep -l PAGE {} + | sort
		find sources -name '*.idl' -exec sh -c 'echo "$1" | tr a-z A-Z' _ {} \\; | sort
		touch -d '2030-01-01 00:00:00' newer; find . -newer words -name 'ne*' | sort
		seq 1 1000 | xargs | wc -w
		seq 1 20 | xargs -I{} echo 'item {}' | tail -n 3
		echo a b c | xargs -n 1 false; echo "xargs $?"
		find sources -maxdepth 2 -name 'k*' | sort
	""", files={**sources(), **words(100)}, status=0, expect="xargs 123")


def test_tar_and_gzip():
    """tar keeps names, permissions and links through gzip, bzip2's reader and a second tree."""
    compare("""
		mkdir out
		chmod 640 sources/doc/link.md; chmod 755 sources/idl/page.idl
		ln -s doc/link.md sources/pointer; ln sources/doc/glossary.md sources/second
		tar -czf all.tar.gz sources
		tar -tzf all.tar.gz | sort
		(cd out && tar -xzf ../all.tar.gz)
		diff -r sources out/sources && echo trees agree
		ls -l out/sources/pointer | sed 's/.*pointer/pointer/'
		gunzip -c all.tar.gz | wc -c | awk '{ print ($1 % 512) }'
		gzip -9 -c licences/GPL-3 > gpl.gz; gzip -t gpl.gz && zcat gpl.gz | cmp - licences/GPL-3 && echo gzip agrees
		gzip -l gpl.gz | awk 'NR == 2 { print $2 }'
		tar -cf - licences | tar -xf - -C out && ls out/licences | wc -l
		tar -xf not-there.tar 2>/dev/null; echo "tar $?"
		head -c 1000 all.tar.gz > broken.gz; gunzip -c broken.gz > /dev/null 2>&1; echo "gunzip $?"
		find sources | sort | cpio -o -H newc 2>/dev/null > all.cpio; mkdir c; (cd c && cpio -id < ../all.cpio 2>/dev/null); diff -r sources c/sources && echo cpio agrees
	""", files={**sources(), **licences()}, status=0, expect="trees agree")


def test_compressors():
    """bzip2 and gzip: what is compressed comes back, and a broken archive is told."""
    compare("""
		mkdir out
		bzip2 -c licences/LGPL-2.1 > out/l.bz2; bunzip2 -c out/l.bz2 | cmp - licences/LGPL-2.1 && echo bzip2
		wc -c < out/l.bz2
		gzip -c words > out/w.gz && gunzip -c out/w.gz | sha256sum
		bzip2 -t out/l.bz2; echo $?
		echo 'not compressed' | bunzip2 2>/dev/null; echo $?
	""", files={**licences(), **words(4)}, status=0, expect="bzip2\n")


def test_diff_and_patch():
    """diff shows what sed changed, and patch carries it over and takes it back."""
    compare("""
		mkdir out
		cp -r sources changed
		find changed -name '*.idl' | sort | head -n 8 | xargs sed -i -e 's/page/leaf/g' -e '3d'
		diff -ur sources changed | sed 's/\\t.*//' > out/all.diff
		echo 'a new file' > sources/new; rm changed/doc/link.md
		diff -q -r sources changed | sort
		rm sources/new; cp sources/doc/link.md changed/doc/link.md
		cp -r sources patched
		(cd patched && patch -p1 < ../out/all.diff) | sort
		diff -r changed patched && echo patched alike
		(cd patched && patch -R -p1 < ../out/all.diff) > /dev/null
		diff -r sources patched && echo taken back
		diff licences/LGPL-2 licences/LGPL-2.1 | head -n 40
		diff -b -i licences/BSD licences/BSD && echo no difference
		diff licences/BSD licences/GPL-1 > /dev/null; echo "diff $?"
	""", files={**sources(), **licences()}, status=0, expect="patched alike")


def test_checksums():
    """Five checksum tools agree with the host's figures and find a changed file."""
    compare("""
		sha256sum licences/* > sums; head -n 3 sums
		sha256sum -c sums
		md5sum licences/*; sha1sum licences/*; sha512sum licences/BSD; sha3sum licences/BSD
		crc32 licences/BSD
		echo change >> licences/BSD
		sha256sum -c sums 2>&1 | grep -v OK; echo "status $?"
	""", files=licences(), status=0, expect="BSD: FAILED")


def test_file_calls():
    """Links, renames, permissions, times, holes and open files that were removed."""
    compare("""
		mkdir -p out/a/b/c && cd out
		echo one > a/file; ln a/file a/second; ln -s file a/pointer; ln -s nowhere dangling
		echo more >> a/second; cat a/pointer
		stat -c '%n %F %a %h %s' a/file a/second a/pointer a dangling
		mv a/file a/b/moved; cat a/pointer 2>&1; readlink a/pointer; readlink -f a/b/../second | sed 's/.*out/out/'
		chmod u=rw,go= a/second; chmod -R g+w a/b; ls -lR a | awk '{ print $1, $9, $10, $11 }' | grep -v ^total
		touch -d '2001-02-03 04:05:06' dated; date -r dated '+%F %T'; stat -c %Y dated
		cp -p dated copied; [ dated -nt copied ] || [ copied -nt dated ] || echo same age
		dd if=/dev/zero of=hole bs=1 count=1 seek=1000000 2>/dev/null; stat -c %s hole; truncate -s 5000 hole; stat -c %s hole; rm hole
		exec 3> gone; rm gone; echo still here >&3; cat /proc/self/fd/3 2>/dev/null; exec 3>&-; ls gone 2>&1
		cp -a a copy; diff -r a copy && echo copied
		mkdir full; touch full/x; rmdir full 2>&1; rm -r full; rmdir a 2>&1
		mv copy a/b/c; ls a/b/c; mkdir x y; mv x y; ls y; mv y y/z 2>&1
		[ -L a/pointer ] && echo link; [ -e dangling ] || echo dangling; [ -x a ] && echo searchable
		mkfifo fifo; (echo through the fifo > fifo &) ; cat fifo; rm fifo
		for i in 1 2 3; do echo $i > f.$i; done; echo f.*; echo f.[!2]; rm f.?
		echo abc > ro; chmod 444 ro; ls -l ro | cut -c 1-10
		(umask 077; touch private; stat -c %a private)
		cd a/b/c && pwd | sed 's/.*out/out/' && cd ../../.. && ls -a
		echo x > '-strange name'; rm ./'-strange name'; touch "$(printf 'new\\nline')"; ls | head -n 20
	""", status=0, expect="through the fifo")


def test_df_names_what_a_path_lies_on():
    """df finds the mount of any path and its room, before and after a file is written there; mount lists the same."""
    result = run([KEROS, "run", "--tmp", "16M", "--", "sh", "-c",
                  "df -k /etc /tmp; head -c 4194304 /dev/zero >/tmp/f; df -k /tmp; mount; df | grep -c /proc"])
    lines = [line.split() for line in result.stdout.decode().splitlines()]
    assert [line[-1] for line in lines[1:3]] == ["/", "/tmp"], result
    before, after = lines[2], lines[4]
    assert int(before[1]) == 16384 and 4096 <= int(before[3]) - int(after[3]) < 4200, result
    assert [line[2] for line in lines if line[1:2] == ["on"]] == ["/", "/proc", "/tmp"], result
    assert lines[-1] == ["0"] and not result.stderr, result
