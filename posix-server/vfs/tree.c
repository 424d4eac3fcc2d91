/*
 * tree.c - the file tree of the boot pack: a base image and an overlay laid over it (doc/tree-image.md).
 *
 * An image comes from outside: one pass checks every entry before any is used, and links the children of
 * each directory into lists.  After that nothing is made until it is looked at: a directory's names when the
 * directory is first searched, an inode when its name is.
 *
 * How two images become one tree: a directory that both have has the names of both, and the base's owner and
 * mode; for every other name the overlay's entry hides the base's.
 *
 * Invariants
 *   1. Nothing of an image is read after tree_check except through offsets it has checked.
 *   2. tree_inode of a hard-linked entry gives one inode, which holds the references of all its names from
 *      the start: so it lives, changed, while a name that nobody has looked at yet still leads to it.
 *   3. Inode numbers are a function of the image: 1 + index in the base, then the overlay's, then new ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/treeimage.h>
#include "vfs.h"

struct node {                     /* what we know of an entry; children are a list in the image's order */
	uint32_t first, last, next;
	uint32_t links;               /* names of this inode in the image */
};

struct tree {
	const char *base;
	const struct tree_image_entry *entry;
	uint32_t count;
	uint32_t strings;
	uint64_t length;
	uint64_t number;              /* inode number of entry 0 */
	struct node *node;
	struct inode **made;          /* of hard-linked entries only */
};

static struct tree trees[2];
static struct inode *root;
static char complaint[96];

/* ---- checking ------------------------------------------------------------------------------------- */

static const char *check_name(const struct tree *t, const struct tree_image_entry *e)
{
	if (e->name_length == 0 || e->name_length > NAME_LIMIT)
		return "name length";
	if (e->name < t->strings || e->name > t->length || e->name_length > t->length - e->name)
		return "name outside the image";
	const char *s = t->base + e->name;
	if (memchr(s, '/', e->name_length) || memchr(s, 0, e->name_length))
		return "name with a slash or NUL";
	if (s[0] == '.' && (e->name_length == 1 || (e->name_length == 2 && s[1] == '.')))
		return "name is . or ..";
	return NULL;
}

