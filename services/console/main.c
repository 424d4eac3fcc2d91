/*
 * main.c - the console service: sessions of byte streams and terminals over one device.
 *
 * The device is the host link if the machine has a virtio serial port, else the first
 * serial line, which is session 0 and carries no frames.
 *
 * Capabilities to us carry data = session*8 + 1 + channel for a stream; data whose low three
 * bits are 0 is the console interface itself.
 */
#include <keros/bank.h>
#include <keros/console.h>
#include <keros/node.h>
#include <keros/notice.h>
#include <keros/process.h>
#include <keros/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include "console.h"
#include "ports.h"
#include "uart.h"
#include "virtio_serial.h"

#define OUTPUT_RING 131072u
#define OUTPUT_LOW  (OUTPUT_RING / 2)      /* so much room ends a writer's waiting */

enum { NOTICE_DEVICE = 1, NOTICE_ALARM = 2 };

struct session sessions[SESSIONS];
unsigned session_count;
bool on_link;
static uint8_t request_bytes[INV_STRING_MAX];

/* ---- the console interface ------------------------------------------------------------------- */

/* Memory for a stream is got at its first opening and stays with it. */
static bool stream_prepare(struct stream *s)
{
	if (s->open)
		return true;
	if (s->channel != INPUT && !ring_init(&s->out, OUTPUT_RING))
		return false;
	if (s->channel == TERMINAL) {
		s->discipline = malloc(sizeof *s->discipline);
		if (!s->discipline)
			return false;
		ldisc_init(s->discipline, &s->out);
		if (s->session->rows) {
			s->discipline->rows = s->session->rows;
			s->discipline->columns = s->session->columns;
		}
	}
	s->open = true;
	return true;
}

static uint32_t do_open(void *ctx, struct msg *m, uint64_t session, uint64_t channel, cap_t *stream)
{
	struct stream *s;

	(void)ctx, (void)m;
	if (session >= (on_link ? SESSIONS : 1) || channel >= CHANNELS)
		return RC_REQUEST;
	s = &sessions[session].stream[channel];
	if (!session_has_input(s->session) || !stream_prepare(s))
		return RC_LIMIT;
	if (process_make_start(CR_SELF, session * 8 + 1 + channel, CR_OPENED) != RC_OK)
		return RC_LIMIT;
	if (channel == TERMINAL)
		terminal_feed(s);
	*stream = CR_OPENED;
	return RC_OK;
}

static uint32_t do_finish(void *ctx, struct msg *m, uint64_t session, uint64_t status)
{
	struct session *s;

	(void)ctx;
	if (session >= (on_link ? SESSIONS : 1) || status > 255)
		return RC_REQUEST;
	s = &sessions[session];
	if (s->finish != FINISH_NONE || !session_has_input(s))
		return RC_REQUEST;
	s->finish = FINISH_WAITING;
	s->status = (uint32_t)status;
	if (m->got & INV_GOT_RESUME) {
		node_swap(CR_FINISHERS, session, CR_RETURN, CR_VOID);
		s->reply_awaited = true;
	}
	return CONSOLE_NOREPLY;
}

static const struct console_server console_server = { .open = do_open, .finish = do_finish };

/* ---- the loop ----------------------------------------------------------------------------------- */

/* True if the message in m is a reply that is to be sent. */
static bool serve(struct msg *m)
{
	unsigned which = m->got & INV_GOT_DATA, session = which / 8;
	struct stream *s;

	if (which % 8 == 0)
		return console_serve(&console_server, NULL, m);
	if (session < SESSIONS && which % 8 <= CHANNELS) {
		s = &sessions[session].stream[which % 8 - 1];
		if (s->open)
			return stream_serve(&stream_server, s, m);
	}
	*m = (struct msg){ .order = RC_VOID };
	return true;
}

/*
 * The system goes on after a loss of power, and the host's end of the link is a new one: both begin anew.  What
 * was on its way is lost; a terminal shows its last lines again, and full-screen programs hear of a new size.
 */
