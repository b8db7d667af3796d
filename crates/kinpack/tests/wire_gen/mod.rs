//! Messages written field by field, as no careful writer would: any order, fields that nobody
//! knows, groups, over-long varints, scalars that come twice.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    /// The first record that lacks a required field.
    pub(crate) missing: Option<usize>,
}

#[derive(Clone, Debug)]
struct Varint(u64, usize);

impl Varint {
    /// `self.1` more bytes than needed, ten at most.
    fn push(&self, out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        let mut value = self.0;
        loop {
            bytes.push(value as u8 & 0x7F);
            value >>= 7;
            if value == 0 {
                break;
            }
        }
        let padded = (bytes.len() + self.1).min(10);
        bytes.resize(padded, 0);
        let last = bytes.len() - 1;
        for byte in &mut bytes[..last] {
            *byte |= 0x80;
        }
        out.extend(bytes);
    }
}

fn padding() -> impl Strategy<Value = usize> {
    prop_oneof![9 => Just(0_usize), 1 => 1_usize..9]
}

fn length_delimited(out: &mut Vec<u8>, number: u64, padding: usize, bytes: &[u8]) {
    Varint(number << 3 | 2, padding / 3).push(out);
    Varint(bytes.len() as u64, padding).push(out);
    out.extend_from_slice(bytes);
}

/// A field of a number that the format does not use.
fn unknown() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![5_u64..20, 1_000_u64..100_000, Just((1 << 29) - 1)];
    let leaf = (number.clone(), any::<u64>(), padding(), 0..4_u8).prop_map(
        |(number, value, padding, wire)| {
            let mut out = Vec::new();
            match wire {
                0 => {
                    Varint(number << 3, padding / 3).push(&mut out);
                    Varint(value, padding).push(&mut out);
                }
                1 => {
                    Varint(number << 3 | 1, 0).push(&mut out);
                    out.extend(value.to_le_bytes());
                }
                2 => length_delimited(&mut out, number, padding, &value.to_le_bytes()),
                _ => {
                    Varint(number << 3 | 5, 0).push(&mut out);
                    out.extend((value as u32).to_le_bytes());
                }
            }
            out
        },
    );
    leaf.prop_recursive(6, 12, 3, move |inner| {
        (number.clone(), vec(inner, 0..3)).prop_map(|(number, inner)| {
            let mut out = Vec::new();
            Varint(number << 3 | 3, 0).push(&mut out);
            out.extend(inner.concat());
            Varint(number << 3 | 4, 0).push(&mut out);
            out
        })
    })
}

fn tag() -> impl Strategy<Value = Vec<u8>> {
    ("[a-zé]{0,4}", option::of("[a-z]{0,4}"), padding(), vec(unknown(), 0..2)).prop_map(
        |(key, value, padding, unknown)| {
            let mut out = unknown.concat();
            if let Some(value) = value {
                length_delimited(&mut out, 2, padding, value.as_bytes());
            }
            length_delimited(&mut out, 1, padding, key.as_bytes());
            out
        },
    )
}

/// One field of a record, and which required one it is.
fn record_field() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let index = |number: u64| {
        (0..6_u64, padding()).prop_map(move |(index, padding)| {
            let mut out = Vec::new();
            Varint(number << 3, padding / 3).push(&mut out);
            Varint(index, padding).push(&mut out);
            (number as u8, out)
        })
    };
    let data = (vec(any::<u8>(), 0..200), padding()).prop_map(|(data, padding)| {
        let mut out = Vec::new();
        length_delimited(&mut out, 3, padding, &data);
        (3, out)
    });
    let tag = (tag(), padding()).prop_map(|(tag, padding)| {
        let mut out = Vec::new();
        length_delimited(&mut out, 4, padding, &tag);
        (4, out)
    });
    prop_oneof![
        6 => index(1),
        2 => index(2),
        6 => data,
        1 => tag,
        1 => unknown().prop_map(|out| (0, out)),
    ]
}

/// Mostly whole, sometimes without a required field.
fn record() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let whole = (0..6_u64, 0..100_usize).prop_map(|(index, len)| {
        let mut out = vec![0x08, index as u8];
        length_delimited(&mut out, 3, 0, &vec![b'd'; len]);
        (true, out)
    });
    let any_order = vec(record_field(), 2..8).prop_map(|fields| {
        let has = |kind| fields.iter().any(|field| field.0 == kind);
        let whole = has(1) && has(3);
        (whole, fields.into_iter().flat_map(|field| field.1).collect())
    });
    prop_oneof![3 => whole, 2 => any_order]
}

pub(crate) fn message() -> impl Strategy<Value = Message> {
    let field = prop_oneof![
        5 => ("[a-z0-9é𝟘]{0,6}", padding()).prop_map(|(key, padding)| {
            let mut out = Vec::new();
            length_delimited(&mut out, 1, padding, key.as_bytes());
            (None, out)
        }),
        3 => ("[0-9]{0,6}", padding()).prop_map(|(key, padding)| {
            let mut out = Vec::new();
            length_delimited(&mut out, 2, padding, key.as_bytes());
            (None, out)
        }),
        4 => (record(), padding()).prop_map(|((whole, body), padding)| {
            let mut out = Vec::new();
            length_delimited(&mut out, 3, padding, &body);
            (Some(whole), out)
        }),
        1 => unknown().prop_map(|out| (None, out)),
    ];
    vec(field, 1..25).prop_map(|fields| {
        let missing = fields.iter().filter_map(|field| field.0).position(|whole| !whole);
        Message { bytes: fields.into_iter().flat_map(|field| field.1).collect(), missing }
    })
}