static const char *check_data(const struct tree *t, const struct tree_image_entry *e)
{
	switch (e->mode & S_IFMT) {
	case S_IFREG:
		if (e->size == 0)
			return NULL;
		if (e->data % PAGE_BYTES || e->data > t->length || e->size > t->length - e->data)
			return "data outside the image";
		/* The last page is used whole, so the padding must be there too. */
		if ((e->size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES > t->length - e->data)
			return "data not padded to a page";
		return NULL;
	case S_IFLNK:
		if (e->size == 0 || e->size >= PATH_LIMIT)
			return "link target length";
		if (e->data < t->strings || e->data > t->length || e->size > t->length - e->data)
			return "link target outside the image";
		return memchr(t->base + e->data, 0, e->size) ? "link target with a NUL" : NULL;
	case S_IFDIR: case S_IFCHR: case S_IFBLK: case S_IFIFO:
		return NULL;
	}
	return "unknown type";
}

static const char *check_hardlink(struct tree *t, uint32_t index)
{
	const struct tree_image_entry *e = t->entry + index;
	if (e->data >= t->count || e->data == index)
		return "hard link to nothing";
	const struct tree_image_entry *to = t->entry + e->data;
	if (to->flags & TREE_HARDLINK || S_ISDIR(to->mode))
		return "hard link to a link or a directory";
	t->node[e->data].links++;
	return NULL;
}

static int names_compare(const struct tree *t, const struct tree_image_entry *a, const struct tree_image_entry *b)
{
	size_t n = a->name_length < b->name_length ? a->name_length : b->name_length;
	int order = memcmp(t->base + a->name, t->base + b->name, n);
	return order ? order : (int)a->name_length - (int)b->name_length;
}

/* Puts the entry at the end of its directory's list; being in order also means that no name is there twice. */
static const char *check_place(struct tree *t, uint32_t index)
{
	const struct tree_image_entry *e = t->entry + index;
	if (e->parent >= index || !S_ISDIR(t->entry[e->parent].mode) || t->entry[e->parent].flags & TREE_HARDLINK)
		return "parent is not an earlier directory";
	struct node *dir = t->node + e->parent;
	if (dir->last != NO_ENTRY && names_compare(t, t->entry + dir->last, e) >= 0)
		return "names out of order";
	if (dir->last == NO_ENTRY)
		dir->first = index;
	else
		t->node[dir->last].next = index;
	dir->last = index;
	return NULL;
}

static const char *check_entry(struct tree *t, uint32_t index)
{
	const struct tree_image_entry *e = t->entry + index;
	t->node[index].first = t->node[index].last = t->node[index].next = NO_ENTRY;
	t->node[index].links++;
	if (e->mode & ~(uint32_t)(S_IFMT | 07777))
		return "mode";
	if (e->flags & ~TREE_HARDLINK)
		return "flags";
	if (index == 0)
		return e->parent || e->name_length || e->flags || !S_ISDIR(e->mode) ? "root" : NULL;
	const char *bad = check_name(t, e);
	if (!bad)
		bad = e->flags & TREE_HARDLINK ? check_hardlink(t, index) : check_data(t, e);
	return bad ? bad : check_place(t, index);
}

static const char *check_header(struct tree *t, uint64_t given)
{
	const struct tree_image_header *h = (const void *)t->base;

	if (given < sizeof *h || memcmp(h->magic, TREE_MAGIC, sizeof h->magic))
		return "no magic";
	t->count = h->entries;
	t->strings = h->strings;
	t->length = h->length;
	if (t->length > given)
		return "shorter than it says";
	if (t->count == 0 || t->strings > t->length)
		return "header";
	if (t->strings < sizeof *h || (t->strings - sizeof *h) / sizeof *t->entry < t->count)
		return "entries run into the strings";
	return NULL;
}

/* 0, or -errno with the complaint written.  An absent image is an empty one. */
static int tree_check(unsigned which, const char **why)
{
	struct tree *t = trees + which;
	uint64_t given;
	t->base = pack_bytes(which, &given);
	if (!t->base)
		return 0;
	const char *bad = check_header(t, given);
	if (bad) {
		snprintf(complaint, sizeof complaint, "tree image %u: %s", which, bad);
		*why = complaint;
		return -EINVAL;
	}
	t->entry = (const void *)(t->base + sizeof(struct tree_image_header));
	t->node = calloc(t->count, sizeof *t->node);
	t->made = calloc(t->count, sizeof *t->made);
	*why = "no memory for the file tree";
	if (!t->node || !t->made)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->count; i++) {
		bad = check_entry(t, i);
		if (!bad)
			continue;
		snprintf(complaint, sizeof complaint, "tree image %u, entry %u: %s", which, i, bad);
		*why = complaint;
		return -EINVAL;
	}
	t->number = inode_next_number();
	inode_reserve_numbers(t->number + t->count);
	return 0;
}

/* ---- making --------------------------------------------------------------------------------------- */

static uint32_t entry_target(const struct tree *t, uint32_t entry)
{
	return t->entry[entry].flags & TREE_HARDLINK ? (uint32_t)t->entry[entry].data : entry;
}

uint64_t tree_number(unsigned tree, uint32_t entry)
{
	return trees[tree].number + entry_target(trees + tree, entry);
}

uint32_t tree_mode(unsigned tree, uint32_t entry)
{
	return trees[tree].entry[entry_target(trees + tree, entry)].mode;
}

static bool inode_fill(struct inode *i, struct tree *t, unsigned which, uint32_t index)
{
	const struct tree_image_entry *e = t->entry + index;
	i->number = t->number + index;
	i->atime = i->mtime = i->ctime = e->mtime_ns;
	i->nlink = t->node[index].links;
	if (S_ISREG(e->mode)) {
		i->size = e->size;
		i->data.tree = which;
		i->data.image_offset = e->data;
		i->data.image_pages = (e->size + PAGE_BYTES - 1) / PAGE_BYTES;
	} else if (S_ISLNK(e->mode)) {
		i->size = e->size;
		if (!(i->target = malloc(e->size + 1)))
			return false;
		memcpy(i->target, t->base + e->data, e->size);
		i->target[e->size] = 0;
	} else if (S_ISDIR(e->mode)) {
		i->dir.pending = true;
		i->dir.lower[which] = index;
		i->size = PAGE_BYTES;
		i->nlink = 2;
		for (uint32_t c = t->node[index].first; c != NO_ENTRY; c = t->node[c].next)
			i->nlink += S_ISDIR(t->entry[c].mode) && !(t->entry[c].flags & TREE_HARDLINK);
	} else {
		i->rdev = e->data;
	}
	return true;
}

