//! The function as Lambda starts it, under a Runtime API.

#[path = "../../../crates/kinpack-lambda/tests/support/events.rs"]
#[allow(dead_code)]
mod events;
#[path = "../../../crates/kinpack-lambda/tests/support/function.rs"]
#[allow(dead_code)]
mod function;
#[path = "../../../crates/kinpack-lambda/tests/support/runtime_api.rs"]
mod runtime_api;

use events::{ALL_GOOD, aggregated, event, failed_at, record};
use function::{Function, program};

#[test]
fn it_logs_user_records() {
    let mut function =
        Function::new(|| program("lambda-plain", env!("CARGO_BIN_EXE_lambda-plain")));
    let batch =
        event(&[record(1, Some("k"), b"one"), aggregated(2, &[("x", "2"), ("y", "three")])]);
    for _ in 0..2 {
        assert_eq!(function.returned(&batch), ALL_GOOD);
        let log = function.printed().join("\n");
        for (key, bytes) in [("k", 3), ("x", 1), ("y", 5)] {
            assert!(log.contains(&format!("key=\"{key}\" bytes={bytes}")), "{log}");
        }
    }
    let mut bad = record(2, Some("k"), b"");
    bad["kinesis"]["data"] = "*".into();
    assert_eq!(function.returned(&event(&[record(1, Some("k"), b"one"), bad])), failed_at(2));
    let log = function.printed().join("\n");
    assert!(log.contains("LAMBDA TAKES THE BATCH FOR DONE"), "{log}");
}
