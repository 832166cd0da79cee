# The script that the perl workload runs; prints the same on every run.
use strict;
use warnings;
use threads;
use threads::shared;
use Thread::Queue;
use Digest::SHA qw(sha256_hex);
use Storable qw(freeze thaw dclone);
use List::Util qw(sum0 shuffle);

my $seed = 42;
sub next_number { return $seed = $seed * 16807 % 2147483647; }

# a hash of arrays, grown and shrunk
my %words;
for my $i (1 .. 200_000) {
	my $n = next_number();
	push @{ $words{ "word" . $n % 20011 } }, $n;
}
printf "words: %d\n", scalar keys %words;
delete @words{ grep { /7$/ } keys %words };
printf "after delete: %d %d\n", scalar keys %words,
	sum0(map { scalar @$_ } values %words);
my @top = (sort { @{ $words{$b} } <=> @{ $words{$a} } || $a cmp $b }
	keys %words)[0 .. 9];
print "top: @top\n";

# long strings
my $text = join ' ', map { "$_=" . scalar @{ $words{$_} } } sort keys %words;
printf "text: %d %s\n", length $text, sha256_hex($text);
my $count = () = $text =~ /\bword(\d*)5(\d)=(\d+)/g;
print "matches: $count\n";
(my $changed = $text) =~ s/(\d+)=(\d+)/sprintf("%08d:%x", $1, $2)/ge;
printf "changed: %d %s\n", length $changed, sha256_hex($changed);
my $grown = '';
$grown .= chr(65 + $_ % 26) x ($_ % 50) for 1 .. 50_000;
printf "grown: %d %s\n", length $grown, sha256_hex($grown);
substr($grown, 1000, 500) = 'x' x 100_000;
printf "spliced: %d %s\n", length $grown, sha256_hex(reverse $grown);

# serialisation and deep copies
my $copy = thaw(freeze(dclone(\%words)));
printf "copy: %s\n",
	sha256_hex(join ',', map { "$_@{$copy->{$_}}" } sort keys %$copy);

# linked structures, freed recursively
my $list;
$list = { next => $list, value => $_ } for 1 .. 20_000;
my $length = 0;
for (my $p = $list; $p; $p = $p->{next}) { $length++; }
while ($list) { $list = delete $list->{next}; }
print "list: $length\n";

# interpreter threads: each clones the whole interpreter
%words = ();
undef $copy;
my $queue = Thread::Queue->new(1 .. 2000);
$queue->end;
my $total : shared = 0;
my @threads = map {
	threads->create(sub {
		my $own = 0;
		while (defined(my $n = $queue->dequeue_nb)) {
			$own += length sha256_hex("x" x $n) . join '', 1 .. $n % 100;
		}
		lock $total;
		$total += $own;
	});
} 1 .. 6;
$_->join for @threads;
print "threads: $total\n";

# forks
my @results;
for my $i (1 .. 30) {
	my $pid = open(my $pipe, '-|') // die "fork: $!";
	if (!$pid) {
		print sha256_hex(join ',', map { $_ * $i } 1 .. 5000);
		exit 0;
	}
	local $/;
	push @results, <$pipe>;
	close $pipe or die "child: $?";
}
printf "forks: %s\n", sha256_hex("@results");

# evaluated code and exceptions
my $evaluated = 0;
for my $i (1 .. 2000) {
	$evaluated += eval "sub { my \@a = (1 .. $i % 50); scalar \@a }->()";
	eval { die { code => $i } };
	$evaluated += $@->{code};
}
print "evaluated: $evaluated\n";