static void device_resume(void)
{
	bool found = on_link ? virtio_serial_restart() : uart_start();

	if (!found)
		fprintf(stderr, "console: the device did not come back; output will wait for ever\n");
	input_begin();
	output_begin();
	for (struct session *s = sessions; s < sessions + session_count; s++) {
		struct stream *t = &s->stream[TERMINAL];

		s->owed = 0;
		s->replay = t->open && s->finish == FINISH_NONE;
		s->ended = false;                  /* the new host has an input of its own, and says where it ends */
		if (s->finish == FINISH_SENT)
			s->finish = FINISH_WAITING;
		if (s->finish == FINISH_DONE) {
			s->finish = FINISH_NONE;   /* the new host may begin another */
			ring_clear(&s->in);
			for (unsigned i = 0; i < CHANNELS; i++)
				s->stream[i].hung_up = false;
		}
		if (t->open) {
			t->discipline->events |= EVENT_WINCH;
			t->news = true;
		}
	}
}

static void device_service(void)
{
	if (on_link ? virtio_serial_lost() : uart_lost())
		device_resume();
	if (on_link)
		virtio_serial_service(input_received);
	else
		uart_service(input_received);
}

static void watcher_post(struct stream *s)
{
	s->news = false;
	if (s->watched && node_fetch(watcher_node(s), stream_number(s) % NODE_SLOTS, CR_TMP0) == RC_OK)
		notice_post(CR_TMP0);
}

static void post_news(void)
{
	for (struct session *s = sessions; s < sessions + session_count; s++)
		for (struct stream *t = s->stream; t < s->stream + CHANNELS; t++) {
			if (t->want_room && (t->hung_up || ring_room(&t->out) >= OUTPUT_LOW)) {
				t->want_room = false;
				t->news = true;
			}
			if (t->want_drain && !ring_used(&t->out)) {
				t->want_drain = false;
				t->news = true;
			}
			if (t->news)
				watcher_post(t);
		}
}

/* Moves everything that can move, and goes on until the device has nothing new. */
static void settle(bool interrupt)
{
	bool again = interrupt;

	do {
		if (again)
			device_service();
		alarm_update();
		output_pump();
		answer_finished();
		post_news();
		again = false;
		if (interrupt || output_waits())
			again = !(on_link ? virtio_serial_rearm(output_waits()) : uart_rearm(output_waits()));
		interrupt |= again;
	} while (again);
}

static void expect_message(struct msg *m)
{
	m->recv[0] = CR_ARG0;
	m->recv[1] = CR_ARG1;
	m->recv[2] = CR_ARG2;
	m->recv[3] = CR_RETURN;
	m->recv_string = request_bytes;
	m->recv_limit = sizeof request_bytes;
}

static bool set_up(void)
{
	for (unsigned i = 0; i < WATCHER_NODES; i++)
		if (bank_alloc_node(CR_BANK, (cap_t)(CR_WATCHERS + i)) != RC_OK)
			return false;
	for (unsigned i = 0; i < SESSIONS; i++)
		for (unsigned j = 0; j < CHANNELS; j++) {
			sessions[i].stream[j].session = &sessions[i];
			sessions[i].stream[j].channel = j;
		}
	return bank_alloc_node(CR_BANK, CR_FINISHERS) == RC_OK &&
	       process_make_notice(CR_SELF, NOTICE_DEVICE, CR_DEVICE_NOTICE) == RC_OK &&
	       process_make_notice(CR_SELF, NOTICE_ALARM, CR_ALARM_NOTICE) == RC_OK &&
	       process_get_slot(CR_SELF, PSLOT_SPACE, CR_ROOT) == RC_OK;
}

int main(void)
{
	struct msg m = { 0 };
	bool reply = false;

	if (!set_up()) {
		fprintf(stderr, "console: no storage to start with\n");
		return 1;
	}
	input_begin();
	on_link = virtio_serial_start();
	if (!on_link && !uart_start())
		fprintf(stderr, "console: no device; output will wait for ever\n");
	settle(true);
	for (;;) {
		/* A reply goes to a resume capability or to nobody: anything else could make us wait. */
		expect_message(&m);
		inv_return(reply ? CR_RETURN : CR_VOID, &m);
		if (m.got & INV_GOT_NOTICE) {
			settle((m.w[0] & NOTICE_DEVICE) != 0);
			m = (struct msg){ 0 };
			reply = false;
			continue;
		}
		reply = (m.got & INV_GOT_RESUME) != 0;
		reply &= serve(&m);
		settle(false);
		if (!reply)
			m = (struct msg){ 0 };
	}
}
