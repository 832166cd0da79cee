# What gdb does in the gdb workload: see tests/programs/gdb.sh.
set pagination off
set confirm off
set width 0

# through FUNCTION: goes to its next call and then, one instruction at a time,
# to its end.
define through
	tbreak *$arg0
	continue
	up
	set $back = $pc
	down
	tbreak *$back
	stepi 300000
	if $pc == $back
		printf "through $arg0\n"
	else
		printf "no end of $arg0 in sight\n"
		kill
	end
end

tbreak main
run
info proc
set $round = 0
while $round < 2
	through one_malloc
	through one_calloc
	through one_realloc
	through one_free
	through one_free
	set $round = $round + 1
end

# By source lines where the allocator has them, and by whole functions.
tbreak one_malloc
continue
set $lines = 0
while $lines < 60
	step
	set $lines = $lines + 1
end
printf "lines %d\n", $lines
tbreak one_free
continue
finish
continue
