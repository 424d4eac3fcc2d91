/*
 * image.c - see image.h.
 *
 *	LBA 0          GRUB's boot.img and a protective MBR
 *	1..33          GPT
 *	2048..4095     BIOS boot partition: GRUB's core.img
 *	4096..         EFI system partition, FAT: EFI/BOOT/BOOTX64.EFI, keros.elf, keros.pack, boot/grub/grub.cfg
 *	last 33        GPT's copy
 *
 * Made without root and without loop devices: the table and boot blocks are written here, the file system
 * by mtools, the two GRUB images by grub-mkimage.  Both GRUBs find the partition by the file on it, so
 * the disk may be the first or any other.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/image.h"

#define SECTOR        512u
#define CORE_LBA      2048u
#define ESP_LBA       4096u
#define GPT_SECTORS   33u
#define GPT_ENTRIES   128u
#define GPT_ENTRY     128u
#define ESP_SPARE     (4u << 20)   /* what the file system itself needs, and some room */
#define ESP_MINIMUM   (34u << 20)  /* smaller ones mformat would make FAT12 */
#define GRUB_BIOS     "/usr/lib/grub/i386-pc"

/* Offsets in GRUB's boot sectors, fixed by its own boot.h and diskboot.h. */
#define BOOT_KERNEL_LBA   0x5c
#define BOOT_DRIVE_CHECK  0x66
#define BOOT_CODE_END     440
#define DISKBOOT_LBA      0x1f4

static const char *const modules = "part_gpt part_msdos fat normal configfile multiboot2 search search_fs_file serial terminal "
	"echo test boot halt reboot";

/* ---- Small helpers ------------------------------------------------------------------------------------------ */

struct workshop {
	char *directory;               /* temporary; everything in it goes at the end */
	struct buffer disk;
};

static struct workshop *open_workshop;

