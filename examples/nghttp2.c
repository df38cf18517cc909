/* SPDX-License-Identifier: MIT */
/* nghttp2.c: how much HTTP/2 sessions hold, and their open streams. */
#include <portermem/adapt-nghttp2.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>

#define HEADER(name, value)                                              \
	{                                                                \
		(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, \
			sizeof(name) - 1, sizeof(value) - 1, 0           \
	}

static const nghttp2_nv request[] = {
	HEADER(":method", "GET"),
	HEADER(":scheme", "https"),
	HEADER(":authority", "example.org"),
	HEADER(":path", "/"),
};

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-12s %8" PRId64 "\n", when, porter_bytes_used(t));
}

static int use(porter_tracked *t, nghttp2_session_callbacks *callbacks)
{
	nghttp2_mem memory = porter_nghttp2_memory(t);
	nghttp2_session *session;
	const uint8_t *data;

	if (nghttp2_session_client_new3(&session, callbacks, NULL, NULL,
					&memory) != 0)
		return -1;
	tell("a session", t);
	for (int i = 0; i < 100; i++)
		nghttp2_submit_request(session, NULL, request, 4, NULL, NULL);
	tell("100 queued", t);
	while (nghttp2_session_mem_send(session, &data) > 0)
		; /* a program would write what is in data */
	tell("100 open", t);
	nghttp2_session_del(session);
	tell("deleted", t);
	return 0;
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	nghttp2_session_callbacks *callbacks;
	int code = -1;
	int64_t leaked;

	if (t && nghttp2_session_callbacks_new(&callbacks) == 0) {
		printf("%-12s %8s\n", "", "bytes");
		code = use(t, callbacks);
		nghttp2_session_callbacks_del(callbacks);
	}
	return code == 0 && porter_tracked_destroy(t, &leaked) == 0 &&
			       leaked == 0 ?
		       0 :
		       1;
}
