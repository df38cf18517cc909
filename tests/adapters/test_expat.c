/* SPDX-License-Identifier: MIT */
/*
 * test_expat.c: expat on a tracked allocator.
 */
#include "trial.h"

#include <portermem/adapt-expat.h>

#include <string.h>

static const char document[] =
	"<?xml version='1.0' encoding='UTF-8'?>\n"
	"<!DOCTYPE list [<!ELEMENT list (item*, list?)>"
	"<!ENTITY who 'portermem'><!ATTLIST item kind CDATA 'plain'>]>\n"
	"<list><item>one &who;</item><item kind='a rather long value of an "
	"attribute'>two</item><!-- between --><list><item>&who; &who;</item>"
	"</list></list>";

struct seen {
	XML_Parser parser;
	int items, texts;
};

static void on_start(void *data, const char *name, const char **attributes)
{
	struct seen *seen = data;

	must(attributes);
	seen->items += strcmp(name, "item") == 0;
}

static void on_text(void *data, const char *text, int length)
{
	struct seen *seen = data;

	must(text && length > 0);
	seen->texts += length;
}

/* A model is the program's to free. */
static void on_model(void *data, const char *name, XML_Content *model)
{
	struct seen *seen = data;

	must(strcmp(name, "list") == 0);
	XML_FreeContentModel(seen->parser, model);
}

/* In small pieces, so that the parser keeps what is incomplete. */
static enum XML_Error parse(XML_Parser parser)
{
	enum { PIECE = 17, SIZE = sizeof(document) - 1 };

	for (int at = 0; at < SIZE; at += PIECE) {
		int rest = SIZE - at;
		int size = rest < PIECE ? rest : PIECE;

		if (XML_Parse(parser, document + at, size, size == rest) !=
		    XML_STATUS_OK)
			return XML_GetErrorCode(parser);
	}
	return XML_ERROR_NONE;
}

static bool job(porter_tracked *t)
{
	struct seen seen = { NULL, 0, 0 };
	enum XML_Error error;

	seen.parser = XML_ParserCreate_MM(NULL, porter_expat_memory(), NULL);
	if (!seen.parser)
		return false;
	trial_holds(t);
	XML_SetUserData(seen.parser, &seen);
	XML_SetElementHandler(seen.parser, on_start, NULL);
	XML_SetCharacterDataHandler(seen.parser, on_text);
	XML_SetElementDeclHandler(seen.parser, on_model);
	error = parse(seen.parser);
	must(error == XML_ERROR_NONE || error == XML_ERROR_NO_MEMORY);
	if (error == XML_ERROR_NONE)
		must(seen.items == 3 && seen.texts == 35);
	XML_ParserFree(seen.parser);
	return error == XML_ERROR_NONE;
}

TEST_APART(without_a_tracker_there_is_no_suite)
{
	porter_tracked *t = porter_tracked_new(NULL);

	must(!porter_expat_memory());
	must(porter_expat_install(NULL) == -1);
	must(!porter_expat_memory());
	must(porter_expat_install(t) == 0);
	must(porter_expat_memory());
}

int main(void)
{
	static struct adapted expat = {
		.install = porter_expat_install,
		.job = job,
		.rounds = 1000,
	};
	static const struct CMUnitTest tests[] = {
		TRIALS_WITH_INSTALL(&expat),
		cmocka_unit_test(without_a_tracker_there_is_no_suite),
	};

	return run_all("expat adapter", tests);
}
