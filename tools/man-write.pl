# SPDX-License-Identifier: MIT
#
# man-write.pl: the part of man-from-headers that writes pages.
#
# function_page() and type_page() write mdoc(7) from what man-read.pl has read.

use strict;
use warnings;

use Errno ();
use File::Basename qw(basename);

our (%functions, @types, %compile, %initializers, $version);
our %examples;	# by name: the program in EXAMPLES
our $date = 'January 1, 1970';

sub escape
{
	my ($text) = @_;

	$text =~ s/\\/\\e/g;
	$text =~ s/(?<![\w)])-(?=\d)/\\-/g;
	return $text;
}

# A word that is more than text, as an mdoc macro; undef for plain ones.
sub macro_of
{
	my ($word, $f) = @_;

	return undef unless $word =~ /^([(\[]*)(.*?)('s)?([.,:;)\]?!]*)$/s;
	my ($open, $core, $genitive, $close) = ($1, $2, $3 // '', $4);
	# `name()` keeps its parentheses.
	$core .= ')' if $core =~ /^\w+\($/ && $close =~ s/^\)//;
	my $macro;

	if ($core =~ /^@(\w+)$/) {
		$macro = "Fa $1";
	} elsif ($core =~ /^(\w+)(->\w+)$/ && $f->{doc}{parameters}{$1}) {
		$macro = "Fa $1$2";
	} elsif ($core =~ /^(\w+)\(\)$/) {
		$macro = $1 ne $f->{name} && $functions{$1} ? "Xr $1 3"
							    : "Fn $1";
	} elsif ($core =~ /^E[A-Z0-9]+$/ && exists $!{$core}) {
		$macro = "Er $core";
	} elsif ($core eq 'errno') {
		$macro = 'Va errno';
	} elsif ($core eq 'PORTER_ALLOCATOR') {
		$macro = "Ev $core";
	} elsif ($core =~ /^(?:NULL|[A-Z][A-Z0-9]*_[A-Z0-9_]+)$/) {
		$macro = "Dv $core";
	} elsif ($core ne $f->{name} && is_type($core)) {
		$macro = "Xr $core 3";
	}
	return undef unless defined $macro;
	# Opening delimiters stand before a macro only on a line of `No`.
	return '.' . join ' ',
		$open eq '' ? () : ('No', split(//, $open), 'Ns'), $macro,
		$genitive eq '' ? () : ('Ns', $genitive), split //, $close;
}

# Text of one paragraph: a sentence begins on a line of its own.
sub flow
{
	my ($text, $f) = @_;
	my ($out, $line) = ('', '');
	my @words = split ' ', $text;
	my $flush = sub {
		return if $line eq '';
		$line = "\\&$line" if $line =~ /^[.']/;
		$out .= "$line\n";
		$line = '';
	};

	while (@words) {
		my $word = shift @words;
		# In `sizeof(struct porter_stats)` there is no other page to see.
		my $macro = $line =~ /\(struct$/ ? undef : macro_of($word, $f);

		if (defined $macro) {
			$flush->();
			$out .= "$macro\n";
			next;
		}
		$word = escape($word);
		$flush->() if length("$line $word") > 76;
		$line .= $line eq '' ? $word : " $word";
		$flush->() if $word =~ /[.!?][)"]*$/ && @words
			&& $words[0] =~ /^["(]?[A-Z@]/;
	}
	$flush->();
	return $out;
}

sub literal
{
	my ($text) = @_;

	1 while $text =~ s/^([^\t\n]*)\t/$1 . ' ' x (8 - length($1) % 8)/me;
	$text = escape($text);
	$text =~ s/^(?=[.'])/\\&/mg;
	return ".Bd -literal -offset indent\n$text\n.Ed\n";
}

# Paragraphs, and blocks of lines that begin with a tab, which are shown as
# they stand.
sub paragraphs
{
	my ($text, $f) = @_;
	my $out = '';

	for my $block (split /\n\n+/, $text) {
		if ($block =~ /^\t/) {
			$block =~ s/^\t//mg;
			$out .= literal($block);
		} else {
			$out .= ".Pp\n" if $out ne '';
			$out .= flow($block, $f);
		}
	}
	return $out;
}

sub sentence
{
	my ($text, $f) = @_;

	return paragraphs($text =~ /^\w+\(\)|^errno\b/ ? $text : ucfirst $text,
			  $f);
}

sub tagged
{
	my ($width, @items) = @_;	# [ "macros and tag", "body" ]

	return ".Bl -tag -width $width\n"
		. join('', map { ".It $_->[0]\n$_->[1]" } @items) . ".El\n";
}

# `ECODE, when; ECODE, ECODE, when. More text.` as a list and more text.
sub errors
{
	my ($text, $f) = @_;
	my ($out, $rest, @items) = ('', '');

	return "None are reported.\n" if $text =~ /^none\.?$/;
	return sentence($text, $f) unless $text =~ /^E[A-Z0-9]+\b/;
	# The list ends with its first sentence that no code follows.
	($text, $rest) = ($1, $2)
		if $text =~ /^(.*?\.)\s+(?!E[A-Z0-9]+,)([A-Z].*)$/s;
	for my $item (split /[;.]\s+(?=E[A-Z0-9]+\b)/, $text) {
		my ($codes, $when) = $item =~
			/^(\w+(?:,\s+E[A-Z0-9]+\b)*),?\s*(.*?)\.?$/s;

		$codes =~ s/,\s+/ , /g;
		$when = 'not enough memory' if $when eq '' && $codes eq 'ENOMEM';
		push @items, [ "Bq Er $codes", flow(ucfirst("$when."), $f) ];
	}
	$out = tagged('Er', @items);
	$out .= ".Pp\n" . paragraphs($rest, $f) if $rest ne '';
	return $out;
}

# With a full stop, if it has no end yet.
sub ended
{
	my ($text) = @_;

	$text = ucfirst $text unless $text =~ /^\w+\(/;
	return $text . ($text =~ /[.!?]$/ ? '' : '.');
}

# A type with its comment: paragraphs, then lines of `member  what it is`, then
# paragraphs.
sub structure
{
	my ($type, $f) = @_;
	my ($text, $rest, $out, @items) = ('', '', '');

	for my $line (split /\n/, $type->{doc} ? $type->{doc}{body} : '') {
		if ($rest eq '' && $line =~ /^(\w+) {2,}(\S.*)$/) {
			push @items, [ $1, $2 ];
		} elsif ($rest eq '' && @items && $line =~ /^ {2,}(\S.*)$/) {
			$items[-1][1] .= " $1";
		} else {
			(@items ? $rest : $text) .= "$line\n";
		}
	}
	$out = $text eq '' ? '' : paragraphs($text, $f);
	$out .= literal($type->{code});
	$out .= tagged('total_allocated', map {
		[ "Va $_->[0]", flow(ended($_->[1]), $f) ] } @items)
		if @items;
	$rest =~ s/^\s+//;
	$out .= ".Pp\n" . paragraphs($rest, $f) if $rest ne '';
	return $out;
}

sub is_type
{
	my ($name) = @_;

	return scalar grep { $_->{name} eq $name } @types;
}

# The types in the function's signature, and the types in these.
sub types_of
{
	my ($f) = @_;
	my $text = join ' ', $f->{type}, map { $_->{text} } @{ $f->{parameters} };
	my @named = grep { $text =~ /\bstruct $_->{name}\b/ } @types;
	my $all = join ' ', $text, map { $_->{code} } @named;

	return grep { $_->{is} =~ /^(?:callback|enum)$/
			? $all =~ /\b$_->{name}\b/
			: $all =~ /\bstruct $_->{name}\b/ } @types;
}

sub synopsis
{
	my ($f) = @_;
	my @parameters = @{ $f->{parameters} };

	return ".Ft $f->{type}\n" . (@parameters
		? ".Fo $f->{name}\n"
			. join('', map { ".Fa \"$_->{text}\"\n" } @parameters)
			. ".Fc\n"
		: ".Fn $f->{name} void\n");
}

# How a program is compiled: the header of an adapter says it.
sub compile_of
{
	my ($f) = @_;

	return $compile{ $f->{file} }
		// 'cc file.c $(pkg-config --cflags --libs portermem)';
}

# The program that shows how one of the names is used, in the EXAMPLES section.
sub example_of
{
	for my $name (@_) {
		my ($user) = grep { $examples{$_} =~ /\b$name\b/ }
			sort keys %examples;

		$user = $name if defined $examples{$name};
		return literal($examples{$user}) if defined $user;
	}
	return undef;
}

sub section
{
	my ($heading, $text) = @_;

	return defined $text ? ".Sh $heading\n$text" : '';
}

# What all pages begin with.
sub beginning
{
	my ($it) = @_;
	my $header = basename($it->{file});
	my $summary = $it->{doc}{summary};

	$summary =~ s/\s+/ /g;
	return ".\\\" SPDX-License-Identifier: MIT\n"
		. ".\\\" Made from portermem/$header by tools/man-from-headers.\n"
		. ".Dd $date\n.Dt \U$it->{name}\E 3\n.Os portermem $version\n"
		. section('NAME', ".Nm $it->{name}\n.Nd " . escape($summary)
			. "\n");
}

# Threads and signals, and in what order others see it.
sub attributes
{
	my ($it) = @_;
	my %field = %{ $it->{doc}{fields} };
	my @known = grep { defined $field{$_} } qw(Threads Signals);

	return (@known ? section('ATTRIBUTES', tagged('Threads', map {
			[ $_, sentence($field{$_}, $it) ] } @known)) : '')
		. (defined $field{Ordering}
			? section('ORDERING', sentence($field{Ordering}, $it))
			: '');
}

# What the comment names comes first, then what is related otherwise, the nearest first.
sub related
{
	my ($it, @others) = @_;
	my $text = join ' ', $it->{doc}{body}, values %{ $it->{doc}{parameters} },
		map { $it->{doc}{fields}{$_} // '' } qw(Ownership Return Errors);
	my %seen = ($it->{name} => 1);
	my @all = grep { ($functions{$_} || is_type($_)) && !$seen{$_}++ }
		$text =~ /\b(porter_\w+)/g, @others;

	return @all[0 .. ($#all < 5 ? $#all : 5)];
}

sub see_also
{
	my ($it, @others) = @_;
	my @names = sort(related($it, @others));
	my $adapter = basename($it->{file}) =~ /^adapt-/;

	return section('SEE ALSO', join('', map { ".Xr $_ 3 ,\n" } @names)
		. ".Xr portermem 7" . ($adapter ? " ,\n.Xr portermem-adapters 7" : '')
		. "\n");
}

# Functions that the same header declares, the nearest first.
sub neighbours
{
	my ($it) = @_;
	my $distance = sub { abs $functions{ $_[0] }{line} - $it->{line} };

	return sort { $distance->($a) <=> $distance->($b) || $a cmp $b }
		grep { $functions{$_}{file} eq $it->{file} } keys %functions;
}

sub function_page
{
	my ($f) = @_;
	my $doc = $f->{doc};
	my %field = %{ $doc->{fields} };
	my $out = beginning($f) . section('SYNOPSIS',
		".In portermem/" . basename($f->{file}) . "\n" . synopsis($f)
		. ".Pp\n.Dl " . compile_of($f) . "\n");

	my @described = map {
		my $about = $doc->{parameters}{ $_->{name} };
		[ "Fa $_->{name}", flow(ended($about), $f) ]
	} @{ $f->{parameters} };
	my $body = paragraphs($doc->{body}, $f);
	my ($widest) = sort { length $b <=> length $a }
		map { $_->{name} } @{ $f->{parameters} };
	my $text = @described ? "The parameters:\n"
			. tagged($widest, @described)
			. ($body eq '' ? '' : ".Pp\n")
		: $body eq '' ? flow(ended($doc->{summary}), $f) : '';
	$text .= $body;
	$text .= '.Ss ' . declaration($_) . "\n" . structure($_, $f)
		for types_of($f);
	return $out . section('DESCRIPTION', $text)
		. (defined $field{Ownership}
			? section('OWNERSHIP', sentence($field{Ownership}, $f))
			: '')
		. section('RETURN VALUES', sentence($field{Return}, $f))
		. section('EXAMPLES', example_of($f->{name}))
		. section('ERRORS', errors($field{Errors}, $f))
		. attributes($f)
		. see_also($f, (map { $_->{name} } types_of($f)), neighbours($f));
}

# What the type is called in a program.
sub declaration
{
	my ($type) = @_;

	return ($type->{is} =~ /^(?:struct|union|enum)$/ ? "$type->{is} " : '')
		. $type->{name};
}

sub type_page
{
	my ($type) = @_;
	my $name = $type->{name};
	my $initializer = uc($name) . '_INIT';
	my $declaration = declaration($type);
	my @users = grep { grep { $_->{name} eq $name } types_of($functions{$_}) }
		keys %functions;

	# Those that name it in their own parameters first.
	my ($direct, $indirect) = ([], []);
	push @{ synopsis($functions{$_}) =~ /\b$name\b/ ? $direct : $indirect }, $_
		for sort @users;
	@users = @users ? (@$direct, @$indirect) : neighbours($type);
	return beginning($type)
		. section('SYNOPSIS', ".In portermem/" . basename($type->{file})
			. "\n.Pp\n.Vt $declaration\n"
			. ($initializers{$initializer}
				? ".Pp\n.Dl $declaration example = $initializer;\n"
				: ''))
		. section('DESCRIPTION', structure($type, $type))
		. section('EXAMPLES', example_of($name, @users))
		. attributes($type)
		. see_also($type, @users);
}

sub page
{
	my ($name) = @_;
	my ($type) = grep { $_->{name} eq $name } @types;

	return function_page($functions{$name}) if $functions{$name};
	return type_page($type) if $type;
	die "man-from-headers: no header declares $name\n";
}

1;