struct inode *tree_inode(unsigned which, uint32_t entry)
{
	struct tree *t = trees + which;
	uint32_t index = entry_target(t, entry);
	if (t->made[index])
		return t->made[index];
	const struct tree_image_entry *e = t->entry + index;
	struct inode *i = inode_new(e->mode, e->uid, e->gid);
	if (!i)
		return NULL;
	if (!inode_fill(i, t, which, index)) {
		inode_drop_if_unused(i);
		return NULL;
	}
	i->refs = t->node[index].links;
	if (i->refs > 1)
		t->made[index] = i;
	return i;
}

/* A name of the base is hidden by the overlay: one link less. */
static void name_hidden(struct tree *t, uint32_t entry)
{
	uint32_t index = entry_target(t, entry);
	t->node[index].links--;
	if (t->made[index]) {
		t->made[index]->nlink--;
		inode_put(t->made[index]);
	}
}

/* The same for all that lies below it, without recursion: the image says how deep that is. */
static void base_hidden(uint32_t top)
{
	struct tree *t = trees;
	uint32_t entry = top;
	for (;;) {
		name_hidden(t, entry);
		if (t->node[entry].first != NO_ENTRY) {
			entry = t->node[entry].first;
			continue;
		}
		while (entry != top && t->node[entry].next == NO_ENTRY)
			entry = t->entry[entry].parent;
		if (entry == top)
			return;
		entry = t->node[entry].next;
	}
}

static void lay_name(struct dir *dir, unsigned which, uint32_t entry)
{
	const struct tree *t = trees + which;
	struct name name = name_of(t->base + t->entry[entry].name, t->entry[entry].name_length);
	dir->entries[dir->used++] = (struct dentry){
		.name = name.text, .length = name.length, .hash = name.hash, .cookie = dir->next_cookie++,
		.tree = which, .entry = entry,
	};
}

/* A directory in both images: made at once, since it has two lower entries. */
static bool lay_merged(struct inode *parent, uint32_t base, uint32_t over)
{
	struct inode *i = tree_inode(0, base);
	if (!i)
		return false;
	const struct tree *t = trees + 1;
	i->dir.lower[1] = over;
	for (uint32_t c = t->node[over].first; c != NO_ENTRY; c = t->node[c].next)
		i->nlink += S_ISDIR(t->entry[c].mode) && !(t->entry[c].flags & TREE_HARDLINK);
	lay_name(&parent->dir, 0, base);
	struct dentry *d = parent->dir.entries + parent->dir.used - 1;
	d->inode = i;
	dentry_inode(parent, d);
	return true;
}

static bool entry_is_dir(const struct tree *t, uint32_t entry)
{
	return S_ISDIR(t->entry[entry].mode) && !(t->entry[entry].flags & TREE_HARDLINK);
}

static int compare_across(uint32_t base, uint32_t over)
{
	const struct tree_image_entry *a = trees[0].entry + base, *b = trees[1].entry + over;
	size_t n = a->name_length < b->name_length ? a->name_length : b->name_length;
	int order = memcmp(trees[0].base + a->name, trees[1].base + b->name, n);
	return order ? order : (int)a->name_length - (int)b->name_length;
}

