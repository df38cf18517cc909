// SPDX-License-Identifier: MIT
//! The worker in Rust: does what the driver asks, as cxx/worker.cc does.

mod loops;
mod team;
mod ways;

use loops::Loop;
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::Arc;
use team::Team;
use ways::{Allocator, Cap, Counted, Metrics, Prometheus, StatsAlloc, Way};

struct Variant {
    /// Name, when a read is exact, whether it is negative, peak, limit, note.
    about: [&'static str; 6],
    jobs: Vec<(&'static str, Loop)>,
    check: fn(&Team) -> String,
}

fn counter<W: Way>(about: [&'static str; 6]) -> Variant {
    let mut variant = allocator::<Counted<W>>(about);
    variant.jobs.push(("update", loops::update::<W>));
    variant.jobs.push(("call", loops::call::<W>));
    variant.jobs.push(("work", loops::work::<W>));
    variant
}

fn allocator<A: Allocator>(about: [&'static str; 6]) -> Variant {
    Variant {
        about,
        jobs: vec![("pair", loops::pair::<A>), ("read", loops::read::<A>)],
        check: loops::check::<A>,
    }
}

fn variants() -> Vec<Variant> {
    vec![
        allocator::<Cap>([
            "Rust cap", "always", "no", "no; a feature", "yes, may be passed",
            "when two are refused at once, the rest wraps round",
        ]),
        allocator::<StatsAlloc>([
            "Rust stats_alloc", "at rest", "yes", "no", "no",
            "two atomics a call, and no one number",
        ]),
        counter::<Prometheus>([
            "Rust prometheus IntGauge", "always", "no", "no", "no", "one atomic number",
        ]),
        counter::<Metrics>([
            "Rust metrics gauge", "always", "no", "no", "no",
            "a 64-bit float, by compare and exchange; read as Prometheus' page",
        ]),
    ]
}

fn touch_all() {
    loops::touch::<Cap>();
    loops::touch::<StatsAlloc>();
    loops::touch::<Counted<Prometheus>>();
    loops::touch::<Counted<Metrics>>();
}

fn list_line(v: &Variant) -> String {
    let keys = ["name", "exact", "negative", "peak", "limit", "note"];
    let texts = keys.iter().zip(v.about).map(|(k, t)| format!("\"{k}\": \"{t}\", "));
    let jobs: Vec<_> = v.jobs.iter().map(|j| format!("\"{}\"", j.0)).collect();
    format!(
        "{{{}\"kind\": \"real\", \"against\": \"portermem\", \
         \"counts\": \"size asked for\", \"jobs\": [{}]}}",
        texts.collect::<String>(),
        jobs.join(", ")
    )
}

/// Time of an operation, the same less waiting, and the least share of the latter.
fn timed(team: &Team, run: Loop, parties: usize, n: u64) -> (f64, f64, f64) {
    let operations = n as f64 * parties as f64;
    let watches = team.run(parties, Arc::new(move |_, watch| run(n, watch)));
    (
        watches.iter().map(|w| w.wall).sum::<f64>() / operations,
        watches.iter().map(|w| w.own).sum::<f64>() / operations,
        watches.iter().map(|w| w.own / (w.wall + 1.0)).fold(1.0, f64::min),
    )
}

fn main() {
    let all = variants();
    let mut team = Team::default();
    let mut known: HashMap<String, f64> = HashMap::new();

    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| words[i].parse::<usize>().unwrap();
        match words[0] {
            "list" => {
                for v in &all {
                    println!("{}", list_line(v));
                }
                println!();
            }
            "threads" => {
                team.grow_to(number(1), touch_all);
                println!("{{}}");
            }
            "measure" => {
                let jobs = &all[number(1)].jobs;
                let run = jobs.iter().find(|j| j.0 == words[2]).unwrap().1;
                let parties = number(3);
                let key = format!("{} {}", words[1..4].join(" "), team.size());
                let ns = known.entry(key).or_insert_with(|| {
                    let mut n = 16;
                    loop {
                        let ns = timed(&team, run, parties, n).0;
                        if ns * n as f64 > 200e3 {
                            break ns;
                        }
                        n *= 4;
                    }
                });
                let n = (number(4) as f64 * 1e3 / *ns).max(1.0) as u64;
                let (wall, own, share) = timed(&team, run, parties, n);
                println!("{{\"ns\": {wall:.4}, \"own\": {own:.4}, \"share\": {share:.3}}}");
            }
            "check" => println!("{{\"wrong\": \"{}\"}}", (all[number(1)].check)(&team)),
            _ => panic!("what is '{line}'?"),
        }
        std::io::stdout().flush().unwrap();
    }
    std::process::exit(0);
}
