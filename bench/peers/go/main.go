// SPDX-License-Identifier: MIT

// The worker in Go: does what the driver asks, as cxx/worker.cc does.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"
)

type variant struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	Against  string   `json:"against"`
	Counts   string   `json:"counts"`
	Exact    string   `json:"exact"`
	Negative string   `json:"negative"`
	Peak     string   `json:"peak"`
	Limit    string   `json:"limit"`
	Note     string   `json:"note"`
	Jobs     []string `json:"jobs"`
	loops    map[string]loop
	a        memory.Allocator
	value    func() int64
}

func newVariant(name, note string, a memory.Allocator, value func() int64) *variant {
	v := &variant{Name: name, Kind: "real", Against: "portermem", Counts: "size asked for",
		Exact: "always", Negative: "no", Peak: "no", Limit: "no", Note: note,
		a: a, value: value, loops: map[string]loop{"pair": pair(a)}}
	v.Jobs = []string{"pair"}
	if value != nil {
		v.loops["read"] = read(value)
		v.Jobs = append(v.Jobs, "read")
	}
	return v
}

func variants() []*variant {
	under := memory.NewGoAllocator()
	checked := memory.NewCheckedAllocator(under)
	c := mallocator.NewMallocator()

	one := newVariant("Go atomic.Int64 on arrow-go", "frees nothing: the collector does",
		tracked{under}, number.bytes.Load)
	for name, l := range map[string]loop{"update": update, "call": call, "work": work} {
		one.loops[name] = l
		one.Jobs = append(one.Jobs, name)
	}
	nothing := newVariant("Go arrow-go's allocator, untracked", "frees nothing: the collector does",
		under, nil)
	nothing.Kind = "floor"
	nothing.Counts, nothing.Exact, nothing.Negative, nothing.Peak, nothing.Limit = "", "", "", "", ""
	return []*variant{
		one,
		newVariant("Go CheckedAllocator", "for tests: notes each caller in a map",
			checked, func() int64 { return int64(checked.CurrentAlloc()) }),
		newVariant("Go arrow-go mallocator", "malloc by cgo, zeroed; a map of all blocks",
			c, c.AllocatedBytes),
		nothing,
	}
}

func timed(t *team, l loop, parties int, n int64) (wall, own, share float64) {
	share = 1
	for _, w := range t.run(parties, func(_ int, w *stopwatch) { l(n, w) }) {
		wall += w.wall / float64(n) / float64(parties)
		own += w.own / float64(n) / float64(parties)
		share = min(share, w.own/(w.wall+1))
	}
	return
}

func must(i int, err error) int {
	if err != nil {
		panic(err)
	}
	return i
}

func main() {
	all, t, known := variants(), newTeam(), map[string]float64{}
	out := json.NewEncoder(os.Stdout)
	touch := func() {
		for _, v := range all {
			v.a.Free(v.a.Allocate(step))
		}
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		number := func(i int) int { return must(strconv.Atoi(words[i])) }
		switch words[0] {
		case "list":
			for _, v := range all {
				if err := out.Encode(v); err != nil {
					panic(err)
				}
			}
			fmt.Println()
		case "threads":
			t.growTo(number(1), touch)
			fmt.Println("{}")
		case "measure":
			l, parties := all[number(1)].loops[words[2]], number(3)
			key := fmt.Sprint(words[1:4], len(t.orders))
			for n := int64(16); known[key] == 0; n *= 4 {
				if ns, _, _ := timed(t, l, parties, n); ns*float64(n) > 200e3 {
					known[key] = ns
				}
			}
			wall, own, share := timed(t, l, parties,
				int64(max(1, float64(number(4))*1e3/known[key])))
			fmt.Printf("{\"ns\": %.4f, \"own\": %.4f, \"share\": %.3f}\n", wall, own, share)
		case "check":
			v, wrong := all[number(1)], ""
			if v.value != nil {
				wrong = check(t, v.a, v.value)
			}
			fmt.Printf("{\"wrong\": %q}\n", wrong)
		default:
			panic("what is '" + lines.Text() + "'?")
		}
	}
}