/* Merges the two sorted lists of children into the array, which has room for all. */
static bool lay_lists(struct inode *inode, uint32_t base, uint32_t over)
{
	struct dir *dir = &inode->dir;
	while (base != NO_ENTRY || over != NO_ENTRY) {
		int order = base == NO_ENTRY ? 1 : over == NO_ENTRY ? -1 : compare_across(base, over);
		if (order < 0) {
			lay_name(dir, 0, base);
		} else if (order > 0) {
			lay_name(dir, 1, over);
		} else if (entry_is_dir(trees, base) && entry_is_dir(trees + 1, over)) {
			if (!lay_merged(inode, base, over))
				return false;
		} else {
			/* A subdirectory that turns into a file, or the reverse, was or was not counted. */
			if (entry_is_dir(trees, base) && inode->nlink > 2)
				inode->nlink--;
			base_hidden(base);
			lay_name(dir, 1, over);
		}
		if (order == 0 && entry_is_dir(trees, base) && entry_is_dir(trees + 1, over))
			inode->nlink--;       /* both images counted this one */
		uint32_t next_base = order <= 0 ? trees[0].node[base].next : base;
		over = order >= 0 ? trees[1].node[over].next : over;
		base = next_base;
	}
	return true;
}

static uint32_t list_first(const struct inode *dir, unsigned which, uint32_t *count)
{
	uint32_t entry = dir->dir.lower[which];
	if (entry == NO_ENTRY)
		return NO_ENTRY;
	const struct node *node = trees[which].node;
	for (uint32_t c = node[entry].first; c != NO_ENTRY; c = node[c].next)
		++*count;
	return node[entry].first;
}

int tree_lay_out(struct inode *inode)
{
	struct dir *dir = &inode->dir;
	uint32_t count = 0;
	uint32_t base = list_first(inode, 0, &count), over = list_first(inode, 1, &count);
	uint32_t size = 16;
	while (size < count)
		size *= 2;
	dir->entries = malloc((count + 4) * sizeof *dir->entries);
	dir->buckets = count > 8 ? calloc(size, sizeof *dir->buckets) : NULL;
	if (!dir->entries || (count > 8 && !dir->buckets) || !lay_lists(inode, base, over)) {
		free(dir->entries);
		free(dir->buckets);
		dir->entries = NULL;
		dir->buckets = NULL;
		dir->used = 0;
		return -ENOMEM;
	}
	dir->room = count + 4;
	dir->live = dir->used;
	dir->bucket_mask = size - 1;
	dir->pending = false;
	for (uint32_t i = 0; dir->buckets && i < dir->used; i++) {
		uint32_t *bucket = dir->buckets + (dir->entries[i].hash & dir->bucket_mask);
		dir->entries[i].next = *bucket;
		*bucket = i + 1;
	}
	return 0;
}

/* ---- the tree as a sandbox gets it ----------------------------------------------------------------- */

/* A directory or device that must be there: made if neither image has it. */
static struct inode *provide(struct inode *dir, const char *text, uint32_t mode, uint32_t rdev)
{
	struct name name = name_of(text, strlen(text));
	if (dir_open_image(dir))
		return NULL;
	struct dentry *d = dir_find(dir, &name);
	if (d)
		return dentry_inode(dir, d);
	struct inode *i = inode_new(mode, 0, 0);
	if (!i)
		return NULL;
	i->refs = i->nlink = 1;
	i->number = inode_next_number();
	i->rdev = rdev;
	i->atime = i->mtime = i->ctime = time_tick();
	if (S_ISDIR(mode)) {
		i->nlink = 2;
		i->size = PAGE_BYTES;
		dir->nlink++;
	}
	if (dir_add(dir, &name, i)) {
		inode_put(i);
		return NULL;
	}
	return i;
}

static bool provide_link(struct inode *dir, const char *text, const char *target)
{
	struct inode *i = provide(dir, text, S_IFLNK | 0777, 0);
	if (i && !S_ISLNK(i->mode))
		return true;              /* the image has something else there */
	if (i && !i->target) {
		i->target = strdup(target);
		i->size = strlen(target);
	}
	return i && i->target;
}

/* /tmp as an empty folder of its own, of limited size, in place of the one that is there. */
uint64_t vfs_tmp_pages;

static bool tmp_limited(void)
{
	static struct quota quota;
	struct name name = name_of("tmp", 3);
	struct dentry *d = dir_find(root, &name);
	struct inode *i = inode_new(S_IFDIR | 01777, 0, 0);
	if (!i || !d)
		return false;
	quota.pages = vfs_tmp_pages;
	inode_count(i, &quota);
	i->refs = 1;
	i->nlink = 2;
	i->size = PAGE_BYTES;
	i->number = inode_next_number();
	i->atime = i->mtime = i->ctime = time_tick();
	dir_replace(root, d, i);
	return true;
}

