// SPDX-License-Identifier: MIT
//! The protocols of accounts and peaks in C11's memory model.
//!
//! The models in the folder above tell which steps must come in which order, on
//! a machine that shows each store to everybody at once. Here the same steps
//! have the orders of the code (relaxed, acquire, release), and loom tries
//! everything that C11 allows: a load may return an older value, unless an order
//! forbids it. Each module is one protocol, with two or three threads.
//!
//! A mutation weakens one order or leaves one step out. The variable MUTATION of
//! the environment names it, so that one build serves all of them; with it, the
//! test must fail (../check-weak-memory.sh).

#![cfg(test)]

mod atomic_mode;
mod drain;
mod pair;

use loom::sync::atomic::Ordering;
use std::sync::OnceLock;

fn mutated(name: &str) -> bool {
    static MUTATION: OnceLock<String> = OnceLock::new();

    MUTATION.get_or_init(|| std::env::var("MUTATION").unwrap_or_default()) == name
}

/// The order that the code has, or none.
fn order(mutation: &str, order: Ordering) -> Ordering {
    if mutated(mutation) {
        Ordering::Relaxed
    } else {
        order
    }
}
