/*
 * random.c - the sandbox's random numbers: ChaCha20 with fast key erasure.
 *
 * One block's worth of key makes the next: after each refill the first 32 bytes of output become the new key
 * and are never given out, so what was given out before cannot be computed from the state of now.  The seed
 * is what the processor offers (rdrand, when it has it) mixed with the clocks; every refill stirs the cycle
 * counter in, so that two machines restarted from one snapshot part ways.
 */
#include <string.h>
#include "vfs.h"

bool random_refused;

#define KEY_WORDS 8
#define BLOCK_WORDS 16
#define POOL_BLOCKS 8

static uint32_t key[KEY_WORDS];
static uint32_t pool[POOL_BLOCKS * BLOCK_WORDS];
static size_t pool_left;          /* bytes at the end of the pool not given out */
static bool seeded;

static uint32_t rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static void quarter(uint32_t *x, int a, int b, int c, int d)
{
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 7);
}

/* RFC 8439, 2.3, with the nonce all zero: the key is never used for a second stream. */
static void chacha_block(const uint32_t k[KEY_WORDS], uint32_t counter, uint32_t out[BLOCK_WORDS])
{
	uint32_t start[BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	memcpy(start + 4, k, KEY_WORDS * 4);
	start[12] = counter;
	memcpy(out, start, sizeof start);
	for (int round = 0; round < 10; round++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (int i = 0; i < BLOCK_WORDS; i++)
		out[i] += start[i];
}

static uint64_t cycles(void)
{
	uint32_t low, high;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static bool has_rdrand(void)
{
	uint32_t a = 1, b, c = 0, d;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c >> 30 & 1;
}

static uint64_t hardware_word(void)
{
	uint64_t word = 0;
	unsigned char good;
	for (int attempt = 0; attempt < 16; attempt++) {
		__asm__ volatile("rdrand %0; setc %1" : "=r"(word), "=qm"(good) : : "cc");
		if (good)
			return word;
	}
	return 0;
}

static void seed(void)
{
	uint64_t words[KEY_WORDS / 2] = {0};
	struct timespec64 t = now_wall();
	if (has_rdrand())
		for (int i = 0; i < KEY_WORDS / 2; i++)
			words[i] = hardware_word();
	words[0] ^= cycles();
	words[1] ^= (uint64_t)t.tv_nsec << 32 ^ (uint64_t)t.tv_sec;
	words[2] ^= now_ns();
	words[3] ^= (uintptr_t)&t;
	memcpy(key, words, sizeof key);
	seeded = true;
}

static void refill(void)
{
	if (!seeded)
		seed();
	uint64_t now = cycles();
	key[0] ^= (uint32_t)now;
	key[1] ^= (uint32_t)(now >> 32);
	for (uint32_t i = 0; i < POOL_BLOCKS; i++)
		chacha_block(key, i, pool + i * BLOCK_WORDS);
	memcpy(key, pool, sizeof key);
	memset(pool, 0, sizeof key);
	pool_left = sizeof pool - sizeof key;
}

void random_fill(void *to, size_t n)
{
	char *out = to;
	while (n) {
		if (pool_left == 0)
			refill();
		size_t chunk = n < pool_left ? n : pool_left;
		char *from = (char *)pool + sizeof pool - pool_left;
		memcpy(out, from, chunk);
		memset(from, 0, chunk);
		pool_left -= chunk;
		out += chunk;
		n -= chunk;
	}
}
