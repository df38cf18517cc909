/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-nghttp2.h>

int counted_session(porter_tracked *t, nghttp2_session **session,
		    const nghttp2_session_callbacks *callbacks, void *user)
{
	nghttp2_mem memory = porter_nghttp2_memory(t);

	return nghttp2_session_server_new3(session, callbacks, user, NULL,
					   &memory);
}
