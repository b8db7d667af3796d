//! `kinpack unpack`, as it is run.
#![allow(clippy::unwrap_used)]

mod faults;
mod inputs;
mod memory;
mod options;
mod run;
