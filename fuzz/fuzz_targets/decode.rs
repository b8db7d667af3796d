//! Any bytes as the data of a Kinesis record.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinpack_fuzz::read::all_ways(data));
