"""mutants - bugs put into kernel/store on purpose, one at a time, in a copy: do its tests notice?

Each is a small change of one place.  It is caught if a test of kernel/store/*_test.c fails, stops or does not end.
At least 95 of 100 must be; one that no longer applies to the source is an error of this file.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from lib import BUILD, ROOT

MUTANTS = [
    ("checkpoint.c", "\ts->phase = STORE_FLUSH_1;\n", "\treturn header_start(s);\n", "no flush before a header that proves nothing"),
    ("checkpoint.c", "\tio_start(s, DISK_FLUSH, 0, NULL, flushed_2, 0);\n", "\ts->phase = STORE_APPLY;\n\t(void)flushed_2;\n", "a commit is told before its flush"),
    ("checkpoint.c", "\tunsigned place = s->next_header.generation & 1;\n", "\tunsigned place = 0;\n", "every large header in the same frame"),
    ("checkpoint.c", "if ((v->flags & V_MOVED) && !s->quick)", "if (v->flags & V_MOVED)", "a small directory leaves out homes that no flush made durable"),
    ("checkpoint.c", "if (v->epoch < s->header.generation && version_newest(s, v->oid, s->header.generation) != v)", "if (version_newest(s, v->oid, s->header.generation) != v)", "a commit frees versions of the next epoch"),
    ("checkpoint.c", "\t\tif (s->mig != MIG_IDLE || s->journal_state)\n", "\t\tif (s->journal_state)\n", "a commit is taken over while migration uses what it frees"),
    ("checkpoint.c", "\tborrowed_keep(s);\n", "\t(void)borrowed_keep;\n", "versions of journal pages lose their frames"),
    ("checkpoint.c", ".journal_sequence = s->journal_next - 1 }", ".journal_sequence = s->journal_next }", "a header claims one journal record too many"),
    ("checkpoint.c", "\tif (dir_is_writing(s) || versions_in_flight(s, s->stable_epoch))\n\t\treturn false;\n\tif (s->seat)\n", "\tif (s->seat)\n", "the one flush does not wait for what it must make durable"),
    ("checkpoint.c", "\ts->reserved_old = s->reserved_new;\n", "\ts->reserved_old = s->reserved_new - (s->reserved_new > 3);\n", "a demarcation loses a reservation"),
    ("checkpoint.c", "s->next_header.proves += v->epoch == s->stable_epoch && v->lid;", "s->next_header.proves += v->epoch == s->stable_epoch;", "zero objects are to be proved, which cannot be"),
    ("migrate.c", "v->epoch <= s->header.generation - (s->header.proves != 0)", "v->epoch <= s->header.generation", "homes newer than the header that may be fallen back to"),
    ("migrate.c", "\ttag_changed(s, s->mig_group, store_buffer(s, B_MIG_TAG));\n", "", "the cache of tags is not told"),
    ("migrate.c", "if (v->lid && checksum_frame(store_buffer(s, B_MIG + i), v->oid) != v->checksum) {", "if (0) {", "migration does not check what it moves"),
    ("migrate.c", "\tif (!v->lid && first)\n", "\tif (0)\n", "the home of a zero object stays zero"),
    ("store.c", "\tif (result == STORE_OK && was_dirty)\n\t\tresult = copy_frozen(s, o);\n", "", "no copy before a frozen object changes"),
    ("store.c", "\tif (was_dirty && version_in_flight(s, o->oid))\n\t\treturn STORE_WAIT;\n", "", "an object changes while the disk reads it"),
    ("store.c", "\tif (log_needed(s, count) <= s->log_free && !versions_full(s, count))\n", "\tif (log_needed(s, 0) <= s->log_free && !versions_full(s, count))\n", "room is promised twice"),
    ("store.c", "\tif (result == STORE_OK)\n\t\ts->reserved_new++;\n", "\tif (result == STORE_OK && !was_dirty)\n\t\ts->reserved_new++;\n", "a copied object is not reserved anew"),
    ("journal.c", "\ts->journal_state = JOURNAL_FLUSHING;\n\tio_start(s, DISK_FLUSH, 0, NULL, journal_flushed, 0);\n", "\t(void)journal_flushed;\n\tjournal_end(s, STORE_OK);\n", "a journal record is told before its flush"),
    ("journal.c", "if (journal_lids(s, q)[i])\n\t\t\t\tlog_free", "if (journal_lids(s, q)[i] && i)\n\t\t\t\tlog_free", "a journal page's frame is never free again"),
    ("journal.c", "journal_seed(o->oid, sequence)", "journal_seed(o->oid, 0)", "a journal page's sum does not know its record"),
    ("restart.c", "if (h->generation > s->header.generation) {", "if (h->generation > s->header.generation && !s->header.generation) {", "the first header found is in force"),
    ("restart.c", "if (kind == ENTRY_KIND(e) && alloc_count == e->alloc_count)", "if (kind == ENTRY_KIND(e))", "the journal brings back a rescinded page"),
    ("restart.c", "\tlids[i] = e->lid;\n\tlog_mark(s, e->lid);\n", "\tlids[i] = 0;\n", "a restart gives a journal's frames away"),
    ("restart.c", "\t\tif (checksum_frame(store_buffer(s, B_MIG + i), v->oid) != v->checksum) {\n\t\t\theader_broken", "\t\tif (0) {\n\t\t\theader_broken", "a header need not prove itself"),
    ("restart.c", "(s->header.dir_sum && s->restart_dir_sum != s->header.dir_sum)", "0", "any directory of the generation will do"),
    ("restart.c", "if (s->mend_headers >> place & 1)", "if (0)", "a header that proved nothing stays"),
    ("restart.c", "\tif (!s->mend_left)\n\t\tio_start(s, DISK_FLUSH, 0, NULL, mend_flushed, 0);\n", "\tif (!s->mend_left)\n\t\ts->mend = MEND_NONE;\n", "a life begins on what only the host's cache holds"),
    ("checkpoint.c", "(!s->quick || s->through != s->next_header.proves)", "(!s->quick)", "what was written early counts as written through"),
    ("checkpoint.c", "s->seat ? DISK_THROUGH : DISK_WRITE, header_place", "DISK_WRITE, header_place", "a header that is not written through counts as if it were"),
    ("checkpoint.c", "s->seat ? DISK_THROUGH : DISK_WRITE, s->m.dirs", "DISK_WRITE, s->m.dirs", "a directory that is not written through counts as if it were"),
    ("log.c", "hot ? DISK_THROUGH : DISK_WRITE", "DISK_WRITE", "versions that are not written through count as if they were"),
    ("checkpoint.c", "!(s->small && write_moving(s, &object) == STORE_OK)", "true", "who changes a page that is being saved waits for the disk"),
    ("migrate.c", "for (unsigned i = 0; !ok && i < s->mig_count; i++)", "for (unsigned i = 0; 0 && i < s->mig_count; i++)", "tags that could not be read are written over"),
    ("migrate.c", "\tif (!s->mig_good) {\n", "\tif (0) {\n", "a group with nothing to move has its tags written"),
    ("migrate.c", "s->mig_hurry && s->mig_put_off < PUT_OFF_MOST", "s->mig_hurry", "homes are put off for ever"),
    ("log.c", "small && s->seat && !hot ? log_alloc_cold(s) : log_alloc(s)", "log_alloc(s)", "what is new lies in the way of the seats"),
    ("same.c", "frames_equal(same_data(s, same), o->data)", "true", "what was once the same is never looked at again"),
    ("same.c", "v->epoch == same->epoch && ", "", "a copy counts for versions after it"),
    ("same.c", " && v->call_count == o->call_count", "", "a count that changed is not saved"),
    ("restart.c", "\tif (s->mend_record) {\n", "\tif (0) {\n", "a journal record that was not whole stays"),
    ("restart.c", "\tif (!s->status.older_header) {\n", "\tif (1) {\n", "homes are not looked at after the loss of a header"),
    ("restart.c", "\tif (s->journal_next + 1 - s->header.journal_sequence <= s->super.journal_frames &&\n", "\tif (0 &&\n", "a lost record with a successor passes for the last"),
    ("restart.c", "\tif (e->lid)\n\t\tlog_mark(s, e->lid);\n", "\tif (e->lid && e->epoch > 3)\n\t\tlog_mark(s, e->lid);\n", "a restart gives old versions' frames away"),
    ("fetch.c", "f->zero ? frame_is_zero(f->data) : checksum_frame(f->data, f->oid) == f->checksum", "1", "a fetch does not check"),
    ("fetch.c", "\tif (v->flags & V_WRITING)\n\t\treturn false;", "\tif (0)\n\t\treturn false;", "a fetch does not wait for a write"),
    ("fetch.c", "f->zero ? frame_is_zero(f->data) :", "f->zero ? true :", "a lost tag passes for one never written"),
    ("io.c", "\tif (!ok && io->op <= DISK_WRITE && ++io->tries < IO_TRIES) {\n", "\tif (0) {\n", "no request is tried again"),
    ("io.c", "!ok && io->op <= DISK_WRITE && ++io->tries", "!ok && ++io->tries", "a flush that failed is tried again"),
    ("io.c", "\tbool ok = io->state == IO_DONE;\n", "\tbool ok = true;\n", "errors of the disk are ignored"),
    ("log.c", "return objects + 2 * dir_frames(", "return objects + 0 * dir_frames(", "no room for directories"),
    ("log.c", "\t\tif (v->lid && !(v->flags & V_BORROWED))\n\t\t\tlog_free(s, v->lid);\n\t\tv->flags = 0;", "\t\tv->flags = 0;", "an early version's frame is lost"),
    ("log.c", "\tif (older && older->alloc_count > v->alloc_count) {\n", "\tif (0) {\n", "allocation counts may go back"),
    ("log.c", "v->checksum = null ? 0 : checksum_frame(data, o->oid);", "v->checksum = null ? 0 : checksum_frame(data, 0);", "a version's sum does not know its object"),
    ("format.c", "\tif (tag->check != tag_check(tag, oid))\n\t\treturn C321_TAG;\n", "", "tags are not checked"),
    ("format.c", "return tag->epoch > generation ? C323_HOME_NEWER : 0;", "return 0;", "homes may be newer than the header"),
    ("format.c", "sum == XXH64(sector, DISK_SECTOR - 8, 0)", "(sum != 0)", "sectors are not checked"),
    ("tag.c", "\t\tline->state = line->state == LINE_ERROR ? LINE_FREE : LINE_STALE;\n", "\t\tline->state = line->state == LINE_ERROR ? LINE_FREE : line->state;\n", "tags that were being read stay as they were"),
    ("verify.c", "\t    checksum_frame(verify_frame[1], oid) != tag->checksum)\n\t\tbroken(v, C322_HOME, oid);", "\t    0)\n\t\tbroken(v, C322_HOME, oid);", "the checker does not look at homes"),
    ("verify.c", "\tif (!bit_take(v->seen, ENTRY_OID(e)))\n", "\tif (bit_take(v->seen, ENTRY_OID(e)) && 0)\n", "the checker lets a directory name an object twice"),
]

TESTS = {"checkpoint": {}, "same": {}, "migrate": {}, "cuts": dict(LINEAR="2000", TORN="4000", NESTED="8000", TWICE="20000", KILLED="4000"), "faults": {}, "damage": dict(DAMAGE="3000"), "tag": {}, "conditions": {}}
SECONDS = 90


def build(top, out, name):
    """A test over the store in `top`; some need the hosted kernel, whose store they do not use."""
    sources = [os.path.join(top, "kernel/store", name) for name in sorted(os.listdir(os.path.join(top, "kernel/store")))
               if name.endswith(".c") and not name.endswith("_test.c")]
    flags = ["-std=gnu11", "-O1", "-g", "-I" + os.path.join(top, "kernel/include"), "-I" + os.path.join(top, "kernel"),
             "-I" + os.path.join(BUILD, "gen"), "-I" + os.path.join(ROOT, "arch/hosted")]
    alone = name not in ("conditions", "tag")
    subprocess.run(["cc", *flags, *(["-DCUTS_ALONE"] if alone else ["-DKEROS_HOSTED", "-fsanitize=address,undefined"]), "-w",
                    "-o", os.path.join(out, name), os.path.join(top, "kernel/store", name + "_test.c"), *sources,
                    *([os.path.join(ROOT, "arch/hosted/disksim.c")] if alone else [os.path.join(BUILD, "hosted/libkernel.a")]),
                    "-lcmocka"], check=True)


def caught_by(top, out):
    """The first test that notices, or None."""
    for name, environment in TESTS.items():
        build(top, out, name)
        try:
            done = subprocess.run([os.path.join(out, name)], env={**os.environ, **environment, "SEED": "1", "ASAN_OPTIONS": "detect_leaks=0"},
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return name + " (no end)"
        if done.returncode:
            return name
    return None


def main():
    caught = 0
    with tempfile.TemporaryDirectory() as directory:
        top = os.path.join(directory, "tree")
        shutil.copytree(os.path.join(ROOT, "kernel"), os.path.join(top, "kernel"))
        assert caught_by(top, directory) is None, "the tests fail without a mutant"
        only = os.environ.get("ONLY")
        mutants = [m for m in MUTANTS if not only or re.search(only, m[3])]
        for file, old, new, what in mutants:
            path = os.path.join(top, "kernel/store", file)
            with open(path) as source:
                text = source.read()
            assert text.count(old) == 1, "%s: %r is there %d times" % (file, old, text.count(old))
            with open(path, "w") as source:
                source.write(text.replace(old, new))
            by = caught_by(top, directory)
            caught += by is not None
            print("%-8s %-14s %s" % ("caught" if by else "MISSED", by or "", what), flush=True)
            with open(path, "w") as source:
                source.write(text)
    print("%d of %d mutants caught" % (caught, len(mutants)))
    return 0 if caught * 100 >= 95 * len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
