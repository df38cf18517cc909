/* SPDX-License-Identifier: MIT */
/*
 * watermark.c: a watermark is crossed for certain, or not.
 */
#include "3-account/watermark.h"

#include "3-account/drain.h"

const struct watermark_user *porter__watermark_look(struct account *a)
{
	porter__drain(a);
	if (!may_be_crossed(a) || !a->user)
		return NULL;
	return a->user->crossed(a) ? a->user : NULL;
}
