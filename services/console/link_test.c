/*
 * link_test.c - the link's framing, hosted (cmocka).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "link.h"

struct heard {
	uint8_t data[256 * 1024];
	size_t length;
	uint8_t channel;
	unsigned controls;
	uint8_t type, payload[LINK_CONTROL_MAX];
	size_t payload_length;
};

static struct heard heard;

static void hear_data(void *ctx, uint8_t channel, const uint8_t *bytes, size_t n)
{
	struct heard *h = ctx;

	assert_true(n > 0);
	assert_true(h->length + n <= sizeof h->data);
	memcpy(h->data + h->length, bytes, n);
	h->length += n;
	h->channel = channel;
}

static void hear_control(void *ctx, uint8_t type, uint8_t channel, const uint8_t *payload, size_t n)
{
	struct heard *h = ctx;

	h->type = type;
	h->channel = channel;
	h->payload_length = n;
	memcpy(h->payload, payload, LINK_CONTROL_MAX);
	h->controls++;
}

static const struct link_sink sink = { hear_data, hear_control };

static struct link_parser fresh(void)
{
	struct link_parser p;

	memset(&heard, 0, sizeof heard);
	link_init(&p, &sink, &heard);
	return p;
}

static void frames_arrive_in_any_pieces(void **state)
{
	static uint8_t stream[3 * LINK_HEADER + 5000 + 4];
	size_t at = 0, piece;

	(void)state;
	link_header(stream, LINK_DATA, 4, 5000);
	at += LINK_HEADER;
	for (unsigned i = 0; i < 5000; i++)
		stream[at++] = (uint8_t)(i * 7);
	link_header(stream + at, LINK_WINSIZE, 4, 4);
	at += LINK_HEADER;
	memcpy(stream + at, "\x18\0\x50\0", 4);
	at += 4;
	link_header(stream + at, LINK_EOF, 4, 0);
	at += LINK_HEADER;

	for (piece = 1; piece < 5100; piece = piece * 3 + 1) {
		struct link_parser p = fresh();

		for (size_t i = 0; i < at; i += piece)
			link_feed(&p, stream + i, at - i < piece ? at - i : piece);
		assert_false(p.broken);
		assert_int_equal(heard.length, 5000);
		assert_memory_equal(heard.data, stream + LINK_HEADER, 5000);
		assert_int_equal(heard.controls, 2);
		assert_int_equal(heard.type, LINK_EOF);
		assert_int_equal(p.have, 0);
	}
}

static void winsize_is_decoded(void **state)
{
	struct link_parser p = fresh();

	(void)state;
	link_feed(&p, (const uint8_t *)"\x03\x08\0\0\x04\0\0\0\x19\x01\x84\x03", 12);
	assert_int_equal(heard.controls, 1);
	assert_int_equal(heard.channel, 8);
	assert_int_equal(link_u16(heard.payload), 0x119);
	assert_int_equal(link_u16(heard.payload + 2), 0x384);
}

static void empty_data_is_nothing(void **state)
{
	struct link_parser p = fresh();
	uint8_t h[LINK_HEADER];

	(void)state;
	link_header(h, LINK_DATA, 0, 0);
	link_feed(&p, h, sizeof h);
	assert_int_equal(heard.length, 0);
	assert_int_equal(heard.controls, 0);
	assert_int_equal(p.have, 0);
}

static void impossible_headers_break_the_link(void **state)
{
	static const uint8_t bad[][LINK_HEADER] = {
		{ 0, 0, 0, 0, 0, 0, 0, 0 },
		{ 1, 0, 1, 0, 0, 0, 0, 0 },
		{ 1, 0, 0, 0, 1, 0, 1, 0 },      /* 65537 bytes of data */
		{ 2, 0, 0, 0, 9, 0, 0, 0 },      /* a control payload of 9 */
		{ 3, 0, 0, 0, 255, 255, 255, 255 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct link_parser p = fresh();

		link_feed(&p, bad[i], LINK_HEADER);
		link_feed(&p, (const uint8_t *)"whatever follows", 16);
		assert_true(p.broken);
		assert_int_equal(heard.length + heard.controls, 0);
	}
}

static void random_bytes_are_harmless(void **state)
{
	(void)state;
	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		struct link_parser p = fresh();
		uint8_t bytes[64];

		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(rand() & (rand() & 1 ? 7 : 255) & (i % 8 == 2 || i % 8 == 3 ? 0 : 255));
		link_feed(&p, bytes, sizeof bytes);
	}
}

static void what_is_out_is_bounded_and_comes_back(void **state)
{
	struct link_flight f = { 0 };
	uint32_t out = 0;

	(void)state;
	srand(2);
	for (unsigned round = 0; round < 20000; round++) {
		size_t n = 1 + (size_t)rand() % (rand() & 1 ? 16 : 4096);

		if (link_may_send(&f, n)) {
			link_sent(&f, n);
			out += (uint32_t)n;
		} else {
			uint32_t credit = 1 + (uint32_t)rand() % out;

			assert_true(f.count == LINK_OUTPUT_BUFFERS || out + n > LINK_OUTPUT_WINDOW - f.taken);
			link_credit(&f, credit);
			out -= credit;
		}
		assert_true(f.bytes <= LINK_OUTPUT_WINDOW && f.bytes - f.taken == out);
	}
	link_credit(&f, ~0u);
	assert_true(f.count == 0 && f.bytes == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_in_any_pieces),
		cmocka_unit_test(winsize_is_decoded),
		cmocka_unit_test(empty_data_is_nothing),
		cmocka_unit_test(impossible_headers_break_the_link),
		cmocka_unit_test(random_bytes_are_harmless),
		cmocka_unit_test(what_is_out_is_bounded_and_comes_back),
	};

	return cmocka_run_group_tests_name("console link", tests, NULL, NULL);
}
