# SPDX-License-Identifier: MIT
#
# man-read.pl: the part of man-from-headers that reads headers.
#
# read_header() cuts a header into comments and declarations, read_comment() cuts
# a comment into its parts, and check_function() and check_type() compare the two.

use strict;
use warnings;

my @FIELDS   = qw(Ownership Return Errors Threads Signals Ordering);
my @REQUIRED = qw(Return Errors Threads Signals);
my $FIELD    = join '|', @FIELDS;

my @problems;
my @mentions;	# { name, file, line }: of porter_...() in comments
our %functions;	# by name, of all headers
our @types;	# structs, enums and typedefs: { name, is, code, doc, file, line }
our %compile;	# by header: the line that compiles a program, of adapters
our %initializers;	# PORTER_..._INIT => 1, of all headers
our $version = '';

sub problem
{
	my ($file, $line, $text) = @_;

	push @problems, { file => $file, line => $line,
			  text => "$file:$line: $text\n" };
}

# ---- Reading a header ----

sub line_at
{
	my ($text, $position) = @_;

	return 1 + (substr($text, 0, $position) =~ tr/\n//);
}

# From the position of $$text on: everything to the end of a declaration, the
# `;` or the `}` of a body. Returns its code, without comments, and its source.
sub read_declaration
{
	my ($text) = @_;
	my $start = pos $$text;
	my ($code, $depth) = ('', 0);

	while (pos $$text < length $$text) {
		if ($$text =~ m{\G/\*.*?\*/}gcs || $$text =~ m{\G//[^\n]*}gc) {
			$code .= ' ';
		} elsif ($$text =~ m{\G^[ \t]*#(?:[^\n]*\\\n)*[^\n]*}gcm) {
			next;
		} elsif ($$text =~ m{\G("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')}gc) {
			$code .= $1;
		} elsif ($$text =~ m{\G(.)}gcs) {
			$code .= $1;
			$depth++ if $1 eq '{';
			last if $1 eq ';' && $depth == 0;
			if ($1 eq '}' && --$depth == 0) {
				# A body ends here; a struct has its `;` to come.
				last if $code =~ /^[^{]*\)\s*\{/;
			}
		}
	}
	return ($code, substr $$text, $start, pos($$text) - $start);
}

sub split_parameters
{
	my ($text) = @_;
	my ($depth, $one, @parameters) = (0, '');

	return () if $text =~ /^\s*(?:void)?\s*$/;
	for my $character (split //, $text) {
		$depth++ if $character eq '(';
		$depth-- if $character eq ')';
		if ($character eq ',' && $depth == 0) {
			push @parameters, $one;
			$one = '';
		} else {
			$one .= $character;
		}
	}
	push @parameters, $one;
	s/^\s+|\s+$//g for @parameters;
	return map { +{ text => $_, name => parameter_name($_) } } @parameters;
}

sub parameter_name
{
	my ($text) = @_;

	return '...' if $text eq '...';
	return $1 if $text =~ /\(\s*\*\s*(?:const\s+)?(\w+)\s*\)/;
	return $1 if $text =~ /(\w+)\s*(?:\[[^\]]*\]\s*)*$/;
	return $text;
}

# What a declaration declares: a function, a type (a struct, an enum, a typedef
# of a callback or of an opaque struct), or nothing that has a page.
sub read_meaning
{
	my ($code) = @_;

	$code =~ s/\s+/ /g;
	$code =~ s/^ //;
	return { kind => 'type', name => $2, is => $1 }
		if $code =~ /^(struct|union|enum) (\w+) ?\{/;
	return { kind => 'type', name => $1, is => 'callback' }
		if $code =~ /^typedef [^(;]*\( ?\* ?(\w+) ?\)/;
	return { kind => 'type', name => $1, is => 'opaque' }
		if $code =~ /^typedef struct (\w+) \1 ?;/;
	return { kind => 'other' } if $code =~ /^typedef\b/;
	$code =~ s/\{.*|;//;
	my $private = $code =~ /\bstatic\b/;
	$code =~ s/__attribute__ ?\(\(.*?\)\)//g;
	$code =~ s/\bPORTER_[A-Z_]+\b(?: ?\([^()]*\))?//g;
	$code =~ s/\b(?:extern|static|inline)\b//g;
	return { kind => 'other' }
		unless $code =~ /^ *([^(]*?) ?\b(\w+) ?\((.*)\) *$/;
	my ($type, $name, $parameters) = ($1, $2, $3);
	$type =~ s/ +/ /g;
	return { kind => 'function', name => $name, type => $type,
		 private => $private || index($name, "__") >= 0,
		 parameters => [ split_parameters($parameters) ] };
}

# An opaque type needs none: the struct of the same name may have it.
sub wants_comment
{
	my ($type) = @_;

	return $type->{name} =~ /^porter_/ && $type->{is} ne 'opaque';
}

sub read_header
{
	my ($file) = @_;
	my ($doc, $doc_line);

	open my $in, '<', $file or die "man-from-headers: $file: $!\n";
	my $text = do { local $/; <$in> };
	close $in;
	$version = $1 if $text =~ /^#define\s+PORTER_VERSION_STRING\s+"(.*?)"/m;

	pos $text = 0;
	while (pos $text < length $text) {
		my $line = line_at($text, pos $text);

		if ($text =~ m{\G\s+}gc) {
			next;
		} elsif ($text =~ m{\G/\*\*(?![*/])(.*?)\*/}gcs) {
			my $comment = $1;
			problem($file, $doc_line, "nothing after this comment")
				if defined $doc;
			($doc, $doc_line) = ($comment, $line);
		} elsif ($text =~ m{\G/\*.*?\*/}gcs) {
			next;
		} elsif ($text =~ m{\G#(?:[^\n]*\\\n)*[^\n]*}gc) {
			next;
		} elsif ($text =~ m{\G(?:\w+_DECLS\b|extern "C" \{|\})}gc) {
			next;
		} else {
			my ($code, $source) = read_declaration(\$text);
			my $it = read_meaning($code);

			$it->{file} = $file;
			$it->{line} = $line;
			if ($it->{kind} eq 'function') {
				$it->{doc} = read_comment($file, $doc_line, $doc)
					if defined $doc;
				$functions{ $it->{name} } = $it
					if $it->{doc} || !$it->{private};
			} elsif ($it->{kind} eq 'type') {
				$it->{code} = $source;
				$it->{doc} = read_comment($file, $doc_line, $doc)
					if defined $doc;
				push @types, $it
					if $it->{doc} || wants_comment($it);
			} elsif (defined $doc) {
				problem($file, $doc_line, "neither a function nor"
					. " a type after this comment");
			}
			undef $doc;
		}
	}
	problem($file, $doc_line, "nothing after this comment")
		if defined $doc;

	$compile{$file} = $1 if $text =~ /^ \*\t(cc file\.c .*)$/m;
	pos $text = 0;
	$initializers{$1} = 1 while $text =~ /^#define\s+(PORTER_\w+_INIT)\b/mg;
	while ($text =~ /\b(porter_\w+)\(\)/g) {
		push @mentions,
			{ name => $1, file => $file,
			  line => line_at($text, pos $text) };
	}
}

# ---- Reading a comment ----

sub comment_lines
{
	my ($comment) = @_;
	my @lines = split /\n/, $comment;

	s/^[ \t]*\*[ ]?|^[ \t]+$//, s/[ \t]+$// for @lines;
	shift @lines while @lines && $lines[0] eq '';
	pop @lines   while @lines && $lines[-1] eq '';
	s/^ // for @lines[0 .. ($#lines < 0 ? -1 : 0)];
	return @lines;
}

# A comment's name, summary, parameters, body and fields.
sub read_comment
{
	my ($file, $start, $comment) = @_;
	my $doc = { line => $start, parameters => {}, order => [], body => '',
		    fields => {} };
	my @lines = comment_lines($comment);
	my $first = shift @lines;
	my ($into, $fields) = (\$doc->{summary}, '');

	unless (defined $first && $first =~ /^(\w+) - (.+)$/) {
		problem($file, $start,
			"a comment begins with `name - what it does`");
		return $doc;
	}
	($doc->{name}, $doc->{summary}) = ($1, $2);
	while (@lines) {
		my $line = shift @lines;

		if ($line =~ /^(?:$FIELD):/) {
			$fields = join "\n", $line, @lines;
			last;
		} elsif ($line =~ /^@(\w+|\.\.\.):\s*(.*)$/) {
			problem($file, $start, "\@$1 is described twice")
				if exists $doc->{parameters}{$1};
			push @{ $doc->{order} }, $1;
			$doc->{parameters}{$1} = $2;
			$into = \$doc->{parameters}{$1};
		} elsif ($line eq '') {
			$into = \$doc->{body};
			$$into .= "\n\n" if $$into ne '';
		} else {
			$$into .= $$into =~ /\n\z|^\z/ ? $line : "\n$line";
		}
	}
	$fields =~ s/(?:\A|(?<=\n)|(?<=\.\s))($FIELD):\s+/\0$1\0/g;
	my (undef, @parts) = split /\0/, $fields;
	while (my ($name, $text) = splice @parts, 0, 2) {
		$text = '' unless defined $text;
		$text =~ s/\s+\z//;
		problem($file, $start, "$name: stands there twice")
			if exists $doc->{fields}{$name};
		problem($file, $start, "$name: is empty") if $text eq '';
		$doc->{fields}{$name} = $text;
	}
	return $doc;
}

# ---- Checking ----

sub check_function
{
	my ($f) = @_;
	my ($file, $line, $name, $doc) = @$f{qw(file line name doc)};

	unless ($doc) {
		problem($file, $line, "$name() has no comment");
		return;
	}
	return unless defined $doc->{name};
	problem($file, $doc->{line},
		"the comment of $name() calls it $doc->{name}")
		if $doc->{name} ne $name;
	my %declared = map { $_->{name} => 1 } @{ $f->{parameters} };
	for my $parameter (@{ $f->{parameters} }) {
		my $text = $doc->{parameters}{ $parameter->{name} };

		problem($file, $doc->{line},
			"$name() does not describe \@$parameter->{name}")
			if !defined $text || $text eq '';
	}
	for my $described (@{ $doc->{order} }) {
		problem($file, $doc->{line},
			"$name() has no parameter $described")
			unless $declared{$described};
	}
	for my $field (@REQUIRED) {
		problem($file, $doc->{line}, "$name() has no field $field:")
			unless defined $doc->{fields}{$field};
	}
	my $all = join ' ', $doc->{body}, values %{ $doc->{parameters} },
		values %{ $doc->{fields} };
	while ($all =~ /(?<!\w)@(\w+)/g) {
		problem($file, $doc->{line}, "$name() speaks of \@$1, "
			. "which is no parameter of it") unless $declared{$1};
	}
}

sub check_type
{
	my ($type) = @_;
	my ($file, $line, $name, $doc) = @$type{qw(file line name doc)};

	if (!$doc) {
		problem($file, $line, "$name has no comment");
	} elsif (defined $doc->{name} && $doc->{name} ne $name) {
		problem($file, $doc->{line},
			"the comment of $name calls it $doc->{name}");
	}
	problem($file, $doc->{line}, "$name has no parameter $_")
		for $doc ? @{ $doc->{order} } : ();
}

sub check_all
{
	check_function($functions{$_}) for sort keys %functions;
	check_type($_) for @types;
	for my $mention (@mentions) {
		problem($mention->{file}, $mention->{line},
			"$mention->{name}() is declared nowhere")
			unless $functions{ $mention->{name} };
	}
	for my $each (sort { $a->{file} cmp $b->{file}
			     || $a->{line} <=> $b->{line} } @problems) {
		print STDERR $each->{text};
	}
	exit 1 if @problems;
}

1;
