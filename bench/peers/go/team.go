// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A stopwatch that the threads of a run start together. As cxx/team.h.
type stopwatch struct {
	arrived   *atomic.Int32
	parties   int32
	began     time.Time
	waits     float64
	wall, own float64
}

// Nanoseconds that this thread has waited for a processor, 0 where nobody knows.
func waited() float64 {
	var run, wait float64
	text, err := os.ReadFile("/proc/thread-self/schedstat")
	if err != nil {
		return 0
	}
	if _, err = fmt.Sscan(string(text), &run, &wait); err != nil {
		return 0
	}
	return wait
}

func (w *stopwatch) start() {
	w.waits = waited()
	w.arrived.Add(1)
	for w.arrived.Load() < w.parties {
	}
	w.began = time.Now()
}

func (w *stopwatch) stop() {
	w.wall = float64(time.Since(w.began).Nanoseconds())
	w.own = max(1, w.wall-(waited()-w.waits))
}

type order struct {
	work  func(me int, w *stopwatch)
	watch *stopwatch
}

// Goroutines that live as long as the program, each with a thread of its own
// that is bound to a processor.
type team struct {
	allowed unix.CPUSet
	orders  []chan order
	done    chan struct{}
}

func newTeam() *team {
	t := &team{done: make(chan struct{})}
	if err := unix.SchedGetaffinity(0, &t.allowed); err != nil {
		panic(err)
	}
	return t
}

func (t *team) bind(index int) {
	left := index % t.allowed.Count()
	for cpu := 0; ; cpu++ {
		if !t.allowed.IsSet(cpu) {
			continue
		}
		if left == 0 {
			var one unix.CPUSet
			one.Set(cpu)
			if err := unix.SchedSetaffinity(0, &one); err != nil {
				panic(err)
			}
			return
		}
		left--
	}
}

func (t *team) growTo(n int, atBirth func()) {
	for len(t.orders) < n {
		index, orders := len(t.orders), make(chan order)
		t.orders = append(t.orders, orders)
		go func() {
			runtime.LockOSThread()
			t.bind(index)
			atBirth()
			t.done <- struct{}{}
			for o := range orders {
				o.work(index, o.watch)
				t.done <- struct{}{}
			}
		}()
		<-t.done
	}
}

// The first n call work at the same time.
func (t *team) run(n int, work func(me int, w *stopwatch)) []*stopwatch {
	var arrived atomic.Int32
	watches := make([]*stopwatch, n)
	for i := range watches {
		watches[i] = &stopwatch{arrived: &arrived, parties: int32(n)}
		t.orders[i] <- order{work, watches[i]}
	}
	for range watches {
		<-t.done
	}
	return watches
}
