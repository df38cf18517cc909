/* SPDX-License-Identifier: MIT */
/* expat.c: how much a parser holds while a long document goes by. */
#include <portermem/adapt-expat.h>
#include <portermem/portermem.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int feed(XML_Parser parser, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		if (XML_Parse(parser, text, (int)strlen(text), 0) !=
		    XML_STATUS_OK)
			return -1;
	return 0;
}

static void tell(const char *when, const porter_tracked *t)
{
	printf("%-18s %8" PRId64 "\n", when, porter_bytes_used(t));
}

int main(void)
{
	porter_tracked *t = porter_tracked_new(NULL);
	XML_Parser parser;
	int failed;
	int64_t leaked;

	if (!t || porter_expat_install(t) != 0) {
		perror("expat");
		return 1;
	}
	parser = XML_ParserCreate_MM(NULL, porter_expat_memory(), NULL);
	if (!parser)
		return 1;
	printf("%-18s %8s\n", "", "bytes");
	tell("a new parser", t);
	failed = feed(parser, "<list>", 1);
	tell("begun", t);
	failed |= feed(parser, "<item kind='short'>text</item>", 10000);
	tell("10000 items later", t);
	failed |= feed(parser, "<deep>", 1000);
	tell("1000 levels deep", t);
	XML_ParserFree(parser);
	tell("freed", t);
	return porter_tracked_destroy(t, &leaked) == 0 && leaked == 0 &&
			       !failed ?
		       0 :
		       1;
}
