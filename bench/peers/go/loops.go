// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

const (
	step       = 64
	liveBlocks = 1024
)

type chance uint64

func (c *chance) next() uint64 {
	*c = *c*6364136223846793005 + 1442695040888963407
	return uint64(*c)
}

func blockSize(random uint64) int {
	return 16 + int(((random>>22)&0xffffffff)*513>>32)
}

type loop func(n int64, w *stopwatch)

// The number of the tracked allocator, with lines of its own.
var number struct {
	before [128]byte
	bytes  atomic.Int64
	after  [120]byte
}

func update(n int64, w *stopwatch) {
	w.start()
	for i := int64(0); i < n; i++ {
		number.bytes.Add(step)
	}
	w.stop()
	number.bytes.Add(-n * step)
}

//go:noinline
func charge(n int64) {
	number.bytes.Add(n)
}

func call(n int64, w *stopwatch) {
	w.start()
	for i := int64(0); i < n; i++ {
		charge(step)
	}
	w.stop()
	number.bytes.Add(-n * step)
}

var sink atomic.Uint64

func work(n int64, w *stopwatch) {
	x := uint64(1)
	w.start()
	for i := int64(0); i < n; i++ {
		for k := 0; k < 8; k++ {
			x = (x ^ x>>29) * 6364136223846793005
		}
		number.bytes.Add(step)
	}
	w.stop()
	sink.Store(x)
	number.bytes.Add(-n * step)
}

// A tracked allocator as a Go program has it: one atomic number on another
// allocator.
type tracked struct {
	memory.Allocator
}

func (t tracked) Allocate(size int) []byte {
	number.bytes.Add(int64(size))
	return t.Allocator.Allocate(size)
}

func (t tracked) Reallocate(size int, b []byte) []byte {
	number.bytes.Add(int64(size - len(b)))
	return t.Allocator.Reallocate(size, b)
}

func (t tracked) Free(b []byte) {
	number.bytes.Add(-int64(len(b)))
	t.Allocator.Free(b)
}

var seed atomic.Uint64

func pair(a memory.Allocator) loop {
	return func(n int64, w *stopwatch) {
		random := chance(seed.Add(1))
		live := make([][]byte, liveBlocks)
		for i := range live {
			live[i] = a.Allocate(blockSize(random.next()))
		}
		w.start()
		for i := int64(0); i < n; i++ {
			bits := random.next()
			block := &live[bits>>54]
			a.Free(*block)
			*block = a.Allocate(blockSize(bits))
		}
		w.stop()
		for _, block := range live {
			a.Free(block)
		}
	}
}

func read(value func() int64) loop {
	return func(n int64, w *stopwatch) {
		sum := int64(0)
		w.start()
		for i := int64(0); i < n; i++ {
			sum += value()
		}
		w.stop()
		sink.Store(uint64(sum))
	}
}

// Two threads allocate at the same time; each frees what the other has. What is
// wrong, or nothing.
func check(t *team, a memory.Allocator, value func() int64) (wrong string) {
	var held [2][][]byte
	begin, wanted := value(), int64(0)
	is := func(when string, wanted int64) {
		if got := value() - begin; got != wanted && wrong == "" {
			wrong = fmt.Sprintf("%s: %d wanted, %d read", when, wanted, got)
		}
	}
	t.run(2, func(me int, _ *stopwatch) {
		random := chance(me + 1)
		for i := 0; i < 20000; i++ {
			held[me] = append(held[me], a.Allocate(blockSize(random.next())))
		}
	})
	for _, blocks := range held {
		for _, block := range blocks {
			wanted += int64(len(block))
		}
	}
	is("two threads have allocated", wanted)
	t.run(2, func(me int, _ *stopwatch) {
		for _, block := range held[1-me] {
			a.Free(block)
		}
	})
	is("each has freed the other's", 0)
	return wrong
}
