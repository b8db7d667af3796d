//! Every back end that this processor has, against the `md-5` crate.
#![allow(clippy::unwrap_used)]

use md5::{Digest as _, Md5};
use md5_lanes::forced;
use proptest::collection::vec;
use proptest::prelude::*;

fn expected(message: &[u8]) -> [u8; 16] {
    Md5::digest(message).into()
}

fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

fn check(messages: &[Vec<u8>]) {
    let slices: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let expected: Vec<_> = slices.iter().map(|it| expected(it)).collect();
    for name in forced::names() {
        let mut digests = vec![[0; 16]; messages.len()];
        forced::md5_many(name, &slices, &mut digests);
        assert_eq!(digests, expected, "{name}");
    }
}

#[test]
fn the_back_ends_that_were_tried_are_named() {
    let names = forced::names();
    println!("back ends: {}", names.join(", "));
    assert_eq!(names.last(), Some(&"scalar"));
    // A run that is meant for one back end says so.
    if let Ok(best) = std::env::var("MD5_LANES_EXPECT") {
        assert_eq!(names[0], best);
    }
}

#[test]
fn one_message_of_every_length() {
    for len in 0..=300 {
        let message = bytes(len, 1);
        assert_eq!(md5_lanes::md5(&message), expected(&message));
        for name in forced::names() {
            assert_eq!(forced::md5(name, &message), expected(&message), "{name}, {len}");
        }
    }
}

#[test]
fn messages_of_every_length_side_by_side() {
    check(&(0..=300).map(|len| bytes(len, len as u8)).collect::<Vec<_>>());
}

#[test]
fn as_many_messages_as_fill_any_part_of_the_lanes() {
    for count in 0..=100 {
        check(&(0..count).map(|i| bytes(1_000 - i, i as u8)).collect::<Vec<_>>());
    }
}

proptest! {
    #[test]
    fn calls_in_between_change_nothing(
        message in vec(any::<u8>(), 0..5_000),
        wishes in vec(prop_oneof![Just(0), 0_usize..3_000, Just(usize::MAX)], 1..20),
    ) {
        for name in forced::names() {
            let mut calls = Vec::new();
            let digest = forced::md5_with(name, &message, |hashed| {
                calls.push(hashed);
                wishes[calls.len() % wishes.len()]
            });
            prop_assert_eq!(digest, expected(&message), "{}", name);
            // From nothing to the end, and never twice in the same place.
            prop_assert_eq!(calls[0], 0);
            prop_assert!(calls.is_sorted_by(|a, b| a < b));
            let padded = (message.len() + 8) / 64 * 64 + 64;
            prop_assert_eq!(*calls.last().unwrap(), padded);
        }
    }

    #[test]
    fn random_sets_of_messages(
        messages in vec(
            prop_oneof![3 => vec(any::<u8>(), 0..300), 1 => vec(any::<u8>(), 0..20_000)],
            0..=100,
        ),
    ) {
        check(&messages);
    }
}
