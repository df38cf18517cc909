/* SPDX-License-Identifier: MIT */
/*
 * request.h: a request that the underlying allocator has not answered yet.
 *
 *	REQUEST request = NO_REQUEST;
 *	charge, which a limit may refuse
 *	porter__request()	what was charged is on record
 *	ask			returns a block or NULL, or throws
 *	porter__grant()		if there is a block: the record is void
 *	leave the function	else: cancel what was charged, count a failure
 *
 * An allocator may be written in C++, and so may the program's on_refused, which a
 * tracker underneath calls: both may throw exceptions through the library. So what
 * is to be done without a block is done when the function is left, whichever way.
 * That takes -fexceptions.
 */
#ifndef PORTER_REQUEST_H
#define PORTER_REQUEST_H

#include "4-allocator/refusal.h"

struct request {
	porter_tracked *t; /* or NULL: there is nothing to be done */
	uint64_t charged;
};

#define NO_REQUEST      \
	{               \
		NULL, 0 \
	}

static inline void porter__request(struct request *request, porter_tracked *t,
				   uint64_t charged)
{
	request->charged = charged;
	request->t = t;
}

static inline void porter__grant(struct request *request)
{
	request->t = NULL;
}

static inline void porter__end_request(const struct request *request)
{
	if (unlikely(request->t))
		porter__request_failed(request->t, request->charged);
}

#define REQUEST AT_END(porter__end_request) struct request

#endif /* PORTER_REQUEST_H */
