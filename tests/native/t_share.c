/*
 * t_share.c - the driver of the host's shares as a client meets it, a hostile one too.
 *
 * Share 0 is to be written, with a file `f` ("content"), a folder `d` with `x` in it, a link `out` to `..`; share 1 is only read
 * and has the same.  What is beside them on the host is named `secret`.
 */
#include "t.h"
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include <keros/share.h>

#define ERROR(n) (FILES_ERROR + (n))
enum { E_PERM = 1, E_NOENT = 2, E_EXIST = 17, E_NOTDIR = 20, E_ISDIR = 21, E_INVAL = 22, E_ROFS = 30, E_LOOP = 40 };

static char buffer[INV_STRING_MAX];
static size_t got;

static uint32_t walk(cap_t dir, const char *path, uint64_t *found, uint64_t *last)
{
	return directory_walk(dir, path, strlen(path), found, last, buffer, sizeof buffer, &got);
}

static uint32_t open_file(cap_t dir, const char *path, unsigned flags, cap_t to)
{
	return directory_open(dir, flags, 0644, path, strlen(path), to, NULL, buffer, sizeof buffer, &got);
}

static void test_attach(void)
{
	t_rc(share_attach(T_SERVICE, 0, 0, 0, "", 0, T_A, buffer, sizeof buffer, &got), RC_OK, "a share is attached");
	t_ok(t_type(T_A) == DIRECTORY_TYPE && got == sizeof(struct file_attr), "it is a directory, and its attributes come");
	t_rc(share_attach(T_SERVICE, 1, 0, 1, "", 0, T_B, NULL, 0, NULL), RC_OK, "another, only to read");
	t_rc(share_attach(T_SERVICE, 9, 0, 0, "", 0, T_C, NULL, 0, NULL), RC_VOID, "there is no share 9");
	t_rc(share_attach(T_SERVICE, ~0ull, 0, 0, "", 0, T_C, NULL, 0, NULL), RC_VOID, "nor the last of all");
	t_rc(share_attach(T_SERVICE, 0, 15, 0, "", 0, T_C, NULL, 0, NULL), RC_REQUEST, "there is no group 15");
	t_rc(share_attach(T_SERVICE, 0, 0, 0, "..", 2, T_C, NULL, 0, NULL), RC_REQUEST, "no single name is ..");
	t_rc(share_attach(T_SERVICE, 0, 0, 0, "a/b", 3, T_C, NULL, 0, NULL), RC_REQUEST, "nor a path");
}

static void test_paths(void)
{
	static const char *const bad[] = { "/", "/f", "f/", "d//x", ".", "..", "./f", "d/..", "../secret", "d/../../secret", "d/./x" };
	uint64_t found = 9, last = 9;

	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		t_rc(walk(T_A, bad[i], &found, &last), ERROR(E_INVAL), bad[i]);
		t_rc(open_file(T_A, bad[i], FILES_READ, T_D), ERROR(E_INVAL), "nor opened");
		t_rc(directory_remove(T_A, 0, bad[i], strlen(bad[i])), ERROR(E_INVAL), "nor removed");
	}
	t_rc(directory_walk(T_A, "f\0x", 3, &found, &last, buffer, sizeof buffer, &got), ERROR(E_INVAL), "a name has no NUL");
	t_ok(walk(T_A, "d/x", &found, &last) == RC_OK && found == 2 && last == 1 && got == sizeof(struct file_attr), "two names are found");
	t_ok(walk(T_A, "d/none", &found, &last) == RC_OK && found == 1 && last == 0, "one of two is found");
	t_ok(walk(T_A, "none/none", &found, &last) == RC_OK && found == 0, "none is found");
	t_ok(walk(T_A, "f/below", &found, &last) == RC_OK && found == 1 && last == 1, "nothing is below a file");
	t_ok(walk(T_A, "out/secret", &found, &last) == RC_OK && found == 1 && last == 1 && got > sizeof(struct file_attr) &&
	     memcmp(buffer + sizeof(struct file_attr), "..", 2) == 0, "a link ends the walk, and its target is told");
	t_rc(open_file(T_A, "out", FILES_READ, T_D), ERROR(E_LOOP), "a link is not opened");
	t_ok(open_file(T_A, "out/secret", FILES_READ, T_D) != RC_OK, "nor anything through it");
	t_ok(directory_lookup(T_A, "out", 3, T_D, NULL, 0, NULL) != RC_OK, "nor is it a folder");
	t_rc(open_file(T_A, "d", FILES_READ, T_D), ERROR(E_ISDIR), "a folder is not opened as a file");
	t_rc(open_file(T_A, "", FILES_READ, T_D), ERROR(E_ISDIR), "nor the root");
	t_rc(open_file(T_A, "f", 0, T_D), RC_REQUEST, "to open is to read or to write");
	for (unsigned i = 0; i < FILES_NAMES + 1; i++)
		memcpy(buffer + 2 * i, "d/", 2);
	t_rc(directory_walk(T_A, buffer, 2 * FILES_NAMES + 1, &found, &last, NULL, 0, NULL), ERROR(E_INVAL), "65 names are too many");
	memset(buffer, 'n', 300);
	t_rc(directory_walk(T_A, buffer, 256, &found, &last, NULL, 0, NULL), ERROR(E_INVAL), "a name of 256 bytes is too long");
	t_ok(directory_walk(T_A, buffer, 255, &found, &last, NULL, 0, NULL) == RC_OK && found == 0, "one of 255 is not there");
}