static void clean_workshop(void)
{
	static const char *const names[] = { "core.img", "bootx64.efi", "early.cfg", "grub.cfg", "keros.pack", "esp" };

	if (!open_workshop)
		return;
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = xasprintf("%s/%s", open_workshop->directory, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(open_workshop->directory);
	open_workshop = NULL;
}

/* Runs a program and dies with its own words if it fails. */
static void run_program(char *const argv[])
{
	int status, words[2];
	struct buffer said;
	pid_t child;

	if (pipe2(words, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (child == 0) {
		dup2(words[1], 1);
		dup2(words[1], 2);
		setenv("MTOOLS_SKIP_CHECK", "1", 1);
		execvp(argv[0], argv);
		fprintf(stderr, "%s: %s; run ./configure, which installs it\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(words[1]);
	said = read_all(words[0], argv[0]);
	close(words[0]);
	if (waitpid(child, &status, 0) < 0 || status != 0)
		die("%s failed:\n%.*s", argv[0], (int)said.length, (char *)said.data);
	free(said.data);
}

#define RUN(...) run_program((char *const[]){ __VA_ARGS__, NULL })

static char *in_workshop(const struct workshop *w, const char *name)
{
	return xasprintf("%s/%s", w->directory, name);
}

static void put_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof value);
}

static uint32_t crc32_of(const uint8_t *data, size_t length)
{
	uint32_t crc = ~0u;

	while (length--) {
		crc ^= *data++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return ~crc;
}

/* ---- Partition table ---------------------------------------------------------------------------------------- */

struct partition {
	uint8_t type[16];
	const char *name;
	uint64_t first, last;
};

/* Ids need only differ from each other's: made of the disk's size and a number, so that images are reproducible. */
static void put_id(uint8_t *at, uint64_t sectors, unsigned number)
{
	put64(at, sectors * 0x9E3779B97F4A7C15ull + number);
	put64(at + 8, 0x80534F52454B0000ull | number);
	at[7] = (uint8_t)((at[7] & 0x0F) | 0x40);
}

static void put_gpt_header(uint8_t *at, uint64_t sectors, uint64_t mine, uint64_t other, uint64_t table, uint32_t table_crc)
{
	memcpy(at, "EFI PART", 8);
	put32(at + 8, 0x10000);
	put32(at + 12, 92);
	put64(at + 24, mine);
	put64(at + 32, other);
	put64(at + 40, 1 + GPT_SECTORS);
	put64(at + 48, sectors - GPT_SECTORS - 1);
	put_id(at + 56, sectors, 0);
	put64(at + 72, table);
	put32(at + 80, GPT_ENTRIES);
	put32(at + 84, GPT_ENTRY);
	put32(at + 88, table_crc);
	put32(at + 16, crc32_of(at, 92));
}

static void put_table(struct workshop *w, uint64_t sectors)
{
	const struct partition partitions[] = {
		{ "Hah!IdontNeedEFI", "bios", CORE_LBA, ESP_LBA - 1 },
		{ { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b }, "keros",
		  ESP_LBA, sectors - GPT_SECTORS - 1 },
	};
	uint8_t table[GPT_ENTRIES * GPT_ENTRY] = { 0 }, *mbr = w->disk.data;
	uint32_t crc;

	for (unsigned i = 0; i < 2; i++) {
		uint8_t *e = table + i * GPT_ENTRY;

		memcpy(e, partitions[i].type, 16);
		put_id(e + 16, sectors, i + 1);
		put64(e + 32, partitions[i].first);
		put64(e + 40, partitions[i].last);
		for (unsigned c = 0; partitions[i].name[c]; c++)
			e[56 + 2 * c] = (uint8_t)partitions[i].name[c];
	}
	crc = crc32_of(table, sizeof table);
	memcpy(w->disk.data + 2 * SECTOR, table, sizeof table);
	memcpy(w->disk.data + (sectors - GPT_SECTORS) * SECTOR, table, sizeof table);
	put_gpt_header(w->disk.data + SECTOR, sectors, 1, sectors - 1, 2, crc);
	put_gpt_header(w->disk.data + (sectors - 1) * SECTOR, sectors, sectors - 1, 1, sectors - GPT_SECTORS, crc);

	/* The protective MBR: one partition of type EE, all of the disk. */
	mbr[446 + 2] = 2;
	mbr[446 + 4] = 0xEE;
	memset(mbr + 446 + 5, 0xFF, 3);
	put32(mbr + 446 + 8, 1);
	put32(mbr + 446 + 12, (uint32_t)(sectors - 1));
	mbr[510] = 0x55;
	mbr[511] = 0xAA;
}

/* ---- Boot loaders ------------------------------------------------------------------------------------------- */

static void put_bios_grub(struct workshop *w)
{
	char *core_path = in_workshop(w, "core.img");
	struct buffer boot = read_file(GRUB_BIOS "/boot.img"), core = read_file(core_path);
	uint8_t *disk = w->disk.data;

	if (boot.length != SECTOR || core.length < SECTOR || core.length > (ESP_LBA - CORE_LBA) * SECTOR)
		die("GRUB's images have sizes that do not fit (boot %zu, core %zu bytes)", boot.length, core.length);
	memcpy(disk, boot.data, BOOT_CODE_END);
	put64(disk + BOOT_KERNEL_LBA, CORE_LBA);
	/* Some BIOSes give a wrong drive number; for a hard disk GRUB's own installer removes the check too. */
	memset(disk + BOOT_DRIVE_CHECK, 0x90, 2);
	memcpy(disk + CORE_LBA * SECTOR, core.data, core.length);
	put64(disk + CORE_LBA * SECTOR + DISKBOOT_LBA, CORE_LBA + 1);
	free(boot.data);
	free(core.data);
	free(core_path);
}

static void make_grubs(struct workshop *w)
{
	char *early = in_workshop(w, "early.cfg"), *core = in_workshop(w, "core.img"), *efi = in_workshop(w, "bootx64.efi");
	char *command;

	put_text(early, "search.file /keros.pack root\nset prefix=($root)/boot/grub\n");
	/* Through the shell only because the module list is words. */
	command = xasprintf("grub-mkimage -O i386-pc -o '%s' -c '%s' -p /boot/grub biosdisk %s", core, early, modules);
	RUN("sh", "-c", command);
	free(command);
	command = xasprintf("grub-mkimage -O x86_64-efi -o '%s' -c '%s' -p /boot/grub efi_gop %s", efi, early, modules);
	RUN("sh", "-c", command);
	free(command);
	free(early);
	free(core);
	free(efi);
}

/* ---- File system -------------------------------------------------------------------------------------------- */

static const char *const grub_config =
	"serial --unit=0 --speed=115200\n"
	"terminal_input serial console\n"
	"terminal_output serial console\n"
	"set timeout=0\n"
	"multiboot2 /keros.elf\n"
	"module2 /keros.pack pack\n"
	"boot\n";

static void make_file_system(const struct workshop *w, const char *kernel, const char *esp, uint64_t sectors)
{
	char *config = in_workshop(w, "grub.cfg"), *efi = in_workshop(w, "bootx64.efi"), *pack = in_workshop(w, "keros.pack");
	char *total = xasprintf("%llu", (unsigned long long)sectors), *hidden = xasprintf("%u", ESP_LBA);

	put_text(config, grub_config);
	RUN("mformat", "-i", (char *)esp, "-T", total, "-h", "16", "-s", "63", "-H", hidden, "-v", "KEROS", "-N",
	    "4b45524f", "::");
	RUN("mmd", "-i", (char *)esp, "::EFI", "::EFI/BOOT", "::boot", "::boot/grub");
	RUN("mcopy", "-i", (char *)esp, efi, "::EFI/BOOT/BOOTX64.EFI");
	RUN("mcopy", "-i", (char *)esp, config, "::boot/grub/grub.cfg");
	RUN("mcopy", "-i", (char *)esp, (char *)kernel, "::keros.elf");
	RUN("mcopy", "-i", (char *)esp, pack, "::keros.pack");
	free(config);
	free(efi);
	free(pack);
	free(total);
	free(hidden);
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		die("%s: %s; run `make all` first", path, strerror(errno));
	return (uint64_t)st.st_size;
}

void image_write(const char *path, const struct run *r)
{
	struct workshop w = { 0 };
	const char *temporary = getenv("TMPDIR");
	char *kernel = xasprintf("%s/build/kernel.elf", r->root), *pack, *esp, *efi;
	uint64_t esp_bytes, sectors;
	struct run packed = *r;
	struct buffer fat;

	w.directory = xasprintf("%s/keros-image-XXXXXX", temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(w.directory))
		die("%s: %s", w.directory, strerror(errno));
	open_workshop = &w;
	atexit(clean_workshop);

	pack = in_workshop(&w, "keros.pack");
	esp = in_workshop(&w, "esp");
	efi = in_workshop(&w, "bootx64.efi");
	packed.pack_file = pack;
	close(machine_pack(&packed));
	make_grubs(&w);

	esp_bytes = size_of(kernel) + size_of(pack) + size_of(efi) + ESP_SPARE;
	if (esp_bytes < ESP_MINIMUM)
		esp_bytes = ESP_MINIMUM;
	esp_bytes = (esp_bytes + 0xFFFFF) & ~0xFFFFFull;
	sectors = ESP_LBA + esp_bytes / SECTOR + GPT_SECTORS + 1;
	put_text(esp, "");
	if (truncate(esp, (off_t)esp_bytes))
		die("%s: %s", esp, strerror(errno));
	make_file_system(&w, kernel, esp, esp_bytes / SECTOR);

	w.disk.length = w.disk.room = sectors * SECTOR;
	w.disk.data = xcalloc(sectors, SECTOR);
	fat = read_file(esp);
	memcpy(w.disk.data + ESP_LBA * SECTOR, fat.data, fat.length);
	put_bios_grub(&w);
	put_table(&w, sectors);
	write_file(path, w.disk.data, w.disk.length);
	clean_workshop();
	free(fat.data);
	free(w.disk.data);
	free(kernel);
	free(pack);
	free(esp);
	free(efi);
}
