"""The file tree image maker: directories and tar archives of every dialect give the same image."""

import io
import os
import struct
import subprocess
import tarfile

import lib

MKTREE = os.path.join(lib.BUILD, "mktree")


def read_image(path):
    """Parses an image as strictly as its page says; returns {path: (mode, mtime_ns, content or target or rdev)}."""
    with open(path, "rb") as file:
        image = file.read()
    magic, count, strings, total = struct.unpack_from("<8sIIQ", image)
    assert magic == b"KETREE1\0" and total == len(image) and total % 4096 == 0 and strings == 24 + 64 * count
    entries, paths, last = [], [], {}
    for i in range(count):
        (parent, name, name_len, zero, mode, uid, gid, mtime, size, data, flags, zero2) = struct.unpack_from(
            "<IIHHIIIQQQII", image, 24 + 64 * i)
        text = image[name:name + name_len]
        assert name >= strings or i == 0
        assert zero == zero2 == 0 and (parent < i or i == 0) and b"/" not in text
        assert last.get(parent, b"") < text or i == 0, "children out of order"
        if i:
            last[parent] = text
        paths.append("" if i == 0 else paths[parent] + "/" + text.decode())
        if flags & 1:
            content = entries[data][2]
        elif mode >> 12 == 8:
            assert data % 4096 == 0 and data + size <= total
            content = image[data:data + size]
        elif mode >> 12 == 10:
            assert data >= strings
            content = image[data:data + size].decode()
        else:
            content = data
        entries.append((mode, mtime, content, (uid, gid), flags, data))
    return dict(zip(paths, entries))


def make_source():
    os.makedirs("src/a/b")
    with open("src/a/file", "wb") as out:
        out.write(b"x" * 5000)
    os.link("src/a/file", "src/other")
    os.symlink("../a/file", "src/a/b/link")
    open("src/empty", "w").close()
    os.chmod("src/empty", 0o4711)
    long = "src/" + "n" * 200
    with open(long, "w") as out:
        out.write("long")
    deep = "src/" + "/".join(["d" * 40] * 8)
    os.makedirs(deep)
    os.symlink("t" * 300, deep + "/long-target")
    os.utime("src/empty", ns=(1, 1700000000123456789))


def image_of(*args):
    result = lib.run([MKTREE, "-o", "image", *args])
    lib.expect(result, stdout="", stderr="")
    return read_image("image")


def without_times(entries):
    return {path: entry[:1] + entry[2:] for path, entry in entries.items()}


def test_directory_and_archives_agree():
    """A directory, and its ustar, pax and GNU archives, plain and compressed, give the same tree."""
    make_source()
    want = image_of("src")
    assert want["/a/file"][2] == b"x" * 5000 and want["/other"][2] == b"x" * 5000
    assert want["/other"][4] | want["/a/file"][4] == 1 and want["/empty"][0] == 0o104711
    assert want["/empty"][1] == 1700000000123456789 and want["/a/b/link"][2] == "../a/file"
    for dialect in ("pax", "gnu"):
        subprocess.run(["tar", "-C", "src", "--owner=root:0", "--group=root:0", "--format=" + dialect, "-cf", dialect + ".tar", "."], check=True)
        assert without_times(image_of(dialect + ".tar")) == without_times(want), dialect
    assert image_of("pax.tar")["/empty"][1] == 1700000000123456789
    for program, suffix in (("gzip", "gz"), ("xz", "xz"), ("bzip2", "bz2")):
        subprocess.run([program, "-k", "pax.tar"], check=True)
        assert image_of("pax.tar." + suffix) == image_of("pax.tar"), program


def test_same_content_same_bytes():
    """The order of an archive's members does not show in the image."""
    make_source()
    members = sorted(subprocess.run(["find", "src", "-mindepth", "1", "-printf", "%P\n"], check=True, capture_output=True,
                                    text=True).stdout.split())
    images = []
    for order in (members, sorted(members, reverse=True)):
        with open("list", "w") as out:
            out.write("\n".join(order) + "\n")
        subprocess.run(["tar", "-C", "src", "--no-recursion", "--format=pax", "-T", "list", "-cf", "o.tar"], check=True)
        image_of("o.tar")
        with open("image", "rb") as file:
            images.append(file.read())
    assert images[0] == images[1]


def test_later_sources_replace():
    """What is laid over replaces a file, and merges into a directory."""
    for top, text in (("one", "1"), ("two", "2")):
        os.makedirs(top + "/d")
        for name in ("d/both", "d/only-" + top):
            with open(os.path.join(top, name), "w") as out:
                out.write(text)
    tree = image_of("one", "two")
    assert tree["/d/both"][2] == b"2" and "/d/only-one" in tree and "/d/only-two" in tree


def test_bad_archives():
    """A file that is no archive, a damaged one and one that leaves the tree are refused with a reason."""
    def refuse(data, words):
        with open("bad.tar", "wb") as out:
            out.write(data)
        result = lib.run([MKTREE, "-o", "image", "bad.tar"])
        assert result.status == 1 and words in result.stderr.decode(), result
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("name")
        info.size = 3000
        tar.addfile(info, io.BytesIO(bytes(3000)))
    good = buffer.getvalue()
    refuse(b"hello", "not a tar archive")
    refuse(b"hello" * 1000, "not a tar archive")
    refuse(good[:1000], "ends in the middle")
    refuse(b"X" + good[1:], "not a tar archive")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a/../../etc/passwd"))
    refuse(buffer.getvalue(), "..")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.LNKTYPE, "missing"
        tar.addfile(info)
    refuse(buffer.getvalue(), "hard link")


def test_base_tree():
    """The base tree has busybox, its applets as links, bash and the devices."""
    tree = read_image(os.path.join(lib.BUILD, "base.tree"))
    with open("/bin/busybox", "rb") as file:
        assert tree["/bin/busybox"][2] == file.read()
    assert tree["/bin/sh"][2] == "/bin/busybox" and tree["/usr/bin/awk"][2] == "/bin/busybox"
    assert tree["/dev/null"][0] == 0o020666 and tree["/dev/null"][2] == os.makedev(1, 3)
    assert tree["/tmp"][0] == 0o041777 and tree["/bin/bash"][0] == 0o100755
