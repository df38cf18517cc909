/* SPDX-License-Identifier: MIT */
#include <portermem/adapt-expat.h>

/* Once, in main(). */
int count_expat(porter_tracked *t)
{
	return porter_expat_install(t);
}

/* Instead of XML_ParserCreate(). */
XML_Parser counted_parser(void)
{
	return XML_ParserCreate_MM(NULL, porter_expat_memory(), NULL);
}
