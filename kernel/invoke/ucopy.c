/*
 * ucopy.c - user memory.  The only file that touches it.
 *
 * The kernel never uses a user address itself: each page is looked up in the owner's memory
 * tree and reached through the kernel's own mapping, so there is no fault inside the kernel
 * and SMAP stays on for good.  A string is probed before the commit point and copied after.
 */
#include "invoke/inv.h"
#include "mem/space.h"

static uint64_t page_rest(uint64_t va, uint64_t length)
{
	uint64_t rest = PAGE_SIZE - (va & (PAGE_SIZE - 1));

	return rest < length ? rest : length;
}

bool ustring_probe(const struct ustring *s, bool write, uint64_t *fault_va)
{
	uint64_t va = s->address, left = s->length;

	while (left) {
		uint64_t part = page_rest(va, left);

		if (!space_user_pointer(s->p, va, write)) {
			*fault_va = va;
			return false;
		}
		va += part;
		left -= part;
	}
	return true;
}

__attribute__((flatten)) void *ustring_page(const struct ustring *s, bool write)
{
	return page_rest(s->address, s->length) < s->length ? NULL : space_user_pointer(s->p, s->address, write);
}

uint64_t ustring_copy(const struct ustring *to, const struct ustring *from)
{
	uint64_t done = 0, length = to->length < from->length ? to->length : from->length;

	while (done < length) {
		uint64_t part = page_rest(to->address + done, length - done);
		void *target = space_user_pointer(to->p, to->address + done, true);
		const void *source = space_user_pointer(from->p, from->address + done, false);

		part = page_rest(from->address + done, part);
		if (!target || !source)
			break;
		copy_bytes(target, source, part);
		done += part;
	}
	return done;
}

uint64_t ustring_put(const struct ustring *to, const void *from, uint64_t length)
{
	uint64_t done = 0;

	if (length > to->length)
		length = to->length;
	while (done < length) {
		uint64_t part = page_rest(to->address + done, length - done);
		void *target = space_user_pointer(to->p, to->address + done, true);

		if (!target)
			break;
		copy_bytes(target, (const uint8_t *)from + done, part);
		done += part;
	}
	return done;
}

uint64_t ustring_fetch(void *to, const struct ustring *from)
{
	uint64_t done = 0;

	while (done < from->length) {
		uint64_t part = page_rest(from->address + done, from->length - done);
		const void *source = space_user_pointer(from->p, from->address + done, false);

		if (!source)
			break;
		copy_bytes((uint8_t *)to + done, source, part);
		done += part;
	}
	return done;
}
