/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-zstd.h>

ZSTD_CCtx *counted_context(porter_tracked *t)
{
	return ZSTD_createCCtx_advanced(porter_zstd_memory(t));
}
