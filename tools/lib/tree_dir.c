/*
 * tree_dir.c - a directory of the host into a file tree.
 *
 * What belongs to the user who runs this belongs to the sandbox's one user, 0; names of one file stay one
 * file.  Sockets are left out, since they mean nothing without the process behind them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "lib/tree.h"

/* Files with more than one name, by device and inode: a list, since they are few. */
struct seen {
	struct seen *next;
	dev_t device;
	ino_t inode;
	char *path;
};

struct scan {
	struct tree *tree;
	struct seen *seen;
	bool flat;                     /* a folder's entries stay out */
};

static char *seen_before(struct scan *s, const struct stat *st, const char *path)
{
	struct seen *n;

	for (n = s->seen; n; n = n->next)
		if (n->device == st->st_dev && n->inode == st->st_ino)
			return n->path;
	n = xmalloc(sizeof *n);
	*n = (struct seen){ s->seen, st->st_dev, st->st_ino, xstrdup(path) };
	s->seen = n;
	return NULL;
}

static struct tree_attributes attributes(const struct stat *st)
{
	return (struct tree_attributes){
		.mode = st->st_mode,
		.uid = st->st_uid == geteuid() ? 0 : st->st_uid,
		.gid = st->st_gid == getegid() ? 0 : st->st_gid,
		.mtime_ns = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec,
	};
}

static void add_one(struct scan *s, const char *host, const char *path);

static void add_entries(struct scan *s, const char *host, const char *path)
{
	DIR *d = opendir(host);
	struct dirent *entry;

	if (!d)
		die("%s: %s", host, strerror(errno));
	while ((entry = readdir(d))) {
		char *host_child, *child;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		host_child = xasprintf("%s/%s", host, entry->d_name);
		child = xasprintf("%s/%s", path, entry->d_name);
		add_one(s, host_child, child);
		free(host_child);
		free(child);
	}
	closedir(d);
}

static void add_one(struct scan *s, const char *host, const char *path)
{
	struct tree_attributes a;
	struct tree_entry *e;
	struct stat st;
	char *other;

	if (lstat(host, &st))
		die("%s: %s", host, strerror(errno));
	if (S_ISSOCK(st.st_mode))
		return;
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 && (other = seen_before(s, &st, path))) {
		tree_add_link(s->tree, path, other);
		return;
	}
	a = attributes(&st);
	e = tree_add(s->tree, path, &a);
	if (S_ISREG(st.st_mode)) {
		struct buffer b = read_file(host);

		entry_set_data(e, b.data, b.length);
	} else if (S_ISLNK(st.st_mode)) {
		char target[4097];
		ssize_t n = readlink(host, target, sizeof target - 1);

		if (n < 0)
			die("%s: %s", host, strerror(errno));
		target[n] = 0;
		entry_set_target(e, target);
	} else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
		entry_set_device(e, st.st_rdev);
	} else if (S_ISDIR(st.st_mode) && !s->flat) {
		add_entries(s, host, path);
	}
}

void tree_add_directory(struct tree *t, const char *directory)
{
	tree_add_host(t, directory, "", true);
}

void tree_add_host(struct tree *t, const char *host, const char *path, bool whole)
{
	struct scan s = { .tree = t, .flat = !whole };

	add_one(&s, host, path);
	while (s.seen) {
		struct seen *next = s.seen->next;

		free(s.seen->path);
		free(s.seen);
		s.seen = next;
	}
}
