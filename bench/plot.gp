# SPDX-License-Identifier: MIT
#
# plot.gp: cost against threads, for summary.py, which sets data, plot_file and
# cpus. Blocks 0 to 6 of the data are curves of pairs, 7 to 9 of adds; each line
# is threads, first quartile, median, third quartile.

if (plot_file[strlen(plot_file) - 3:] eq ".png") {
	set terminal pngcairo size 1120,560 font "DejaVu Sans,12"
} else {
	set terminal svg size 1120,560 font "DejaVu Sans,Helvetica,sans-serif,14" \
		background rgb "white"
}
set output plot_file

ours = "#0b6e4f"
plain = "#8a8f98"
backend = "#4f9fd0"
one = "#e08e0b"
four = "#c8382e"
locked = "#6a4c93"

set multiplot

# The keys for both halves: a plot of its own, without curves.
set lmargin at screen 0.02
set rmargin at screen 0.98
set tmargin at screen 0.99
set bmargin at screen 0.9
set key center center horizontal maxrows 2 reverse Left samplen 2 \
	spacing 1.3 width 2 textcolor rgb "#222222"
unset border
unset tics
plot [0:1] [0:1] \
     NaN with lines lw 4 lc rgb ours title "portermem", \
     NaN with lines lw 3 lc rgb one title "one atomic", \
     NaN with lines lw 3 lc rgb four title "four atomics (Arrow C++)", \
     NaN with lines lw 3 lc rgb locked title "a mutex", \
     NaN with lines lw 3 lc rgb backend title "system backend, untracked", \
     NaN with lines lw 3 lc rgb plain title "malloc and free"
unset key

set border 3 lc rgb "#777777"
set xtics nomirror (1, 2, 4, 8) textcolor rgb "#333333"
set ytics nomirror textcolor rgb "#333333"
set grid ytics lt 1 lc rgb "#dddddd" lw 1
set logscale x 2
set xrange [0.85:9.4]
set yrange [0:*]
set xlabel sprintf("threads, on %d processors", cpus) textcolor rgb "#333333"

# Curves stand a little beside each other, to tell their quartiles apart.
x(shift) = column(1) * (1 + 0.022 * shift)
curve = "with yerrorlines pt 7 ps 0.6 lw"

set lmargin at screen 0.065
set rmargin at screen 0.485
set tmargin at screen 0.8
set bmargin at screen 0.125
set title "Allocate and free, 16 to 528 bytes" font ",16" offset 0,-0.3
set ylabel "ns for a pair, of one processor" textcolor rgb "#333333" offset 1
plot data index 0 using (x(-2)):3:2:4 @curve 2 lc rgb plain, \
     data index 1 using (x(-1)):3:2:4 @curve 2 lc rgb backend, \
     data index 4 using (x(1)):3:2:4 @curve 2 lc rgb one, \
     data index 5 using (x(2)):3:2:4 @curve 2 lc rgb four, \
     data index 6 using (x(3)):3:2:4 @curve 2 lc rgb locked, \
     data index 2 using (x(0)):3:2:4 @curve 4 lc rgb ours

set lmargin at screen 0.565
set rmargin at screen 0.985
set title "Counting"
set ylabel "ns for an add, of one processor"
plot data index 8 using (x(1)):3:2:4 @curve 2 lc rgb one, \
     data index 9 using (x(2)):3:2:4 @curve 2 lc rgb locked, \
     data index 7 using (x(0)):3:2:4 @curve 4 lc rgb ours
unset multiplot
