/*
 * dir.c - the table of names of a directory.
 *
 * Names stand in an array in the order they came, each with a cookie that grows along it.  A removal leaves a
 * hole, so a reader's place (the cookie of the next name) stays right whatever is removed under it; holes are
 * squeezed out when the array is full.  From SMALL names on, chains of a hash table lead into the array.
 *
 * Rules
 *   1. A struct dentry pointer is good until the next dir_add to that directory.
 *   2. Functions other than dir_open_image, dir_add and dir_live want a directory that is laid out.
 *   3. Each name owns one reference to its inode; dentry_inode makes the inode of a name of the image.
 */
#include <stdlib.h>
#include <string.h>
#include "vfs.h"

#define SMALL 8

struct name name_of(const char *text, size_t length)
{
	struct name n = {text, length, 0};
	for (size_t i = 0; i < length; i++)
		n.hash = hash_step(n.hash, text[i]);
	return n;
}

int dir_open_image(struct inode *dir)
{
	/* A share's are laid out before anybody comes here (share_lay). */
	return dir->dir.pending ? dir->share ? -EIO : tree_lay_out(dir) : 0;
}

static bool dentry_is(const struct dentry *d, const struct name *name)
{
	return d->hash == name->hash && d->length == name->length && d->name &&
	       !memcmp(d->name, name->text, name->length);
}

struct dentry *dir_find(struct inode *inode, const struct name *name)
{
	struct dir *dir = &inode->dir;
	if (!dir->buckets) {
		for (uint32_t i = 0; i < dir->used; i++)
			if (dentry_is(dir->entries + i, name))
				return dir->entries + i;
		return NULL;
	}
	for (uint32_t at = dir->buckets[name->hash & dir->bucket_mask]; at; at = dir->entries[at - 1].next)
		if (dentry_is(dir->entries + at - 1, name))
			return dir->entries + at - 1;
	return NULL;
}

static void bucket_insert(struct dir *dir, uint32_t index)
{
	struct dentry *d = dir->entries + index;
	uint32_t *bucket = dir->buckets + (d->hash & dir->bucket_mask);
	d->next = *bucket;
	*bucket = index + 1;
}

/* After the array moved: holes go, the hash table is made anew for its size.  Without memory for it the
 * directory is searched from end to end, which is slow and right. */
static void dir_rebuild(struct dir *dir)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < dir->used; i++)
		if (dir->entries[i].name)
			dir->entries[used++] = dir->entries[i];
	dir->used = used;
	free(dir->buckets);
	dir->buckets = NULL;
	if (dir->room <= SMALL)
		return;
	uint32_t size = 16;
	while (size < dir->room)
		size *= 2;
	dir->buckets = calloc(size, sizeof *dir->buckets);
	if (!dir->buckets)
		return;
	dir->bucket_mask = size - 1;
	for (uint32_t i = 0; i < used; i++)
		bucket_insert(dir, i);
}

/* Room for one more name. */
static int dir_make_room(struct dir *dir)
{
	if (dir->used < dir->room)
		return 0;
	if (dir->used && dir->live <= dir->used / 2) {
		dir_rebuild(dir);
		return 0;
	}
	uint32_t room = dir->room ? dir->room * 2 : SMALL;
	struct dentry *entries = realloc(dir->entries, room * sizeof *entries);
	if (!entries)
		return -ENOSPC;
	dir->entries = entries;
	dir->room = room;
	dir_rebuild(dir);
	return 0;
}

/* A dentry for the name, still without what it leads to; NULL = no memory. */
static struct dentry *dentry_new(struct dir *dir, const struct name *name)
{
	char *text = dir_make_room(dir) ? NULL : malloc(name->length);
	struct dentry *d = dir->entries + dir->used;
	if (!text)
		return NULL;
	memcpy(text, name->text, name->length);
	*d = (struct dentry){
		.name = text, .length = name->length, .hash = name->hash, .cookie = dir->next_cookie++, .owned = true,
	};
	if (dir->buckets)
		bucket_insert(dir, dir->used);
	dir->used++;
	dir->live++;
	return d;
}

int dir_add(struct inode *inode, const struct name *name, struct inode *child)
{
	/* A mount may stand in a share whose names are not laid out yet. */
	int error = inode->share ? 0 : dir_open_image(inode);
	struct dentry *d = error ? NULL : dentry_new(&inode->dir, name);
	if (!d)
		return -ENOSPC;
	d->inode = child;
	child->parent = inode;
	child->name = d->name;
	child->name_length = name->length;
	return 0;
}

int dir_add_later(struct inode *inode, const struct name *name, unsigned type, uint64_t number)
{
	struct dentry *d = dentry_new(&inode->dir, name);
	if (!d)
		return -ENOSPC;
	d->tree = DENTRY_SHARE;
	d->entry = type;
	d->number = number;
	return 0;
}

struct inode *dentry_inode(struct inode *dir, struct dentry *d)
{
	if (!d->inode && !(d->inode = tree_inode(d->tree, d->entry)))
		return NULL;
	struct inode *i = d->inode;
	if (i->name != d->name) {
		i->parent = dir;
		i->name = d->name;
		i->name_length = d->length;
	}
	return i;
}

/* The inode is no longer found by this name; what it tells of its place must not outlive the name. */
static void dentry_forget(struct dentry *d)
{
	struct inode *i = d->inode;
	if (i->name == d->name) {
		i->name = NULL;
		i->name_length = 0;
		if (!S_ISDIR(i->mode))
			i->parent = NULL;
	}
}

void dir_remove_later(struct inode *inode, struct dentry *d)
{
	static struct inode nothing = {.refs = 2};     /* lent to the name for its last moment */
	d->inode = &nothing;
	dir_remove(inode, d);
	nothing.refs = 2;
}

void dir_remove(struct inode *inode, struct dentry *d)
{
	struct dir *dir = &inode->dir;
	struct inode *child = d->inode;
	uint32_t index = d - dir->entries;
	if (dir->buckets) {
		uint32_t *link = dir->buckets + (d->hash & dir->bucket_mask);
		while (*link != index + 1)
			link = &dir->entries[*link - 1].next;
		*link = d->next;
	}
	dentry_forget(d);
	if (d->owned)
		free((char *)d->name);
	d->name = NULL;
	d->inode = NULL;
	dir->live--;
	if (index == dir->used - 1)
		dir->used--;
	inode_put(child);
}

void dir_replace(struct inode *dir, struct dentry *d, struct inode *inode)
{
	struct inode *old = d->inode;
	dentry_forget(d);
	d->inode = inode;
	inode->parent = dir;
	inode->name = d->name;
	inode->name_length = d->length;
	inode_put(old);
}

/* First name whose cookie is at or past the one given: the array is in cookie order, holes included. */
struct dentry *dir_next(struct inode *inode, uint64_t cookie)
{
	struct dir *dir = &inode->dir;
	uint32_t low = 0, high = dir->used;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (dir->entries[middle].cookie < cookie)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < dir->used && !dir->entries[low].name)
		low++;
	return low < dir->used ? dir->entries + low : NULL;
}

uint32_t dir_live(struct inode *dir)
{
	return dir_open_image(dir) ? 1 : dir->dir.live;
}

bool dir_within(struct inode *dir, struct inode *ancestor)
{
	while (dir != ancestor && dir->parent != dir)
		dir = dir->parent;
	return dir == ancestor;
}

/* Only empty directories are ever freed: their names hold nothing more. */
void dir_free(struct inode *inode)
{
	free(inode->dir.entries);
	free(inode->dir.buckets);
}

