//! Lambda's Kinesis trigger as pure code, and a model test of the consumer engine on it.
//!
//! The [`Trigger`] delivers batches of a [`stream`](StreamRecord) as an event source mapping does:
//! from the checkpoint, in lanes by outer partition key, with retries, bisect, limits on attempts
//! and age, standard or with enhanced fan-out. Time is a value. What the documents leave open is a
//! setting of the [`Mapping`].
//!
//! A [`Subject`] is a handler under test. It is given [`Invocation`]s, with all that its handler and
//! its surroundings will do, and tells [`Fact`]s; both are JSON, so that it may live in another
//! process ([`LineSubject`]). A [`Checker`] follows the facts and says what must not have happened. The
//! [`EngineSubject`] drives `kinpack_consumer::Engine` here.
//!
//! A schedule is a list of [`Choices`], random by a seed. One that fails is made smaller before it
//! is shown.
//!
//! ```
//! let tally = lambda_simulator::check_engine(0..50, None, 100).expect("the engine is right");
//! assert!(tally.invocations > 50);
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod check;
mod choices;
mod driver;
mod handler;
mod invocation;
mod lines;
mod model;
mod mutant;
mod plan;
mod store;
mod stream;
mod trigger;

pub use answer::{Answer, Verdict};
pub use check::{Checker, Violation};
pub use choices::{Choices, shrink};
pub use driver::EngineSubject;
pub use handler::{Handler, Memory};
pub use invocation::{End, Fact, Faults, Handling, Invocation, RunId, Subject, WriteFault};
pub use lines::{LineSubject, serve};
pub use model::{Failure, Tally, check_engine, run_engine, run_schedule};
pub use mutant::Mutant;
pub use plan::{Behaviour, EPOCH, Plan};
pub use store::Store;
pub use stream::{Delivery, Item, StreamRecord, User};
pub use trigger::{DeliveryId, Mapping, Moved, Trigger};