static void test_file(void)
{
	uint64_t written = 0;

	t_rc(open_file(T_A, "f", FILES_READ, T_D), RC_OK, "a file is opened");
	t_ok(t_type(T_D) == FILE_TYPE, "it is one");
	t_ok(file_read(T_D, 0, 100, buffer, sizeof buffer, &got) == RC_OK && got == 7 && !memcmp(buffer, "content", 7), "and read");
	t_ok(file_read(T_D, 7, 100, buffer, sizeof buffer, &got) == RC_OK && got == 0, "behind its end there is nothing");
	t_rc(file_read(T_D, ~0ull, 100, buffer, sizeof buffer, &got), RC_REQUEST, "an offset is not negative");
	t_rc(file_read(T_D, 0, 0, buffer, sizeof buffer, &got), RC_REQUEST, "a limit is not zero");
	t_rc(file_write(T_D, 0, "x", 1, &written), RC_NOACCESS, "what is open to read is not written");
	t_rc(file_set(T_D, FILES_SET_SIZE, 0, 0, 0, 0), RC_NOACCESS, "nor cut");
	t_rc(open_file(T_A, "new", FILES_WRITE | FILES_CREATE | FILES_EXCLUSIVE, T_E), RC_OK, "a file is made");
	t_rc(open_file(T_A, "new", FILES_WRITE | FILES_CREATE | FILES_EXCLUSIVE, T_F), ERROR(E_EXIST), "once");
	t_ok(file_write(T_E, 3, "abc", 3, &written) == RC_OK && written == 3, "and written");
	t_rc(file_read(T_E, 0, 10, buffer, sizeof buffer, &got), RC_NOACCESS, "what is open to write is not read");
	t_ok(open_file(T_A, "new", FILES_READ, T_F) == RC_OK && file_read(T_F, 0, 10, buffer, sizeof buffer, &got) == RC_OK && got == 6 &&
	     !memcmp(buffer, "\0\0\0abc", 6), "what was written is there");
	t_rc(file_sync(T_E, 0), RC_OK, "and made durable");
	t_rc(file_close(T_E), RC_OK, "it is closed");
	t_rc(file_write(T_E, 0, "x", 1, &written), RC_VOID, "and the capability is dead");
	t_rc(file_close(T_E), RC_VOID, "twice too");
	file_close(T_F);
	t_rc(directory_remove(T_A, 0, "new", 3), RC_OK, "it is removed");
	t_rc(directory_remove(T_A, 0, "d", 1), ERROR(E_ISDIR), "a folder is not removed as a file");
	t_rc(directory_set(T_A, FILES_SET_MODE, 07777, 0, 0, 0, "f", 1), RC_OK, "a mode is set");
	t_ok(walk(T_A, "f", NULL, NULL) == RC_OK && (((struct file_attr *)buffer)->mode & 06000) == 0, "but never set-id bits");
	t_rc(directory_set(T_A, FILES_SET_SIZE, 0, 0, 0, 0, "d", 1), ERROR(E_ISDIR), "a folder has no size to set");
	t_rc(directory_set(T_A, FILES_SET_SIZE, 0, 0, 0, 0, "out", 3), ERROR(E_INVAL), "nor a link");
	file_close(T_D);
}

