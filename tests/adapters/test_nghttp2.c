/* SPDX-License-Identifier: MIT */
/*
 * test_nghttp2.c: nghttp2 on a tracked allocator.
 *
 * A client and a server speak with each other in memory.
 */
#include "trial.h"

#include <portermem/adapt-nghttp2.h>

#include <string.h>

#define HEADER(name, value)                                              \
	{                                                                \
		(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, \
			sizeof(name) - 1, sizeof(value) - 1, 0           \
	}

static const nghttp2_nv request[] = {
	HEADER(":method", "GET"),
	HEADER(":scheme", "https"),
	HEADER(":authority", "example.org"),
	HEADER(":path", "/a/path/that/is/not/in/the/table"),
	HEADER("x-long", "a value that is put into the dynamic table"),
};
static const nghttp2_nv response[] = {
	HEADER(":status", "200"),
	HEADER("server", "portermem"),
};

enum { BODY = 5000, STREAMS = 4 };

struct end {
	nghttp2_session *session;
	bool is_server;
	bool refused;
	size_t body_left[2 * STREAMS + 1]; /* by stream, the server's */
	size_t received, closed;	   /* the client's */
};

static bool went_well(struct end *end, ssize_t code)
{
	must(code >= 0 || code == NGHTTP2_ERR_NOMEM ||
	     code == NGHTTP2_ERR_CALLBACK_FAILURE);
	if (code < 0)
		end->refused = true;
	return code >= 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t stream,
			 uint8_t *buffer, size_t length, uint32_t *flags,
			 nghttp2_data_source *source, void *user)
{
	struct end *end = user;
	size_t *left = &end->body_left[stream];
	size_t now = *left < length ? *left : length;

	(void)session;
	(void)source;
	memset(buffer, 'b', now);
	*left -= now;
	if (*left == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)now;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame,
		    void *user)
{
	struct end *end = user;
	nghttp2_data_provider body = { .read_callback = read_body };

	if (!end->is_server || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	must(frame->hd.stream_id <= 2 * STREAMS);
	end->body_left[frame->hd.stream_id] = BODY;
	return went_well(end, nghttp2_submit_response(
				      session, frame->hd.stream_id, response,
				      ARRAY_SIZE(response), &body)) ?
		       0 :
		       NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream,
		   const uint8_t *data, size_t length, void *user)
{
	struct end *end = user;

	(void)session;
	(void)flags;
	(void)stream;
	must(length == 0 || data[0] == 'b');
	end->received += length;
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error,
		    void *user)
{
	struct end *end = user;

	(void)session;
	(void)stream;
	end->closed += error == NGHTTP2_NO_ERROR;
	return 0;
}

/* What one has to say, the other hears. False: nothing was said. */
static bool pass(struct end *from, struct end *to)
{
	const uint8_t *data;
	ssize_t size = nghttp2_session_mem_send(from->session, &data);

	if (!went_well(from, size) || size == 0)
		return false;
	return went_well(
		to, nghttp2_session_mem_recv(to->session, data, (size_t)size));
}

static void begin(struct end *end, nghttp2_session_callbacks *callbacks,
		  nghttp2_mem *memory)
{
	int code;

	if (end->is_server)
		code = nghttp2_session_server_new3(&end->session, callbacks,
						   end, NULL, memory);
	else
		code = nghttp2_session_client_new3(&end->session, callbacks,
						   end, NULL, memory);
	if (!went_well(end, code))
		end->session = NULL;
	else
		went_well(end,
			  nghttp2_submit_settings(end->session,
						  NGHTTP2_FLAG_NONE, NULL, 0));
}

static void speak(struct end *client, struct end *server)
{
	for (int i = 0; i < STREAMS; i++)
		went_well(client, nghttp2_submit_request(
					  client->session, NULL, request,
					  ARRAY_SIZE(request), NULL, NULL));
	while (!client->refused && !server->refused) {
		bool said = pass(client, server);

		said |= pass(server, client);
		if (!said)
			break;
	}
}

static bool job(porter_tracked *t)
{
	struct end client = { .is_server = false };
	struct end server = { .is_server = true };
	nghttp2_mem memory = porter_nghttp2_memory(t);
	nghttp2_session_callbacks *callbacks;
	bool done = false;

	must(nghttp2_session_callbacks_new(&callbacks) == 0);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
							     on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
								  on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
							       on_close);
	begin(&client, callbacks, &memory);
	begin(&server, callbacks, &memory);
	nghttp2_session_callbacks_del(callbacks);
	if (client.session && server.session) {
		trial_holds(t);
		speak(&client, &server);
		/* A session that lacks memory may also just say goodbye. */
		done = !client.refused && !server.refused &&
		       client.received == STREAMS * BODY &&
		       client.closed == STREAMS;
	}
	nghttp2_session_del(client.session);
	nghttp2_session_del(server.session);
	return done;
}

int main(void)
{
	static struct adapted nghttp2 = { .job = job, .rounds = 200 };
	static const struct CMUnitTest tests[] = { TRIALS(&nghttp2) };

	return run_all("nghttp2 adapter", tests);
}