static bool provide_devices(struct inode *dev)
{
	static const struct { const char *name; uint32_t mode, rdev; } nodes[] = {
		{"null", 0666, 0x103}, {"zero", 0666, 0x105}, {"full", 0666, 0x107}, {"random", 0666, 0x108},
		{"urandom", 0666, 0x109}, {"tty", 0666, 0x500}, {"console", 0620, 0x501},
	};
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
		if (!provide(dev, nodes[i].name, S_IFCHR | nodes[i].mode, nodes[i].rdev))
			return false;
	/* No grant, no name. */
	for (unsigned k = 0; random_refused && k < 2; k++) {
		struct name name = k ? name_of("random", 6) : name_of("urandom", 7);
		struct dentry *d = dir_find(dev, &name);
		if (d && d->inode)
			dir_remove(dev, d);
	}
	return provide(dev, "shm", S_IFDIR | 01777, 0) && provide_link(dev, "fd", "/proc/self/fd") &&
	       provide_link(dev, "stdin", "/proc/self/fd/0") && provide_link(dev, "stdout", "/proc/self/fd/1") &&
	       provide_link(dev, "stderr", "/proc/self/fd/2");
}

static struct inode *root_make(void)
{
	struct inode *i;
	if (trees[0].base) {
		i = tree_inode(0, 0);
		if (i && trees[1].base)
			i->dir.lower[1] = 0;
	} else if (trees[1].base) {
		i = tree_inode(1, 0);
	} else if ((i = inode_new(S_IFDIR | 0755, 0, 0))) {
		i->refs = 1;
		i->nlink = 2;
		i->size = PAGE_BYTES;
		i->number = inode_next_number();
		i->atime = i->mtime = i->ctime = time_tick();
	}
	if (i) {
		i->parent = i;
		const struct tree *t = trees + 1;
		for (uint32_t c = i->dir.lower[0] != NO_ENTRY && t->base ? t->node[0].first : NO_ENTRY;
		     c != NO_ENTRY; c = t->node[c].next)
			i->nlink += entry_is_dir(t, c);
	}
	return i;
}

bool vfs_bare, vfs_without_proc;

/* What the images have is there, and /proc if it may be: a device or /tmp that nobody granted is not. */
static int vfs_init_bare(const char **why)
{
	struct inode *proc = vfs_without_proc ? NULL : provide(root, "proc", S_IFDIR | 0555, 0);
	*why = "no memory for /proc, or it is no directory";
	if (!vfs_without_proc && (!proc || !S_ISDIR(proc->mode) || proc_mount(root)))
		return -ENOMEM;
	dev_init();
	*why = NULL;
	return 0;
}

int vfs_init(const char **why)
{
	*why = NULL;
	for (unsigned which = 0; which < 2; which++) {
		int error = tree_check(which, why);
		if (error)
			return error;
	}
	*why = "no memory for the file tree";
	root = root_make();
	if (!root)
		return -ENOMEM;
	if (vfs_bare)
		return vfs_init_bare(why);
	struct inode *dev = provide(root, "dev", S_IFDIR | 0755, 0);
	struct inode *tmp = provide(root, "tmp", S_IFDIR | 01777, 0);
	struct inode *proc = provide(root, "proc", S_IFDIR | 0555, 0);
	if (!dev || !tmp || !proc)
		return -ENOMEM;
	*why = "/dev and /proc must be directories";
	if (!S_ISDIR(dev->mode) || !S_ISDIR(proc->mode))
		return -ENOTDIR;
	*why = "no memory for /dev and /proc";
	if (!provide_devices(dev) || proc_mount(root) || (vfs_tmp_pages && !tmp_limited()))
		return -ENOMEM;
	dev_init();
	*why = NULL;
	return 0;
}

struct inode *vfs_root(void)
{
	return root;
}

void tree_reset(void)
{
	for (unsigned which = 0; which < 2; which++) {
		free(trees[which].node);
		free(trees[which].made);
		memset(trees + which, 0, sizeof trees[which]);
	}
	root = NULL;
}
