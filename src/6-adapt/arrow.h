/* SPDX-License-Identifier: MIT */
/*
 * arrow.h: what the files of the Arrow adapter share.
 */
#ifndef PORTER_ARROW_PRIVATE_H
#define PORTER_ARROW_PRIVATE_H

#include <portermem/adapt-arrow.h>

/*
 * The bytes of an array's own buffers, not those of its children, as the type,
 * the length and the offset tell; -1 with errno EINVAL where they do not.
 */
int64_t porter__arrow_bytes(const struct ArrowSchema *schema,
			    const struct ArrowArray *array);

#endif /* PORTER_ARROW_PRIVATE_H */