static void test_facets(void)
{
	uint64_t found, last;

	t_rc(open_file(T_B, "f", FILES_READ, T_D), RC_OK, "what is only read is read");
	file_close(T_D);
	t_rc(open_file(T_B, "f", FILES_WRITE, T_D), ERROR(E_ROFS), "and not opened to write");
	t_rc(open_file(T_B, "n", FILES_WRITE | FILES_CREATE, T_D), ERROR(E_ROFS), "nor made");
	t_rc(open_file(T_B, "f", FILES_READ | FILES_CUT, T_D), ERROR(E_ROFS), "nor cut");
	t_rc(directory_make_directory(T_B, 0755, "n", 1), ERROR(E_ROFS), "no folder is made");
	t_rc(directory_remove(T_B, 0, "f", 1), ERROR(E_ROFS), "nothing is removed");
	t_rc(directory_rename(T_B, 1, "fg", 2), ERROR(E_ROFS), "nor renamed");
	t_rc(directory_make_link(T_B, 1, "ft", 2), ERROR(E_ROFS), "nor linked");
	t_rc(directory_make_name(T_B, 1, "fg", 2), ERROR(E_ROFS), "in no way");
	t_rc(directory_set(T_B, FILES_SET_MODE, 0, 0, 0, 0, "f", 1), ERROR(E_ROFS), "nor changed");
	t_rc(directory_make_readonly(T_A, T_D), RC_OK, "what may be written can be weakened");
	t_rc(open_file(T_D, "f", FILES_WRITE, T_E), ERROR(E_ROFS), "and is then only read");
	t_rc(directory_lookup(T_D, "d", 1, T_E, NULL, 0, NULL), RC_OK, "a folder of it");
	t_rc(directory_make_directory(T_E, 0755, "n", 1), ERROR(E_ROFS), "is no stronger");
	t_ok(walk(T_E, "x", &found, &last) == RC_OK && found == 1, "it has what is below it");
	t_ok(walk(T_E, "f", &found, &last) == RC_OK && found == 0, "and nothing of what is above");
	directory_close(T_D);
	directory_close(T_E);
	t_rc(share_attach(T_SERVICE, 0, 1, 0, "f", 1, T_D, NULL, 0, NULL), RC_OK, "one file of a folder is attached");
	t_ok(walk(T_D, "f", &found, &last) == RC_OK && found == 1, "it is there");
	t_ok(walk(T_D, "d", &found, &last) == RC_OK && found == 0, "its neighbours are not");
	t_rc(open_file(T_D, "d/x", FILES_READ, T_E), ERROR(E_NOENT), "nor what is in them");
	t_rc(directory_lookup(T_D, "d", 1, T_E, NULL, 0, NULL), ERROR(E_NOENT), "nor as folders");
	t_ok(directory_list(T_D, 0, 4096, buffer, sizeof buffer, &got) != RC_OK, "nothing is listed");
	t_ok(directory_rename(T_D, 1, "fd", 2) != RC_OK && directory_remove(T_D, 0, "f", 1) != RC_OK, "nor renamed, nor removed");
	t_ok(directory_make_name(T_D, 1, "fg", 2) != RC_OK, "nor given another name");
}

static void test_strange(void)
{
	struct msg m = { .order = 99 };

	t_rc(inv_call(T_A, &m), RC_UNKNOWN, "an order that is none");
	m = (struct msg){ .order = DIRECTORY_OC_WALK };
	t_ok(inv_call(T_A, &m) == RC_OK && m.w[0] == 0, "a walk without a string is of the root");
	m = (struct msg){ .order = DIRECTORY_OC_RENAME, .w = { 5 }, .send_string = "abc", .send_length = 3 };
	t_ok(inv_call(T_A, &m) != RC_OK, "a second path behind the end");
	m = (struct msg){ .order = DIRECTORY_OC_WALK, .send_string = buffer, .send_length = 60000 };
	t_ok(inv_call(T_A, &m) != RC_OK, "a path of 60,000 bytes");
	t_rc(directory_list(T_A, 0, 1, buffer, sizeof buffer, &got), RC_REQUEST, "a listing of one byte");
	t_ok(directory_list(T_A, 0, ~0ull, buffer, sizeof buffer, &got) == RC_OK && got > 0, "a listing without limit");
	t_ok(directory_list(T_A, ~0ull >> 1, 4096, buffer, sizeof buffer, &got) != RC_RESTART, "a listing from nowhere");
	/* Somebody who wants no answer, and somebody who sends. */
	m = (struct msg){ .order = DIRECTORY_OC_WALK, .send_string = "f", .send_length = 1 };
	for (unsigned i = 0; i < 200; i++)
		inv_send(T_A, &m);
	t_ok(walk(T_A, "d/x", NULL, NULL) == RC_OK, "two hundred who await no answer keep nobody from his");
	for (unsigned i = 0; i < 5000; i++) {
		if (open_file(T_A, "f", FILES_READ, T_D) != RC_OK)
			break;
		if (i % 2)
			file_close(T_D);
	}
	t_ok(open_file(T_A, "f", FILES_READ, T_D) != RC_OK || t_type(T_D) == FILE_TYPE, "handles run out, or do not, and nothing breaks");
	t_rc(share_reset(T_SERVICE, 1), RC_OK, "another group's end");
	t_ok(walk(T_A, "f", NULL, NULL) == RC_OK, "is not ours");
	t_rc(share_reset(T_SERVICE, 0), RC_OK, "ours");
	t_rc(walk(T_A, "f", NULL, NULL), RC_VOID, "is");
	t_rc(share_reset(T_SERVICE, 15), RC_REQUEST, "there is no group 15");
}

int main(void)
{
	t_begin("t_share");
	t_move(SHARE_TYPE, T_SERVICE);
	test_attach();
	test_paths();
	test_file();
	test_facets();
	test_strange();
	return t_end();
}
